#include "daemon/service/spelling_index.h"

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"

namespace sasd::service {
namespace {

using registry::ResourceKind;
using registry::ResourceRef;
using registry::Topology;

uint64_t HashOf(absl::string_view spelling) {
  const std::string folded = absl::AsciiStrToLower(spelling);
  const uint64_t hash = absl::Hash<absl::string_view>()(folded);
  return (hash ^ (hash >> 32)) & 0xFFFFFFFF;
}

// The hashes of its spellings, each once.
template <typename T>
std::vector<uint64_t> HashesOf(const std::shared_ptr<const T>& resource) {
  std::vector<uint64_t> hashes;
  VisitSpellings(ResourceRef(resource),
                 [&hashes](absl::string_view text) { hashes.push_back(HashOf(text)); });
  std::sort(hashes.begin(), hashes.end());
  hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
  return hashes;
}

}  // namespace

template <typename T>
void SpellingIndex::Build(const registry::CowMap<T>& all) {
  auto& index = std::get<OfKind<T>>(kinds_);
  std::vector<uint64_t> entries;
  for (const auto& resource : all) {
    const std::vector<uint64_t> hashes = HashesOf(resource);
    if (hashes.empty()) continue;
    for (const uint64_t hash : hashes) entries.push_back(hash << 32 | index.objects.size());
    index.objects.push_back(resource.get());
  }
  std::sort(entries.begin(), entries.end());
  index.entries = absl::btree_set<uint64_t>(entries.begin(), entries.end());
}

template <typename T>
void SpellingIndex::Move(const registry::CowMap<T>& before, const registry::CowMap<T>& after) {
  auto& index = std::get<OfKind<T>>(kinds_);
  const auto number_of = [&index](uint64_t hash, const T* object) {
    auto it = index.entries.lower_bound(hash << 32);
    while (index.objects[static_cast<uint32_t>(*it)] != object) ++it;
    return static_cast<uint32_t>(*it);
  };
  registry::CowMap<T>::VisitDifferences(before, after, [&](const auto& was, const auto& is) {
    const std::vector<uint64_t> old_hashes =
        was == nullptr ? std::vector<uint64_t>() : HashesOf(was);
    const std::vector<uint64_t> hashes = is == nullptr ? std::vector<uint64_t>() : HashesOf(is);
    const bool had_number = !old_hashes.empty();
    uint32_t number = had_number ? number_of(old_hashes.front(), was.get()) : 0;
    if (old_hashes != hashes) {
      for (const uint64_t hash : old_hashes) index.entries.erase(hash << 32 | number);
    }
    if (hashes.empty()) {
      if (!had_number) return;
      index.objects[number] = nullptr;
      index.free.push_back(number);
      return;
    }
    if (!had_number) {
      if (index.free.empty()) {
        number = static_cast<uint32_t>(index.objects.size());
        index.objects.push_back(nullptr);
      } else {
        number = index.free.back();
        index.free.pop_back();
      }
    }
    index.objects[number] = is.get();
    if (old_hashes == hashes) return;
    for (const uint64_t hash : hashes) index.entries.insert(hash << 32 | number);
  });
}

void SpellingIndex::MoveTo(std::shared_ptr<const Topology> topology) {
  if (topology == topology_) return;
  const auto move = [&](auto tag) {
    using T = typename decltype(tag)::element_type;
    if (topology_ == nullptr) {
      Build<std::remove_const_t<T>>(topology->collection<std::remove_const_t<T>>());
    } else {
      Move<std::remove_const_t<T>>(topology_->collection<std::remove_const_t<T>>(),
                                   topology->collection<std::remove_const_t<T>>());
    }
  };
  std::apply(
      [&move](auto... tags) { (move(tags), ...); },
      std::tuple<
          std::shared_ptr<const registry::Host>, std::shared_ptr<const registry::Phy>,
          std::shared_ptr<const registry::Port>, std::shared_ptr<const registry::Expander>,
          std::shared_ptr<const registry::EndDevice>, std::shared_ptr<const registry::LogicalUnit>,
          std::shared_ptr<const registry::Enclosure>, std::shared_ptr<const registry::Slot>>());
  topology_ = std::move(topology);
}

template <typename T>
void SpellingIndex::FindOfKind(const SpellingMatcher& matcher, absl::Span<const ResourceKind> kinds,
                               std::vector<ResourceRef>& found) const {
  if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), T::kKind) == kinds.end()) return;
  const auto& index = std::get<OfKind<T>>(kinds_);
  std::vector<std::shared_ptr<const T>> of_kind;
  for (const std::string& wanted : matcher.wanted()) {
    const uint64_t hash = HashOf(wanted);
    for (auto it = index.entries.lower_bound(hash << 32);
         it != index.entries.end() && *it >> 32 == hash; ++it) {
      // Hashes are equal by chance, too.
      std::shared_ptr<const T> object =
          topology_->Get<T>(index.objects[static_cast<uint32_t>(*it)]->key());
      if (matcher.Matches(ResourceRef(object))) of_kind.push_back(std::move(object));
    }
  }
  std::sort(of_kind.begin(), of_kind.end(),
            [](const auto& a, const auto& b) { return a->key() < b->key(); });
  of_kind.erase(std::unique(of_kind.begin(), of_kind.end()), of_kind.end());
  for (auto& object : of_kind) found.emplace_back(std::move(object));
}

std::vector<ResourceRef> SpellingIndex::Find(const SpellingMatcher& matcher,
                                             absl::Span<const ResourceKind> kinds) const {
  std::vector<ResourceRef> found;
  FindOfKind<registry::Host>(matcher, kinds, found);
  FindOfKind<registry::Enclosure>(matcher, kinds, found);
  FindOfKind<registry::Expander>(matcher, kinds, found);
  FindOfKind<registry::Phy>(matcher, kinds, found);
  FindOfKind<registry::Port>(matcher, kinds, found);
  FindOfKind<registry::EndDevice>(matcher, kinds, found);
  FindOfKind<registry::LogicalUnit>(matcher, kinds, found);
  FindOfKind<registry::Slot>(matcher, kinds, found);
  return found;
}

size_t SpellingIndex::size() const {
  return std::apply([](const auto&... of_kind) { return (of_kind.entries.size() + ...); }, kinds_);
}

}  // namespace sasd::service
