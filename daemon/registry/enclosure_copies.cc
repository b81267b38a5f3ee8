#include "daemon/registry/enclosure_copies.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace sasd::registry {
namespace {

constexpr absl::string_view kPrefix = "enclosure ";

// "500605b00ab01234/500304800175f0bf.0"
std::string TextOf(const NodeKey& node) {
  return absl::StrCat(ToText(node.host), "/", ToHex(node.address), ".", node.port.value());
}

std::optional<NodeKey> ParseNode(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('/', 1));
  const std::pair<absl::string_view, absl::string_view> node =
      absl::StrSplit(parts.second, absl::MaxSplits('.', 1));
  const std::optional<HostKey> host = ParseHostKey(parts.first);
  const absl::StatusOr<SasAddress> address = ParseSasAddress(node.first);
  uint32_t port = 0;
  if (!host || !address.ok() || !absl::SimpleAtoi(node.second, &port) || port > UINT8_MAX) {
    return std::nullopt;
  }
  const NodeKey key{*host, *address, PhysicalPort(static_cast<uint8_t>(port))};
  if (TextOf(key) != text) return std::nullopt;
  return key;
}

}  // namespace

bool EnclosureCopies::IsRow(absl::string_view key) { return absl::StartsWith(key, kPrefix); }

std::vector<uint64_t> EnclosureCopies::SharedIds() const {
  std::vector<uint64_t> ids;
  for (const auto& [id, nodes] : nodes_) ids.push_back(id);
  return ids;
}

std::optional<uint8_t> EnclosureCopies::At(uint64_t logical_id, const NodeKey& node) const {
  const auto nodes = nodes_.find(logical_id);
  if (nodes == nodes_.end()) return std::nullopt;
  const auto it = nodes->second.find(node);
  return it == nodes->second.end() ? std::nullopt : std::make_optional(it->second);
}

std::vector<EnclosureKey> EnclosureCopies::CopiesOf(uint64_t logical_id) const {
  absl::btree_set<uint8_t> copies = {0};
  const auto nodes = nodes_.find(logical_id);
  if (nodes != nodes_.end()) {
    for (const auto& [node, copy] : nodes->second) copies.insert(copy);
  }
  std::vector<EnclosureKey> keys;
  for (const uint8_t copy : copies) keys.emplace_back(logical_id, copy);
  return keys;
}

std::optional<uint8_t> EnclosureCopies::Free(uint64_t logical_id) const {
  const uint8_t last = CopiesOf(logical_id).back().copy();
  return last == UINT8_MAX ? std::nullopt : std::make_optional<uint8_t>(last + 1);
}

void EnclosureCopies::Set(uint64_t logical_id, const NodeKey& node, uint8_t copy) {
  nodes_[logical_id][node] = copy;
  changed_.insert(logical_id);
}

// A value is a list such as "2=500605b00ab01234/500304800175f0bf.0": people count from 1.
bool EnclosureCopies::Load(absl::string_view key, absl::string_view value) {
  if (!absl::ConsumePrefix(&key, kPrefix)) return false;
  const absl::StatusOr<SasAddress> id = ParseSasAddress(key);
  if (!id.ok() || *id == SasAddress(0) || ToHex(*id) != key) return false;
  Nodes nodes;
  for (const absl::string_view item : absl::StrSplit(value, ' ')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(item, absl::MaxSplits('=', 1));
    uint32_t number = 0;
    const std::optional<NodeKey> node = ParseNode(parts.second);
    if (!node || !absl::SimpleAtoi(parts.first, &number) || number < 1 || number > 256)
      return false;
    if (!nodes.emplace(*node, static_cast<uint8_t>(number - 1)).second) return false;
  }
  nodes_[id->value()] = std::move(nodes);
  return true;
}

std::vector<EnclosureCopies::Row> EnclosureCopies::TakeChanges() {
  std::vector<Row> rows;
  for (const uint64_t id : changed_) {
    std::string value;
    for (const auto& [node, copy] : nodes_[id]) {
      absl::StrAppend(&value, value.empty() ? "" : " ", copy + 1, "=", TextOf(node));
    }
    rows.emplace_back(absl::StrCat(kPrefix, ToHex(SasAddress(id))), std::move(value));
  }
  changed_.clear();
  return rows;
}

}  // namespace sasd::registry
