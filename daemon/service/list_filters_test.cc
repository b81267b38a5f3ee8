#include "daemon/service/list_filters.h"

#include <cstdint>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/fake_pump.h"
#include "daemon/service/behind.h"
#include "daemon/service/convert.h"
#include "daemon/service/filter_bounds.h"
#include "daemon/service/names.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using registry::kEnclosure;
using registry::kExpander;
using registry::kHostA;
using registry::kHostB;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

// Host A with an expander, an enclosure and three drives of which host B reaches the first; each
// field of each kind is set somewhere.
std::shared_ptr<const registry::Topology> MakeTopology() {
  registry::SelfPublishingRegistry registry({"00000000000000aa", 0});
  HostFacts host = registry::HostOf(kHostA);
  host.board_name = "SAS9400-8i8e";
  host.chip_name = "SAS3408";
  host.firmware_version = "12.00.00.00";
  host.driver_name = "mpt3sas";
  host.pci_address = "0000:03:00.0";
  host.os_name = "host11";
  PhyFacts phy = registry::PhyTo(NodeKey::Host(kHostA), 0, kExpander, 1, LinkRate::k12Gbps,
                                 LinkRate::k22_5Gbps);
  phy.hardware_min = LinkRate::k3Gbps;
  phy.programmed_min = LinkRate::k6Gbps;
  phy.programmed_max = LinkRate::k12Gbps;
  phy.routing = RoutingAttribute::kTable;
  phy.is_virtual = true;
  phy.vacant = true;
  phy.os_name = "phy-11:0";
  PhyFacts slow = registry::PhyTo(NodeKey::Host(kHostA), 1, SasAddress(0x11), -1, LinkRate::k3Gbps);
  PhyFacts off = registry::PhyTo(NodeKey::Host(kHostA), 2, SasAddress(0), -1, LinkRate::kDisabled);
  PortFacts port;
  port.key = {NodeKey::Host(kHostA), kExpander};
  port.os_name = "port-11:0";
  port.width = 1;
  ExpanderFacts expander = registry::ExpanderOn(kHostA);
  expander.handle = DevHandle(9);
  expander.enclosure = kEnclosure;
  expander.level = 1;
  expander.vendor = "LSI";
  expander.product = "SAS3x48";
  expander.revision = "0601";
  expander.os_name = "expander-11:0";
  EnclosureFacts enclosure;
  enclosure.key = kEnclosure;
  enclosure.host = kHostA;
  enclosure.slot_count = 4;
  enclosure.start_slot = 1;
  enclosure.level = 2;
  enclosure.os_name = "11:0:9:0";
  SlotFacts slot;
  slot.key = {kEnclosure, 1};
  slot.label = "Slot 01";
  slot.os_name = "1";
  EndDeviceFacts drive = registry::Drive(kHostA, 0x11);
  drive.handle = DevHandle(10);
  drive.parent_phy = PhyId(1);
  drive.protocols.initiator = Protocols::kStp;
  drive.protocols.target = Protocols::kSsp | Protocols::kSata;
  drive.enclosure_level = 3;
  drive.connector_name = "C0.1";
  drive.device_name = SasAddress(0x5000c500a7b26110);
  drive.access_status = 5;
  drive.failure = "no reason";
  drive.os_name = "end_device-11:0:1";
  LogicalUnitFacts unit = registry::Unit(kHostA, 0x11, "naa.5000c500a7b26111");
  unit.vendor = "HGST";
  unit.model = "HUH721212AL5200";
  unit.revision = "A3D0";
  unit.serial = "ZA10000";
  unit.size_bytes = 12000138625024;
  unit.scsi_address = "11:0:0:0";
  unit.block_device = "sdb";
  unit.generic_device = "sg2";
  EndDeviceFacts failed = registry::Drive(kHostA, 0x12, DeviceState::kFailed);
  failed.protocols.target = Protocols::kStp;
  EndDeviceFacts outside = registry::Drive(kHostA, 0x13);
  outside.enclosure = EnclosureKey(0);
  outside.slot.reset();
  LogicalUnitFacts tape = registry::Unit(kHostA, 0x13, "naa.5000c500a7b26113");
  tape.peripheral_type = 1;
  tape.size_bytes = 4000;
  tape.rejected_wwid = "naa.0000000000000000";
  EndDeviceFacts ses = registry::Drive(kHostA, 0x1e);
  LogicalUnitFacts ses_unit = registry::Unit(kHostA, 0x1e, "naa.500304800175f0bd");
  ses_unit.peripheral_type = 13;
  ses_unit.vendor = "SMC";
  ses_unit.model = "SC846";
  ses_unit.revision = "100d";
  registry.Observe(
      registry::Batch({host, phy, slow, off, port, expander, enclosure, slot, drive, unit, failed,
                       outside, tape, ses, ses_unit, registry::Settled(kHostA)}));
  LogicalUnitFacts second = registry::Unit(kHostB, 0x21, "naa.5000c500a7b26111");
  second.block_device = "sdc";
  registry.Observe(
      registry::Batch({registry::HostOf(kHostB), registry::Drive(kHostB, 0x21), second}, kHostB));
  // The tape was reached over host B, too.
  registry.Observe(registry::Batch(
      {registry::Drive(kHostB, 0x23), registry::Unit(kHostB, 0x23, "naa.5000c500a7b26113")},
      kHostB));
  registry.Observe(
      registry::Batch({EndDeviceGone{{kHostB, SasAddress(0x23), PhysicalPort(0)}}}, kHostB));
  return registry.Snapshot();
}

