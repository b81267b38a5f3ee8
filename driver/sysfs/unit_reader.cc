#include "driver/sysfs/unit_reader.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "driver/sysfs/attribute_text.h"
#include "driver/wire/scsi/scsi.h"

namespace sasd::sysfs {
namespace {

constexpr uint8_t kDisk = 0, kEnclosureServices = 13, kUnknownType = 31;
constexpr uint64_t kSectorSize = 512;  // of the attribute `size`, for any block size of the disk

// The name of the only folder in `path`: the device's name in that class.
std::string OnlyFolder(TreeIo& io, const Directory& directory, absl::string_view path) {
  const Listing listing = io.List(io.Open(directory, path));
  const std::vector<absl::string_view> names = listing.Names(EntryKind::kDirectory);
  return names.empty() ? "" : std::string(names.front());
}

// The kernel makes `wwid` from page 83h, whatever stands there; old kernels lack it.
void ReadWwid(TreeIo& io, const Directory& directory, LogicalUnitFacts& facts) {
  const std::string wwid = PrintableText(io.Read(directory, Attribute::kWwid));
  if (!wwid.empty() && mpi::IdentifiesUnit(wwid)) {
    facts.wwid = wwid;
    return;
  }
  facts.rejected_wwid = wwid;
  const auto designators =
      mpi::DecodeDeviceIdentification(VpdPageOf(io.Read(directory, Attribute::kVpdPage83), 0x83));
  if (designators.ok()) {
    facts.wwid = PrintableText(mpi::WorldWideId(*designators));
    if (wwid.empty()) facts.rejected_wwid = PrintableText(mpi::RejectedId(*designators));
  }
  if (facts.wwid.empty() && mpi::IsUnitSerial(facts.serial)) {
    facts.wwid = absl::StrCat("serial.", facts.serial);
  }
}

void ReadIdentity(TreeIo& io, const Directory& directory, LogicalUnitFacts& facts) {
  facts.vendor = PrintableText(io.Read(directory, Attribute::kVendor));
  facts.model = PrintableText(io.Read(directory, Attribute::kModel));
  facts.revision = PrintableText(io.Read(directory, Attribute::kRev));
  absl::StatusOr<std::string> serial =
      mpi::DecodeUnitSerialNumber(VpdPageOf(io.Read(directory, Attribute::kVpdPage80), 0x80));
  if (serial.ok()) facts.serial = PrintableText(*serial);
  ReadWwid(io, directory, facts);
}

FoundSlot ReadSlot(TreeIo& io, const Directory& component, absl::string_view name) {
  FoundSlot slot;
  slot.name = PrintableText(name);
  if (auto number = NumberOf(io.Read(component, Attribute::kSlot), UINT16_MAX)) {
    slot.number = static_cast<uint16_t>(*number);
  }
  slot.occupant = std::string(LastComponent(io.ReadLink(component, "device")));
  return slot;
}

// A component is a slot, unless its type says otherwise (drivers/misc/enclosure.c).
bool IsSlot(absl::string_view type) {
  return type.empty() || type == "device" || type == "array device";
}

std::optional<FoundEnclosure> ReadEnclosure(TreeIo& io, const Directory& directory, SesId ses_id) {
  FoundEnclosure found;
  found.os_name = OnlyFolder(io, directory, "enclosure");
  if (found.os_name.empty() || ses_id == SesId::kLeaving) return std::nullopt;
  const Directory enclosure = io.Open(directory, absl::StrCat("enclosure/", found.os_name));
  if (ses_id == SesId::kNeeded) {
    found.id = EnclosureKey(AddressOf(io.Read(enclosure, Attribute::kEnclosureId)).value());
  }
  found.components = static_cast<uint16_t>(
      NumberOf(io.Read(enclosure, Attribute::kComponents), UINT16_MAX).value_or(0));
  const Listing listing = io.List(enclosure);
  for (absl::string_view name : listing.Names(EntryKind::kDirectory)) {
    if (name == "power") continue;
    const Directory component = io.Open(enclosure, name);
    if (!IsSlot(Trimmed(io.Read(component, Attribute::kType)))) continue;
    found.slots.push_back(ReadSlot(io, component, name));
  }
  return found;
}

// The kinds that device-mapper's users put before the first '-' of a uuid.
HolderKind KindOfDm(absl::string_view uuid) {
  if (absl::StartsWith(uuid, "mpath-")) return HolderKind::kMultipath;
  if (absl::StartsWith(uuid, "LVM-")) return HolderKind::kLvm;
  if (absl::StartsWith(uuid, "CRYPT-")) return HolderKind::kCrypt;
  return HolderKind::kDeviceMapper;
}

Holder ReadHolder(TreeIo& io, const Directory& sysfs, absl::string_view name) {
  Holder holder;
  holder.block_device = holder.name = PrintableText(name);
  if (absl::StartsWith(name, "md")) holder.kind = HolderKind::kMdRaid;
  if (!absl::StartsWith(name, "dm-")) return holder;
  const Directory dm = io.Open(sysfs, absl::StrCat("devices/virtual/block/", name, "/dm"));
  holder.kind = KindOfDm(Trimmed(io.Read(dm, Attribute::kDmUuid)));
  const std::string dm_name = PrintableText(io.Read(dm, Attribute::kDmName));
  if (!dm_name.empty()) holder.name = dm_name;
  return holder;
}

// ZFS opens its disks without a holder. udev finds the pool's label on the partition.
void ReadPool(TreeIo& io, const Directory& block, std::vector<Holder>& pools) {
  if (!io.io().has_signatures()) return;
  const BlockSignature signature = io.io().SignatureOf(Trimmed(io.Read(block, Attribute::kDev)));
  if (signature.type != "zfs_member") return;
  Holder pool;
  pool.kind = HolderKind::kZfs;
  pool.name = PrintableText(signature.label);
  if (std::find(pools.begin(), pools.end(), pool) == pools.end()) pools.push_back(std::move(pool));
}

// The holders of the disk or of its partitions (bd_link_disk_holder of Linux: dm, md, bcache).
void ReadHolders(TreeIo& io, const Directory& sysfs, const Directory& block,
                 LogicalUnitFacts& facts) {
  std::vector<std::string> names;
  std::vector<Holder> pools;
  const auto add = [&](const Directory& directory) {
    const Listing listing = io.List(io.Open(directory, "holders"));
    for (absl::string_view name : listing.Names(EntryKind::kLink)) names.emplace_back(name);
    ReadPool(io, directory, pools);
  };
  add(block);
  const Listing listing = io.List(block);
  for (absl::string_view partition : listing.Names(EntryKind::kDirectory, facts.block_device)) {
    add(io.Open(block, partition));
  }
  std::sort(names.begin(), names.end(), NaturalLess);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (const std::string& name : names) facts.holders.push_back(ReadHolder(io, sysfs, name));
  for (Holder& pool : pools) facts.holders.push_back(std::move(pool));
}

void ReadBlock(TreeIo& io, const Directory& sysfs, const Directory& directory,
               LogicalUnitFacts& facts) {
  facts.block_device = OnlyFolder(io, directory, "block");
  if (facts.block_device.empty()) return;
  const Directory block = io.Open(directory, absl::StrCat("block/", facts.block_device));
  facts.size_bytes =
      NumberOf(io.Read(block, Attribute::kSize), UINT64_MAX / kSectorSize).value_or(0) *
      kSectorSize;
  ReadHolders(io, sysfs, block, facts);
}

FoundUnit ReadUnit(TreeIo& io, const Directory& sysfs, const Directory& directory,
                   absl::string_view name, uint64_t lun, SesId ses_id) {
  FoundUnit unit;
  LogicalUnitFacts& facts = unit.facts;
  facts.lun = lun;
  facts.scsi_address = std::string(name);
  ReadIdentity(io, directory, facts);
  absl::string_view handle = io.Read(directory, Attribute::kSasDeviceHandle);
  if (handle.empty()) handle = io.Read(directory, Attribute::kDeviceHandle);
  unit.handle = DevHandle(static_cast<uint16_t>(NumberOf(handle, UINT16_MAX).value_or(0)));
  unit.state_text = PrintableText(io.Read(directory, Attribute::kState));
  unit.state = DeviceStateOf(unit.state_text);
  ReadBlock(io, sysfs, directory, facts);
  facts.generic_device = PrintableText(LastComponent(io.ReadLink(directory, "generic")));
  if (facts.generic_device.empty()) {
    facts.generic_device = PrintableText(OnlyFolder(io, directory, "scsi_generic"));
  }
  const std::optional<uint64_t> type = NumberOf(io.Read(directory, Attribute::kType), kUnknownType);
  if (type.value_or(kEnclosureServices) == kEnclosureServices) {
    unit.enclosure = ReadEnclosure(io, directory, ses_id);
  }
  facts.peripheral_type = type                         ? static_cast<uint8_t>(*type)
                          : unit.enclosure             ? kEnclosureServices
                          : facts.block_device.empty() ? kUnknownType
                                                       : kDisk;
  return unit;
}

// The name of the component that holds the unit, by the link that the ses driver makes.
std::string SlotName(TreeIo& io, const Directory& directory) {
  constexpr absl::string_view kLink = "enclosure_device:";
  const Listing listing = io.List(directory);
  const auto links = listing.Names(EntryKind::kLink, kLink);
  return links.empty() ? "" : PrintableText(absl::StripPrefix(links.front(), kLink));
}

}  // namespace

std::vector<FoundUnit> ReadUnits(TreeIo& io, const Directory& sysfs, const Directory& end_device,
                                 bool with_slot_links, SesId ses_id) {
  std::vector<FoundUnit> units;
  const Listing listing = io.List(end_device);
  for (absl::string_view target_name : listing.Names(EntryKind::kDirectory, "target")) {
    const Directory target = io.Open(end_device, target_name);
    const Listing in_target = io.List(target);
    for (absl::string_view name : in_target.Names(EntryKind::kDirectory)) {
      const std::optional<uint64_t> lun = LunOfScsiName(name);
      if (!lun) continue;
      const Directory directory = io.Open(target, name);
      units.push_back(ReadUnit(io, sysfs, directory, name, *lun, ses_id));
      if (with_slot_links) units.back().slot_name = SlotName(io, directory);
    }
  }
  return units;
}

SasAddress ReadUnitAddress(TreeIo& io, const Directory& end_device) {
  const Listing listing = io.List(end_device);
  for (absl::string_view target_name : listing.Names(EntryKind::kDirectory, "target")) {
    const Directory target = io.Open(end_device, target_name);
    const Listing in_target = io.List(target);
    for (absl::string_view name : in_target.Names(EntryKind::kDirectory)) {
      const SasAddress address = AddressOf(io.Read(io.Open(target, name), Attribute::kSasAddress));
      if (address != SasAddress()) return address;
    }
  }
  return SasAddress();
}

}  // namespace sasd::sysfs
