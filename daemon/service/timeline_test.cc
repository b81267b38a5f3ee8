#include "daemon/service/timeline.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kDrive[] = "logicalUnits/naa.1";
constexpr char kPath[] = "hosts/a/endDevices/d1";
constexpr char kSlot[] = "enclosures/e/slots/3";

// An event of revision and second `revision`, with changes in text format.
sas::v1::Event Event(int64_t revision, const std::string& changes,
                     const std::string& cause = "kind: CAUSE_KIND_FIRMWARE_EVENT text: \"why\"") {
  sas::v1::Event event;
  const std::string text = "cause { " + cause + " } " + changes;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &event)) << text;
  event.set_revision(revision);
  event.mutable_time()->set_seconds(revision);
  return event;
}

std::string Unit(const std::string& slot, const std::string& more = "") {
  return "logical_unit { name: \"logicalUnits/naa.1\" serial: \"ZA1\" model: \"M\" enclosure: "
         "\"enclosures/e\" slot: " +
         slot +
         " paths { end_device: \"hosts/a/endDevices/d1\" host: "
         "\"hosts/a\" block_device: \"sdx\" } " +
         more + " }";
}

// The same, with the label at its slot.
std::string Labelled(const std::string& slot) {
  return Unit(slot, "slot_label: \"SLOT 0" + slot + "\"");
}

std::string Change(const std::string& kind, const std::string& resource,
                   const std::string& more = "") {
  return "changes { kind: CHANGE_KIND_" + kind + " resource { " + resource + " } " + more + " } ";
}

std::vector<std::string> Texts(const sas::v1::Event& event, const std::vector<std::string>& names) {
  TimelineScope scope;
  scope.always.insert(names.begin(), names.end());
  std::vector<std::string> texts;
  for (const sas::v1::TimelineEntry& entry : TimelineEntriesOf(event, scope)) {
    EXPECT_EQ(entry.revision(), event.revision());
    texts.push_back(entry.text());
  }
  return texts;
}

// "SLOT SERIAL start-end", with "?" for what is not known.
std::vector<std::string> Texts(const std::vector<Placed>& all) {
  std::vector<std::string> texts;
  for (const Placed& one : all) {
    const sas::v1::Placement& p = one.placement;
    const std::string start = p.has_start_time() ? std::to_string(p.start_time().seconds()) : "";
    texts.push_back(p.slot().substr(p.slot().rfind('/') + 1) + " " + p.serial() + " " + start +
                    (p.start_unknown() ? "?" : "") + "-" +
                    (p.has_end_time() ? std::to_string(p.end_time().seconds()) : ""));
  }
  return texts;
}

sas::v1::Resource Resource(const std::string& text) {
  sas::v1::Resource resource;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &resource)) << text;
  return resource;
}

TEST(TimelineTest, ARemovalSaysWhereAndWhy) {
  const std::string cause =
      "kind: CAUSE_KIND_FIRMWARE_EVENT text: \"expander e1 not responding; end device d1 gone\"";
  EXPECT_THAT(
      Texts(Event(7, Change("REMOVED", Unit("3"), "severity: SEVERITY_WARNING"), cause), {kDrive}),
      ElementsAre("removed from enclosures/e/slots/3, last seen as sdx: end device d1 gone"));
}

TEST(TimelineTest, ASlotIsShownWithItsLabel) {
  EXPECT_THAT(Texts(Event(7, Change("REMOVED", Labelled("3"))), {kDrive}),
              ElementsAre(HasSubstr("removed from enclosures/e/slots/3 (SLOT 03), ")));
  const std::string previous =
      "changed_fields { paths: \"slot\" paths: \"slot_label\" } previous { logical_unit { slot: 3 "
      "slot_label: \"SLOT 03\" } }";
  EXPECT_THAT(Texts(Event(7, Change("MODIFIED", Labelled("4"), previous)), {kDrive}),
              ElementsAre("moved from enclosures/e/slots/3 (SLOT 03) to enclosures/e/slots/4 "
                          "(SLOT 04): why"));
}