const registry::Topology& Picture() {
  static const auto* const topology = new auto(MakeTopology());
  return **topology;
}

sas::v1::Filter ParseFilter(const std::string& text) {
  sas::v1::Filter filter;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &filter)) << text;
  return filter;
}

// "vendor = HGST|SMC" in a filter's text format.
std::string Where(absl::string_view field, absl::string_view op,
                  const std::vector<std::string>& values) {
  sas::v1::Filter filter;
  sas::v1::Condition& condition = *filter.add_conditions();
  condition.set_field(std::string(field));
  const std::vector<std::string> operators = {"", "=", "!=", "<", "<=", ">", ">="};
  for (size_t i = 0; i < operators.size(); ++i) {
    if (operators[i] == op) condition.set_operator_(static_cast<sas::v1::Operator>(i));
  }
  for (const std::string& value : values) condition.add_values(value);
  return filter.ShortDebugString();
}

// The last part of each name that passes, or the error as "PATH: DESCRIPTION".
template <typename T>
std::vector<std::string> Pass(const std::string& filter) {
  Predicate<T> predicate;
  const grpc::Status status = ReadFilter(ParseFilter(filter), Picture(), &predicate);
  if (!status.ok()) {
    google::rpc::Status details;
    google::rpc::BadRequest bad;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_TRUE(details.ParseFromString(status.error_details()));
    EXPECT_TRUE(details.details(0).UnpackTo(&bad));
    const auto& violation = bad.field_violations(0);
    return {absl::StrCat(violation.field(), ": ", violation.description())};
  }
  std::vector<std::string> names;
  for (const auto& resource : Picture().collection<T>()) {
    if (!predicate(*resource)) continue;
    const std::string name = NameOf(registry::MakeId<T>(resource->key()));
    names.push_back(name.substr(name.rfind('/') + 1));
  }
  return names;
}

template <typename T>
std::vector<std::string> Pass(absl::string_view field, absl::string_view op,
                              const std::vector<std::string>& values) {
  return Pass<T>(Where(field, op, values));
}

const char kDrive1[] = "0000000000000011", kDrive2[] = "0000000000000012",
           kDrive3[] = "0000000000000013", kSes[] = "000000000000001e",
           kDriveB[] = "0000000000000021";
const char kDisk[] = "naa.5000c500a7b26111", kTape[] = "naa.5000c500a7b26113",
           kSesUnit[] = "naa.500304800175f0bd";
const char kNameA[] = "hosts/000000000000000a", kNameB[] = "hosts/000000000000000b";

// ------------------------------------------------------------------------- Against the messages

// A field's elements as values of a condition; empty if it is not set.
std::vector<std::string> ValuesOf(const Message& message, const FieldDescriptor& field) {
  const auto& reflection = *message.GetReflection();
  const auto text = [&](int index) {
    std::string value;
    google::protobuf::TextFormat::PrintFieldValueToString(message, &field, index, &value);
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING)
      value = value.substr(1, value.size() - 2);
    return value;
  };
  std::vector<std::string> values;
  if (field.is_repeated()) {
    for (int i = 0; i < reflection.FieldSize(message, &field); ++i) values.push_back(text(i));
  } else if (!field.has_presence() || reflection.HasField(message, &field)) {
    values.push_back(text(-1));
  }
  return values;
}

template <typename T, typename Proto>
class AgainstMessage {
 public:
  // Returns the fields of the message that no condition can name.
  std::set<std::string> Check() {
    std::set<std::string> names;
    for (const FilterField& field : FilterFieldsOf(T::kKind)) {
      EXPECT_TRUE(names.insert(field.name).second) << field.name << " is there twice";
      const auto* described = Proto::descriptor()->FindFieldByName(field.name);
      EXPECT_EQ(field.note.empty(), described != nullptr) << field.name;
      if (described != nullptr) CheckField(*described);
    }
    std::set<std::string> missing;
    for (int i = 0; i < Proto::descriptor()->field_count(); ++i) {
      const std::string& name = Proto::descriptor()->field(i)->name();
      if (names.count(name) == 0) missing.insert(name);
    }
    return missing;
  }

