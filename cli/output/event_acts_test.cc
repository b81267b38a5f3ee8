#include "cli/output/event_acts.h"

#include <algorithm>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/output/event_act_printer.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

sas::v1::Event Parse(const std::string& text) {
  sas::v1::Event event;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &event)) << text;
  return event;
}

// A path over a host, of a drive in slot 3 of e1.
std::string Path(const std::string& host) {
  return absl::StrCat("paths { end_device: 'hosts/", host, "/endDevices/d", host, "' host: 'hosts/",
                      host, "' block_device: 'sdx' } ");
}
std::string Drive(const std::string& paths, const std::string& serial = "9J1G0003") {
  return absl::StrCat("logical_unit { name: 'logicalUnits/", serial, "' serial: '", serial,
                      "' enclosure: 'enclosures/e1' slot: 3 ", paths, "} ");
}
std::string Changed(const std::string& kind, const std::string& now, const std::string& before) {
  return absl::StrCat("changes { kind: CHANGE_KIND_", kind, " resource { ", now, "} ",
                      before.empty() ? "" : absl::StrCat("previous { ", before, "} "),
                      "severity: SEVERITY_WARNING changed_fields { paths: 'paths' } } ");
}

// What one pull makes of the path over a host.
std::string LostPath(int revision, const std::string& host, const std::string& unit_change) {
  return absl::StrCat(
      "revision: ", revision, " time { seconds: ", 1'772'452'800 + revision,
      " } cause { kind: CAUSE_KIND_FIRMWARE_EVENT text: 'expander x", host,
      " phy 3: end device 5000c500a7b2611", host, " not responding, slot 3' } ", unit_change,
      "changes { kind: CHANGE_KIND_REMOVED resource { end_device { name: 'hosts/", host,
      "/endDevices/d", host, "' } } } ",
      "changes { kind: CHANGE_KIND_MODIFIED resource { slot { name: 'enclosures/e1/slots/3' } } ",
      "previous { slot { end_devices: 'hosts/", host, "/endDevices/d", host,
      "' } } changed_fields { paths: 'end_devices' } } ",
      "changes { kind: CHANGE_KIND_REMOVED resource { port { attached: 'hosts/", host,
      "/endDevices/d", host, "' } } } ",
      "changes { kind: CHANGE_KIND_MODIFIED resource { phy { name: 'p' owner: 'o' } } previous { ",
      "phy { attached_sas_address: 'd", host,
      "' } } changed_fields { paths: ", "'attached_sas_address' } } ");
}