TEST(TimelineTest, ADriveThatGoesTakesItsPathsWithIt) {
  const std::string changes =
      Change("REMOVED", "end_device { name: \"hosts/a/endDevices/d1\" host: \"hosts/a\" }") +
      Change("REMOVED", Unit("3"));
  EXPECT_THAT(Texts(Event(7, changes), {kDrive, kPath}), SizeIs(1));
  EXPECT_THAT(Texts(Event(7, changes), {kPath}), ElementsAre("path over hosts/a removed: why"));
}

TEST(TimelineTest, RateWidthAndStateShowBothValues) {
  const std::string device =
      "end_device { name: \"hosts/a/endDevices/d1\" host: \"hosts/a\" link_rate: LINK_RATE_6_GBPS "
      "link_width: 1 state: DEVICE_STATE_BLOCKED }";
  EXPECT_THAT(
      Texts(Event(7, Change("MODIFIED", device,
                            "changed_fields { paths: \"state\" paths: \"link_rate\" paths: "
                            "\"link_width\" paths: \"device_handle\" } previous { end_device { "
                            "state: DEVICE_STATE_ATTACHED link_rate: LINK_RATE_12_GBPS "
                            "link_width: 2 } }")),
            {kPath}),
      ElementsAre("path over hosts/a: state attached -> blocked; link rate 12 Gbps -> 6 Gbps; "
                  "link width 2 -> 1: why"));
}

TEST(TimelineTest, ALostPathNamesItsHost) {
  EXPECT_THAT(
      Texts(
          Event(7, Change("MODIFIED", Unit("3"),
                          "changed_fields { paths: \"paths\" } previous { logical_unit { "
                          "paths { end_device: \"hosts/a/endDevices/d1\" host: \"hosts/a\" "
                          "block_device: \"sdx\" } "
                          "paths { end_device: \"hosts/b/endDevices/d2\" host: \"hosts/b\" } } }")),
          {kDrive}),
      ElementsAre("lost the path over hosts/b, 1 path left: why"));
}

TEST(TimelineTest, AResetIsOneEntryAndNewHandlesAreNone) {
  const std::string renumbered =
      Change("MODIFIED", "end_device { name: \"hosts/a/endDevices/d1\" device_handle: 9 }",
             "changed_fields { paths: \"device_handle\" } previous { end_device {} }");
  EXPECT_THAT(Texts(Event(7, renumbered, "kind: CAUSE_KIND_HOST_RESET host: \"hosts/a\""), {kPath}),
              ElementsAre("reset of hosts/a: host reset"));
  EXPECT_THAT(Texts(Event(7, renumbered), {kPath}), IsEmpty());
}

TEST(TimelineTest, NewNamesOfTheSystemAfterARestartAreNone) {
  const std::string renamed =
      Change("MODIFIED", Unit("3"),
             "changed_fields { paths: \"paths\" } previous { logical_unit { paths { end_device: "
             "\"hosts/a/endDevices/d1\" host: \"hosts/a\" block_device: \"sdq\" } } }");
  EXPECT_THAT(Texts(Event(7, renamed), {kDrive}), ElementsAre("is sdx: why"));
  EXPECT_THAT(Texts(Event(7, renamed, "kind: CAUSE_KIND_RESTART"), {kDrive}), IsEmpty());
}

TEST(TimelineTest, NoticesOfTheObjectAreEntries) {
  EXPECT_THAT(Texts(Event(7,
                          "notices { resource: \"logicalUnits/naa.1\" text: \"replaced\" } "
                          "notices { resource: \"logicalUnits/naa.2\" text: \"other\" }"),
                    {kDrive}),
              ElementsAre("replaced"));
}

TEST(TimelineTest, ADriveThatMovesHasTwoPlacements) {
  const std::vector<sas::v1::Event> events = {
      Event(5, Change("ADDED", Unit("3"))),
      Event(7, Change("MODIFIED", Unit("4"),
                      "changed_fields { paths: \"slot\" } previous { logical_unit { slot: 3 } }")),
  };
  EXPECT_THAT(Texts(PlacementsOf(kDrive, events, Resource(Unit("4")))),
              ElementsAre("3 ZA1 5-7", "4 ZA1 7-"));
}

