#ifndef DAEMON_SERVICE_FIND_H_
#define DAEMON_SERVICE_FIND_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "daemon/registry/topology.h"
#include "daemon/service/cancelled.h"
#include "daemon/service/spelling_index.h"

namespace sasd::service {

struct FoundResources {
  std::vector<registry::ResourceRef> resources;
  // Where nothing was found: up to five spellings that are there and close.
  std::vector<std::string> suggestions;
};

// Finds what people call by `query`: a resource name; a SAS address or logical identifier, WWN
// ("naa.", "wwn-0x", "0x" or bare), serial; sdX (also /dev/sdX) or sgN; H:C:T:L; an OS name
// (expander-11:0); the alias of a host or an enclosure; an enclosure's model; enclosure/slot, the
// enclosure by its identifier or the end of it, its model or its alias. Only of `kinds`, unless
// that is empty. A logical unit stands for the end devices that lead to it, unless these are asked
// for. O(n); pure. See ResourceFinder for an index.
FoundResources FindResources(const registry::Topology& topology, absl::string_view query,
                             absl::Span<const registry::ResourceKind> kinds,
                             Cancelled cancelled = NeverCancelled);

// FoundResources::resources. `index`: of the topology; null: looks through all resources.
std::vector<registry::ResourceRef> FindExact(const registry::Topology& topology,
                                             absl::string_view query,
                                             absl::Span<const registry::ResourceKind> kinds,
                                             const SpellingIndex* index,
                                             Cancelled cancelled = NeverCancelled);
// FoundResources::suggestions. O(n).
std::vector<std::string> Suggest(const registry::Topology& topology, absl::string_view query,
                                 absl::Span<const registry::ResourceKind> kinds,
                                 Cancelled cancelled = NeverCancelled);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_FIND_H_
