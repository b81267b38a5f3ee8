#ifndef DAEMON_SERVICE_BEHIND_H_
#define DAEMON_SERVICE_BEHIND_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/registry/resources.h"
#include "daemon/registry/topology.h"
#include "google/protobuf/repeated_field.h"
#include "grpcpp/support/status.h"

namespace sasd::service {

// What some objects are, hold and lead to at one revision (Filter.behind). Immutable, hence
// thread-safe.
class Behind {
 public:
  // Of these objects, all of `topology`. O(expanders and end devices of their hosts).
  Behind(const std::vector<registry::ResourceRef>& objects, const registry::Topology& topology);

  bool Has(const registry::Host& host) const;
  // Phys and ports by the node that they are part of.
  bool Has(const registry::Phy& phy) const;
  bool Has(const registry::Port& port) const;
  bool Has(const registry::Expander& expander) const;
  bool Has(const registry::EndDevice& device) const;
  // By any of its paths.
  bool Has(const registry::LogicalUnit& unit) const;
  // By a host, an expander or a device of its services.
  bool Has(const registry::Enclosure& enclosure) const;
  // By what it holds, or by name; all slots of an enclosure or host that is named.
  bool Has(const registry::Slot& slot) const;

 private:
  // What an object leads to, before what hangs below it.
  void Add(const registry::Host& host, const registry::Topology& topology);
  void Add(const registry::Phy& phy, const registry::Topology& topology);
  void Add(const registry::Port& port, const registry::Topology& topology);
  void Add(const registry::Expander& expander, const registry::Topology& topology);
  void Add(const registry::EndDevice& device, const registry::Topology& topology);
  void Add(const registry::LogicalUnit& unit, const registry::Topology& topology);
  void Add(const registry::Enclosure& enclosure, const registry::Topology& topology);
  void Add(const registry::Slot& slot, const registry::Topology& topology);
  // Adds the expanders and end devices below those that are there. Sorts everything.
  void AddBelow(const registry::Topology& topology);
  bool IsOfNode(const NodeKey& node) const;

  // All ascending once made.
  std::vector<HostKey> hosts_;
  std::vector<NodeKey> expanders_, devices_;
  std::vector<EnclosureKey> whole_enclosures_;  // that are named
  std::vector<SlotKey> slots_;
};

// The objects of a request's repeated field `field`. Error: BadField for a name that is malformed
// or not there.
grpc::Status ReadBehind(const google::protobuf::RepeatedPtrField<std::string>& names,
                        absl::string_view field, const registry::Topology& topology,
                        std::shared_ptr<const Behind>* behind);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_BEHIND_H_
