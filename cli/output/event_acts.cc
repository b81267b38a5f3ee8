#include "cli/output/event_acts.h"

#include <algorithm>
#include <initializer_list>
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
    case Act::Kind::kOther:
      break;
  }
  return act;
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

  std::string PlaceOf(const LogicalUnit& unit) const {
    std::string place = unit.has_slot() ? places_.Slot(unit.enclosure(), unit.slot()) : "";
    std::vector<std::string> names;
    for (const sas::v1::Path& path : unit.paths()) {
      if (!path.block_device().empty()) names.push_back(path.block_device());
    }
    if (names.empty()) return place;
    return absl::StrCat(place, place.empty() ? "" : " ", "(", absl::StrJoin(names, ", "), ")");
  }

  int64_t CountOf(std::initializer_list<Act::Kind> kinds) const {
    return absl::c_count_if(drives_, [&](const Act& act) {
      return std::find(kinds.begin(), kinds.end(), act.kind) != kinds.end();
    });
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
    Act act;
    act.sign = IsRemoved(change) ? '-' : '+';
    act.severity = change.severity();
    act.text =
        absl::StrCat(NounOf(change.resource()).singular, " ", ShortName(NameOf(change.resource())),
                     IsRemoved(change) ? " removed" : " added");
    if (tops_.size() == 1) {
      const int64_t all = CountOf({IsRemoved(change) ? Act::Kind::kRemoved : Act::Kind::kAdded});
      const int64_t some =
          CountOf({IsRemoved(change) ? Act::Kind::kLostPath : Act::Kind::kGainedPath});
      for (const Act& drive : drives_) act.severity = std::max(act.severity, drive.severity);
      if (some > 0) {
        absl::StrAppend(&act.text, ", ", CountText(some, "drive"),
                        IsRemoved(change) ? " lost a path" : " gained a path");
      }
      if (all > 0) {
        absl::StrAppend(&act.text, ", ", CountText(all, "drive"),
                        IsRemoved(change) ? " lost all" : " appeared");
      }
    }
    act.reason = WithoutSubject(ReasonFor(change, event_.cause()), SubjectOf(change));
    acts_.push_back(std::move(act));
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
      return path == "occupied_slot_count" || path == "ses_devices" || path == "revision" ||
             path == "update_time" || path == "sources" || path == "hosts" || path == "vendor" ||
             path == "model" || path == "product_revision";
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
      acts_.push_back(std::move(act));
    }
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
    Act act;
    act.sign = text[0];
    act.text = text.substr(2);
    if (IsKind(change, Resource::kEnclosure) && !IsModified(change) && !change.left_filter()) {
      act.text = absl::StrCat(SubjectOf(change), IsRemoved(change) ? " removed" : " added");
      const int64_t slots = absl::c_count_if(event_.changes(), [&](const Change& other) {
        return IsKind(other, Resource::kSlot) &&
               other.resource().slot().enclosure() == NameOf(change.resource());
      });
      if (slots > 0) absl::StrAppend(&act.text, " with ", CountText(slots, "slot"));
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
  if (first.kind == Kind::kOther || first.unit != next.unit) return false;
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
