#include "cli/output/topology_tree.h"

#include <string.h>

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "cli/output/format.h"
#include "cli/output/table_layout.h"

namespace sasd::cli {
namespace {

using sas::v1::EndDevice;
using sas::v1::Expander;
using sas::v1::Host;
using sas::v1::Port;

constexpr uint32_t kEnclosureServices = 0x0d;

// The operating system's name, else one made from the address.
std::string NameFor(absl::string_view kind, const std::string& os_name,
                    const std::string& address) {
  return os_name.empty() ? absl::StrCat(kind, "-", address) : os_name;
}

// Appends " text", or nothing if the text is empty.
void Say(std::string& line, absl::string_view text, absl::string_view gap = " ") {
  if (!text.empty()) absl::StrAppend(&line, gap, text);
}

// Joins the words that are not empty: "a b".
std::string Words(std::initializer_list<absl::string_view> words) {
  std::string text;
  for (const absl::string_view word : words) Say(text, word, text.empty() ? "" : " ");
  return text;
}

// Orders objects by name, with numbers by value: expander-1:9 before expander-1:10. The C library
// orders leading zeros differently, but the kernel writes none. Objects without a name come last,
// by address: among names, their place would not be consistent.
template <typename T>
bool ComesBefore(const T* a, const T* b) {
  if (a->os_name().empty() != b->os_name().empty()) return b->os_name().empty();
  if (a->os_name().empty()) return a->sas_address() < b->sas_address();
  return strverscmp(a->os_name().c_str(), b->os_name().c_str()) < 0;
}

bool DeviceComesBefore(const EndDevice* a, const EndDevice* b) {
  if (!a->os_name().empty() || !b->os_name().empty()) return ComesBefore(a, b);
  return std::make_tuple(a->slot(), a->parent_phy_identifier(), a->sas_address()) <
         std::make_tuple(b->slot(), b->parent_phy_identifier(), b->sas_address());
}

bool IsSes(const EndDevice& device) {
  return device.has_peripheral_type() && device.peripheral_type() == kEnclosureServices;
}

std::string TypeOf(const EndDevice& device) {
  return device.has_peripheral_type() ? PeripheralName(device.peripheral_type()) : "device";
}

// "slot 3 Slot 04": the number, and what the enclosure calls it.
std::string SlotText(const EndDevice& device) {
  std::string text = absl::StrCat("slot ", device.slot());
  Say(text, device.slot_label());
  return text;
}

// Of all units: "sda,sdb".
std::string BlockDevices(const EndDevice& device) {
  return absl::StrJoin(BlockDevicesOf(device), ",");
}

bool IsNormal(const EndDevice& device) {
  return device.state() == sas::v1::DEVICE_STATE_ATTACHED ||
         device.state() == sas::v1::DEVICE_STATE_UNSPECIFIED;
}

bool IsSata(const EndDevice& device) {
  return std::find(device.target_protocols().begin(), device.target_protocols().end(),
                   sas::v1::PROTOCOL_SATA) != device.target_protocols().end();
}

class TreeBuilder {
 public:
  TreeBuilder(const TreeSnapshot& snapshot, const TreeStyle& style)
      : snapshot_(snapshot), style_(style), paint_(style.paint) {
    Index();
  }

  TreeNode Build(const std::string& node_name) {
    TreeNode root;
    root.text = paint_.Bold(node_name);
    std::vector<const Host*> hosts;
    for (const Host& host : snapshot_.hosts) hosts.push_back(&host);
    std::sort(hosts.begin(), hosts.end(), ComesBefore<Host>);
    for (const Host* host : hosts) root.children.push_back(HostNode(*host));
    return root;
  }

 private:
  using Devices = std::vector<const EndDevice*>;

  void Index() {
    for (const Host& host : snapshot_.hosts) known_.insert(host.name());
    for (const Expander& expander : snapshot_.expanders) known_.insert(expander.name());
    for (const Expander& expander : snapshot_.expanders) {
      expanders_[ParentOf(expander)].push_back(&expander);
    }
    for (const EndDevice& device : snapshot_.devices) devices_[ParentOf(device)].push_back(&device);
    for (const Port& port : snapshot_.ports) ports_[{port.owner(), port.attached()}] = &port;
    for (const auto& enclosure : snapshot_.enclosures) enclosures_[enclosure.name()] = &enclosure;
  }

