#include "cli/query/finder.h"

#include <algorithm>
#include <optional>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "cli/output/cause_text.h"
#include "cli/output/describe.h"
#include "cli/output/format.h"
#include "cli/output/nouns.h"
#include "cli/query/place_reader.h"
#include "sas/v1/topology_service.grpc.pb.h"

namespace sasd::cli {
namespace {

using sas::v1::Resource;
using sas::v1::ResourceKind;

bool IsResourceName(absl::string_view query) {
  return absl::StartsWith(query, "hosts/") || absl::StartsWith(query, "logicalUnits/") ||
         absl::StartsWith(query, "enclosures/");
}

// Whether an object is the drive, one of its paths, or its slot.
bool BelongsTo(const Resource& resource, const sas::v1::LogicalUnit& unit) {
  if (resource.has_logical_unit()) return resource.logical_unit().name() == unit.name();
  if (resource.has_slot()) {
    return absl::c_linear_search(LogicalUnitsOf(resource.slot()), unit.name());
  }
  if (!resource.has_end_device()) return false;
  return absl::c_any_of(unit.paths(), [&](const sas::v1::Path& path) {
    return path.end_device() == resource.end_device().name();
  });
}

// The object that represents all of them, or null.
const Resource* Representative(absl::string_view query,
                               const google::protobuf::RepeatedPtrField<Resource>& found) {
  if (found.size() == 1) return &found.Get(0);
  const auto unit = absl::c_find_if(found, [](const Resource& r) { return r.has_logical_unit(); });
  if (unit == found.end()) return nullptr;
  const bool together =
      absl::c_all_of(found, [&](const Resource& r) { return BelongsTo(r, unit->logical_unit()); });
  if (!together) return nullptr;
  const auto slot = absl::c_find_if(found, [](const Resource& r) { return r.has_slot(); });
  return absl::StrContains(query, '/') && slot != found.end() ? &*slot : &*unit;
}

std::string KindText(const std::vector<ResourceKind>& kinds) {
  if (kinds.empty()) return "object";
  return absl::StrJoin(kinds, " or ", [](std::string* out, ResourceKind kind) {
    const bool is_unit = kind == sas::v1::RESOURCE_KIND_LOGICAL_UNIT;
    absl::StrAppend(out, is_unit ? "drive (logical unit)" : NounOf(kind).singular);
  });
}

absl::Status NotFound(absl::string_view query, const std::vector<ResourceKind>& kinds,
                      const google::protobuf::RepeatedPtrField<std::string>& suggestions) {
  std::string close;
  if (!suggestions.empty()) {
    close = absl::StrCat("; close names: ", absl::StrJoin(suggestions, ", "));
  } else {
    const bool drives = kinds.empty() || kinds[0] == sas::v1::RESOURCE_KIND_LOGICAL_UNIT;
    const std::string plural = drives ? "drives" : NounOf(kinds[0]).plural;
    close = absl::StrCat("; `sasctl list ", plural, "` lists the ", plural);
  }
  return absl::NotFoundError(absl::StrCat("no ", KindText(kinds), " \"", query, "\"", close));
}

// Names that the operating system gave to a resource, and where it was.
struct LastSeen {
  std::string enclosure;
  std::optional<uint32_t> slot;
  std::vector<std::string> names;
};

template <typename T>
void AddPlace(const T& resource, LastSeen& seen) {
  seen.enclosure = resource.enclosure();
  if (resource.has_slot()) seen.slot = resource.slot();
}

LastSeen LastSeenOf(const Resource& resource) {
  LastSeen seen;
  if (resource.has_logical_unit()) {
    AddPlace(resource.logical_unit(), seen);
    for (const auto& path : resource.logical_unit().paths()) {
      if (!path.block_device().empty()) seen.names.push_back(path.block_device());
    }
  } else if (resource.has_end_device()) {
    AddPlace(resource.end_device(), seen);
    seen.names = BlockDevicesOf(resource.end_device());
  }
  return seen;
}

// "ZA1" is gone: removed 2026-03-02 03:14:07 from JBOD24/3: expander ... not responding; last seen
// as sdx
absl::Status Gone(const Context& context, absl::string_view query,
                  const sas::v1::RemovedResource& gone) {
  const LastSeen seen = LastSeenOf(gone.last_known());
  std::string text = absl::StrCat("\"", query, "\" is gone: removed");
  if (gone.has_remove_time()) {
    absl::StrAppend(&text, " ", DateAndSecond(gone.remove_time(), context.clock));
  } else {
    absl::StrAppend(&text, " at revision ", gone.remove_revision());
  }
  if (seen.slot.has_value()) {
    const std::string place = PlaceText(context, seen.enclosure, *seen.slot);
    if (!place.empty()) absl::StrAppend(&text, " from ", place);
  }
  if (gone.has_cause()) {
    sas::v1::Change change;
    *change.mutable_resource() = gone.last_known();
    absl::StrAppend(&text, ": ", ReasonFor(change, gone.cause()));
  }
  if (!seen.names.empty()) {
    absl::StrAppend(&text, "; last seen as ", absl::StrJoin(seen.names, ", "));
  }
  return absl::NotFoundError(absl::StrCat(text, "; `sasctl history ", query, "` shows its past"));
}

absl::Status Ambiguous(absl::string_view query,
                       const google::protobuf::RepeatedPtrField<Resource>& found) {
  constexpr int kMost = 20;
  std::string lines;
  for (int i = 0; i < std::min(found.size(), kMost); ++i) {
    const std::string about = DescribeResource(found.Get(i));
    const google::protobuf::Message* const inner = Inner(found.Get(i));
    const std::string alias = inner == nullptr ? "" : FieldText(*inner, "alias");
    absl::StrAppend(&lines, "\n  ", NounOf(found.Get(i)).singular, " ", NameOf(found.Get(i)),
                    alias.empty() ? "" : absl::StrCat(" (", alias, ")"), about.empty() ? "" : "  ",
                    about);
  }
  if (found.size() > kMost) absl::StrAppend(&lines, "\n  and ", found.size() - kMost, " more");
  return absl::FailedPreconditionError(absl::StrCat(
      "\"", query, "\" is ", found.size(),
      " objects; give a resource name, or use `sasctl show NOUN ", query, "`:", lines));
}

}  // namespace

std::string PlainQuery(absl::string_view query) {
  query = absl::StripAsciiWhitespace(query);
  absl::ConsumePrefix(&query, "/dev/");
  const size_t dash = query.rfind('-');
  if (dash == absl::string_view::npos || query.size() - dash - 1 != 16) return std::string(query);
  const absl::string_view head = query.substr(0, dash), tail = query.substr(dash + 1);
  const bool decorated = head == "host" || head == "expander" || head == "end_device";
  return std::string(decorated && absl::c_all_of(tail, absl::ascii_isxdigit) ? tail : query);
}

std::string PlaceText(const Context& context, const std::string& enclosure, uint32_t slot) {
  if (enclosure.empty()) return "";
  return ReadPlaceNames(context).Slot(enclosure, slot);
}

namespace {

// What sasd finds by that name: one at least. `bare`: as PlainQuery().
absl::StatusOr<sas::v1::FindResourcesResponse> Ask(const Context& context, absl::string_view query,
                                                   const std::string& bare,
                                                   const std::vector<ResourceKind>& kinds,
                                                   sas::v1::RemovedResource* gone) {
  sas::v1::FindResourcesRequest request;
  request.set_query(bare);
  for (const ResourceKind kind : kinds) request.add_kinds(kind);
  auto response = context.Call(*context.Stub<sas::v1::TopologyService>(),
                               &sas::v1::TopologyService::StubInterface::FindResources, request);
  if (!response.ok()) return response.status();
  if (response->resources().empty() && !response->removed_resources().empty()) {
    if (gone != nullptr) *gone = response->removed_resources(0);
    return Gone(context, query, response->removed_resources(0));
  }
  if (response->resources().empty()) return NotFound(query, kinds, response->suggestions());
  return response;
}

absl::StatusOr<Resource> OneOf(absl::string_view query, absl::string_view bare,
                               const google::protobuf::RepeatedPtrField<Resource>& found) {
  const Resource* one = Representative(bare, found);
  if (one == nullptr) return Ambiguous(query, found);
  if (Inner(*one) == nullptr) {
    return absl::InternalError(absl::StrCat(
        "\"", query, "\" has a kind that this sasctl does not know; use a newer sasctl"));
  }
  return *one;
}

}  // namespace

absl::StatusOr<Resource> FindOne(const Context& context, absl::string_view query,
                                 const std::vector<ResourceKind>& kinds,
                                 sas::v1::RemovedResource* gone) {
  const std::string bare = PlainQuery(query);
  const auto response = Ask(context, query, bare, kinds, gone);
  if (!response.ok()) return response.status();
  return OneOf(query, bare, response->resources());
}

absl::StatusOr<std::vector<std::string>> FindNames(const Context& context, absl::string_view query,
                                                   const std::vector<ResourceKind>& kinds) {
  if (IsResourceName(query)) return std::vector<std::string>{std::string(query)};
  const std::string bare = PlainQuery(query);
  const auto response = Ask(context, query, bare, kinds, nullptr);
  if (!response.ok()) return response.status();
  const auto& found = response->resources();
  std::vector<std::string> names;
  const bool alike = absl::c_all_of(
      found, [&](const Resource& r) { return r.resource_case() == found.Get(0).resource_case(); });
  if (alike && Inner(found.Get(0)) != nullptr) {
    for (const Resource& resource : found) names.push_back(NameOf(resource));
    return names;
  }
  const auto one = OneOf(query, bare, found);
  if (!one.ok()) return one.status();
  names.push_back(NameOf(*one));
  return names;
}

absl::StatusOr<std::string> FindName(const Context& context, absl::string_view query,
                                     const std::vector<ResourceKind>& kinds) {
  if (IsResourceName(query)) return std::string(query);
  const auto found = FindOne(context, query, kinds);
  if (!found.ok()) return found.status();
  return NameOf(*found);
}

absl::StatusOr<Resource> FindNode(const Context& context, absl::string_view query) {
  auto node =
      FindOne(context, query, {sas::v1::RESOURCE_KIND_HOST, sas::v1::RESOURCE_KIND_EXPANDER});
  return absl::IsNotFound(node.status()) ? FindOne(context, query, {}) : node;
}

}  // namespace sasd::cli
