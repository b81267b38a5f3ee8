#include "cli/query/filter.h"

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/output/format.h"
#include "cli/query/filter_keys.h"
#include "cli/query/finder.h"
#include "cli/query/lister.h"
#include "rpc/did_you_mean.h"

namespace sasd::cli {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string Dashed(absl::string_view word) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(word), {{"_", "-"}});
}

absl::Status UnknownKey(const Noun& noun, absl::string_view key) {
  std::vector<std::string> keys;
  for (const FilterKey& known : FilterKeysOf(noun.kind)) keys.push_back(known.key);
  for (const Column& column : ColumnsOf(noun.kind)) {
    if (!absl::c_linear_search(keys, column.key)) keys.push_back(column.key);
  }
  return absl::InvalidArgumentError(absl::StrCat("no filter \"", key, "\" for ", noun.plural,
                                                 rpc::DidYouMean(key, keys),
                                                 " (filters: ", absl::StrJoin(keys, ", "), ")"));
}

absl::StatusOr<bool> ParseBool(absl::string_view key, absl::string_view word) {
  for (const char* yes : {"yes", "true", "1", "on"}) {
    if (absl::EqualsIgnoreCase(word, yes)) return true;
  }
  for (const char* no : {"no", "false", "0", "off"}) {
    if (absl::EqualsIgnoreCase(word, no)) return false;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("filter ", key, ": \"", word, "\" is not yes or no"));
}

absl::StatusOr<uint32_t> ParseNumber(absl::string_view key, absl::string_view field,
                                     absl::string_view word) {
  uint32_t number = 0;
  if (absl::SimpleAtoi(word, &number)) return number;
  if (field != "peripheral_types") {
    return absl::InvalidArgumentError(
        absl::StrCat("filter ", key, ": \"", word, "\" is not a number"));
  }
  std::vector<std::string> names;
  for (uint32_t type = 0; type < 0x20; ++type) {
    if (PeripheralName(type) == Dashed(word)) return type;
    if (!absl::StartsWith(PeripheralName(type), "type ")) names.push_back(PeripheralName(type));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "filter ", key, ": no type \"", word, "\"", rpc::DidYouMean(word, names),
      " (types: ", absl::StrJoin(names, ", "), ", or an SPC peripheral device type number)"));
}

absl::Status SetString(const Context& context, const FilterKey& key, const std::string& value,
                       const FieldDescriptor& field, Message& filter) {
  std::string text = value;
  if (!key.refers_to.empty()) {
    absl::StatusOr<std::string> name = FindName(context, value, key.refers_to);
    if (!name.ok()) return name.status();
    text = *std::move(name);
  }
  const auto& reflection = *filter.GetReflection();
  field.is_repeated() ? reflection.AddString(&filter, &field, text)
                      : reflection.SetString(&filter, &field, text);
  return absl::OkStatus();
}

// Sets a field of the filter from one word, or adds to a repeated field.
absl::Status SetField(const Context& context, const FilterKey& key, const std::string& value,
                      Message& filter) {
  const FieldDescriptor& field = *filter.GetDescriptor()->FindFieldByName(key.field);
  const auto& reflection = *filter.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return SetString(context, key, value, field, filter);
    case FieldDescriptor::CPPTYPE_ENUM: {
      const auto number = ParseEnum(*field.enum_type(), key.key, value);
      if (!number.ok()) return number.status();
      reflection.AddEnumValue(&filter, &field, *number);  // all enum fields of filters are repeated
      return absl::OkStatus();
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      const auto yes = ParseBool(key.key, value);
      if (!yes.ok()) return yes.status();
      reflection.SetBool(&filter, &field, *yes);
      return absl::OkStatus();
    }
    default: {
      const auto number = ParseNumber(key.key, key.field, value);
      if (!number.ok()) return number.status();
      field.is_repeated() ? reflection.AddUInt32(&filter, &field, *number)
                          : reflection.SetUInt32(&filter, &field, *number);
      return absl::OkStatus();
    }
  }
}

bool IsSet(const Message& filter, const FieldDescriptor& field) {
  const auto& reflection = *filter.GetReflection();
  return field.is_repeated() ? reflection.FieldSize(filter, &field) > 0
                             : reflection.HasField(filter, &field);
}