  template <typename T>
  std::string ParentOf(const T& child) const {
    return known_.contains(child.parent()) ? child.parent() : child.host();
  }

  TreeNode HostNode(const Host& host) {
    TreeNode node;
    node.text = paint_.Bold(NameFor("host", host.os_name(), host.sas_address()));
    Say(node.text, paint_.Bold(host.alias()));
    Say(node.text, host.board_name());
    if (style_.verbosity >= 1) Say(node.text, host.chip_name());
    if (style_.verbosity >= 1) Say(node.text, host.firmware_version());
    if (style_.verbosity >= 2) {
      Say(node.text, paint_.Dim(Words({host.sas_address(), host.pci_address()})), "  ");
    }
    const auto state = host.discovery().state();
    if (state == sas::v1::DISCOVERY_STATE_FAILED) {
      Say(node.text, paint_.Red(Words({"DISCOVERY FAILED", host.discovery().status_text()})), "  ");
    } else if (state == sas::v1::DISCOVERY_STATE_IN_PROGRESS ||
               state == sas::v1::DISCOVERY_STATE_RECOVERING) {
      Say(node.text, paint_.Yellow(absl::StrCat("discovery ", EnumText(state))), "  ");
    }
    AddChildren(host.name(), node);
    return node;
  }

  // Visits each expander at most once, so a loop of parents ends.
  TreeNode ExpanderNode(const Expander& expander) {
    TreeNode node;
    const Port* port = PortTo(expander);
    SetLink(port != nullptr ? port->width() : expander.link_width(), port, node);
    node.text = paint_.Cyan(NameFor("expander", expander.os_name(), expander.sas_address()));
    Say(node.text, expander.vendor());
    if (style_.verbosity >= 1) Say(node.text, expander.product());
    if (style_.verbosity >= 1) Say(node.text, expander.product_revision());
    Say(node.text, paint_.Dim(ShortRate(expander.link_rate())), "  ");
    SayNarrow(port, node.text);
    if (style_.verbosity >= 2) {
      Say(node.text,
          paint_.Dim(Words({expander.sas_address(), HandleText(expander.device_handle())})), "  ");
    }
    AddChildren(expander.name(), node);
    return node;
  }

  template <typename T>
  const Port* PortTo(const T& child) const {
    const auto port = ports_.find({child.parent(), child.name()});
    return port == ports_.end() ? nullptr : port->second;
  }

  static bool IsNarrow(const Port* port) {
    return port != nullptr && port->width() < port->widest_count();
  }

  void SetLink(uint32_t width, const Port* port, TreeNode& node) const {
    if (width == 0) return;  // its members are not known
    const std::string link = absl::StrCat(width, "x");
    node.link = absl::StrCat(IsNarrow(port) ? paint_.Yellow(link) : link, "--");
    node.link_width = link.size() + 2;
  }

  void SayNarrow(const Port* port, std::string& text) const {
    if (!IsNarrow(port)) return;
    Say(text,
        paint_.Yellow(
            absl::StrCat("NARROW ", port->width(), " of ", port->widest_count(), " lanes")),
        "  ");
  }

  void AddChildren(const std::string& name, TreeNode& node) {
    if (!visited_.insert(name).second) return;
    Devices devices = devices_[name];
    std::sort(devices.begin(), devices.end(), DeviceComesBefore);
    std::vector<const Expander*> expanders = expanders_[name];
    std::sort(expanders.begin(), expanders.end(), ComesBefore<Expander>);
    style_.verbosity == 0 ? AddFolded(devices, expanders.empty(), node) : AddEach(devices, node);
    for (const Expander* expander : expanders) {
      if (!visited_.contains(expander->name())) node.children.push_back(ExpanderNode(*expander));
    }
  }

