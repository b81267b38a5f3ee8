#include "daemon/service/field_sources.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "daemon/registry/source_view.h"
#include "daemon/service/convert.h"
#include "google/protobuf/text_format.h"

namespace sasd::service {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

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

template <typename Proto, typename T>
void Add(const T& resource, const registry::SourceTable& table,
         sas::v1::ListFieldSourcesResponse* out) {
  Proto merged;
  ToProto(resource, &merged);
  std::array<std::optional<Proto>, registry::kMaxSources> alone;
  for (const Source source : table.all()) {
    if (const auto only = registry::OnlyFrom(table, source, resource)) {
      ToProto(*only, &alone[static_cast<size_t>(source)].emplace());
    }
  }
  const google::protobuf::Descriptor& type = *Proto::descriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const registry::SourceSet sources = table.SourcesOf(T::kKind, field.name());
    for (const Source source : sources) {
      const auto& message = alone[static_cast<size_t>(source)];
      if (!message.has_value() || !IsSet(*message, field)) continue;
      sas::v1::FieldSource* entry = out->add_field_sources();
      entry->set_field(field.name());
      entry->set_source(ToProto(source));
      entry->set_value(ValueOf(*message, field));
      entry->set_holds(IsSet(merged, field) && entry->value() == ValueOf(merged, field));
    }
  }
}

struct Adder {
  const registry::SourceTable& table;
  sas::v1::ListFieldSourcesResponse* out;

  void operator()(const std::shared_ptr<const registry::Host>& r) {
    Add<sas::v1::Host>(*r, table, out);
  }
  void operator()(const std::shared_ptr<const registry::Phy>& r) {
    Add<sas::v1::Phy>(*r, table, out);
  }
  void operator()(const std::shared_ptr<const registry::Port>& r) {
    Add<sas::v1::Port>(*r, table, out);
  }
  void operator()(const std::shared_ptr<const registry::Expander>& r) {
    Add<sas::v1::Expander>(*r, table, out);
  }
  void operator()(const std::shared_ptr<const registry::EndDevice>& r) {
    Add<sas::v1::EndDevice>(*r, table, out);
  }
  void operator()(const std::shared_ptr<const registry::LogicalUnit>& r) {
    Add<sas::v1::LogicalUnit>(*r, table, out);
  }
  void operator()(const std::shared_ptr<const registry::Enclosure>& r) {
    Add<sas::v1::Enclosure>(*r, table, out);
  }
  void operator()(const std::shared_ptr<const registry::Slot>& r) {
    Add<sas::v1::Slot>(*r, table, out);
  }
};

}  // namespace

void AddFieldSources(const registry::ResourceRef& ref, const registry::SourceTable& table,
                     sas::v1::ListFieldSourcesResponse* out) {
  std::visit(Adder{table, out}, ref);
}

}  // namespace sasd::service
