#include "daemon/health/trends.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/fake_pump.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::health {
namespace {

using registry::Drive;
using registry::ExpanderOn;
using registry::HostOf;
using registry::kHostA;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class TrendsTest : public ::testing::Test {
 protected:
  void Report(std::vector<Observation> observations, CauseKind cause = CauseKind::kFirmwareEvent) {
    ObservationBatch batch = registry::Batch(std::move(observations));
    batch.cause.kind = cause;
    registry_.Observe(std::move(batch));
    for (const registry::RegistryEventPtr& event : registry_.TakeEvents()) {
      trends_.Take(*event, now_);
    }
  }
  // Roots.
  std::vector<std::string> Reasons() {
    std::vector<std::string> reasons;
    for (const Finding& finding : trends_.FindingsAt(now_)) {
      if (!finding.root_cause.has_value()) {
        reasons.push_back(std::string(ToString(finding.id.reason)));
      }
    }
    return reasons;
  }

  registry::SelfPublishingRegistry registry_{{"00000000000000aa", 0}};
  Trends trends_;
  absl::Duration now_ = absl::Hours(5);
};

TEST_F(TrendsTest, DeviceThatComesAndGoesFlaps) {
  Report({HostOf(kHostA)});
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(Reasons(), IsEmpty());
    Report({Drive(kHostA, 0x11)});
    Report({EndDeviceGone{{kHostA, SasAddress(0x11), PhysicalPort(0)}}});
  }
  EXPECT_THAT(Reasons(), ElementsAre("FLAPPING"));
  now_ += absl::Minutes(11);
  EXPECT_THAT(Reasons(), IsEmpty());
}

TEST_F(TrendsTest, DevicesBehindAFlappingExpanderFollowFromIt) {
  Report({HostOf(kHostA)});
  EndDeviceFacts drive = Drive(kHostA, 0x11);
  drive.parent = ExpanderOn(kHostA).key;
  for (int i = 0; i < 3; ++i) {
    Report({ExpanderOn(kHostA), drive});
    Report({EndDeviceGone{drive.key}, ExpanderGone{drive.parent}});
  }
  EXPECT_EQ(trends_.FindingsAt(now_).size(), 2);
  EXPECT_THAT(Reasons(), ElementsAre("FLAPPING"));
}

TEST_F(TrendsTest, HostThatIsResetAgainAndAgainIsReported) {
  Report({HostOf(kHostA)});
  for (int i = 0; i < 3; ++i) Report({}, CauseKind::kHostReset);
  for (int i = 0; i < 2; ++i) Report({}, CauseKind::kResync);
  EXPECT_THAT(Reasons(), ElementsAre("REPEATED_RESETS"));
  Report({}, CauseKind::kResync);
  EXPECT_THAT(Reasons(), ElementsAre("REPEATED_RESETS", "REPEATED_GAPS"));
}

}  // namespace
}  // namespace sasd::health
