#include "cli/query/filter.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "cli/output/format.h"
#include "cli/query/filter_keys.h"
#include "cli/query/finder.h"
#include "rpc/did_you_mean.h"

namespace sasd::cli {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::Message;

std::string Dashed(absl::string_view word) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(word), {{"_", "-"}});
}

absl::Status UnknownKey(const Noun& noun, absl::string_view key) {
  std::vector<std::string> keys;
  for (const FilterKey& known : FilterKeysOf(noun.kind)) {
    if (!known.is_column) keys.push_back(known.key);
  }
  for (const Column& column : ColumnsOf(noun.kind)) {
    if (!absl::c_linear_search(keys, column.key)) keys.push_back(column.key);
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown filter \"", key, "\" for ", noun.plural,
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

absl::StatusOr<uint64_t> ParseNumber(absl::string_view key, absl::string_view word) {
  uint64_t number = 0;
  if (absl::SimpleAtoi(word, &number)) return number;
  if (absl::StartsWithIgnoreCase(word, "0x") && absl::SimpleHexAtoi(word, &number)) return number;
  return absl::InvalidArgumentError(
      absl::StrCat("filter ", key, ": \"", word, "\" is not a number"));
}

absl::StatusOr<uint64_t> ParsePeripheralType(absl::string_view key, absl::string_view word) {
  uint64_t number = 0;
  if (absl::SimpleAtoi(word, &number)) return number;
  std::vector<std::string> names;
  for (uint32_t type = 0; type < 0x20; ++type) {
    if (PeripheralName(type) == Dashed(word)) return type;
    if (!absl::StartsWith(PeripheralName(type), "type ")) names.push_back(PeripheralName(type));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "filter ", key, ": unknown type \"", word, "\"", rpc::DidYouMean(word, names),
      " (types: ", absl::StrJoin(names, ", "), ", or an SPC peripheral device type number)"));
}

// Bytes: "14TB", "1.5TiB" or "512".
absl::StatusOr<uint64_t> ParseSize(absl::string_view key, absl::string_view word) {
  const absl::Status bad = absl::InvalidArgumentError(
      absl::StrCat("filter ", key, ": \"", word,
                   "\" is not a size; units are B, kB, MB, GB, TB, PB (powers of 1000), and KiB, "
                   "MiB, GiB, TiB, PiB (powers of 1024)"));
  const size_t digits = std::min(word.find_first_not_of("0123456789."), word.size());
  double number = 0;
  if (digits == 0 || !absl::SimpleAtod(word.substr(0, digits), &number)) return bad;
  const std::string unit = absl::AsciiStrToLower(absl::StripAsciiWhitespace(word.substr(digits)));
  static constexpr absl::string_view kPrefixes = "kmgtp";
  if (!unit.empty() && unit != "b") {
    const size_t power = kPrefixes.find(unit[0]);
    const bool binary = unit.substr(1) == "ib";
    if (power == absl::string_view::npos || (!binary && unit.substr(1) != "b")) return bad;
    for (size_t i = 0; i <= power; ++i) number *= binary ? 1024 : 1000;
  }
  if (number >= 18446744073709551616.0) return bad;
  return static_cast<uint64_t>(std::llround(number));
}

bool IsOrder(sas::v1::Operator op) { return op >= sas::v1::OPERATOR_LESS; }

// A link rate to compare with: "6" or "6G".
absl::StatusOr<int> ParseSpeed(absl::string_view key, absl::string_view word) {
  std::string speeds;
  for (int rate = sas::v1::LINK_RATE_1_5_GBPS; rate <= sas::v1::LinkRate_MAX; ++rate) {
    const std::string text = ShortRate(static_cast<sas::v1::LinkRate>(rate));
    if (absl::EqualsIgnoreCase(word, text) || absl::StrCat(word, "G") == text) return rate;
    absl::StrAppend(&speeds, speeds.empty() ? "" : ", ", text);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("filter ", key, ": \"", word, "\" is not a speed (speeds: ", speeds, ")"));
}

// Hexadecimal digits, with globs.
absl::StatusOr<std::string> ParseAddress(absl::string_view key, absl::string_view word) {
  std::string address = absl::AsciiStrToLower(word);
  absl::string_view digits = address;
  for (const absl::string_view prefix : {"naa.", "0x"}) absl::ConsumePrefix(&digits, prefix);
  const auto is_possible = [](char c) {
    return absl::ascii_isxdigit(static_cast<unsigned char>(c)) || c == ':' || c == '*' || c == '?';
  };
  if (absl::c_all_of(digits, is_possible)) return address;
  const bool asks_for_link = key == "attached" && (address == "yes" || address == "no");
  return absl::InvalidArgumentError(
      absl::StrCat("filter ", key, ": \"", word, "\" is not an address",
                   asks_for_link ? absl::StrCat("; use linked=", address) : ""));
}

// What is gone is in no list, and passes no filter.
absl::Status GoneIsNowhere(absl::string_view key) {
  return absl::InvalidArgumentError(
      absl::StrCat("filter ", key,
                   ": nothing that is listed is gone; `sasctl baseline show --missing` lists what "
                   "is missing, and `sasctl events` what went"));
}

// The value of a condition for sasd. Not for references.
absl::StatusOr<std::string> ConditionValue(const FilterKey& key, sas::v1::Operator op,
                                           const std::string& word) {
  const auto number_text = [](const absl::StatusOr<uint64_t>& number) {
    return number.ok() ? absl::StatusOr<std::string>(absl::StrCat(*number)) : number.status();
  };
  switch (key.form) {
    case FilterKey::Form::kText:
    case FilterKey::Form::kReference:
      return word;
    case FilterKey::Form::kAddress:
      return ParseAddress(key.key, word);
    case FilterKey::Form::kEnum: {
      const auto number = IsOrder(op)
                              ? ParseSpeed(key.key, word)
                              : ParseEnum(*key.type, absl::StrCat("filter ", key.key), word);
      if (!number.ok()) return number.status();
      if (key.type == sas::v1::DeviceState_descriptor() && *number == sas::v1::DEVICE_STATE_GONE) {
        return GoneIsNowhere(key.key);
      }
      return key.type->FindValueByNumber(*number)->name();
    }
    case FilterKey::Form::kBool: {
      const auto yes = ParseBool(key.key, word);
      if (!yes.ok()) return yes.status();
      return *yes ? "true" : "false";
    }
    case FilterKey::Form::kPeripheralType:
      return number_text(ParsePeripheralType(key.key, word));
    case FilterKey::Form::kSize:
      return number_text(ParseSize(key.key, word));
    case FilterKey::Form::kNumber:
    case FilterKey::Form::kCount:
      return number_text(ParseNumber(key.key, word));
  }
  return word;
}

absl::Status ImpossibleOperator(absl::string_view key, const std::string& possible,
                                sas::v1::Operator op) {
  return absl::InvalidArgumentError(
      absl::StrCat("filter ", key, " takes ", possible, ", not ", OperatorText(op)));
}

absl::Status CheckOperator(const FilterKey& key, sas::v1::Operator op) {
  if (key.field == "behind" && op != sas::v1::OPERATOR_EQUAL) {
    return ImpossibleOperator(key.key, "only =", op);
  }
  if (key.fixed != sas::v1::OPERATOR_UNSPECIFIED) {
    return op == sas::v1::OPERATOR_EQUAL ? absl::OkStatus()
                                         : ImpossibleOperator(key.key, "only =", op);
  }
  const bool ordered = key.form == FilterKey::Form::kNumber || key.form == FilterKey::Form::kSize ||
                       key.form == FilterKey::Form::kCount ||
                       key.type == sas::v1::LinkRate_descriptor();
  if (IsOrder(op) && !ordered) return ImpossibleOperator(key.key, "= and !=", op);
  return absl::OkStatus();
}

// Refuses a value that a column of numbers, sizes or words never shows.
absl::Status CheckPossible(absl::string_view column, const std::string& value) {
  if (absl::StrContains(value, '*') || absl::StrContains(value, '?')) return absl::OkStatus();
  if (column == "size") return ParseSize(column, value).status();
  if (column == "paths") {  // "1", or "1/2"
    const std::vector<std::string> numbers = absl::StrSplit(value, absl::MaxSplits('/', 1));
    for (const std::string& number : numbers) {
      if (absl::Status s = ParseNumber(column, number).status(); !s.ok()) return s;
    }
  }
  if (column == "to") {
    const std::vector<std::string> words = {"hosts", "expanders", "endDevices"};
    const auto is_value = [&](const std::string& w) { return absl::EqualsIgnoreCase(w, value); };
    if (!absl::c_any_of(words, is_value)) {
      return absl::InvalidArgumentError(
          absl::StrCat("filter to: unknown value \"", value, "\"", rpc::DidYouMean(value, words),
                       " (values: ", absl::StrJoin(words, ", "), ")"));
    }
  }
  return absl::OkStatus();
}

// What sasd and sasctl have to look at, and which conditions have been given.
class Selector {
 public:
  Selector(const Context& context, const Noun& noun) : context_(context), noun_(noun) {}

  absl::Status Add(const Condition& condition) {
    const std::string wanted = Dashed(condition.key);
    const std::vector<FilterKey>& keys = FilterKeysOf(noun_.kind);
    const auto key = absl::c_find_if(keys, [&](const FilterKey& k) { return k.key == wanted; });
    // sasd compares these columns in order; sasctl compares the text that they show.
    const bool text_only =
        key == keys.end() ||
        ((key->form == FilterKey::Form::kSize || key->form == FilterKey::Form::kCount) &&
         !IsOrder(condition.op));
    return text_only ? AddLocal(condition, wanted) : AddRemote(condition, *key);
  }

  ResourceSelection Finish() {
    // The noun "drive" selects drives, unless the user gives types.
    if (!noun_.peripheral_types.empty() && !given_.contains({"type", sas::v1::OPERATOR_EQUAL})) {
      sas::v1::Condition& condition = *selection_.filter.add_conditions();
      condition.set_field("peripheral_type");
      condition.set_operator_(sas::v1::OPERATOR_EQUAL);
      for (const uint32_t type : noun_.peripheral_types) condition.add_values(absl::StrCat(type));
    }
    return std::move(selection_);
  }

 private:
  absl::Status AddLocal(const Condition& condition, const std::string& wanted) {
    const Column* column = FindColumn(ColumnsOf(noun_.kind), wanted);
    if (column == nullptr) return UnknownKey(noun_, condition.key);
    if (IsOrder(condition.op)) return ImpossibleOperator(wanted, "= and !=", condition.op);
    ColumnCondition local{column, condition.op == sas::v1::OPERATOR_NOT_EQUAL};
    for (const std::string& value : condition.values) {
      if (absl::Status s = CheckPossible(wanted, value); !s.ok()) return s;
      std::string text = value;
      if (wanted == "size") {
        // As the column shows it: "14TB" is "14.0TB".
        if (const auto bytes = ParseSize(wanted, value); bytes.ok()) text = ShortSize(*bytes);
      }
      auto glob = rpc::Glob::Parse(absl::AsciiStrToLower(text));
      if (!glob.ok()) {
        return absl::InvalidArgumentError(
            absl::StrCat("filter ", wanted, ": ", glob.status().message()));
      }
      local.values.push_back(*std::move(glob));
    }
    selection_.local.push_back(std::move(local));
    return absl::OkStatus();
  }

  // All conditions must hold, and a condition holds if one of its values does.
  absl::Status AddRemote(const Condition& condition, const FilterKey& key) {
    absl::Status status = CheckOperator(key, condition.op);
    if (!status.ok()) return status;
    const bool single = IsOrder(condition.op) || key.form == FilterKey::Form::kBool ||
                        key.fixed != sas::v1::OPERATOR_UNSPECIFIED;
    if (!given_.insert({key.key, condition.op}).second) {
      const std::string text = absl::StrCat(
          key.key, condition.op == sas::v1::OPERATOR_EQUAL ? "" : OperatorText(condition.op));
      return absl::InvalidArgumentError(
          absl::StrCat("filter ", text, " is given twice",
                       single ? ""
                              : absl::StrCat("; for alternatives, give ", key.key,
                                             OperatorText(condition.op), "VALUE,VALUE")));
    }
    if (single && condition.values.size() > 1) {
      return absl::InvalidArgumentError(absl::StrCat("filter ", key.key, " takes one value, not \"",
                                                     absl::StrJoin(condition.values, ","), "\""));
    }
    const sas::v1::Operator op =
        key.fixed == sas::v1::OPERATOR_UNSPECIFIED ? condition.op : key.fixed;
    std::vector<std::string> values;
    for (const std::string& word : condition.values) {
      if (key.form == FilterKey::Form::kReference) {
        auto names = FindNames(context_, word, key.refers_to);
        // Behind nodes, but also behind anything else.
        if (key.field == "behind" && absl::IsNotFound(names.status())) {
          names = FindNames(context_, word, {});
        }
        if (!names.ok()) return names.status();
        values.insert(values.end(), names->begin(), names->end());
        continue;
      }
      auto value = ConditionValue(key, op, word);
      if (!value.ok()) return value.status();
      values.push_back(*std::move(value));
    }
    Send(key, op, values);
    return absl::OkStatus();
  }

  void Send(const FilterKey& key, sas::v1::Operator op, const std::vector<std::string>& values) {
    if (key.key == "host" && op == sas::v1::OPERATOR_EQUAL) {
      for (const std::string& host : values) selection_.filter.add_hosts(host);
      return;
    }
    if (key.field == "behind") {
      for (const std::string& name : values) selection_.filter.add_behind(name);
      return;
    }
    sas::v1::Condition& sent = *selection_.filter.add_conditions();
    sent.set_field(key.field);
    sent.set_operator_(op);
    for (const std::string& value : values) sent.add_values(value);
  }

  const Context& context_;
  const Noun& noun_;
  ResourceSelection selection_;
  absl::flat_hash_set<std::pair<std::string, sas::v1::Operator>> given_;
};

bool HasValue(const std::string& cell, const rpc::Glob& wanted) {
  if (wanted.Matches(cell)) return true;
  return absl::c_any_of(absl::StrSplit(cell, ','),
                        [&](absl::string_view part) { return wanted.Matches(part); });
}

// Where a part's operator begins and ends; the size of the part twice if it has none.
std::pair<size_t, size_t> FindOperator(absl::string_view part) {
  for (size_t at = part.find_first_of("=<>!"); at < part.size();
       at = part.find_first_of("=<>!", at + 1)) {
    const bool with_equals = at + 1 < part.size() && part[at + 1] == '=';
    if (part[at] == '=') return {at, at + 1};
    if (part[at] != '!' || with_equals) return {at, at + (with_equals ? 2 : 1)};
  }
  return {part.size(), part.size()};
}

sas::v1::Operator ParseOperator(absl::string_view text) {
  for (int op = sas::v1::OPERATOR_EQUAL; op <= sas::v1::Operator_MAX; ++op) {
    if (OperatorText(static_cast<sas::v1::Operator>(op)) == text) {
      return static_cast<sas::v1::Operator>(op);
    }
  }
  return sas::v1::OPERATOR_UNSPECIFIED;
}

}  // namespace

