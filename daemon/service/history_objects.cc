#include "daemon/service/history_objects.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "daemon/service/convert.h"
#include "daemon/service/errors.h"
#include "daemon/service/find.h"
#include "daemon/service/names.h"
#include "daemon/service/resource_text.h"
#include "daemon/service/spellings.h"
#include "rpc/status.h"
#include "sas/v1/events.pb.h"

namespace sasd::service {
namespace {

using registry::Topology;
using sas::v1::Resource;

constexpr size_t kMostRemoved = 100;
// The newest events of a drive that show over which paths it was reached.
constexpr size_t kPathEvents = 200, kPathBytes = 1u << 20;

bool IsThere(absl::string_view name, const Topology& topology) {
  const absl::StatusOr<registry::ResourceId> id = ParseName(name);
  return id.ok() && !registry::IsNull(topology.Get(*id));
}

// Whether a state is that of what the query means.
class RemovedMatcher {
 public:
  explicit RemovedMatcher(absl::string_view query)
      : name_(query), spelling_(query), is_slot_(ParseSlotQuery(query, &slot_)) {}

  // Whether an enclosure is the one of a query "enclosure/slot".
  bool MatchesEnclosure(absl::string_view name, absl::string_view model,
                        absl::string_view alias) const {
    return is_slot_ &&
           MeansEnclosure(slot_.enclosure, absl::StripPrefix(name, "enclosures/"), model, alias);
  }
  // The enclosures for which that is true.
  void SetEnclosures(absl::flat_hash_set<std::string> names) { enclosures_ = std::move(names); }
  bool is_slot() const { return is_slot_; }

  bool Matches(const Resource& resource) const {
    if (NameOf(resource) == name_) return true;
    if (is_slot_ && resource.has_slot()) {
      return resource.slot().slot() == slot_.slot &&
             enclosures_.contains(resource.slot().enclosure());
    }
    return spelling_.Matches(SpellingsOf(resource));
  }

