#include "driver/observation/key_table.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace sasd {
namespace {

constexpr absl::string_view kHostPrefix = "host ";

bool Contains(const std::vector<HostLocation>& locations, HostLocation location) {
  return std::find(locations.begin(), locations.end(), location) != locations.end();
}

std::string RowKey(SasAddress address) { return absl::StrCat(kHostPrefix, ToHex(address)); }

}  // namespace

bool KeyTable::Load(absl::string_view key, absl::string_view value) {
  if (!absl::ConsumePrefix(&key, kHostPrefix)) return false;
  const std::optional<HostKey> host = ParseHostKey(key);
  if (!host || host->location.known()) return false;
  Locations locations;
  for (const absl::string_view text : absl::StrSplit(value, ' ')) {
    const std::optional<HostLocation> location = HostLocation::Parse(text);
    if (!location || Contains(locations, *location)) return false;
    locations.push_back(*location);
  }
  absl::MutexLock lock(&mu_);
  hosts_[host->address] = std::move(locations);
  return true;
}

void KeyTable::LoadPlain(const PlacedHost& host) {
  if (!host.location.known()) return;
  absl::MutexLock lock(&mu_);
  if (hosts_.try_emplace(host.address, Locations{host.location}).second) {
    changed_.insert(host.address);
  }
}

void KeyTable::SetHosts(absl::Span<const PlacedHost> present) {
  {
    absl::MutexLock lock(&mu_);
    present_ = {present.begin(), present.end()};
    const absl::btree_set<PlacedHost> hosts = present_;
    for (const PlacedHost& host : hosts) Place(host);
  }
  KeepChanges();
}

HostKey KeyTable::KeyOf(const PlacedHost& host) {
  if (!host.location.known()) return HostKey(host.address);
  bool plain, changed;
  {
    absl::MutexLock lock(&mu_);
    Place(host);
    plain = hosts_[host.address].front() == host.location;
    changed = !changed_.empty();
  }
  if (changed) KeepChanges();
  return plain ? HostKey(host.address) : HostKey(host.address, host.location);
}

void KeyTable::Place(const PlacedHost& host) {
  if (!host.location.known()) return;
  Locations& locations = hosts_[host.address];
  present_.insert(host);
  if (Contains(locations, host.location)) return;
  changed_.insert(host.address);
  const auto is_free = [&](HostLocation location) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !present_.contains({host.address, location});
  };
  if (!locations.empty() && is_free(locations.front())) {
    locations.front() = host.location;
    return;
  }
  locations.push_back(host.location);
  if (locations.size() <= kMostLocations) return;
  for (auto it = locations.begin() + 1; it != locations.end(); ++it) {
    if (!is_free(*it)) continue;
    locations.erase(it);
    return;
  }
}

void KeyTable::KeepChanges() {
  if (keep_ == nullptr) return;
  absl::MutexLock keeping(&keep_mu_);
  const std::vector<Row> rows = TakeChanges();
  if (rows.empty() || keep_(rows).ok()) return;
  absl::MutexLock lock(&mu_);
  for (const Row& row : rows) {
    const std::optional<HostKey> host = ParseHostKey(absl::StripPrefix(row.first, kHostPrefix));
    if (host) changed_.insert(host->address);
  }
}

std::vector<KeyTable::Row> KeyTable::TakeChanges() {
  absl::MutexLock lock(&mu_);
  std::vector<Row> rows;
  for (const SasAddress address : changed_) {
    rows.emplace_back(RowKey(address),
                      absl::StrJoin(hosts_[address], " ", [](std::string* out, HostLocation at) {
                        absl::StrAppend(out, at.ToText());
                      }));
  }
  changed_.clear();
  return rows;
}

}  // namespace sasd