  // Beside expanders, an enclosure's own device has a line of its own, as in sas_discover. Among
  // devices only, it is folded like them.
  void AddFolded(const Devices& devices, bool leaf, TreeNode& node) {
    Devices rest;
    for (const EndDevice* device : devices) {
      if (IsSes(*device) && !leaf) {
        node.children.push_back(DeviceNode(*device));
      } else {
        rest.push_back(device);
      }
    }
    for (const Devices& alike : Fold(rest)) node.children.push_back(FoldedNode(alike));
  }

  // Groups similar devices: normal ones first, and disks before others.
  static std::vector<Devices> Fold(const Devices& devices) {
    std::map<std::tuple<bool, bool, std::string, bool, int, int>, Devices> groups;
    for (const EndDevice* device : devices) {
      const std::string type = TypeOf(*device);
      groups[{!IsNormal(*device), type != "disk", type, IsSata(*device), -device->link_rate(),
              device->state()}]
          .push_back(device);
    }
    std::vector<Devices> folded;
    for (auto& [key, group] : groups) folded.push_back(std::move(group));
    return folded;
  }

  TreeNode FoldedNode(const Devices& alike) const {
    const EndDevice& first = *alike.front();
    TreeNode node;
    node.folded = true;
    node.text = absl::StrFormat(" %2d x end_device -- %s", alike.size(), TypeOf(first));
    if (IsSes(first)) node.text += EnclosureText(first);
    std::string rate = ShortRate(first.link_rate());
    if (IsSata(first)) Say(rate, "SATA");
    Say(node.text, paint_.Dim(rate), "  ");
    if (!IsNormal(first)) Say(node.text, Trouble(alike), "  ");
    return node;
  }

  // Names the devices in trouble: "BLOCKED: slot 4 sdb, slot 5".
  std::string Trouble(const Devices& alike) const {
    constexpr size_t kMost = 8;
    std::vector<std::string> which;
    for (const EndDevice* device : alike) {
      if (which.size() == kMost) {
        which.push_back(absl::StrCat("and ", alike.size() - kMost, " more"));
        break;
      }
      std::string one = device->has_slot()
                            ? SlotText(*device)
                            : NameFor("end_device", device->os_name(), device->sas_address());
      Say(one, BlockDevices(*device));
      Say(one, device->failure().empty() ? "" : absl::StrCat("(", device->failure(), ")"));
      which.push_back(std::move(one));
    }
    return PaintState(*alike.front(),
                      absl::StrCat(StateText(*alike.front()), ": ", absl::StrJoin(which, ", ")));
  }

  static std::string StateText(const EndDevice& device) {
    const std::string state = EnumText(device.state());
    const bool loud = device.state() == sas::v1::DEVICE_STATE_BLOCKED ||
                      device.state() == sas::v1::DEVICE_STATE_FAILED;
    return loud ? absl::AsciiStrToUpper(state) : state;
  }

  std::string PaintState(const EndDevice& device, const std::string& text) const {
    switch (device.state()) {
      case sas::v1::DEVICE_STATE_FAILED:
        return paint_.Red(text);
      case sas::v1::DEVICE_STATE_ATTACHED:
        return paint_.Dim(text);
      default:
        return paint_.Yellow(text);
    }
  }

  void AddEach(const Devices& devices, TreeNode& node) const {
    // Aligns the fields of siblings.
    TableLayout layout(std::vector<bool>(7, false));
    for (const EndDevice* device : devices) {
      if (!IsSes(*device)) layout.Fit(Cells(*device));
    }
    for (const EndDevice* device : devices) {
      TreeNode child = DeviceNode(*device);
      if (!IsSes(*device)) child.text = Unfolded(*device, layout);
      node.children.push_back(std::move(child));
    }
  }

  // The last cell is for the state: it needs no width, so its colour codes do no harm.
  static std::vector<std::string> Cells(const EndDevice& device) {
    return {NameFor("end_device", device.os_name(), device.sas_address()),
            device.has_slot() ? SlotText(device) : "",
            BlockDevicesOf(device).empty() ? TypeOf(device) : BlockDevices(device),
            Words({device.vendor(), device.model()}),
            device.serial(),
            ShortRate(device.link_rate()),
            ""};
  }

