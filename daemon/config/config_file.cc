#include "daemon/config/config_file.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "driver/base/regular_file.h"
#include "rpc/did_you_mean.h"
#include "rpc/toml.h"

namespace sasd::config {
namespace {

// The most of a text of the file that an error repeats.
constexpr size_t kMostShown = 64;

std::string Shown(absl::string_view text) {
  const std::string escaped = absl::Utf8SafeCHexEscape(text.substr(0, kMostShown));
  return text.size() > kMostShown ? escaped + "..." : escaped;
}

std::string Place(absl::string_view path, const toml::source_position& at) {
  return absl::StrCat(path, ":", at.line, ":", at.column);
}

std::vector<std::string> KnownNames() {
  std::vector<std::string> names;
  for (const Option& option : Options()) {
    if (!option.once) names.emplace_back(option.name);
  }
  return names;
}

absl::string_view KindOf(const toml::node& node) {
  if (node.is_table()) return "a table";
  if (node.is_array()) return "an array";
  if (node.is_string()) return "text";
  if (node.is_integer() || node.is_floating_point()) return "a number";
  if (node.is_boolean()) return "true or false";
  return "a date or time";
}

absl::Status Wrong(absl::string_view expected, const toml::node& node) {
  return absl::InvalidArgumentError(
      absl::StrCat("expected ", expected, ", and this is ", KindOf(node)));
}

absl::StatusOr<Value> ReadOldValue(const Option& option, const toml::node& node) {
  if (const auto integer = node.value_exact<int64_t>()) {
    return ParseOldValue(option, absl::StrCat(*integer));
  }
  if (const auto number = node.value_exact<double>()) {
    return ParseOldValue(option, absl::StrCat(*number));
  }
  return Wrong("a number", node);
}

absl::StatusOr<Value> ReadList(const Option& option, const toml::node& node) {
  if (const auto only = node.value_exact<std::string_view>()) {
    return CheckValue(option, std::vector<std::string>{std::string(*only)});
  }
  const toml::array* const array = node.as_array();
  if (array == nullptr) return Wrong("text in quotes, or several in brackets", node);
  std::vector<std::string> texts;
  for (const toml::node& each : *array) {
    const auto text = each.value_exact<std::string_view>();
    if (!text) return Wrong("text in quotes", each);
    texts.emplace_back(*text);
  }
  return CheckValue(option, std::move(texts));
}

absl::StatusOr<Value> ReadValue(const Option& option, const toml::node& node) {
  const auto text = node.value_exact<std::string_view>();
  const auto number = node.value_exact<int64_t>();
  switch (option.type) {
    case Type::kText:
    case Type::kChoice:
      if (text) return CheckValue(option, std::string(*text));
      return Wrong("text in quotes", node);
    case Type::kList:
      return ReadList(option, node);
    case Type::kFlag:
      if (const auto flag = node.value_exact<bool>()) return Value(*flag);
      return Wrong("true or false, without quotes", node);
    case Type::kNumber:
      if (number) return CheckValue(option, *number);
      return Wrong(absl::StrCat("a whole number without quotes, ", RangeText(option)), node);
    case Type::kBytes:
      if (number) return CheckValue(option, *number);
      if (text) return ParseValue(option, absl::string_view(text->data(), text->size()));
      return Wrong("a number of bytes, for example \"64MiB\"", node);
    case Type::kDuration:
      if (text) return ParseValue(option, absl::string_view(text->data(), text->size()));
      if (number) {
        return absl::InvalidArgumentError(
            absl::StrCat("a duration has a unit and quotes, for example \"", *number, "s\" or \"",
                         *number, "min\""));
      }
      return Wrong("a duration in quotes, for example \"30s\"", node);
  }
  return absl::InternalError("no such type");
}

// A fault and where it is, to report faults in the order of the text.
struct Fault {
  toml::source_position at;
  std::string text;
};

class Reader {
 public:
  explicit Reader(absl::string_view path) : path_(path) {}

  void Read(absl::string_view name, const toml::key& key, const toml::node& node) {
    const toml::source_position at = key.source().begin;
    const Option* const option = FindOption(name);
    if (option == nullptr) {
      return Note(at, absl::StrCat("unknown option \"", Shown(name), "\"",
                                   rpc::DidYouMean(name.substr(0, kMostShown), KnownNames())));
    }
    if (option->once) {
      return Note(at, absl::StrCat(name, " is for one start: give it on the command line"));
    }
    absl::StatusOr<Value> value =
        option->name == name ? ReadValue(*option, node) : ReadOldValue(*option, node);
    if (!value.ok()) {
      return Note(node.source().begin, absl::StrCat(name, ": ", value.status().message()));
    }
    for (const auto& [before, given] : given_) {
      if (given.option != option) continue;
      return Note(at, absl::StrCat(name, ": the same option as in line ", before.line));
    }
    given_.push_back({at, {option, *std::move(value), Place(path_, at)}});
  }

  absl::StatusOr<std::vector<Given>> Finish() && {
    const auto in_order = [](const auto& a, const auto& b) {
      return std::pair(a.line, a.column) < std::pair(b.line, b.column);
    };
    if (!faults_.empty()) {
      std::sort(faults_.begin(), faults_.end(),
                [&](const Fault& a, const Fault& b) { return in_order(a.at, b.at); });
      return absl::InvalidArgumentError(absl::StrJoin(
          faults_, "\n",
          [](std::string* out, const Fault& fault) { absl::StrAppend(out, fault.text); }));
    }
    std::sort(given_.begin(), given_.end(),
              [&](const auto& a, const auto& b) { return in_order(a.first, b.first); });
    std::vector<Given> out;
    for (auto& [at, given] : given_) out.push_back(std::move(given));
    return out;
  }

 private:
  void Note(const toml::source_position& at, absl::string_view what) {
    faults_.push_back({at, absl::StrCat(Place(path_, at), ": ", what)});
  }

  const absl::string_view path_;
  std::vector<std::pair<toml::source_position, Given>> given_;
  std::vector<Fault> faults_;
};

}  // namespace

absl::StatusOr<std::vector<Given>> ParseFile(absl::string_view text, absl::string_view path) {
  const toml::parse_result parsed = toml::parse(std::string_view(text.data(), text.size()));
  if (!parsed) {
    const toml::parse_error& error = parsed.error();
    const std::string_view what = error.description();
    return absl::InvalidArgumentError(
        absl::StrCat(Place(path, error.source().begin), ": ",
                     absl::Utf8SafeCHexEscape(absl::string_view(what.data(), what.size()))));
  }
  Reader reader(path);
  for (const auto& [key, node] : parsed.table()) {
    reader.Read(absl::string_view(key.str().data(), key.str().size()), key, node);
  }
  return std::move(reader).Finish();
}

absl::StatusOr<std::vector<Given>> ReadFile(const std::string& path) {
  const absl::StatusOr<std::string> text = ReadRegularFile(path, kMaxFileBytes);
  if (!text.ok()) return text.status();
  return ParseFile(*text, path);
}

}  // namespace sasd::config
