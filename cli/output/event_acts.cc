#include "cli/output/event_acts.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "cli/output/cause_text.h"
#include "cli/output/event_lines.h"
#include "cli/output/format.h"
#include "cli/output/nouns.h"

namespace sasd::cli {
namespace {

using sas::v1::Change;
using sas::v1::Event;
using sas::v1::LogicalUnit;
using sas::v1::Resource;

bool IsKind(const Change& change, Resource::ResourceCase kind) {
  return change.resource().resource_case() == kind;
}

bool IsModified(const Change& change) { return change.kind() == sas::v1::CHANGE_KIND_MODIFIED; }
bool IsRemoved(const Change& change) { return change.kind() == sas::v1::CHANGE_KIND_REMOVED; }

// The state before and the state after: a removed resource is what it was.
const Resource& Before(const Change& change) {
  return change.has_previous() || !IsRemoved(change) ? change.previous() : change.resource();
}

std::vector<std::string> PathsOf(const LogicalUnit& unit) {
  std::vector<std::string> paths;
  for (const sas::v1::Path& path : unit.paths()) paths.push_back(path.end_device());
  return paths;
}

std::vector<std::string> Without(const std::vector<std::string>& all,
                                 const std::vector<std::string>& some) {
  std::vector<std::string> rest;
  for (const std::string& one : all) {
    if (!absl::c_linear_search(some, one)) rest.push_back(one);
  }
  return rest;
}

// "end device not responding" for "expander X phy 3: end device Y not responding, slot 3", and "end
// device attached" for "end device Y, slot 3 attached": the line has the rest.
std::string ShortReason(const std::string& reason) {
  static constexpr char kSubject[] = "end device ";
  const size_t at = reason.find(kSubject);
  if (at == std::string::npos || (at > 0 && !absl::EndsWith(reason.substr(0, at), ": "))) {
    return reason;
  }
  const size_t address = at + sizeof(kSubject) - 1;
  const size_t end = reason.find_first_not_of("0123456789abcdef", address);
  if (end == std::string::npos || end != address + 16) return reason;
  std::string rest = reason.substr(end);
  const size_t slot = rest.find(", slot ");
  if (slot != std::string::npos) {
    const size_t behind = rest.find(' ', slot + 7);
    rest =
        absl::StrCat(rest.substr(0, slot), behind == std::string::npos ? "" : rest.substr(behind));
  }
  return absl::StrCat("end device", rest);
}

// What a reason adds to a line that begins with `subject`: "not responding" for "expander X not
// responding"; nothing for "expander X added".
std::string WithoutSubject(const std::string& reason, const std::string& subject) {
  if (reason == subject || reason == absl::StrCat(subject, " added")) return "";
  return absl::StartsWith(reason, subject + " ") ? reason.substr(subject.size() + 1) : reason;
}

std::string HostsOf(const std::vector<std::string>& end_devices) {
  std::vector<std::string> hosts;
  for (const std::string& name : end_devices) {
    const size_t end = name.find("/endDevices/");
    const std::string host = ShortName(name.substr(0, end));
    if (!absl::c_linear_search(hosts, host)) hosts.push_back(host);
  }
  return absl::StrJoin(hosts, " and ");
}

std::string With(absl::string_view word, const std::string& place) {
  return place.empty() ? "" : absl::StrCat(" ", word, " ", place);
}

// Puts an act on a drive into words.
Act Worded(Act act) {
  const std::string which = PathsText(act.paths.size());
  const std::string paths = which.empty() ? "" : absl::StrCat(", ", which);
  const bool several = act.paths.size() > 1;
  switch (act.kind) {
    case Act::Kind::kRemoved:
      act.sign = '-';
      act.text = absl::StrCat(act.subject, " removed", With("from", act.place), paths);
      break;
    case Act::Kind::kAdded:
      act.sign = '+';
      act.text = absl::StrCat(act.subject, " added", With("at", act.place), paths);
      break;
    case Act::Kind::kLostPath:
      act.sign = '~';
      act.text =
          absl::StrCat(act.subject, With("at", act.place), " lost its path", several ? "s" : "",
                       " over ", HostsOf(act.paths), ", ", act.left, " left");
      break;
    case Act::Kind::kGainedPath:
      act.sign = '~';
      act.text =
          absl::StrCat(act.subject, With("at", act.place), " has ", several ? "paths" : "a path",
                       " over ", HostsOf(act.paths), ", ", act.left, " in all");
      break;
    default:
      break;
  }
  return act;
}

// Puts the arrival or loss of a host, an expander or an enclosure into words. `act.subject`:
// "expander X".
Act WordedTop(Act act) {
  const bool lost = act.kind == Act::Kind::kLeft;
  const Act::Top& top = act.top;
  act.sign = lost ? '-' : '+';
  act.text = absl::StrCat(act.subject, lost ? " removed" : " added");
  std::vector<std::string> with;
  if (top.slots > 0) with.push_back(CountText(top.slots, "slot"));
  if (top.expanders > 0) with.push_back(CountText(top.expanders, "expander"));
  if (!with.empty()) absl::StrAppend(&act.text, " with ", absl::StrJoin(with, " and "));
  const int64_t some = absl::c_count_if(
      top.some, [&top](const std::string& unit) { return top.all.count(unit) == 0; });
  if (some > 0) {
    absl::StrAppend(&act.text, ", ", CountText(some, "drive"),
                    lost ? " lost a path" : " gained a path");
  }
  if (!top.all.empty()) {
    absl::StrAppend(&act.text, ", ", CountText(static_cast<int64_t>(top.all.size()), "drive"),
                    lost ? " lost all" : " appeared");
  }
  return act;
}

bool IsTop(const Act& act) {
  return act.kind == Act::Kind::kArrived || act.kind == Act::Kind::kLeft;
}

// Whether phys changed because of an arrival or loss: they are the link to it.
bool LeadsTo(const Act& phys, const Act& top) {
  const bool fits = top.kind == Act::Kind::kArrived ? phys.is_up : phys.is_down;
  return absl::c_any_of(top.top.links, [&](const Act::Link& link) {
    if (!phys.peers.empty()) {
      return absl::c_all_of(phys.peers,
                            [&](const std::string& peer) { return peer == link.address; });
    }
    return fits && phys.owner == link.owner && phys.phy_count == link.width;
  });
}

// What a host, an expander or an enclosure brought or took with it. False if `next` is no part.
bool MergeIntoTop(Act& first, const Act& next) {
  using Kind = Act::Kind;
  Act::Top& top = first.top;
  const auto covers = [&top](const std::string& name) { return top.covers.count(name) > 0; };
  const bool inside = !next.parents.empty() && absl::c_all_of(next.parents, covers);
  if (next.kind == Kind::kPhys) return LeadsTo(next, first);
  if (first.kind == Kind::kArrived && inside && next.kind == Kind::kUnit) return true;
  if (first.kind == Kind::kArrived && inside && next.kind == Kind::kAdded) {
    top.all.insert(next.unit);
  } else if (first.kind == Kind::kArrived && inside && next.kind == Kind::kGainedPath) {
    if (top.all.count(next.unit) == 0) top.some.insert(next.unit);
  } else if (next.kind == first.kind && CollectionOf(next.top.name) == "expanders" &&
             (covers(next.top.parent) || covers(next.top.enclosure))) {
    top.expanders += 1 + next.top.expanders;
    top.covers.insert(next.top.covers.begin(), next.top.covers.end());
    top.links.insert(top.links.end(), next.top.links.begin(), next.top.links.end());
    top.all.insert(next.top.all.begin(), next.top.all.end());
    top.some.insert(next.top.some.begin(), next.top.some.end());
  } else {
    return false;
  }
  first.severity = std::max(first.severity, next.severity);
  first = WordedTop(std::move(first));
  return true;
}

// Which changes of an event belong to acts.
class Reader {
 public:
  Reader(const Event& event, const PlaceNames& places) : event_(event), places_(places) {}

