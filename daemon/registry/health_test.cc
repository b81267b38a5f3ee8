#include "daemon/registry/health.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/registry.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::registry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A registry that is told facts as a driver would.
class HealthTest : public ::testing::Test {
 protected:
  HealthTest() { Tell({HostOf(kHostA), Settled(kHostA)}); }

  void Tell(std::vector<Observation> observations, SasAddress host = kHostA) {
    registry_.Observe(Batch(std::move(observations), host));
  }

  std::vector<std::string> Problems() {
    std::vector<std::string> problems;
    for (const Finding& finding : FindProblems(*registry_.Snapshot())) {
      problems.push_back(absl::StrCat(static_cast<int>(finding.severity), " ",
                                      ToString(finding.reason), " ", finding.message));
    }
    return problems;
  }

  Registry registry_{{"00000000000000aa", 0}};
  const NodeKey host_ = NodeKey::Host(kHostA);
  const NodeKey expander_{kHostA, kExpander, PhysicalPort(0)};
};

TEST_F(HealthTest, NothingIsWrongWithWhatIsWell) { EXPECT_THAT(Problems(), IsEmpty()); }

TEST_F(HealthTest, AWidePortThatLostALaneIsNarrow) {
  Tell({ExpanderOn(kHostA), PhyTo(host_, 0, kExpander, 0, LinkRate::k12Gbps),
        PhyTo(host_, 1, kExpander, 1, LinkRate::k12Gbps),
        PhyTo(expander_, 0, kHostA, 0, LinkRate::k12Gbps),
        PhyTo(expander_, 1, kHostA, 1, LinkRate::k12Gbps)});
  EXPECT_THAT(Problems(), IsEmpty());
  Tell({PhyTo(host_, 1, SasAddress(0), -1, LinkRate::kDisabled),
        PhyTo(expander_, 1, SasAddress(0), -1, LinkRate::kUnknown)});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("2 NARROW_PORT"))) << "once, not from both ends";
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("1 of 2 phys")));
  Tell({PhyTo(host_, 1, kExpander, 1, LinkRate::k12Gbps),
        PhyTo(expander_, 1, kHostA, 1, LinkRate::k12Gbps)});
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(HealthTest, ALinkSlowerThanBothEndsSupportIsSlow) {
  Tell({ExpanderOn(kHostA), PhyTo(host_, 0, kExpander, 0, LinkRate::k6Gbps),
        PhyTo(expander_, 0, kHostA, 0, LinkRate::k6Gbps)});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("2 SLOW_LINK")));
}

TEST_F(HealthTest, ALinkAsFastAsItsSlowerEndIsNotSlow) {
  Tell({ExpanderOn(kHostA), PhyTo(host_, 0, kExpander, 0, LinkRate::k6Gbps),
        PhyTo(expander_, 0, kHostA, 0, LinkRate::k6Gbps, LinkRate::k6Gbps)});
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(HealthTest, ALinkSlowerThanItWasIsSlow) {
  Tell({Drive(kHostA, 0x11, DeviceState::kAttached),
        PhyTo(host_, 0, SasAddress(0x11), -1, LinkRate::k12Gbps)});
  EXPECT_THAT(Problems(), IsEmpty());
  Tell({PhyTo(host_, 0, SasAddress(0x11), -1, LinkRate::k3Gbps)});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("2 SLOW_LINK")));
}

TEST_F(HealthTest, ADriveThatLostAPathHasOneOfTwo) {
  Tell({HostOf(kHostB), Settled(kHostB)}, kHostB);
  Tell({Drive(kHostA, 0x11, DeviceState::kAttached), Unit(kHostA, 0x11, "naa.1")});
  Tell({Drive(kHostB, 0x12, DeviceState::kAttached), Unit(kHostB, 0x12, "naa.1")}, kHostB);
  EXPECT_THAT(Problems(), IsEmpty());
  Tell({EndDeviceGone{{kHostB, SasAddress(0x12), PhysicalPort(0)}}}, kHostB);
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("2 SINGLE_PATH")));
}

TEST_F(HealthTest, ADriveWithOnePathAmongThoseWithTwoIsNamed) {
  Tell({HostOf(kHostB), Settled(kHostB)}, kHostB);
  Tell({Drive(kHostA, 0x11, DeviceState::kAttached), Unit(kHostA, 0x11, "naa.1"),
        Drive(kHostA, 0x13, DeviceState::kAttached), Unit(kHostA, 0x13, "naa.3")});
  EXPECT_THAT(Problems(), IsEmpty()) << "nobody has two";
  Tell({Drive(kHostB, 0x12, DeviceState::kAttached), Unit(kHostB, 0x12, "naa.1")}, kHostB);
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("naa.3")));
}

TEST_F(HealthTest, ASataDriveHasOnePortAndOnePath) {
  EndDeviceFacts sata = Drive(kHostA, 0x13, DeviceState::kAttached);
  sata.protocols.target = Protocols::kSata;
  Tell({HostOf(kHostB), Settled(kHostB)}, kHostB);
  Tell({Drive(kHostA, 0x11, DeviceState::kAttached), Unit(kHostA, 0x11, "naa.1"), sata,
        Unit(kHostA, 0x13, "naa.3")});
  Tell({Drive(kHostB, 0x12, DeviceState::kAttached), Unit(kHostB, 0x12, "naa.1")}, kHostB);
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_F(HealthTest, ABlockedDeviceIsAWarningAFailedOneCritical) {
  EndDeviceFacts failed = Drive(kHostA, 0x12, DeviceState::kFailed);
  failed.failure = "SATA initialization failed";
  Tell({Drive(kHostA, 0x11, DeviceState::kBlocked), failed});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("3 DEVICE_FAILED"), HasSubstr("2 DEVICE_BLOCKED")))
      << "the most severe first";
  EXPECT_THAT(Problems()[0], HasSubstr("SATA initialization failed"));
}

TEST_F(HealthTest, ADiscoveryErrorIsCriticalWhereDiscoveryFailed) {
  DiscoveryFacts facts = Settled(kHostA);
  facts.status = 0x10;
  facts.status_text = "SMP timeout";
  Tell({facts});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("2 DISCOVERY_ERROR")));
  facts.state = DiscoveryState::kFailed;
  Tell({facts});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("3 DISCOVERY_ERROR")));
}

TEST_F(HealthTest, AHostThatRecoversIsAWarning) {
  DiscoveryFacts facts = Settled(kHostA);
  facts.state = DiscoveryState::kRecovering;
  Tell({facts});
  EXPECT_THAT(Problems(), ElementsAre(HasSubstr("2 HOST_RECOVERING")));
}

}  // namespace
}  // namespace sasd::registry
