#include "cli/query/filter.h"

#include <string>
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

// Prints conditions as "state=[blocked|failed]".
std::string Conditions(const std::vector<std::string>& arguments) {
  const auto conditions = ParseConditions(arguments);
  if (!conditions.ok()) return std::string(conditions.status().message());
  return absl::StrJoin(*conditions, " ", [](std::string* out, const Condition& condition) {
    absl::StrAppend(out, condition.key, "=[", absl::StrJoin(condition.values, "|"), "]");
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

TEST(ParseConditionsTest, AMissingKeyOrValueIsAnError) {
  for (const char* argument :
       {"", "blocked", "=blocked", " =blocked", "state=", "state= ", "state=blocked,",
        "state=,blocked", "state=blocked,=failed", "state=blocked, =failed"}) {
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

  // The filter in protobuf's short form, or the error.
  std::string Ask(const std::string& noun, const std::vector<std::string>& arguments) {
    const auto selection = TrySelect(noun, arguments);
    if (!selection.ok()) return std::string(selection.status().message());
    EXPECT_THAT(selection->local, IsEmpty());
    return selection->filter == nullptr ? "" : selection->filter->ShortDebugString();
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
           {"devices", "state=blocked,failed",
            "states: DEVICE_STATE_BLOCKED states: DEVICE_STATE_FAILED"},
           {"devices", "STATE=Attached", "states: DEVICE_STATE_ATTACHED"},
           {"devices", "protocol=sata", "target_protocols: PROTOCOL_SATA"},
           {"devices", "block_device=sdb", "block_device: \"sdb\""},
           {"devices", "parent=exp", "parent: \"hosts/1/expanders/2\""},
           {"devices", "model=ST8000NM0075", "model: \"ST8000NM0075\""},
           {"phys", "rate=12g,1.5G",
            "link_rates: LINK_RATE_12_GBPS link_rates: LINK_RATE_1_5_GBPS"},
           {"phys", "rate=sata_spinup_hold", "link_rates: LINK_RATE_SATA_SPINUP_HOLD"},
           {"phys", "linked=no", "attached: false"},
           {"phys", "owner=host1", "owner: \"hosts/1\""},
           {"ports", "min-width=4", "minimum_width: 4"},
           {"slots", "occupied=YES,enclosure=jbod", "enclosure: \"enclosures/5\" occupied: true"},
           {"lus", "host=host1,hosts/9", "hosts: \"hosts/1\" hosts: \"hosts/9\""},
           {"lus", "max-paths=1,type=tape,13",
            "peripheral_types: 1 peripheral_types: 13 "
            "maximum_path_count: 1"},
           {"hosts", "", ""},
       }) {
    const std::vector<std::string> arguments =
        *c.filter == '\0' ? std::vector<std::string>{} : std::vector<std::string>{c.filter};
    EXPECT_EQ(Ask(c.noun, arguments), c.asked) << c.noun << " " << c.filter;
  }
}

TEST_F(SelectTest, DrivesSelectAllDiskTypesByDefault) {
  EXPECT_EQ(Ask("drives", {}), "peripheral_types: 0 peripheral_types: 14 peripheral_types: 20");
  EXPECT_EQ(Ask("drives", {"type=zbc-disk"}), "peripheral_types: 20");
  EXPECT_EQ(Ask("lus", {}), "");
}

TEST_F(SelectTest, AMistypedKeyNamesCloseOnesAndAll) {
  EXPECT_EQ(TrySelect("slots", {"ocupied=yes"}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Ask("slots", {"ocupied=yes"}),
            "no filter \"ocupied\" for slots; did you mean \"occupied\"? (filters: enclosure, "
            "occupied, slot, label, block-devices, vendor, model, serial, drive, addresses, "
            "os-name, sources, revision, updated, name)");
  EXPECT_THAT(Ask("drives", {"banana=1"}),
              StartsWith("no filter \"banana\" for drives (filters: "));
}

TEST_F(SelectTest, AMistypedValueNamesCloseOnesAndAll) {
  struct Case {
    const char* noun;
    const char* filter;
    const char* error;
  };
  for (const Case& c : std::vector<Case>{
           {"devices", "protocol=sat",
            "filter protocol: no value \"sat\"; did you mean \"sata\"? "
            "(values: ssp, stp, smp, sata)"},
           {"phys", "rate=12",
            "filter rate: no value \"12\"; did you mean \"12G\"? (values: disabled, "
            "negotiation-failed, sata-spinup-hold, port-selector, reset-in-progress, "
            "unsupported-phy, 1.5G, 3G, 6G, 12G, 22.5G)"},
           {"phys", "linked=maybe", "filter linked: \"maybe\" is not yes or no"},
           {"ports", "min-width=wide", "filter min-width: \"wide\" is not a number"},
           {"ports", "min-width=-1", "filter min-width: \"-1\" is not a number"},
           {"lus", "type=dsk",
            "filter type: no type \"dsk\"; did you mean \"disk\"? (types: disk, tape, processor, "
            "cd, changer, enclosure, rbc-disk, zbc-disk, or an SPC peripheral device type number)"},
           {"devices", "parent=nowhere",
            "no host or expander \"nowhere\"; `sasctl list hosts` lists all"},
       }) {
    EXPECT_EQ(Ask(c.noun, {c.filter}), c.error);
  }
  // The filter has only the fields that are set.
  EXPECT_THAT(Ask("devices", {"state=unspecified"}), StartsWith("filter state: no value"));
}

TEST_F(SelectTest, AMissingObjectIsNotFound) {
  EXPECT_EQ(TrySelect("devices", {"host=host2"}).status().code(), absl::StatusCode::kNotFound);
}

TEST_F(SelectTest, AFilterOfSasdIsGivenOnce) {
  EXPECT_EQ(Ask("devices", {"model=A,B"}), "filter model takes one value, not \"A,B\"");
  EXPECT_EQ(Ask("devices", {"model=A", "model=B"}), "filter model is given twice");
  EXPECT_EQ(Ask("slots", {"occupied=no,occupied=no"}), "filter occupied is given twice");
  // Both conditions must hold, but sasd would accept either.
  EXPECT_EQ(Ask("devices", {"state=failed", "state=blocked"}),
            "filter state is given twice; for alternatives, give state=VALUE,VALUE");
}

TEST_F(SelectTest, ColumnsAreFiltersToo) {
  const auto selection = TrySelect("slots", {"label=slot 01,Slot 02", "block_devices=sdb"});
  ASSERT_TRUE(selection.ok()) << selection.status();
  EXPECT_EQ(selection->filter->ShortDebugString(), "");
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

TEST_F(SelectTest, HostsFilterByColumnsOnly) {
  const auto selection = TrySelect("hosts", {"os-name=host1"});
  ASSERT_TRUE(selection.ok()) << selection.status();
  EXPECT_EQ(selection->filter, nullptr);
  EXPECT_TRUE(selection->Admits(ParseResource(R"(host { os_name: "host1" })").host()));
  EXPECT_FALSE(selection->Admits(ParseResource(R"(host { os_name: "host11" })").host()));
}

TEST_F(SelectTest, NoConditionsAdmitAll) {
  EXPECT_TRUE(TrySelect("slots", {})->Admits(sas::v1::Slot()));
}

}  // namespace
}  // namespace sasd::cli
