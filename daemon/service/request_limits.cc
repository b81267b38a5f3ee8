#include "daemon/service/request_limits.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "google/protobuf/descriptor.h"

namespace sasd::service {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

bool IsText(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_STRING;
}

grpc::Status CheckText(const std::string& text, const FieldDescriptor& field,
                       rpc::LimitBook& limits) {
  if (static_cast<int64_t>(text.size()) <= limits.value(rpc::Limit::kTextBytes)) {
    return grpc::Status::OK;
  }
  return limits.Refuse(rpc::Limit::kTextBytes,
                       absl::StrCat(field.name(), " has ", text.size(), " bytes"));
}

grpc::Status CheckField(const Message& message, const FieldDescriptor& field,
                        rpc::LimitBook& limits) {
  const Reflection& reflection = *message.GetReflection();
  std::string scratch;
  if (!field.is_repeated()) {
    if (IsText(field)) {
      return CheckText(reflection.GetStringReference(message, &field, &scratch), field, limits);
    }
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return grpc::Status::OK;
    return CheckRequest(reflection.GetMessage(message, &field), limits);
  }
  const int count = reflection.FieldSize(message, &field);
  if (count > limits.value(rpc::Limit::kRepeatedValues)) {
    return limits.Refuse(rpc::Limit::kRepeatedValues,
                         absl::StrCat(field.name(), " has ", count, " values"));
  }
  const bool is_message = field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE;
  for (int i = 0; i < count && (is_message || IsText(field)); ++i) {
    const grpc::Status status =
        is_message ? CheckRequest(reflection.GetRepeatedMessage(message, &field, i), limits)
                   : CheckText(reflection.GetRepeatedStringReference(message, &field, i, &scratch),
                               field, limits);
    if (!status.ok()) return status;
  }
  return grpc::Status::OK;
}

}  // namespace

grpc::Status CheckRequest(const Message& request, rpc::LimitBook& limits) {
  std::vector<const FieldDescriptor*> fields;
  request.GetReflection()->ListFields(request, &fields);
  for (const FieldDescriptor* field : fields) {
    if (grpc::Status s = CheckField(request, *field, limits); !s.ok()) return s;
  }
  return grpc::Status::OK;
}

}  // namespace sasd::service
