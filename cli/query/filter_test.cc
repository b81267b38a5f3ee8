#include "cli/query/filter.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/query/fake_sasd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::IsEmpty;
using ::testing::StartsWith;

// Prints conditions as "state=[blocked|failed] size>=[14TB]".
std::string Conditions(const std::vector<std::string>& arguments) {
  const auto conditions = ParseConditions(arguments);
  if (!conditions.ok()) return std::string(conditions.status().message());
  return absl::StrJoin(*conditions, " ", [](std::string* out, const Condition& condition) {
    absl::StrAppend(out, condition.key, OperatorText(condition.op), "[",
                    absl::StrJoin(condition.values, "|"), "]");
  });
}

TEST(ParseConditionsTest, AWordWithoutAKeyIsAnotherValue) {
  EXPECT_EQ(Conditions({}), "");
  EXPECT_EQ(Conditions({"state=blocked"}), "state=[blocked]");
  EXPECT_EQ(Conditions({"state=blocked,failed"}), "state=[blocked|failed]");
  EXPECT_EQ(Conditions({"host=host1,state=blocked,failed"}), "host=[host1] state=[blocked|failed]");
  EXPECT_EQ(Conditions({"host=host1", "state=blocked"}), "host=[host1] state=[blocked]");
  EXPECT_EQ(Conditions({" host = host1 , host2 "}), "host=[host1|host2]");
  EXPECT_EQ(Conditions({"model=A=B"}), "model=[A=B]");
}

TEST(ParseConditionsTest, AConditionHasOneOfSixOperators) {
  EXPECT_EQ(Conditions({"a!=b,c", "d<1,e<=2,f > 3,g>=4"}), "a!=[b|c] d<[1] e<=[2] f>[3] g>=[4]");
  EXPECT_EQ(Conditions({"label=<1>!=2"}), "label=[<1>!=2]");
  EXPECT_EQ(Conditions({"a!b=c"}), "a!b=[c]");
}

TEST(ParseConditionsTest, AMissingKeyOrValueIsAnError) {
  for (const char* argument : {"", "blocked", "a!b", "!=x", "a!=", "a>=", "<1", "=blocked",
                               " =blocked", "state=", "state= ", "state=blocked,", "state=,blocked",
                               "state=blocked,=failed", "state=blocked, =failed"}) {
    EXPECT_EQ(ParseConditions({argument}).status().code(), absl::StatusCode::kInvalidArgument)
        << argument;
    EXPECT_EQ(Conditions({argument}),
              absl::StrCat("filter \"", argument,
                           "\" is not of the form key=value[,value...][,key=value...]"));
  }
  // Each argument starts with a key.
  EXPECT_THAT(Conditions({"state=blocked", "failed"}), StartsWith("filter \"failed\" is not"));
}

class SelectTest : public ::testing::Test {
 protected:
  SelectTest() {
    sasd_.topology.Add(ParseResource(R"(host { name: "hosts/1" })"), {"host1"});
    sasd_.topology.Add(ParseResource(R"(expander { name: "hosts/1/expanders/2" })"), {"exp"});
    sasd_.topology.Add(ParseResource(R"(enclosure { name: "enclosures/5" })"), {"jbod"});
  }

  absl::StatusOr<ResourceSelection> TrySelect(const std::string& noun,
                                              const std::vector<std::string>& arguments) {
    return SelectResources(sasd_.context(), **FindNoun(noun), *ParseConditions(arguments));
  }

  // The filter as "hosts=[hosts/1] state=[DEVICE_STATE_BLOCKED]", or the error.
  std::string Ask(const std::string& noun, const std::vector<std::string>& arguments) {
    const auto selection = TrySelect(noun, arguments);
    if (!selection.ok()) return std::string(selection.status().message());
    EXPECT_THAT(selection->local, IsEmpty());
    return Sent(selection->filter);
  }