  std::vector<Act> Read() {
    ReadTops();
    for (const Change& change : event_.changes()) {
      if (IsKind(change, Resource::kLogicalUnit)) ReadUnit(change);
      if (IsEarly(change)) devices_.insert(NameOf(change.resource()));
    }
    AddDrives();
    for (const Change& change : event_.changes()) {
      if (!IsAbsorbed(change)) AddOther(change);
    }
    AddPhys();
    const bool restart = event_.cause().kind() == sas::v1::CAUSE_KIND_RESTART;
    if (event_.has_audit()) {
      // The text of the cause has caller, method, request and result.
      Act act;
      act.sign = '@';
      act.text = CauseText(event_.cause());
      act.severity = event_.severity();
      acts_.push_back(std::move(act));
    } else if (event_.changes().empty() && event_.notices().empty() && !restart) {
      Act act;
      act.sign = '*';
      act.text = "nothing changed";
      act.reason = CauseText(event_.cause());
      acts_.push_back(std::move(act));
    }
    if (new_handles_ > 0) {
      Act act;
      act.sign = '*';
      act.text = absl::StrCat(new_handles_, " with a new device handle");
      act.reason = CauseText(event_.cause());
      acts_.push_back(std::move(act));
    }
    for (const sas::v1::Notice& notice : event_.notices()) {
      Act act;
      act.sign = '!';
      act.text = NoticeText(notice).substr(2);
      act.reason = CauseText(event_.cause());
      act.severity = notice.severity();
      acts_.push_back(std::move(act));
    }
    return std::move(acts_);
  }