 private:
  const std::string name_;
  const SpellingMatcher spelling_;
  SlotQuery slot_;
  const bool is_slot_;
  absl::flat_hash_set<std::string> enclosures_;
};

// The enclosures, there or gone, that a query "enclosure/slot" means.
absl::StatusOr<absl::flat_hash_set<std::string>> EnclosuresOf(const RemovedMatcher& matcher,
                                                              const Topology& topology,
                                                              const HistoryReader& reader,
                                                              Cancelled cancelled) {
  absl::flat_hash_set<std::string> names;
  for (const auto& enclosure : topology.collection<registry::Enclosure>()) {
    std::string name = NameOf(registry::MakeId<registry::Enclosure>(enclosure->id));
    if (matcher.MatchesEnclosure(name, enclosure->model.view(), enclosure->alias.view())) {
      names.insert(std::move(name));
    }
  }
  const auto visit = [&](const RemovedState& state) {
    Resource last;
    if (!absl::StartsWith(state.name, "enclosures/") ||
        !last.ParseFromArray(state.resource.data(), static_cast<int>(state.resource.size()))) {
      return;
    }
    // A slot's own state names its enclosure, of which nothing else may be known.
    const std::string& name = last.has_slot() ? last.slot().enclosure() : last.enclosure().name();
    if (matcher.MatchesEnclosure(name, last.enclosure().model(), last.enclosure().alias())) {
      names.insert(name);
    }
  };
  const absl::Status status = reader.VisitRemoved(visit, cancelled);
  if (!status.ok()) return status;
  return names;
}

bool Wanted(const Resource& resource, absl::Span<const registry::ResourceKind> kinds) {
  // The numbers of kinds and of the fields of Resource are equal.
  return kinds.empty() || std::any_of(kinds.begin(), kinds.end(), [&](registry::ResourceKind kind) {
           return static_cast<int>(kind) == resource.resource_case();
         });
}

// The states of all that is gone, for which `wanted` is true.
template <typename Predicate>
absl::StatusOr<std::vector<RemovedObject>> CollectRemoved(const Topology& topology,
                                                          const HistoryReader& reader,
                                                          Predicate wanted, Cancelled cancelled) {
  std::vector<RemovedObject> found;
  const auto visit = [&](const RemovedState& state) {
    RemovedObject object;
    object.revision = state.revision;
    const bool readable = object.last_known.ParseFromArray(state.resource.data(),
                                                           static_cast<int>(state.resource.size()));
    if (!readable || !wanted(object.last_known) || IsThere(state.name, topology)) return;
    found.push_back(std::move(object));
  };
  const absl::Status status = reader.VisitRemoved(visit, cancelled);
  if (!status.ok()) return status;
  std::sort(found.begin(), found.end(), [](const RemovedObject& a, const RemovedObject& b) {
    return a.revision != b.revision ? a.revision > b.revision
                                    : NameOf(a.last_known) < NameOf(b.last_known);
  });
  return found;
}

bool LeadsTo(const Resource& resource, const absl::flat_hash_set<std::string>& units) {
  const auto& names = resource.end_device().logical_units();
  return std::any_of(names.begin(), names.end(),
                     [&units](const std::string& name) { return units.contains(name); });
}

// Adds the paths that drives had lately, as their events have them.
absl::Status AddPaths(const absl::flat_hash_set<std::string>& units, const HistoryReader& reader,
                      Cancelled cancelled, std::vector<std::string>& names) {
  if (units.empty()) return absl::OkStatus();
  HistoryQuery query;
  query.objects.assign(units.begin(), units.end());
  query.newest_first = true;
  query.limit = kPathEvents;
  query.max_bytes = kPathBytes;
  const absl::StatusOr<HistoryPage> page = reader.Read(query, cancelled);
  if (!page.ok()) return page.status();
  const auto add = [&names](const Resource& resource) {
    for (const auto& path : resource.logical_unit().paths()) names.push_back(path.end_device());
  };
  for (const watch::EncodedEventPtr& event : page->events) {
    for (size_t i = 0; i < event->piece_count(); ++i) {
      if (event->piece(i).kind != registry::ResourceKind::kLogicalUnit) continue;
      const absl::string_view bytes = event->piece_bytes(i);
      sas::v1::Event piece;
      if (!piece.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) continue;
      for (const sas::v1::Change& change : piece.changes()) {
        if (!units.contains(NameOf(change.resource()))) continue;
        add(change.resource());
        add(change.previous());
      }
    }
  }
  return absl::OkStatus();
}

void AddObject(const Resource& resource, HistoryObject* object,
               absl::flat_hash_set<std::string>& units) {
  if (object->names.empty()) object->resource = resource;
  object->names.push_back(NameOf(resource));
  if (!resource.has_logical_unit()) return;
  units.insert(NameOf(resource));
  for (const auto& path : resource.logical_unit().paths()) {
    object->names.push_back(path.end_device());
  }
}

}  // namespace

absl::StatusOr<std::vector<RemovedObject>> FindRemoved(
    absl::string_view query, absl::Span<const registry::ResourceKind> kinds,
    const Topology& topology, const HistoryReader& reader, Cancelled cancelled) {
  RemovedMatcher matcher(query);
  if (matcher.is_slot()) {
    auto enclosures = EnclosuresOf(matcher, topology, reader, cancelled);
    if (!enclosures.ok()) return enclosures.status();
    matcher.SetEnclosures(*std::move(enclosures));
  }
  auto found = CollectRemoved(
      topology, reader,
      [&](const Resource& resource) {
        return Wanted(resource, kinds) && matcher.Matches(resource);
      },
      cancelled);
  if (!found.ok()) return found.status();
  absl::flat_hash_set<std::string> units;
  for (const RemovedObject& object : *found) {
    if (object.last_known.has_logical_unit()) units.insert(NameOf(object.last_known));
  }
  if (kinds.empty()) {
    found->erase(std::remove_if(found->begin(), found->end(),
                                [&units](const RemovedObject& object) {
                                  return object.last_known.has_end_device() &&
                                         LeadsTo(object.last_known, units);
                                }),
                 found->end());
  }
  if (found->size() > kMostRemoved) found->resize(kMostRemoved);
  return found;
}

grpc::Status ResolveObject(absl::string_view query, const Topology& topology,
                           const HistoryReader& reader, HistoryObject* object,
                           const ObjectFinder& find, Cancelled cancelled) {
  absl::flat_hash_set<std::string> units;
  const FoundResources there =
      find != nullptr ? find(query, cancelled) : FindResources(topology, query, {}, cancelled);
  if (cancelled()) return CancelledStatus();
  for (const registry::ResourceRef& ref : there.resources) {
    Resource resource;
    ToProto(ref, &resource);
    AddObject(resource, object, units);
  }
  if (object->names.empty()) {
    const auto gone = FindRemoved(query, {}, topology, reader, cancelled);
    if (!gone.ok()) return rpc::ToGrpc(gone.status());
    if (!gone->empty()) AddObject(gone->front().last_known, object, units);
    object->is_gone = !gone->empty();
  }
  if (object->names.empty() && ParseName(query).ok()) {
    // Not known as gone either, but there may be events about it.
    HistoryQuery about;
    about.objects = {std::string(query)};
    about.limit = 1;
    about.newest_first = true;
    const absl::StatusOr<HistoryPage> page = reader.Read(about, cancelled);
    if (!page.ok()) return rpc::ToGrpc(page.status());
    if (!page->events.empty()) object->names = about.objects;
    object->is_gone = true;
  }
  if (object->names.empty()) return ObjectNotFound(query, there.suggestions);
  if (absl::Status s = AddPaths(units, reader, cancelled, object->names); !s.ok()) {
    return rpc::ToGrpc(s);
  }
  std::sort(object->names.begin(), object->names.end());
  object->names.erase(std::unique(object->names.begin(), object->names.end()), object->names.end());
  return grpc::Status::OK;
}

}  // namespace sasd::service
