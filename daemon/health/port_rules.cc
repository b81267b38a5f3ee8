#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/health/rules.h"

namespace sasd::health {
namespace {

using registry::AttachedNode;
using registry::EndDevice;
using registry::Expander;
using registry::Host;
using registry::Phy;
using registry::Port;
using registry::ResourceId;
using registry::Topology;

// SATA ends at 6 Gbps, whatever the phy of the expander supports.
constexpr LinkRate kFastestSata = LinkRate::k6Gbps;

// A link between two nodes has a port at each end. Only one of them is examined.
bool LeadsDown(const Topology& topology, const Port& port) {
  if (port.attached.kind == AttachedNode::Kind::kHost) return false;
  if (port.attached.kind != AttachedNode::Kind::kExpander) return true;
  const Expander* child = topology.collection<Expander>().Find(port.attached_key());
  return child != nullptr && child->facts.parent == port.id.owner;
}

// The best that it has had, as far as anybody remembers.
BaselineView::PortBest BestOf(const BaselineView& baseline, const Port& port) {
  BaselineView::PortBest best = {port.widest, port.fastest};
  const auto it = baseline.best.find(port.id);
  if (it == baseline.best.end()) return best;
  return {std::max(best.widest, it->second.widest), std::max(best.fastest, it->second.fastest)};
}

class PortRules {
 public:
  PortRules(const Examined& examined, std::vector<Finding>& findings)
      : examined_(examined), topology_(examined.topology), findings_(findings) {}

  void Examine() {
    for (const std::shared_ptr<const Port>& port : topology_.collection<Port>()) {
      if (!LeadsDown(topology_, *port)) continue;  // the port at the other end is examined
      ExamineWidth(*port);
      if (IsLinkUp(port->link_rate)) ExamineRate(*port);
    }
    ReportLimits();
    ReportSlowDrives();
  }

 private:
  // Drives of one model at one owner.
  using Model = std::tuple<NodeKey, std::string, std::string>;
  // An owner that keeps links to end devices at a rate.
  using Limit = std::pair<NodeKey, LinkRate>;

  static std::string NameOf(const Port& port) { return Describe(registry::MakeId<Port>(port.id)); }

  void AddSlow(const Port& port, const std::string& why) {
    AddFinding(Severity::kWarning, FindingReason::kSlowLink, port, {port.id.owner.host},
               absl::StrCat(NameOf(port), " runs at ", ToString(port.link_rate), ", ", why),
               findings_);
  }

  void ExamineWidth(const Port& port) {
    const BaselineView::PortBest best = BestOf(examined_.baseline, port);
    if (port.width >= best.widest) return;
    AddFinding(Severity::kWarning, FindingReason::kNarrowPort, port, {port.id.owner.host},
               absl::StrCat(NameOf(port), " has ", port.width, " of ", best.widest, " phys"),
               findings_);
  }

  const EndDevice* DeviceAt(const Port& port) const {
    if (port.attached.kind != AttachedNode::Kind::kEndDevice) return nullptr;
    return topology_.collection<EndDevice>().Find(port.attached_key());
  }

  static bool IsSata(const EndDevice* device) {
    return device != nullptr && (device->facts.protocols.target & Protocols::kSata) != 0;
  }

  // One finding per port: the first reason that holds.
  void ExamineRate(const Port& port) {
    const LinkRate supported = Supported(port), limit = LimitOf(port);
    const LinkRate fastest = BestOf(examined_.baseline, port).fastest;
    const EndDevice* const device = DeviceAt(port);
    const std::string what = IsSata(device) ? " (a SATA drive)" : "";
    if (port.link_rate < supported) {
      AddSlow(port,
              absl::StrCat("both ends support ", ToString(supported),
                           IsLinkUp(limit) ? "; its phys are limited by their settings" : ""));
    } else if (port.link_rate < fastest && !(IsSata(device) && port.link_rate >= kFastestSata)) {
      AddSlow(port, absl::StrCat("it ran at ", ToString(fastest), what));
    } else if (device != nullptr && IsLinkUp(limit)) {
      limited_[{port.id.owner, limit}].push_back(&port);
    } else if (device != nullptr && device->first_unit() != nullptr) {
      const registry::UnitRecord& unit = device->first_unit()->facts;
      if (!IsDrive(unit.peripheral_type) || unit.model.empty()) return;
      models_[{port.id.owner, unit.vendor.str(), unit.model.str()}].push_back(&port);
    }
  }

