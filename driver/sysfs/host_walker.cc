#include "driver/sysfs/host_walker.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "driver/sysfs/attribute_text.h"

namespace sasd::sysfs {
namespace {

// SAS allows far fewer expanders in a row. Each level costs two descriptors.
constexpr int kDeepestExpander = 32;

// The channel on which mpt3sas adds IR volumes (RAID_CHANNEL in mpt3sas_scsih.c).
constexpr absl::string_view kRaidChannel = "1";

bool IsOnRaidChannel(absl::string_view target) {
  const std::vector<absl::string_view> parts = absl::StrSplit(target, ':');
  return parts.size() == 3 && parts[1] == kRaidChannel;
}

}  // namespace

HostTree HostWalker::Walk(const Directory& directory, absl::string_view name) {
  tree_.facts.os_name = PrintableText(name);
  tree_.owners.emplace_back();
  const Directory scsi_host = io_.Open(directory, absl::StrCat("scsi_host/", name));
  ReadHost(scsi_host);
  WalkOwner(directory, 0);
  WalkOwner(scsi_host, 0);  // smartpqi puts its SAS objects there
  return std::move(tree_);
}

void HostWalker::ReadHost(const Directory& scsi_host) {
  const auto text = [&](Attribute a) { return PrintableText(io_.Read(scsi_host, a)); };
  HostFacts& facts = tree_.facts;
  tree_.address = AddressOf(io_.Read(scsi_host, Attribute::kHostSasAddress));
  facts.driver_name = text(Attribute::kProcName);
  facts.board_name = text(Attribute::kBoardName);
  if (facts.board_name.empty()) facts.board_name = text(Attribute::kModelOfHost);
  facts.chip_name = text(Attribute::kVersionProduct);
  for (const Attribute a : {Attribute::kVersionFw, Attribute::kFirmwareVersion,
                            Attribute::kFirmwareRevision, Attribute::kFwVersion}) {
    if (facts.firmware_version.empty()) facts.firmware_version = text(a);
  }
  const auto resets = NumberOf(io_.Read(scsi_host, Attribute::kIocResetCount), UINT32_MAX);
  tree_.counts_resets = resets.has_value();
  tree_.reset_count = static_cast<uint32_t>(resets.value_or(0));
  tree_.in_recovery = Trimmed(io_.Read(scsi_host, Attribute::kHostState)) == "recovery";
}

void HostWalker::WalkOwner(const Directory& directory, int owner) {
  if (!directory || depth_ > kDeepestExpander) return;
  const Listing listing = io_.List(directory);
  if (owner == 0) NoteVolumes(listing);
  const size_t first_phy = tree_.owners[owner].phys.size();
  for (absl::string_view name : listing.Names(EntryKind::kDirectory, "phy-")) {
    ReadPhy(directory, name, owner);
  }
  for (absl::string_view name : listing.Names(EntryKind::kDirectory, "port-")) {
    WalkPort(directory, name, owner);
  }
  LookForPorts(directory, owner, first_phy);
}

void HostWalker::NoteVolumes(const Listing& host_folder) {
  const auto targets = host_folder.Names(EntryKind::kDirectory, "target");
  tree_.has_volumes |= std::any_of(targets.begin(), targets.end(), IsOnRaidChannel);
}

void HostWalker::ReadPhy(const Directory& directory, absl::string_view name, int owner) {
  const Directory phy_directory = io_.Open(directory, absl::StrCat(name, "/sas_phy/", name));
  // The kernel makes the attributes after the folder `name` (sas_phy_add()), and then sends a
  // uevent.
  if (!phy_directory) return;
  const auto rate = [&](Attribute a) { return LinkRateOf(io_.Read(phy_directory, a)); };
  std::optional<uint64_t> id = NumberOf(io_.Read(phy_directory, Attribute::kPhyIdentifier), 254);
  if (!id) id = TrailingNumber(name);
  if (!id || *id > 254) return;
  FoundPhy phy;
  phy.facts.key.phy = PhyId(static_cast<uint8_t>(*id));
  phy.facts.os_name = PrintableText(name);
  const absl::string_view negotiated = io_.Read(phy_directory, Attribute::kNegotiatedLinkRate);
  phy.facts.negotiated = LinkRateOf(negotiated);
  phy.down = !negotiated.empty() && !IsLinkUp(phy.facts.negotiated);
  phy.facts.programmed_min = rate(Attribute::kMinimumLinkRate);
  phy.facts.programmed_max = rate(Attribute::kMaximumLinkRate);
  phy.facts.hardware_min = rate(Attribute::kMinimumLinkRateHw);
  phy.facts.hardware_max = rate(Attribute::kMaximumLinkRateHw);
  // An expander's phys repeat its address. It is needed only if the expander does not report it.
  if (tree_.owners[owner].address == SasAddress()) {
    phy.address = AddressOf(io_.Read(phy_directory, Attribute::kSasAddress));
  }
  tree_.owners[owner].phys.push_back(std::move(phy));
}

void HostWalker::WalkPort(const Directory& directory, absl::string_view name, int owner) {
  const Directory port_directory = io_.Open(directory, name);
  if (!port_directory) return;
  const Directory class_directory = io_.Open(port_directory, absl::StrCat("sas_port/", name));
  const int port = static_cast<int>(tree_.ports.size());
  tree_.ports.emplace_back();
  tree_.ports[port].os_name = PrintableText(name);
  tree_.ports[port].owner = owner;
  tree_.ports[port].phy_count = static_cast<uint8_t>(
      NumberOf(io_.Read(class_directory, Attribute::kNumPhys), UINT8_MAX).value_or(0));

  const Listing listing = io_.List(port_directory);
  JoinPhys(listing, owner, port);
  // libsas links an upward port to the parent that it leads to.
  if (!listing.Names(EntryKind::kLink, "expander-").empty() ||
      !listing.Names(EntryKind::kLink, "host").empty()) {
    tree_.ports[port].leads_to = PortLeadsTo::kParent;
    tree_.ports[port].remote =
        tree_.owners[owner].port == kNone ? kNone : tree_.ports[tree_.owners[owner].port].owner;
  }
  for (absl::string_view remote : listing.Names(EntryKind::kDirectory, "expander-")) {
    ReadExpander(port_directory, remote, port);
  }
  for (absl::string_view remote : listing.Names(EntryKind::kDirectory, "end_device-")) {
    ReadEndDevice(port_directory, remote, port);
  }
}

void HostWalker::JoinPhys(const Listing& port_folder, int owner, int port) {
  const std::vector<absl::string_view> members = port_folder.Names(EntryKind::kLink, "phy-");
  tree_.ports[port].members = absl::StrJoin(members, " ");
  for (absl::string_view member : members) {
    for (FoundPhy& phy : tree_.owners[owner].phys) {
      if (phy.facts.os_name != member) continue;
      phy.port = port;
      phy.portless = false;
    }
  }
}

// A phy with a link may name its port although no port names the phy. The tree may lack that port
// (a trimmed recording).
void HostWalker::LookForPorts(const Directory& directory, int owner, size_t first_phy) {
  std::vector<FoundPhy>& phys = tree_.owners[owner].phys;
  for (size_t i = first_phy; i < phys.size(); ++i) {
    if (!phys[i].portless || !IsLinkUp(phys[i].facts.negotiated)) continue;
    const Directory phy_directory = io_.Open(directory, phys[i].facts.os_name);
    const std::string target = io_.ReadLink(phy_directory, "port");
    phys[i].portless = target.empty();
    for (size_t port = 0; port < tree_.ports.size() && !target.empty(); ++port) {
      const FoundPort& candidate = tree_.ports[port];
      if (candidate.owner == owner && candidate.os_name == LastComponent(target)) {
        phys[i].port = static_cast<int>(port);
      }
    }
  }
}

// For each read mptsas sends a request to the firmware (mptsas.c, mptsas_get_enclosure_identifier).
// If the answer is late, it resets the HBA.
EnclosureKey HostWalker::ReadEnclosure(const Directory& sas_device) {
  if (tree_.facts.driver_name == "mptsas") return EnclosureKey(0);
  return EnclosureKey(AddressOf(io_.Read(sas_device, Attribute::kEnclosureIdentifier)).value());
}

// mpt3sas reports every end device's enclosure, until it releases the device.
SesId HostWalker::SesIdOf(const Directory& sas_device, EnclosureKey enclosure) {
  if (enclosure != EnclosureKey()) return SesId::kKnown;
  const std::string& driver = tree_.facts.driver_name;
  const bool reports = driver == "mpt3sas" || driver == "mpt2sas";
  if (!reports || !sas_device) return SesId::kNeeded;
  return io_.Read(sas_device, Attribute::kEnclosureIdentifier).empty() ? SesId::kLeaving
                                                                       : SesId::kNeeded;
}

// hpsa reports no bay_identifier, and smartpqi none for drives of an unknown enclosure.
void HostWalker::ReadPlace(const Directory& end_device, FoundDevice& found) {
  const std::string& driver = tree_.facts.driver_name;
  if ((driver != "hpsa" && driver != "smartpqi") || found.units.empty()) return;
  const std::string& name = found.units.front().facts.scsi_address;
  const Directory unit =
      io_.Open(end_device, absl::StrCat("target", name.substr(0, name.rfind(':')), "/", name));
  found.place = PathPlaceOf(io_.Read(unit, Attribute::kPathInfo));
}

void HostWalker::ReadExpander(const Directory& port_directory, absl::string_view name, int port) {
  const Directory directory = io_.Open(port_directory, name);
  if (!directory) return;
  const Directory device = io_.Open(directory, absl::StrCat("sas_device/", name));
  const Directory expander = io_.Open(directory, absl::StrCat("sas_expander/", name));
  if (!device && !expander) return;  // being added or removed
  const auto text = [&](Attribute a) { return PrintableText(io_.Read(expander, a)); };
  FoundOwner owner;
  owner.port = port;
  owner.address = AddressOf(io_.Read(device, Attribute::kSasAddress));
  owner.facts.os_name = PrintableText(name);
  owner.facts.enclosure = ReadEnclosure(device);
  owner.facts.vendor = text(Attribute::kVendorId);
  owner.facts.product = text(Attribute::kProductId);
  owner.facts.revision = text(Attribute::kProductRev);

  const int index = static_cast<int>(tree_.owners.size());
  tree_.owners.push_back(std::move(owner));
  tree_.ports[port].leads_to = PortLeadsTo::kExpander;
  tree_.ports[port].remote = index;
  ++depth_;
  WalkOwner(directory, index);
  --depth_;
}

void HostWalker::ReadEndDevice(const Directory& port_directory, absl::string_view name, int port) {
  const Directory directory = io_.Open(port_directory, name);
  if (!directory) return;
  const Directory device = io_.Open(directory, absl::StrCat("sas_device/", name));
  FoundDevice found;
  found.port = port;
  found.address = AddressOf(io_.Read(device, Attribute::kSasAddress));
  EndDeviceFacts& facts = found.facts;
  facts.os_name = PrintableText(name);
  facts.protocols.initiator = ProtocolsOf(io_.Read(device, Attribute::kInitiatorPortProtocols));
  facts.protocols.target = ProtocolsOf(io_.Read(device, Attribute::kTargetPortProtocols));
  facts.enclosure = ReadEnclosure(device);
  if (auto bay = NumberOf(io_.Read(device, Attribute::kBayIdentifier), UINT16_MAX)) {
    facts.slot = static_cast<uint16_t>(*bay);
  }
  found.units = ReadUnits(io_, sysfs_, directory, slot_links_, SesIdOf(device, facts.enclosure));
  if (!device && found.units.empty()) return;  // being added or removed
  if (found.address == SasAddress()) found.address = ReadUnitAddress(io_, directory);
  ReadPlace(directory, found);

  tree_.ports[port].leads_to = PortLeadsTo::kEndDevice;
  tree_.ports[port].remote = static_cast<int>(tree_.devices.size());
  tree_.devices.push_back(std::move(found));
}

}  // namespace sasd::sysfs
