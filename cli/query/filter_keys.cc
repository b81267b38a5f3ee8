#include "cli/query/filter_keys.h"

#include <utility>

namespace sasd::cli {
namespace {

using google::protobuf::EnumDescriptor;
using sas::v1::RESOURCE_KIND_ENCLOSURE;
using sas::v1::RESOURCE_KIND_END_DEVICE;
using sas::v1::RESOURCE_KIND_EXPANDER;
using sas::v1::RESOURCE_KIND_HOST;
using sas::v1::RESOURCE_KIND_LOGICAL_UNIT;
using sas::v1::RESOURCE_KIND_PHY;
using sas::v1::RESOURCE_KIND_PORT;
using sas::v1::RESOURCE_KIND_SLOT;

using Form = FilterKey::Form;

FilterKey Host(const char* field) {
  return {"host", field, Form::kReference, {RESOURCE_KIND_HOST}};
}
FilterKey Node(const char* field) {
  return {field, field, Form::kReference, {RESOURCE_KIND_HOST, RESOURCE_KIND_EXPANDER}};
}
FilterKey Enclosure() {
  return {"enclosure", "enclosure", Form::kReference, {RESOURCE_KIND_ENCLOSURE}};
}
FilterKey Behind() {
  return {"behind", "behind", Form::kReference, {RESOURCE_KIND_HOST, RESOURCE_KIND_EXPANDER}};
}
FilterKey Text(const char* key, const char* field) { return {key, field, Form::kText}; }
FilterKey Enum(const char* key, const char* field, const EnumDescriptor* type) {
  return {key, field, Form::kEnum, {}, type};
}
FilterKey Rate(const char* key, const char* field) {
  return Enum(key, field, sas::v1::LinkRate_descriptor());
}
FilterKey Number(const char* key, const char* field) { return {key, field, Form::kNumber}; }
FilterKey Bool(const char* key, const char* field) { return {key, field, Form::kBool}; }
FilterKey Address(const char* key, const char* field) { return {key, field, Form::kAddress}; }
FilterKey Bound(const char* key, const char* field, sas::v1::Operator op) {
  return {key, field, Form::kNumber, {}, nullptr, op};
}

// The keys that are listed first.
std::vector<FilterKey> OwnKeys(sas::v1::ResourceKind kind) {
  switch (kind) {
    case RESOURCE_KIND_PHY:
      return {Host("host"), Node("owner"), Rate("rate", "negotiated_link_rate"),
              Bool("linked", "attached")};
    case RESOURCE_KIND_PORT:
      return {Host("host"), Node("owner"),
              Bound("min-width", "width", sas::v1::OPERATOR_GREATER_OR_EQUAL)};
    case RESOURCE_KIND_EXPANDER:
      return {Host("host"), Node("parent"), Enclosure()};
    case RESOURCE_KIND_END_DEVICE:
      return {Host("host"), Node("parent"), Enclosure(),
              Enum("state", "state", sas::v1::DeviceState_descriptor()),
              Enum("protocol", "target_protocols", sas::v1::Protocol_descriptor()),
              Text("vendor", "vendor"), Text("model", "model"), Text("serial", "serial"),
              // That of any unit: the column shows all, the field only the first.
              Text("block-device", "block_devices"), Text("block-devices", "block_devices")};
    case RESOURCE_KIND_LOGICAL_UNIT:
      return {Host("host"),
              Enclosure(),
              {"type", "peripheral_type", Form::kPeripheralType},
              Text("vendor", "vendor"),
              Text("model", "model"),
              Text("serial", "serial"),
              Text("block-device", "block_device"),
              Bound("max-paths", "path_count", sas::v1::OPERATOR_LESS_OR_EQUAL)};
    case RESOURCE_KIND_ENCLOSURE:
      return {Host("hosts"), Text("vendor", "vendor"), Text("model", "model")};
    case RESOURCE_KIND_SLOT:
      return {Host("hosts"), Enclosure(), Bool("occupied", "occupied")};
    default:
      return {};
  }
}

// Columns whose values sasd can compare as sasctl would. Other columns ignore the case of letters,
// so sasctl compares them itself.
std::vector<FilterKey> ColumnKeys(sas::v1::ResourceKind kind) {
  switch (kind) {
    case RESOURCE_KIND_HOST:
      return {Address("address", "sas_address"), Number("phys", "phy_count"),
              Enum("discovery", "discovery_state", sas::v1::DiscoveryState_descriptor()),
              Number("resets", "reset_count")};
    case RESOURCE_KIND_PHY:
      return {Number("phy", "phy_identifier"),
              Address("attached", "attached_sas_address"),
              Number("attached-phy", "attached_phy_identifier"),
              Enum("routing", "routing", sas::v1::Routing_descriptor()),
              Rate("minimum", "programmed_minimum_link_rate"),
              Rate("maximum", "programmed_maximum_link_rate"),
              Rate("hardware-minimum", "hardware_minimum_link_rate"),
              Rate("hardware-maximum", "hardware_maximum_link_rate"),
              Bool("virtual", "virtual_phy"),
              Bool("vacant", "vacant")};
    case RESOURCE_KIND_PORT:
      return {Address("attached", "attached_sas_address"), Number("width", "width"),
              Rate("rate", "link_rate"), Number("widest", "widest_count")};
    case RESOURCE_KIND_EXPANDER:
      return {Address("address", "sas_address"), Number("level", "level"),
              Number("width", "link_width"),     Rate("rate", "link_rate"),
              Number("phys", "phy_count"),       Number("handle", "device_handle")};
    case RESOURCE_KIND_END_DEVICE:
      return {Address("address", "sas_address"),
              Number("parent-phy", "parent_phy_identifier"),
              Number("slot", "slot"),
              {"type", "peripheral_type", Form::kPeripheralType},
              Rate("rate", "link_rate"),
              Number("width", "link_width"),
              Address("wwn", "device_name"),
              Number("handle", "device_handle"),
              Number("enclosure-level", "enclosure_level"),
              Number("access-status", "access_status"),
              Enum("initiator-protocol", "initiator_protocols", sas::v1::Protocol_descriptor())};
    case RESOURCE_KIND_LOGICAL_UNIT:
      return {Number("slot", "slot"),
              {"paths", "path_count", Form::kCount},
              Enum("state", "state", sas::v1::DeviceState_descriptor()),
              {"size", "size_bytes", Form::kSize},
              Number("bytes", "size_bytes")};
    case RESOURCE_KIND_ENCLOSURE:
      return {Address("id", "logical_id"), Number("slots", "slot_count"),
              Number("occupied", "occupied_slot_count"), Number("start-slot", "start_slot"),
              Number("level", "level")};
    case RESOURCE_KIND_SLOT:
      return {Number("slot", "slot")};
    default:
      return {};
  }
}

std::vector<FilterKey> MakeKeys(sas::v1::ResourceKind kind) {
  std::vector<FilterKey> keys = OwnKeys(kind);
  keys.push_back(Behind());
  std::vector<FilterKey> columns = ColumnKeys(kind);
  columns.push_back(Enum("sources", "sources", sas::v1::Source_descriptor()));
  columns.push_back(Number("revision", "revision"));
  for (FilterKey& key : columns) {
    key.is_column = true;
    keys.push_back(std::move(key));
  }
  return keys;
}

}  // namespace

const std::vector<FilterKey>& FilterKeysOf(sas::v1::ResourceKind kind) {
  static const auto& keys = *new std::vector<std::vector<FilterKey>>([] {
    std::vector<std::vector<FilterKey>> all;
    for (int i = 0; i < sas::v1::ResourceKind_ARRAYSIZE; ++i) {
      all.push_back(MakeKeys(static_cast<sas::v1::ResourceKind>(i)));
    }
    return all;
  }());
  const size_t index = static_cast<size_t>(kind);
  return keys[index < keys.size() ? index : 0];
}

}  // namespace sasd::cli
