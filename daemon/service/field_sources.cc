#include "daemon/service/field_sources.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "daemon/registry/merge.h"
#include "daemon/service/convert.h"
#include "google/protobuf/text_format.h"

namespace sasd::service {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

constexpr Source kSources[] = {Source::kFirmware, Source::kSysfs};

// A resource as if `source` were the only one: what it told, and nothing that follows from it.
// nullopt where it tells nothing.
template <typename T>
std::optional<T> AsTold(const T& resource, Source source) {
  const auto* told = registry::ToldBy(source, resource.facts, resource.by_source, resource.sources);
  if (told == nullptr) return std::nullopt;
  T alone;
  alone.facts = *told;
  return alone;
}

std::optional<registry::Host> AsTold(const registry::Host& host, Source source) {
  std::optional<registry::Host> alone = AsTold<registry::Host>(host, source);
  const auto& discovery = host.discovery_by_source[static_cast<size_t>(source)];
  if (!alone.has_value() || !discovery.has_value()) return alone;
  alone->discovery = *discovery;
  return alone;
}

registry::UnitPathPtr AsTold(const registry::UnitPath& path, Source source) {
  const auto* told = registry::ToldBy(source, path.facts, path.by_source, path.sources);
  if (told == nullptr) return nullptr;
  auto alone = std::make_shared<registry::UnitPath>();
  alone->unit = path.unit;
  alone->facts = *told;
  return alone;
}

std::optional<registry::EndDevice> AsTold(const registry::EndDevice& device, Source source) {
  std::optional<registry::EndDevice> alone = AsTold<registry::EndDevice>(device, source);
  if (!alone.has_value()) return alone;
  for (const registry::UnitPathPtr& path : device.units) {
    if (auto told = AsTold(*path, source)) alone->units.push_back(std::move(told));
  }
  return alone;
}

std::optional<registry::LogicalUnit> AsTold(const registry::LogicalUnit& unit, Source source) {
  registry::LogicalUnit alone;
  alone.id = unit.id;
  for (const registry::LogicalUnit::Path& path : unit.paths) {
    auto told = AsTold(*path.facts, source);
    if (told == nullptr) continue;
    const registry::UnitRecord& facts = told->facts;
    if (alone.vendor.empty()) alone.vendor = facts.vendor;
    if (alone.model.empty()) alone.model = facts.model;
    if (alone.revision.empty()) alone.revision = facts.revision;
    if (alone.serial.empty()) alone.serial = facts.serial;
    if (alone.size_bytes == 0) alone.size_bytes = facts.size_bytes;
    if (alone.peripheral_type == 0) alone.peripheral_type = facts.peripheral_type;
    alone.paths.push_back({path.device, std::move(told), path.state});
  }
  if (alone.paths.empty()) return std::nullopt;
  return alone;
}

std::optional<registry::Port> AsTold(const registry::Port& port, Source source) {
  if (!port.told_by.Has(source)) return std::nullopt;
  registry::Port alone;
  alone.id = port.id;
  alone.os_name = port.os_name;
  alone.width = port.told_width;
  return alone;
}

std::optional<registry::Enclosure> AsTold(const registry::Enclosure& enclosure, Source source) {
  for (const registry::Enclosure::Telling& telling : enclosure.tellings) {
    if (telling.source != source) continue;
    registry::Enclosure alone;
    alone.id = enclosure.id;
    alone.slot_count = telling.facts.slot_count;
    alone.start_slot = telling.facts.start_slot;
    alone.level = telling.facts.level;
    alone.os_name = telling.facts.os_name;
    return alone;
  }
  return std::nullopt;
}

std::optional<registry::Slot> AsTold(const registry::Slot& slot, Source source) {
  const auto* told = registry::ToldBy(source, slot.facts, slot.by_source, slot.told_by);
  if (told == nullptr) return std::nullopt;
  registry::Slot alone;
  alone.id = slot.id;
  alone.facts = *told;
  return alone;
}

bool IsSet(const Message& message, const FieldDescriptor& field) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(message, &field) > 0
                             : reflection.HasField(message, &field);
}

std::string ValueOf(const Message& message, const FieldDescriptor& field) {
  google::protobuf::TextFormat::Printer printer;
  printer.SetSingleLineMode(true);
  std::string text;
  const auto add = [&](int index) {
    std::string value;
    printer.PrintFieldValueToString(message, &field, index, &value);
    const bool quoted = field.cpp_type() == FieldDescriptor::CPPTYPE_STRING && value.size() >= 2;
    if (quoted) value = value.substr(1, value.size() - 2);
    absl::StrAppend(&text, text.empty() ? "" : ", ", value);
  };
  if (!field.is_repeated()) {
    add(-1);
  } else {
    for (int i = 0; i < message.GetReflection()->FieldSize(message, &field); ++i) add(i);
  }
  return text;
}

// What names the resource, and what is of sasd itself.
bool IsOfSasd(absl::string_view field) {
  for (const char* name : {"name", "sources", "revision", "update_time"}) {
    if (field == name) return true;
  }
  return false;
}

template <typename Proto, typename T>
void Add(const T& resource, sas::v1::ListFieldSourcesResponse* out) {
  Proto merged;
  ToProto(resource, &merged);
  std::array<std::optional<Proto>, 2> told;
  for (const Source source : kSources) {
    if (const auto alone = AsTold(resource, source)) {
      ToProto(*alone, &told[static_cast<size_t>(source)].emplace());
    }
  }
  const google::protobuf::Descriptor& type = *Proto::descriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (IsOfSasd(field.name())) continue;
    for (const Source source : kSources) {
      const auto& message = told[static_cast<size_t>(source)];
      if (!message.has_value() || !IsSet(*message, field)) continue;
      sas::v1::FieldSource* entry = out->add_field_sources();
      entry->set_field(field.name());
      entry->set_source(source == Source::kFirmware ? sas::v1::SOURCE_FIRMWARE
                                                    : sas::v1::SOURCE_SYSFS);
      entry->set_value(ValueOf(*message, field));
      entry->set_holds(IsSet(merged, field) && entry->value() == ValueOf(merged, field));
    }
  }
}

struct Adder {
  sas::v1::ListFieldSourcesResponse* out;

  void operator()(const std::shared_ptr<const registry::Host>& r) { Add<sas::v1::Host>(*r, out); }
  void operator()(const std::shared_ptr<const registry::Phy>& r) { Add<sas::v1::Phy>(*r, out); }
  void operator()(const std::shared_ptr<const registry::Port>& r) { Add<sas::v1::Port>(*r, out); }
  void operator()(const std::shared_ptr<const registry::Expander>& r) {
    Add<sas::v1::Expander>(*r, out);
  }
  void operator()(const std::shared_ptr<const registry::EndDevice>& r) {
    Add<sas::v1::EndDevice>(*r, out);
  }
  void operator()(const std::shared_ptr<const registry::LogicalUnit>& r) {
    Add<sas::v1::LogicalUnit>(*r, out);
  }
  void operator()(const std::shared_ptr<const registry::Enclosure>& r) {
    Add<sas::v1::Enclosure>(*r, out);
  }
  void operator()(const std::shared_ptr<const registry::Slot>& r) { Add<sas::v1::Slot>(*r, out); }
};

}  // namespace

void AddFieldSources(const registry::ResourceRef& ref, sas::v1::ListFieldSourcesResponse* out) {
  std::visit(Adder{out}, ref);
}

}  // namespace sasd::service