 private:
  // Each resource passes for what its message shows, and fails for its negation.
  void CheckField(const FieldDescriptor& field) {
    bool seen = false;
    for (const auto& resource : Picture().collection<T>()) {
      Proto message;
      ToProto(*resource, &message);
      for (const std::string& value : ValuesOf(message, field)) {
        const bool unspecified = field.cpp_type() == FieldDescriptor::CPPTYPE_ENUM &&
                                 field.enum_type()->FindValueByName(value)->number() == 0;
        if (unspecified) continue;
        Predicate<T> equal, different;
        EXPECT_TRUE(
            ReadFilter(ParseFilter(Where(field.name(), "=", {value})), Picture(), &equal).ok())
            << field.full_name() << " " << value;
        ASSERT_TRUE(
            ReadFilter(ParseFilter(Where(field.name(), "!=", {value})), Picture(), &different)
                .ok());
        EXPECT_TRUE(equal(*resource)) << field.full_name() << " " << value;
        EXPECT_FALSE(different(*resource)) << field.full_name() << " " << value;
        // Resources that show another value do not pass.
        for (const auto& other : Picture().collection<T>()) {
          Proto shown;
          ToProto(*other, &shown);
          const auto values = ValuesOf(shown, field);
          const bool has = std::find(values.begin(), values.end(), value) != values.end();
          EXPECT_EQ(equal(*other), has) << field.full_name() << " " << value;
          EXPECT_EQ(different(*other), !has) << field.full_name() << " " << value;
        }
        seen |= !value.empty() && value != "0";
      }
    }
    EXPECT_TRUE(seen || field.name() == "alias") << field.full_name() << " is never set";
  }
};

TEST(ListFiltersTest, ConditionsSeeWhatMessagesShow) {
  EXPECT_THAT((AgainstMessage<registry::Host, sas::v1::Host>().Check()),
              ElementsAre("discovery", "update_time"));
  EXPECT_THAT((AgainstMessage<registry::Phy, sas::v1::Phy>().Check()), ElementsAre("update_time"));
  EXPECT_THAT((AgainstMessage<registry::Port, sas::v1::Port>().Check()),
              ElementsAre("phy_identifiers", "update_time"));
  EXPECT_THAT((AgainstMessage<registry::Expander, sas::v1::Expander>().Check()),
              ElementsAre("update_time"));
  EXPECT_THAT((AgainstMessage<registry::EndDevice, sas::v1::EndDevice>().Check()),
              ElementsAre("state_time", "update_time"));
  EXPECT_THAT((AgainstMessage<registry::LogicalUnit, sas::v1::LogicalUnit>().Check()),
              ElementsAre("paths", "update_time"));
  EXPECT_THAT((AgainstMessage<registry::Enclosure, sas::v1::Enclosure>().Check()),
              ElementsAre("update_time"));
  EXPECT_THAT((AgainstMessage<registry::Slot, sas::v1::Slot>().Check()),
              ElementsAre("update_time"));
}

// ------------------------------------------------------------------------------------ Operators

TEST(ListFiltersTest, AnEmptyFilterPassesEverything) {
  EXPECT_THAT(Pass<registry::EndDevice>(""), ElementsAre(kDrive1, kDrive2, kDrive3, kSes, kDriveB));
  EXPECT_THAT(Pass<registry::Host>(""), ElementsAre("000000000000000a", "000000000000000b"));
}

TEST(ListFiltersTest, EqualTakesAnyValueAndNotEqualNone) {
  using T = registry::EndDevice;
  EXPECT_THAT(Pass<T>("state", "=", {"FAILED"}), ElementsAre(kDrive2));
  EXPECT_THAT(Pass<T>("state", "=", {"DEVICE_STATE_FAILED", "ATTACHED"}),
              ElementsAre(kDrive1, kDrive2, kDrive3, kSes, kDriveB));
  EXPECT_THAT(Pass<T>("state", "!=", {"ATTACHED"}), ElementsAre(kDrive2));
  EXPECT_THAT(Pass<T>("state", "!=", {"ATTACHED", "FAILED"}), IsEmpty());
}

