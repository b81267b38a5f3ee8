#include "daemon/service/resource_text.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "google/protobuf/util/message_differencer.h"

namespace sasd::service {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using sas::v1::Resource;

const FieldDescriptor* InnerField(const Resource& resource) {
  return Resource::descriptor()->FindFieldByNumber(resource.resource_case());
}

// "attached" for DEVICE_STATE_ATTACHED, "12 Gbps" for LINK_RATE_12_GBPS; empty for UNSPECIFIED.
std::string EnumText(const EnumDescriptor& type, int number) {
  const auto* value = type.FindValueByNumber(number);
  if (value == nullptr) return absl::StrCat(number);
  if (number == 0) return "";
  absl::string_view text = value->name();
  // The prefix is the part before UNSPECIFIED, which is the value 0 of all our enums.
  absl::ConsumePrefix(&text, absl::StripSuffix(type.FindValueByNumber(0)->name(), "UNSPECIFIED"));
  if (absl::ConsumeSuffix(&text, "_GBPS")) {
    return absl::StrCat(absl::StrReplaceAll(text, {{"_", "."}}), " Gbps");
  }
  return absl::StrReplaceAll(absl::AsciiStrToLower(text), {{"_", " "}});
}

std::string MessageText(const Message& message) {
  if (const auto* path = dynamic_cast<const sas::v1::Path*>(&message)) return path->end_device();
  return message.ShortDebugString();
}

// One value; `index` -1 for a field that is not repeated.
std::string ValueText(const Message& m, const FieldDescriptor& f, int index) {
  const Reflection& r = *m.GetReflection();
  const bool one = index < 0;
  switch (f.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return one ? r.GetString(m, &f) : r.GetRepeatedString(m, &f, index);
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumText(*f.enum_type(),
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

bool SameField(const Message& a, const Message& b, const FieldDescriptor* field) {
  google::protobuf::util::MessageDifferencer differencer;
  return differencer.CompareWithFields(a, b, {field}, {field});
}

}  // namespace

const Message& InnerOf(const Resource& resource) {
  const FieldDescriptor* const field = InnerField(resource);
  return field == nullptr ? static_cast<const Message&>(resource)
                          : resource.GetReflection()->GetMessage(resource, field);
}

Message* MutableInnerOf(Resource* resource) {
  const FieldDescriptor* const field = InnerField(*resource);
  return field == nullptr ? static_cast<Message*>(resource)
                          : resource->GetReflection()->MutableMessage(resource, field);
}

const std::string& NameOf(const Resource& resource) {
  switch (resource.resource_case()) {
    case Resource::kHost:
      return resource.host().name();
    case Resource::kPhy:
      return resource.phy().name();
    case Resource::kPort:
      return resource.port().name();
    case Resource::kExpander:
      return resource.expander().name();
    case Resource::kEndDevice:
      return resource.end_device().name();
    case Resource::kLogicalUnit:
      return resource.logical_unit().name();
    case Resource::kEnclosure:
      return resource.enclosure().name();
    case Resource::kSlot:
      return resource.slot().name();
    case Resource::RESOURCE_NOT_SET:
      break;
  }
  return resource.host().name();  // the empty default
}

std::string FieldText(const Message& message, absl::string_view field) {
  const FieldDescriptor* const f = message.GetDescriptor()->FindFieldByName(std::string(field));
  if (f == nullptr) return "";
  const Reflection& reflection = *message.GetReflection();
  if (!f->is_repeated()) {
    if (f->has_presence() && !reflection.HasField(message, f)) return "";
    return ValueText(message, *f, -1);
  }
  std::vector<std::string> values;
  for (int i = 0; i < reflection.FieldSize(message, f); ++i) {
    values.push_back(ValueText(message, *f, i));
  }
  return absl::StrJoin(values, ", ");
}

Resource StateBefore(const sas::v1::Change& change) {
  Resource before;
  if (change.kind() == sas::v1::CHANGE_KIND_ADDED) return before;
  before = change.resource();
  if (change.kind() == sas::v1::CHANGE_KIND_REMOVED) {
    // An end device shows that it is gone; `previous` has the state that it was in.
    if (before.has_end_device() && change.previous().has_end_device()) {
      before.mutable_end_device()->set_state(change.previous().end_device().state());
    }
    return before;
  }
  Message* const inner = MutableInnerOf(&before);
  const Message& previous = InnerOf(change.previous());
  const Reflection& reflection = *inner->GetReflection();
  for (const std::string& path : change.changed_fields().paths()) {
    const FieldDescriptor* const field = inner->GetDescriptor()->FindFieldByName(path);
    if (field != nullptr) reflection.ClearField(inner, field);
  }
  if (previous.GetDescriptor() == inner->GetDescriptor()) inner->MergeFrom(previous);
  if (const FieldDescriptor* const field = inner->GetDescriptor()->FindFieldByName("revision")) {
    reflection.SetInt64(inner, field, change.previous_revision());
  }
  if (const FieldDescriptor* const field = inner->GetDescriptor()->FindFieldByName("update_time")) {
    reflection.MutableMessage(inner, field)->CopyFrom(change.previous_update_time());
  }
  return before;
}

std::vector<std::string> DifferingFields(const Resource& before, const Resource& after) {
  std::vector<std::string> fields;
  const Message& a = InnerOf(before);
  const Message& b = InnerOf(after);
  if (a.GetDescriptor() != b.GetDescriptor()) return fields;
  for (int i = 0; i < a.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* const field = a.GetDescriptor()->field(i);
    const std::string& name = field->name();
    const bool stamp = name == "revision" || name == "update_time" || name == "state_time";
    if (!stamp && !SameField(a, b, field)) fields.push_back(name);
  }
  return fields;
}

}  // namespace sasd::service
