#include "cli/query/watch_filter.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/output/nouns.h"
#include "cli/query/filter.h"
#include "cli/query/filter_keys.h"
#include "cli/query/finder.h"
#include "google/protobuf/descriptor.h"
#include "rpc/did_you_mean.h"

namespace sasd::cli {
namespace {

absl::Status AddHost(const std::string& word, const Context& context, sas::v1::Filter& filter) {
  const auto name = FindName(context, word, {sas::v1::RESOURCE_KIND_HOST});
  if (!name.ok()) return name.status();
  filter.add_hosts(*name);
  return absl::OkStatus();
}

std::string Dashed(absl::string_view word) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(word), {{"_", "-"}});
}

const FilterKey* FindKey(const Noun& noun, absl::string_view wanted) {
  const std::vector<FilterKey>& keys = FilterKeysOf(noun.kind);
  const auto key = absl::c_find_if(keys, [wanted](const FilterKey& k) { return k.key == wanted; });
  return key == keys.end() ? nullptr : &*key;
}

// One noun for each kind: of two the first, "drives".
std::vector<const Noun*> EveryNoun() {
  std::vector<const Noun*> nouns;
  for (const Noun& noun : AllNouns()) {
    const bool is_new =
        absl::c_none_of(nouns, [&noun](const Noun* other) { return other->kind == noun.kind; });
    if (is_new) nouns.push_back(&noun);
  }
  return nouns;
}

// The key of a noun; of a text that lists compare as they show it, one for sasd to compare.
std::optional<FilterKey> KeyOf(const Noun& noun, absl::string_view wanted) {
  if (const FilterKey* key = FindKey(noun, wanted)) return *key;
  const std::string field = absl::StrReplaceAll(wanted, {{"-", "_"}});
  const auto* shown = sas::v1::Resource::descriptor()
                          ->FindFieldByNumber(noun.kind)
                          ->message_type()
                          ->FindFieldByName(field);
  if (shown == nullptr || shown->type() != google::protobuf::FieldDescriptor::TYPE_STRING) {
    return std::nullopt;
  }
  return FilterKey{std::string(wanted), field, FilterKey::Form::kText};
}

// Whether a condition on one key means the same condition on the other.
bool SameMeaning(const FilterKey& a, const FilterKey& b) {
  return a.field == b.field && a.form == b.form && a.type == b.type && a.fixed == b.fixed;
}

absl::Status Unknown(absl::string_view key, const std::vector<const Noun*>& nouns) {
  std::vector<std::string> keys = {"kind", "host"};
  for (const Noun* noun : nouns) {
    for (const FilterKey& known : FilterKeysOf(noun->kind)) {
      if (!absl::c_linear_search(keys, known.key)) keys.push_back(known.key);
    }
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown filter \"", key, "\" for events",
                                                 rpc::DidYouMean(key, keys),
                                                 " (filters: ", absl::StrJoin(keys, ", "), ")"));
}

// The noun of which `condition` is understood: one that has the key. All that have it must mean the
// same.
absl::StatusOr<const Noun*> NounFor(const Condition& condition,
                                    const std::vector<const Noun*>& nouns) {
  const std::string wanted = Dashed(condition.key);
  const Noun* found = nullptr;
  for (const Noun* noun : nouns) {
    const std::optional<FilterKey> key = KeyOf(*noun, wanted);
    if (!key.has_value()) continue;
    if (found == nullptr) {
      found = noun;
    } else if (!SameMeaning(*KeyOf(*found, wanted), *key)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "filter ", wanted, " of events is not the same for ", found->plural, " and ",
          noun->plural, "; choose with kind=", found->singular, " or kind=", noun->singular));
    }
  }
  if (found == nullptr) return Unknown(condition.key, nouns);
  return found;
}

// A condition on a text that is no key of lists.
absl::Status AddText(const Condition& condition, const FilterKey& key, sas::v1::Filter& filter) {
  if (condition.op >= sas::v1::OPERATOR_LESS) {
    return absl::InvalidArgumentError(
        absl::StrCat("filter ", key.key, " takes = and !=, not ", OperatorText(condition.op)));
  }
  sas::v1::Condition& sent = *filter.add_conditions();
  sent.set_field(key.field);
  sent.set_operator_(condition.op);
  for (const std::string& value : condition.values) sent.add_values(value);
  return absl::OkStatus();
}

// The conditions of events but for kind and host, added to `filter`.
absl::Status AddConditions(const std::vector<Condition>& conditions,
                           const std::vector<const Noun*>& nouns, const Context& context,
                           sas::v1::Filter& filter) {
  for (const Condition& condition : conditions) {
    const auto noun = NounFor(condition, nouns);
    if (!noun.ok()) return noun.status();
    const std::string wanted = Dashed(condition.key);
    if (FindKey(**noun, wanted) == nullptr) {
      absl::Status status = AddText(condition, *KeyOf(**noun, wanted), filter);
      if (!status.ok()) return status;
      continue;
    }
    Noun plain = **noun;
    plain.peripheral_types.clear();
    const auto selection = SelectResources(context, plain, {condition});
    if (!selection.ok()) return selection.status();
    if (!selection->local.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "filter ", wanted, " of events takes <, <=, > and >=, not ", OperatorText(condition.op)));
    }
    filter.MergeFrom(selection->filter);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<sas::v1::Filter> ParseWatchFilter(const std::vector<std::string>& arguments,
                                                 const Context& context) {
  const auto conditions = ParseConditions(arguments);
  if (!conditions.ok()) return conditions.status();
  sas::v1::Filter filter;
  std::vector<const Noun*> nouns;
  std::vector<Condition> others;
  for (const Condition& condition : *conditions) {
    const bool kind = condition.key == "kind";
    if (!kind && condition.key != "host") {
      others.push_back(condition);
      continue;
    }
    if (condition.op != sas::v1::OPERATOR_EQUAL) {
      return absl::InvalidArgumentError(absl::StrCat(
          "filter ", condition.key, " of events takes only =, not ", OperatorText(condition.op)));
    }
    for (const std::string& value : condition.values) {
      if (kind) {
        const auto noun = FindNoun(value);
        if (!noun.ok()) return noun.status();
        nouns.push_back(*noun);
        filter.add_kinds((*noun)->kind);
      } else if (absl::Status status = AddHost(value, context, filter); !status.ok()) {
        return status;
      }
    }
  }
  const absl::Status status =
      AddConditions(others, nouns.empty() ? EveryNoun() : nouns, context, filter);
  if (!status.ok()) return status;
  return filter;
}

}  // namespace sasd::cli