TEST(ListFiltersTest, AFieldWithSeveralElementsNeedsOne) {
  using T = registry::EndDevice;
  EXPECT_THAT(Pass<T>("target_protocols", "=", {"SATA", "STP"}), ElementsAre(kDrive1, kDrive2));
  EXPECT_THAT(Pass<T>("target_protocols", "!=", {"SATA", "STP"}),
              ElementsAre(kDrive3, kSes, kDriveB));
  using U = registry::LogicalUnit;
  EXPECT_THAT(Pass<U>("block_device", "=", {"sdc"}), ElementsAre(kDisk));  // the second path
  EXPECT_THAT(Pass<U>("block_device", "!=", {"sdc"}), ElementsAre(kTape, kSesUnit));
  EXPECT_THAT(Pass<U>("state", "=", {"ATTACHED"}), ElementsAre(kDisk, kTape, kSesUnit));
  EXPECT_THAT(Pass<U>("scsi_address", "=", {"11:0:*"}), ElementsAre(kDisk));
  EXPECT_THAT(Pass<U>("generic_device", "=", {"sg2"}), ElementsAre(kDisk));
  EXPECT_THAT(Pass<U>("end_device", "=", {absl::StrCat(kNameB, "/endDevices/", kDriveB)}),
              ElementsAre(kDisk));
  EXPECT_THAT(Pass<U>("host", "=", {kNameB}), ElementsAre(kDisk));
  EXPECT_THAT(Pass<U>("lost_hosts", "=", {kNameB}), ElementsAre(kTape));
}

TEST(ListFiltersTest, AllConditionsMustHold) {
  EXPECT_THAT(Pass<registry::EndDevice>(
                  absl::StrCat("hosts: '", kNameA, "' ", Where("state", "=", {"ATTACHED"}), " ",
                               Where("enclosure", "=", {"enclosures/0000000000000077"}))),
              ElementsAre(kDrive1, kSes));
}

TEST(ListFiltersTest, TextsAndNamesTakeGlobs) {
  using T = registry::EndDevice;
  EXPECT_THAT(Pass<T>("model", "=", {"HUH72*", "SC???"}), ElementsAre(kDrive1, kSes));
  EXPECT_THAT(Pass<T>("model", "=", {"huh72*"}), IsEmpty());
  EXPECT_THAT(Pass<T>("model", "!=", {"*"}), IsEmpty());
  EXPECT_THAT(Pass<T>("model", "=", {""}), ElementsAre(kDrive2, kDrive3, kDriveB));
  EXPECT_THAT(Pass<T>("model", "=", {"HUH721212AL520\\0"}), ElementsAre(kDrive1));
  EXPECT_THAT(Pass<T>("name", "=", {"*/endDevices/*2?"}), ElementsAre(kDriveB));
  EXPECT_THAT(Pass<T>("enclosure", "=", {"enclosures/*"}),
              ElementsAre(kDrive1, kDrive2, kSes, kDriveB));
  EXPECT_THAT(Pass<T>("enclosure", "=", {""}), ElementsAre(kDrive3));
  EXPECT_THAT(Pass<T>("sas_address", "=", {"*1?"}), ElementsAre(kDrive1, kDrive2, kDrive3, kSes));
  EXPECT_THAT(Pass<T>("sas_address", "=", {"0x13", "00:00:00:00:00:00:00:12"}),
              ElementsAre(kDrive2, kDrive3));
}

TEST(ListFiltersTest, NumbersHaveAnOrder) {
  using T = registry::LogicalUnit;
  EXPECT_THAT(Pass<T>("size_bytes", ">=", {"12000138625024"}), ElementsAre(kDisk));
  EXPECT_THAT(Pass<T>("size_bytes", ">", {"12000138625024"}), IsEmpty());
  EXPECT_THAT(Pass<T>("size_bytes", "<", {"4000"}), ElementsAre(kSesUnit));
  EXPECT_THAT(Pass<T>("size_bytes", "<=", {"4000"}), ElementsAre(kTape, kSesUnit));
  EXPECT_THAT(Pass<T>("path_count", "<=", {"1"}), ElementsAre(kTape, kSesUnit));
  EXPECT_THAT(Pass<T>("path_count", ">", {"1"}), ElementsAre(kDisk));
  EXPECT_THAT(Pass<T>("peripheral_type", "=", {"1", "13"}), ElementsAre(kTape, kSesUnit));
  EXPECT_THAT(Pass<registry::Port>("width", ">=", {"2"}), IsEmpty());
  EXPECT_THAT(Pass<registry::Host>("reset_count", "=", {"0"}),
              ElementsAre("000000000000000a", "000000000000000b"));
}

TEST(ListFiltersTest, AnUnsetNumberHasNoOrder) {
  using T = registry::EndDevice;
  EXPECT_THAT(Pass<T>("slot", "<", {"100"}), ElementsAre(kDrive1, kDrive2, kSes, kDriveB));
  EXPECT_THAT(Pass<T>("slot", "=", {"0"}), IsEmpty());
  EXPECT_THAT(Pass<T>("slot", "!=", {"1", "2", "14"}), ElementsAre(kDrive3));
  EXPECT_THAT(Pass<T>("peripheral_type", ">=", {"0"}),
              ElementsAre(kDrive1, kDrive3, kSes, kDriveB));
}

