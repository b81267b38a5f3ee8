#include "driver/observation/key_table.h"

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace sasd {
namespace {

constexpr absl::string_view kHostPrefix = "host ", kNodePrefix = "node ";
constexpr absl::string_view kNoPath = "-";
constexpr size_t kMostNumbers = 256;  // NodeKey::port is a byte

bool Contains(const std::vector<HostLocation>& locations, HostLocation location) {
  return std::find(locations.begin(), locations.end(), location) != locations.end();
}

bool IsPath(absl::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == absl::string_view::npos;
}

}  // namespace

bool KeyTable::Load(absl::string_view key, absl::string_view value) {
  if (absl::ConsumePrefix(&key, kHostPrefix)) return LoadHost(key, value);
  return absl::ConsumePrefix(&key, kNodePrefix) && LoadPaths(key, value);
}

bool KeyTable::LoadHost(absl::string_view key, absl::string_view value) {
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

bool KeyTable::LoadPaths(absl::string_view node, absl::string_view value) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(node, absl::MaxSplits(' ', 1));
  const std::optional<HostKey> host = ParseHostKey(parts.first);
  const std::optional<HostKey> address = ParseHostKey(parts.second);
  if (!host || !address || address->location.known()) return false;
  Paths paths;
  for (const absl::string_view text : absl::StrSplit(value, ' ')) {
    if (text != kNoPath && !IsPath(text)) return false;
    paths.emplace_back(text == kNoPath ? "" : text);
  }
  if (paths.size() > kMostNumbers) return false;
  absl::MutexLock lock(&mu_);
  nodes_[*host][address->address].paths = std::move(paths);
  return true;
}

void KeyTable::LoadNode(const HostKey& host, const PlacedNode& node, uint8_t number) {
  absl::MutexLock lock(&mu_);
  Numbered& numbered = nodes_[host][node.address];
  Paths& paths = numbered.paths;
  if (paths.size() <= number) paths.resize(size_t{number} + 1);
  if (!paths[number].empty() || node.path.empty()) return;
  paths[number] = node.path;
  numbered.loaded = true;
}

void KeyTable::LoadPlain(const PlacedHost& host) {
  if (!host.location.known()) return;
  absl::MutexLock lock(&mu_);
  if (hosts_.try_emplace(host.address, Locations{host.location}).second) {
    changed_.hosts.insert(host.address);
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

void KeyTable::SetOccupied(HostLocation location, bool occupied) {
  if (!location.known()) return;
  absl::MutexLock lock(&mu_);
  if (occupied) {
    occupied_.insert(location);
  } else {
    occupied_.erase(location);
  }
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
  changed_.hosts.insert(host.address);
  const auto is_free = [&](HostLocation location) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !present_.contains({host.address, location}) && !occupied_.contains(location);
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

bool KeyTable::Number(absl::Span<const PlacedNode> nodes, const std::vector<size_t>& indices,
                      Paths& paths, std::vector<uint8_t>& numbers) {
  std::vector<bool> taken(paths.size());
  std::vector<size_t> new_ones;
  for (const size_t i : indices) {
    size_t number = 0;
    while (number < paths.size() && (taken[number] || paths[number] != nodes[i].path)) ++number;
    if (nodes[i].path.empty() || number == paths.size()) {
      new_ones.push_back(i);
    } else {
      taken[number] = true;
      numbers[i] = static_cast<uint8_t>(number);
    }
  }
  bool changed = false;
  for (const size_t i : new_ones) {
    size_t number = 0;
    while (number < paths.size() && taken[number]) ++number;
    if (number == paths.size()) {
      if (number < kMostNumbers) {
        paths.emplace_back();
        taken.push_back(false);
        changed = true;
      } else {
        number = kMostNumbers - 1;
      }
    }
    taken[number] = true;
    changed |= paths[number] != nodes[i].path;
    paths[number] = nodes[i].path;
    numbers[i] = static_cast<uint8_t>(number);
  }
  return changed;
}

std::vector<uint8_t> KeyTable::NumbersOf(const HostKey& host, absl::Span<const PlacedNode> nodes) {
  absl::flat_hash_map<SasAddress, std::vector<size_t>> by_address;
  for (size_t i = 0; i < nodes.size(); ++i) by_address[nodes[i].address].push_back(i);
  std::vector<uint8_t> numbers(nodes.size());
  bool changed;
  {
    absl::MutexLock lock(&mu_);
    NodesOfHost& known = nodes_[host];
    // The only node of its address has number 0 wherever it comes back.
    absl::erase_if(known, [&](const auto& entry) {
      return entry.second.paths.size() <= 1 && !by_address.contains(entry.first);
    });
    for (const auto& [address, indices] : by_address) {
      Numbered& numbered = known[address];
      const bool is_other = Number(nodes, indices, numbered.paths, numbers);
      if ((std::exchange(numbered.loaded, false) || is_other) && numbered.paths.size() > 1) {
        changed_.nodes.insert({host, address});
      }
    }
    changed = !changed_.empty();
  }
  if (changed) KeepChanges();
  return numbers;
}

std::vector<std::string> KeyTable::PathsOf(const HostKey& host, SasAddress address) {
  absl::MutexLock lock(&mu_);
  const auto of_host = nodes_.find(host);
  if (of_host == nodes_.end()) return {};
  const auto found = of_host->second.find(address);
  return found == of_host->second.end() ? Paths() : found->second.paths;
}

void KeyTable::KeepChanges() {
  if (keep_ == nullptr) return;
  absl::MutexLock keeping(&keep_mu_);
  Changes changes;
  std::vector<Row> rows;
  {
    absl::MutexLock lock(&mu_);
    changes = std::exchange(changed_, Changes());
    rows = RowsOf(changes);
  }
  if (rows.empty() || keep_(rows).ok()) return;
  absl::MutexLock lock(&mu_);
  changed_.hosts.insert(changes.hosts.begin(), changes.hosts.end());
  changed_.nodes.insert(changes.nodes.begin(), changes.nodes.end());
}

std::vector<KeyTable::Row> KeyTable::RowsOf(const Changes& changes) {
  std::vector<Row> rows;
  for (const SasAddress address : changes.hosts) {
    rows.emplace_back(absl::StrCat(kHostPrefix, ToHex(address)),
                      absl::StrJoin(hosts_[address], " ", [](std::string* out, HostLocation at) {
                        absl::StrAppend(out, at.ToText());
                      }));
  }
  for (const auto& [host, address] : changes.nodes) {
    rows.emplace_back(absl::StrCat(kNodePrefix, ToText(host), " ", ToHex(address)),
                      absl::StrJoin(nodes_[host][address].paths, " ",
                                    [](std::string* out, const std::string& path) {
                                      absl::StrAppend(out, path.empty() ? kNoPath : path);
                                    }));
  }
  return rows;
}

}  // namespace sasd
