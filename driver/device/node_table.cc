#include "driver/device/node_table.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"

namespace sasd::device {
namespace {

template <typename Ref>
void SortByKey(std::vector<Ref>& refs) {
  std::sort(refs.begin(), refs.end(),
            [](const Ref& a, const Ref& b) { return a->key() < b->key(); });
}

template <typename Map, typename Key>
typename Map::mapped_type FindIn(const Map& map, const Key& key) {
  const auto it = map.find(key);
  return it == map.end() ? nullptr : it->second;
}

}  // namespace

NodeRef NodeTable::SetHost(const HostKey& host, size_t phy_count) {
  ExpanderInfo info;
  info.key = NodeKey::Host(host);
  info.parent = info.key;
  absl::MutexLock lock(&mu_);
  host_ = std::make_shared<ExpanderNode>(live_, info, phy_count);
  return host_;
}

NodeRef NodeTable::host() const {
  absl::MutexLock lock(&mu_);
  return host_;
}

bool NodeTable::IsHostHandle(DevHandle handle) const {
  return host_ != nullptr && handle != DevHandle(0) && handle.value() <= host_->phy_count();
}

NodeRef NodeTable::Find(const NodeKey& key) const {
  absl::MutexLock lock(&mu_);
  if (host_ != nullptr && host_->key() == key) return host_;
  return FindIn(expanders_, key);
}

NodeRef NodeTable::FindByHandle(DevHandle handle) const {
  absl::MutexLock lock(&mu_);
  if (IsHostHandle(handle)) return host_;
  return FindIn(by_handle_, handle);
}

std::vector<NodeRef> NodeTable::ExpandersOf(const NodeKey& parent) const {
  std::vector<NodeRef> children;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [key, node] : expanders_) {
      if (node->info_.parent == parent) children.push_back(node);
    }
  }
  SortByKey(children);
  return children;
}

std::vector<NodeRef> NodeTable::Expanders() const {
  std::vector<NodeRef> all;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [key, node] : expanders_) all.push_back(node);
  }
  SortByKey(all);
  return all;
}

absl::StatusOr<NodeRef> NodeTable::AddExpander(const ExpanderInfo& info, size_t phy_count) {
  auto node = std::make_shared<ExpanderNode>(live_, info, phy_count);
  absl::MutexLock lock(&mu_);
  if (!expanders_.emplace(info.key, node).second) {
    return absl::AlreadyExistsError(
        absl::StrCat("expander ", ToHex(info.key.address), " exists already"));
  }
  if (info.handle != DevHandle(0)) by_handle_[info.handle] = node;
  return node;
}

bool NodeTable::UpdateExpander(ExpanderNode& node, const ExpanderInfo& info) {
  absl::MutexLock lock(&mu_);
  const NodeRef self = FindIn(expanders_, node.key());
  if (node.gone_ || self.get() != &node) return false;
  const auto old = by_handle_.find(node.info_.handle);
  if (old != by_handle_.end() && old->second == self) by_handle_.erase(old);
  if (info.handle != DevHandle(0)) by_handle_[info.handle] = self;
  if (node.info_ == info) return false;
  node.info_ = info;
  return true;
}

bool NodeTable::RemoveExpander(ExpanderNode& node) {
  absl::MutexLock lock(&mu_);
  if (std::exchange(node.gone_, true)) return false;
  const auto handle = by_handle_.find(node.info_.handle);
  if (handle != by_handle_.end() && handle->second.get() == &node) by_handle_.erase(handle);
  const auto it = expanders_.find(node.key());
  if (it != expanders_.end() && it->second.get() == &node) expanders_.erase(it);
  return true;
}

ExpanderInfo NodeTable::View(const ExpanderNode& node) const {
  absl::MutexLock lock(&mu_);
  return node.info_;
}

bool NodeTable::IsGone(const ExpanderNode& node) const {
  absl::MutexLock lock(&mu_);
  return node.gone_;
}

PhyRecord NodeTable::Phy(const ExpanderNode& node, PhyId phy) const {
  absl::MutexLock lock(&mu_);
  return node.phys_[phy.value()];
}

bool NodeTable::SetPhy(ExpanderNode& node, PhyId phy, const PhyRecord& record) {
  absl::MutexLock lock(&mu_);
  PhyRecord& mine = node.phys_[phy.value()];
  const bool changed = mine.reported() != record.reported();
  mine = record;
  return changed;
}

std::vector<PhyId> NodeTable::PhysWithHandle(const ExpanderNode& node, DevHandle handle) const {
  std::vector<PhyId> found;
  absl::MutexLock lock(&mu_);
  for (size_t i = 0; i < node.phys_.size(); ++i) {
    if (node.phys_[i].attached_handle == handle) found.emplace_back(static_cast<uint8_t>(i));
  }
  return found;
}

std::vector<PhyId> NodeTable::PhysAttachedTo(const ExpanderNode& node, SasAddress attached) const {
  std::vector<PhyId> found;
  absl::MutexLock lock(&mu_);
  for (size_t i = 0; i < node.phys_.size(); ++i) {
    if (node.phys_[i].attached == attached) found.emplace_back(static_cast<uint8_t>(i));
  }
  return found;
}

