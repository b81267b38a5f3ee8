#include "daemon/service/timeline.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "daemon/service/resource_text.h"

namespace sasd::service {
namespace {

using sas::v1::Change;
using sas::v1::Event;
using sas::v1::Resource;
using sas::v1::TimelineEntry;

constexpr int64_t kOpen = std::numeric_limits<int64_t>::max();

// ------------------------------------------------------------------------------------------ Texts

absl::string_view LastSegment(absl::string_view name) { return name.substr(name.rfind('/') + 1); }

// The name of a slot; empty outside of enclosures.
template <typename T>
std::string SlotOf(const T& resource) {
  if (resource.enclosure().empty() || !resource.has_slot()) return "";
  return absl::StrCat(resource.enclosure(), "/slots/", resource.slot());
}

// The same for people, with the label at the slot: "enclosures/e/slots/3 (Slot 04)".
template <typename T>
std::string SlotText(const T& resource) {
  const std::string slot = SlotOf(resource);
  if (slot.empty() || resource.slot_label().empty()) return slot;
  return absl::StrCat(slot, " (", resource.slot_label(), ")");
}

std::string BlockDevices(const sas::v1::LogicalUnit& unit) {
  std::vector<std::string> names;
  for (const auto& path : unit.paths()) {
    if (!path.block_device().empty()) names.push_back(path.block_device());
  }
  return absl::StrJoin(names, ", ");
}

std::string Paths(int count) { return absl::StrCat(count, count == 1 ? " path" : " paths"); }

void Append(std::string& text, absl::string_view glue, absl::string_view part) {
  if (!part.empty()) absl::StrAppend(&text, glue, part);
}

// "the path over hosts/X", or "the device" where it is all there is.
std::string PathText(const sas::v1::EndDevice& device) {
  return absl::StrCat("path over ", device.host());
}

std::string LinkText(int width, sas::v1::LinkRate rate) {
  sas::v1::Port port;
  port.set_link_rate(rate);
  const std::string speed = FieldText(port, "link_rate");
  if (width == 0 || speed.empty()) return speed;
  return absl::StrCat(width, " x ", speed);
}

std::string DriveText(const sas::v1::Slot& slot) {
  std::vector<absl::string_view> words;
  for (const std::string* word : {&slot.vendor(), &slot.model(), &slot.serial()}) {
    if (!word->empty()) words.push_back(*word);
  }
  if (!words.empty()) return absl::StrJoin(words, " ");
  if (!slot.logical_unit().empty()) return slot.logical_unit();
  return slot.end_devices().empty() ? "a device" : slot.end_devices(0);
}

std::string AddedText(const Resource& resource) {
  std::string text;
  if (resource.has_logical_unit()) {
    const sas::v1::LogicalUnit& unit = resource.logical_unit();
    text = "appeared";
    Append(text, " in ", SlotText(unit));
    Append(text, " as ", BlockDevices(unit));
    Append(text, ", ", Paths(unit.paths_size()));
  } else if (resource.has_end_device()) {
    const sas::v1::EndDevice& device = resource.end_device();
    text = absl::StrCat(PathText(device), " appeared");
    Append(text, " in ", SlotText(device));
    Append(text, ", ", LinkText(device.link_width(), device.link_rate()));
    Append(text, ", ", FieldText(device, "state"));
  } else if (resource.has_slot()) {
    text = resource.slot().occupied()
               ? absl::StrCat("slot appeared with ", DriveText(resource.slot()))
               : "slot appeared, empty";
  } else if (resource.has_port()) {
    text = "link came up";
    Append(text, ": ", LinkText(resource.port().width(), resource.port().link_rate()));
  } else {
    text = "appeared";
  }
  return text;
}

std::string RemovedText(const Change& change) {
  const Resource before = StateBefore(change);
  std::string text;
  if (before.has_logical_unit()) {
    text = "removed";
    Append(text, " from ", SlotText(before.logical_unit()));
    Append(text, ", last seen as ", BlockDevices(before.logical_unit()));
  } else if (before.has_end_device()) {
    text = absl::StrCat(PathText(before.end_device()), " removed");
    Append(text, " from ", SlotText(before.end_device()));
    Append(text, ", was ", FieldText(before.end_device(), "state"));
  } else if (before.has_port()) {
    text = "link went down";
    Append(text, ", was ", LinkText(before.port().width(), before.port().link_rate()));
  } else {
    text = "removed";
  }
  return text;
}

std::string MovedText(const std::string& from, const std::string& to) {
  if (from.empty()) return absl::StrCat("is in ", to);
  if (to.empty()) return absl::StrCat("is no longer in ", from);
  return absl::StrCat("moved from ", from, " to ", to);
}

// The paths that one state has and the other has not.
std::vector<std::string> PathsOnlyIn(const sas::v1::LogicalUnit& in,
                                     const sas::v1::LogicalUnit& out) {
  std::vector<std::string> only;
  for (const auto& path : in.paths()) {
    const bool both = std::any_of(out.paths().begin(), out.paths().end(), [&](const auto& other) {
      return other.end_device() == path.end_device();
    });
    if (!both) only.push_back(path.host());
  }
  return only;
}

// `renamed`: the operating system began again, and its names say nothing.
void PathTexts(const sas::v1::LogicalUnit& before, const sas::v1::LogicalUnit& after, bool renamed,
               std::vector<std::string>& texts) {
  for (const std::string& host : PathsOnlyIn(before, after)) {
    texts.push_back(
        absl::StrCat("lost the path over ", host, ", ", Paths(after.paths_size()), " left"));
  }
  for (const std::string& host : PathsOnlyIn(after, before)) {
    texts.push_back(absl::StrCat("got a path over ", host, ", ", Paths(after.paths_size())));
  }
  for (const auto& path : after.paths()) {
    for (const auto& old : before.paths()) {
      if (old.end_device() != path.end_device()) continue;
      if (!renamed && old.block_device() != path.block_device()) {
        texts.push_back(path.block_device().empty()
                            ? absl::StrCat("is no longer ", old.block_device())
                            : absl::StrCat("is ", path.block_device()));
      }
      if (old.state() != path.state()) {
        texts.push_back(absl::StrCat("path over ", path.host(), " ", FieldText(old, "state"),
                                     " -> ", FieldText(path, "state")));
      }
    }
  }
}

std::string SlotChangeText(const sas::v1::Slot& before, const sas::v1::Slot& after) {
  if (before.occupied() && !after.occupied()) return absl::StrCat(DriveText(before), " taken out");
  if (!before.occupied() && after.occupied()) return absl::StrCat(DriveText(after), " inserted");
  if (!before.logical_unit().empty() && !after.logical_unit().empty() &&
      before.logical_unit() != after.logical_unit()) {
    return absl::StrCat(DriveText(before), " replaced by ", DriveText(after));
  }
  if (before.logical_unit().empty() && !after.logical_unit().empty()) {
    return absl::StrCat("holds ", DriveText(after));
  }
  return "";
}

// Follows from other fields, or changes with every reset.
bool IsConsequence(absl::string_view field) {
  return field == "device_handle" || field == "os_name" || field == "sources" ||
         field == "most_path_count" || field == "lost_hosts" || field == "block_devices" ||
         field == "end_devices" || field == "hosts" || field == "widest_count" ||
         field == "fastest_link_rate" || field == "scsi_address" || field == "update_time" ||
         field == "revision" || field == "state_time";
}

// "link rate 12 Gbps -> 6 Gbps"
std::string FieldChangeText(const Resource& before, const Resource& after,
                            const std::string& field) {
  const std::string was = FieldText(InnerOf(before), field);
  const std::string is = FieldText(InnerOf(after), field);
  return absl::StrCat(absl::StrReplaceAll(field, {{"_", " "}}), " ", was.empty() ? "none" : was,
                      " -> ", is.empty() ? "none" : is);
}

std::string ModifiedText(const Change& change, sas::v1::CauseKind cause) {
  const Resource before = StateBefore(change);
  const Resource& after = change.resource();
  std::vector<std::string> texts;
  std::string prefix;
  absl::flat_hash_set<std::string> covered;
  if (after.has_logical_unit()) {
    const auto &was = before.logical_unit(), &is = after.logical_unit();
    if (SlotOf(was) != SlotOf(is)) texts.push_back(MovedText(SlotText(was), SlotText(is)));
    PathTexts(was, is, cause == sas::v1::CAUSE_KIND_RESTART, texts);
    covered = {"enclosure", "slot", "paths"};
    if (SlotOf(was) != SlotOf(is)) covered.insert("slot_label");
  } else if (after.has_end_device()) {
    const auto &was = before.end_device(), &is = after.end_device();
    if (SlotOf(was) != SlotOf(is)) texts.push_back(MovedText(SlotText(was), SlotText(is)));
    prefix = absl::StrCat(PathText(is), ": ");
    // What the drive is, its logical unit says.
    covered = {"enclosure",      "slot",      "logical_units",   "vendor",
               "model",          "serial",    "peripheral_type", "enclosure_level",
               "connector_name", "slot_label"};
  } else if (after.has_slot()) {
    const std::string text = SlotChangeText(before.slot(), after.slot());
    if (!text.empty()) {
      texts.push_back(text);
      covered = {"occupied", "logical_unit", "vendor",  "model",
                 "serial",   "end_devices",  "serials", "logical_units"};
    }
  }
  for (const std::string& field : change.changed_fields().paths()) {
    if (IsConsequence(field) || covered.contains(field)) continue;
    texts.push_back(FieldChangeText(before, after, field));
  }
  if (texts.empty()) return "";
  return absl::StrCat(prefix, absl::StrJoin(texts, "; "));
}

std::string ChangeText(const Change& change, sas::v1::CauseKind cause) {
  switch (change.kind()) {
    case sas::v1::CHANGE_KIND_ADDED:
      return AddedText(change.resource());
    case sas::v1::CHANGE_KIND_REMOVED:
      return RemovedText(change);
    default:
      return ModifiedText(change, cause);
  }
}

absl::string_view ReasonText(sas::v1::GapReason reason) {
  switch (reason) {
    case sas::v1::GAP_REASON_POWER_LOSS:
      return "the node lost power before the journal was on disk";
    case sas::v1::GAP_REASON_JOURNAL_STALLED:
      return "the journal could not be written";
    case sas::v1::GAP_REASON_JOURNAL_DAMAGED:
      return "the journal is damaged";
    default:
      return "the reason is not known";
  }
}

// ---------------------------------------------------------------------------------------- Entries

// Whether the drive itself, or the slot's content, came or went in this event: its paths went with
// it.
bool ComesOrGoes(const Change& change) {
  const Resource& resource = change.resource();
  if (resource.has_slot()) {
    return change.kind() == sas::v1::CHANGE_KIND_MODIFIED &&
           StateBefore(change).slot().occupied() != resource.slot().occupied();
  }
  return resource.has_logical_unit() && change.kind() != sas::v1::CHANGE_KIND_MODIFIED;
}

// Whether a drive is reached over a path that it did not have.
bool GetsPath(const Change& change) {
  if (change.kind() == sas::v1::CHANGE_KIND_REMOVED) return false;
  return !PathsOnlyIn(change.resource().logical_unit(), StateBefore(change).logical_unit()).empty();
}

// Whether an end device was attached, which gives its drive a path.
bool IsAttached(const Change& change) {
  return change.resource().end_device().state() == sas::v1::DEVICE_STATE_ATTACHED &&
         StateBefore(change).end_device().state() != sas::v1::DEVICE_STATE_ATTACHED;
}

TimelineEntry NewEntry(const Event& event) {
  TimelineEntry entry;
  entry.set_revision(event.revision());
  *entry.mutable_time() = event.time();
  *entry.mutable_cause() = event.cause();
  return entry;
}

// A reset renumbers what it leaves: one entry, with all else that changed.
bool IsReset(const Event& event) { return event.cause().kind() == sas::v1::CAUSE_KIND_HOST_RESET; }

class EntryMaker {
 public:
  EntryMaker(const Event& event, const TimelineScope& scope) : event_(event), scope_(scope) {
    for (const Change& change : event.changes()) {
      if (!InScope(change) || !ComesOrGoes(change)) continue;
      slot_changes_ = slot_changes_ || change.resource().has_slot();
      drive_changes_ = drive_changes_ || change.resource().has_logical_unit();
    }
    for (const Change& change : event.changes()) {
      if (InScope(change) && change.resource().has_logical_unit() && GetsPath(change)) {
        gets_path_ = true;
      }
      path_changes_ = path_changes_ || (InScope(change) && change.resource().has_end_device() &&
                                        change.kind() != sas::v1::CHANGE_KIND_MODIFIED);
    }
  }