TEST(ListFiltersTest, OnlySpeedsHaveAnOrder) {
  using T = registry::Phy;
  EXPECT_THAT(Pass<T>("negotiated_link_rate", "=", {"12_GBPS", "LINK_RATE_DISABLED"}),
              ElementsAre("0", "2"));
  EXPECT_THAT(Pass<T>("negotiated_link_rate", "!=", {"12_GBPS"}), ElementsAre("1", "2"));
  EXPECT_THAT(Pass<T>("negotiated_link_rate", "<", {"12_GBPS"}), ElementsAre("1"));
  EXPECT_THAT(Pass<T>("negotiated_link_rate", "<=", {"12_GBPS"}), ElementsAre("0", "1"));
  EXPECT_THAT(Pass<T>("negotiated_link_rate", ">", {"3_GBPS"}), ElementsAre("0"));
  EXPECT_THAT(Pass<T>("negotiated_link_rate", ">=", {"3_GBPS"}), ElementsAre("0", "1"));
  EXPECT_THAT(Pass<T>("negotiated_link_rate", ">=", {"DISABLED"}),
              ElementsAre("filter.conditions[0].values[0]: \"DISABLED\" is not a speed; speeds are "
                          "1_5_GBPS, 3_GBPS, 6_GBPS, 12_GBPS, 22_5_GBPS"));
}

TEST(ListFiltersTest, BoolsTakeTrueAndFalse) {
  EXPECT_THAT(Pass<registry::Phy>("attached", "=", {"false"}), ElementsAre("2"));
  EXPECT_THAT(Pass<registry::Phy>("attached", "!=", {"false"}), ElementsAre("0", "1"));
  EXPECT_THAT(Pass<registry::Phy>("attached", "=", {"true", "false"}), ElementsAre("0", "1", "2"));
  EXPECT_THAT(Pass<registry::Slot>("occupied", "=", {"true"}), ElementsAre("1", "2"));
  EXPECT_THAT(Pass<registry::Slot>("occupied", "=", {"yes"}),
              ElementsAre("filter.conditions[0].values[0]: \"yes\" is not \"true\" or \"false\""));
}

TEST(ListFiltersTest, HostsSelectWhatTheyReach) {
  const std::string b = absl::StrCat("hosts: '", kNameB, "'");
  EXPECT_THAT(Pass<registry::Host>(b), ElementsAre("000000000000000b"));
  EXPECT_THAT(Pass<registry::Phy>(b), IsEmpty());
  EXPECT_THAT(Pass<registry::Port>(b), IsEmpty());
  EXPECT_THAT(Pass<registry::Expander>(b), IsEmpty());
  EXPECT_THAT(Pass<registry::EndDevice>(b), ElementsAre(kDriveB));
  EXPECT_THAT(Pass<registry::LogicalUnit>(b), ElementsAre(kDisk));
  EXPECT_THAT(Pass<registry::Enclosure>(b), ElementsAre("0000000000000077"));
  EXPECT_THAT(Pass<registry::Slot>(b), ElementsAre("1", "2", "3", "4"));
  EXPECT_THAT(Pass<registry::Phy>("host", "!=", {kNameB}), ElementsAre("0", "1", "2"));
  EXPECT_THAT(Pass<registry::Port>("host", "=", {kNameB}), IsEmpty());
  EXPECT_THAT(Pass<registry::Slot>("hosts", "=", {kNameB}), ElementsAre("1", "2", "3", "4"));
}

TEST(ListFiltersTest, OwnersAndParentsAreNames) {
  EXPECT_THAT(Pass<registry::Phy>("owner", "=", {kNameA}), ElementsAre("0", "1", "2"));
  EXPECT_THAT(Pass<registry::Port>("owner", "=", {kNameB}), IsEmpty());
  EXPECT_THAT(Pass<registry::Expander>("parent", "=", {kNameA}), ElementsAre("000000000000000e"));
  EXPECT_THAT(Pass<registry::EndDevice>("parent", "=", {kNameB}), ElementsAre(kDriveB));
  EXPECT_THAT(Pass<registry::Host>("discovery_state", "=", {"SETTLED"}),
              ElementsAre("000000000000000a"));
}

// --------------------------------------------------------------------------------------- Errors