EnclosureRef NodeTable::FindEnclosure(EnclosureHandle handle) const {
  absl::MutexLock lock(&mu_);
  return FindIn(enclosures_by_handle_, handle);
}

EnclosureRef NodeTable::FindEnclosure(EnclosureKey key) const {
  absl::MutexLock lock(&mu_);
  return FindIn(enclosures_, key);
}

EnclosureRef NodeTable::PutEnclosure(const EnclosureInfo& info, bool& changed) {
  absl::MutexLock lock(&mu_);
  EnclosureRef& entry = enclosures_[info.key];
  changed = entry == nullptr;
  if (entry == nullptr) entry = std::make_shared<EnclosureEntry>(live_, info);
  EnclosureRef& indexed = enclosures_by_handle_[info.handle];
  if (indexed != entry) {
    if (indexed != nullptr) DropHandle(*indexed, info.handle);
    indexed = entry;
    entry->handles_.push_back(info.handle);
  }
  EnclosureInfo shown = info;
  shown.handle = *std::min_element(entry->handles_.begin(), entry->handles_.end());
  if (!(entry->info_ == shown)) changed = true;
  entry->info_ = shown;
  return entry;
}

EnclosureRef NodeTable::RemoveEnclosure(EnclosureHandle handle) {
  absl::MutexLock lock(&mu_);
  const auto it = enclosures_by_handle_.find(handle);
  if (it == enclosures_by_handle_.end()) return nullptr;
  const EnclosureRef entry = it->second;
  enclosures_by_handle_.erase(it);
  DropHandle(*entry, handle);
  if (!entry->handles_.empty()) return nullptr;
  entry->gone_ = true;
  enclosures_.erase(entry->key());
  return entry;
}

void NodeTable::DropHandle(EnclosureEntry& entry, EnclosureHandle handle) {
  auto& handles = entry.handles_;
  handles.erase(std::remove(handles.begin(), handles.end(), handle), handles.end());
}

EnclosureInfo NodeTable::View(const EnclosureEntry& enclosure) const {
  absl::MutexLock lock(&mu_);
  return enclosure.info_;
}

bool NodeTable::IsGone(const EnclosureEntry& enclosure) const {
  absl::MutexLock lock(&mu_);
  return enclosure.gone_;
}

void NodeTable::SetReported(ExpanderNode& node) {
  absl::MutexLock lock(&mu_);
  node.reported_ = true;
}

void NodeTable::SetReported(EnclosureEntry& enclosure) {
  absl::MutexLock lock(&mu_);
  enclosure.reported_ = true;
}

bool NodeTable::IsReported(const ExpanderNode& node) const {
  absl::MutexLock lock(&mu_);
  return node.reported_;
}

bool NodeTable::IsReported(const EnclosureEntry& enclosure) const {
  absl::MutexLock lock(&mu_);
  return enclosure.reported_;
}

void NodeTable::ForgetHandle(DevHandle handle) {
  absl::MutexLock lock(&mu_);
  by_handle_.erase(handle);
}

void NodeTable::ForgetHandles() {
  absl::flat_hash_map<DevHandle, NodeRef> forgotten;  // references end after the lock
  absl::MutexLock lock(&mu_);
  forgotten.swap(by_handle_);
  for (const auto& [key, node] : expanders_) node->info_.handle = DevHandle(0);
}

void NodeTable::ForgetEnclosureHandles() {
  absl::flat_hash_map<EnclosureHandle, EnclosureRef> forgotten;
  absl::MutexLock lock(&mu_);
  forgotten.swap(enclosures_by_handle_);
  for (const auto& [key, entry] : enclosures_) entry->handles_.clear();
}

bool NodeTable::MarkFound(ExpanderNode& node, uint32_t walk) {
  absl::MutexLock lock(&mu_);
  return std::exchange(node.walk_, walk) != walk;
}

bool NodeTable::WasFound(const ExpanderNode& node, uint32_t walk) const {
  absl::MutexLock lock(&mu_);
  return node.walk_ == walk;
}

std::vector<NodeRef> NodeTable::ExpandersNotFound(uint32_t walk) const {
  std::vector<NodeRef> missing;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [key, node] : expanders_) {
      if (node->walk_ != walk) missing.push_back(node);
    }
  }
  SortByKey(missing);
  return missing;
}

std::vector<EnclosureRef> NodeTable::RemoveEnclosuresWithoutHandle() {
  std::vector<EnclosureRef> removed;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& [key, entry] : enclosures_) {
      if (entry->handles_.empty()) removed.push_back(entry);
    }
    for (const EnclosureRef& entry : removed) {
      entry->gone_ = true;
      enclosures_.erase(entry->key());
    }
  }
  SortByKey(removed);
  return removed;
}

void NodeTable::Clear() {
  absl::MutexLock lock(&mu_);
  for (const auto& [key, node] : expanders_) node->gone_ = true;
  for (const auto& [key, entry] : enclosures_) entry->gone_ = true;
  host_.reset();
  expanders_.clear();
  by_handle_.clear();
  enclosures_.clear();
  enclosures_by_handle_.clear();
}

size_t NodeTable::expander_count() const {
  absl::MutexLock lock(&mu_);
  return expanders_.size();
}

size_t NodeTable::enclosure_count() const {
  absl::MutexLock lock(&mu_);
  return enclosures_.size();
}

}  // namespace sasd::device
