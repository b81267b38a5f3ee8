#include "cli/output/event_lines.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/output/cause_text.h"
#include "cli/output/describe.h"
#include "cli/output/format.h"
#include "cli/output/nouns.h"

namespace sasd::cli {
namespace {

using google::protobuf::Message;
using sas::v1::Change;
using sas::v1::Resource;

// The order of the lines of one event.
int Rank(const Resource& resource) {
  switch (resource.resource_case()) {
    case Resource::kHost:
      return 0;
    case Resource::kEnclosure:
      return 1;
    case Resource::kExpander:
      return 2;
    case Resource::kEndDevice:
      return 3;
    case Resource::kLogicalUnit:
      return 4;
    case Resource::kSlot:
      return 5;
    case Resource::kPort:
      return 6;
    default:
      return 7;
  }
}

// Fields that change with every event, or follow from what another line shows.
bool IsBookkeeping(absl::string_view path) {
  return path == "revision" || path == "update_time" || path == "sources" || path == "state_time";
}

// What a restart of the node renames while everything stays: handles, and names in the operating
// system.
bool IsRenamedByRestart(absl::string_view path) {
  return path == "device_handle" || path == "os_name" || path == "block_device" ||
         path == "block_devices" || path == "scsi_address";
}

// The parts of a field that a restart does not rename.
std::string LastingPart(const Resource& resource, absl::string_view path) {
  Resource lasting;
  if (path == "discovery") {
    *lasting.mutable_host()->mutable_discovery() = resource.host().discovery();
    lasting.mutable_host()->mutable_discovery()->clear_stale();
    lasting.mutable_host()->mutable_discovery()->clear_reset_count();
  } else if (path == "paths") {
    *lasting.mutable_logical_unit()->mutable_paths() = resource.logical_unit().paths();
    for (sas::v1::Path& one : *lasting.mutable_logical_unit()->mutable_paths()) {
      one.clear_scsi_address();
      one.clear_block_device();
      one.clear_generic_device();
      for (sas::v1::Holder& holder : *one.mutable_holders()) holder.clear_block_device();
    }
  }
  return lasting.SerializeAsString();
}

// "negotiated_link_rate" is "rate".
std::string ShortField(absl::string_view path) {
  if (path == "negotiated_link_rate" || path == "link_rate") return "rate";
  if (path == "device_handle") return "handle";
  if (path == "link_width") return "width";
  if (path == "attached_sas_address") return "attached";
  if (path == "phy_identifiers") return "phys";
  if (path == "occupied_slot_count") return "occupied";
  return absl::StrReplaceAll(path, {{"_", " "}, {".", " "}});
}

// A value, with short names of resources; "none" if it is empty.
std::string ShortValue(const Message& message, absl::string_view path) {
  const std::string text = FieldText(message, path);
  if (text.empty()) return "none";
  std::vector<std::string> parts = absl::StrSplit(text, ',');
  for (std::string& part : parts) {
    const bool name = absl::StrContains(part, '/') && !CollectionOf(part).empty();
    if (name) part = ShortName(part);
  }
  return absl::StrJoin(parts, ",");
}

// "path over 500605b00ab01230 attached -> blocked": what differs within the paths that both states
// have. Their list shows only which paths there are.
void PathDifferences(const sas::v1::LogicalUnit& before, const sas::v1::LogicalUnit& now,
                     std::vector<std::string>& texts) {
  for (const sas::v1::Path& path : now.paths()) {
    for (const sas::v1::Path& old : before.paths()) {
      if (old.end_device() != path.end_device()) continue;
      for (const char* field :
           {"state", "scsi_address", "block_device", "generic_device", "holders"}) {
        const std::string was = ShortValue(old, field), is = ShortValue(path, field);
        if (was == is) continue;
        const std::string what =
            absl::string_view(field) == "state" ? "" : absl::StrCat(" ", ShortField(field));
        texts.push_back(
            absl::StrCat("path over ", ShortName(path.host()), what, " ", was, " -> ", is));
      }
    }
  }
}

// Whether the field repeats the first value of a list that has changed, too.
bool IsInList(const Change& change, const std::string& path) {
  if (path != "block_device" && path != "logical_unit" && path != "serial") return false;
  const auto& paths = change.changed_fields().paths();
  return std::find(paths.begin(), paths.end(), path + "s") != paths.end();
}

std::string Differences(const Change& change) {
  const Message* now = Inner(change.resource());
  const Message* before = Inner(change.previous());
  std::vector<std::string> texts;
  for (const std::string& mask : change.changed_fields().paths()) {
    // A path of the mask starts at the resource, or at a field of Resource.
    const std::pair<absl::string_view, absl::string_view> head =
        absl::StrSplit(mask, absl::MaxSplits('.', 1));
    const bool wrapped =
        change.resource().GetDescriptor()->FindFieldByName(std::string(head.first)) != nullptr &&
        !head.second.empty();
    const std::string path(wrapped ? head.second : mask);
    if (IsBookkeeping(path) || IsInList(change, path)) continue;
    const std::string old_value = before == nullptr ? "?" : ShortValue(*before, path);
    const std::string new_value = ShortValue(*now, path);
    if (path == "paths" && before != nullptr && change.resource().has_logical_unit()) {
      PathDifferences(change.previous().logical_unit(), change.resource().logical_unit(), texts);
      if (old_value == new_value) continue;
    }
    texts.push_back(absl::StrCat(ShortField(path), " ", old_value, " -> ", new_value));
  }
  return absl::StrJoin(texts, "; ");
}

// The first or last known state of an object; empty if it has none.
std::string StateOf(const Resource& resource) {
  if (resource.has_end_device()) return EnumText(resource.end_device().state());
  if (!resource.has_port()) return "";
  const std::string& attached = resource.port().attached();
  return attached.empty() ? "" : absl::StrCat("to ", ShortName(attached));
}

// The parent of an end device: "via 5000ccab0405db7d/phy 5".
std::string Via(const Resource& resource) {
  if (!resource.has_end_device() || resource.end_device().parent().empty()) return "";
  const auto& device = resource.end_device();
  const std::string phy = device.has_parent_phy_identifier()
                              ? absl::StrCat("/phy ", device.parent_phy_identifier())
                              : "";
  return absl::StrCat("via ", ShortName(device.parent()), phy);
}

std::string Part(absl::string_view text) { return text.empty() ? "" : absl::StrCat("  ", text); }

std::string Object(const Resource& resource) {
  return absl::StrCat(absl::StrFormat("%-9s ", NounOf(resource).singular),
                      ShortName(NameOf(resource)), Part(DescribeResource(resource)));
}

class LinePrinter : public EventPrinter {
 public:
  LinePrinter(std::ostream& out, Paint paint, WallClock clock, PlaceNames places)
      : out_(out), paint_(paint), clock_(std::move(clock)), places_(std::move(places)) {}

