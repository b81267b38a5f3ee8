#ifndef DAEMON_SERVICE_SPELLING_INDEX_H_
#define DAEMON_SERVICE_SPELLING_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <tuple>
#include <vector>

#include "absl/container/btree_set.h"
#include "absl/types/span.h"
#include "daemon/registry/topology.h"
#include "daemon/service/spellings.h"

namespace sasd::service {

// Which resources of a topology have a spelling (spellings.h). About 16 bytes per spelling. One
// caller at a time.
//
// It holds the topology, with the resources that were replaced since.
class SpellingIndex {
 public:
  // Goes on to another topology: O(k log n) for k resources that differ. The first one: O(n log n).
  void MoveTo(std::shared_ptr<const registry::Topology> topology);

  // The resources of the topology that match, in the order of Topology::VisitAll(). Only of
  // `kinds`, unless that is empty.
  std::vector<registry::ResourceRef> Find(const SpellingMatcher& matcher,
                                          absl::Span<const registry::ResourceKind> kinds) const;

  // Null before the first MoveTo().
  const registry::Topology* topology() const { return topology_.get(); }
  // Spellings, of all resources together.
  size_t size() const;

 private:
  template <typename T>
  struct OfKind {
    // The hash of a spelling in the upper half, the number of the object in the lower one.
    absl::btree_set<uint64_t> entries;
    std::vector<const T*> objects;  // by number; null: free
    std::vector<uint32_t> free;
  };

  template <typename T>
  void Move(const registry::CowMap<T>& before, const registry::CowMap<T>& after);
  template <typename T>
  void Build(const registry::CowMap<T>& all);
  template <typename T>
  void FindOfKind(const SpellingMatcher& matcher, absl::Span<const registry::ResourceKind> kinds,
                  std::vector<registry::ResourceRef>& found) const;

  std::shared_ptr<const registry::Topology> topology_;
  std::tuple<OfKind<registry::Host>, OfKind<registry::Phy>, OfKind<registry::Port>,
             OfKind<registry::Expander>, OfKind<registry::EndDevice>, OfKind<registry::LogicalUnit>,
             OfKind<registry::Enclosure>, OfKind<registry::Slot>>
      kinds_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_SPELLING_INDEX_H_