class EventActsTest : public ::testing::Test {
 protected:
  EventActsTest() {
    sas::v1::Enclosure enclosure;
    enclosure.set_name("enclosures/e1");
    enclosure.set_model("JBOD1");
    EventStyle style;
    style.places.Add(enclosure);
    style.clock.zone = absl::UTCTimeZone();
    style.clock.now = [] { return absl::FromUnixSeconds(1'772'452'800); };
    printer_ = NewEventActPrinter(out_, style);
  }

  void Send(const std::string& event) { printer_->Event(Parse(event)); }
  // What has been printed since the last call.
  std::string Printed() {
    const std::string text = out_.str();
    out_.str("");
    return text;
  }

  std::ostringstream out_;
  std::unique_ptr<EventPrinter> printer_;
};

TEST_F(EventActsTest, PullOverTwoHostsIsOneLine) {
  Send(
      "revision: 1 changes { kind: CHANGE_KIND_MODIFIED resource { host { discovery { state: "
      "DISCOVERY_STATE_IN_PROGRESS } } } previous { host { discovery { state: "
      "DISCOVERY_STATE_SETTLED } } } changed_fields { paths: 'discovery' } }");
  Send(LostPath(2, "a", Changed("MODIFIED", Drive(Path("b")), Drive(Path("a") + Path("b")))));
  EXPECT_THAT(Printed(), IsEmpty());
  Send(LostPath(3, "b", Changed("REMOVED", Drive(Path("b")), "")));
  EXPECT_THAT(Printed(), IsEmpty());
  printer_->Flush();
  EXPECT_EQ(Printed(),
            "r3 12:00:03.000 - drive 9J1G0003 removed from JBOD1/3 (sdx), both paths: "
            "end device not responding\n");
  printer_->Flush();
  EXPECT_THAT(Printed(), IsEmpty());
}

TEST_F(EventActsTest, LostPathOfADriveThatStaysIsALine) {
  Send(LostPath(2, "a", Changed("MODIFIED", Drive(Path("b")), Drive(Path("a") + Path("b")))));
  printer_->Flush();
  EXPECT_EQ(Printed(),
            "r2 12:00:02.000 ~ drive 9J1G0003 at JBOD1/3 (sdx) lost its path over a, 1 left: "
            "end device not responding\n");
}

TEST_F(EventActsTest, ActsApartInTimeStayApart) {
  Send(LostPath(2, "a", Changed("MODIFIED", Drive(Path("b")), Drive(Path("a") + Path("b")))));
  Send(LostPath(9, "b", Changed("REMOVED", Drive(Path("b")), "")));
  EXPECT_THAT(Printed(), HasSubstr("lost its path over a"));
  printer_->Flush();
  EXPECT_THAT(Printed(),
              HasSubstr("r9 12:00:09.000 - drive 9J1G0003 removed from JBOD1/3 (sdx): "));
}

TEST_F(EventActsTest, InsertOverTwoHostsIsOneLine) {
  const char kCause[] = "cause { kind: CAUSE_KIND_ATTACH text: 'attached' } ";
  Send(absl::StrCat("revision: 2 ", kCause, Changed("ADDED", Drive(Path("a")), "")));
  Send(absl::StrCat("revision: 3 ", kCause,
                    Changed("MODIFIED", Drive(Path("a") + Path("b")), Drive(Path("a")))));
  printer_->Flush();
  EXPECT_THAT(Printed(), EndsWith(" + drive 9J1G0003 added at JBOD1/3 (sdx, sdx), both paths: "
                                  "attached\n"));
}

TEST_F(EventActsTest, LostExpanderStandsForAllBehindIt) {
  std::string event =
      "revision: 5 cause { text: 'expander x not responding' } changes { kind: "
      "CHANGE_KIND_REMOVED resource { expander { name: 'hosts/a/expanders/x' parent: 'hosts/a' } } "
      "severity: SEVERITY_CRITICAL } ";
  for (const char* serial : {"A", "B", "C", "D", "E"}) {
    absl::StrAppend(&event, Changed("MODIFIED", Drive(Path("b"), serial),
                                    Drive(Path("a") + Path("b"), serial)));
  }
  absl::StrAppend(&event, Changed("REMOVED", Drive(Path("a"), "F"), ""));
  Send(event);
  printer_->Flush();
  EXPECT_THAT(Printed(), EndsWith(" - expander x removed, 5 drives lost a path, 1 drive lost all: "
                                  "not responding\n"));
}

// The events of one regained expander x, of which one drive was reached by it alone.
TEST_F(EventActsTest, RegainedExpanderIsOneLineWithAllBehindIt) {
  Send(
      "revision: 2 cause { text: 'host phy 1: link 12 Gbps, was unknown' } changes { kind: "
      "CHANGE_KIND_MODIFIED resource { phy { name: 'hosts/a/phys/1' owner: 'hosts/a' "
      "negotiated_link_rate: LINK_RATE_12_GBPS } } changed_fields { paths: 'negotiated_link_rate' "
      "} "
      "}");
  Send(
      "revision: 3 cause { text: 'expander x added' } changes { kind: CHANGE_KIND_ADDED resource { "
      "expander { name: 'hosts/a/expanders/x' parent: 'hosts/a' link_width: 1 } } }");
  Send(
      "revision: 4 changes { kind: CHANGE_KIND_ADDED resource { expander { name: "
      "'hosts/a/expanders/y' parent: 'hosts/a/expanders/x' } } }");
  int revision = 5;
  const auto attach = [&](const std::string& parent, const std::string& unit_change) {
    Send(absl::StrCat("revision: ", revision++,
                      " changes { kind: CHANGE_KIND_MODIFIED resource { end_device { name: "
                      "'hosts/a/endDevices/da' parent: 'hosts/a/expanders/",
                      parent, "' } } } ", unit_change));
  };
  for (const char* serial : {"A", "B", "C", "D", "E"}) {
    attach("y",
           Changed("MODIFIED", Drive(Path("a") + Path("b"), serial), Drive(Path("b"), serial)));
  }
  attach("x", Changed("ADDED", Drive(Path("a"), "F"), ""));
  attach("x",
         "changes { kind: CHANGE_KIND_ADDED resource { logical_unit { name: 'logicalUnits/ses' "
         "peripheral_type: 13 paths { end_device: 'hosts/a/endDevices/da' } } } }");
  printer_->Flush();
  const std::string text = Printed();
  EXPECT_EQ(text.substr(0, 4), "r11 ");
  EXPECT_THAT(text, EndsWith(" + expander x added with 1 expander, 5 drives gained a path, 1 drive "
                             "appeared\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST_F(EventActsTest, DriveBehindAnotherExpanderIsNoPartOfAnArrival) {
  Send(
      "revision: 3 cause { text: 'expander x added' } changes { kind: CHANGE_KIND_ADDED resource { "
      "expander { name: 'hosts/a/expanders/x' parent: 'hosts/a' } } }");
  Send(
      absl::StrCat("revision: 4 changes { kind: CHANGE_KIND_MODIFIED resource { end_device { name: "
                   "'hosts/a/endDevices/da' parent: 'hosts/a/expanders/z' } } } ",
                   Changed("ADDED", Drive(Path("a"), "F"), "")));
  printer_->Flush();
  const std::string text = Printed();
  EXPECT_THAT(text, AllOf(HasSubstr("+ expander x added\n"),
                          HasSubstr("+ drive F added at JBOD1/3 (sdx)")));
}

TEST_F(EventActsTest, CallEndsNoArrival) {
  Send(
      "revision: 3 cause { text: 'expander x added' } changes { kind: CHANGE_KIND_ADDED resource { "
      "expander { name: 'hosts/a/expanders/x' parent: 'hosts/a' } } }");
  Send(
      "revision: 4 cause { kind: CAUSE_KIND_AUDIT text: 'uid 0 called it' } audit { caller: 'uid "
      "0' }");
  Send(
      absl::StrCat("revision: 5 changes { kind: CHANGE_KIND_MODIFIED resource { end_device { name: "
                   "'hosts/a/endDevices/da' parent: 'hosts/a/expanders/x' } } } ",
                   Changed("ADDED", Drive(Path("a"), "F"), "")));
  printer_->Flush();
  const std::string text = Printed();
  EXPECT_THAT(text, AllOf(::testing::StartsWith("r4 "), HasSubstr("@ uid 0 called it\nr5 "),
                          EndsWith(" + expander x added, 1 drive appeared\n")));
}

TEST_F(EventActsTest, LinkOfAnotherWidthIsNoPartOfAnArrival) {
  Send(
      "revision: 2 cause { text: 'host phy 1: link 12 Gbps, was unknown' } changes { kind: "
      "CHANGE_KIND_MODIFIED resource { phy { name: 'hosts/a/phys/1' owner: 'hosts/a' "
      "negotiated_link_rate: LINK_RATE_12_GBPS } } changed_fields { paths: 'negotiated_link_rate' "
      "} "
      "}");
  Send(
      "revision: 3 cause { text: 'expander x added' } changes { kind: CHANGE_KIND_ADDED resource { "
      "expander { name: 'hosts/a/expanders/x' parent: 'hosts/a' link_width: 4 } } }");
  printer_->Flush();
  const std::string text = Printed();
  EXPECT_THAT(text, AllOf(HasSubstr("link 12 Gbps"), HasSubstr("+ expander x added\n")));
}

TEST_F(EventActsTest, EnclosureGoesWithItsExpanders) {
  for (const char* host : {"a", "b"}) {
    Send(absl::StrCat(
        "revision: 5 cause { text: 'expander x not responding' } changes { kind: "
        "CHANGE_KIND_REMOVED resource { expander { name: 'hosts/",
        host, "/expanders/x' parent: 'hosts/", host, "' enclosure: 'enclosures/e1' } } } ",
        host[0] == 'a'
            ? Changed("MODIFIED", Drive(Path("b"), "F"), Drive(Path("a") + Path("b"), "F"))
            : Changed("REMOVED", Drive(Path("b"), "F"), "")));
  }
  Send(
      "revision: 6 cause { text: 'enclosure e1 not responding' } changes { kind: "
      "CHANGE_KIND_REMOVED resource { enclosure { name: 'enclosures/e1' } } } changes { kind: "
      "CHANGE_KIND_REMOVED resource { slot { name: 'enclosures/e1/slots/1' enclosure: "
      "'enclosures/e1' } } }");
  printer_->Flush();
  const std::string text = Printed();
  EXPECT_THAT(text,
              EndsWith(" - enclosure e1 removed with 1 slot and 2 expanders, 1 drive lost all: "
                       "not responding\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST_F(EventActsTest, ManyDrivesShareALine) {
  std::string event = "revision: 5 cause { text: 'power lost' } ";
  for (const char* serial : {"A", "B", "C", "D"}) {
    absl::StrAppend(&event, Changed("REMOVED", Drive(Path("a"), serial), ""));
  }
  Send(event);
  EXPECT_THAT(Printed(), EndsWith(" - 4 drives removed over a: A, B, C, ...: power lost\n"));
}

TEST_F(EventActsTest, LinkHasOneLineForBothEnds) {
  Send(
      "revision: 5 cause { text: 'link lost' } "
      "changes { kind: CHANGE_KIND_MODIFIED resource { port { name: 'hosts/a/ports/1' owner: "
      "'hosts/a' attached_sas_address: 'x' width: 3 link_rate: LINK_RATE_12_GBPS } } previous { "
      "port { width: 4 } } changed_fields { paths: 'width' } } "
      "changes { kind: CHANGE_KIND_MODIFIED resource { port { owner: 'hosts/a/expanders/x' "
      "attached_sas_address: 'a' width: 3 } } previous { port { width: 4 } } changed_fields { "
      "paths: 'width' } }");
  const std::string text = Printed();
  EXPECT_THAT(text, HasSubstr("width 4 -> 3"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST_F(EventActsTest, LostEnclosureStandsForItsSlots) {
  std::string event =
      "revision: 5 cause { text: 'enclosure e1 not responding' } changes { kind: "
      "CHANGE_KIND_REMOVED resource { enclosure { name: 'enclosures/e1' model: 'JBOD1' } } } ";
  for (int i = 1; i <= 2; ++i) {
    absl::StrAppend(&event,
                    "changes { kind: CHANGE_KIND_REMOVED resource { slot { name: "
                    "'enclosures/e1/slots/",
                    i, "' enclosure: 'enclosures/e1' } } } ");
  }
  Send(event +
       "notices { severity: SEVERITY_WARNING resource: 'hosts/a' text: 'discovery error' }");
  const std::string text = Printed();
  EXPECT_THAT(text, HasSubstr("- enclosure e1 removed with 2 slots: not responding\n"));
  EXPECT_THAT(text, HasSubstr("! warning host a: discovery error"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
}

TEST_F(EventActsTest, DrivesThatComeBackOneByOneShareALine) {
  for (int i = 0; i < 5; ++i) {
    const std::string serial(1, static_cast<char>('A' + i));
    Send(absl::StrCat(
        "revision: ", 2 + i,
        " cause { text: 'end device 5000c500a7b2611d, slot 3 "
        "attached' } ",
        Changed("MODIFIED", Drive(Path("a") + Path("b"), serial), Drive(Path("b"), serial))));
  }
  printer_->Flush();
  EXPECT_THAT(Printed(), AllOf(::testing::StartsWith("r6 "),
                               EndsWith(" ~ 5 drives have a path over a: A, B, C, ...: end device "
                                        "attached\n")));
}

TEST_F(EventActsTest, DeviceThatIsNotAttachedYetWaitsForItsDrive) {
  Send(
      "revision: 5 changes { kind: CHANGE_KIND_ADDED resource { end_device { name: "
      "'hosts/a/endDevices/d' state: DEVICE_STATE_DISCOVERED } } } changes { kind: "
      "CHANGE_KIND_ADDED resource { port { attached: 'hosts/a/endDevices/d' } } } changes { kind: "
      "CHANGE_KIND_MODIFIED resource { enclosure { name: 'enclosures/e1' } } changed_fields { "
      "paths: 'occupied_slot_count' } }");
  EXPECT_THAT(Printed(), IsEmpty());
}

TEST_F(EventActsTest, PhysOfOneNodeShareALine) {
  std::string event = "revision: 5 cause { text: 'link lost' } ";
  for (int i = 4; i < 8; ++i) {
    absl::StrAppend(&event,
                    "changes { kind: CHANGE_KIND_MODIFIED resource { phy { name: "
                    "'hosts/a/phys/",
                    i, "' owner: 'hosts/a' phy_identifier: ", i,
                    " } } "
                    "changed_fields { paths: 'negotiated_link_rate' } } ");
  }
  Send(event);
  EXPECT_THAT(Printed(), EndsWith(" ~ 4 phys of a (4, 5, 6, 7) changed: link lost\n"));
}

TEST_F(EventActsTest, GapComesAfterWhatWasHeld) {
  Send(LostPath(2, "a", Changed("MODIFIED", Drive(Path("b")), Drive(Path("a") + Path("b")))));
  printer_->Gap(2, 9, "");
  const std::string text = Printed();
  EXPECT_LT(text.find("lost its path"), text.find("--- gap: "));
}

}  // namespace
}  // namespace sasd::cli
