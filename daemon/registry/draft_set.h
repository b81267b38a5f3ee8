#ifndef DAEMON_REGISTRY_DRAFT_SET_H_
#define DAEMON_REGISTRY_DRAFT_SET_H_

#include <array>
#include <cstddef>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "daemon/registry/aliases.h"
#include "daemon/registry/registry_event.h"
#include "daemon/registry/source_table.h"
#include "daemon/registry/topology.h"

namespace sasd::registry {

// What one batch has changed so far. The tables always hold the present state. The set remembers
// the state before, so that each changed resource makes one Change in the end. Resources made by
// the batch are not shared yet and are edited in place. Not thread-safe.
class DraftSet {
 public:
  template <typename T>
  struct Draft {
    std::shared_ptr<const T> before;  // null: did not exist
    std::shared_ptr<T> after;         // null: does not exist any more
  };
  template <typename T>
  using Drafts = absl::flat_hash_map<typename T::Key, Draft<T>>;

  // Borrows all for its lifetime.
  DraftSet(const SourceTable& sources, Tables& tables, const Aliases& aliases)
      : sources_(sources), tables_(tables), aliases_(aliases) {}

  // The present state; null where there is none. Valid until the resource is edited or removed.
  template <typename T>
  const T* Find(const typename T::Key& key) const {
    return tables_.of<T>().Find(key);
  }
  template <typename T>
  const CowMap<T>& of() const {
    return std::as_const(tables_).template of<T>();
  }

  // The resource, to be changed except for its key; a new one where there is none. The reference is
  // valid until the resource is removed.
  template <typename T>
  T& Edit(const typename T::Key& key);

  template <typename T>
  void Remove(const typename T::Key& key);

  template <typename T>
  const Drafts<T>& drafts() const {
    return std::get<Drafts<T>>(drafts_);
  }

  // Gives hosts and enclosures their aliases. Stamps the drafts that clients see changed
  // (SameContent) and returns them in the order of RegistryEvent::changes. The others stay in the
  // tables, with their stamps of before. Call it once.
  std::vector<Change> Commit(Stamp stamp);

 private:
  template <typename T>
  std::vector<Change> CommitKind(Stamp stamp);

  const SourceTable& sources_;
  Tables& tables_;
  const Aliases& aliases_;
  std::tuple<Drafts<Host>, Drafts<Phy>, Drafts<Port>, Drafts<Expander>, Drafts<EndDevice>,
             Drafts<LogicalUnit>, Drafts<Enclosure>, Drafts<Slot>>
      drafts_;
};

// Gives a new resource its key.
inline void SetKey(Host& r, const HostKey& key) { r.facts.key = r.discovery.host = key; }
inline void SetKey(Phy& r, const PhyKey& key) { r.facts.key = key; }
inline void SetKey(Port& r, const PortKey& key) { r.id = key; }
inline void SetKey(Expander& r, const NodeKey& key) { r.facts.key = key; }
inline void SetKey(EndDevice& r, const NodeKey& key) { r.facts.key = key; }
inline void SetKey(LogicalUnit& r, const LogicalUnitKey& key) { r.id = key; }
inline void SetKey(Enclosure& r, EnclosureKey key) { r.id = key; }
inline void SetKey(Slot& r, const SlotKey& key) { r.id = key; }

template <typename T>
T& DraftSet::Edit(const typename T::Key& key) {
  auto& drafts = std::get<Drafts<T>>(drafts_);
  const auto [it, inserted] = drafts.try_emplace(key);
  Draft<T>& draft = it->second;
  if (inserted) draft.before = tables_.of<T>().Get(key);
  if (draft.after == nullptr) {
    const bool fresh = !inserted || draft.before == nullptr;
    draft.after = fresh ? std::make_shared<T>() : std::make_shared<T>(*draft.before);
    if (fresh) SetKey(*draft.after, key);
    tables_.of<T>().Put(draft.after);
  }
  return *draft.after;
}

template <typename T>
void DraftSet::Remove(const typename T::Key& key) {
  auto removed = tables_.of<T>().Erase(key);
  if (removed == nullptr) return;
  const auto [it, inserted] = std::get<Drafts<T>>(drafts_).try_emplace(removed->key());
  if (inserted) it->second.before = std::move(removed);
  it->second.after = nullptr;
}

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_DRAFT_SET_H_
