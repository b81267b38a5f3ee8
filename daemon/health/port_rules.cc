#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "daemon/health/rules.h"

namespace sasd::health {
namespace {

using registry::AttachedNode;
using registry::Expander;
using registry::Phy;
using registry::Port;
using registry::Topology;

// A link between two nodes has a port at each end. Only one of them is examined.
bool LeadsDown(const Topology& topology, const Port& port) {
  if (port.attached.kind == AttachedNode::Kind::kHost) return false;
  if (port.attached.kind != AttachedNode::Kind::kExpander) return true;
  const Expander* child = topology.collection<Expander>().Find(port.attached_key());
  return child != nullptr && child->facts.parent == port.id.owner;
}

// The best rate that both ends of every phy of the port support; kUnknown where an end does not
// report it.
LinkRate Supported(const Topology& topology, const Port& port) {
  LinkRate best = LinkRate::k22_5Gbps;
  for (PhyId id : port.phys) {
    const Phy* phy = topology.collection<Phy>().Find({port.id.owner, id});
    if (phy == nullptr || !phy->facts.attached_phy.has_value()) return LinkRate::kUnknown;
    const Phy* peer =
        topology.collection<Phy>().Find({port.attached_key(), *phy->facts.attached_phy});
    if (peer == nullptr) return LinkRate::kUnknown;
    for (const Phy* end : {phy, peer}) best = std::min(best, end->facts.hardware_max);
  }
  return port.phys.empty() || !IsLinkUp(best) ? LinkRate::kUnknown : best;
}

// The best that it has had, as far as anybody remembers.
BaselineView::PortBest BestOf(const BaselineView& baseline, const Port& port) {
  BaselineView::PortBest best = {port.widest, port.fastest};
  const auto it = baseline.best.find(port.id);
  if (it == baseline.best.end()) return best;
  return {std::max(best.widest, it->second.widest), std::max(best.fastest, it->second.fastest)};
}

void Examine(const Examined& examined, const Port& port, std::vector<Finding>& findings) {
  if (!LeadsDown(examined.topology, port)) return;  // the port at the other end is examined
  const BaselineView::PortBest best = BestOf(examined.baseline, port);
  const std::string name = Describe(registry::MakeId<Port>(port.id));
  if (port.width < best.widest) {
    AddFinding(Severity::kWarning, FindingReason::kNarrowPort, port, {port.id.owner.host},
               absl::StrCat(name, " has ", port.width, " of ", best.widest, " phys"), findings);
  }
  if (!IsLinkUp(port.link_rate)) return;
  const LinkRate supported = Supported(examined.topology, port);
  if (port.link_rate < supported) {
    AddFinding(Severity::kWarning, FindingReason::kSlowLink, port, {port.id.owner.host},
               absl::StrCat(name, " runs at ", ToString(port.link_rate), ", both ends support ",
                            ToString(supported)),
               findings);
  } else if (port.link_rate < best.fastest) {
    AddFinding(Severity::kWarning, FindingReason::kSlowLink, port, {port.id.owner.host},
               absl::StrCat(name, " runs at ", ToString(port.link_rate), ", it ran at ",
                            ToString(best.fastest)),
               findings);
  }
}

}  // namespace

void ExaminePorts(const Examined& examined, std::vector<Finding>& findings) {
  for (const std::shared_ptr<const Port>& port : examined.topology.collection<Port>()) {
    Examine(examined, *port, findings);
  }
}

}  // namespace sasd::health