TEST(TimelineTest, ADriveThatIsGoneHasNoPlaceNow) {
  const std::vector<sas::v1::Event> events = {
      Event(5, Change("ADDED", Unit("3")), "kind: CAUSE_KIND_STARTUP"),
      Event(7, Change("REMOVED", Unit("3"))),
      Event(8, Change("ADDED", Unit("3"))),
      Event(9, Change("REMOVED", Unit("3"))),
  };
  const std::vector<Placed> all = PlacementsOf(kDrive, events, sas::v1::Resource());
  EXPECT_THAT(Texts(all), ElementsAre("3 ZA1 5?-7", "3 ZA1 8-9"));
  EXPECT_EQ(all[0].placement.end_cause().text(), "why");
}

TEST(TimelineTest, APlacementBeforeTheHistoryHasNoStart) {
  EXPECT_THAT(Texts(PlacementsOf(kDrive, {}, Resource(Unit("3")))), ElementsAre("3 ZA1 ?-"));
  const std::vector<sas::v1::Event> events = {Event(7, Change("REMOVED", Unit("3")))};
  EXPECT_THAT(Texts(PlacementsOf(kDrive, events, sas::v1::Resource())), ElementsAre("3 ZA1 ?-7"));
}

std::string Occupied(const std::string& unit, const std::string& serial) {
  return "slot { name: \"enclosures/e/slots/3\" enclosure: \"enclosures/e\" slot: 3 occupied: true "
         "logical_unit: \"" +
         unit + "\" serial: \"" + serial + "\" end_devices: \"hosts/a/endDevices/d" + serial +
         "\" }";
}

TEST(TimelineTest, ASlotRemembersWhoSatThere) {
  const std::string empty =
      "slot { name: \"enclosures/e/slots/3\" enclosure: \"enclosures/e\" "
      "slot: 3 }";
  const std::string fields =
      "changed_fields { paths: \"occupied\" paths: \"logical_unit\" paths: \"serial\" paths: "
      "\"end_devices\" } previous { ";
  const std::vector<sas::v1::Event> events = {
      Event(5, Change("MODIFIED", empty, fields + Occupied("logicalUnits/naa.1", "ZA1") + " }")),
      Event(6, Change("MODIFIED", Occupied("", "ZA2"), fields + "slot {} }")),
      Event(7, Change("MODIFIED", Occupied("logicalUnits/naa.2", "ZA2"),
                      "changed_fields { paths: \"logical_unit\" } previous { slot {} }")),
  };
  const std::vector<Placed> all =
      PlacementsOf(kSlot, events, Resource(Occupied("logicalUnits/naa.2", "ZA2")));
  EXPECT_THAT(Texts(all), ElementsAre("3 ZA1 ?-5", "3 ZA2 6-"));
  EXPECT_EQ(all[1].placement.logical_unit(), "logicalUnits/naa.2");
  EXPECT_THAT(all[1].names, ElementsAre("hosts/a/endDevices/dZA2", "logicalUnits/naa.2"));
  EXPECT_THAT(Texts(events[0], {kSlot}), ElementsAre("ZA1 taken out: why"));
  EXPECT_THAT(Texts(events[1], {kSlot}), ElementsAre("ZA2 inserted: why"));
}

TEST(TimelineTest, AnOccupantBelongsToTheSlotOnlyMeanwhile) {
  TimelineScope scope;
  scope.always = {kSlot};
  scope.meanwhile[kDrive] = {{5, 7}};
  EXPECT_FALSE(scope.Includes(kDrive, 4));
  EXPECT_TRUE(scope.Includes(kDrive, 5));
  EXPECT_TRUE(scope.Includes(kDrive, 7));
  EXPECT_FALSE(scope.Includes(kDrive, 8));
  EXPECT_THAT(scope.Names(), ElementsAre(kSlot, kDrive));
}

}  // namespace
}  // namespace sasd::service
