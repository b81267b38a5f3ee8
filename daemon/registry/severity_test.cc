#include "daemon/registry/severity.h"

#include <memory>
#include <utility>

#include "gtest/gtest.h"

namespace sasd::registry {
namespace {

using Severity = Notice::Severity;

template <typename T>
Change Modified(T before, T after) {
  Change change;
  change.before = std::make_shared<const T>(std::move(before));
  change.after = std::make_shared<const T>(std::move(after));
  return change;
}

template <typename T>
Change Added(T after) {
  Change change;
  change.before = std::shared_ptr<const T>();
  change.after = std::make_shared<const T>(std::move(after));
  return change;
}

template <typename T>
Change Removed(T before = {}) {
  Change change;
  change.before = std::make_shared<const T>(std::move(before));
  change.after = std::shared_ptr<const T>();
  return change;
}

EndDevice DeviceIn(DeviceState state) {
  EndDevice device;
  device.facts.state = state;
  return device;
}

Port PortOf(uint8_t width, LinkRate rate) {
  Port port;
  port.width = width;
  port.link_rate = rate;
  return port;
}

LogicalUnit UnitWith(size_t paths) {
  LogicalUnit unit;
  unit.paths.resize(paths);
  return unit;
}

TEST(SeverityTest, WhatGoesAwayIsAWarning) {
  EXPECT_EQ(SeverityOf(Removed<Host>()), Severity::kWarning);
  EXPECT_EQ(SeverityOf(Removed<Expander>()), Severity::kWarning);
  EXPECT_EQ(SeverityOf(Removed<EndDevice>()), Severity::kWarning);
  EXPECT_EQ(SeverityOf(Removed<LogicalUnit>()), Severity::kWarning);
  EXPECT_EQ(SeverityOf(Removed<Enclosure>()), Severity::kWarning);
  EXPECT_EQ(SeverityOf(Removed<Phy>()), Severity::kInfo);
  EXPECT_EQ(SeverityOf(Added(LogicalUnit())), Severity::kInfo);
}

TEST(SeverityTest, LostPathsLanesAndSpeedAreWarnings) {
  EXPECT_EQ(SeverityOf(Modified(UnitWith(2), UnitWith(1))), Severity::kWarning);
  EXPECT_EQ(SeverityOf(Modified(UnitWith(1), UnitWith(2))), Severity::kInfo);
  const Port four = PortOf(4, LinkRate::k12Gbps);
  EXPECT_EQ(SeverityOf(Modified(four, PortOf(3, LinkRate::k12Gbps))), Severity::kWarning);
  EXPECT_EQ(SeverityOf(Modified(four, PortOf(4, LinkRate::k6Gbps))), Severity::kWarning);
  EXPECT_EQ(SeverityOf(Modified(PortOf(3, LinkRate::k6Gbps), four)), Severity::kInfo);
  EXPECT_EQ(SeverityOf(Modified(four, PortOf(4, LinkRate::kUnknown))), Severity::kInfo);
}

TEST(SeverityTest, FailuresAreCritical) {
  EXPECT_EQ(SeverityOf(Modified(DeviceIn(DeviceState::kAttached), DeviceIn(DeviceState::kFailed))),
            Severity::kCritical);
  EXPECT_EQ(SeverityOf(Added(DeviceIn(DeviceState::kFailed))), Severity::kCritical);
  EXPECT_EQ(SeverityOf(Modified(DeviceIn(DeviceState::kAttached), DeviceIn(DeviceState::kBlocked))),
            Severity::kWarning);
  EXPECT_EQ(SeverityOf(Modified(DeviceIn(DeviceState::kBlocked), DeviceIn(DeviceState::kAttached))),
            Severity::kInfo);
  EXPECT_EQ(SeverityOf(Modified(DeviceIn(DeviceState::kFailed), DeviceIn(DeviceState::kFailed))),
            Severity::kInfo);
  Host failed;
  failed.discovery.state = DiscoveryState::kFailed;
  EXPECT_EQ(SeverityOf(Modified(Host(), failed)), Severity::kCritical);
}

TEST(SeverityTest, AnEventIsAsSevereAsItsWorstPart) {
  RegistryEvent event;
  event.revision = 8;
  event.previous_revision = 7;
  EXPECT_EQ(SeverityOf(event), Severity::kInfo);
  event.changes = {Added(LogicalUnit()), Removed<LogicalUnit>()};
  EXPECT_EQ(SeverityOf(event), Severity::kWarning);
  event.notices.emplace_back();
  event.notices.back().severity = Severity::kCritical;
  EXPECT_EQ(SeverityOf(event), Severity::kCritical);
}

TEST(SeverityTest, LossesAreWarningsWithoutChanges) {
  for (const CauseKind cause :
       {CauseKind::kResync, CauseKind::kHostReset, CauseKind::kSourceLost}) {
    RegistryEvent event;
    event.cause.kind = cause;
    EXPECT_EQ(SeverityOf(event), Severity::kWarning);
  }
  RegistryEvent jump;
  jump.revision = 65'536;
  jump.previous_revision = 7;
  EXPECT_EQ(SeverityOf(jump), Severity::kWarning);
  jump.revision = 9;
  EXPECT_EQ(SeverityOf(jump), Severity::kWarning) << "one revision is lost";
}

}  // namespace
}  // namespace sasd::registry
