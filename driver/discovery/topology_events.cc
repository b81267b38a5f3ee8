#include "driver/discovery/topology_events.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "driver/base/link_rate.h"
#include "driver/discovery/facts.h"
#include "driver/wire/mpi/constants.h"

namespace sasd::discovery {
namespace {

std::string LinkText(const device::NodeRef& node, PhyId phy,
                     const mpi::TopologyChangeList::Entry& entry) {
  return absl::StrCat(Describe(node->key(), phy), ": link ", ToString(entry.rate), ", was ",
                      ToString(entry.previous_rate));
}

}  // namespace

absl::StatusOr<device::NodeRef> TopologyEvents::NodeOf(const List& list, ChangeSet& changes) {
  if (list.expander_handle == DevHandle(0)) return nodes_.host();
  device::NodeRef node = nodes_.FindByHandle(list.expander_handle);
  const bool appears =
      list.status == mpi::ExpanderStatus::kAdded || list.status == mpi::ExpanderStatus::kResponding;
  if (node != nullptr || !appears) return node;
  return model_.AddExpander(list.expander_handle, changes);
}

absl::Status TopologyEvents::Handle(const Event& event, ChangeSet& changes) {
  if (event.ignore) return absl::OkStatus();
  const auto& list = std::get<List>(event.data);
  const absl::StatusOr<device::NodeRef> found = NodeOf(list, changes);
  absl::Status result = found.status();
  if (IsHostLost(result)) return result;
  const device::NodeRef node =
      found.ok() ? *found : nodes_.FindByHandle(list.expander_handle);  // added in part
  if (node == nullptr) return result;
  for (size_t i = 0; i < list.entries.size(); ++i) {
    if (event.ignore) return result;
    const size_t phy = list.start_phy.value() + i;
    if (phy >= node->phy_count()) break;
    const absl::Status status =
        HandleEntry(event, node, PhyId(static_cast<uint8_t>(phy)), list.entries[i], changes);
    if (IsHostLost(status)) return status;
    result.Update(status);
  }
  if (list.status == mpi::ExpanderStatus::kDelayNotResponding) BlockBeneath(node, changes);
  if (list.status == mpi::ExpanderStatus::kNotResponding) {
    result.Update(ExpanderNotResponding(event, node, changes));
  }
  return result;
}

// As for one device: those that a page has added or unblocked since the event arrived.
void TopologyEvents::BlockBeneath(const device::NodeRef& node, ChangeSet& changes) {
  for (const device::DeviceRef& child : devices_.ChildrenOf(node->key())) {
    if (devices_.Block(*child)) changes.Touch(child);
  }
  for (const device::NodeRef& child : nodes_.ExpandersOf(node->key())) {
    BlockBeneath(child, changes);
  }
}

absl::Status TopologyEvents::HandleEntry(const Event& event, const device::NodeRef& node, PhyId phy,
                                         const List::Entry& entry, ChangeSet& changes) {
  if (entry.vacant && entry.reason != mpi::PhyReason::kTargetNotResponding) return absl::OkStatus();
  switch (entry.reason) {
    case mpi::PhyReason::kTargetAdded:
      return Appeared(node, phy, entry, changes);
    case mpi::PhyReason::kTargetNotResponding:
      return NotResponding(event, node, phy, entry, changes);
    case mpi::PhyReason::kPhyChanged: {
      if (entry.rate != entry.previous_rate) {
        changes.Describe([&] { return LinkText(node, phy, entry); });
      }
      if (IsLinkUp(entry.rate) && entry.attached_handle != DevHandle(0)) {
        return Appeared(node, phy, entry, changes);
      }
      absl::Status linked =
          model_.UpdateLink(node, phy, entry.attached_handle, entry.rate, changes);
      // The page of an expander's phy says whether anything is at a link without a handle. A
      // removal that leaves such a link (NotResponding()) waits for no page.
      if (linked.ok() && IsLinkUp(entry.rate) && !node->key().is_host()) {
        linked = model_.RefreshPhy(node, phy, changes);
      }
      return linked;
    }
    case mpi::PhyReason::kDelayNotResponding:
      // The device was blocked on arrival, if it was known then. A page that was read before may
      // have added or unblocked it since. The link itself is down.
      if (IsAt(node, phy, entry.attached_handle)) {
        const device::DeviceRef device = devices_.FindByHandle(entry.attached_handle);
        if (device != nullptr && devices_.Block(*device)) changes.Touch(device);
      }
      changes.Describe([&] { return Describe(node->key(), phy) + ": delay not responding"; });
      if (entry.rate == entry.previous_rate) return absl::OkStatus();
      return model_.UpdateLink(node, phy, entry.attached_handle, entry.rate, changes);
    case mpi::PhyReason::kNoChange:
      break;
  }
  return absl::OkStatus();
}

// A link is up and leads to something. Reads a page only if the tables do not know the device
// there, or if the device was in trouble, its handle was given back, or the link was down: a
// returning device may be in trouble.
absl::Status TopologyEvents::Appeared(const device::NodeRef& node, PhyId phy,
                                      const List::Entry& entry, ChangeSet& changes) {
  const DevHandle handle = entry.attached_handle;
  const absl::Status linked = model_.UpdateLink(node, phy, handle, entry.rate, changes);
  if (!linked.ok() && IsHostLost(linked)) return linked;
  if (handle == DevHandle(0) || LeadsToNode(node, handle)) return linked;
  // The expander has its own event, also if this is another lane to it.
  for (const PhyId lane : nodes_.PhysWithHandle(*node, handle)) {
    const device::PhyRecord record = nodes_.Phy(*node, lane);
    if (record.attached_is_expander && record.attached == SasAddress(0)) return linked;
  }
  if (const device::DeviceRef device = devices_.FindByHandle(handle)) {
    const device::DeviceView view = devices_.View(*device);
    const bool in_trouble =
        view.state == device::LifeState::kBlocked || view.state == device::LifeState::kFailed;
    // Also if it returned at the same rate.
    const bool was_down = entry.reason == mpi::PhyReason::kPhyChanged &&
                          (!IsLinkUp(entry.previous_rate) || entry.rate == entry.previous_rate);
    if (!in_trouble && !was_down && !view.given_back && IsAt(node, phy, handle)) {
      devices_.Retry(*device);  // its attach may have an answer from before
      return linked;
    }
  }
  absl::Status added = model_.AddDevice(handle, changes);
  added.Update(linked);
  if (!added.ok() || nodes_.Phy(*node, phy).attached_is_expander) return added;
  // The firmware no longer has it there: the event is older than the page.
  if (!IsAt(node, phy, handle)) return model_.RefreshPhy(node, phy, changes);
  // The link led to an earlier life of it that this one has ended.
  return model_.UpdateLink(node, phy, handle, entry.rate, changes);
}

bool TopologyEvents::IsAt(const device::NodeRef& node, PhyId phy, DevHandle handle) const {
  const device::DeviceRef device = devices_.FindByHandle(handle);
  if (device == nullptr) return false;
  const device::DeviceInfo info = devices_.View(*device).info;
  return info.parent == node->key() && info.parent_phy == phy;
}

// A handle that the tables have for a node elsewhere stands for something else now: that node has
// gone, and the event about that follows.
bool TopologyEvents::LeadsToNode(const device::NodeRef& node, DevHandle handle) const {
  const device::NodeRef peer = nodes_.FindByHandle(handle);
  if (peer == nullptr) return false;
  if (peer->key().is_host() || nodes_.View(*peer).parent == node->key()) return true;
  return !node->key().is_host() && nodes_.View(*node).parent == peer->key();
}

absl::Status TopologyEvents::NotResponding(const Event& event, const device::NodeRef& node,
                                           PhyId phy, const List::Entry& entry,
                                           ChangeSet& changes) {
  const DevHandle handle = entry.attached_handle;
  const device::DeviceRef device = devices_.FindByHandle(handle);
  if (device != nullptr) {
    const device::DeviceView view = devices_.View(*device);
    const device::DeviceInfo& info = view.info;
    // If the handle is in use for something else already, its page was read too early.
    const bool elsewhere = !IsAt(node, phy, handle);
    absl::StatusOr<bool> stale = false;  // also if its handle was given back
    if (!view.given_back && (elsewhere || MayBeStale(event))) {
      stale = model_.IsPresent(handle, info.key.address, info.device_name);
    }
    if (!stale.ok()) return stale.status();
    if (*stale) {
      // The new owner of the handle may be elsewhere: the phy shows what is there.
      RemoveSuperseded(node, phy, changes);
      return model_.RefreshPhy(node, phy, changes);
    }
    model_.RemoveDevice(device, changes);
    changes.Describe([&] {
      return absl::StrCat(
          Describe(node->key(), phy), ": end device ", ToHex(info.key.address), " not responding",
          info.enclosure_handle == EnclosureHandle(0) ? "" : absl::StrCat(", slot ", info.slot));
    });
  } else if (const device::NodeRef expander = nodes_.FindByHandle(handle)) {
    const absl::Status removed = ExpanderNotResponding(event, expander, changes);
    if (!removed.ok()) return removed;
  }
  RemoveSuperseded(node, phy, changes);
  // Another device is there already, if its event came first.
  const DevHandle there = nodes_.Phy(*node, phy).attached_handle;
  if (there != DevHandle(0) && there != handle) return model_.RefreshPhy(node, phy, changes);
  return model_.UpdateLink(node, phy, DevHandle(0), entry.rate, changes);
}

// A device whose handle another one has taken over is gone from its phy. The handle in the event no
// longer leads to it.
void TopologyEvents::RemoveSuperseded(const device::NodeRef& node, PhyId phy, ChangeSet& changes) {
  for (const device::DeviceRef& device : devices_.ChildrenOf(node->key())) {
    const device::DeviceInfo info = devices_.View(*device).info;
    if (info.parent_phy != phy || info.handle != DevHandle(0)) continue;
    model_.RemoveDevice(device, changes);
    changes.Describe([&] { return Describe(info) + " not responding"; });
  }
}

absl::Status TopologyEvents::ExpanderNotResponding(const Event& event, const device::NodeRef& node,
                                                   ChangeSet& changes) {
  if (node->key().is_host()) return absl::OkStatus();
  const DevHandle handle = nodes_.View(*node).handle;
  if (MayBeStale(event)) {
    const absl::StatusOr<bool> present = model_.IsPresent(handle, node->key().address);
    if (!present.ok()) return present.status();
    if (*present) return StartAnew(node, changes);
  }
  model_.RemoveExpander(node, changes);
  changes.DescribeFirst(Describe(node->key()) + " not responding");
  return absl::OkStatus();
}

// The expander is back already, under the handle of its earlier life. Its pages are read again, and
// devices to which its phys no longer lead have gone with that life. Its events may be marked
// "ignore".
absl::Status TopologyEvents::StartAnew(const device::NodeRef& node, ChangeSet& changes) {
  const auto known = model_.AddExpander(nodes_.View(*node).handle, changes);
  if (!known.ok()) return known.status();
  if (absl::Status read = model_.ReadPhys(node, changes); !read.ok()) return read;
  const auto leads_to = [&](DevHandle handle) {
    return handle != DevHandle(0) && !nodes_.PhysWithHandle(*node, handle).empty();
  };
  for (const device::NodeRef& child : nodes_.ExpandersOf(node->key())) {
    if (!leads_to(nodes_.View(*child).handle)) model_.RemoveExpander(child, changes);
  }
  for (const device::DeviceRef& child : devices_.ChildrenOf(node->key())) {
    const device::DeviceInfo info = devices_.View(*child).info;
    const bool there = nodes_.Phy(*node, info.parent_phy).attached_handle == info.handle;
    if (!there || !leads_to(info.handle)) model_.RemoveDevice(child, changes);
  }
  return absl::OkStatus();
}

}  // namespace sasd::discovery
