#include "cli/output/format.h"

#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace sasd::cli {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

absl::Time ToTime(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

std::string MessageText(const Message& message);

std::string EnumFieldText(const EnumDescriptor& type, int number) {
  if (type.full_name() == "sas.v1.LinkRate") {
    return ShortRate(static_cast<sas::v1::LinkRate>(number));
  }
  return ShortEnum(type, number);
}

// One value of a field; `index` -1 for a field that is not repeated.
std::string ValueText(const Message& m, const FieldDescriptor& f, int index) {
  const Reflection& r = *m.GetReflection();
  const bool one = index < 0;
  switch (f.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return one ? r.GetString(m, &f) : r.GetRepeatedString(m, &f, index);
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumFieldText(*f.enum_type(),
                           one ? r.GetEnumValue(m, &f) : r.GetRepeatedEnumValue(m, &f, index));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (one ? r.GetBool(m, &f) : r.GetRepeatedBool(m, &f, index)) ? "yes" : "no";
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(one ? r.GetUInt32(m, &f) : r.GetRepeatedUInt32(m, &f, index));
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(one ? r.GetInt32(m, &f) : r.GetRepeatedInt32(m, &f, index));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(one ? r.GetUInt64(m, &f) : r.GetRepeatedUInt64(m, &f, index));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(one ? r.GetInt64(m, &f) : r.GetRepeatedInt64(m, &f, index));
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return MessageText(one ? r.GetMessage(m, &f) : r.GetRepeatedMessage(m, &f, index));
    default:
      return "";
  }
}

std::string FieldValueText(const Message& message, const FieldDescriptor& field) {
  const Reflection& reflection = *message.GetReflection();
  if (!field.is_repeated()) {
    if (field.has_presence() && !reflection.HasField(message, &field)) return "";
    return ValueText(message, field, -1);
  }
  std::vector<std::string> values;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    values.push_back(ValueText(message, field, i));
  }
  return absl::StrJoin(values, ",");
}

// A path of a logical unit by its block device or end device; any other message by its fields.
std::string MessageText(const Message& message) {
  if (const auto* path = dynamic_cast<const sas::v1::Path*>(&message)) {
    return path->block_device().empty() ? ShortName(path->end_device()) : path->block_device();
  }
  if (const auto* time = dynamic_cast<const google::protobuf::Timestamp*>(&message)) {
    return DateTime(*time);
  }
  std::vector<std::string> parts;
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    std::string text = FieldValueText(message, *message.GetDescriptor()->field(i));
    if (!text.empty() && text != "0" && text != "no") parts.push_back(std::move(text));
  }
  return absl::StrJoin(parts, " ");
}

}  // namespace

std::string ShortRate(sas::v1::LinkRate rate) {
  switch (rate) {
    case sas::v1::LINK_RATE_UNSPECIFIED:
      return "";
    case sas::v1::LINK_RATE_1_5_GBPS:
      return "1.5G";
    case sas::v1::LINK_RATE_3_GBPS:
      return "3G";
    case sas::v1::LINK_RATE_6_GBPS:
      return "6G";
    case sas::v1::LINK_RATE_12_GBPS:
      return "12G";
    case sas::v1::LINK_RATE_22_5_GBPS:
      return "22.5G";
    default:
      return EnumText(rate);
  }
}

std::string ShortEnum(const EnumDescriptor& type, int number) {
  const auto* value = type.FindValueByNumber(number);
  if (value == nullptr) return absl::StrCat(number);
  // The prefix is the part before UNSPECIFIED, which is the value 0 of all our enums.
  const std::string& zero = type.FindValueByNumber(0)->name();
  absl::string_view text = value->name();
  absl::ConsumePrefix(&text, zero.substr(0, zero.size() - absl::string_view("UNSPECIFIED").size()));
  if (text == "UNSPECIFIED") return "";
  std::string lower = absl::AsciiStrToLower(text);
  for (char& c : lower) {
    if (c == '_') c = '-';
  }
  return lower;
}

