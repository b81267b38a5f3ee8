#include "driver/device/device_table.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/strings/str_cat.h"

namespace sasd::device {
namespace {

constexpr bool IsEnding(LifeState state) {
  return state == LifeState::kRemoving || state == LifeState::kGone;
}

// The arrows of the diagram in device.h.
bool Allowed(LifeState from, LifeState to) {
  switch (to) {
    case LifeState::kDiscovered:
      return from == LifeState::kAttaching || from == LifeState::kFailed ||
             from == LifeState::kBlocked;
    case LifeState::kAttaching:
      return from == LifeState::kDiscovered;
    case LifeState::kAttached:
      return from == LifeState::kAttaching || from == LifeState::kBlocked;
    case LifeState::kBlocked:
      return from == LifeState::kAttached || from == LifeState::kDiscovered;
    case LifeState::kFailed:
      return !IsEnding(from) && from != LifeState::kFailed;
    case LifeState::kRemoving:
      return !IsEnding(from);
    case LifeState::kGone:
      return from == LifeState::kRemoving;
  }
  return false;
}

bool ByPlace(const std::pair<PhyId, DeviceRef>& a, const std::pair<PhyId, DeviceRef>& b) {
  return a.first != b.first ? a.first < b.first : a.second->key() < b.second->key();
}

void SortByKey(std::vector<DeviceRef>& devices) {
  std::sort(devices.begin(), devices.end(),
            [](const DeviceRef& a, const DeviceRef& b) { return a->key() < b->key(); });
}

}  // namespace

absl::string_view ToString(LifeState state) {
  switch (state) {
    case LifeState::kDiscovered:
      return "discovered";
    case LifeState::kAttaching:
      return "attaching";
    case LifeState::kAttached:
      return "attached";
    case LifeState::kBlocked:
      return "blocked";
    case LifeState::kRemoving:
      return "removing";
    case LifeState::kGone:
      return "gone";
    case LifeState::kFailed:
      return "failed";
  }
  return "?";
}

DeviceRef DeviceTable::Find(const NodeKey& key) const {
  absl::MutexLock lock(&mu_);
  const auto it = devices_.find(key);
  return it == devices_.end() ? nullptr : *it;
}

DeviceRef DeviceTable::FindByHandle(DevHandle handle) const {
  absl::MutexLock lock(&mu_);
  const auto it = by_handle_.find(handle);
  return it == by_handle_.end() ? nullptr : it->second;
}

DeviceRef DeviceTable::FindBySlot(const SlotKey& slot) const {
  absl::MutexLock lock(&mu_);
  DeviceRef first;
  for (const DeviceRef& device : devices_) {
    const DeviceInfo& info = device->info_;
    if (info.enclosure != slot.enclosure || info.slot != slot.slot) continue;
    if (first == nullptr || device->key() < first->key()) first = device;
  }
  return first;
}

bool DeviceTable::HasEnclosure(EnclosureHandle enclosure) const {
  absl::MutexLock lock(&mu_);
  return std::any_of(devices_.begin(), devices_.end(), [enclosure](const DeviceRef& device) {
    return device->info_.enclosure_handle == enclosure;
  });
}

std::vector<DeviceRef> DeviceTable::ChildrenOf(const NodeKey& parent) const {
  std::vector<std::pair<PhyId, DeviceRef>> children;
  {
    absl::MutexLock lock(&mu_);
    const auto it = children_.find(parent);
    if (it == children_.end()) return {};
    for (const Device* child : it->second) {
      children.emplace_back(child->info_.parent_phy, RefTo(*child));
    }
  }
  std::sort(children.begin(), children.end(), ByPlace);
  std::vector<DeviceRef> sorted;
  for (auto& child : children) sorted.push_back(std::move(child.second));
  return sorted;
}

DeviceView DeviceTable::View(const Device& device) const {
  absl::MutexLock lock(&mu_);
  return ViewLocked(device);
}

DeviceView DeviceTable::ViewLocked(const Device& device) const {
  return {device.info_, device.state_, device.busy_, device.given_back_,
          device.failure_ == nullptr ? "" : *device.failure_};
}

DeviceRef DeviceTable::RefTo(const Device& device) const {
  const auto it = devices_.find(device.key());
  return it != devices_.end() && it->get() == &device ? *it : nullptr;
}

uint64_t DeviceTable::handshakes() const {
  absl::MutexLock lock(&mu_);
  return handshakes_;
}

absl::StatusOr<DeviceRef> DeviceTable::Add(const DeviceInfo& info, std::string failure,
                                           uint64_t as_of) {
  auto device = std::make_shared<Device>(live_, info);
  absl::MutexLock lock(&mu_);
  if (!devices_.insert(device).second) {
    return absl::AlreadyExistsError(
        absl::StrCat("end device ", ToHex(info.key.address), " exists already"));
  }
  if (!failure.empty()) {
    device->state_ = LifeState::kFailed;
    device->failure_ = std::make_unique<std::string>(std::move(failure));
  }
  children_[info.parent].insert(device.get());
  IndexHandle(device);
  TakeHandle(*device, as_of);
  Link(*device);
  return device;
}

DeviceView DeviceTable::SetReported(Device& device) {
  absl::MutexLock lock(&mu_);
  if (!IsEnding(device.state_)) device.reported_ = true;
  if (Waits(device)) waiting_.emplace(device.due_, device.order_);
  return ViewLocked(device);
}

bool DeviceTable::IsReported(const Device& device) const {
  absl::MutexLock lock(&mu_);
  return device.reported_;
}

bool DeviceTable::Update(Device& device, const DeviceInfo& info, uint64_t as_of) {
  absl::MutexLock lock(&mu_);
  const DeviceRef self = RefTo(device);
  if (IsEnding(device.state_) || self == nullptr) return false;
  const auto indexed = by_handle_.find(info.handle);
  const bool handle_known = indexed != by_handle_.end() && indexed->second == self;
  if (info == device.info_ && handle_known) return false;
  const bool changed = info != device.info_;
  if (!handle_known) {
    UnindexHandle(device);
    ++device.handle_life_;
    device.given_back_ = device.reused_ = false;
  }
  if (info.parent != device.info_.parent) {
    children_[device.info_.parent].erase(&device);
    children_[info.parent].insert(&device);
  }
  device.info_ = info;
  if (!handle_known) {
    IndexHandle(self);
    TakeHandle(device, as_of);
  }
  if (Waits(device)) waiting_.emplace(device.due_, device.order_);
  return changed;
}

std::optional<DeviceTable::AttachTicket> DeviceTable::TakeForAttach(absl::Duration now) {
  absl::MutexLock lock(&mu_);
  if (attach_paused_ || waiting_.empty() || waiting_.begin()->first > now) return std::nullopt;
  const auto next = init_.find(waiting_.begin()->second);
  ABSL_RAW_CHECK(next != init_.end(), "a waiting device is not on the init list");
  const DeviceRef device = next->second;
  Transition(*device, LifeState::kDiscovered, LifeState::kAttaching);
  device->retry_wanted_ = false;
  return AttachTicket{device, device->info_.handle, device->handle_life_, ++device->attach_};
}

bool DeviceTable::IsCurrent(const AttachTicket& ticket) const {
  return ticket.device->state_ == LifeState::kAttaching && ticket.attach == ticket.device->attach_;
}

DeviceTable::AttachEnd DeviceTable::EndAttach(const AttachTicket& ticket, LifeState to) {
  Device& device = *ticket.device;
  if (!IsCurrent(ticket)) return AttachEnd::kRemoved;
  const bool outdated = ticket.handle_life != device.handle_life_ ||
                        (device.retry_wanted_ && to != LifeState::kAttached);
  if (outdated) {
    device.due_ = absl::ZeroDuration();
    Transition(device, LifeState::kAttaching, LifeState::kDiscovered);
    return AttachEnd::kRetry;
  }
  Transition(device, LifeState::kAttaching, to);
  return AttachEnd::kDone;
}

DeviceTable::AttachEnd DeviceTable::CompleteAttach(const AttachTicket& ticket) {
  absl::MutexLock lock(&mu_);
  const AttachEnd end = EndAttach(ticket, LifeState::kAttached);
  if (end == AttachEnd::kDone) ticket.device->attach_failures_ = 0;
  return end;
}

DeviceTable::AttachEnd DeviceTable::FailAttach(const AttachTicket& ticket, std::string failure) {
  absl::MutexLock lock(&mu_);
  const AttachEnd end = EndAttach(ticket, LifeState::kFailed);
  if (end == AttachEnd::kDone) {
    ticket.device->failure_ = std::make_unique<std::string>(std::move(failure));
  }
  return end;
}

DeviceTable::AttachEnd DeviceTable::DeferAttach(const AttachTicket& ticket, absl::Duration due,
                                                bool count_failure) {
  absl::MutexLock lock(&mu_);
  if (IsCurrent(ticket)) ticket.device->due_ = due;
  const AttachEnd end = EndAttach(ticket, LifeState::kDiscovered);
  if (end == AttachEnd::kDone && count_failure) ++ticket.device->attach_failures_;
  return end;
}

int DeviceTable::attach_failures(const Device& device) const {
  absl::MutexLock lock(&mu_);
  return device.attach_failures_;
}

void DeviceTable::ResumeAttach(uint32_t epoch) {
  absl::MutexLock lock(&mu_);
  if (epoch == epoch_) attach_paused_ = false;
}

uint32_t DeviceTable::epoch() const {
  absl::MutexLock lock(&mu_);
  return epoch_;
}

absl::Duration DeviceTable::NextAttachDue() const {
  absl::MutexLock lock(&mu_);
  return attach_paused_ || waiting_.empty() ? absl::InfiniteDuration() : waiting_.begin()->first;
}

size_t DeviceTable::attaches_pending() const {
  absl::MutexLock lock(&mu_);
  return attaches_ ? init_.size() : 0;
}

bool DeviceTable::Retry(Device& device) {
  absl::MutexLock lock(&mu_);
  if (IsEnding(device.state_)) return false;
  device.attach_failures_ = 0;
  device.retry_wanted_ = true;
  if (Waits(device)) waiting_.erase({device.due_, device.order_});
  device.due_ = absl::ZeroDuration();
  if (Waits(device)) waiting_.emplace(device.due_, device.order_);
  if (device.state_ != LifeState::kFailed) return false;
  device.failure_.reset();
  return Transition(device, LifeState::kFailed, LifeState::kDiscovered);
}

bool DeviceTable::Fail(Device& device, std::string failure) {
  absl::MutexLock lock(&mu_);
  if (!Allowed(device.state_, LifeState::kFailed)) return false;
  device.failure_ = std::make_unique<std::string>(std::move(failure));
  return Transition(device, device.state_, LifeState::kFailed);
}

bool DeviceTable::Block(Device& device) {
  absl::MutexLock lock(&mu_);
  const LifeState from = device.state_;
  const bool can = from == LifeState::kAttached || (from == LifeState::kDiscovered && !attaches_);
  if (!can) return false;
  device.unblocked_state_ = from;
  return Transition(device, from, LifeState::kBlocked);
}

bool DeviceTable::Unblock(Device& device) {
  absl::MutexLock lock(&mu_);
  return Transition(device, LifeState::kBlocked, device.unblocked_state_);
}

bool DeviceTable::SetBusy(Device& device, bool busy) {
  absl::MutexLock lock(&mu_);
  return std::exchange(device.busy_, busy) != busy;
}

void DeviceTable::TakeHandle(Device& device, uint64_t as_of) {
  const auto it = given_back_.find(device.info_.handle);
  if (it == given_back_.end()) return;
  if (it->second.handshake <= as_of) {
    given_back_.erase(it);
    return;
  }
  StartHandshakeLocked(device);  // it is under way
  device.reused_ = it->second.reused;
}

bool DeviceTable::StartHandshake(Device& device) {
  absl::MutexLock lock(&mu_);
  return StartHandshakeLocked(device);
}

bool DeviceTable::StartHandshake(DevHandle handle) {
  absl::MutexLock lock(&mu_);
  const auto [given_back, is_first] = given_back_.try_emplace(handle);
  const bool due = is_first || given_back->second.reused;
  given_back->second = {++handshakes_, false};
  const auto it = by_handle_.find(handle);
  return it == by_handle_.end() ? due : StartHandshakeLocked(*it->second);
}

bool DeviceTable::StartHandshakeLocked(Device& device) {
  const bool due = !device.given_back_ || device.reused_;
  if (Waits(device)) waiting_.erase({device.due_, device.order_});
  if (!device.given_back_) ++device.handle_life_;
  device.given_back_ = true;
  device.reused_ = false;
  return due;
}

void DeviceTable::HandleIsReused(DevHandle handle) {
  absl::MutexLock lock(&mu_);
  const auto given_back = given_back_.find(handle);
  if (given_back != given_back_.end()) given_back->second.reused = true;
  const auto it = by_handle_.find(handle);
  if (it != by_handle_.end()) it->second->reused_ = it->second->given_back_;
}

void DeviceTable::AnyHandleMayBeReused() {
  absl::MutexLock lock(&mu_);
  for (auto& [handle, given_back] : given_back_) given_back.reused = true;
  for (const auto& [handle, device] : by_handle_) device->reused_ = device->given_back_;
}

bool DeviceTable::BeginRemoval(Device& device) {
  absl::MutexLock lock(&mu_);
  if (IsEnding(device.state_)) return false;
  return Transition(device, device.state_, LifeState::kRemoving);
}

bool DeviceTable::FinishRemoval(Device& device) {
  absl::MutexLock lock(&mu_);
  if (!Transition(device, LifeState::kRemoving, LifeState::kGone)) return false;
  RemoveFromIndexes(device);
  return true;
}

void DeviceTable::ForgetHandles() {
  absl::flat_hash_map<DevHandle, DeviceRef> forgotten;  // references end after the lock
  absl::MutexLock lock(&mu_);
  forgotten.swap(by_handle_);
  given_back_.clear();
  for (const DeviceRef& device : devices_) {
    device->info_.handle = DevHandle(0);
    ++device->handle_life_;
  }
  waiting_.clear();
  attach_paused_ = true;
  ++epoch_;
}

void DeviceTable::MarkFound(Device& device, uint32_t walk) {
  absl::MutexLock lock(&mu_);
  device.walk_ = walk;
}

std::vector<DeviceRef> DeviceTable::NotFound(uint32_t walk) const {
  std::vector<DeviceRef> missing;
  {
    absl::MutexLock lock(&mu_);
    for (const DeviceRef& device : devices_) {
      if (device->walk_ != walk) missing.push_back(device);
    }
  }
  SortByKey(missing);
  return missing;
}

void DeviceTable::Clear() {
  Devices all;
  absl::MutexLock lock(&mu_);
  all = devices_;
  for (const DeviceRef& device : all) {
    if (device->state_ != LifeState::kRemoving) {
      Transition(*device, device->state_, LifeState::kRemoving);
    }
    Transition(*device, LifeState::kRemoving, LifeState::kGone);
    RemoveFromIndexes(*device);
  }
}

size_t DeviceTable::size() const {
  absl::MutexLock lock(&mu_);
  return devices_.size();
}

size_t DeviceTable::init_size() const {
  absl::MutexLock lock(&mu_);
  return init_.size();
}

size_t DeviceTable::active_size() const {
  absl::MutexLock lock(&mu_);
  return active_.size();
}

bool DeviceTable::Transition(Device& device, LifeState from, LifeState to) {
  if (device.state_ != from) return false;
  ABSL_RAW_CHECK(Allowed(from, to), "the life of a device does not allow this move");
  Unlink(device);
  device.state_ = to;
  Link(device);
  return true;
}

// Puts a device on the list for its state. An attaching device keeps its place.
void DeviceTable::Link(Device& device) {
  if (device.list_ != Device::List::kNone) return;
  const LifeState state = device.state_;
  const bool init = state == LifeState::kDiscovered || state == LifeState::kAttaching ||
                    (state == LifeState::kBlocked && !attaches_);
  const bool active = !init && (state == LifeState::kAttached || state == LifeState::kBlocked);
  if (!init && !active) return;
  if (device.order_ == 0 || state != LifeState::kAttaching) device.order_ = next_order_++;
  (init ? init_ : active_).emplace(device.order_, RefTo(device));
  device.list_ = init ? Device::List::kInit : Device::List::kActive;
  if (Waits(device)) waiting_.emplace(device.due_, device.order_);
}

bool DeviceTable::Waits(const Device& device) const {
  return attaches_ && device.list_ == Device::List::kInit &&
         device.state_ == LifeState::kDiscovered && device.info_.handle != DevHandle(0) &&
         device.reported_ && !device.given_back_;
}

// Idempotent.
void DeviceTable::Unlink(Device& device) {
  if (device.list_ == Device::List::kNone) return;
  // None for an attach in progress: it does not wait.
  if (device.list_ == Device::List::kInit) waiting_.erase({device.due_, device.order_});
  (device.list_ == Device::List::kInit ? init_ : active_).erase(device.order_);
  device.list_ = Device::List::kNone;
}

void DeviceTable::IndexHandle(const DeviceRef& device) {
  if (device->info_.handle == DevHandle(0)) return;
  DeviceRef& indexed = by_handle_[device->info_.handle];
  if (indexed != nullptr && indexed != device) {  // the firmware has reused it
    waiting_.erase({indexed->due_, indexed->order_});
    indexed->info_.handle = DevHandle(0);
    ++indexed->handle_life_;
  }
  indexed = device;
}

void DeviceTable::UnindexHandle(const Device& device) {
  const auto it = by_handle_.find(device.info_.handle);
  if (it != by_handle_.end() && it->second.get() == &device) by_handle_.erase(it);
}

void DeviceTable::RemoveFromIndexes(Device& device) {
  UnindexHandle(device);
  const auto siblings = children_.find(device.info_.parent);
  if (siblings != children_.end()) {
    siblings->second.erase(&device);
    if (siblings->second.empty()) children_.erase(siblings);
  }
  const auto it = devices_.find(device.key());
  if (it != devices_.end() && it->get() == &device) devices_.erase(it);
}

std::string DeviceTable::CheckInvariants() const {
  absl::MutexLock lock(&mu_);
  std::string wrong;
  size_t init = 0, active = 0, waiting = 0;
  for (const DeviceRef& device : devices_) {
    const std::string name =
        absl::StrCat(ToHex(device->key().address), " ", ToString(device->state_));
    if (device->state_ == LifeState::kGone) absl::StrAppend(&wrong, name, " is in the table\n");
    const bool on_init = device->list_ == Device::List::kInit;
    const bool on_active = device->list_ == Device::List::kActive;
    init += on_init;
    active += on_active;
    waiting += Waits(*device);
    const auto in_init = init_.find(device->order_);
    const auto in_active = active_.find(device->order_);
    if (on_init != (in_init != init_.end() && in_init->second == device) ||
        on_active != (in_active != active_.end() && in_active->second == device)) {
      absl::StrAppend(&wrong, name, " is not on its own list\n");
    }
    const auto siblings = children_.find(device->info_.parent);
    if (siblings == children_.end() || !siblings->second.contains(device.get())) {
      absl::StrAppend(&wrong, name, " is not among its parent's children\n");
    }
  }
  if (init != init_.size() || active != active_.size() || waiting != waiting_.size()) {
    absl::StrAppend(&wrong, "lists hold devices that are not in the table\n");
  }
  for (const auto& [handle, device] : by_handle_) {
    if (RefTo(*device) == nullptr) {
      absl::StrAppend(&wrong, "handle ", handle.value(), " leads to a device that is gone\n");
    }
  }
  return wrong;
}

}  // namespace sasd::device