TEST(ListFiltersTest, AnUnknownFieldNamesCloseOnesAndAll) {
  EXPECT_THAT(
      Pass<registry::Slot>("ocupied", "=", {"true"}),
      ElementsAre("filter.conditions[0].field: no field \"ocupied\" of slots to filter by; "
                  "did you mean \"occupied\"? (fields: name, alias, enclosure, slot, label, "
                  "occupied, end_devices, logical_unit, vendor, model, serial, "
                  "block_devices, os_name, hosts, logical_units, serials, sources, revision)"));
  EXPECT_THAT(Pass<registry::Slot>("", "=", {"true"}),
              ElementsAre(StartsWith("filter.conditions[0].field: no field \"\" of slots")));
}

TEST(ListFiltersTest, AnImpossibleOperatorNamesPossibleOnes) {
  EXPECT_THAT(Pass<registry::Slot>("label", "", {"x"}),
              ElementsAre("filter.conditions[0].operator: \"label\" takes OPERATOR_EQUAL, "
                          "OPERATOR_NOT_EQUAL"));
  EXPECT_THAT(Pass<registry::Slot>("label", "<", {"x"}),
              ElementsAre(StartsWith("filter.conditions[0].operator: \"label\" takes ")));
  EXPECT_THAT(Pass<registry::Slot>("conditions { field: 'slot' operator: 99 values: '1' }"),
              ElementsAre("filter.conditions[0].operator: \"slot\" takes OPERATOR_EQUAL, "
                          "OPERATOR_NOT_EQUAL, OPERATOR_LESS, OPERATOR_LESS_OR_EQUAL, "
                          "OPERATOR_GREATER, OPERATOR_GREATER_OR_EQUAL"));
}

TEST(ListFiltersTest, AnImpossibleValueNamesPossibleOnes) {
  using T = registry::EndDevice;
  EXPECT_THAT(
      Pass<T>("state", "=", {"ATTACHED", "ATACHING"}),
      ElementsAre("filter.conditions[0].values[1]: \"ATACHING\" is not a value of "
                  "DeviceState; did you mean \"ATTACHING\"? (values: DISCOVERED, ATTACHING, "
                  "ATTACHED, BLOCKED, REMOVING, FAILED, GONE)"));
  EXPECT_THAT(Pass<T>("state", "=", {"UNSPECIFIED"}),
              ElementsAre(StartsWith("filter.conditions[0].values[0]: \"UNSPECIFIED\" is not")));
  EXPECT_THAT(Pass<T>("slot", "=", {"-1"}),
              ElementsAre("filter.conditions[0].values[0]: \"-1\" is not a number of 0 to "
                          "18446744073709551615"));
  EXPECT_THAT(Pass<T>("parent", "=", {"hosts/1"}),
              ElementsAre(StartsWith("filter.conditions[0].values[0]: \"hosts/1\" is not a host's "
                                     "or an expander's name; names are hosts/H")));
  EXPECT_THAT(Pass<T>("name", "=", {kNameA}),
              ElementsAre(HasSubstr("names another kind of resource")));
  EXPECT_THAT(Pass<T>("sas_address", "=", {"xyz"}),
              ElementsAre(AllOf(StartsWith("filter.conditions[0].values[0]: "), HasSubstr("xyz"))));
  for (const char* field : {"model", "name", "sas_address"}) {
    EXPECT_THAT(
        Pass<T>(field, "=", {"a\\"}),
        ElementsAre("filter.conditions[0].values[0]: \"a\\\" ends with \"\\\"; \"\\\\\" is a "
                    "plain one"));
  }
  EXPECT_THAT(Pass<registry::LogicalUnit>("wwid", "=", {"*\\"}),
              ElementsAre(HasSubstr("ends with")));
}

TEST(ListFiltersTest, AnOrderTakesOneValue) {
  EXPECT_THAT(Pass<registry::Slot>("slot", ">", {"1", "2"}),
              ElementsAre("filter.conditions[0].values: it has 2 elements; OPERATOR_GREATER takes "
                          "one"));
  EXPECT_THAT(Pass<registry::Slot>("slot", "=", {}),
              ElementsAre("filter.conditions[0].values: it is empty; give at least one value"));
}

TEST(ListFiltersTest, AListHasOneKindAndKnownHosts) {
  EXPECT_THAT(Pass<registry::Slot>("kinds: RESOURCE_KIND_SLOT"),
              ElementsAre("filter.kinds: a list has one kind"));
  EXPECT_THAT(Pass<registry::Slot>("hosts: 'hosts/0000000000000001'"),
              ElementsAre("filter.hosts[0]: \"hosts/0000000000000001\" is not there; there are "
                          "hosts/000000000000000a, hosts/000000000000000b"));
  EXPECT_THAT(Pass<registry::Slot>("hosts: 'x'"),
              ElementsAre(StartsWith("filter.hosts[0]: \"x\" is not a host's name")));
}