  static std::string Sent(const sas::v1::Filter& filter) {
    std::vector<std::string> parts;
    if (!filter.hosts().empty()) {
      parts.push_back(absl::StrCat("hosts=[", absl::StrJoin(filter.hosts(), "|"), "]"));
    }
    for (const sas::v1::Condition& condition : filter.conditions()) {
      parts.push_back(absl::StrCat(condition.field(), OperatorText(condition.operator_()), "[",
                                   absl::StrJoin(condition.values(), "|"), "]"));
    }
    return absl::StrJoin(parts, " ");
  }

  FakeSasd sasd_;
};

TEST_F(SelectTest, WordsBecomeTheTypeOfTheField) {
  struct Case {
    const char* noun;
    const char* filter;
    const char* asked;
  };
  for (const Case& c : std::vector<Case>{
           {"devices", "state=blocked,failed", "state=[DEVICE_STATE_BLOCKED|DEVICE_STATE_FAILED]"},
           {"devices", "STATE=Attached", "state=[DEVICE_STATE_ATTACHED]"},
           {"devices", "protocol=sata", "target_protocols=[PROTOCOL_SATA]"},
           {"devices", "block-device=sdb", "block_devices=[sdb]"},
           {"devices", "block_device=sdb", "block_devices=[sdb]"},
           {"devices", "parent=exp", "parent=[hosts/1/expanders/2]"},
           {"devices", "model=ST8000NM0075", "model=[ST8000NM0075]"},
           {"phys", "rate=12g,1.5G", "negotiated_link_rate=[LINK_RATE_12_GBPS|LINK_RATE_1_5_GBPS]"},
           {"phys", "rate=sata_spinup_hold", "negotiated_link_rate=[LINK_RATE_SATA_SPINUP_HOLD]"},
           {"phys", "linked=no", "attached=[false]"},
           {"phys", "owner=host1", "owner=[hosts/1]"},
           {"ports", "min-width=4", "width>=[4]"},
           {"slots", "occupied=YES,enclosure=jbod", "occupied=[true] enclosure=[enclosures/5]"},
           {"lus", "host=host1,hosts/9", "hosts=[hosts/1|hosts/9]"},
           {"lus", "max-paths=1,type=tape,13", "path_count<=[1] peripheral_type=[1|13]"},
           {"hosts", "", ""},
       }) {
    const std::vector<std::string> arguments =
        *c.filter == '\0' ? std::vector<std::string>{} : std::vector<std::string>{c.filter};
    EXPECT_EQ(Ask(c.noun, arguments), c.asked) << c.noun << " " << c.filter;
  }
}

TEST_F(SelectTest, BehindTakesAnyObject) {
  sasd_.topology.Add(ParseResource(R"(enclosure { name: "enclosures/6" model: "J" })"), {"J"});
  sasd_.topology.Add(ParseResource(R"(enclosure { name: "enclosures/7" model: "J" })"), {"J"});
  // The host is for itself an enclosure of the same address.
  sasd_.topology.Add(ParseResource(R"(enclosure { name: "enclosures/1" })"), {"host1"});
  const auto behind = [this](const std::string& filter) {
    const auto selection = TrySelect("lus", {filter});
    return selection.ok() ? absl::StrJoin(selection->filter.behind(), " ")
                          : std::string(selection.status().message());
  };
  EXPECT_EQ(behind("behind=exp"), "hosts/1/expanders/2");
  EXPECT_EQ(behind("behind=host1,jbod"), "hosts/1 enclosures/5");
  EXPECT_EQ(behind("behind=J"), "enclosures/6 enclosures/7");
  EXPECT_EQ(behind("behind=hosts/1/phys/3"), "hosts/1/phys/3");
  EXPECT_EQ(behind("behind!=exp"), "filter behind takes only =, not !=");
  EXPECT_EQ(Ask("lus", {"enclosure=J"}), "enclosure=[enclosures/6|enclosures/7]");
}