  std::vector<TimelineEntry> Make() {
    bool reset_covered = false;
    for (const Change& change : event_.changes()) {
      if (!InScope(change)) continue;
      std::string text = Follows(change) ? "" : ChangeText(change, event_.cause().kind());
      if (text.empty() && IsReset(event_) && !reset_covered && !drive_changes_) {
        text = absl::StrCat("reset of ", event_.cause().host());
        reset_covered = true;
      }
      if (!text.empty()) Add(change, std::move(text));
    }
    for (const sas::v1::Notice& notice : event_.notices()) {
      if (!scope_.Includes(notice.resource(), event_.revision())) continue;
      TimelineEntry entry = NewEntry(event_);
      entry.set_severity(notice.severity());
      entry.set_text(notice.text());
      entry.set_resource(notice.resource());
      entries_.push_back(std::move(entry));
    }
    return std::move(entries_);
  }

 private:
  bool InScope(const Change& change) const {
    return scope_.Includes(NameOf(change.resource()), event_.revision());
  }

  // Whether another change of the event shows it already.
  bool Follows(const Change& change) const {
    const Resource& resource = change.resource();
    const bool whole = change.kind() != sas::v1::CHANGE_KIND_MODIFIED;
    if (resource.has_end_device()) {
      return whole ? drive_changes_ || slot_changes_ : gets_path_ && IsAttached(change);
    }
    if (!resource.has_logical_unit()) return false;
    if (whole) return slot_changes_;
    if (!path_changes_) return false;
    // Its paths changed, and each path has its own entry.
    return std::all_of(
        change.changed_fields().paths().begin(), change.changed_fields().paths().end(),
        [](const std::string& field) { return field == "paths" || IsConsequence(field); });
  }

