#ifndef DAEMON_REGISTRY_ENCLOSURE_COPIES_H_
#define DAEMON_REGISTRY_ENCLOSURE_COPIES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/strings/string_view.h"
#include "driver/observation/keys.h"

namespace sasd::registry {

// Which nodes lead to which of several enclosures with one logical identifier (EnclosureKey::copy).
// A node is a host or an expander; it stands for what hangs directly at it and, of an expander, for
// the expanders beneath it in the same enclosure. Nodes that are not named lead to copy 0. It
// remembers: a restart renames nothing. A value; not thread-safe.
class EnclosureCopies {
 public:
  using Row = std::pair<std::string, std::string>;  // key, value

  // Whether there are several enclosures with this identifier.
  bool IsShared(uint64_t logical_id) const { return nodes_.contains(logical_id); }
  std::vector<uint64_t> SharedIds() const;
  // The copy that the node is named for.
  std::optional<uint8_t> At(uint64_t logical_id, const NodeKey& node) const;
  // 0 and all that a node is named for, ascending.
  std::vector<EnclosureKey> CopiesOf(uint64_t logical_id) const;
  // A copy that no node is named for; nullopt: there are 255.
  std::optional<uint8_t> Free(uint64_t logical_id) const;

  void Set(uint64_t logical_id, const NodeKey& node, uint8_t copy);

  // Takes a row that was kept earlier. False, and without effect, if it makes no sense.
  bool Load(absl::string_view key, absl::string_view value);
  // The rows to be kept since the last call, each instead of an earlier one with its key.
  std::vector<Row> TakeChanges();
  // Whether a row is one of these, by its key.
  static bool IsRow(absl::string_view key);

 private:
  using Nodes = absl::btree_map<NodeKey, uint8_t>;
  absl::btree_map<uint64_t, Nodes> nodes_;  // by logical identifier; never empty
  absl::btree_set<uint64_t> changed_;
};

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_ENCLOSURE_COPIES_H_
