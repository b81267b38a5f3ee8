#include "emulator/fabric/fabric_validate.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"

namespace sasd::emulator {
namespace {

// All HBAs number directly attached SATA drives from this address.
bool IsBoardMade(SasAddress address) { return address.value() >> 32 == 0x44332211; }

class Validator {
 public:
  Validator(const FabricSpec& fabric, const FabricLocations& locations, size_t max_problems)
      : fabric_(fabric), locations_(locations), max_problems_(max_problems) {}

  absl::Status Run() {
    if (fabric_.hosts.empty()) Problem("", "the fabric has no host; add one: host { id: ... }");
    CheckHosts();
    CheckExpanders();
    CheckEnclosures();
    CheckDevices();
    if (problems_.empty()) CheckCabling();
    if (problems_.empty()) CheckLoops();
    if (problems_.empty()) return absl::OkStatus();
    if (dropped_ > 0) problems_.push_back(absl::StrCat("... and ", dropped_, " more"));
    return absl::InvalidArgumentError(absl::StrJoin(problems_, "\n"));
  }

 private:
  void Problem(const std::string& where, const std::string& what) {
    if (problems_.size() >= max_problems_) {
      ++dropped_;
      return;
    }
    problems_.push_back(where.empty() ? what : absl::StrCat(where, ": ", what));
  }

  void Problem(ElementKind kind, uint32_t index, const std::string& what) {
    const std::string where = locations_.element ? locations_.element(kind, index) : "";
    Problem(where, absl::StrCat(ToString(kind), " \"", Id(kind, index), "\": ", what));
  }

  const std::string& Id(ElementKind kind, uint32_t i) const {
    switch (kind) {
      case ElementKind::kHost:
        return fabric_.hosts[i].id;
      case ElementKind::kExpander:
        return fabric_.expanders[i].id;
      case ElementKind::kEnclosure:
        return fabric_.enclosures[i].id;
      case ElementKind::kDevice:
        break;
    }
    return fabric_.devices[i].id;
  }

  std::string Name(NodeRef node) const {
    const ElementKind kind = node.is_host ? ElementKind::kHost : ElementKind::kExpander;
    return absl::StrCat(ToString(kind), " \"", Id(kind, node.index), "\"");
  }

  int PhyCount(NodeRef node) const {
    return node.is_host ? fabric_.hosts[node.index].phy_count
                        : fabric_.expanders[node.index].phy_count;
  }

  void CheckId(ElementKind kind, uint32_t index) {
    const std::string& id = Id(kind, index);
    const bool sound = !id.empty() && std::all_of(id.begin(), id.end(), [](unsigned char c) {
      return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-';
    });
    if (!sound) {
      Problem(kind, index, "an id consists of letters, digits, '.', '_' and '-'");
      return;
    }
    const auto [it, added] = ids_.try_emplace(id, kind, index);
    if (!added) {
      Problem(kind, index,
              absl::StrCat("the id is in use already, by the ", ToString(it->second.first),
                           Place(it->second), "; ids are unique over all kinds: change one"));
    }
  }

  void CheckAddress(ElementKind kind, uint32_t index, SasAddress address) {
    if (address.value() == 0) {
      Problem(kind, index, "it has no address; give one of 16 hexadecimal digits, not 0");
      return;
    }
    if (IsBoardMade(address)) return;
    const auto [it, added] = addresses_.try_emplace(address, kind, index);
    // Both ports of a device may have one address (multipath).
    if (added || it->second == std::make_pair(kind, index)) return;
    if (fabric_.shared_identifiers && it->second.first == kind) return;
    Problem(kind, index,
            absl::StrCat("the address ", ToHex(address), " is in use already, by ",
                         ToString(it->second.first), " \"", Id(it->second.first, it->second.second),
                         "\"", Place(it->second), "; give it another one"));
  }

  std::string Place(std::pair<ElementKind, uint32_t> element) const {
    const std::string where =
        locations_.element ? locations_.element(element.first, element.second) : "";
    return where.empty() ? "" : absl::StrCat(" at ", where);
  }

  void CheckText(ElementKind kind, uint32_t index, const char* field, const std::string& text,
                 size_t limit) {
    if (text.size() <= limit) return;
    Problem(kind, index,
            absl::StrFormat("%s \"%s\" has %d characters; at most %d fit", field, text, text.size(),
                            limit));
  }