  void Add(const Change& change, std::string text) {
    TimelineEntry entry = NewEntry(event_);
    entry.set_severity(change.severity());
    const std::string because = CauseTextFor(change.resource(), event_.cause());
    if (!because.empty()) absl::StrAppend(&text, ": ", because);
    entry.set_text(std::move(text));
    entry.set_resource(NameOf(change.resource()));
    entry.set_kind(change.kind());
    *entry.mutable_changed_fields() = change.changed_fields().paths();
    entries_.push_back(std::move(entry));
  }

  const Event& event_;
  const TimelineScope& scope_;
  bool slot_changes_ = false, drive_changes_ = false, path_changes_ = false, gets_path_ = false;
  std::vector<TimelineEntry> entries_;
};

// The words by which causes call an object: a logical unit by its paths.
std::vector<std::string> NamesInCauses(const Resource& resource) {
  std::vector<std::string> names;
  if (resource.has_end_device()) {
    names.push_back(absl::StrCat("end device ", resource.end_device().sas_address()));
  } else if (resource.has_expander()) {
    names.push_back(absl::StrCat("expander ", resource.expander().sas_address()));
  } else if (resource.has_logical_unit()) {
    for (const auto& path : resource.logical_unit().paths()) {
      names.push_back(absl::StrCat("end device ", LastSegment(path.end_device())));
    }
  } else if (resource.has_slot()) {
    for (const std::string& device : resource.slot().end_devices()) {
      names.push_back(absl::StrCat("end device ", LastSegment(device)));
    }
  }
  return names;
}

// ------------------------------------------------------------------------------------- Placements

// What one state says about where a drive is, or about who sits in a slot.
struct Sitting {
  std::string slot, unit, serial, model;
  std::vector<std::string> paths;