TEST(ListFiltersTest, TheSecondConditionHasItsPath) {
  EXPECT_THAT(Pass<registry::Slot>(
                  absl::StrCat(Where("slot", "=", {"1"}), " ", Where("slot", "=", {"1", "one"}))),
              ElementsAre(StartsWith("filter.conditions[1].values[1]: ")));
}

// --------------------------------------------------------------------------------------- Bounds

TEST(ListFiltersTest, FiltersHaveBounds) {
  struct Case {
    int kinds, hosts, conditions, values, bytes;
  };
  const auto make = [](const Case& c) {
    sas::v1::Filter filter;
    for (int i = 0; i < c.kinds; ++i) filter.add_kinds(sas::v1::RESOURCE_KIND_SLOT);
    for (int i = 0; i < c.hosts; ++i) filter.add_hosts(kNameA);
    for (int i = 0; i < c.conditions; ++i) filter.add_conditions()->set_field("label");
    for (int i = 0; i < c.values; ++i) filter.mutable_conditions(0)->add_values("x");
    if (c.bytes > 0) *filter.mutable_conditions(0)->mutable_values(1) = std::string(c.bytes, 'x');
    return filter;
  };
  EXPECT_TRUE(CheckBounds(make({8, 64, 32, 256, 256})).ok());
  EXPECT_EQ(CheckBounds(make({9, 0, 0, 0, 0})).error_message(),
            "filter.kinds: it has 9 elements; at most 8");
  EXPECT_EQ(CheckBounds(make({0, 65, 0, 0, 0})).error_message(),
            "filter.hosts: it has 65 elements; at most 64");
  EXPECT_EQ(CheckBounds(make({0, 0, 33, 0, 0})).error_message(),
            "filter.conditions: it has 33 elements; at most 32");
  EXPECT_EQ(CheckBounds(make({0, 0, 1, 257, 0})).error_message(),
            "filter.conditions[0].values: it has 257 elements; at most 256");
  EXPECT_EQ(CheckBounds(make({0, 0, 1, 2, 257})).error_message(),
            "filter.conditions[0].values[1]: it has 257 bytes; at most 256");
  sas::v1::Filter filter;
  filter.add_hosts(std::string(257, 'h'));
  EXPECT_EQ(CheckBounds(filter).error_message(), "filter.hosts[0]: it has 257 bytes; at most 256");
  filter.Clear();
  filter.add_conditions()->set_field(std::string(257, 'f'));
  EXPECT_EQ(CheckBounds(filter).error_message(),
            "filter.conditions[0].field: it has 257 bytes; at most 256");
  Predicate<registry::Slot> predicate;
  EXPECT_FALSE(ReadFilter(filter, Picture(), &predicate).ok());
}

TEST(ListFiltersTest, PatternsHaveABoundTogether) {
  sas::v1::Filter filter;
  for (int c = 0; c < 2; ++c) {
    sas::v1::Condition& condition = *filter.add_conditions();
    condition.set_field("label");
    condition.set_operator_(sas::v1::OPERATOR_EQUAL);
    for (int i = 0; i < 16; ++i) condition.add_values(std::string(127, 'x') + (c == 0 ? "*" : "?"));
    for (int i = 0; i < 100; ++i) condition.add_values(std::string(256, 'x'));  // no pattern
  }
  EXPECT_TRUE(CheckBounds(filter).ok());
  filter.mutable_conditions(1)->add_values("*");
  EXPECT_EQ(
      CheckBounds(filter).error_message(),
      "filter.conditions: the values with \"*\" or \"?\" have 4097 bytes together; at most 4096");
}

TEST(ListFiltersTest, ManyValuesPassLikeOne) {
  std::vector<std::string> slots;
  for (int i = 255; i >= 0; --i) slots.push_back(absl::StrCat(i == 7 ? 1 : 1000 + i));
  const auto passing = Pass<registry::Slot>(Where("slot", "=", slots));
  EXPECT_EQ(passing, Pass<registry::Slot>(Where("slot", "=", {"1"})));
  EXPECT_FALSE(passing.empty());
}

// ------------------------------------------------------------------------------------- Document