  // The first phy of an element whose rates are out of order.
  void CheckRates(ElementKind kind, uint32_t index, const std::vector<PhyRates>& rates,
                  size_t phy_count) {
    if (!rates.empty() && rates.size() != phy_count) {
      Problem(kind, index,
              absl::StrCat("phy_rates: of ", rates.size(), " phys; it has ", phy_count));
      return;
    }
    for (size_t phy = 0; phy < rates.size(); ++phy) {
      const PhyRates& of = rates[phy];
      if (IsLinkUp(of.hardware_min) && of.hardware_min <= of.programmed_min &&
          of.programmed_min <= std::min(of.programmed_max, of.hardware_max)) {
        continue;
      }
      Problem(kind, index,
              absl::StrCat("phy_rates: phy ", phy, " has ", Gbps(of.hardware_min), " to ",
                           Gbps(of.hardware_max), " Gbps and a setting of ",
                           Gbps(of.programmed_min), " to ", Gbps(of.programmed_max),
                           " Gbps, which leaves no rate; a minimum is at most its maximum, and a "
                           "programmed rate is one of the hardware's"));
      return;
    }
  }

  void CheckHosts() {
    for (uint32_t i = 0; i < fabric_.hosts.size(); ++i) {
      const HostSpec& host = fabric_.hosts[i];
      CheckId(ElementKind::kHost, i);
      CheckAddress(ElementKind::kHost, i, host.address);
      CheckText(ElementKind::kHost, i, "board", host.board_name, 16);
      CheckText(ElementKind::kHost, i, "chip", host.chip_name, 16);
      CheckText(ElementKind::kHost, i, "assembly", host.board_assembly, 16);
      if (host.phy_count < 1 || host.phy_count > 32) {
        Problem(ElementKind::kHost, i,
                absl::StrCat("phys: ", host.phy_count, " is out of range; 1 to 32"));
      }
      if (host.max_dev_handle <= host.phy_count) {
        Problem(ElementKind::kHost, i,
                absl::StrCat("max_handle: ", host.max_dev_handle,
                             " leaves no handle for a device; make it greater than phys (",
                             host.phy_count, ")"));
      }
      CheckRates(ElementKind::kHost, i, host.phy_rates, host.phy_count);
      if (host.request_credit < 1) Problem(ElementKind::kHost, i, "request_credit: at least 1");
      if (host.reply_frame_dwords < 16) {
        Problem(ElementKind::kHost, i, "reply_frame_dwords: 16 to 255");
      }
    }
  }

  void CheckExpanders() {
    for (uint32_t i = 0; i < fabric_.expanders.size(); ++i) {
      const ExpanderSpec& expander = fabric_.expanders[i];
      CheckId(ElementKind::kExpander, i);
      CheckAddress(ElementKind::kExpander, i, expander.address);
      CheckText(ElementKind::kExpander, i, "vendor", expander.vendor, 8);
      CheckText(ElementKind::kExpander, i, "product", expander.product, 16);
      CheckText(ElementKind::kExpander, i, "revision", expander.revision, 4);
      CheckText(ElementKind::kExpander, i, "component_vendor", expander.component_vendor, 8);
      if (expander.phy_count < 1 || expander.phy_count > 254) {
        Problem(ElementKind::kExpander, i,
                absl::StrCat("phys: ", expander.phy_count, " is out of range; 1 to 254"));
      }
      CheckRates(ElementKind::kExpander, i, expander.phy_rates, expander.phy_count);
    }
  }

  void CheckEnclosures() {
    for (uint32_t i = 0; i < fabric_.enclosures.size(); ++i) {
      const EnclosureSpec& enclosure = fabric_.enclosures[i];
      CheckId(ElementKind::kEnclosure, i);
      // A logical id may equal an expander's address (linux-sas.md 15), but not another logical id.
      const auto [it, added] = logical_ids_.try_emplace(enclosure.logical_id, i);
      if (enclosure.logical_id.value() == 0 || (!added && !fabric_.shared_identifiers)) {
        Problem(ElementKind::kEnclosure, i,
                enclosure.logical_id.value() == 0
                    ? "it has no logical_id; give one of 16 hexadecimal digits, not 0"
                    : absl::StrCat("the logical id ", ToHex(enclosure.logical_id),
                                   " is in use already, by enclosure \"",
                                   fabric_.enclosures[it->second].id, "\"; give it another one"));
      }
      for (const std::string& connector : enclosure.connectors) {
        CheckText(ElementKind::kEnclosure, i, "connector", connector, 4);
      }
    }
  }

