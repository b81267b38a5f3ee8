#include "daemon/service/alias_book.h"

#include <algorithm>
#include <map>
#include <memory>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "daemon/service/names.h"
#include "daemon/service/spellings.h"
#include "google/rpc/error_details.pb.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

using registry::ResourceId;
using registry::ResourceKind;

constexpr size_t kMaxLength = 64;

std::string Folded(absl::string_view text) { return absl::AsciiStrToLower(text); }

bool HasAlias(ResourceKind kind) {
  return kind == ResourceKind::kHost || kind == ResourceKind::kEnclosure;
}

bool IsAllowed(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.';
}

bool All(absl::string_view text, bool (*is)(unsigned char)) {
  return std::all_of(text.begin(), text.end(),
                     [is](char c) { return is(static_cast<unsigned char>(c)); });
}

// "sdb", "sg3", "host11", "dm-0", "md127"
bool IsKernelName(absl::string_view folded) {
  if (absl::ConsumePrefix(&folded, "sd")) {
    return !folded.empty() && All(folded, absl::ascii_isalpha) && folded.size() <= 4;
  }
  for (const absl::string_view prefix : {"sg", "host", "dm-", "md"}) {
    absl::string_view rest = folded;
    if (absl::ConsumePrefix(&rest, prefix)) return !rest.empty() && All(rest, absl::ascii_isdigit);
  }
  return false;
}

// A row's value: alias, seconds since 1970, author.
std::string RowText(const AliasBook::Entry& entry) {
  return absl::StrCat(entry.alias, " ", absl::ToUnixSeconds(entry.set_time), " ", entry.author);
}

std::optional<AliasBook::Entry> ParseRow(const AliasBook::Row& row) {
  const absl::StatusOr<ResourceId> id = ParseName(row.first);
  const std::vector<std::string> parts = absl::StrSplit(row.second, absl::MaxSplits(' ', 2));
  int64_t seconds = 0;
  if (!id.ok() || !HasAlias(registry::KindOf(*id)) || parts.size() != 3 ||
      !CheckAlias(parts[0]).ok() || !absl::SimpleAtoi(parts[1], &seconds)) {
    return std::nullopt;
  }
  AliasBook::Entry entry;
  entry.resource = *id;
  entry.alias = parts[0];
  entry.set_time = absl::FromUnixSeconds(seconds);
  entry.author = parts[2];
  return entry;
}

// Of a resource that has one.
absl::string_view ShownAlias(const registry::ResourceRef& ref) {
  if (const auto* host = std::get_if<registry::IndexOf<registry::Host>()>(&ref)) {
    return (*host)->alias.view();
  }
  if (const auto* enclosure = std::get_if<registry::IndexOf<registry::Enclosure>()>(&ref)) {
    return (*enclosure)->alias.view();
  }
  return {};
}

// Of these texts, lower-case, which are names of objects: an object that is called so for each. An
// object that is called so only by its alias does not count. `own`: whose text it is.
using Wanted = absl::flat_hash_map<std::string, ResourceId>;
absl::flat_hash_map<std::string, ResourceId> NamesOfOthers(const registry::Topology& topology,
                                                           const Wanted& own) {
  absl::flat_hash_map<std::string, ResourceId> names;
  if (own.empty()) return names;
  std::string folded;
  topology.VisitAll([&](const registry::ResourceRef& ref) {
    const absl::string_view alias = ShownAlias(ref);
    VisitSpellings(ref, [&](absl::string_view spelling) {
      if (spelling.size() > kMaxLength) return;
      folded.assign(spelling.data(), spelling.size());
      absl::AsciiStrToLower(&folded);
      const auto found = own.find(folded);
      if (found == own.end() || absl::EqualsIgnoreCase(spelling, alias)) return;
      const ResourceId id = registry::IdOf(ref);
      if (id != found->second)
        names.insert_or_assign(folded, id);  // a drive, rather than a path to it
    });
  });
  return names;
}

std::string TakenBy(absl::string_view alias, const ResourceId& other, bool is_alias) {
  return absl::StrCat("\"", alias, is_alias ? "\" is the alias of " : "\" is already the name of ",
                      NameOf(other));
}

grpc::Status AlreadyExists(const std::string& message, const ResourceId& other) {
  google::rpc::ResourceInfo info;
  info.set_resource_name(NameOf(other));
  info.set_description(message);
  return rpc::WithDetail(grpc::StatusCode::ALREADY_EXISTS, message, info);
}

grpc::Status InFile(const AliasBook::Entry& entry) {
  return rpc::WithReason(
      grpc::StatusCode::FAILED_PRECONDITION,
      absl::StrCat("the file of aliases calls ", NameOf(entry.resource), " \"", entry.alias,
                   "\", and wins; change it there, then reload sasd"),
      "ALIAS_IN_FILE", {{"resource", NameOf(entry.resource)}, {"alias", entry.alias}});
}

}  // namespace