  std::string Unfolded(const EndDevice& device, const TableLayout& layout) const {
    std::vector<std::string> cells = Cells(device);
    cells.back() = PaintState(device, StateText(device));
    std::string text = layout.Line(cells);
    Say(text, paint_.Red(device.failure()));
    SayNarrow(PortTo(device), text);
    if (style_.verbosity >= 2) {
      std::string more = device.sas_address();
      Say(more, device.device_name().empty() ? "" : absl::StrCat("wwn ", device.device_name()));
      Say(more, HandleText(device.device_handle()));
      Say(more, device.scsi_address());
      Say(text, paint_.Dim(more), "  ");
    }
    return text;
  }

  // A device on its own line. A device of an enclosure has the enclosure below it.
  TreeNode DeviceNode(const EndDevice& device) const {
    TreeNode node;
    const Port* port = PortTo(device);
    SetLink(port != nullptr ? port->width() : device.link_width(), port, node);
    node.text = NameFor("end_device", device.os_name(), device.sas_address());
    if (style_.verbosity >= 2) {
      Say(node.text, paint_.Dim(Words({device.sas_address(), HandleText(device.device_handle())})),
          "  ");
    }
    if (!IsNormal(device)) Say(node.text, PaintState(device, StateText(device)), "  ");
    if (IsSes(device)) {
      TreeNode enclosure;
      enclosure.text = absl::StrCat("enclosure", EnclosureText(device));
      node.children.push_back(std::move(enclosure));
    }
    return node;
  }

  // " 5000ccab0405db00 HGST 4U60"
  std::string EnclosureText(const EndDevice& device) const {
    std::string text;
    const auto enclosure = enclosures_.find(device.enclosure());
    if (enclosure != enclosures_.end()) Say(text, paint_.Bold(enclosure->second->alias()));
    Say(text, ShortName(device.enclosure()));
    Say(text, device.vendor());
    Say(text, device.model());
    if (enclosure != enclosures_.end() && style_.verbosity >= 1) {
      Say(text,
          paint_.Dim(enclosure->second->has_slot_count()
                         ? absl::StrFormat("%d of %d slots occupied",
                                           enclosure->second->occupied_slot_count(),
                                           enclosure->second->slot_count())
                         : absl::StrFormat("%d slots occupied, number of slots not known",
                                           enclosure->second->occupied_slot_count())),
          "  ");
    }
    return text;
  }

  const TreeSnapshot& snapshot_;
  const TreeStyle& style_;
  const Paint paint_;
  absl::flat_hash_set<std::string> known_, visited_;
  absl::flat_hash_map<std::string, std::vector<const Expander*>> expanders_;
  absl::flat_hash_map<std::string, Devices> devices_;
  absl::flat_hash_map<std::pair<std::string, std::string>, const Port*> ports_;
  absl::flat_hash_map<std::string, const sas::v1::Enclosure*> enclosures_;
};

}  // namespace

TreeNode BuildTree(const std::string& node_name, const TreeSnapshot& snapshot,
                   const TreeStyle& style) {
  return TreeBuilder(snapshot, style).Build(node_name);
}

std::string TreeTotals(const TreeSnapshot& snapshot) {
  absl::flat_hash_set<std::string> drives;
  int64_t paths = 0, others = 0;
  for (const EndDevice& device : snapshot.devices) {
    if (TypeOf(device) != "disk" && TypeOf(device) != "rbc-disk" && TypeOf(device) != "zbc-disk") {
      if (!IsSes(device)) ++others;
      continue;
    }
    ++paths;
    drives.insert(device.logical_units().empty() ? device.name() : device.logical_units(0));
  }
  const auto count = [](size_t size) { return static_cast<int64_t>(size); };
  std::string text =
      absl::StrCat(CountText(count(snapshot.hosts.size()), "host"), ", ",
                   CountText(count(snapshot.expanders.size()), "expander"), ", ",
                   CountText(count(snapshot.enclosures.size()), "enclosure"), ", ",
                   CountText(count(drives.size()), "drive"), " with ", CountText(paths, "path"));
  if (others > 0) absl::StrAppend(&text, ", ", CountText(others, "other device"));
  return text;
}

}  // namespace sasd::cli
