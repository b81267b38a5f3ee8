#include "driver/discovery/recovery.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "driver/discovery/facts.h"
#include "driver/wire/mpi/pages.h"

namespace sasd::discovery {

using mpi::page_address::kStart;
using mpi::page_address::Next;

Recovery::Recovery(uint32_t walk, TopologyModel& model, PageReader& pages, device::NodeTable& nodes,
                   device::DeviceTable& devices, RemovalHandshake* handshake)
    : walk_(walk),
      model_(model),
      pages_(pages),
      nodes_(nodes),
      devices_(devices),
      handshake_(handshake),
      cursor_(kStart) {
  nodes_.ForgetEnclosureHandles();
}

bool Recovery::Step() {
  switch (phase_) {
    case Phase::kEnclosures:
      StepEnclosures();
      break;
    case Phase::kExpanders:
      StepExpanders();
      break;
    case Phase::kDevices:
      StepDevices();
      break;
    case Phase::kPhys:
      StepPhys();
      break;
    case Phase::kRemove:
      StepRemove();
      break;
    case Phase::kDone:
      break;
  }
  return phase_ != Phase::kDone;
}

void Recovery::BeginPhase(Phase phase) {
  phase_ = phase;
  cursor_ = kStart;
  listed_ = 0;
}

bool Recovery::Advance(uint16_t handle) {
  if (handle == cursor_ || ++listed_ > 0x10000) {
    EndListing(absl::InternalError(absl::StrCat("a list of pages repeats handle ", handle)),
               Phase::kDone);
    return false;
  }
  cursor_ = handle;
  return true;
}

void Recovery::EndListing(const absl::Status& status, Phase next) {
  if (!absl::IsNotFound(status)) {
    // An unfinished list does not show which objects have gone: nothing may be removed.
    status_.Update(status);
    next = Phase::kDone;
  }
  BeginPhase(next);
}

void Recovery::StepEnclosures() {
  const auto page = pages_.Enclosure0(Next(cursor_));
  if (!page.ok()) return EndListing(page.status(), Phase::kExpanders);
  if (Advance(page->handle.value())) model_.PutEnclosure(*page, changes_);
}

void Recovery::StepExpanders() {
  const auto page = pages_.Expander0(Next(cursor_));
  if (page.ok()) {
    if (Advance(page->handle.value())) expander_pages_.push_back(*page);
    return;
  }
  if (absl::IsNotFound(page.status())) PutExpanders();
  EndListing(page.status(), Phase::kDevices);
}

// Parents may be listed after their children; each pass puts those whose parent is known.
void Recovery::PutExpanders() {
  for (const mpi::ExpanderPage0& page : expander_pages_) {
    const device::NodeRef node = nodes_.FindByHandle(page.handle);
    if (node != nullptr && node->key() != KeyOf(model_.host(), page)) {
      nodes_.ForgetHandle(page.handle);
    }
  }
  std::vector<mpi::ExpanderPage0> waiting = std::move(expander_pages_);
  for (bool progress = true; progress && !waiting.empty();) {
    std::vector<mpi::ExpanderPage0> orphans;
    for (const mpi::ExpanderPage0& page : waiting) {
      const auto put = model_.PutExpander(page, changes_);
      if (absl::IsNotFound(put.status())) {
        orphans.push_back(page);
        continue;
      }
      status_.Update(put.status());
      const device::NodeRef node = nodes_.Find(KeyOf(model_.host(), page));
      if (node != nullptr) nodes_.MarkFound(*node, walk_);
    }
    progress = orphans.size() < waiting.size();
    waiting = std::move(orphans);
  }
  for (const mpi::ExpanderPage0& page : waiting) {
    status_.Update(absl::InternalError(
        absl::StrCat("expander ", ToHex(page.address), ": its parent is not listed")));
  }
}

void Recovery::StepDevices() {
  const uint64_t as_of = devices_.handshakes();
  const auto page = pages_.SasDevice0(Next(cursor_));
  if (!page.ok()) return EndListing(page.status(), Phase::kPhys);
  if (!Advance(page->handle.value())) return;
  const bool present = (page->flags & mpi::device_flags::kPresent) != 0;
  const device::NodeRef node = nodes_.FindByHandle(page->handle);
  if (present && IsEndDevice(page->device_info) && node != nullptr && !node->key().is_host()) {
    // The handle belonged to an expander that has gone: no phy leads to it any more.
    model_.RemoveExpander(node, changes_);
  }
  if (present && IsEndDevice(page->device_info)) {
    status_.Update(FindExpander(page->parent_handle));
  }
  status_.Update(model_.PutDevice(*page, as_of, changes_).status());
  const device::DeviceRef device = devices_.Find(KeyOf(model_.host(), *page));
  if (!present || device == nullptr) return;
  devices_.MarkFound(*device, walk_);
  devices_.SetBusy(*device, false);  // the event that said so may have been lost
}

// The parent of a device is present, too, if it was not yet when expanders were listed. Its handle
// may have belonged to another one then.
absl::Status Recovery::FindExpander(DevHandle handle) {
  const device::NodeRef known = nodes_.FindByHandle(handle);
  if (known != nullptr && (known->key().is_host() || nodes_.WasFound(*known, walk_))) {
    return absl::OkStatus();
  }
  absl::StatusOr<device::NodeRef> node = model_.AddExpander(handle, changes_);
  if (!node.ok() || *node == nullptr || !nodes_.MarkFound(**node, walk_)) return node.status();
  const device::NodeRef parent = nodes_.Find(nodes_.View(**node).parent);
  if (parent == nullptr || parent->key().is_host()) return absl::OkStatus();
  const DevHandle above = nodes_.View(*parent).handle;
  absl::Status found = FindExpander(above);
  if (nodes_.FindByHandle(above) != parent) {
    found.Update(model_.AddExpander(handle, changes_).status());
  }
  return found;
}

void Recovery::StepPhys() {
  if (listed_ == 0) {
    nodes_to_read_ = nodes_.Expanders();
    nodes_to_read_.push_back(nodes_.host());
  }
  if (listed_ == nodes_to_read_.size()) {
    nodes_to_read_.clear();
    BeginPhase(IsHostLost(status_) ? Phase::kDone : Phase::kRemove);
    return;
  }
  status_.Update(model_.ReadPhys(nodes_to_read_[listed_++], changes_));
}

void Recovery::StepRemove() {
  if (listed_++ == 0) {
    missing_ = devices_.NotFound(walk_);
    std::reverse(missing_.begin(), missing_.end());
  }
  if (!missing_.empty()) {
    RemoveDevice(missing_.back());
    missing_.pop_back();
    return;
  }
  // Children first, also if their parent changed during the walk.
  std::vector<device::NodeRef> missing = nodes_.ExpandersNotFound(walk_);
  std::stable_sort(missing.begin(), missing.end(), [this](const auto& a, const auto& b) {
    return nodes_.View(*a).level > nodes_.View(*b).level;
  });
  for (const device::NodeRef& node : missing) {
    changes_.Describe([&] { return Describe(node->key()) + " not responding"; });
    model_.RemoveExpander(node, changes_);
    const DevHandle handle = nodes_.View(*node).handle;
    if (handshake_ != nullptr && IsUnused(handle) && devices_.StartHandshake(handle)) {
      handshake_->Start(handle);
    }
  }
  // Phys were read while handles still led to removed objects.
  for (const device::NodeRef& node : nodes_.Expanders()) model_.ResolvePhys(node, changes_);
  model_.ResolvePhys(nodes_.host(), changes_);
  for (const device::EnclosureRef& enclosure : nodes_.RemoveEnclosuresWithoutHandle()) {
    changes_.Gone(enclosure);
  }
  BeginPhase(Phase::kDone);
}

void Recovery::RemoveDevice(const device::DeviceRef& device) {
  const device::DeviceView view = devices_.View(*device);
  changes_.Describe([&] { return Describe(view.info) + " not responding"; });
  model_.RemoveDevice(device, changes_);
  // If its removal went unnoticed, its handle is not given back yet, unless it is in use again.
  if (handshake_ != nullptr && !view.given_back && IsUnused(view.info.handle) &&
      devices_.StartHandshake(*device)) {
    handshake_->Start(view.info.handle);
  }
}

bool Recovery::IsUnused(DevHandle handle) const {
  return handle != DevHandle(0) && devices_.FindByHandle(handle) == nullptr &&
         nodes_.FindByHandle(handle) == nullptr;
}

}  // namespace sasd::discovery