  void CheckDevices() {
    for (uint32_t i = 0; i < fabric_.devices.size(); ++i) {
      const DeviceSpec& device = fabric_.devices[i];
      const DeviceModel& model = fabric_.models[device.model];
      CheckId(ElementKind::kDevice, i);
      CheckText(ElementKind::kDevice, i, "serial", device.serial, 20);
      CheckText(ElementKind::kDevice, i, "vendor", model.vendor, 8);
      CheckText(ElementKind::kDevice, i, "product", model.product, 16);
      CheckText(ElementKind::kDevice, i, "revision", model.revision, 4);
      for (int port = 0; port < device.port_count(); ++port) {
        CheckAddress(ElementKind::kDevice, i, device.ports[port].address);
      }
      if (!device.ports[0].at.node.valid()) {
        Problem(ElementKind::kDevice, i, "it has no port; give it a port { at: ... }");
      } else if (device.ports[0].at.node == device.ports[1].at.node) {
        Problem(ElementKind::kDevice, i,
                absl::StrCat("both ports are plugged into ", Name(device.ports[0].at.node),
                             "; dual path needs two different ones"));
      }
      CheckSlot(i);
    }
  }

  void CheckSlot(uint32_t i) {
    const DeviceSpec& device = fabric_.devices[i];
    if (device.enclosure == kNoIndex) return;
    if (fabric_.models[device.model].type != DeviceModel::Type::kDisk) return;
    const EnclosureSpec& enclosure = fabric_.enclosures[device.enclosure];
    if (device.slot < enclosure.start_slot ||
        device.slot - enclosure.start_slot >= enclosure.slot_count) {
      const std::string slots = enclosure.slot_count == 0
                                    ? "none"
                                    : absl::StrCat(enclosure.start_slot, " to ",
                                                   enclosure.start_slot + enclosure.slot_count - 1);
      Problem(ElementKind::kDevice, i,
              absl::StrFormat("slot %d is not one of enclosure \"%s\", which has %s", device.slot,
                              enclosure.id, slots));
    }
    const auto [it, added] =
        slots_.try_emplace(std::make_pair(device.enclosure, uint32_t{device.slot}), i);
    if (!added) {
      Problem(ElementKind::kDevice, i,
              absl::StrFormat("slot %d of enclosure \"%s\" holds device \"%s\" already%s; give one "
                              "of them another slot",
                              device.slot, enclosure.id, fabric_.devices[it->second].id,
                              Place({ElementKind::kDevice, it->second})));
    }
  }

  void CheckCabling() {
    for (uint32_t i = 0; i < fabric_.links.size(); ++i) {
      const LinkSpec& link = fabric_.links[i];
      const std::string where = locations_.link ? locations_.link(i) : "";
      const std::string name = absl::StrCat("link ", Name(link.a.node), " phy ", link.a.phy, " to ",
                                            Name(link.b.node), " phy ", link.b.phy);
      if (link.a.node.is_host && link.b.node.is_host) {
        Problem(where, absl::StrCat(name, ": hosts are not cabled to each other"));
      }
      if (link.a.node == link.b.node) {
        Problem(where, absl::StrCat(name, ": a loop: both ends are the same element"));
      }
      UsePhy(link.a, where, name);
      UsePhy(link.b, where, name);
    }
    for (uint32_t i = 0; i < fabric_.devices.size(); ++i) {
      const std::string where =
          locations_.element ? locations_.element(ElementKind::kDevice, i) : "";
      for (int port = 0; port < fabric_.devices[i].port_count(); ++port) {
        UsePhy(fabric_.devices[i].ports[port].at, where,
               absl::StrCat("device \"", fabric_.devices[i].id, "\""));
      }
    }
  }

  void UsePhy(PhyRef phy, const std::string& where, const std::string& user) {
    if (phy.phy >= PhyCount(phy.node)) {
      Problem(where,
              absl::StrCat(user, ": phy ", phy.phy, " is out of range: ", Name(phy.node), " has ",
                           PhyCount(phy.node), " (0 to ", PhyCount(phy.node) - 1, ")"));
      return;
    }
    const auto [it, added] = used_phys_.try_emplace(std::make_pair(phy.node, phy.phy), user);
    if (!added) {
      Problem(where, absl::StrCat(user, ": phy ", phy.phy, " of ", Name(phy.node),
                                  " is in use already, by ", it->second, "; use another phy"));
    }
  }

