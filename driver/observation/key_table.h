#ifndef DRIVER_OBSERVATION_KEY_TABLE_H_
#define DRIVER_OBSERVATION_KEY_TABLE_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "driver/observation/key_assignments.h"

namespace sasd {

// KeyAssignments in memory, with a function that keeps them. Thread-safe.
class KeyTable : public KeyAssignments {
 public:
  using Row = std::pair<std::string, std::string>;  // key, value
  // Keeps rows, each instead of an earlier one with its key. May wait for a disk. One call at a
  // time, without a lock that KeyOf() of another thread would wait for. Rows that it could not keep
  // come again with the next change.
  using Keep = std::function<absl::Status(absl::Span<const Row>)>;

  // Without `keep` the table lives in memory alone.
  explicit KeyTable(Keep keep = nullptr) : keep_(std::move(keep)) {}

  // Takes a row that was kept earlier. False, and without effect, if it makes no sense.
  bool Load(absl::string_view key, absl::string_view value) ABSL_LOCKS_EXCLUDED(mu_);
  // The host had the plain key, at this location, before assignments were kept. Without effect if
  // the table knows its address, or if the location is not known.
  void LoadPlain(const PlacedHost& host) ABSL_LOCKS_EXCLUDED(mu_);
  // The node had this number before. Without effect if the table knows a path of that number. It is
  // kept once NumbersOf() finds a node with that address.
  void LoadNode(const HostKey& host, const PlacedNode& node, uint8_t number)
      ABSL_LOCKS_EXCLUDED(mu_);

  void SetHosts(absl::Span<const PlacedHost> present) override ABSL_LOCKS_EXCLUDED(mu_, keep_mu_);
  void SetOccupied(HostLocation location, bool occupied) override ABSL_LOCKS_EXCLUDED(mu_);
  HostKey KeyOf(const PlacedHost& host) override ABSL_LOCKS_EXCLUDED(mu_, keep_mu_);
  // Keeps numbers where two nodes have had one address at one time. The number of the only node of
  // an address is 0.
  std::vector<uint8_t> NumbersOf(const HostKey& host, absl::Span<const PlacedNode> nodes) override
      ABSL_LOCKS_EXCLUDED(mu_, keep_mu_);
  std::vector<std::string> PathsOf(const HostKey& host, SasAddress address) override
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // The locations of an address; that of the plain key is the first. Never empty.
  using Locations = std::vector<HostLocation>;
  // More are forgotten, from the one that came first, if no host is there: a card moved often.
  static constexpr size_t kMostLocations = 64;

  // Of an address behind a host, by number; empty: nobody has that number.
  using Paths = std::vector<std::string>;
  struct Numbered {
    Paths paths;
    bool loaded = false;  // of LoadNode(): not kept yet
  };
  using NodesOfHost = absl::flat_hash_map<SasAddress, Numbered>;
  struct Changes {
    absl::btree_set<SasAddress> hosts;
    absl::btree_set<std::pair<HostKey, SasAddress>> nodes;

    bool empty() const { return hosts.empty() && nodes.empty(); }
  };

  bool LoadHost(absl::string_view host, absl::string_view value) ABSL_LOCKS_EXCLUDED(mu_);
  bool LoadPaths(absl::string_view node, absl::string_view value) ABSL_LOCKS_EXCLUDED(mu_);
  void Place(const PlacedHost& host) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Numbers the nodes with these indices, which have one address. True if a path has changed.
  static bool Number(absl::Span<const PlacedNode> nodes, const std::vector<size_t>& indices,
                     Paths& paths, std::vector<uint8_t>& numbers);
  // Keeps what has changed.
  void KeepChanges() ABSL_LOCKS_EXCLUDED(mu_, keep_mu_);
  std::vector<Row> RowsOf(const Changes& changes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Keep keep_;

  absl::Mutex keep_mu_;  // held while rows are kept; before mu_
  absl::Mutex mu_;       // a leaf
  absl::btree_map<SasAddress, Locations> hosts_ ABSL_GUARDED_BY(mu_);
  absl::btree_set<PlacedHost> present_ ABSL_GUARDED_BY(mu_);
  absl::btree_set<HostLocation> occupied_ ABSL_GUARDED_BY(mu_);
  absl::btree_map<HostKey, NodesOfHost> nodes_ ABSL_GUARDED_BY(mu_);
  Changes changed_ ABSL_GUARDED_BY(mu_);  // not kept yet
};

}  // namespace sasd

#endif  // DRIVER_OBSERVATION_KEY_TABLE_H_
