#ifndef DAEMON_SERVICE_BEHIND_STATES_H_
#define DAEMON_SERVICE_BEHIND_STATES_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "daemon/registry/resources.h"
#include "daemon/registry/topology.h"
#include "daemon/service/cancelled.h"
#include "google/protobuf/message.h"
#include "google/protobuf/repeated_field.h"
#include "grpcpp/support/status.h"
#include "sas/v1/resources.pb.h"

namespace sasd::service {

// What some objects are, hold and lead to (Filter.behind), for the states of events. An expander or
// an end device counts by what it hangs at in its own state; what has it as its path, by that. It
// learns from the states that it is asked about, so they come in the order of the events.
//
// Thread-safe.
class BehindStates {
 public:
  // Of objects that are there, are gone, or may come. `removed`: the last known states of what is
  // gone, in any order; null for a client that begins now: what goes before it has begun, and is
  // reached over an end device that nobody knows any more, passes if it may have been behind, by
  // its host. O(expanders and end devices of the node). Error: BadField for a name that is
  // malformed, and for a phy, a port or a drive that is not there; CancelledStatus().
  static grpc::Status Make(const google::protobuf::RepeatedPtrField<std::string>& names,
                           absl::string_view field, const registry::Topology& topology,
                           const std::vector<sas::v1::Resource>* removed,
                           std::shared_ptr<BehindStates>* behind,
                           Cancelled cancelled = NeverCancelled);

  bool Passes(const registry::ResourceRef& resource) ABSL_LOCKS_EXCLUDED(mu_);
  // `state`: of the kind.
  bool Passes(registry::ResourceKind kind, const google::protobuf::Message& state)
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Names = absl::flat_hash_set<std::string>;

  grpc::Status AddRoot(const std::string& name, const std::string& path,
                       const registry::Topology& topology,
                       const std::vector<sas::v1::Resource>& removed);
  bool HasPath(const std::string& end_device) const;
  void AddLink(const registry::Port& port, const registry::Topology& topology);
  // False: cancelled.
  bool Learn(const registry::Topology& topology, const std::vector<sas::v1::Resource>& removed,
             Cancelled cancelled);
  bool Has(const sas::v1::Phy& phy) const { return IsOfNode(phy.owner()); }
  bool Has(const sas::v1::Port& port) const { return IsOfNode(port.owner()); }
  bool Has(const sas::v1::LogicalUnit& unit) const;
  bool Has(const sas::v1::Enclosure& enclosure) const;
  bool Has(const sas::v1::Slot& slot) const;
  // These learn.
  bool HasExpander(const std::string& name, const std::string& host, const std::string& parent,
                   const std::string& enclosure);
  bool HasDevice(const std::string& name, const std::string& host, const std::string& parent,
                 const std::string& enclosure);
  bool IsOfNode(const std::string& owner) const;

  // Resource names. Until Make() returns, of one thread.
  absl::Mutex mu_;
  Names hosts_, named_expanders_, named_devices_;
  Names expanders_, devices_;  // that hang there, or did when they went
  Names whole_;                // enclosures that are named
  Names slots_;                // that are named
  // Where the removed ones are not known: the hosts of the objects, and hashes of the names of end
  // devices that hang elsewhere.
  Names may_be_;
  absl::flat_hash_set<size_t> elsewhere_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_BEHIND_STATES_H_
