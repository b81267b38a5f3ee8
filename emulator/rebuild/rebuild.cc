#include "emulator/rebuild/rebuild.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "emulator/fabric/fabric.h"
#include "emulator/rebuild/drive_models.h"
#include "emulator/rebuild/rate_ranges.h"
#include "emulator/rebuild/rebuild_notes.h"

// In this file the plain names of elements (Host, Expander, ...) are the messages of fabric.proto.
namespace sasd::emulator {
namespace {

constexpr uint8_t kDisk = 0, kEnclosureServices = 13;
constexpr size_t kMostPhysOfHost = 32, kMostPhysOfExpander = 254;

std::string IdOf(const std::string& os_name) { return absl::StrReplaceAll(os_name, {{":", "."}}); }

// A host or an expander of the fabric. Several hosts may see one expander: one key each.
struct Node {
  bool is_host = false;
  std::string os_name;
  std::string id;
  SasAddress address;
  std::vector<NodeKey> keys;
  std::map<uint8_t, PhyFacts> phys;  // as all hosts together show them
  std::set<uint8_t> used;            // phys with a link or a device in the fabric
  std::set<SasAddress> children;     // end devices: to compare two views of an expander
  size_t phy_count = 0;
  LinkRate max_rate = LinkRate::k12Gbps;
  int message = 0;  // its index in Fabric::host or ::expander
};

// A port of a drive.
struct Plug {
  size_t node = 0;
  std::optional<uint8_t> phy;
  SasAddress address;
  LinkRate rate = LinkRate::kUnknown;
};

// An end device of the fabric, with the views of all hosts.
struct Drive {
  const EndDeviceFacts* facts = nullptr;
  std::vector<const LogicalUnitFacts*> units;
  std::vector<Plug> plugs;
};

struct Cage {
  std::string id;
  std::optional<uint16_t> reported_count;
  uint16_t start = 0;
  std::optional<uint8_t> level;
  std::set<uint16_t> listed;    // by slot reports
  std::set<uint16_t> occupied;  // by devices of the fabric
  std::vector<std::string> connectors;
};

std::string Numbers(const std::vector<uint8_t>& phys) {
  return absl::StrCat(phys.size() == 1 ? "phy " : "phys ", absl::StrJoin(phys, ", "));
}

class Rebuilder {
 public:
  explicit Rebuilder(absl::Span<const sysfs::HostReading> hosts) : hosts_(hosts) {}

  Rebuilt Build() {
    Sort();
    AddHosts();
    AddExpanders();
    AddPhys();
    FindDrives();
    FindCages();
    PlaceExpanders();
    AddLinks();
    AddDrives();
    AddCages();
    FinishNodes();
    NoteSharedIdentifiers();
    NoteDefaults();
    return std::move(out_);
  }

 private:
  Fabric& fabric() { return out_.fabric; }

  template <typename... Parts>
  void Note(const std::string& of, const Parts&... parts) {
    notes_.Add(of, parts...);
  }
  std::string Fit(const std::string& of, const char* field, const std::string& text, size_t most) {
    return notes_.Fit(of, field, text, most);
  }

  // Sorts the observations by kind.
  void Sort() {
    for (const sysfs::HostReading& reading : hosts_) {
      for (const Observation& observation : reading.observations) {
        std::visit([this](const auto& facts) { Take(facts); }, observation);
      }
    }
  }
  void Take(const HostFacts& facts) { host_facts_.push_back(&facts); }
  void Take(const ExpanderFacts& facts) { expander_facts_.push_back(&facts); }
  void Take(const PhyFacts& facts) { phy_facts_.push_back(&facts); }
  void Take(const PortFacts& facts) {
    widths_[{facts.key.owner, facts.key.attached}] = facts.width;
  }
  void Take(const EndDeviceFacts& facts) { device_facts_.push_back(&facts); }
  void Take(const LogicalUnitFacts& facts) { units_[facts.device].push_back(&facts); }
  void Take(const EnclosureFacts& facts) { enclosure_facts_.push_back(&facts); }
  void Take(const SlotFacts& facts) { slot_facts_.push_back(&facts); }
  void Take(const DiscoveryFacts& facts) {
    if (facts.state == DiscoveryState::kRecovering) recovering_.insert(facts.host);
  }
  template <typename Other>
  void Take(const Other&) {}  // a reading has no other kinds

  // ------------------------------------------------------------------------------------- nodes
  void AddHosts() {
    for (const HostFacts* facts : host_facts_) {
      Node node;
      node.is_host = true;
      node.os_name = facts->os_name;
      node.id = IdOf(facts->os_name);
      node.address = facts->key.address;
      node.keys = {NodeKey::Host(facts->key)};
      node.phy_count = facts->phy_count;
      node.message = fabric().host_size();
      AddHost(*facts, node);
      node_of_[node.keys[0]] = nodes_.size();
      nodes_.push_back(std::move(node));
    }
  }