std::string ShortSize(uint64_t bytes) {
  if (bytes == 0) return "";
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (value >= 999.95 && unit < 6) {
    value /= 1000;
    ++unit;
  }
  return unit == 0 ? absl::StrFormat("%dB", bytes) : absl::StrFormat("%.1f%s", value, kUnits[unit]);
}

std::string CountText(int64_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

std::string PeripheralName(uint32_t type) {
  switch (type) {  // SPC-5, peripheral device type
    case 0x00:
      return "disk";
    case 0x01:
      return "tape";
    case 0x03:
      return "processor";
    case 0x05:
      return "cd";
    case 0x08:
      return "changer";
    case 0x0d:
      return "enclosure";
    case 0x0e:
      return "rbc-disk";
    case 0x14:
      return "zbc-disk";
    default:
      return absl::StrFormat("type %d", type);
  }
}

absl::string_view CollectionOf(absl::string_view name) {
  const size_t last = name.rfind('/');
  if (last == absl::string_view::npos) return "";
  absl::string_view head = name.substr(0, last);
  const size_t before = head.rfind('/');
  return before == absl::string_view::npos ? head : head.substr(before + 1);
}

std::string ShortName(absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  const absl::string_view collection = CollectionOf(name);
  const bool within = collection == "phys" || collection == "slots" || collection == "ports";
  if (within && parts.size() >= 4) {
    return absl::StrCat(parts[parts.size() - 3], "/", parts.back());
  }
  return std::string(parts.back());
}

std::string EventTime(const google::protobuf::Timestamp& time, const WallClock& clock) {
  const absl::Time at = ToTime(time);
  const bool today = absl::ToCivilDay(at, clock.zone) == absl::ToCivilDay(clock.now(), clock.zone);
  return absl::FormatTime(today ? "%H:%M:%E3S" : "%Y-%m-%d %H:%M:%E3S", at, clock.zone);
}

std::string DateAndSecond(const google::protobuf::Timestamp& time, const WallClock& clock) {
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", ToTime(time), clock.zone);
}

std::string DateTime(const google::protobuf::Timestamp& time) {
  if (time.seconds() == 0 && time.nanos() == 0) return "";
  return absl::FormatTime("%Y-%m-%d %H:%M:%E3S", ToTime(time), absl::LocalTimeZone());
}

std::string HandleText(uint32_t handle) {
  return handle == 0 ? "" : absl::StrFormat("0x%04x", handle);
}

std::string FieldText(const Message& message, absl::string_view path) {
  const std::pair<absl::string_view, absl::string_view> split =
      absl::StrSplit(path, absl::MaxSplits('.', 1));
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(std::string(split.first));
  if (field == nullptr) return "";
  if (split.second.empty()) {
    if (field->name() == "device_handle") {
      return HandleText(message.GetReflection()->GetUInt32(message, field));
    }
    return FieldValueText(message, *field);
  }
  if (field->is_repeated() || field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return "";
  return FieldText(message.GetReflection()->GetMessage(message, field), split.second);
}

const Message* Inner(const sas::v1::Resource& resource) {
  const int number = resource.resource_case();
  if (number == sas::v1::Resource::RESOURCE_NOT_SET) return nullptr;
  const FieldDescriptor* field = resource.GetDescriptor()->FindFieldByNumber(number);
  return &resource.GetReflection()->GetMessage(resource, field);
}

std::string NameOf(const Message& resource) { return FieldText(resource, "name"); }

namespace {

std::vector<std::string> AllOf(const google::protobuf::RepeatedPtrField<std::string>& all,
                               const std::string& first) {
  if (all.empty() && !first.empty()) return {first};
  return {all.begin(), all.end()};
}

}  // namespace

std::vector<std::string> BlockDevicesOf(const sas::v1::EndDevice& device) {
  return AllOf(device.block_devices(), device.block_device());
}

std::vector<std::string> LogicalUnitsOf(const sas::v1::Slot& slot) {
  return AllOf(slot.logical_units(), slot.logical_unit());
}

std::vector<std::string> SerialsOf(const sas::v1::Slot& slot) {
  return AllOf(slot.serials(), slot.serial());
}

}  // namespace sasd::cli