  void Snapshot(const sas::v1::SnapshotChunk& chunk) override {
    for (const Resource& resource : chunk.resources()) {
      out_ << places_.InText(absl::StrCat("r", chunk.revision(), " = ", Object(resource),
                                          Part(StateOf(resource)), "\n"));
    }
  }

  void Synced(const sas::v1::Synced&) override {}

  void Event(const sas::v1::Event& event) override {
    MarkGap(event);
    places_.Learn(event);
    std::vector<const Change*> changes;
    for (const Change& change : event.changes()) changes.push_back(&change);
    std::stable_sort(changes.begin(), changes.end(), [](const Change* a, const Change* b) {
      return Rank(a->resource()) < Rank(b->resource());
    });
    const std::string head = Head(event);
    const std::string why = Why(places_.InText(CauseText(event.cause())));
    int new_handles = 0;
    for (const Change* change : changes) {
      if (IsSilentChange(*change, event.cause())) continue;
      if (OnlyHandleDiffers(*change)) {
        ++new_handles;
        continue;
      }
      out_ << absl::StrCat(head, places_.InText(ChangeText(*change, paint_)),
                           Part(Why(places_.InText(ReasonFor(*change, event.cause())))), "\n");
    }
    if (new_handles > 0) {
      out_ << absl::StrCat(head, "* ", new_handles, " with a new device handle", Part(why), "\n");
    }
    for (const sas::v1::Notice& notice : event.notices()) {
      out_ << absl::StrCat(
          head, PaintBySeverity(notice.severity(), places_.InText(NoticeText(notice)), paint_),
          Part(why), "\n");
    }
    const bool restart = event.cause().kind() == sas::v1::CAUSE_KIND_RESTART;
    if (event.has_audit()) {
      out_ << absl::StrCat(head, PaintBySeverity(event.severity(), AuditText(event), paint_), "\n");
    } else if (changes.empty() && event.notices().empty() && !restart) {
      out_ << absl::StrCat(head, "* nothing changed", Part(why), "\n");
    }
  }