absl::string_view OperatorText(sas::v1::Operator op) {
  switch (op) {
    case sas::v1::OPERATOR_EQUAL:
      return "=";
    case sas::v1::OPERATOR_NOT_EQUAL:
      return "!=";
    case sas::v1::OPERATOR_LESS:
      return "<";
    case sas::v1::OPERATOR_LESS_OR_EQUAL:
      return "<=";
    case sas::v1::OPERATOR_GREATER:
      return ">";
    case sas::v1::OPERATOR_GREATER_OR_EQUAL:
      return ">=";
    default:
      return "";
  }
}

absl::StatusOr<int> ParseEnum(const EnumDescriptor& type, absl::string_view what,
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
  return absl::InvalidArgumentError(absl::StrCat(what, ": unknown value \"", word, "\"",
                                                 rpc::DidYouMean(word, allowed),
                                                 " (values: ", absl::StrJoin(allowed, ", "), ")"));
}

absl::StatusOr<std::vector<Condition>> ParseConditions(const std::vector<std::string>& arguments) {
  std::vector<Condition> conditions;
  for (const std::string& argument : arguments) {
    const size_t before = conditions.size();
    for (absl::string_view part : absl::StrSplit(argument, ',')) {
      const auto [begin, end] = FindOperator(part);
      const bool has_key = begin < part.size();
      const absl::string_view value = absl::StripAsciiWhitespace(has_key ? part.substr(end) : part);
      const absl::string_view key =
          absl::StripAsciiWhitespace(has_key ? part.substr(0, begin) : "");
      const bool whole = has_key ? !key.empty() : conditions.size() > before;
      if (value.empty() || !whole) {
        return absl::InvalidArgumentError(absl::StrCat(
            "filter \"", argument, "\" is not of the form key=value[,value...][,key=value...]"));
      }
      if (has_key) {
        conditions.push_back(
            {std::string(key), ParseOperator(part.substr(begin, end - begin)), {}});
      }
      conditions.back().values.emplace_back(value);
    }
  }
  return conditions;
}

bool ResourceSelection::Admits(const Message& resource) const {
  return absl::c_all_of(local, [&](const ColumnCondition& condition) {
    const std::string cell = absl::AsciiStrToLower(condition.column->value(resource));
    return condition.negated != absl::c_any_of(condition.values, [&](const rpc::Glob& wanted) {
             return HasValue(cell, wanted);
           });
  });
}

absl::StatusOr<ResourceSelection> SelectResources(const Context& context, const Noun& noun,
                                                  const std::vector<Condition>& conditions) {
  Selector selector(context, noun);
  for (const Condition& condition : conditions) {
    const absl::Status status = selector.Add(condition);
    if (!status.ok()) return status;
  }
  return selector.Finish();
}

}  // namespace sasd::cli