 private:
  // Hosts and expanders that came or went, but for those below another one.
  void ReadTops() {
    absl::flat_hash_set<std::string> moved;
    for (const Change& change : event_.changes()) {
      const bool node = IsKind(change, Resource::kHost) || IsKind(change, Resource::kExpander);
      if (node && !IsModified(change)) moved.insert(NameOf(change.resource()));
    }
    for (const Change& change : event_.changes()) {
      if (!moved.contains(NameOf(change.resource()))) continue;
      const sas::v1::Expander& expander = change.resource().expander();
      const bool below = IsKind(change, Resource::kExpander) &&
                         (moved.contains(expander.parent()) || moved.contains(expander.host()));
      if (!below) tops_.push_back(&change);
    }
  }

  void ReadUnit(const Change& change) {
    const LogicalUnit& now = change.resource().logical_unit();
    const LogicalUnit& before = Before(change).logical_unit();
    std::vector<std::string> had = PathsOf(before), has = PathsOf(now);
    if (IsRemoved(change)) has.clear();
    if (change.kind() == sas::v1::CHANGE_KIND_ADDED) had.clear();
    const std::vector<std::string> lost = Without(had, has), gained = Without(has, had);
    if (!IsDrive(now)) {
      // Its own line stands for its devices.
      devices_.insert(had.begin(), had.end());
      devices_.insert(has.begin(), has.end());
    }
    if (!IsDrive(now) || change.left_filter() ||
        (IsModified(change) && lost.empty() && gained.empty())) {
      return;
    }
    Act act;
    act.unit = now.name();
    act.severity = change.severity();
    act.reason = ShortReason(ReasonFor(change, event_.cause()));
    act.subject =
        absl::StrCat("drive ", now.serial().empty() ? ShortName(now.name()) : now.serial());
    act.place = PlaceOf(IsRemoved(change) ? before : now);
    act.left = static_cast<int>(has.size());
    act.paths = IsModified(change) && lost.empty() ? gained : lost.empty() ? has : lost;
    act.parents = ParentsOf(act.paths);
    using Kind = Act::Kind;
    act.kind = IsRemoved(change)     ? Kind::kRemoved
               : !IsModified(change) ? Kind::kAdded
               : !lost.empty()       ? Kind::kLostPath
                                     : Kind::kGainedPath;
    devices_.insert(had.begin(), had.end());
    devices_.insert(has.begin(), has.end());
    units_.insert(now.name());
    drives_.push_back(std::move(act));
  }