  // The best rate that both ends of every phy of the port support; kUnknown where an end does not
  // report it.
  LinkRate Supported(const Port& port) const {
    LinkRate best = LinkRate::k22_5Gbps;
    for (PhyId id : port.phys) {
      const Phy* phy = topology_.collection<Phy>().Find({port.id.owner, id});
      if (phy == nullptr || !phy->facts.attached_phy.has_value()) return LinkRate::kUnknown;
      const Phy* peer =
          topology_.collection<Phy>().Find({port.attached_key(), *phy->facts.attached_phy});
      if (peer == nullptr) return LinkRate::kUnknown;
      for (const Phy* end : {phy, peer}) best = std::min(best, end->facts.hardware_max);
    }
    return port.phys.empty() || !IsLinkUp(best) ? LinkRate::kUnknown : best;
  }

  // The programmed maximum that the port runs at, where it is less than its phys support and the
  // device could be faster; kUnknown otherwise.
  LinkRate LimitOf(const Port& port) const {
    LinkRate limit = LinkRate::kUnknown;
    for (PhyId id : port.phys) {
      const Phy* phy = topology_.collection<Phy>().Find({port.id.owner, id});
      if (phy == nullptr || !IsLinkUp(phy->facts.programmed_max)) return LinkRate::kUnknown;
      if (phy->facts.programmed_max >= phy->facts.hardware_max) continue;
      if (phy->facts.programmed_max == port.link_rate) limit = phy->facts.programmed_max;
    }
    const bool is_full_sata = IsSata(DeviceAt(port)) && limit >= kFastestSata;
    return is_full_sata ? LinkRate::kUnknown : limit;
  }

  // A limit of many phys is one setting of their owner.
  void ReportLimits() {
    for (const auto& [owner_and_limit, ports] : limited_) {
      const auto& [owner, limit] = owner_and_limit;
      if (ports.size() == 1) {
        AddSlow(*ports.front(), "the programmed maximum of its phy, which supports more");
        continue;
      }
      const std::string why =
          absl::StrCat(" keeps the links to ", ports.size(), " end devices at ", ToString(limit),
                       ", the programmed maximum of its phys, which support more");
      if (const Expander* expander = topology_.collection<Expander>().Find(owner)) {
        AddGroup(*expander, owner.host, why, ports);
      } else if (const Host* host = topology_.collection<Host>().Find(owner.host)) {
        AddGroup(*host, owner.host, why, ports);
      }
    }
  }

  template <typename T, typename HostId>
  void AddGroup(const T& owner, const HostId& host, const std::string& why,
                const std::vector<const Port*>& ports) {
    const ResourceId id = registry::MakeId<T>(owner.key());
    AddFinding(Severity::kWarning, FindingReason::kSlowLink, owner, {host},
               absl::StrCat(Describe(id), why), findings_);
    for (const Port* port : ports) {
      findings_.back().affected.push_back(registry::MakeId<Port>(port->id));
    }
  }

  // A drive is slow if most others of its model at the same expander or host run faster.
  void ReportSlowDrives() {
    for (const auto& [model, ports] : models_) {
      LinkRate fastest = LinkRate::kUnknown;
      for (const Port* port : ports) fastest = std::max(fastest, port->link_rate);
      const auto at_full = std::count_if(
          ports.begin(), ports.end(), [&](const Port* port) { return port->link_rate == fastest; });
      if (at_full < 2 || 2 * static_cast<size_t>(at_full) <= ports.size()) continue;
      for (const Port* port : ports) {
        if (port->link_rate == fastest) continue;
        AddSlow(*port, absl::StrCat(at_full, " other drives of its model (", std::get<2>(model),
                                    ") run at ", ToString(fastest)));
      }
    }
  }

  const Examined& examined_;
  const Topology& topology_;
  std::vector<Finding>& findings_;
  std::map<Limit, std::vector<const Port*>> limited_;
  std::map<Model, std::vector<const Port*>> models_;
};

}  // namespace

void ExaminePorts(const Examined& examined, std::vector<Finding>& findings) {
  PortRules(examined, findings).Examine();
}

}  // namespace sasd::health
