#include <algorithm>
#include <sstream>
#include <string>

#include "absl/time/time.h"
#include "cli/output/event_lines.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kDevice[] = R"(end_device {
  name: "hosts/500605b00ab01230/endDevices/5000c500a7b26111"
  sas_address: "5000c500a7b26111"
  state: DEVICE_STATE_ATTACHED
  parent: "hosts/500605b00ab01230/expanders/5000ccab0300113f"
  parent_phy_identifier: 3
})";

// Noon of 2026-03-02.
WallClock Clock() {
  WallClock clock;
  clock.zone = absl::UTCTimeZone();
  clock.now = [] { return absl::FromUnixSeconds(1'772'452'800); };
  return clock;
}

std::string Print(const std::string& event_text, bool colour = false) {
  sas::v1::Event event;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(event_text, &event)) << event_text;
  std::ostringstream out;
  NewEventLinePrinter(out, Paint(colour), Clock())->Event(event);
  return out.str();
}

std::string Changed(const std::string& kind, const std::string& rest = "") {
  return "revision: 42 cause { kind: CAUSE_KIND_FIRMWARE_EVENT text: \"because\" } changes { kind: "
         "CHANGE_KIND_" +
         kind + " resource { " + kDevice + " } " + rest + " }";
}

TEST(EventLinesTest, AnAdditionShowsSignPathStateAndCause) {
  const std::string line = Print(Changed("ADDED"));
  EXPECT_THAT(line, StartsWith("r42 "));
  EXPECT_THAT(line, AllOf(HasSubstr("+ device"), HasSubstr("5000c500a7b26111"),
                          HasSubstr("via 5000ccab0300113f/phy 3"), HasSubstr("attached"),
                          HasSubstr("(because)")));
  EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1);
}

TEST(EventLinesTest, ARemovalShowsTheLastState) {
  const std::string line =
      Print(Changed("REMOVED", "previous { end_device { state: DEVICE_STATE_BLOCKED } }"));
  EXPECT_THAT(line, AllOf(HasSubstr("- device"), HasSubstr("was blocked")));
}

TEST(EventLinesTest, WhatLeavesTheFilterIsNotCalledGone) {
  const std::string line = Print(Changed("REMOVED", "left_filter: true"));
  EXPECT_THAT(line, AllOf(HasSubstr("- device"), HasSubstr("does not pass the filter any more"),
                          Not(HasSubstr("was "))));
}

TEST(EventLinesTest, AModificationShowsBothValues) {
  const std::string line =
      Print(Changed("MODIFIED",
                    "changed_fields { paths: \"state\" paths: \"revision\" } "
                    "previous { end_device { state: DEVICE_STATE_BLOCKED } }"));
  EXPECT_THAT(line, AllOf(HasSubstr("~ device"), HasSubstr("state blocked -> attached"),
                          Not(HasSubstr("revision"))));
}

constexpr char kUnit[] = R"(name: "logicalUnits/naa.5000c500a7b26111"
  paths { end_device: "hosts/1/endDevices/a" host: "hosts/1" state: DEVICE_STATE_ATTACHED
          block_device: "sdb" }
  paths { end_device: "hosts/2/endDevices/b" host: "hosts/2" state: DEVICE_STATE_ATTACHED })";

std::string UnitChanged(const std::string& before) {
  return Print(std::string("revision: 42 changes { kind: CHANGE_KIND_MODIFIED "
                           "resource { logical_unit { ") +
               kUnit + " } } previous { logical_unit { " + before +
               " } } changed_fields { paths: \"paths\" } }");
}

TEST(EventLinesTest, APathsNewStateIsShown) {
  const std::string line = UnitChanged(
      "paths { end_device: 'hosts/1/endDevices/a' host: 'hosts/1' state: DEVICE_STATE_BLOCKED "
      "        block_device: 'sdb' } "
      "paths { end_device: 'hosts/2/endDevices/b' host: 'hosts/2' state: DEVICE_STATE_ATTACHED }");
  EXPECT_THAT(line, AllOf(HasSubstr("path over 1 blocked -> attached"), Not(HasSubstr("paths "))));
}

