#include "daemon/health/alias_text.h"

#include <algorithm>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

namespace sasd::health {
namespace {

using registry::Enclosure;
using registry::Host;

// Of words and of identifiers such as "500605b00c0ffe00-0000.82.00.0".
bool IsOfToken(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.';
}

enum class Kind { kNone, kHost, kEnclosure };

// Whether a word names a kind of object, and which.
bool ReadKind(absl::string_view word, Kind* kind) {
  if (word == "host" || word == "hosts") {
    *kind = Kind::kHost;
    return true;
  }
  if (word == "enclosure" || word == "enclosures") {
    *kind = Kind::kEnclosure;
    return true;
  }
  for (const absl::string_view other :
       {"address", "device", "devices", "drive", "drives", "expander", "expanders", "phy", "phys",
        "port", "ports", "slot", "slots", "to", "unit", "units"}) {
    if (word != other) continue;
    *kind = Kind::kNone;
    return true;
  }
  return false;
}

void Add(const NamedAlias& alias, std::vector<NamedAlias>* named) {
  const auto is_same = [&alias](const NamedAlias& each) { return each.resource == alias.resource; };
  if (std::none_of(named->begin(), named->end(), is_same)) named->push_back(alias);
}

// The identifier of the host that a resource is or belongs to, or of its enclosure; empty: neither.
std::string OwnerOf(const registry::ResourceId& id, Kind* kind) {
  *kind = Kind::kHost;
  switch (registry::KindOf(id)) {
    case registry::ResourceKind::kHost:
      return ToText(std::get<registry::IndexOf<Host>()>(id));
    case registry::ResourceKind::kPhy:
      return ToText(std::get<registry::IndexOf<registry::Phy>()>(id).owner.host);
    case registry::ResourceKind::kPort:
      return ToText(std::get<registry::IndexOf<registry::Port>()>(id).owner.host);
    case registry::ResourceKind::kExpander:
      return ToText(std::get<registry::IndexOf<registry::Expander>()>(id).host);
    case registry::ResourceKind::kEndDevice:
      return ToText(std::get<registry::IndexOf<registry::EndDevice>()>(id).host);
    case registry::ResourceKind::kLogicalUnit:
      *kind = Kind::kNone;
      return "";
    case registry::ResourceKind::kEnclosure:
      *kind = Kind::kEnclosure;
      return ToText(std::get<registry::IndexOf<Enclosure>()>(id));
    case registry::ResourceKind::kSlot:
      *kind = Kind::kEnclosure;
      return ToText(std::get<registry::IndexOf<registry::Slot>()>(id).enclosure);
  }
  return "";
}

}  // namespace

AliasText::AliasText(const registry::Aliases& aliases) {
  for (const auto& [key, alias] : aliases.hosts) {
    hosts_[ToText(key)] = {registry::MakeId<Host>(key), alias.str()};
  }
  for (const auto& [key, alias] : aliases.enclosures) {
    enclosures_[ToText(key)] = {registry::MakeId<Enclosure>(key), alias.str()};
  }
}

std::string AliasText::In(absl::string_view text, std::vector<NamedAlias>* named) const {
  std::string out;
  Kind kind = Kind::kNone;
  for (size_t at = 0; at < text.size();) {
    if (!IsOfToken(text[at])) {
      out.push_back(text[at++]);
      continue;
    }
    size_t end = at;
    while (end < text.size() && IsOfToken(text[end])) ++end;
    const absl::string_view token = text.substr(at, end - at);
    absl::StrAppend(&out, token);
    at = end;
    if (ReadKind(token, &kind) || kind == Kind::kNone) continue;
    const auto& aliases = kind == Kind::kHost ? hosts_ : enclosures_;
    const auto found = aliases.find(token);
    if (found == aliases.end()) continue;
    absl::StrAppend(&out, " (", found->second.alias, ")");
    Add(found->second, named);
  }
  return out;
}

void AliasText::AddTo(std::vector<Finding>& findings) const {
  if (hosts_.empty() && enclosures_.empty()) return;
  for (Finding& finding : findings) {
    if (finding.id.resource.has_value()) {
      Kind kind = Kind::kNone;
      const std::string owner = OwnerOf(*finding.id.resource, &kind);
      const auto& aliases = kind == Kind::kHost ? hosts_ : enclosures_;
      const auto found = aliases.find(owner);
      if (found != aliases.end()) Add(found->second, &finding.aliases);
    }
    finding.message = In(finding.message, &finding.aliases);
  }
}

}  // namespace sasd::health