  void Lost(const sas::v1::Gap& gap) override { Bar(absl::StrCat("gap: ", LossText(gap))); }

  void Gap(int64_t sent_revision, int64_t revision, absl::string_view why) override {
    const std::string begin = !why.empty() ? std::string(why)
                              : sent_revision == 0
                                  ? "fell behind"
                                  : absl::StrCat("fell behind at revision ", sent_revision);
    Bar(absl::StrCat("gap: ", begin, ", resynced at ", revision));
  }

 private:
  std::string Head(const sas::v1::Event& event) const {
    return absl::StrCat(
        paint_.Dim(absl::StrCat("r", event.revision(), " ", EventTime(event.time(), clock_))), " ");
  }

  std::string Why(const std::string& text) const {
    return paint_.Dim(absl::StrCat("(", text, ")"));
  }

  void Bar(const std::string& text) {
    out_ << paint_.Yellow(absl::StrCat("--- ", text, " ---")) << '\n';
  }

  // Marks events that sasd missed, and resets that renumber device handles.
  void MarkGap(const sas::v1::Event& event) {
    if (event.has_gap()) Lost(event.gap());
    const std::string mark = MarkText(event);
    if (!mark.empty()) Bar(mark);
  }

  // The text of the cause has caller, method, request and result.
  static std::string AuditText(const sas::v1::Event& event) {
    return absl::StrCat("@ ", CauseText(event.cause()));
  }