TEST(EventLinesTest, APathsNewBlockDeviceIsShown) {
  const std::string line = UnitChanged(
      "paths { end_device: 'hosts/1/endDevices/a' host: 'hosts/1' state: DEVICE_STATE_ATTACHED } "
      "paths { end_device: 'hosts/2/endDevices/b' host: 'hosts/2' state: DEVICE_STATE_ATTACHED }");
  EXPECT_THAT(line, HasSubstr("path over 1 block device none -> sdb"));
}

TEST(EventLinesTest, ANewPathIsShownAsBefore) {
  const std::string line = UnitChanged(
      "paths { end_device: 'hosts/1/endDevices/a' host: 'hosts/1' state: DEVICE_STATE_ATTACHED "
      "        block_device: 'sdb' }");
  EXPECT_THAT(line, AllOf(HasSubstr("paths "), HasSubstr(" -> "), Not(HasSubstr("path over"))));
}

TEST(EventLinesTest, NewHandlesAreOneLine) {
  const std::string change =
      std::string("changes { kind: CHANGE_KIND_MODIFIED resource { ") + kDevice +
      " } changed_fields { paths: \"device_handle\" } previous { end_device {} } } ";
  const std::string lines =
      Print("revision: 7 cause { kind: CAUSE_KIND_HOST_RESET host: \"hosts/500605b00ab01230\" } " +
            change + change);
  EXPECT_THAT(lines, HasSubstr("--- reset of host 500605b00ab01230"));
  EXPECT_THAT(lines, HasSubstr("* 2 with a new device handle"));
  EXPECT_THAT(lines, Not(HasSubstr("~")));
}

TEST(EventLinesTest, LostEventsPrintAGapBar) {
  const std::string lines = Print(
      "revision: 9 cause { kind: CAUSE_KIND_RESYNC host: \"hosts/500605b00ab01230\" "
      "lost_event_count: 1 }");
  EXPECT_THAT(lines, HasSubstr("--- gap: 1 event lost on host 500605b00ab01230"));
  EXPECT_THAT(lines, HasSubstr("* nothing changed"));
}

TEST(EventLinesTest, AGapMayHaveNoHost) {
  const std::string lines = Print(
      "revision: 9 cause { kind: CAUSE_KIND_RESYNC text: \"at most 37 uevents lost\" "
      "lost_event_count: 37 }");
  EXPECT_THAT(lines, HasSubstr("--- gap: 37 events lost, differences found by a rescan at 9"));
  EXPECT_THAT(lines, HasSubstr("at most 37 uevents lost"));
}

TEST(EventLinesTest, ANoticeShowsSeverityAndSubject) {
  EXPECT_THAT(Print("revision: 3 notices { severity: SEVERITY_WARNING resource: "
                    "\"hosts/500605b00ab01230\" text: \"temperature 85 C\" }"),
              HasSubstr("! warning host 500605b00ab01230: temperature 85 C"));
}

TEST(EventLinesTest, AStreamGapNamesBothRevisions) {
  std::ostringstream out;
  NewEventLinePrinter(out, Paint(), Clock())->Gap(10, 25, "");
  EXPECT_EQ(out.str(), "--- gap: fell behind at revision 10, resynced at 25 ---\n");
}

TEST(EventLinesTest, OnlyPaintAddsColours) {
  EXPECT_THAT(Print(Changed("ADDED")), Not(HasSubstr("\033[")));
  EXPECT_THAT(Print(Changed("ADDED"), /*colour=*/true), HasSubstr("\033[32m"));
}

std::string AfterRestart(const std::string& resource, const std::string& previous,
                         const std::string& mask) {
  return Print(
      "revision: 42 cause { kind: CAUSE_KIND_RESTART host: \"hosts/500605b00ab01230\" text: "
      "\"compared\" } changes { kind: CHANGE_KIND_MODIFIED resource { " +
      resource + " } previous { " + previous + " } changed_fields { " + mask + " } }");
}

