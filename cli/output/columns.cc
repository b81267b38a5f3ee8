#include "cli/output/columns.h"

#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/output/format.h"
#include "rpc/did_you_mean.h"

namespace sasd::cli {
namespace {

using sas::v1::Enclosure;
using sas::v1::EndDevice;
using sas::v1::Expander;
using sas::v1::Host;
using sas::v1::LogicalUnit;
using sas::v1::Phy;
using sas::v1::Port;
using sas::v1::Slot;

using Shown = Column::Shown;
constexpr Shown kAlways = Shown::kAlways, kWide = Shown::kWide, kOnRequest = Shown::kOnRequest;

// A column whose value is computed from the message.
template <typename T>
Column Made(const char* key, Shown shown, std::string (*value)(const T&), bool right = false) {
  return {key, shown, right,
          [value](const google::protobuf::Message& m) { return value(static_cast<const T&>(m)); }};
}

// A column that shows a field, named by its path in the .proto.
Column Field(const char* key, Shown shown, const char* path, bool right = false) {
  return {key, shown, right,
          [path](const google::protobuf::Message& m) { return FieldText(m, path); }};
}

// A column that shows the object to which a field refers by its short name.
Column Reference(const char* key, Shown shown, const char* path) {
  return {key, shown, false,
          [path](const google::protobuf::Message& m) { return ShortName(FieldText(m, path)); },
          absl::string_view(path) == "enclosure" ? sas::v1::RESOURCE_KIND_ENCLOSURE
                                                 : sas::v1::RESOURCE_KIND_HOST};
}

// A column that shows hosts by their short names.
template <typename T>
Column Hosts(const char* key, Shown shown, std::string (*value)(const T&)) {
  Column column = Made<T>(key, shown, value);
  column.refers_to = sas::v1::RESOURCE_KIND_HOST;
  return column;
}

constexpr bool kRight = true;

// Adds the columns that every resource has.
std::vector<Column> WithCommon(std::vector<Column> columns) {
  columns.push_back(Field("sources", kOnRequest, "sources"));
  columns.push_back(Field("revision", kOnRequest, "revision", kRight));
  columns.push_back(Field("updated", kOnRequest, "update_time"));
  columns.push_back(Field("name", kOnRequest, "name"));
  return columns;
}

std::vector<Column> HostColumns() {
  return WithCommon({
      Field("address", kAlways, "sas_address"),
      Field("alias", kAlways, "alias"),
      Field("os-name", kAlways, "os_name"),
      Field("board", kAlways, "board_name"),
      Field("chip", kWide, "chip_name"),
      Field("firmware", kAlways, "firmware_version"),
      Field("driver", kWide, "driver_name"),
      Field("pci", kAlways, "pci_address"),
      Field("phys", kAlways, "phy_count", kRight),
      Field("discovery", kAlways, "discovery.state"),
      Field("discovery-error", kWide, "discovery.status_text"),
      Field("resets", kWide, "discovery.reset_count", kRight),
  });
}

std::vector<Column> PhyColumns() {
  return WithCommon({
      Reference("owner", kAlways, "owner"),
      Field("phy", kAlways, "phy_identifier", kRight),
      Field("rate", kAlways, "negotiated_link_rate"),
      Field("attached", kAlways, "attached_sas_address"),
      Field("attached-phy", kAlways, "attached_phy_identifier", kRight),
      Field("routing", kAlways, "routing"),
      Field("minimum", kOnRequest, "programmed_minimum_link_rate"),
      Field("maximum", kWide, "programmed_maximum_link_rate"),
      Field("hardware-minimum", kOnRequest, "hardware_minimum_link_rate"),
      Field("hardware-maximum", kWide, "hardware_maximum_link_rate"),
      Field("virtual", kWide, "virtual_phy"),
      Field("vacant", kOnRequest, "vacant"),
      Field("os-name", kWide, "os_name"),
  });
}

// 0 means unknown: hpsa and smartpqi show ports without phys.
std::string WidthText(int32_t width) { return width == 0 ? "" : absl::StrCat(width); }

std::string WidthNote(const Port& port) {
  if (port.width() >= port.widest_count()) return "";
  return absl::StrCat("narrow: ", port.width(), " of ", port.widest_count());
}

std::vector<Column> PortColumns() {
  return WithCommon({
      Reference("owner", kAlways, "owner"),
      Field("attached", kAlways, "attached_sas_address"),
      Made<Port>("to", kAlways,
                 [](const Port& p) { return std::string(CollectionOf(p.attached())); }),
      Made<Port>(
          "width", kAlways, [](const Port& p) { return WidthText(p.width()); }, kRight),
      Field("rate", kAlways, "link_rate"),
      Field("phys", kAlways, "phy_identifiers"),
      Made<Port>("note", kAlways, WidthNote),
      Made<Port>(
          "widest", kWide, [](const Port& p) { return WidthText(p.widest_count()); }, kRight),
      Field("os-name", kWide, "os_name"),
  });
}

std::vector<Column> ExpanderColumns() {
  return WithCommon({
      Field("address", kAlways, "sas_address"),
      Field("os-name", kAlways, "os_name"),
      Reference("host", kAlways, "host"),
      Reference("parent", kAlways, "parent"),
      Field("level", kAlways, "level", kRight),
      Made<Expander>(
          "width", kAlways, [](const Expander& e) { return WidthText(e.link_width()); }, kRight),
      Field("rate", kAlways, "link_rate"),
      Field("phys", kAlways, "phy_count", kRight),
      Field("vendor", kAlways, "vendor"),
      Field("model", kAlways, "product"),
      Field("firmware", kWide, "product_revision"),
      Reference("enclosure", kWide, "enclosure"),
      Field("handle", kWide, "device_handle"),
  });
}

std::string DeviceType(const EndDevice& device) {
  return device.has_peripheral_type() ? PeripheralName(device.peripheral_type()) : "";
}

std::vector<Column> DeviceColumns() {
  return WithCommon({
      Field("address", kAlways, "sas_address"),
      Field("os-name", kWide, "os_name"),
      Reference("host", kAlways, "host"),
      Reference("parent", kWide, "parent"),
      Field("parent-phy", kWide, "parent_phy_identifier", kRight),
      Reference("enclosure", kAlways, "enclosure"),
      Field("slot", kAlways, "slot", kRight),
      Field("label", kWide, "slot_label"),
      Field("state", kAlways, "state"),
      Made<EndDevice>("type", kAlways, DeviceType),
      Field("protocol", kAlways, "target_protocols"),
      Field("rate", kAlways, "link_rate"),
      Made<EndDevice>(
          "width", kWide, [](const EndDevice& d) { return WidthText(d.link_width()); }, kRight),
      Made<EndDevice>("block-device", kAlways,
                      [](const EndDevice& d) { return absl::StrJoin(BlockDevicesOf(d), ","); }),
      Field("scsi-address", kWide, "scsi_address"),
      Field("vendor", kAlways, "vendor"),
      Field("model", kAlways, "model"),
      Field("serial", kAlways, "serial"),
      Field("failure", kAlways, "failure"),
      Field("wwn", kWide, "device_name"),
      Field("handle", kWide, "device_handle"),
      Field("enclosure-level", kOnRequest, "enclosure_level", kRight),
      Field("connector", kWide, "connector_name"),
      Field("access-status", kOnRequest, "access_status", kRight),
      Field("initiator-protocol", kOnRequest, "initiator_protocols"),
      Field("logical-units", kOnRequest, "logical_units"),
  });
}

// The distinct values of the paths, in their order.
template <typename Get>
std::string OfPaths(const LogicalUnit& unit, Get get) {
  std::vector<std::string> values;
  for (const sas::v1::Path& path : unit.paths()) {
    const std::string value = get(path);
    if (!value.empty() && !absl::c_linear_search(values, value)) values.push_back(value);
  }
  return absl::StrJoin(values, ",");
}

// "attached", or all states if they differ between paths.
std::string PathStates(const LogicalUnit& unit) {
  return OfPaths(unit, [](const sas::v1::Path& path) { return EnumText(path.state()); });
}

// "2"; "1/2" for one path where there were two.
std::string PathCount(const LogicalUnit& unit) {
  const int32_t count = unit.paths_size();
  return unit.most_path_count() > count ? absl::StrCat(count, "/", unit.most_path_count())
                                        : absl::StrCat(count);
}

// The holders over all paths: "mpatha,md127".
std::string HoldersOf(const LogicalUnit& unit) {
  std::vector<std::string> names;
  for (const sas::v1::Path& path : unit.paths()) {
    for (const sas::v1::Holder& holder : path.holders()) {
      const std::string& name = holder.name().empty() ? holder.block_device() : holder.name();
      if (!absl::c_linear_search(names, name)) names.push_back(name);
    }
  }
  return absl::StrJoin(names, ",");
}

template <typename Names>
std::string References(const Names& names) {
  return absl::StrJoin(
      names, ",", [](std::string* out, const std::string& name) { out->append(ShortName(name)); });
}

std::vector<Column> UnitColumns() {
  return WithCommon({
      Field("wwid", kAlways, "wwid"),
      Made<LogicalUnit>("type", kWide,
                        [](const LogicalUnit& u) { return PeripheralName(u.peripheral_type()); }),
      Reference("enclosure", kAlways, "enclosure"),
      Field("slot", kAlways, "slot", kRight),
      Field("label", kAlways, "slot_label"),
      Made<LogicalUnit>("block-devices", kAlways,
                        [](const LogicalUnit& u) {
                          return OfPaths(u, [](const auto& p) { return p.block_device(); });
                        }),
      Made<LogicalUnit>("paths", kAlways, PathCount, kRight),
      Made<LogicalUnit>("state", kAlways, PathStates),
      Hosts<LogicalUnit>("lost-hosts", kAlways,
                         [](const LogicalUnit& u) { return References(u.lost_hosts()); }),
      Made<LogicalUnit>(
          "size", kAlways, [](const LogicalUnit& u) { return ShortSize(u.size_bytes()); }, kRight),
      Field("vendor", kAlways, "vendor"),
      Field("model", kAlways, "model"),
      Field("firmware", kWide, "product_revision"),
      Field("serial", kAlways, "serial"),
      Field("rejected-wwid", kOnRequest, "rejected_wwid"),
      Field("bytes", kOnRequest, "size_bytes", kRight),
      Made<LogicalUnit>("scsi-addresses", kWide,
                        [](const LogicalUnit& u) {
                          return OfPaths(u, [](const auto& p) { return p.scsi_address(); });
                        }),
      Made<LogicalUnit>("generic-devices", kOnRequest,
                        [](const LogicalUnit& u) {
                          return OfPaths(u, [](const auto& p) { return p.generic_device(); });
                        }),
      Made<LogicalUnit>("addresses", kWide,
                        [](const LogicalUnit& u) {
                          return OfPaths(u,
                                         [](const auto& p) { return ShortName(p.end_device()); });
                        }),
      Made<LogicalUnit>("holders", kWide, HoldersOf),
      Hosts<LogicalUnit>("hosts", kOnRequest,
                         [](const LogicalUnit& u) {
                           return OfPaths(u, [](const auto& p) { return ShortName(p.host()); });
                         }),
  });
}

std::vector<Column> EnclosureColumns() {
  return WithCommon({
      Field("id", kAlways, "logical_id"),
      Field("alias", kAlways, "alias"),
      Field("vendor", kAlways, "vendor"),
      Field("model", kAlways, "model"),
      Field("firmware", kWide, "product_revision"),
      Field("slots", kAlways, "slot_count", kRight),
      Field("occupied", kAlways, "occupied_slot_count", kRight),
      Field("start-slot", kWide, "start_slot", kRight),
      Field("level", kWide, "level", kRight),
      Hosts<Enclosure>("hosts", kAlways, [](const Enclosure& e) { return References(e.hosts()); }),
      Made<Enclosure>("ses-devices", kWide,
                      [](const Enclosure& e) { return References(e.ses_devices()); }),
      Made<Enclosure>("expanders", kWide,
                      [](const Enclosure& e) { return References(e.expanders()); }),
      Field("os-name", kWide, "os_name"),
  });
}

std::vector<Column> SlotColumns() {
  return WithCommon({
      Reference("enclosure", kAlways, "enclosure"),
      Field("slot", kAlways, "slot", kRight),
      Field("label", kAlways, "label"),
      Field("occupied", kAlways, "occupied"),
      Field("block-devices", kAlways, "block_devices"),
      Field("vendor", kAlways, "vendor"),
      Field("model", kAlways, "model"),
      Made<Slot>("serial", kAlways, [](const Slot& s) { return absl::StrJoin(SerialsOf(s), ","); }),
      Made<Slot>("drive", kWide, [](const Slot& s) { return References(LogicalUnitsOf(s)); }),
      Made<Slot>("addresses", kWide, [](const Slot& s) { return References(s.end_devices()); }),
      Field("os-name", kOnRequest, "os_name"),
  });
}

}  // namespace

std::string Column::Header() const { return absl::AsciiStrToUpper(key); }

const std::vector<Column>& ColumnsOf(sas::v1::ResourceKind kind) {
  static const auto& tables =
      *new std::vector<std::vector<Column>>{{},  // RESOURCE_KIND_UNSPECIFIED
                                            HostColumns(),
                                            PhyColumns(),
                                            PortColumns(),
                                            ExpanderColumns(),
                                            DeviceColumns(),
                                            UnitColumns(),
                                            EnclosureColumns(),
                                            SlotColumns()};
  const size_t index = static_cast<size_t>(kind);
  return tables[index < tables.size() ? index : 0];
}

std::vector<const Column*> DefaultColumns(const std::vector<Column>& columns, bool wide) {
  std::vector<const Column*> chosen;
  for (const Column& column : columns) {
    if (column.shown == kAlways || (wide && column.shown == kWide)) chosen.push_back(&column);
  }
  return chosen;
}

const Column* FindColumn(const std::vector<Column>& columns, absl::string_view key) {
  const std::string wanted = absl::StrReplaceAll(absl::AsciiStrToLower(key), {{"_", "-"}});
  for (const Column& column : columns) {
    if (column.key == wanted) return &column;
  }
  return nullptr;
}

absl::StatusOr<std::vector<const Column*>> ChooseColumns(const std::vector<Column>& columns,
                                                         absl::string_view list) {
  std::vector<const Column*> chosen;
  for (absl::string_view part : absl::StrSplit(list, ',', absl::SkipWhitespace())) {
    const absl::string_view key = absl::StripAsciiWhitespace(part);
    const Column* column = FindColumn(columns, key);
    if (column == nullptr) {
      std::vector<std::string> keys;
      for (const Column& known : columns) keys.push_back(known.key);
      return absl::InvalidArgumentError(
          absl::StrCat("unknown column \"", key, "\"", rpc::DidYouMean(key, keys),
                       " (columns: ", absl::StrJoin(keys, ", "), ")"));
    }
    chosen.push_back(column);
  }
  if (chosen.empty()) return absl::InvalidArgumentError("--columns names no column");
  return chosen;
}

}  // namespace sasd::cli