  std::ostream& out_;
  const Paint paint_;
  const WallClock clock_;
  PlaceNames places_;
};

}  // namespace

bool OnlyHandleDiffers(const Change& change) {
  bool handle = false;
  for (const std::string& path : change.changed_fields().paths()) {
    const absl::string_view field = absl::string_view(path).substr(path.rfind('.') + 1);
    if (IsBookkeeping(field)) continue;
    if (field != "device_handle") return false;
    handle = true;
  }
  return handle;
}

bool IsSilentChange(const Change& change, const sas::v1::Cause& cause) {
  if (change.kind() != sas::v1::CHANGE_KIND_MODIFIED) return false;
  const bool restart = cause.kind() == sas::v1::CAUSE_KIND_RESTART;
  for (const std::string& path : change.changed_fields().paths()) {
    if (IsBookkeeping(path)) continue;
    if (change.resource().has_slot() && path == "hosts") continue;
    if (restart && IsRenamedByRestart(path)) continue;
    const bool has_parts = (change.resource().has_host() && path == "discovery") ||
                           (change.resource().has_logical_unit() && path == "paths");
    if (restart && has_parts &&
        LastingPart(change.resource(), path) == LastingPart(change.previous(), path)) {
      continue;
    }
    return false;
  }
  return true;
}

std::string ChangeText(const Change& change, Paint paint) {
  const Resource& resource = change.resource();
  const std::string object = Object(resource);
  const sas::v1::Severity severity = change.severity();
  switch (change.kind()) {
    case sas::v1::CHANGE_KIND_ADDED: {
      const std::string text = absl::StrCat("+ ", object);
      return absl::StrCat(severity > sas::v1::SEVERITY_INFO ? PaintBySeverity(severity, text, paint)
                                                            : paint.Green(text),
                          Part(Via(resource)), Part(StateOf(resource)));
    }
    case sas::v1::CHANGE_KIND_REMOVED: {
      if (change.left_filter()) {
        return absl::StrCat(paint.Yellow(absl::StrCat("- ", object)),
                            Part("does not pass the filter any more"));
      }
      const std::string state =
          StateOf(change.previous().has_end_device() ? change.previous() : resource);
      return absl::StrCat(PaintBySeverity(severity, absl::StrCat("- ", object), paint),
                          Part(Via(resource)),
                          Part(state.empty() ? "" : absl::StrCat("was ", state)));
    }
    default:
      return absl::StrCat(PaintBySeverity(severity, absl::StrCat("~ ", object), paint),
                          Part(Differences(change)));
  }
}

std::string NoticeText(const sas::v1::Notice& notice) {
  // The two may have one identifier.
  const absl::string_view collection = CollectionOf(notice.resource());
  const absl::string_view noun = collection == "hosts"        ? "host "
                                 : collection == "enclosures" ? "enclosure "
                                                              : "";
  return absl::StrCat("! ", EnumText(notice.severity()), " ", noun, ShortName(notice.resource()),
                      ": ", notice.text());
}

std::string MarkText(const sas::v1::Event& event) {
  const sas::v1::Cause& cause = event.cause();
  const std::string host = ShortName(cause.host());
  if (cause.kind() == sas::v1::CAUSE_KIND_RESYNC) {
    // Events of the firmware or of the kernel: the text of the cause says which.
    const std::string count =
        cause.lost_event_count() == 0 ? "events" : CountText(cause.lost_event_count(), "event");
    const std::string where = host.empty() ? "" : absl::StrCat(" on host ", host);
    return absl::StrCat("gap: ", count, " lost", where, ", differences found by a rescan at ",
                        event.revision());
  }
  if (cause.kind() == sas::v1::CAUSE_KIND_HOST_RESET) {
    return absl::StrCat("reset of host ", host, ": device handles are renumbered");
  }
  if (cause.kind() == sas::v1::CAUSE_KIND_RESTART && host.empty()) {
    return absl::StrCat("sasd restarted at ", event.revision());
  }
  return "";
}

std::string LossText(const sas::v1::Gap& gap) {
  const std::string which = gap.first_revision() == gap.last_revision()
                                ? absl::StrCat("revision ", gap.first_revision(), " is lost")
                                : absl::StrCat("revisions ", gap.first_revision(), " to ",
                                               gap.last_revision(), " are lost");
  switch (gap.reason()) {
    case sas::v1::GAP_REASON_POWER_LOSS:
      return absl::StrCat(which, ": the node lost power before the journal was on disk");
    case sas::v1::GAP_REASON_JOURNAL_STALLED:
      return absl::StrCat(which, ": the journal could not be written");
    case sas::v1::GAP_REASON_JOURNAL_DAMAGED:
      return absl::StrCat(which, ": the journal is damaged");
    default:
      return which;
  }
}

std::string PaintBySeverity(sas::v1::Severity severity, const std::string& text, Paint paint) {
  return severity == sas::v1::SEVERITY_CRITICAL  ? paint.Red(text)
         : severity == sas::v1::SEVERITY_WARNING ? paint.Yellow(text)
                                                 : text;
}

std::unique_ptr<EventPrinter> NewEventLinePrinter(std::ostream& out, Paint paint, WallClock clock,
                                                  PlaceNames places) {
  return std::make_unique<LinePrinter>(out, paint, std::move(clock), std::move(places));
}

}  // namespace sasd::cli