TEST(EventLinesTest, NewNamesAfterARestartAreNoLines) {
  EXPECT_EQ(AfterRestart("end_device { device_handle: 7 block_device: \"sdc\" os_name: \"x\" }",
                         "end_device { device_handle: 5 block_device: \"sdb\" }",
                         "paths: \"device_handle\" paths: \"block_device\" paths: \"os_name\""),
            "");
  EXPECT_EQ(AfterRestart("host { discovery { state: DISCOVERY_STATE_SETTLED } }",
                         "host { discovery { state: DISCOVERY_STATE_SETTLED stale: true } }",
                         "paths: \"discovery\""),
            "");
  EXPECT_EQ(AfterRestart("logical_unit { paths { end_device: \"a\" block_device: \"sdc\" } }",
                         "logical_unit { paths { end_device: \"a\" block_device: \"sdb\" } }",
                         "paths: \"paths\""),
            "");
  // A lost path is a line.
  EXPECT_THAT(
      AfterRestart("logical_unit { paths { end_device: \"a\" } }",
                   "logical_unit { paths { end_device: \"a\" } paths { end_device: \"b\" } }",
                   "paths: \"paths\""),
      HasSubstr("~ "));
  EXPECT_THAT(AfterRestart("host { discovery { state: DISCOVERY_STATE_FAILED } }",
                           "host { discovery { state: DISCOVERY_STATE_SETTLED stale: true } }",
                           "paths: \"discovery\""),
              HasSubstr("~ "));
}

TEST(EventLinesTest, HostsOfASlotAreShownWithItsEnclosure) {
  EXPECT_EQ(Print("revision: 42 changes { kind: CHANGE_KIND_MODIFIED resource { slot { name: "
                  "\"enclosures/5000ccab04000000/slots/1\" } } changed_fields { paths: \"hosts\" } "
                  "previous { slot { hosts: \"hosts/500605b00ab01230\" } } }"),
            "");
}

TEST(EventLinesTest, StartIsMarked) {
  EXPECT_THAT(Print("revision: 42 cause { kind: CAUSE_KIND_RESTART text: \"sasd started\" }"),
              HasSubstr("--- sasd restarted at 42 ---"));
}

TEST(EventLinesTest, ColoursShowTheSeverityThatSasdGives) {
  EXPECT_THAT(Print(Changed("REMOVED", "severity: SEVERITY_WARNING"), true),
              HasSubstr("\033[33m- device"));
  EXPECT_THAT(
      Print(Changed("MODIFIED", "severity: SEVERITY_CRITICAL changed_fields { paths: \"state\" }"),
            true),
      HasSubstr("\033[31m~ device"));
  EXPECT_THAT(Print(Changed("REMOVED", "severity: SEVERITY_INFO"), true),
              HasSubstr("\033[0m - device"));
}

TEST(EventLinesTest, TheDatePrecedesTheTimeOfAnotherDay) {
  const std::string today = "time { seconds: 1772421247 } ";  // 2026-03-02 03:14:07
  const std::string yesterday = "time { seconds: 1772334847 } ";
  EXPECT_THAT(Print(today + Changed("ADDED")), StartsWith("r42 03:14:07.000 +"));
  EXPECT_THAT(Print(yesterday + Changed("ADDED")), StartsWith("r42 2026-03-01 03:14:07.000 +"));
}

TEST(EventLinesTest, LostHistoryIsALineOfItsOwn) {
  EXPECT_THAT(Print("revision: 65537 gap { first_revision: 43 last_revision: 65536 "
                    "reason: GAP_REASON_POWER_LOSS }"),
              StartsWith("--- gap: revisions 43 to 65536 are lost: the node lost power before the "
                         "journal was on disk ---\nr65537 "));
  sas::v1::Gap gap;
  gap.set_first_revision(7);
  gap.set_last_revision(7);
  gap.set_reason(sas::v1::GAP_REASON_JOURNAL_DAMAGED);
  EXPECT_EQ(LossText(gap), "revision 7 is lost: the journal is damaged");
}

}  // namespace
}  // namespace sasd::cli