// All conditions must hold, and a field holds the alternatives of one condition.
absl::Status Apply(const Context& context, const Noun& noun, const Condition& condition,
                   ResourceSelection& selection) {
  const std::string wanted = Dashed(condition.key);
  const std::vector<FilterKey>& keys = FilterKeysOf(noun.kind);
  const auto key = absl::c_find_if(keys, [&](const FilterKey& k) { return k.key == wanted; });
  if (key == keys.end()) {
    const Column* column = FindColumn(ColumnsOf(noun.kind), wanted);
    if (column == nullptr) return UnknownKey(noun, condition.key);
    selection.local.push_back({column, condition.values});
    return absl::OkStatus();
  }
  const FieldDescriptor& field = *selection.filter->GetDescriptor()->FindFieldByName(key->field);
  if (IsSet(*selection.filter, field)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "filter ", key->key, " is given twice",
        field.is_repeated() ? absl::StrCat("; for alternatives, give ", key->key, "=VALUE,VALUE")
                            : ""));
  }
  if (!field.is_repeated() && condition.values.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat("filter ", key->key, " takes one value, not \"",
                                                   absl::StrJoin(condition.values, ","), "\""));
  }
  for (const std::string& value : condition.values) {
    const absl::Status status = SetField(context, *key, value, *selection.filter);
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

// The noun "drive" selects drives, unless the user gives types.
void AddTypes(const Noun& noun, Message* filter) {
  auto* units = dynamic_cast<sas::v1::LogicalUnitFilter*>(filter);
  if (units == nullptr || units->peripheral_types_size() > 0) return;
  for (const uint32_t type : noun.peripheral_types) units->add_peripheral_types(type);
}

bool HasValue(absl::string_view cell, absl::string_view wanted) {
  if (absl::EqualsIgnoreCase(cell, wanted)) return true;
  return absl::c_any_of(absl::StrSplit(cell, ','), [&](absl::string_view part) {
    return absl::EqualsIgnoreCase(part, wanted);
  });
}

}  // namespace

absl::StatusOr<int> ParseEnum(const EnumDescriptor& type, absl::string_view key,
                              absl::string_view word) {
  std::vector<std::string> allowed;
  for (int i = 0; i < type.value_count(); ++i) {
    const int number = type.value(i)->number();
    if (number == 0) continue;
    const std::string text = type.full_name() == "sas.v1.LinkRate"
                                 ? ShortRate(static_cast<sas::v1::LinkRate>(number))
                                 : ShortEnum(type, number);
    if (Dashed(text) == Dashed(word)) return number;
    allowed.push_back(text);
  }
  return absl::InvalidArgumentError(absl::StrCat("filter ", key, ": no value \"", word, "\"",
                                                 rpc::DidYouMean(word, allowed),
                                                 " (values: ", absl::StrJoin(allowed, ", "), ")"));
}

absl::StatusOr<std::vector<Condition>> ParseConditions(const std::vector<std::string>& arguments) {
  std::vector<Condition> conditions;
  for (const std::string& argument : arguments) {
    const size_t before = conditions.size();
    for (absl::string_view part : absl::StrSplit(argument, ',')) {
      const size_t equals = part.find('=');
      const absl::string_view value = absl::StripAsciiWhitespace(
          equals == absl::string_view::npos ? part : part.substr(equals + 1));
      const bool has_key = equals != absl::string_view::npos;
      const absl::string_view key =
          absl::StripAsciiWhitespace(has_key ? part.substr(0, equals) : "");
      const bool whole = has_key ? !key.empty() : conditions.size() > before;
      if (value.empty() || !whole) {
        return absl::InvalidArgumentError(absl::StrCat(
            "filter \"", argument, "\" is not of the form key=value[,value...][,key=value...]"));
      }
      if (has_key) conditions.push_back({std::string(key), {}});
      conditions.back().values.emplace_back(value);
    }
  }
  return conditions;
}

bool ResourceSelection::Admits(const Message& resource) const {
  return absl::c_all_of(local, [&](const auto& condition) {
    const std::string cell = condition.first->value(resource);
    return absl::c_any_of(condition.second,
                          [&](const std::string& wanted) { return HasValue(cell, wanted); });
  });
}

absl::StatusOr<ResourceSelection> SelectResources(const Context& context, const Noun& noun,
                                                  const std::vector<Condition>& conditions) {
  ResourceSelection selection;
  selection.filter = NewFilter(noun.kind);
  for (const Condition& condition : conditions) {
    const absl::Status status = Apply(context, noun, condition, selection);
    if (!status.ok()) return status;
  }
  AddTypes(noun, selection.filter.get());
  return selection;
}

}  // namespace sasd::cli