  // What these end devices hang at, as this event has them; empty if it does not have all.
  std::vector<std::string> ParentsOf(const std::vector<std::string>& end_devices) const {
    std::vector<std::string> parents;
    for (const Change& change : event_.changes()) {
      if (IsKind(change, Resource::kEndDevice) && !IsRemoved(change) &&
          absl::c_linear_search(end_devices, NameOf(change.resource()))) {
        parents.push_back(change.resource().end_device().parent());
      }
    }
    if (parents.size() < end_devices.size()) parents.clear();
    return parents;
  }

  std::string PlaceOf(const LogicalUnit& unit) const {
    std::string place = unit.has_slot() ? places_.Slot(unit.enclosure(), unit.slot()) : "";
    std::vector<std::string> names;
    for (const sas::v1::Path& path : unit.paths()) {
      if (!path.block_device().empty()) names.push_back(path.block_device());
    }
    if (names.empty()) return place;
    return absl::StrCat(place, place.empty() ? "" : " ", "(", absl::StrJoin(names, ", "), ")");
  }

  void AddDrives() {
    for (const Change* top : tops_) AddTop(*top);
    if (tops_.size() == 1) return;  // its line counts them
    for (const Act::Kind kind :
         {Act::Kind::kLostPath, Act::Kind::kRemoved, Act::Kind::kGainedPath, Act::Kind::kAdded}) {
      std::vector<Act> alike;
      for (const Act& act : drives_) {
        if (act.kind == kind) alike.push_back(act);
      }
      for (Act& act : alike) act = Worded(std::move(act));
      if (alike.size() > kMostApart) {
        acts_.push_back(FoldActs(alike));
      } else {
        for (Act& act : alike) acts_.push_back(std::move(act));
      }
    }
  }

  void AddTop(const Change& change) {
    Act act = NewTop(change);
    act.top.parent = change.resource().expander().parent();
    act.top.enclosure = change.resource().expander().enclosure();
    act.top.links.push_back({act.top.parent, ShortName(act.top.name).substr(0, 16),
                             change.resource().expander().link_width()});
    if (tops_.size() == 1) {
      for (const Change& other : event_.changes()) {
        if (IsKind(other, Resource::kExpander) && other.kind() == change.kind()) {
          act.top.covers.insert(NameOf(other.resource()));
        }
      }
      const auto [all, some] = IsRemoved(change)
                                   ? std::make_pair(Act::Kind::kRemoved, Act::Kind::kLostPath)
                                   : std::make_pair(Act::Kind::kAdded, Act::Kind::kGainedPath);
      for (const Act& drive : drives_) {
        act.severity = std::max(act.severity, drive.severity);
        if (drive.kind == all) act.top.all.insert(drive.unit);
        if (drive.kind == some) act.top.some.insert(drive.unit);
      }
    }
    acts_.push_back(WordedTop(std::move(act)));
  }

  Act NewTop(const Change& change) const {
    Act act;
    act.kind = IsRemoved(change) ? Act::Kind::kLeft : Act::Kind::kArrived;
    act.severity = change.severity();
    act.subject = SubjectOf(change);
    act.reason = WithoutSubject(ReasonFor(change, event_.cause()), act.subject);
    act.top.name = NameOf(change.resource());
    act.top.covers = {act.top.name};
    return act;
  }

  static std::string SubjectOf(const Change& change) {
    return absl::StrCat(NounOf(change.resource()).singular, " ",
                        ShortName(NameOf(change.resource())));
  }