TEST_F(SelectTest, ImpossibleValuesAreErrors) {
  struct Case {
    const char* noun;
    const char* filter;
    const char* error;
  };
  for (const Case& c : std::vector<Case>{
           {"devices", "state=gone", "filter state: nothing that is listed is gone"},
           {"phys", "attached=no", "filter attached: \"no\" is not an address; use linked=no"},
           {"devices", "address=sdx", "filter address: \"sdx\" is not an address"},
           {"lus", "size=big", "filter size: \"big\" is not a size"},
           {"lus", "paths=all", "filter paths: \"all\" is not a number"},
           {"ports", "to=expander",
            "filter to: unknown value \"expander\"; did you mean \"expanders\""},
       }) {
    EXPECT_THAT(Ask(c.noun, {c.filter}), StartsWith(c.error));
  }
  for (const auto& [noun, filter] :
       std::vector<std::pair<const char*, const char*>>{{"phys", "attached=5000*"},
                                                        {"phys", "attached=naa.5000c500a7b26111"},
                                                        {"lus", "size=8*"},
                                                        {"lus", "paths=1/2"},
                                                        {"ports", "to=enddevices"}}) {
    EXPECT_TRUE(TrySelect(noun, {filter}).ok()) << filter;
  }
}

TEST_F(SelectTest, OperatorsAndGlobsAreSent) {
  struct Case {
    const char* noun;
    const char* filter;
    const char* asked;
  };
  for (const Case& c : std::vector<Case>{
           {"lus", "size>=14TB", "size_bytes>=[14000000000000]"},
           {"lus", "size<1.5TiB", "size_bytes<[1649267441664]"},
           {"lus", "size > 2 kB,size<=512", "size_bytes>[2000] size_bytes<=[512]"},
           {"lus", "bytes=512", "size_bytes=[512]"},
           {"lus", "paths<2", "path_count<[2]"},
           {"lus", "state!=attached", "state!=[DEVICE_STATE_ATTACHED]"},
           {"lus", "type!=tape", "peripheral_type!=[1]"},
           {"lus", "host!=host1", "host!=[hosts/1]"},
           {"enclosures", "host!=host1", "hosts!=[hosts/1]"},
           {"devices", "rate>=6", "link_rate>=[LINK_RATE_6_GBPS]"},
           {"devices", "rate<12G", "link_rate<[LINK_RATE_12_GBPS]"},
           {"devices", "rate=12g", "link_rate=[LINK_RATE_12_GBPS]"},
           {"devices", "model=HUH72*,ST8?00", "model=[HUH72*|ST8?00]"},
           {"devices", "model!=HUH72*", "model!=[HUH72*]"},
           {"devices", "slot>=4,slot<8", "slot>=[4] slot<[8]"},
           {"devices", "handle=0x0012", "device_handle=[18]"},
           {"devices", "address=5000C500*", "sas_address=[5000c500*]"},
           {"devices", "type=enclosure", "peripheral_type=[13]"},
           {"phys", "phy=3,routing=table", "phy_identifier=[3] routing=[ROUTING_TABLE]"},
           {"phys", "virtual=yes", "virtual_phy=[true]"},
           {"hosts", "discovery!=settled", "discovery_state!=[DISCOVERY_STATE_SETTLED]"},
           {"expanders", "revision>7,sources=firmware", "revision>[7] sources=[SOURCE_FIRMWARE]"},
       }) {
    EXPECT_EQ(Ask(c.noun, {c.filter}), c.asked) << c.noun << " " << c.filter;
  }
  EXPECT_EQ(Ask("drives", {"type!=disk"}), "peripheral_type!=[0] peripheral_type=[0|14|20]");
}

