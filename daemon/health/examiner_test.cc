#include "daemon/health/examiner.h"

#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/health/fake_node.h"
#include "daemon/registry/fake_facts.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::health {
namespace {

using registry::HostOf;
using registry::kHostA;
using registry::kHostB;
using registry::PhyTo;
using registry::Settled;

using ::testing::SizeIs;

constexpr int kExpanders = 3, kDrives = 8, kPhys = 6, kEnclosures = 2;

NodeKey ExpanderKey(const HostKey host, int number) {
  return {host, SasAddress(0xE0 + static_cast<uint64_t>(number)), PhysicalPort(0)};
}
NodeKey DriveKey(const HostKey host, int number) {
  return {host, SasAddress(0x100 + static_cast<uint64_t>(number)), PhysicalPort(0)};
}

// Reports of a small node that contradict each other at times, as a storm makes them.
class RandomNode {
 public:
  explicit RandomNode(uint32_t seed) : random_(seed) {
    for (const HostKey host : {kHostA, kHostB}) {
      node_.Report({HostOf(host), Settled(host)}, host);
      node_.Report({HostOf(host)}, host, Source::kSysfs);
    }
  }

  FakeNode& node() { return node_; }

  // Something happens.
  void Act() {
    const HostKey host = Below(2) == 0 ? kHostA : kHostB;
    const Source source = Below(3) == 0 ? Source::kSysfs : Source::kFirmware;
    switch (Below(20)) {
      case 0:
        node_.now += absl::Seconds(Below(40));
        return;
      case 1:
        node_.now += absl::Milliseconds(Below(2000));
        return;
      case 2:
        if (Below(10) == 0) node_.baseline.Accept({}, node_.now);
        return;
      case 3:
        Dismiss(host);
        return;
      case 4:
        node_.now -= absl::Seconds(Below(2));  // somebody sets the clock
        return;
      default:
        break;
    }
    std::vector<Observation> observations;
    for (int i = Below(4); i >= 0; --i) observations.push_back(Report(host, source));
    node_.Report(std::move(observations), host, source, "something happened");
  }

 private:
  int Below(int limit) { return static_cast<int>(random_() % static_cast<uint32_t>(limit)); }

  NodeKey Owner(HostKey host) {
    const int number = Below(kExpanders + 1);
    return number == kExpanders ? NodeKey::Host(host) : ExpanderKey(host, number);
  }

  SasAddress Attached(HostKey host) {
    switch (Below(8)) {
      case 0:
        return SasAddress(0);
      case 1:
        return host.address;
      case 2:
      case 3:
        return DriveKey(host, Below(kDrives)).address;
      default:
        return ExpanderKey(host, Below(kExpanders)).address;
    }
  }

  LinkRate Rate() {
    static constexpr LinkRate kRates[] = {LinkRate::kUnknown, LinkRate::k6Gbps, LinkRate::k12Gbps,
                                          LinkRate::k12Gbps};
    return kRates[Below(4)];
  }

  Observation Report(HostKey host, Source source) {
    switch (Below(13)) {
      case 0: {
        ExpanderFacts facts;
        facts.key = ExpanderKey(host, Below(kExpanders));
        facts.parent = Owner(host);
        facts.enclosure = Enclosure();
        return facts;
      }
      case 1:
        if (Below(3) == 0) return ExpanderGone{ExpanderKey(host, Below(kExpanders))};
        return EndDeviceGone{DriveKey(host, Below(kDrives))};
      case 2:
      case 3:
      case 4: {
        const int drive = Below(kDrives);
        EndDeviceFacts facts =
            registry::Drive(host, DriveKey(host, drive).address.value(), State());
        facts.parent = Owner(host);
        facts.enclosure = Enclosure();
        facts.slot = static_cast<uint16_t>(Below(5) == 0 ? 1 : drive);
        if (Below(4) == 0) facts.protocols.target = Protocols::kSata;
        return facts;
      }
      case 5:
      case 6: {
        const int drive = Below(kDrives);
        return registry::Unit(host, DriveKey(host, drive).address.value(),
                              absl::StrCat("naa.", Below(6) == 0 ? Below(kDrives) : drive));
      }
      case 7:
        return LogicalUnitGone{DriveKey(host, Below(kDrives)), 0};
      case 8: {
        EnclosureFacts facts;
        facts.key = Enclosure();
        facts.host = host;
        facts.slot_count = 8;
        return facts;
      }
      case 9: {
        DiscoveryFacts facts = Settled(host);
        if (Below(2) == 0) facts.state = DiscoveryState::kInProgress;
        if (Below(6) == 0) facts.state = DiscoveryState::kFailed;
        return facts;
      }
      case 10:
        if (Below(10) > 0) break;
        if (Below(2) == 0) return HostGone{host};
        return source == Source::kSysfs ? Observation(HostOf(host)) : Observation(Settled(host));
      default:
        break;
    }
    return PhyTo(Owner(host), Below(kPhys), Attached(host), Below(kPhys + 1) - 1, Rate(), Rate());
  }

  EnclosureKey Enclosure() {
    return EnclosureKey(static_cast<uint64_t>(Below(kEnclosures + 1)) * 0x77);
  }

  DeviceState State() {
    static constexpr DeviceState kStates[] = {DeviceState::kDiscovered, DeviceState::kAttaching,
                                              DeviceState::kAttached,   DeviceState::kAttached,
                                              DeviceState::kBlocked,    DeviceState::kRemoving,
                                              DeviceState::kFailed};
    return kStates[Below(7)];
  }

