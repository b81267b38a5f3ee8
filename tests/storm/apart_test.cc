#include "tests/storm/apart.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <string>

#include "absl/base/config.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr absl::Duration kLong = absl::Minutes(1);

TEST(ApartTest, OutputAndResultReachTheParent) {
  const std::string much(1 << 20, 'x');
  const Outcome outcome = RunApart(
      [&much](Say say) {
        say("one ");
        say(much);
        return std::string("wrong");
      },
      kLong);
  EXPECT_EQ(outcome.said, "one " + much);
  EXPECT_EQ(outcome.failure, "wrong");
}

TEST(ApartTest, SuccessHasNoFailureText) {
  const Outcome outcome = RunApart([](Say) { return std::string(); }, kLong);
  EXPECT_EQ(outcome.said, "");
  EXPECT_EQ(outcome.failure, "");
  EXPECT_EQ(outcome.errors, "");
}

TEST(ApartTest, ADeadChildFailsWithItsOutput) {
  const Outcome outcome = RunApart(
      [](Say say) -> std::string {
        say("so far");
        std::cerr << "it breaks" << std::endl;
        raise(SIGKILL);
        return "";
      },
      kLong);
  EXPECT_EQ(outcome.said, "so far");
  EXPECT_EQ(outcome.failure, "signal: Killed");
  EXPECT_EQ(outcome.errors, "it breaks\n");
}

TEST(ApartTest, AnExitCodeIsAFailure) {
  EXPECT_EQ(RunApart([](Say) -> std::string { _exit(66); }, kLong).failure, "exit code 66");
}

TEST(ApartTest, AHangingChildIsKilled) {
  const Outcome outcome = RunApart(
      [](Say say) -> std::string {
        say("so far");
        while (true) pause();
      },
      absl::Milliseconds(100));
  EXPECT_EQ(outcome.said, "so far");
  EXPECT_EQ(outcome.failure, "hangs: no output for 100ms");
}

#if defined(ABSL_HAVE_ADDRESS_SANITIZER)
TEST(ApartTest, ASanitizerSummaryIdentifiesTheFault) {
  const auto use_after_free = [](Say) -> std::string {
    auto freed = std::make_unique<int>(1);
    int* const dangling = freed.get();
    freed.reset();
    return std::string(static_cast<size_t>(*dangling), 'x');
  };
  const Outcome outcome = RunApart(use_after_free, kLong);
  EXPECT_THAT(outcome.failure, StartsWith("AddressSanitizer: heap-use-after-free "));
  EXPECT_THAT(outcome.errors, HasSubstr("freed by thread"));
  EXPECT_EQ(RunApart(use_after_free, kLong).failure, outcome.failure);
}
#endif

}  // namespace
}  // namespace sasd::testing
