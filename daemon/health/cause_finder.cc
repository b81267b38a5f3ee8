#include "daemon/health/cause_finder.h"

#include <algorithm>
#include <memory>

namespace sasd::health {
namespace {

using registry::Enclosure;
using registry::EndDevice;
using registry::Expander;
using registry::Host;
using registry::LogicalUnit;
using registry::MakeId;
using registry::Port;
using registry::ResourceId;
using registry::ResourceKind;

// Longer than any chain of expanders. Reports that contradict each other could make a ring.
constexpr int kMaxChain = 64;

template <typename T>
const T& As(const Missing& missing) {
  return *std::get<registry::IndexOf<T>()>(missing.last_known);
}

}  // namespace

CauseFinder::CauseFinder(absl::Span<const MissingPtr> missing) : missing_(missing) {
  for (size_t i = 0; i < missing_.size(); ++i) {
    const Missing& each = *missing_[i];
    if (KindOf(each.id) == ResourceKind::kExpander) {
      expanders_[As<Expander>(each).facts.enclosure].push_back(i);
    } else if (KindOf(each.id) == ResourceKind::kEndDevice) {
      for (const registry::LogicalUnitKey& unit : each.units) paths_[unit].push_back(i);
    }
  }
  roots_.reserve(missing_.size());
  for (size_t i = 0; i < missing_.size(); ++i) roots_.push_back(Follow(i));
}

absl::Span<const size_t> CauseFinder::PathsOf(const registry::LogicalUnitKey& unit) const {
  const auto it = paths_.find(unit);
  if (it == paths_.end()) return {};
  return it->second;
}

size_t CauseFinder::Follow(size_t index) const {
  for (int i = 0; i < kMaxChain; ++i) {
    const Index parent = ParentOf(index);
    if (!parent.has_value() || *parent == index) return index;
    index = *parent;
  }
  return index;
}

CauseFinder::Index CauseFinder::Find(const ResourceId& id) const {
  const auto it = std::lower_bound(
      missing_.begin(), missing_.end(), id,
      [](const MissingPtr& missing, const ResourceId& key) { return missing->id < key; });
  if (it == missing_.end() || (*it)->id != id) return std::nullopt;
  return static_cast<size_t>(it - missing_.begin());
}

size_t CauseFinder::Later(size_t a, size_t b) const {
  return missing_[a]->since.revision < missing_[b]->since.revision ? b : a;
}

CauseFinder::Index CauseFinder::ParentOf(size_t index) const {
  const Missing& missing = *missing_[index];
  switch (KindOf(missing.id)) {
    case ResourceKind::kExpander:
      return ParentOfExpander(As<Expander>(missing));
    case ResourceKind::kEnclosure:
      return ParentOfEnclosure(As<Enclosure>(missing));
    case ResourceKind::kPort:
      return ParentOfPort(As<Port>(missing));
    case ResourceKind::kEndDevice:
      return ParentOfPath(missing);
    case ResourceKind::kLogicalUnit:
      return ParentOfDrive(As<LogicalUnit>(missing));
    case ResourceKind::kHost:
    case ResourceKind::kPhy:
    case ResourceKind::kSlot:
      return std::nullopt;
  }
  return std::nullopt;
}

CauseFinder::Index CauseFinder::LeadingTo(const NodeKey& parent) const {
  const Index host = Find(MakeId<Host>(parent.host));
  return host.has_value() || parent.is_host() ? host : Find(MakeId<Expander>(parent));
}

CauseFinder::Index CauseFinder::ParentOfExpander(const Expander& expander) const {
  const Index above = LeadingTo(expander.facts.parent);
  return above.has_value() ? above : Find(MakeId<Enclosure>(expander.facts.enclosure));
}

// An enclosure has lost its power, unless each of its expanders is behind something else that is
// gone.
CauseFinder::Index CauseFinder::ParentOfEnclosure(const Enclosure& enclosure) const {
  Index host;
  for (const HostKey& each : enclosure.hosts) {
    host = Find(MakeId<Host>(each));
    if (!host.has_value()) break;
  }
  if (host.has_value()) return host;
  const auto inside = expanders_.find(enclosure.id);
  if (inside == expanders_.end()) return std::nullopt;
  Index cause;
  for (const size_t each : inside->second) {
    const NodeKey& parent = As<Expander>(*missing_[each]).facts.parent;
    const Index above = LeadingTo(parent);
    if (!above.has_value()) return std::nullopt;
    const bool is_inside = KindOf(missing_[*above]->id) == ResourceKind::kExpander &&
                           As<Expander>(*missing_[*above]).facts.enclosure == enclosure.id;
    if (!is_inside) cause = cause.has_value() ? Later(*cause, *above) : *above;
  }
  return cause;
}

CauseFinder::Index CauseFinder::ParentOfPort(const Port& port) const {
  const Index above = LeadingTo(port.id.owner);
  if (above.has_value()) return above;
  const NodeKey below = port.attached_key();
  const Index expander = Find(MakeId<Expander>(below));
  return expander.has_value() ? expander : Find(MakeId<EndDevice>(below));
}

CauseFinder::Index CauseFinder::ParentOfPath(const Missing& path) const {
  const Index above = LeadingTo(As<EndDevice>(path).facts.parent);
  return above.has_value() ? above : FirstUnitOf(path);
}

// Of a drive with several units, one stands for all.
CauseFinder::Index CauseFinder::FirstUnitOf(const Missing& path) const {
  for (const registry::LogicalUnitKey& unit : path.units) {
    if (const Index found = Find(MakeId<LogicalUnit>(unit))) return found;
  }
  return std::nullopt;
}

// A drive is gone by itself if one of its paths has no other reason to be gone.
CauseFinder::Index CauseFinder::ParentOfDrive(const LogicalUnit& unit) const {
  const Index enclosure = Find(MakeId<Enclosure>(unit.enclosure));
  if (enclosure.has_value()) return enclosure;
  Index last;
  for (const size_t path : PathsOf(unit.id)) {
    if (!LeadingTo(As<EndDevice>(*missing_[path]).facts.parent).has_value()) {
      return FirstUnitOf(*missing_[path]);
    }
    last = last.has_value() ? Later(*last, path) : path;
  }
  if (!last.has_value()) return std::nullopt;
  return LeadingTo(As<EndDevice>(*missing_[*last]).facts.parent);
}

}  // namespace sasd::health