  // SMP requests name an expander by its address and the HBA's port (mpi2_sas.h,
  // MPI2_SMP_PASSTHROUGH_REQUEST). So no firmware knows two of one address behind one port.
  // `trees`: the tree of each expander.
  void CheckPorts(const std::vector<uint32_t>& trees) {
    // The trees of one port have one number.
    std::vector<uint32_t> port_of = trees;
    absl::flat_hash_map<uint32_t, uint32_t> only_port;  // of a host that has no port per link
    for (const LinkSpec& link : fabric_.links) {
      const auto [a, b] = std::minmax(link.a.node, link.b.node);
      if (a.is_host == b.is_host) continue;
      const NodeRef host = a.is_host ? a : b;
      if (fabric_.hosts[host.index].port_per_link) continue;
      const uint32_t mine = port_of[(a.is_host ? b : a).index];
      const uint32_t first = only_port.try_emplace(host.index, mine).first->second;
      std::replace(port_of.begin(), port_of.end(), mine, first);
    }
    absl::flat_hash_map<std::pair<SasAddress, uint32_t>, uint32_t> known;
    for (uint32_t i = 0; i < port_of.size(); ++i) {
      const SasAddress address = fabric_.expanders[i].address;
      const auto [it, added] = known.try_emplace({address, port_of[i]}, i);
      if (added) continue;
      Problem(ElementKind::kExpander, i,
              absl::StrCat("expander \"", fabric_.expanders[it->second].id,
                           "\" has its address and is on the same port of an HBA: no firmware "
                           "could tell the two apart; put them on two HBAs, or on two links of "
                           "one with port_per_link"));
    }
  }

  // Expanders and the cables between them form a forest. Each host enters a tree at one place.
  void CheckLoops() {
    std::vector<uint32_t> root(fabric_.expanders.size());
    std::iota(root.begin(), root.end(), 0);
    const auto find = [&root](uint32_t i) {
      while (root[i] != i) i = root[i] = root[root[i]];
      return i;
    };
    absl::flat_hash_set<std::pair<NodeRef, NodeRef>> known;
    for (uint32_t i = 0; i < fabric_.links.size(); ++i) {
      const auto [a, b] = std::minmax(fabric_.links[i].a.node, fabric_.links[i].b.node);
      if (a.is_host || !known.insert({a, b}).second) continue;
      if (find(a.index) == find(b.index)) {
        Problem(locations_.link ? locations_.link(i) : "",
                absl::StrCat("the link of ", Name(a), " and ", Name(b),
                             " closes a loop of expanders; take one link of the loop away"));
        continue;
      }
      root[find(a.index)] = find(b.index);
    }
    std::vector<uint32_t> trees;
    for (uint32_t i = 0; i < root.size(); ++i) trees.push_back(find(i));
    CheckPorts(trees);
    absl::flat_hash_map<std::pair<uint32_t, uint32_t>, uint32_t> entries;  // (host, tree): expander
    for (uint32_t i = 0; i < fabric_.links.size(); ++i) {
      const auto [a, b] = std::minmax(fabric_.links[i].a.node, fabric_.links[i].b.node);
      if (!a.is_host) continue;
      const auto [it, added] = entries.try_emplace({a.index, find(b.index)}, b.index);
      if (added || it->second == b.index) continue;
      Problem(locations_.link ? locations_.link(i) : "",
              absl::StrCat("the link of ", Name(a), " and ", Name(b),
                           " closes a loop: the host reaches that expander over ",
                           Name({false, it->second}), " already; take one of the links away"));
    }
  }

  const FabricSpec& fabric_;
  const FabricLocations& locations_;
  const size_t max_problems_;
  std::vector<std::string> problems_;
  size_t dropped_ = 0;
  absl::flat_hash_map<absl::string_view, std::pair<ElementKind, uint32_t>> ids_;
  absl::flat_hash_map<SasAddress, std::pair<ElementKind, uint32_t>> addresses_;
  absl::flat_hash_map<SasAddress, uint32_t> logical_ids_;
  absl::flat_hash_map<std::pair<uint32_t, uint32_t>, uint32_t> slots_;
  absl::flat_hash_map<std::pair<NodeRef, uint8_t>, std::string> used_phys_;
};

}  // namespace

absl::Status ValidateFabric(const FabricSpec& fabric, const FabricLocations& locations,
                            size_t max_problems) {
  return Validator(fabric, locations, max_problems).Run();
}

}  // namespace sasd::emulator