  // Whether the line of an act stands for the change.
  bool IsAbsorbed(const Change& change) const {
    if (IsSilentChange(change, event_.cause())) return true;
    if (change.left_filter()) return false;
    const Resource& resource = change.resource();
    switch (resource.resource_case()) {
      case Resource::kHost:
        return IsDiscoveryOnly(change) || !IsModified(change);
      case Resource::kExpander:
        return !IsModified(change) || (OnlyLink(change) && HasPortTo(NameOf(resource)));
      case Resource::kEndDevice:
        return devices_.contains(NameOf(resource)) || (!tops_.empty() && !IsModified(change));
      case Resource::kLogicalUnit:
        return units_.contains(NameOf(resource)) ||
               (!tops_.empty() && !IsDrive(resource.logical_unit()));
      case Resource::kSlot:
        // The line of an enclosure that came or went stands for its slots.
        return HoldsAny(change) || MovedEnclosure(resource.slot().enclosure());
      case Resource::kPort:
        if (LeadsToHost(change)) return true;
        return !IsModified(change) &&
               (devices_.contains(resource.port().attached()) ||
                devices_.contains(Before(change).port().attached()) || !tops_.empty());
      case Resource::kPhy:
        return !tops_.empty() || LeadsToAny(change);
      case Resource::kEnclosure:
        return IsModified(change) && OnlyCounts(change);
      default:
        return false;
    }
  }

  // A device that the driver has seen and not attached yet: what it is comes with the next event.
  // If none comes, a finding says so.
  static bool IsEarly(const Change& change) {
    const sas::v1::EndDevice& device = change.resource().end_device();
    return IsKind(change, Resource::kEndDevice) && change.kind() == sas::v1::CHANGE_KIND_ADDED &&
           device.logical_units().empty() &&
           (device.state() == sas::v1::DEVICE_STATE_DISCOVERED ||
            device.state() == sas::v1::DEVICE_STATE_ATTACHING);
  }

  // "in-progress" and back to "settled" is what every change brings with it.
  static bool IsDiscoveryOnly(const Change& change) {
    const auto is_calm = [](const sas::v1::Host& host) {
      const auto state = host.discovery().state();
      return state == sas::v1::DISCOVERY_STATE_IDLE || state == sas::v1::DISCOVERY_STATE_SETTLED ||
             state == sas::v1::DISCOVERY_STATE_IN_PROGRESS;
    };
    for (const std::string& path : change.changed_fields().paths()) {
      const absl::string_view field = path;
      const bool known = field == "discovery" || field == "discovery.state" ||
                         field == "revision" || field == "update_time" || field == "sources";
      if (!known) return false;
    }
    return IsModified(change) && is_calm(change.resource().host()) &&
           is_calm(change.previous().host()) &&
           change.resource().host().discovery().reset_count() ==
               change.previous().host().discovery().reset_count();
  }

  // The line of the port to an expander stands for the expander's own fields about it.
  static bool OnlyLink(const Change& change) {
    return absl::c_all_of(change.changed_fields().paths(), [](const std::string& path) {
      return path == "link_width" || path == "link_rate" || path == "revision" ||
             path == "update_time" || path == "sources";
    });
  }
  bool HasPortTo(const std::string& expander) const {
    return absl::c_any_of(event_.changes(), [&](const Change& other) {
      return IsKind(other, Resource::kPort) && other.resource().port().attached() == expander;
    });
  }

  // A port to a host is the far end of the host's own port, which has a line.
  static bool LeadsToHost(const Change& change) {
    return IsModified(change) && CollectionOf(change.resource().port().attached()) == "hosts";
  }

  bool MovedEnclosure(const std::string& enclosure) const {
    return absl::c_any_of(event_.changes(), [&](const Change& other) {
      return IsKind(other, Resource::kEnclosure) && !IsModified(other) &&
             NameOf(other.resource()) == enclosure;
    });
  }

  bool HoldsAny(const Change& change) const {
    if (!tops_.empty()) return true;
    for (const Resource* resource : {&change.resource(), &change.previous()}) {
      for (const std::string& unit : LogicalUnitsOf(resource->slot())) {
        if (units_.contains(unit)) return true;
      }
      for (const std::string& device : resource->slot().end_devices()) {
        if (devices_.contains(device)) return true;
      }
    }
    return false;
  }