absl::Status CheckAlias(absl::string_view alias) {
  const auto wrong = [alias](absl::string_view why) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", alias.substr(0, kMaxLength), "\" cannot be an alias: ", why));
  };
  if (alias.empty()) return wrong("it is empty");
  if (alias.size() > kMaxLength) {
    return wrong(
        absl::StrCat("it has ", alias.size(), " bytes; at most ", kMaxLength, " are possible"));
  }
  if (!std::all_of(alias.begin(), alias.end(), IsAllowed)) {
    return wrong("only letters, digits, '-', '_' and '.' are possible");
  }
  if (!absl::ascii_isalnum(static_cast<unsigned char>(alias[0]))) {
    return wrong("it does not begin with a letter or a digit");
  }
  if (All(alias, absl::ascii_isdigit)) return wrong("it is a number");
  if (alias.size() >= 3 && All(alias, absl::ascii_isxdigit)) {
    return wrong("it may be the end of an address");
  }
  if (IsKernelName(Folded(alias))) return wrong("the kernel gives such names");
  return absl::OkStatus();
}

AliasBook::AliasBook(absl::Span<const Row> kept, Keep keep) : keep_(std::move(keep)) {
  for (const Row& row : kept) {
    if (std::optional<Entry> entry = ParseRow(row)) {
      set_[entry->resource] = *std::move(entry);
    } else {
      unreadable_.push_back(row.first);
    }
  }
}

registry::Aliases AliasBook::Held() const {
  absl::MutexLock lock(&mu_);
  return Holding();
}

registry::Aliases AliasBook::Holding() const {
  registry::Aliases aliases;
  const auto add = [&aliases](const Entry& entry) {
    if (!entry.refusal.empty()) return;
    if (const auto* host = std::get_if<registry::IndexOf<registry::Host>()>(&entry.resource)) {
      aliases.hosts[*host] = entry.alias;
    } else {
      aliases.enclosures[std::get<registry::IndexOf<registry::Enclosure>()>(entry.resource)] =
          entry.alias;
    }
  };
  for (const auto& [id, entry] : set_) add(entry);
  for (const auto& [id, entry] : file_) add(entry);  // wins
  return aliases;
}

void AliasBook::Refuse(const registry::Topology& topology) {
  Wanted own;
  for (auto& [id, entry] : file_) {
    entry.refusal.clear();
    own.emplace(Folded(entry.alias), id);
  }
  for (auto& [id, entry] : set_) {
    entry.refusal.clear();
    if (const auto given = file_.find(id); given != file_.end()) {
      entry.refusal = absl::StrCat("the file of aliases calls it \"", given->second.alias, "\"");
    } else if (const auto [it, is_first] = own.emplace(Folded(entry.alias), id); !is_first) {
      entry.refusal = TakenBy(entry.alias, it->second, /*is_alias=*/true);
    }
  }
  const absl::flat_hash_map<std::string, ResourceId> names = NamesOfOthers(topology, own);
  for (Entries* entries : {&file_, &set_}) {
    for (auto& [id, entry] : *entries) {
      const auto taken = names.find(Folded(entry.alias));
      if (!entry.refusal.empty() || taken == names.end()) continue;
      entry.refusal = TakenBy(entry.alias, taken->second, /*is_alias=*/false);
    }
  }
}

int64_t AliasBook::Apply(Cause cause, registry::Registry& registry, absl::Time now) {
  const std::shared_ptr<const registry::Topology> topology = registry.Snapshot();
  registry::Aliases holding;
  {
    absl::MutexLock lock(&mu_);
    Refuse(*topology);
    holding = Holding();
  }
  const std::optional<int64_t> revision =
      registry.SetAliases(std::move(holding), std::move(cause), now);
  return revision.value_or(topology->revision());
}

absl::StatusOr<AliasBook::Entries> AliasBook::ParseFile(const std::vector<GivenAlias>& file) {
  Entries entries;
  std::map<std::string, std::string> places;  // by folded alias
  std::vector<std::string> faults;
  const auto fault = [&faults](const GivenAlias& at, absl::string_view text) {
    faults.push_back(absl::StrCat(at.place, ": ", text));
  };
  for (const GivenAlias& given : file) {
    const absl::StatusOr<ResourceId> id = ParseName(given.resource);
    if (!id.ok() || !HasAlias(registry::KindOf(*id))) {
      fault(given, absl::StrCat("\"", given.resource.substr(0, kMaxLength),
                                "\" is no name of a host or an enclosure, such as "
                                "\"enclosures/500304800175f0bf\"; `sasctl list enclosures -o "
                                "name` prints them"));
      continue;
    }
    if (absl::Status s = CheckAlias(given.alias); !s.ok()) {
      fault(given, s.message());
      continue;
    }
    const auto [place, is_first] = places.emplace(Folded(given.alias), given.place);
    if (!is_first) {
      fault(given, absl::StrCat("\"", given.alias, "\" is already an alias at ", place->second));
      continue;
    }
    Entry entry;
    entry.resource = *id;
    entry.alias = given.alias;
    entry.in_file = true;
    entries[*id] = std::move(entry);
  }
  if (file.size() > kMost) fault(file.back(), absl::StrCat("at most ", kMost, " are possible"));
  if (!faults.empty()) return absl::InvalidArgumentError(absl::StrJoin(faults, "\n"));
  return entries;
}