  void Dismiss(HostKey host) {
    Dismissal dismissal;
    dismissal.resource = registry::MakeId<registry::EndDevice>(DriveKey(host, Below(kDrives)));
    if (Below(3) == 0) {
      dismissal.resource = registry::MakeId<registry::Expander>(ExpanderKey(host, 0));
    }
    dismissal.reason = "known";
    dismissal.create_time = node_.now;
    if (Below(2) == 0) dismissal.expire_time = node_.now + absl::Seconds(20);
    if (Below(2) == 0) {
      node_.dismissals.Add(std::move(dismissal));
    } else {
      node_.dismissals.Remove(dismissal.resource);
    }
  }

  std::mt19937 random_;
  FakeNode node_;
};

// Examine() of the fake node compares both reports.
TEST(ExaminerTest, ReportsWhatAFullExaminationFinds) {
  size_t findings = 0;
  absl::flat_hash_set<std::string> reasons;
  for (uint32_t seed = 1; seed <= 60 && !testing::Test::HasFailure(); ++seed) {
    RandomNode random(seed);
    for (int i = 0; i < 400 && !testing::Test::HasFailure(); ++i) {
      random.Act();
      if (i % 3 != 0) continue;  // some events are examined together
      for (const Finding& finding : random.node().Examine().findings) {
        ++findings;
        reasons.emplace(ToString(finding.id.reason));
      }
    }
    EXPECT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
  }
  EXPECT_GT(findings, 10'000u);
  for (const char* reason :
       {"NARROW_PORT", "SLOW_LINK", "SINGLE_PATH", "DEVICE_BLOCKED", "DEVICE_FAILED",
        "NOT_ATTACHED", "UNKNOWN_TO_FIRMWARE", "DRIVE_MISSING", "PATH_MISSING", "EXPANDER_MISSING",
        "HOST_MISSING", "SLOT_CONTRADICTION"}) {
    EXPECT_TRUE(reasons.contains(reason)) << reason << " never happened";
  }
}

// 1,000 drives behind 10 expanders of one host, each in an enclosure with its expander.
class LargeNodeTest : public ::testing::Test {
 protected:
  LargeNodeTest() {
    std::vector<Observation> all = {HostOf(kHostA)};
    for (int e = 0; e < 10; ++e) {
      ExpanderFacts expander;
      expander.key = ExpanderKey(kHostA, e);
      expander.parent = NodeKey::Host(kHostA);
      all.push_back(expander);
      all.push_back(PhyTo(NodeKey::Host(kHostA), e, expander.key.address, 0, LinkRate::k12Gbps));
      all.push_back(PhyTo(expander.key, 0, kHostA.address, e, LinkRate::k12Gbps));
      for (int d = 0; d < 100; ++d) {
        const NodeKey key = DriveKey(kHostA, 100 * e + d);
        EndDeviceFacts drive = registry::Drive(kHostA, key.address.value());
        drive.parent = expander.key;
        drive.slot = static_cast<uint16_t>(d);
        drive.enclosure = EnclosureKey(0x700 + static_cast<uint64_t>(e));
        all.push_back(drive);
        all.push_back(
            registry::Unit(kHostA, key.address.value(), absl::StrCat("naa.", 100 * e + d)));
        all.push_back(PhyTo(expander.key, d + 1, key.address, -1, LinkRate::k12Gbps));
      }
    }
    all.push_back(Settled(kHostA));
    node_.Report(std::move(all));
    node_.Examine();
  }

  FakeNode node_;
};

TEST_F(LargeNodeTest, AQuietNodeIsNotExaminedAgain) {
  node_.Examine();
  EXPECT_EQ(node_.examiner.examined_places(), 0u);
  node_.now += absl::Hours(1);
  node_.Examine();
  EXPECT_EQ(node_.examiner.examined_places(), 0u);
}

TEST_F(LargeNodeTest, AnEventExaminesWhatItTouches) {
  const NodeKey key = DriveKey(kHostA, 5);
  EndDeviceFacts drive = registry::Drive(kHostA, key.address.value(), DeviceState::kFailed);
  drive.parent = ExpanderKey(kHostA, 0);
  drive.enclosure = EnclosureKey(0x700);
  node_.Report({drive});
  EXPECT_THAT(node_.Problems(), SizeIs(1));
  EXPECT_LE(node_.examiner.examined_places(), 5u);
  EXPECT_GE(node_.examiner.examined_places(), 1u);
}

TEST_F(LargeNodeTest, DiscoveryOfTheHostLeavesHealthyDrivesAlone) {
  DiscoveryFacts discovery = Settled(kHostA);
  discovery.state = DiscoveryState::kInProgress;
  node_.Report({discovery});
  node_.Examine();
  EXPECT_LE(node_.examiner.examined_places(), 2u);
}

TEST_F(LargeNodeTest, WhatALostExpanderTakesAlongIsFound) {
  std::vector<Observation> gone;
  for (int d = 0; d < 100; ++d) gone.push_back(EndDeviceGone{DriveKey(kHostA, d)});
  gone.push_back(ExpanderGone{ExpanderKey(kHostA, 0)});
  gone.push_back(PhyTo(NodeKey::Host(kHostA), 0, SasAddress(0), -1, LinkRate::kUnknown));
  node_.Report(std::move(gone));
  EXPECT_EQ(node_.Status(), HealthStatus::kCritical);
  EXPECT_THAT(node_.Problems(), SizeIs(1));
}

}  // namespace
}  // namespace sasd::health