  bool LeadsToAny(const Change& change) const {
    for (const Resource* resource : {&change.resource(), &change.previous()}) {
      const std::string& attached = resource->phy().attached_sas_address();
      if (attached.empty()) continue;
      if (absl::c_any_of(devices_, [&](const std::string& device) {
            return absl::StartsWith(ShortName(device), attached);
          })) {
        return true;
      }
      // The line of a port stands for its phys.
      if (absl::c_any_of(event_.changes(), [&](const Change& other) {
            return IsKind(other, Resource::kPort) &&
                   other.resource().port().owner() == change.resource().phy().owner() &&
                   other.resource().port().attached_sas_address() == attached;
          })) {
        return true;
      }
    }
    return false;
  }

  // Numbers, and what the enclosure's own services add when they come or go.
  static bool OnlyCounts(const Change& change) {
    return absl::c_all_of(change.changed_fields().paths(), [](const std::string& path) {
      return path == "occupied_slot_count" || path == "ses_devices" || path == "expanders" ||
             path == "revision" || path == "update_time" || path == "sources" || path == "hosts" ||
             path == "vendor" || path == "model" || path == "product_revision";
    });
  }

  // The port at the other end of a link, whose line would say the same.
  bool IsOtherEnd(const Change& change) const {
    const sas::v1::Port& port = change.resource().port();
    for (const Change& other : event_.changes()) {
      if (&other == &change) return false;  // the first one of both has the line
      if (!IsKind(other, Resource::kPort) || other.kind() != change.kind()) continue;
      const sas::v1::Port& first = other.resource().port();
      if (ShortName(first.owner()) == port.attached_sas_address() &&
          ShortName(port.owner()) == first.attached_sas_address()) {
        return true;
      }
    }
    return false;
  }

  // The phys of one node share a line.
  void AddPhys() {
    for (const auto& [owner, changes] : phys_) {
      if (changes.size() == 1) {
        AddChange(*changes[0]);
        SetPeers(changes, acts_.back());
        continue;
      }
      std::vector<std::string> numbers;
      Act act;
      for (const Change* change : changes) {
        numbers.push_back(absl::StrCat(change->resource().phy().phy_identifier()));
        act.severity = std::max(act.severity, change->severity());
      }
      const std::string first = ChangeText(*changes[0], Paint());
      act.sign = first[0];
      act.text = absl::StrCat(changes.size(), " phys of ", ShortName(owner), " (",
                              absl::StrJoin(numbers, ", "), ")",
                              act.sign == '+'   ? " appeared"
                              : act.sign == '-' ? " are gone"
                                                : " changed");
      act.reason = ReasonFor(*changes[0], event_.cause());
      SetPeers(changes, act);
      acts_.push_back(std::move(act));
    }
  }

  // What the phys lead to, or led to, as far as that is known.
  static void SetPeers(const std::vector<const Change*>& changes, Act& act) {
    const auto runs = [](const sas::v1::Phy& phy) {
      return phy.negotiated_link_rate() >= sas::v1::LINK_RATE_1_5_GBPS;
    };
    act.owner = changes[0]->resource().phy().owner();
    act.phy_count = static_cast<int64_t>(changes.size());
    act.is_up = act.is_down = true;
    for (const Change* change : changes) {
      const sas::v1::Phy &now = change->resource().phy(), &before = change->previous().phy();
      act.is_up = act.is_up && runs(now) && !runs(before);
      act.is_down = act.is_down && !runs(now) && runs(before);
      const std::string& peer = now.attached_sas_address().empty() ? before.attached_sas_address()
                                                                   : now.attached_sas_address();
      if (!peer.empty()) act.peers.push_back(peer);
    }
    if (act.peers.size() < changes.size()) act.peers.clear();
    if (!act.peers.empty() || act.is_up || act.is_down) act.kind = Act::Kind::kPhys;
  }

  void AddOther(const Change& change) {
    if (OnlyHandleDiffers(change)) {
      ++new_handles_;
      return;
    }
    if (IsKind(change, Resource::kPort) && IsOtherEnd(change)) return;
    if (IsKind(change, Resource::kPhy) && !change.left_filter()) {
      phys_[change.resource().phy().owner()].push_back(&change);
      return;
    }
    AddChange(change);
  }