  void AddHost(const HostFacts& facts, const Node& node) {
    const std::string& name = facts.os_name;
    Host& host = *fabric().add_host();
    host.set_id(node.id);
    host.set_address(ToHex(facts.key.address));
    host.set_board(Fit(name, "board name", facts.board_name, 16));
    host.set_chip(Fit(name, "chip name", facts.chip_name, 16));
    host.set_pci(facts.pci_address);
    host.set_mpi(MpiOf(facts));
    if (IsFirmwareVersion(facts.firmware_version)) {
      host.set_firmware(facts.firmware_version);
    } else {
      Note(name, "firmware version \"", facts.firmware_version,
           "\" is not four numbers; the fabric has that of the virtual HBA");
    }
    if (!absl::StartsWith(facts.driver_name, "mpt")) {
      Note(name, "its driver is ", facts.driver_name.empty() ? "unknown" : facts.driver_name,
           "; the virtual HBA speaks MPI, as those of mpt2sas and mpt3sas do");
    }
    if (recovering_.count(facts.key) != 0) Note(name, "it was in recovery; the virtual HBA is not");
  }

  // By the chip, as Broadcom names them.
  Mpi MpiOf(const HostFacts& facts) {
    const std::string& chip = facts.chip_name;
    if (absl::StartsWith(chip, "SAS2") || absl::StartsWith(chip, "LSISAS2")) return MPI_2_0;
    if (absl::StartsWith(chip, "SAS30") || absl::StartsWith(chip, "LSISAS30")) return MPI_2_5;
    if (absl::StartsWith(chip, "SAS3") || absl::StartsWith(chip, "LSISAS3")) return MPI_2_6;
    Note(facts.os_name, "chip \"", chip, "\" does not say which MPI it speaks; the fabric has 2.5");
    return MPI_2_5;
  }

  static bool IsFirmwareVersion(const std::string& text) {
    const std::vector<std::string> parts = absl::StrSplit(text, '.');
    return parts.size() == 4 &&
           std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
             uint32_t number = 0;
             return !part.empty() && absl::ascii_isdigit(static_cast<unsigned char>(part[0])) &&
                    absl::SimpleAtoi(part, &number) && number <= 255;
           });
  }

  void AddExpanders() {
    std::map<NodeKey, std::set<SasAddress>> children;
    for (const EndDeviceFacts* device : device_facts_) {
      children[device->parent].insert(device->key.address);
    }
    for (const ExpanderFacts* facts : expander_facts_) {
      const std::set<SasAddress>& mine = children[facts->key];
      if (const std::optional<size_t> known = SameExpander(*facts, mine)) {
        nodes_[*known].keys.push_back(facts->key);
        nodes_[*known].children.insert(mine.begin(), mine.end());
        node_of_[facts->key] = *known;
        continue;
      }
      Node node;
      node.os_name = facts->os_name;
      node.id = IdOf(facts->os_name);
      node.address = facts->key.address;
      node.keys = {facts->key};
      node.children = mine;
      node.phy_count = facts->phy_count;
      node.message = fabric().expander_size();
      Expander& expander = *fabric().add_expander();
      expander.set_id(node.id);
      expander.set_address(ToHex(node.address));
      expander.set_vendor(Fit(node.os_name, "vendor", facts->vendor, 8));
      expander.set_product(Fit(node.os_name, "product", facts->product, 16));
      expander.set_revision(Fit(node.os_name, "revision", facts->revision, 4));
      node_of_[facts->key] = nodes_.size();
      nodes_.push_back(std::move(node));
    }
  }