  bool empty() const { return slot.empty() || (unit.empty() && paths.empty()); }
  bool Same(const Sitting& o) const {
    if (slot != o.slot) return false;
    if (!unit.empty() && !o.unit.empty()) return unit == o.unit;
    return std::any_of(paths.begin(), paths.end(), [&o](const std::string& path) {
      return std::find(o.paths.begin(), o.paths.end(), path) != o.paths.end();
    });
  }
};

Sitting SittingOf(const Resource& resource) {
  Sitting sitting;
  if (resource.has_logical_unit()) {
    const sas::v1::LogicalUnit& unit = resource.logical_unit();
    sitting = {SlotOf(unit), unit.name(), unit.serial(), unit.model(), {}};
    for (const auto& path : unit.paths()) sitting.paths.push_back(path.end_device());
  } else if (resource.has_slot() && resource.slot().occupied()) {
    const sas::v1::Slot& slot = resource.slot();
    sitting = {slot.name(),
               slot.logical_unit(),
               slot.serial(),
               slot.model(),
               {slot.end_devices().begin(), slot.end_devices().end()}};
  }
  return sitting;
}

class PlacementBuilder {
 public:
  void Add(const Event& event, const Change& change) {
    const Sitting before = SittingOf(StateBefore(change));
    const Sitting after =
        change.kind() == sas::v1::CHANGE_KIND_REMOVED ? Sitting() : SittingOf(change.resource());
    // Events about it may be lost: it then stands elsewhere than the last one said.
    if (open_.has_value() && !sitting_.Same(before)) Close(event);
    if (!open_.has_value() && !before.empty()) {
      Open(before, nullptr);
      if (!all_.empty()) open_->first_revision = event.revision();
    }
    if (open_.has_value() && !before.Same(after)) Close(event);
    if (after.empty()) return;
    if (!open_.has_value()) Open(after, &event);
    Refine(after);
  }