TEST_F(SelectTest, AnOperatorMustFitItsKey) {
  EXPECT_EQ(Ask("devices", {"model>A"}), "filter model takes = and !=, not >");
  EXPECT_EQ(Ask("devices", {"state<=failed"}), "filter state takes = and !=, not <=");
  EXPECT_EQ(Ask("ports", {"min-width>4"}), "filter min-width takes only =, not >");
  EXPECT_EQ(Ask("slots", {"label<1"}), "filter label takes = and !=, not <");
  EXPECT_EQ(Ask("lus", {"size>1TB,2TB"}), "filter size takes one value, not \"1TB,2TB\"");
  EXPECT_EQ(Ask("lus", {"size>1TB", "size>2TB"}), "filter size> is given twice");
  EXPECT_EQ(Ask("lus", {"size>1XB"}),
            "filter size: \"1XB\" is not a size; units are B, kB, MB, GB, TB, PB (powers of 1000), "
            "and KiB, MiB, GiB, TiB, PiB (powers of 1024)");
  for (const char* size : {"size>TB", "size>1.2.3TB", "size>1TiBs", "size>99999999PB"}) {
    EXPECT_THAT(Ask("lus", {size}), ::testing::HasSubstr("is not a size")) << size;
  }
  EXPECT_EQ(Ask("phys", {"rate>7"}),
            "filter rate: \"7\" is not a speed (speeds: 1.5G, 3G, 6G, 12G, 22.5G)");
}

TEST_F(SelectTest, DrivesSelectAllDiskTypesByDefault) {
  EXPECT_EQ(Ask("drives", {}), "peripheral_type=[0|14|20]");
  EXPECT_EQ(Ask("drives", {"type=zbc-disk"}), "peripheral_type=[20]");
  EXPECT_EQ(Ask("lus", {}), "");
}

