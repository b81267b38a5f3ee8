#include "daemon/service/shown_fields.h"

#include <string>

#include "absl/types/span.h"

namespace sasd::service::filters {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

namespace {

// Calls the visitor for each message that has the last field of the path until it returns true, and
// returns whether it did.
bool AnyParent(const Message& message, absl::Span<const FieldDescriptor* const> path,
               absl::FunctionRef<bool(const Message&, const FieldDescriptor&)> visit) {
  const FieldDescriptor& field = *path.front();
  if (path.size() == 1) return visit(message, field);
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  if (!field.is_repeated()) {
    return AnyParent(reflection.GetMessage(message, &field), path.subspan(1), visit);
  }
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    if (AnyParent(reflection.GetRepeatedMessage(message, &field, i), path.subspan(1), visit)) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool AnyShownText(const Message& message, const MessagePath& path,
                  absl::FunctionRef<bool(absl::string_view)> visit) {
  return AnyParent(message, path, [visit](const Message& parent, const FieldDescriptor& field) {
    const google::protobuf::Reflection& reflection = *parent.GetReflection();
    std::string scratch;
    if (!field.is_repeated()) return visit(reflection.GetStringReference(parent, &field, &scratch));
    for (int i = 0; i < reflection.FieldSize(parent, &field); ++i) {
      if (visit(reflection.GetRepeatedStringReference(parent, &field, i, &scratch))) return true;
    }
    return false;
  });
}

std::optional<uint64_t> ShownNumber(const Message& message, const MessagePath& path) {
  std::optional<uint64_t> number;
  AnyParent(message, path, [&number](const Message& parent, const FieldDescriptor& field) {
    const google::protobuf::Reflection& reflection = *parent.GetReflection();
    if (field.is_repeated()) {
      number = static_cast<uint64_t>(reflection.FieldSize(parent, &field));
      return true;
    }
    if (field.has_presence() && !reflection.HasField(parent, &field)) return true;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        number = static_cast<uint64_t>(reflection.GetInt32(parent, &field));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        number = static_cast<uint64_t>(reflection.GetInt64(parent, &field));
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        number = reflection.GetUInt32(parent, &field);
        break;
      default:
        number = reflection.GetUInt64(parent, &field);
    }
    return true;
  });
  return number;
}

uint32_t ShownBits(const Message& message, const MessagePath& path) {
  uint32_t bits = 0;
  const auto add = [&bits](int number) {
    if (number >= 0 && number < 32) bits |= uint32_t{1} << number;
  };
  AnyParent(message, path, [&add](const Message& parent, const FieldDescriptor& field) {
    const google::protobuf::Reflection& reflection = *parent.GetReflection();
    if (!field.is_repeated()) {
      add(reflection.GetEnumValue(parent, &field));
      return false;
    }
    for (int i = 0; i < reflection.FieldSize(parent, &field); ++i) {
      add(reflection.GetRepeatedEnumValue(parent, &field, i));
    }
    return false;
  });
  return bits;
}

bool ShownBool(const Message& message, const MessagePath& path) {
  return AnyParent(message, path, [](const Message& parent, const FieldDescriptor& field) {
    const google::protobuf::Reflection& reflection = *parent.GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL)
      return reflection.GetBool(parent, &field);
    std::string scratch;
    return !reflection.GetStringReference(parent, &field, &scratch).empty();
  });
}

}  // namespace sasd::service::filters