  std::vector<Placed> Finish(const Resource& now) {
    const Sitting sitting = SittingOf(now);
    if (open_.has_value() && !sitting_.Same(sitting)) {
      // It left in events that are lost: nobody knows when.
      open_->last_revision = open_->first_revision;
      Keep();
    }
    if (!open_.has_value() && !sitting.empty()) Open(sitting, nullptr);
    if (open_.has_value()) {
      Refine(sitting);
      Keep();
    }
    return std::move(all_);
  }

 private:
  // `event` null: it sat there before the first event that is known.
  void Open(const Sitting& sitting, const Event* event) {
    open_.emplace();
    open_->last_revision = kOpen;
    sitting_ = sitting;
    open_->placement.set_slot(sitting.slot);
    // What was there when sasd first looked has come before.
    open_->placement.set_start_unknown(event == nullptr ||
                                       event->cause().kind() == sas::v1::CAUSE_KIND_STARTUP);
    if (event != nullptr) {
      *open_->placement.mutable_start_time() = event->time();
      open_->first_revision = event->revision();
    }
    Refine(sitting);
  }

  // Takes what is known by now.
  void Refine(const Sitting& sitting) {
    sas::v1::Placement& placement = open_->placement;
    if (!sitting.unit.empty()) placement.set_logical_unit(sitting.unit);
    if (!sitting.serial.empty()) placement.set_serial(sitting.serial);
    if (!sitting.model.empty()) placement.set_model(sitting.model);
    if (!sitting.unit.empty()) AddName(sitting.unit);
    for (const std::string& path : sitting.paths) AddName(path);
    sitting_ = sitting;
  }

  void AddName(const std::string& name) {
    std::vector<std::string>& names = open_->names;
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }

  void Close(const Event& event) {
    *open_->placement.mutable_end_time() = event.time();
    *open_->placement.mutable_end_cause() = event.cause();
    open_->last_revision = event.revision();
    Keep();
  }

  void Keep() {
    all_.push_back(*std::move(open_));
    open_.reset();
  }

  std::optional<Placed> open_;
  Sitting sitting_;  // of open_
  std::vector<Placed> all_;
};

}  // namespace

bool TimelineScope::Includes(const std::string& name, int64_t revision) const {
  if (always.contains(name)) return true;
  const auto found = meanwhile.find(name);
  if (found == meanwhile.end()) return false;
  return std::any_of(found->second.begin(), found->second.end(), [revision](const auto& stretch) {
    return revision >= stretch.first && revision <= stretch.second;
  });
}

std::vector<std::string> TimelineScope::Names() const {
  std::vector<std::string> names(always.begin(), always.end());
  for (const auto& [name, stretches] : meanwhile) {
    if (!always.contains(name)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<TimelineEntry> TimelineEntriesOf(const Event& event, const TimelineScope& scope) {
  return EntryMaker(event, scope).Make();
}

TimelineEntry TimelineEntryOf(const HistoryGap& gap) {
  TimelineEntry entry;
  entry.set_revision(gap.last);
  entry.set_severity(sas::v1::SEVERITY_WARNING);
  const auto reason = static_cast<sas::v1::GapReason>(gap.reason);
  entry.set_text(absl::StrCat("history is lost here: ", ReasonText(reason)));
  entry.mutable_gap()->set_first_revision(gap.first);
  entry.mutable_gap()->set_last_revision(gap.last);
  entry.mutable_gap()->set_reason(reason);
  return entry;
}

std::string CauseTextFor(const Resource& resource, const sas::v1::Cause& cause) {
  if (cause.text().empty()) return FieldText(cause, "kind");
  const std::vector<std::string> clauses = absl::StrSplit(cause.text(), "; ");
  if (clauses.size() == 1) return cause.text();
  for (const std::string& name : NamesInCauses(resource)) {
    for (const std::string& clause : clauses) {
      if (absl::StrContains(clause, name)) return clause;
    }
  }
  return absl::StrCat(clauses.front(), "; ...");
}

std::vector<Placed> PlacementsOf(absl::string_view name, absl::Span<const Event> events,
                                 const Resource& now) {
  PlacementBuilder builder;
  for (const Event& event : events) {
    for (const Change& change : event.changes()) {
      if (NameOf(change.resource()) == name) builder.Add(event, change);
    }
  }
  return builder.Finish(now);
}

}  // namespace sasd::service
