#include "tests/storm/shrink.h"

#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/storm/stepwise.h"
#include "tests/support/random_fabric.h"

namespace sasd::testing {
namespace {

// A made-up failure: a storm fails if a drive is pulled and a host is reset afterwards.
bool Blames(const std::vector<Step>& steps) {
  const auto pull =
      absl::c_find_if(steps, [](const Step& step) { return step.kind == Step::Kind::kPull; });
  return std::any_of(pull, steps.end(),
                     [](const Step& step) { return step.kind == Step::Kind::kReset; });
}

TEST(ShrinkTest, KeepsOnlyTheTwoStepsThatMatter) {
  const Script script = MakeStepwiseScript(1, 1'000);
  ASSERT_TRUE(Blames(script.steps));
  const std::vector<Step> few = Shrink(script.steps, Blames);
  ASSERT_EQ(few.size(), 2u);
  EXPECT_EQ(few[0].kind, Step::Kind::kPull);
  EXPECT_EQ(few[1].kind, Step::Kind::kReset);
  EXPECT_EQ(few[0].inside, 0u);
}

TEST(ShrinkTest, HalvesCountsWhileTheScriptFails) {
  Step lost;
  lost.kind = Step::Kind::kEventsLost;
  lost.element = "h0";
  lost.a = 64;
  const std::vector<Step> few = Shrink({lost, Step(), lost}, [](const std::vector<Step>& steps) {
    return absl::c_any_of(steps, [](const Step& step) { return step.a >= 5; });
  });
  ASSERT_EQ(few.size(), 1u);
  EXPECT_EQ(few[0].a, 8u);
}

TEST(ShrinkTest, StopsAtTheLimitOfTries) {
  int tries = 0;
  const auto fails = [&tries](const std::vector<Step>&) { return ++tries < 0; };
  (void)Shrink(std::vector<Step>(1'000), fails, 3);
  EXPECT_EQ(tries, 3);
}

TEST(StepwiseTest, AScriptSurvivesItsTextForm) {
  const Script script = MakeStepwiseScript(3, 2'000);
  const absl::StatusOr<Script> back = ParseScript(ToString(script));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->fabric_seed, 3u);
  EXPECT_EQ(back->steps, script.steps);
}

TEST(StepwiseTest, ParseErrorsNameTheBadLine) {
  EXPECT_THAT(std::string(ParseScript("fabric 1\npull d0\nfrobnicate d0").status().message()),
              ::testing::HasSubstr("frobnicate d0"));
  EXPECT_FALSE(ParseScript("pull d0").ok());
  EXPECT_FALSE(ParseStep("phy-down x0").ok());
  EXPECT_FALSE(ParseStep("pull d0 d1").ok());
}

TEST(StepwiseTest, AScriptRunsTheSameEachTime) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const Script script = MakeStepwiseScript(seed, 200);
    const StepwiseReport once = RunStepwise(script), again = RunStepwise(script);
    EXPECT_EQ(once.digest, again.digest) << seed;
    EXPECT_EQ(once.events, again.events) << seed;
    EXPECT_GT(once.events, 0u) << seed;
  }
}

}  // namespace
}  // namespace sasd::testing