  void AddChange(const Change& change) {
    const std::string text = ChangeText(change, Paint());
    if (IsKind(change, Resource::kEnclosure) && !IsModified(change) && !change.left_filter()) {
      Act act = NewTop(change);
      act.top.slots = absl::c_count_if(event_.changes(), [&](const Change& other) {
        return IsKind(other, Resource::kSlot) &&
               other.resource().slot().enclosure() == NameOf(change.resource());
      });
      acts_.push_back(WordedTop(std::move(act)));
      return;
    }
    Act act;
    act.sign = text[0];
    act.text = text.substr(2);
    if (IsKind(change, Resource::kLogicalUnit) && !IsRemoved(change)) {
      act.kind = Act::Kind::kUnit;
      act.parents = ParentsOf(PathsOf(change.resource().logical_unit()));
    }
    act.reason = WithoutSubject(ReasonFor(change, event_.cause()), SubjectOf(change));
    act.severity = change.severity();
    acts_.push_back(std::move(act));
  }

  const Event& event_;
  const PlaceNames& places_;
  std::vector<const Change*> tops_;
  std::vector<Act> drives_;
  absl::flat_hash_set<std::string> devices_, units_;        // that acts on drives are about
  std::map<std::string, std::vector<const Change*>> phys_;  // by their node
  std::vector<Act> acts_;
  int new_handles_ = 0;
};

}  // namespace

std::string PathsText(size_t count) {
  if (count < 2) return "";
  return count == 2 ? "both paths" : absl::StrCat("all ", count, " paths");
}

std::vector<Act> ActsOf(const Event& event, const PlaceNames& places) {
  return Reader(event, places).Read();
}

Act FoldActs(const std::vector<Act>& alike) {
  constexpr size_t kShown = 3;
  Act act;
  act.sign = alike[0].sign;
  std::vector<std::string> names, paths;
  for (const Act& one : alike) {
    act.severity = std::max(act.severity, one.severity);
    if (names.size() < kShown) names.push_back(one.subject.substr(one.subject.find(' ') + 1));
    paths.insert(paths.end(), one.paths.begin(), one.paths.end());
  }
  const char* const what = alike[0].kind == Act::Kind::kLostPath     ? " lost a path"
                           : alike[0].kind == Act::Kind::kRemoved    ? " removed"
                           : alike[0].kind == Act::Kind::kGainedPath ? " have a path"
                                                                     : " added";
  act.text = absl::StrCat(alike.size(), " drives", what, " over ", HostsOf(paths), ": ",
                          absl::StrJoin(names, ", "), ", ...");
  act.reason = alike[0].reason;
  return act;
}

bool MergeActs(Act& first, const Act& next) {
  using Kind = Act::Kind;
  const bool is_enclosure = CollectionOf(next.top.name) == "enclosures";
  if (first.kind == Kind::kLeft && next.kind == Kind::kLeft && is_enclosure &&
      first.top.enclosure == next.top.name) {  // it goes after its expanders
    Act whole = next;
    if (!MergeIntoTop(whole, first)) return false;
    first = std::move(whole);
    return true;
  }
  if (IsTop(first)) return MergeIntoTop(first, next);
  if (first.kind == Kind::kPhys && IsTop(next)) {  // the links come up first
    if (!LeadsTo(first, next)) return false;
    first = next;
    return true;
  }
  if (first.unit.empty() || first.unit != next.unit) return false;
  const bool loss = first.kind == Kind::kLostPath &&
                    (next.kind == Kind::kLostPath || next.kind == Kind::kRemoved);
  const bool gain = (first.kind == Kind::kAdded || first.kind == Kind::kGainedPath) &&
                    next.kind == Kind::kGainedPath;
  if (!loss && !gain) return false;
  if (loss) first.kind = next.kind;
  // What began it says why. A drive has all its names at the end of its arrival, and at the
  // beginning of its departure.
  if (gain || first.place.empty()) first.place = next.place;
  first.paths.insert(first.paths.end(), next.paths.begin(), next.paths.end());
  first.left = next.left;
  first.severity = std::max(first.severity, next.severity);
  first = Worded(std::move(first));
  return true;
}

}  // namespace sasd::cli