TEST(ListFiltersTest, TheDocumentListsTheFields) {
  std::ifstream file("docs/filters.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string document = text.str();
  const size_t generated = document.find("## Host\n");
  ASSERT_NE(generated, std::string::npos);
  EXPECT_TRUE(document.substr(generated) == FilterFieldsMarkdown())
      << "docs/filters.md must end with:\n"
      << FilterFieldsMarkdown();
}

std::string BehindText(const std::string& name) { return absl::StrCat("behind: '", name, "'"); }

TEST(BehindTest, ExpanderLeadsThroughOthersToDrives) {
  registry::SelfPublishingRegistry registry({"00000000000000aa", 0});
  const ExpanderFacts upper = registry::ExpanderOn(kHostA);
  ExpanderFacts lower = upper;
  lower.key.address = SasAddress(0x01);  // comes before its parent
  lower.parent = upper.key;
  EndDeviceFacts drive = registry::Drive(kHostA, 0x11);
  drive.parent = lower.key;
  registry.Observe(registry::Batch(
      {registry::HostOf(kHostA), upper, lower, drive,
       registry::Unit(kHostA, 0x11, "naa.5000c500a7b26111"), registry::Drive(kHostA, 0x12),
       registry::Unit(kHostA, 0x12, "naa.5000c500a7b26112"), registry::Settled(kHostA)}));
  const auto topology = registry.Snapshot();
  for (const NodeKey& expander : {upper.key, lower.key}) {
    const Behind behind({topology->Get(registry::MakeId<registry::Expander>(expander))}, *topology);
    int units = 0, devices = 0;
    for (const auto& unit : topology->collection<registry::LogicalUnit>()) {
      units += behind.Has(*unit) ? 1 : 0;
    }
    for (const auto& device : topology->collection<registry::EndDevice>()) {
      devices += behind.Has(*device) ? 1 : 0;
    }
    EXPECT_EQ(units, 1);
    EXPECT_EQ(devices, 1);
    EXPECT_EQ(behind.Has(*topology->Get<registry::Expander>(upper.key)), expander == upper.key);
    EXPECT_TRUE(behind.Has(*topology->Get<registry::Expander>(lower.key)));
    EXPECT_FALSE(behind.Has(*topology->Get<registry::Host>(kHostA)));
  }
}

TEST(BehindTest, LinkLeadsToWhatIsBeyondIt) {
  const NodeKey host = NodeKey::Host(kHostA);
  const std::string port = NameOf(registry::MakeId<registry::Port>({host, kExpander}));
  const std::string phy = NameOf(registry::MakeId<registry::Phy>({host, PhyId(0)}));
  const std::string dark = NameOf(registry::MakeId<registry::Phy>({host, PhyId(2)}));
  EXPECT_EQ(Pass<registry::Expander>(BehindText(port)).size(), 1);
  EXPECT_EQ(Pass<registry::EndDevice>(BehindText(phy)),
            Pass<registry::EndDevice>(BehindText(port)));
  EXPECT_THAT(Pass<registry::EndDevice>(BehindText(dark)), IsEmpty());
  // The phy leads to a drive.
  const std::string direct = NameOf(registry::MakeId<registry::Phy>({host, PhyId(1)}));
  EXPECT_EQ(Pass<registry::LogicalUnit>(BehindText(direct)).size(), 1);
}

TEST(BehindTest, HostLeadsToAllOfIt) {
  EXPECT_EQ(Pass<registry::EndDevice>(BehindText(HostName(kHostB))),
            Pass<registry::EndDevice>("hosts: '" + HostName(kHostB) + "'"));
  EXPECT_EQ(Pass<registry::Phy>(BehindText(HostName(kHostA))).size(), 3);
}

TEST(BehindTest, EnclosureSlotAndDriveLeadToWhatTheyHold) {
  const std::string slot = NameOf(registry::MakeId<registry::Slot>({kEnclosure, 1}));
  EXPECT_EQ(
      Pass<registry::Slot>(BehindText(EnclosureName(kEnclosure))),
      Pass<registry::Slot>("conditions { field: 'enclosure' operator: OPERATOR_EQUAL values: '" +
                           EnclosureName(kEnclosure) + "' }"));
  EXPECT_EQ(Pass<registry::Slot>(BehindText(slot)).size(), 1);
  EXPECT_THAT(Pass<registry::LogicalUnit>(BehindText("logicalUnits/naa.5000c500a7b26111")),
              ElementsAre("naa.5000c500a7b26111"));
  EXPECT_EQ(Pass<registry::EndDevice>(BehindText("logicalUnits/naa.5000c500a7b26111")).size(), 2);
}

TEST(BehindTest, NamesThatAreNotThereAreErrors) {
  EXPECT_THAT(Pass<registry::LogicalUnit>("behind: 'x'"),
              ElementsAre(StartsWith("filter.behind[0]: ")));
  EXPECT_THAT(Pass<registry::LogicalUnit>("behind: 'hosts/0000000000000001'"),
              ElementsAre("filter.behind[0]: \"hosts/0000000000000001\" is not there"));
  std::string many;
  for (int i = 0; i <= kMaxFilterBehind; ++i) many += " behind: 'x'";
  EXPECT_THAT(Pass<registry::LogicalUnit>(many), ElementsAre(HasSubstr("at most 16")));
}

}  // namespace
}  // namespace sasd::service