absl::Status AliasBook::SetFile(const std::vector<GivenAlias>& file, registry::Registry& registry,
                                absl::Time now) {
  absl::StatusOr<Entries> entries = ParseFile(file);
  if (!entries.ok()) return entries.status();
  absl::MutexLock verbs_lock(&verbs_mu_);
  {
    absl::MutexLock lock(&mu_);
    file_ = *std::move(entries);
  }
  Apply(MakeCause(CauseKind::kControl, "the file of aliases was read"), registry, now);
  return absl::OkStatus();
}

grpc::Status AliasBook::Set(const ResourceId& resource, const std::string& alias,
                            const std::string& author, registry::Registry& registry, absl::Time now,
                            Changed* changed) {
  if (absl::Status s = CheckAlias(alias); !s.ok()) return rpc::BadField("alias", s.message());
  absl::MutexLock verbs_lock(&verbs_mu_);
  Entry entry;
  entry.resource = resource;
  entry.alias = alias;
  entry.author = author;
  entry.set_time = now;
  {
    absl::MutexLock lock(&mu_);
    if (const auto given = file_.find(resource); given != file_.end()) return InFile(given->second);
    for (const Entries* entries : {&file_, &set_}) {
      for (const auto& [id, other] : *entries) {
        if (id == resource || !absl::EqualsIgnoreCase(other.alias, alias)) continue;
        return AlreadyExists(TakenBy(alias, id, /*is_alias=*/true), id);
      }
    }
    if (set_.size() >= kMost && !set_.contains(resource)) {
      return {grpc::StatusCode::RESOURCE_EXHAUSTED,
              absl::StrCat("there are ", kMost, " aliases; remove one")};
    }
  }
  const auto names = NamesOfOthers(*registry.Snapshot(), {{Folded(alias), resource}});
  if (!names.empty()) {
    const ResourceId& other = names.begin()->second;
    return AlreadyExists(TakenBy(alias, other, /*is_alias=*/false), other);
  }
  if (keep_ != nullptr) {
    if (absl::Status s = keep_(NameOf(resource), RowText(entry)); !s.ok()) return rpc::ToGrpc(s);
  }
  {
    absl::MutexLock lock(&mu_);
    set_[resource] = entry;
  }
  changed->entry = std::move(entry);
  changed->revision =
      Apply(MakeCause(CauseKind::kControl, absl::StrCat("alias \"", alias, "\" set by ", author)),
            registry, now);
  return grpc::Status::OK;
}

grpc::Status AliasBook::Remove(const registry::ResourceId& resource, absl::string_view query,
                               const std::string& author, registry::Registry& registry,
                               absl::Time now, Changed* changed) {
  absl::MutexLock verbs_lock(&verbs_mu_);
  {
    absl::MutexLock lock(&mu_);
    const auto found = set_.find(resource);
    const auto given = file_.find(resource);
    const bool is_meant = found != set_.end() && absl::EqualsIgnoreCase(found->second.alias, query);
    if (given != file_.end() && !is_meant) return InFile(given->second);
    if (found == set_.end()) {
      return {grpc::StatusCode::NOT_FOUND, absl::StrCat(NameOf(resource), " has no alias")};
    }
    changed->entry = found->second;
  }
  if (keep_ != nullptr) {
    if (absl::Status s = keep_(NameOf(resource), std::nullopt); !s.ok()) return rpc::ToGrpc(s);
  }
  {
    absl::MutexLock lock(&mu_);
    set_.erase(resource);
  }
  changed->revision =
      Apply(MakeCause(CauseKind::kControl,
                      absl::StrCat("alias \"", changed->entry.alias, "\" removed by ", author)),
            registry, now);
  return grpc::Status::OK;
}

std::vector<AliasBook::Entry> AliasBook::List() const {
  absl::MutexLock lock(&mu_);
  std::vector<Entry> all;
  for (const Entries* entries : {&file_, &set_}) {
    for (const auto& [id, entry] : *entries) all.push_back(entry);
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Entry& a, const Entry& b) { return a.resource < b.resource; });
  return all;
}

std::optional<ResourceId> AliasBook::Find(absl::string_view alias) const {
  absl::MutexLock lock(&mu_);
  for (const Entries* entries : {&file_, &set_}) {
    for (const auto& [id, entry] : *entries) {
      if (absl::EqualsIgnoreCase(entry.alias, alias)) return id;
    }
  }
  return std::nullopt;
}

std::optional<ResourceId> AliasBook::HolderOf(absl::string_view alias) const {
  absl::MutexLock lock(&mu_);
  for (const Entries* entries : {&file_, &set_}) {
    for (const auto& [id, entry] : *entries) {
      if (entry.refusal.empty() && absl::EqualsIgnoreCase(entry.alias, alias)) return id;
    }
  }
  return std::nullopt;
}

}  // namespace sasd::service
