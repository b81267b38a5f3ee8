#include "driver/discovery/topology_model.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/discovery/facts.h"
#include "driver/wire/mpi/constants.h"
#include "driver/wire/mpi/pages.h"

namespace sasd::discovery {
namespace {

// The deepest valid cascade of expanders; more is a loop in the firmware's data.
constexpr int kMaxDepth = 32;

// A device may have no name (0).
bool IsSameName(SasAddress a, SasAddress b) {
  return a == b || a == SasAddress(0) || b == SasAddress(0);
}

// The same place with the same object in it.
bool IsSame(const device::DeviceInfo& a, const device::DeviceInfo& b) {
  return a.enclosure == b.enclosure && a.slot == b.slot && IsSameName(a.device_name, b.device_name);
}

}  // namespace

SasAddress TopologyModel::AddressAt(const device::NodeRef& node, DevHandle handle) const {
  if (handle == DevHandle(0)) return SasAddress(0);
  if (const device::NodeRef peer = nodes_.FindByHandle(handle)) return peer->key().address;
  const device::DeviceRef device = devices_.FindByHandle(handle);
  // A node elsewhere had the handle before; its removal follows.
  if (device == nullptr || devices_.View(*device).info.parent != node->key()) return SasAddress(0);
  return device->key().address;
}

// Phys.

void TopologyModel::SetPhy(const device::NodeRef& node, PhyId phy, const device::PhyRecord& record,
                           ChangeSet& changes) {
  if (nodes_.SetPhy(*node, phy, record)) changes.Touch(node, phy);
}

absl::StatusOr<device::PhyRecord> TopologyModel::ReadPhy(const device::NodeRef& node, PhyId phy) {
  device::PhyRecord record;
  if (node->key().is_host()) {
    const auto page = pages_.SasPhy0(phy);
    if (!page.ok()) return page.status();
    record = PhyRecordFrom(*page);
  } else {
    const auto page = pages_.Expander1(nodes_.View(*node).handle, phy);
    if (!page.ok()) return page.status();
    record = PhyRecordFrom(*page);
  }
  const device::NodeRef peer = nodes_.FindByHandle(record.attached_handle);
  // The handle of an expander whose removal follows may belong to a device by now. An expander's
  // page says what is attached; the host's does not.
  const bool reused = peer != nullptr && !peer->key().is_host() && !node->key().is_host() &&
                      !record.attached_is_expander;
  if (!reused) record.attached = AddressAt(node, record.attached_handle);
  if (peer != nullptr && !reused) record.attached_is_expander = true;
  // The number of an end device's own phy is not kept.
  if (!record.attached_is_expander) record.attached_phy.reset();
  return record;
}

absl::Status TopologyModel::ReadPhys(const device::NodeRef& node, ChangeSet& changes) {
  absl::Status first_error;
  for (size_t i = 0; i < node->phy_count(); ++i) {
    const PhyId phy(static_cast<uint8_t>(i));
    const absl::StatusOr<device::PhyRecord> record = ReadPhy(node, phy);
    if (record.ok()) {
      SetPhy(node, phy, *record, changes);
      UpdatePeer(node, phy, *record, changes);
      continue;
    }
    if (absl::IsNotFound(record.status())) break;  // it has gone; an event will say so
    if (IsHostLost(record.status())) return record.status();
    first_error.Update(record.status());
  }
  return first_error;
}

void TopologyModel::UpdatePeer(const device::NodeRef& node, PhyId phy,
                               const device::PhyRecord& record, ChangeSet& changes) {
  if (!record.attached_phy.has_value()) return;
  const device::NodeRef peer = nodes_.FindByHandle(record.attached_handle);
  if (peer == nullptr || record.attached_phy->value() >= peer->phy_count()) return;
  device::PhyRecord other = nodes_.Phy(*peer, *record.attached_phy);
  if (nodes_.FindByHandle(other.attached_handle) != node) return;
  other.attached = node->key().address;
  other.attached_phy = phy;
  other.attached_is_expander = true;
  SetPhy(peer, *record.attached_phy, other, changes);
}

void TopologyModel::Attach(const NodeKey& parent, DevHandle handle, const NodeKey& attached,
                           ChangeSet& changes) {
  const device::NodeRef node = nodes_.Find(parent);
  if (node == nullptr) return;
  for (const PhyId phy : nodes_.PhysWithHandle(*node, handle)) {
    device::PhyRecord record = nodes_.Phy(*node, phy);
    record.attached = attached.address;
    record.attached_is_expander = nodes_.Find(attached) != nullptr;
    if (!record.attached_is_expander) record.attached_phy.reset();
    SetPhy(node, phy, record, changes);
  }
}

void TopologyModel::Detach(const NodeKey& parent, SasAddress address, ChangeSet& changes) {
  const device::NodeRef node = nodes_.Find(parent);
  if (node == nullptr) return;
  for (const PhyId phy : nodes_.PhysAttachedTo(*node, address)) {
    device::PhyRecord record = nodes_.Phy(*node, phy);
    record.attached = SasAddress(0);
    record.attached_handle = DevHandle(0);
    record.attached_phy.reset();
    record.attached_is_expander = false;
    SetPhy(node, phy, record, changes);
  }
}

absl::Status TopologyModel::UpdateLink(const device::NodeRef& node, PhyId phy, DevHandle handle,
                                       LinkRate rate, ChangeSet& changes) {
  device::PhyRecord record = nodes_.Phy(*node, phy);
  const bool same = IsLinkUp(rate) && handle != DevHandle(0) && handle == record.attached_handle;
  record.negotiated = rate;
  if (!same) {
    record.attached_handle = IsLinkUp(rate) ? handle : DevHandle(0);
    record.attached = AddressAt(node, record.attached_handle);
    record.attached_phy.reset();
    record.attached_is_expander = nodes_.FindByHandle(record.attached_handle) != nullptr;
    // The page of a host's phy would say no more.
    record.nothing_attached = node->key().is_host() && IsLinkUp(rate) && handle == DevHandle(0);
  }
  SetPhy(node, phy, record, changes);
  if (same || !record.attached_is_expander) return absl::OkStatus();
  return RefreshPhy(node, phy, changes);
}

absl::Status TopologyModel::RefreshPhy(const device::NodeRef& node, PhyId phy, ChangeSet& changes) {
  const absl::StatusOr<device::PhyRecord> read = ReadPhy(node, phy);
  if (absl::IsNotFound(read.status())) return absl::OkStatus();
  if (!read.ok()) return read.status();
  SetPhy(node, phy, *read, changes);
  UpdatePeer(node, phy, *read, changes);
  return absl::OkStatus();
}

void TopologyModel::ResolvePhys(const device::NodeRef& node, ChangeSet& changes) {
  for (size_t i = 0; i < node->phy_count(); ++i) {
    const PhyId phy(static_cast<uint8_t>(i));
    device::PhyRecord record = nodes_.Phy(*node, phy);
    if (record.attached_handle == DevHandle(0)) continue;
    record.attached = AddressAt(node, record.attached_handle);
    record.attached_is_expander = nodes_.FindByHandle(record.attached_handle) != nullptr;
    SetPhy(node, phy, record, changes);
    UpdatePeer(node, phy, record, changes);
  }
}

// Expanders.

absl::StatusOr<device::NodeRef> TopologyModel::AddExpander(DevHandle handle, ChangeSet& changes) {
  return AddExpander(handle, 0, changes);
}

absl::StatusOr<device::NodeRef> TopologyModel::AddExpander(DevHandle handle, int depth,
                                                           ChangeSet& changes) {
  if (depth > kMaxDepth) {
    return absl::InternalError(
        absl::StrFormat("expander 0x%04x is its own ancestor", handle.value()));
  }
  const auto page = pages_.Expander0(mpi::page_address::Expander(handle));
  if (absl::IsNotFound(page.status())) return nullptr;
  if (!page.ok()) return page.status();
  if (nodes_.FindByHandle(page->parent_handle) == nullptr) {
    const auto parent = AddExpander(page->parent_handle, depth + 1, changes);
    if (!parent.ok() || *parent == nullptr) return parent;
  }
  // Between two handles it was away; the event about that does not lead to it any more.
  std::vector<DevHandle> stale;
  if (const device::NodeRef known = nodes_.Find(KeyOf(host(), *page))) {
    const DevHandle before = nodes_.View(*known).handle;
    if (before != DevHandle(0) && before != page->handle) {
      CollectHandles(known, stale);
      RemoveExpander(known, changes);
    }
  }
  absl::StatusOr<device::NodeRef> added = PutExpander(*page, changes);
  if (IsHostLost(added.status())) return added;
  if (const absl::Status looked = GiveBackUnused(stale); !looked.ok() && added.ok()) return looked;
  return added;
}

// The handles of the expander and of everything beneath it, the nearest last.
void TopologyModel::CollectHandles(const device::NodeRef& node, std::vector<DevHandle>& handles) {
  for (const device::NodeRef& child : nodes_.ExpandersOf(node->key())) {
    CollectHandles(child, handles);
  }
  for (const device::DeviceRef& child : devices_.ChildrenOf(node->key())) {
    handles.push_back(devices_.View(*child).info.handle);
  }
  handles.push_back(nodes_.View(*node).handle);
}

// Nobody has reported the end of these handles. Those that the firmware uses for a device that is
// there stay as they are: an event about it has come or follows.
absl::Status TopologyModel::GiveBackUnused(const std::vector<DevHandle>& handles) {
  absl::Status first_error;
  for (const DevHandle handle : handles) {
    if (handle == DevHandle(0) || IsKnown(handle)) continue;
    const auto page = pages_.SasDevice0(mpi::page_address::Device(handle));
    if (!page.ok() && !absl::IsNotFound(page.status())) {
      if (IsHostLost(page.status())) return page.status();
      first_error.Update(page.status());
      continue;
    }
    const bool is_used = page.ok() && (page->flags & mpi::device_flags::kPresent) != 0;
    if (!is_used) GiveBack(handle);
  }
  return first_error;
}

absl::Status TopologyModel::NameExpander(PhysicalPort port, device::ExpanderInfo& info) {
  const auto names = pages_.ReportManufacturer(info.key.address, port);
  // An expander may have none to report.
  if (absl::IsNotFound(names.status())) return absl::OkStatus();
  if (!names.ok()) return names.status();
  info.vendor = names->vendor;
  info.product = names->product;
  info.revision = names->revision;
  return absl::OkStatus();
}

// Pages that were read at different times may put any object above any other, or above itself.
bool TopologyModel::IsAbove(const NodeKey& key, device::NodeRef node) const {
  while (node != nullptr && !node->key().is_host() && node->key() != key) {
    node = nodes_.Find(nodes_.View(*node).parent);
  }
  return node != nullptr && node->key() == key;
}

absl::StatusOr<device::NodeRef> TopologyModel::PutExpander(const mpi::ExpanderPage0& page,
                                                           ChangeSet& changes) {
  if (page.handle > max_handle_) {
    return absl::OutOfRangeError(
        absl::StrFormat("expander handle 0x%04x exceeds MaxDevHandle 0x%04x", page.handle.value(),
                        max_handle_.value()));
  }
  const device::NodeRef parent = nodes_.FindByHandle(page.parent_handle);
  if (parent == nullptr || IsAbove(KeyOf(host(), page), parent)) {
    return absl::NotFoundError(absl::StrFormat("expander %s: parent handle 0x%04x is not known",
                                               ToHex(page.address), page.parent_handle.value()));
  }
  const absl::StatusOr<EnclosureKey> enclosure = EnclosureOf(page.enclosure_handle, changes);
  if (!enclosure.ok()) return enclosure.status();
  const NodeKey key = KeyOf(host(), page);
  const device::NodeRef known = nodes_.Find(key);
  device::ExpanderInfo info;
  if (known != nullptr) info = nodes_.View(*known);
  info.key = key;
  info.parent = parent->key();
  info.handle = page.handle;
  info.enclosure = *enclosure;
  info.enclosure_handle = page.enclosure_handle;
  info.level = page.sas_level;
  devices_.HandleIsReused(info.handle);  // its end, if one is reported, is not the earlier one
  if (known == nullptr) return AddNewExpander(page, std::move(info), changes);
  absl::Status named;
  if (info.vendor.empty() && info.product.empty()) named = NameExpander(page.port, info);
  const DevHandle old_handle = nodes_.View(*known).handle;
  if (nodes_.UpdateExpander(*known, info)) changes.Touch(known);
  GiveBack(old_handle);
  if (!named.ok()) return named;
  return known;
}

absl::StatusOr<device::NodeRef> TopologyModel::AddNewExpander(const mpi::ExpanderPage0& page,
                                                              device::ExpanderInfo info,
                                                              ChangeSet& changes) {
  const absl::Status named = NameExpander(page.port, info);
  if (IsHostLost(named)) return named;
  absl::StatusOr<device::NodeRef> node = nodes_.AddExpander(info, page.phy_count);
  if (!node.ok()) return node;
  changes.Touch(*node);
  changes.Describe([&] { return sasd::discovery::Describe(info.key) + " added"; });
  Attach(info.parent, info.handle, info.key, changes);
  absl::Status read = ReadPhys(*node, changes);
  read.Update(named);
  if (!read.ok()) return read;
  return node;
}

void TopologyModel::RemoveExpander(const device::NodeRef& node, ChangeSet& changes) {
  // Removed from the table first: no page can lead back to it here.
  const device::ExpanderInfo info = nodes_.View(*node);
  if (node->key().is_host() || !nodes_.RemoveExpander(*node)) return;
  for (const device::NodeRef& child : nodes_.ExpandersOf(node->key())) {
    RemoveExpander(child, changes);
  }
  for (const device::DeviceRef& child : devices_.ChildrenOf(node->key())) {
    RemoveDevice(child, changes);
  }
  changes.Gone(node);
  Detach(info.parent, node->key().address, changes);
}

// End devices.

absl::StatusOr<bool> TopologyModel::IsPresent(DevHandle handle, SasAddress address,
                                              SasAddress name) {
  const auto page = pages_.SasDevice0(mpi::page_address::Device(handle));
  if (absl::IsNotFound(page.status())) return false;
  if (!page.ok()) return page.status();
  return (page->flags & mpi::device_flags::kPresent) != 0 && page->address == address &&
         IsSameName(page->device_name, name);
}

absl::Status TopologyModel::AddDevice(DevHandle handle, ChangeSet& changes) {
  const uint64_t as_of = devices_.handshakes();
  const auto page = pages_.SasDevice0(mpi::page_address::Device(handle));
  if (absl::IsNotFound(page.status())) return absl::OkStatus();
  if (!page.ok()) return page.status();
  return PutDevice(*page, as_of, changes).status();
}

// A phy of its parent leads to an expander, which has its own event.
void TopologyModel::NoteExpander(const mpi::SasDevicePage0& page, ChangeSet& changes) {
  const device::NodeRef parent = nodes_.FindByHandle(page.parent_handle);
  if (parent == nullptr) return;
  for (const PhyId phy : nodes_.PhysWithHandle(*parent, page.handle)) {
    device::PhyRecord record = nodes_.Phy(*parent, phy);
    record.attached_is_expander = true;
    SetPhy(parent, phy, record, changes);
  }
}

absl::StatusOr<device::DeviceInfo> TopologyModel::Complete(const mpi::SasDevicePage0& page,
                                                           ChangeSet& changes) {
  device::NodeRef parent = nodes_.FindByHandle(page.parent_handle);
  if (parent == nullptr) {
    const auto added = AddExpander(page.parent_handle, changes);
    if (!added.ok()) return added.status();
    if (*added == nullptr) return absl::NotFoundError("its parent has gone");
    parent = *added;
  }
  const absl::StatusOr<EnclosureKey> enclosure = EnclosureOf(page.enclosure_handle, changes);
  if (!enclosure.ok()) return enclosure.status();
  device::DeviceInfo info = DeviceInfoFrom(host(), page);
  info.parent = parent->key();
  info.enclosure = *enclosure;
  return info;
}

absl::StatusOr<device::DeviceRef> TopologyModel::PutDevice(const mpi::SasDevicePage0& page,
                                                           uint64_t as_of, ChangeSet& changes) {
  if ((page.flags & mpi::device_flags::kPresent) == 0) return nullptr;
  if (IsExpander(page.device_info)) NoteExpander(page, changes);
  if (!IsEndDevice(page.device_info)) return nullptr;
  if (page.handle > max_handle_) {
    return absl::OutOfRangeError(absl::StrFormat("device handle 0x%04x exceeds MaxDevHandle 0x%04x",
                                                 page.handle.value(), max_handle_.value()));
  }
  const absl::StatusOr<device::DeviceInfo> info = Complete(page, changes);
  if (absl::IsNotFound(info.status())) return nullptr;
  if (!info.ok()) return info.status();
  device::DeviceRef device = devices_.Find(info->key);
  DevHandle old_handle(0);
  if (device != nullptr) {
    const device::DeviceView known = devices_.View(*device);
    old_handle = known.info.handle;
    // A device whose removal was reported is not the one that is there now.
    if (known.given_back || !IsSame(known.info, *info)) {
      RemoveDevice(device, changes);
      device = nullptr;
    }
  }
  if (device != nullptr) {
    MendDevice(device, *info, as_of, changes);
  } else {
    const std::string failure = AccessFailure(page.access_status);
    const auto added = devices_.Add(*info, failure, as_of);
    if (!added.ok()) return nullptr;
    device = *added;
    changes.Touch(device);
    changes.Describe([&] {
      return absl::StrCat(sasd::discovery::Describe(info->parent, info->parent_phy), ": ",
                          sasd::discovery::Describe(*info),
                          failure.empty() ? " added" : " failed: " + failure);
    });
  }
  GiveBack(old_handle);
  Attach(info->parent, info->handle, info->key, changes);
  return device;
}

void TopologyModel::GiveBack(DevHandle handle) {
  if (handle == DevHandle(0) || IsKnown(handle)) return;
  on_stale_handle_(handle);
}

bool TopologyModel::IsKnown(DevHandle handle) const {
  return nodes_.FindByHandle(handle) != nullptr || devices_.FindByHandle(handle) != nullptr;
}

void TopologyModel::MendDevice(const device::DeviceRef& device, const device::DeviceInfo& info,
                               uint64_t as_of, ChangeSet& changes) {
  bool changed = devices_.Update(*device, info, as_of);
  const std::string failure = AccessFailure(info.access_status);
  if (!failure.empty()) {
    changed |= devices_.Fail(*device, failure);
  } else {
    changed |= devices_.Unblock(*device);
    changed |= devices_.Retry(*device);
  }
  if (!changed) return;
  changes.Touch(device);
  changes.Describe([&] { return sasd::discovery::Describe(info) + " changed"; });
}

void TopologyModel::RemoveDevice(const device::DeviceRef& device, ChangeSet& changes) {
  const device::DeviceInfo info = devices_.View(*device).info;
  if (!devices_.BeginRemoval(*device)) return;
  if (!devices_.FinishRemoval(*device)) return;
  changes.Gone(device);
  Detach(info.parent, info.key.address, changes);
}

// Enclosures.

absl::StatusOr<EnclosureKey> TopologyModel::EnclosureOf(EnclosureHandle handle,
                                                        ChangeSet& changes) {
  if (handle == EnclosureHandle(0)) return EnclosureKey(0);
  device::EnclosureRef enclosure = nodes_.FindEnclosure(handle);
  if (enclosure == nullptr) {
    if (absl::Status added = AddEnclosure(handle, changes); !added.ok()) return added;
    enclosure = nodes_.FindEnclosure(handle);
  }
  return enclosure == nullptr ? EnclosureKey(0) : enclosure->key();
}

absl::Status TopologyModel::AddEnclosure(EnclosureHandle handle, ChangeSet& changes) {
  if (nodes_.FindEnclosure(handle) != nullptr) return absl::OkStatus();
  const auto page = pages_.Enclosure0(mpi::page_address::Enclosure(handle));
  if (absl::IsNotFound(page.status())) return absl::OkStatus();
  if (!page.ok()) return page.status();
  PutEnclosure(*page, changes);
  return absl::OkStatus();
}

void TopologyModel::PutEnclosure(const mpi::EnclosurePage0& page, ChangeSet& changes) {
  bool changed = false;
  const device::EnclosureRef enclosure = nodes_.PutEnclosure(EnclosureInfoFrom(page), changed);
  if (!changed) return;
  changes.Touch(enclosure);
  changes.Describe([&] { return "enclosure " + ToHex(page.logical_id); });
}

bool TopologyModel::HasMembers(EnclosureHandle enclosure) const {
  for (const device::NodeRef& node : nodes_.Expanders()) {
    if (nodes_.View(*node).enclosure_handle == enclosure) return true;
  }
  return devices_.HasEnclosure(enclosure);
}

void TopologyModel::RemoveEnclosure(EnclosureHandle handle, ChangeSet& changes) {
  const device::EnclosureRef enclosure = nodes_.RemoveEnclosure(handle);
  if (enclosure == nullptr) return;
  changes.Gone(enclosure);
  changes.Describe(
      [&] { return absl::StrFormat("enclosure %016x not responding", enclosure->key().value()); });
}

}  // namespace sasd::discovery