TEST_F(SelectTest, AMistypedKeyNamesCloseOnesAndAll) {
  EXPECT_EQ(TrySelect("slots", {"ocupied=yes"}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(
      Ask("slots", {"ocupied=yes"}),
      "unknown filter \"ocupied\" for slots; did you mean \"occupied\"? (filters: host, enclosure, "
      "occupied, behind, slot, label, block-devices, vendor, model, serial, drive, addresses, "
      "os-name, sources, revision, updated, name)");
  EXPECT_THAT(Ask("drives", {"banana=1"}),
              StartsWith("unknown filter \"banana\" for drives (filters: "));
}

TEST_F(SelectTest, AMistypedValueNamesCloseOnesAndAll) {
  struct Case {
    const char* noun;
    const char* filter;
    const char* error;
  };
  for (const Case& c : std::vector<Case>{
           {"devices", "protocol=sat",
            "filter protocol: unknown value \"sat\"; did you mean \"sata\"? "
            "(values: ssp, stp, smp, sata)"},
           {"phys", "rate=12",
            "filter rate: unknown value \"12\"; did you mean \"12G\"? (values: disabled, "
            "negotiation-failed, sata-spinup-hold, port-selector, reset-in-progress, "
            "unsupported-phy, 1.5G, 3G, 6G, 12G, 22.5G)"},
           {"phys", "linked=maybe", "filter linked: \"maybe\" is not yes or no"},
           {"ports", "min-width=wide", "filter min-width: \"wide\" is not a number"},
           {"ports", "min-width=-1", "filter min-width: \"-1\" is not a number"},
           {"lus", "type=dsk",
            "filter type: unknown type \"dsk\"; did you mean \"disk\"? (types: disk, tape, "
            "processor, "
            "cd, changer, enclosure, rbc-disk, zbc-disk, or an SPC peripheral device type number)"},
           {"devices", "parent=nowhere",
            "no host or expander \"nowhere\"; `sasctl list hosts` lists the hosts"},
       }) {
    EXPECT_EQ(Ask(c.noun, {c.filter}), c.error);
  }
  // The filter has only the fields that are set.
  EXPECT_THAT(Ask("devices", {"state=unspecified"}), StartsWith("filter state: unknown value"));
}

TEST_F(SelectTest, AMissingObjectIsNotFound) {
  EXPECT_EQ(TrySelect("devices", {"host=host2"}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(SelectTest, AFilterOfSasdIsGivenOnce) {
  EXPECT_EQ(Ask("devices", {"model=A,B"}), "model=[A|B]");
  EXPECT_EQ(Ask("slots", {"occupied=yes,no"}), "filter occupied takes one value, not \"yes,no\"");
  EXPECT_EQ(Ask("devices", {"model=A", "model=B"}),
            "filter model is given twice; for alternatives, give model=VALUE,VALUE");
  EXPECT_EQ(Ask("slots", {"occupied=no,occupied=no"}), "filter occupied is given twice");
  // Both conditions must hold, but sasd would accept either.
  EXPECT_EQ(Ask("devices", {"state=failed", "state=blocked"}),
            "filter state is given twice; for alternatives, give state=VALUE,VALUE");
}

TEST_F(SelectTest, ColumnsAreFiltersToo) {
  const auto selection = TrySelect("slots", {"label=slot 01,Slot 02", "block_devices=sdb"});
  ASSERT_TRUE(selection.ok()) << selection.status();
  EXPECT_EQ(Sent(selection->filter), "");
  struct Case {
    const char* slot;
    bool admitted;
  };
  for (const Case& c : std::vector<Case>{
           {R"(slot { label: "Slot 01" block_devices: "sdb" })", true},
           {R"(slot { label: "SLOT 02" block_devices: ["sda", "sdb"] })", true},  // one of several
           {R"(slot { label: "Slot 03" block_devices: "sdb" })", false},
           {R"(slot { label: "Slot 01" block_devices: "sdbb" })", false},
           {R"(slot { label: "Slot 01" })", false},
           {R"(slot { block_devices: "sdb" })", false},
       }) {
    EXPECT_EQ(selection->Admits(ParseResource(c.slot).slot()), c.admitted) << c.slot;
  }
}

TEST_F(SelectTest, ColumnsTakeGlobsAndNegation) {
  struct Case {
    const char* filter;
    bool admitted;
  };
  const sas::v1::Resource slot =
      ParseResource(R"(slot { label: "Slot 01" block_devices: ["sda", "sdb"] })");
  for (const Case& c : std::vector<Case>{{"label=slot*", true},
                                         {"label=?lot 0?", true},
                                         {"label=slot 0", false},
                                         {"label!=slot*", false},
                                         {"label!=bay*,tray*", true},
                                         {"block-devices=sd?", true},
                                         {"block-devices!=sdb", false},
                                         {"block-devices!=sdc", true}}) {
    const auto selection = TrySelect("slots", {c.filter});
    ASSERT_TRUE(selection.ok()) << selection.status();
    EXPECT_EQ(selection->Admits(slot.slot()), c.admitted) << c.filter;
  }
  EXPECT_EQ(Ask("slots", {"label=a\\"}),
            "filter label: \"a\\\" ends with \"\\\"; \"\\\\\" is a plain one");
}

TEST_F(SelectTest, AnEqualSizeIsTheOneShown) {
  const sas::v1::Resource drive =
      ParseResource("logical_unit { size_bytes: 14000519643136 }");  // "14.0TB"
  for (const char* size : {"size=14TB", "size=14.0tb", "size=14.*", "size!=12TB"}) {
    EXPECT_TRUE(TrySelect("lus", {size})->Admits(drive.logical_unit())) << size;
  }
  EXPECT_FALSE(TrySelect("lus", {"size=14.1TB"})->Admits(drive.logical_unit()));
}

TEST_F(SelectTest, HostsFilterByColumnsOnly) {
  const auto selection = TrySelect("hosts", {"os-name=host1"});
  ASSERT_TRUE(selection.ok()) << selection.status();
  EXPECT_EQ(Sent(selection->filter), "");
  EXPECT_TRUE(selection->Admits(ParseResource(R"(host { os_name: "host1" })").host()));
  EXPECT_FALSE(selection->Admits(ParseResource(R"(host { os_name: "host11" })").host()));
}

TEST_F(SelectTest, NoConditionsAdmitAll) {
  EXPECT_TRUE(TrySelect("slots", {})->Admits(sas::v1::Slot()));
}

}  // namespace
}  // namespace sasd::cli