  // The expander that another host showed already.
  std::optional<size_t> SameExpander(const ExpanderFacts& facts,
                                     const std::set<SasAddress>& children) const {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const Node& node = nodes_[i];
      if (node.is_host || node.address != facts.key.address) continue;
      const bool same_host =
          std::any_of(node.keys.begin(), node.keys.end(),
                      [&](const NodeKey& key) { return key.host == facts.key.host; });
      if (same_host) continue;
      const bool common = std::any_of(children.begin(), children.end(), [&](SasAddress child) {
        return node.children.count(child) != 0;
      });
      if (common || children.empty() || node.children.empty()) return i;
    }
    return std::nullopt;
  }

  void AddPhys() {
    for (const PhyFacts* phy : phy_facts_) {
      const auto owner = node_of_.find(phy->key.owner);
      if (owner == node_of_.end()) continue;
      Node& node = nodes_[owner->second];
      const uint8_t number = phy->key.phy.value();
      const auto [known, added] = node.phys.try_emplace(number, *phy);
      // Each host shows what is behind the phys that lead away from it.
      if (!added && known->second.attached == SasAddress()) known->second.attached = phy->attached;
      node.phy_count = std::max<size_t>(node.phy_count, number + size_t{1});
    }
    for (Node& node : nodes_) {
      LinkRate fastest = LinkRate::kUnknown;
      for (const auto& [number, phy] : node.phys) {
        fastest = std::max({fastest, phy.hardware_max, phy.negotiated});
      }
      if (IsLinkUp(fastest)) node.max_rate = fastest;
    }
  }

  // ------------------------------------------------------------------------------------- drives
  void FindDrives() {
    for (const EndDeviceFacts* facts : device_facts_) {
      const auto parent = node_of_.find(facts->parent);
      if (parent == node_of_.end()) {
        Note(facts->os_name, "what it hangs at is not in the tree; left out");
        continue;
      }
      const std::vector<const LogicalUnitFacts*>& units = units_[facts->key];
      const uint8_t type = units.empty() ? kDisk : units[0]->peripheral_type;
      if (units.empty() && (facts->protocols.target & Protocols::kScsi) == 0) {
        Note(facts->os_name, "it speaks no SCSI; a fabric has drives and SES devices; left out");
        continue;
      }
      Plug plug;
      plug.node = parent->second;
      plug.address = facts->key.address;
      if (facts->parent_phy) plug.phy = facts->parent_phy->value();
      plug.rate = RateTo(*facts, nodes_[plug.node]);
      if (type == kEnclosureServices) {
        AddSes(*facts, *units[0], plug);
        continue;
      }
      if (type != kDisk) {
        Note(facts->os_name, "its SCSI type is ", int{type}, "; the fabric has a disk there");
      }
      AddPlug(*facts, units, plug);
    }
  }

  // Of the phy that leads to the device. Notes further ones.
  LinkRate RateTo(const EndDeviceFacts& facts, const Node& node) {
    LinkRate rate = LinkRate::kUnknown;
    std::vector<uint8_t> lanes;
    for (const auto& [number, phy] : node.phys) {
      if (phy.attached != facts.key.address) continue;
      lanes.push_back(number);
      if (facts.parent_phy && *facts.parent_phy == phy.key.phy) rate = phy.negotiated;
    }
    if (lanes.size() > 1) {
      Note(facts.os_name, "it has ", lanes.size(), " lanes to ", node.os_name, " (", Numbers(lanes),
           "); a port of a fabric has one");
    }
    return rate;
  }

  static std::string UnitText(const LogicalUnitFacts& unit) {
    return absl::StrCat(unit.wwid, "\n", unit.serial, "\n", unit.vendor, "\n", unit.model);
  }

  void AddPlug(const EndDeviceFacts& facts, const std::vector<const LogicalUnitFacts*>& units,
               const Plug& plug) {
    for (Drive& drive : drives_) {
      const bool same_place =
          std::any_of(drive.plugs.begin(), drive.plugs.end(), [&](const Plug& other) {
            return other.node == plug.node && other.address == plug.address &&
                   other.phy == plug.phy;
          });
      // The same port as another host sees it.
      if (same_place && facts.key.host != drive.facts->key.host) return;
    }
    if (!units.empty() && !IsSata(facts) && !units[0]->wwid.empty()) {
      for (Drive& drive : drives_) {
        if (drive.units.empty() || IsSata(*drive.facts)) continue;
        if (UnitText(*drive.units[0]) != UnitText(*units[0])) continue;
        if (drive.plugs.size() == 1 && drive.plugs[0].node != plug.node) {
          if (drive.plugs[0].rate != plug.rate) {
            Note(facts.os_name, "it links at ", std::string(ToString(plug.rate)),
                 ", and its other port ", drive.facts->os_name, " at ",
                 std::string(ToString(drive.plugs[0].rate)), "; the fabric has the latter");
          }
          drive.plugs.push_back(plug);
          return;
        }
        Note(facts.os_name, "it shows the drive of ", drive.facts->os_name,
             " again; a drive of a fabric has two ports at different nodes, so this is a drive of "
             "its own there");
      }
    }
    drives_.push_back({&facts, units, {plug}});
  }

  void AddSes(const EndDeviceFacts& facts, const LogicalUnitFacts& unit, const Plug& plug) {
    Node& node = nodes_[plug.node];
    if (node.is_host) {
      Note(facts.os_name, "an SES device at a host; a fabric has them in expanders; left out");
      return;
    }
    Expander& expander = *fabric().mutable_expander(node.message);
    if (expander.has_ses()) {
      if (ses_at_[plug.node].second == plug.address && facts.key.host != ses_at_[plug.node].first) {
        return;  // as another host sees it
      }
      Note(facts.os_name, "a second SES device of ", node.os_name, "; left out");
      return;
    }
    ses_at_[plug.node] = {facts.key.host, plug.address};
    ses_facts_[plug.node] = &facts;
    Ses& ses = *expander.mutable_ses();
    ses.set_id(IdOf(facts.os_name));
    ses.set_address(ToHex(plug.address));
    ses.set_vendor(Fit(facts.os_name, "vendor", unit.vendor, 8));
    ses.set_product(Fit(facts.os_name, "model", unit.model, 16));
    ses.set_revision(Fit(facts.os_name, "revision", unit.revision, 4));
    ses.set_serial(Fit(facts.os_name, "serial number", unit.serial, 20));
    if (plug.phy) {
      ses.set_phy(*plug.phy);
      node.used.insert(*plug.phy);
    }
    const SasAddress name = UnitName(unit).value_or(plug.address);
    if (name != plug.address) ses.set_wwn(ToHex(name));
    NoteWwid(facts, unit, absl::StrCat("naa.", ToHex(name)), notes_);
    if (facts.slot) ses.set_slot(*facts.slot);
    if (IsLinkUp(plug.rate) && plug.rate != node.max_rate) ses.set_rate_gbps(Gbps(plug.rate));
  }

  // ---------------------------------------------------------------------------------- enclosures
  Cage& CageOf(EnclosureKey key) {
    Cage& cage = cages_[key.value()];
    if (cage.id.empty()) {
      cage.id = absl::StrCat("enclosure-", ToHex(SasAddress(key.value())));
    }
    return cage;
  }

  bool IsOfHost(EnclosureKey key) const { return board_cages_.count(key.value()) != 0; }

  void FindCages() {
    for (const EnclosureFacts* facts : enclosure_facts_) {
      if (facts->is_host) {
        board_cages_.insert(facts->key.value());
        Host& host =
            *fabric().mutable_host(nodes_[node_of_.at(NodeKey::Host(facts->host))].message);
        host.set_enclosure_logical_id(ToHex(SasAddress(facts->key.value())));
        continue;
      }
      Cage& cage = CageOf(facts->key);
      if (facts->slot_count != 0 && facts->slot_count > cage.reported_count.value_or(0)) {
        cage.reported_count = facts->slot_count;
        cage.start = facts->start_slot;
      }
      if (facts->level) cage.level = facts->level;
    }
    for (const SlotFacts* facts : slot_facts_) {
      if (!IsOfHost(facts->key.enclosure)) {
        CageOf(facts->key.enclosure).listed.insert(facts->key.slot);
      }
    }
  }

  // sysfs shows the enclosure of an expander under few drivers. All that is in it shows it too.
  void PlaceExpanders() {
    for (const ExpanderFacts* facts : expander_facts_) {
      if (facts->enclosure != EnclosureKey()) SetCage(node_of_.at(facts->key), facts->enclosure);
    }
    std::map<size_t, std::set<uint64_t>> inside;
    const auto look = [&](size_t node, const EndDeviceFacts& facts) {
      const EnclosureKey key = facts.enclosure;
      if (!nodes_[node].is_host && key != EnclosureKey() && !IsOfHost(key)) {
        inside[node].insert(key.value());
      }
    };
    for (const auto& [node, facts] : ses_facts_) look(node, *facts);
    for (const Drive& drive : drives_) {
      for (const Plug& plug : drive.plugs) look(plug.node, *drive.facts);
    }
    for (const auto& [node, keys] : inside) {
      if (cage_of_node_.count(node) != 0) continue;
      if (keys.size() == 1) {
        SetCage(node, EnclosureKey(*keys.begin()));
      } else {
        Note(nodes_[node].os_name,
             "its devices are in several enclosures; the fabric has it in none of them");
      }
    }
  }

  void SetCage(size_t node, EnclosureKey key) {
    if (IsOfHost(key)) {
      Note(nodes_[node].os_name, "it is in the enclosure of a host; the fabric has it in none");
      return;
    }
    cage_of_node_[node] = key.value();
    fabric().mutable_expander(nodes_[node].message)->set_enclosure(CageOf(key).id);
  }

  void AddCages() {
    for (auto& [logical_id, cage] : cages_) {
      Enclosure& enclosure = *fabric().add_enclosure();
      enclosure.set_id(cage.id);
      enclosure.set_logical_id(ToHex(SasAddress(logical_id)));
      if (cage.level) enclosure.set_level(*cage.level);
      for (const std::string& connector : cage.connectors) enclosure.add_connector(connector);
      std::set<uint16_t> slots = cage.listed;
      slots.insert(cage.occupied.begin(), cage.occupied.end());
      uint32_t first = cage.start, end = first + cage.reported_count.value_or(0);
      if (!slots.empty()) {
        if (cage.reported_count) first = std::min<uint32_t>(first, *slots.begin());
        end = std::max<uint32_t>(end, *slots.rbegin() + 1u);
      }
      enclosure.set_start_slot(first);
      enclosure.set_slots(end - first);
      if (!cage.reported_count) {
        Note(cage.id, "the tree does not show its number of slots; the fabric has ", end - first);
      } else if (end - first != *cage.reported_count) {
        Note(cage.id, "the tree shows ", *cage.reported_count, " slots; the fabric has ", first,
             " to ", end - 1, ", without gaps");
      }
    }
  }

  // --------------------------------------------------------------------------------------- links
  void AddLinks() {
    std::set<std::pair<size_t, size_t>> done;
    for (const ExpanderFacts* facts : expander_facts_) {
      const size_t child = node_of_.at(facts->key);
      const auto parent = node_of_.find(facts->parent);
      if (parent == node_of_.end()) {
        Note(facts->os_name, "what it hangs at is not in the tree; the fabric has no link there");
        continue;
      }
      if (!done.insert(std::minmax(child, parent->second)).second) continue;
      AddLink(*facts, parent->second, child);
    }
  }

  static std::vector<uint8_t> PhysTo(const Node& node, SasAddress address) {
    std::vector<uint8_t> phys;
    for (const auto& [number, phy] : node.phys) {
      if (phy.attached == address && node.used.count(number) == 0) phys.push_back(number);
    }
    return phys;
  }

  void AddLink(const ExpanderFacts& facts, size_t parent, size_t child) {
    Node &above = nodes_[parent], &below = nodes_[child];
    std::vector<uint8_t> up = PhysTo(above, below.address), down = PhysTo(below, above.address);
    const auto width = widths_.find({facts.parent, facts.key.address});
    size_t lanes = std::max(up.size(), down.size());
    if (width != widths_.end()) lanes = std::max<size_t>(lanes, width->second);
    if (lanes == 0) {
      Note(facts.os_name, "the tree shows no lane to ", above.os_name, "; the fabric has one");
      lanes = 1;
    }
    up.resize(std::min(up.size(), lanes));
    down.resize(std::min(down.size(), lanes));
    const LinkRate rate = SlowestOf(above, up, below, down);
    Complete(above, below, rate, lanes, up);
    Complete(below, above, rate, lanes, down);
    for (size_t i = 0; i < std::min(up.size(), down.size()); ++i) {
      AddLane(above, up[i], below, down[i]);
    }
  }

  static LinkRate SlowestOf(const Node& above, const std::vector<uint8_t>& up, const Node& below,
                            const std::vector<uint8_t>& down) {
    LinkRate rate = LinkRate::kUnknown;
    const auto look = [&](const Node& node, const std::vector<uint8_t>& phys) {
      for (const uint8_t number : phys) {
        const LinkRate one = node.phys.at(number).negotiated;
        if (IsLinkUp(one) && (!IsLinkUp(rate) || one < rate)) rate = one;
      }
    };
    look(above, up);
    look(below, down);
    return rate;
  }

  // Fills up the phys of `node` towards `other` with free ones: first those that have a link of
  // this rate to nobody, then those that the tree does not show, then those without a link.
  void Complete(const Node& node, const Node& other, LinkRate rate, size_t lanes,
                std::vector<uint8_t>& phys) {
    if (phys.size() >= lanes) return;
    const size_t shown = phys.size();
    const size_t most = node.is_host ? kMostPhysOfHost : kMostPhysOfExpander;
    const auto take = [&](const auto& fits) {
      for (size_t number = 0; number < most && phys.size() < lanes; ++number) {
        const auto phy = static_cast<uint8_t>(number);
        if (node.used.count(phy) != 0 || IsReserved(node, phy)) continue;
        if (std::find(phys.begin(), phys.end(), phy) != phys.end()) continue;
        const auto known = node.phys.find(phy);
        if (fits(known == node.phys.end() ? nullptr : &known->second)) phys.push_back(phy);
      }
    };
    const auto is_free = [](const PhyFacts* phy) { return phy && phy->attached == SasAddress(); };
    take([&](const PhyFacts* phy) {
      return is_free(phy) && IsLinkUp(phy->negotiated) && phy->negotiated == rate;
    });
    take([&](const PhyFacts* phy) { return phy == nullptr; });
    take([&](const PhyFacts* phy) { return is_free(phy); });
    const std::vector<uint8_t> assumed(phys.begin() + static_cast<std::ptrdiff_t>(shown),
                                       phys.end());
    std::sort(phys.begin(), phys.end());
    if (!assumed.empty()) {
      Note(node.os_name, "the tree does not show which of its phys lead to ", other.os_name,
           "; the fabric has ", Numbers(assumed));
    }
    if (phys.size() < lanes) {
      Note(node.os_name, "it has no free phys for ", lanes - phys.size(), " lanes to ",
           other.os_name, "; left out");
    }
  }

  // A phy where a drive is plugged in, though the tree may not show the phy.
  bool IsReserved(const Node& node, uint8_t phy) const {
    return std::any_of(drives_.begin(), drives_.end(), [&](const Drive& drive) {
      return std::any_of(drive.plugs.begin(), drive.plugs.end(), [&](const Plug& plug) {
        return &nodes_[plug.node] == &node && plug.phy == phy;
      });
    });
  }

  void Use(Node& node, uint8_t phy) {
    node.used.insert(phy);
    node.phy_count = std::max<size_t>(node.phy_count, phy + size_t{1});
  }

  // Adds to the last link where it continues that.
  void AddLane(Node& above, uint8_t up, Node& below, uint8_t down) {
    Use(above, up);
    Use(below, down);
    const auto rate_of = [](const Node& node, uint8_t phy) {
      const auto it = node.phys.find(phy);
      const LinkRate rate = it == node.phys.end() ? LinkRate::kUnknown : it->second.negotiated;
      return IsLinkUp(rate) ? rate : LinkRate::kUnknown;
    };
    LinkRate rate = rate_of(above, up);
    const LinkRate other = rate_of(below, down);
    if (!IsLinkUp(rate) || (IsLinkUp(other) && other < rate)) rate = other;
    if (!IsLinkUp(rate)) {
      Note(below.os_name, "the tree does not show the rate of phy ", int{down}, "; the fabric has ",
           std::string(ToString(std::min(above.max_rate, below.max_rate))));
    }
    const bool limited = IsLinkUp(rate) && rate < std::min(above.max_rate, below.max_rate);
    const double gbps = limited ? Gbps(rate) : 0;
    if (fabric().link_size() > 0) {
      Link& last = *fabric().mutable_link(fabric().link_size() - 1);
      if (last.a() == above.id && last.b() == below.id && last.a_phy() + last.width() == up &&
          last.b_phy() + last.width() == down && last.rate_gbps() == gbps) {
        last.set_width(last.width() + 1);
        return;
      }
    }
    Link& link = *fabric().add_link();
    link.set_a(above.id);
    link.set_a_phy(up);
    link.set_b(below.id);
    link.set_b_phy(down);
    link.set_width(1);
    link.set_rate_gbps(gbps);
  }

  // ------------------------------------------------------------------------------------- devices
  void AddDrives() {
    // Those with known phys first: the others get free ones.
    for (const Drive& drive : drives_) {
      for (const Plug& plug : drive.plugs) {
        if (plug.phy) Use(nodes_[plug.node], *plug.phy);
      }
    }
    // A slot that several drives report stays with the first.
    for (const Drive& drive : drives_) AddDrive(drive);
  }

  void AddDrive(const Drive& drive) {
    const EndDeviceFacts& facts = *drive.facts;
    Device& device = *fabric().add_device();
    device.set_id(IdOf(facts.os_name));
    const SasAddress name = NameOf(drive);
    device.set_wwn(ToHex(name));
    if (!drive.units.empty()) {
      device.set_serial(Fit(facts.os_name, "serial number", drive.units[0]->serial, 20));
    }
    device.set_model(models_.IdOf(facts, drive.units, drive.plugs[0].rate, name));
    for (size_t i = 0; i < drive.plugs.size(); ++i) AddPort(drive, i, name, device);
    Place(drive, device);
    if (facts.state != DeviceState::kAttached) {
      Note(facts.os_name, "its state is not \"running\"",
           facts.failure.empty() ? "" : absl::StrCat(" (", facts.failure, ")"),
           "; the virtual drive works");
    }
  }

  SasAddress NameOf(const Drive& drive) {
    const EndDeviceFacts& facts = *drive.facts;
    const SasAddress fallback =
        facts.device_name != SasAddress() ? facts.device_name : facts.key.address;
    if (drive.units.empty()) {
      Note(facts.os_name,
           "the kernel has no SCSI device there, so model, serial number and size are "
           "unknown");
      return fallback;
    }
    return UnitName(*drive.units[0]).value_or(fallback);
  }

  void AddPort(const Drive& drive, size_t number, SasAddress name, Device& device) {
    const Plug& plug = drive.plugs[number];
    Node& node = nodes_[plug.node];
    Port& port = *device.add_port();
    port.set_at(node.id);
    std::vector<uint8_t> phy;
    if (plug.phy) {
      phy = {*plug.phy};
    } else {
      Complete(node, NodeOfDrive(drive), plug.rate, 1, phy);
      if (!phy.empty()) Use(node, phy[0]);
    }
    if (!phy.empty()) port.set_phy(phy[0]);
    const bool sata = IsSata(*drive.facts);
    const uint8_t at = phy.empty() ? 0 : phy[0];
    const SasAddress usual = !sata          ? SasAddress(name.value() + 1 + number)
                             : node.is_host ? SasAddress(0x4433221100000000 | uint64_t{at} << 24)
                                            : StpAddress(node.address, at);
    if (plug.address != usual) port.set_address(ToHex(plug.address));
  }

  static Node NodeOfDrive(const Drive& drive) {
    Node node;
    node.os_name = drive.facts->os_name;
    return node;
  }

  void Place(const Drive& drive, Device& device) {
    const EndDeviceFacts& facts = *drive.facts;
    const size_t at = drive.plugs[0].node;
    const auto around = cage_of_node_.find(at);
    const bool on_board = IsOfHost(facts.enclosure);
    if (facts.enclosure == EnclosureKey() || on_board) {
      if (nodes_[at].is_host) {
        // The enclosure of the board.
        if (facts.slot) device.set_slot(*facts.slot);
        if (facts.slot && !on_board) Note(facts.os_name, "it has a slot and no enclosure");
        return;
      }
      if (around == cage_of_node_.end()) return;
      Note(facts.os_name, "it is not in the enclosure of ", nodes_[at].os_name,
           "; the fabric has it in a free slot there");
      device.set_slot(FreeSlot(cages_[around->second]));
      return;
    }
    Cage& cage = CageOf(facts.enclosure);
    if (around == cage_of_node_.end() || around->second != facts.enclosure.value()) {
      device.set_enclosure(cage.id);
    }
    uint16_t slot = facts.slot.value_or(0);
    if (!facts.slot || cage.occupied.count(slot) != 0) {
      slot = FreeSlot(cage);
      Note(facts.os_name,
           facts.slot ? absl::StrCat("another drive is in slot ", *facts.slot)
                      : std::string("the tree does not show its slot"),
           "; the fabric has it in slot ", slot);
    }
    cage.occupied.insert(slot);
    device.set_slot(slot);
    if (facts.ses_slot && facts.slot && *facts.ses_slot != *facts.slot) {
      Note(facts.os_name, "the firmware reports slot ", *facts.slot, " and the SES device slot ",
           *facts.ses_slot, "; the fabric has the former");
    }
    if (!facts.connector_name.empty()) {
      const std::string connector = Fit(facts.os_name, "connector", facts.connector_name, 4);
      device.set_connector(connector);
      std::vector<std::string>& names = cage.connectors;
      if (std::find(names.begin(), names.end(), connector) == names.end()) {
        names.push_back(connector);
      }
    }
  }

  // A slot that no drive of the tree reports.
  uint16_t FreeSlot(Cage& cage) {
    std::set<uint16_t> taken = cage.occupied;
    for (const EndDeviceFacts* facts : device_facts_) {
      if (facts->slot && &CageOf(facts->enclosure) == &cage) taken.insert(*facts->slot);
    }
    uint16_t slot = cage.start;
    while (taken.count(slot) != 0) ++slot;
    cage.occupied.insert(slot);
    return slot;
  }

  // -------------------------------------------------------------------------------------- finish
  void FinishNodes() {
    for (Node& node : nodes_) {
      const size_t most = node.is_host ? kMostPhysOfHost : kMostPhysOfExpander;
      NotePhys(node);
      if (node.phy_count > most) {
        Note(node.os_name, "it has ", node.phy_count, " phys; a fabric has at most ", most);
      }
      const auto phys = static_cast<uint32_t>(std::clamp<size_t>(node.phy_count, 1, most));
      if (node.is_host) {
        Host& host = *fabric().mutable_host(node.message);
        host.set_phys(phys);
        if (node.max_rate != LinkRate::k12Gbps) host.set_rate_gbps(Gbps(node.max_rate));
        *host.mutable_phy_rates() = RatesOf(node, phys);
        continue;
      }
      Expander& expander = *fabric().mutable_expander(node.message);
      if (expander.has_ses() && !expander.ses().has_phy()) ++node.phy_count;
      const auto all = static_cast<uint32_t>(std::clamp<size_t>(node.phy_count, 1, most));
      expander.set_phys(all);
      if (node.max_rate != LinkRate::k12Gbps) expander.set_rate_gbps(Gbps(node.max_rate));
      *expander.mutable_phy_rates() = RatesOf(node, all);
    }
  }

  google::protobuf::RepeatedPtrField<RateRange> RatesOf(const Node& node, uint32_t count) {
    RateRanges rates = RateRangesOf(node.phys, node.max_rate, count);
    if (!rates.contradicting.empty()) {
      Note(node.os_name, "the rates of ", Numbers(rates.contradicting),
           " contradict each other; the fabric has 1.5 Gbps to ",
           std::string(ToString(node.max_rate)));
    }
    return std::move(rates.ranges);
  }

  // What the phys show that the fabric does not have.
  void NotePhys(const Node& node) {
    std::vector<uint8_t> missing, lost;
    std::map<std::string, std::vector<uint8_t>> down;
    for (size_t number = 0; number < node.phy_count; ++number) {
      if (node.phys.count(static_cast<uint8_t>(number)) == 0) {
        missing.push_back(static_cast<uint8_t>(number));
      }
    }
    for (const auto& [number, phy] : node.phys) {
      const bool used = node.used.count(number) != 0;
      if (!used && IsLinkUp(phy.negotiated)) lost.push_back(number);
      if (!IsLinkUp(phy.negotiated) && phy.negotiated != LinkRate::kUnknown) {
        down[std::string(ToString(phy.negotiated))].push_back(number);
      }
    }
    if (!missing.empty()) Note(node.os_name, "the tree does not show ", Numbers(missing));
    if (!lost.empty()) {
      Note(node.os_name, "the tree does not show what is behind ", Numbers(lost),
           "; the fabric has nothing there");
    }
    for (const auto& [why, phys] : down) {
      Note(node.os_name, Numbers(phys), phys.size() == 1 ? " is " : " are ", "in the state \"", why,
           "\"; the virtual ones are not");
    }
  }

  void NoteSharedIdentifiers() {
    bool shared = false;
    const auto differ = [&](std::vector<std::string> texts) {
      std::sort(texts.begin(), texts.end());
      return std::adjacent_find(texts.begin(), texts.end()) == texts.end();
    };
    std::vector<std::string> hosts, expanders;
    for (const Host& host : fabric().host()) hosts.push_back(host.address());
    for (const Expander& expander : fabric().expander()) expanders.push_back(expander.address());
    std::vector<std::string> devices;
    for (const Drive& drive : drives_) {
      std::set<SasAddress> own;
      for (const Plug& plug : drive.plugs) own.insert(plug.address);
      for (const SasAddress address : own) devices.push_back(ToHex(address));
    }
    shared = !differ(hosts) || !differ(expanders) || !differ(devices);
    if (!shared) return;
    fabric().set_shared_identifiers(true);
    // Firmware tells expanders of one address apart by the ports of the HBA.
    if (differ(expanders)) return;
    for (Host& host : *fabric().mutable_host()) host.set_port_per_link(true);
  }

  // What no reading has, and what is of the machine that was recorded.
  void NoteDefaults() {
    if (!drives_.empty()) {
      Note("all drives",
           "a reading of sysfs has neither block size nor rotation; the fabric has 512 "
           "bytes and no SSD");
    }
    if (fabric().expander_size() > 0) {
      Note("all expanders", "a reading of sysfs has no component of theirs; the fabric has none");
    }
    Note("all objects",
         "handles and the kernel's names (sdX, sgN, H:C:T:L), holders of disks and "
         "labels of slots are of the recorded system; left out");
  }

  const absl::Span<const sysfs::HostReading> hosts_;
  Rebuilt out_;
  RebuildNotes notes_{out_.notes};
  DriveModels models_{out_.fabric, notes_};
  std::vector<const HostFacts*> host_facts_;
  std::vector<const ExpanderFacts*> expander_facts_;
  std::vector<const PhyFacts*> phy_facts_;
  std::vector<const EndDeviceFacts*> device_facts_;
  std::vector<const EnclosureFacts*> enclosure_facts_;
  std::vector<const SlotFacts*> slot_facts_;
  std::map<NodeKey, std::vector<const LogicalUnitFacts*>> units_;
  std::map<std::pair<NodeKey, SasAddress>, uint8_t> widths_;  // by owner and attached address
  std::set<HostKey> recovering_;

  std::vector<Node> nodes_;
  std::map<NodeKey, size_t> node_of_;
  std::vector<Drive> drives_;
  std::map<size_t, std::pair<HostKey, SasAddress>> ses_at_;  // by node
  std::map<size_t, const EndDeviceFacts*> ses_facts_;        // by node
  std::map<uint64_t, Cage> cages_;                           // by logical identifier
  std::set<uint64_t> board_cages_;                           // logical identifiers
  std::map<size_t, uint64_t> cage_of_node_;
};

}  // namespace

Rebuilt Rebuild(absl::Span<const sysfs::HostReading> hosts) { return Rebuilder(hosts).Build(); }

}  // namespace sasd::emulator
