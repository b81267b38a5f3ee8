#include "cli/output/event_act_printer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "cli/output/event_acts.h"
#include "cli/output/event_lines.h"
#include "cli/output/format.h"
#include "cli/output/table_layout.h"

namespace sasd::cli {
namespace {

// The longest time between two acts that are one, and of all that are one, in seconds of the
// events' time.
constexpr int64_t kTogether = 2, kLongest = 20;

class ActPrinter : public EventPrinter {
 public:
  ActPrinter(std::ostream& out, EventStyle style)
      : out_(out),
        style_(std::move(style)),
        // For what has no acts.
        lines_(NewEventLinePrinter(out, style_.paint, style_.clock, style_.places)) {}

  void Snapshot(const sas::v1::SnapshotChunk& chunk) override {
    Flush();
    lines_->Snapshot(chunk);
  }
  void Synced(const sas::v1::Synced&) override {}

  void Event(const sas::v1::Event& event) override {
    if (event.has_gap()) Lost(event.gap());
    if (const std::string mark = MarkText(event); !mark.empty()) {
      Flush();
      out_ << style_.paint.Yellow(absl::StrCat("--- ", mark, " ---")) << '\n';
    }
    style_.places.Learn(event);
    for (Act& act : ActsOf(event, style_.places)) Take(event, std::move(act));
  }

  void Lost(const sas::v1::Gap& gap) override {
    Flush();
    lines_->Lost(gap);
  }
  void Gap(int64_t sent_revision, int64_t revision, absl::string_view why) override {
    Flush();
    lines_->Gap(sent_revision, revision, why);
  }

  void Flush() override {
    std::stable_sort(held_.begin(), held_.end(),
                     [](const Held& a, const Held& b) { return a.revision < b.revision; });
    std::vector<bool> printed(held_.size(), false);
    for (size_t i = 0; i < held_.size(); ++i) {
      if (printed[i]) continue;
      std::vector<Act> alike;
      size_t last = i;
      for (size_t j = i; j < held_.size(); ++j) {
        if (held_[j].act.kind != held_[i].act.kind) continue;
        alike.push_back(held_[j].act);
        last = j;
      }
      const bool fold = !held_[i].act.unit.empty() && alike.size() > kMostApart;
      if (!fold) {
        Print(held_[i]);
        continue;
      }
      for (size_t j = i; j < held_.size(); ++j) {
        if (held_[j].act.kind == held_[i].act.kind) printed[j] = true;
      }
      Print({FoldActs(alike), held_[last].revision, held_[last].time});
    }
    held_.clear();
  }

 private:
  struct Held {
    Act act;
    int64_t revision = 0;
    google::protobuf::Timestamp time;
  };

  void Take(const sas::v1::Event& event, Act act) {
    const int64_t now = event.time().seconds();
    if (!held_.empty() &&
        (std::llabs(now - LastTime()) > kTogether || std::llabs(now - begin_) > kLongest)) {
      Flush();
    }
    if (held_.empty()) begin_ = now;
    for (size_t i = 0; i < held_.size(); ++i) {
      Held& held = held_[i];
      if (!MergeActs(held.act, act)) continue;
      held.revision = event.revision();
      held.time = event.time();
      // Several that were held may be parts of what came now: the expanders of an enclosure.
      for (size_t j = held_.size(); j-- > 0;) {
        if (j == i || !MergeActs(held_[i].act, held_[j].act)) continue;
        held_.erase(held_.begin() + static_cast<std::ptrdiff_t>(j));
        if (j < i) --i;
      }
      return;
    }
    // A call has its own line, and ends nothing.
    const bool is_call = act.sign == '@' && !held_.empty();
    const bool may_go_on =
        is_call || (act.kind != Act::Kind::kOther && act.kind != Act::Kind::kUnit);
    if (!may_go_on) Flush();
    held_.push_back({std::move(act), event.revision(), event.time()});
    if (!may_go_on) Flush();
  }

  // Of what is held: the newest.
  int64_t LastTime() const {
    int64_t last = held_.front().time.seconds();
    for (const Held& held : held_) last = std::max(last, held.time.seconds());
    return last;
  }

  void Print(const Held& held) {
    const std::string head =
        absl::StrCat("r", held.revision, " ", EventTime(held.time, style_.clock));
    const Act& act = held.act;
    std::string text = absl::StrCat(std::string(1, act.sign), " ", act.text);
    if (!act.reason.empty()) absl::StrAppend(&text, ": ", act.reason);
    text = style_.places.InText(text);
    const size_t columns = style_.screen.columns;
    if (columns > head.size() + 2) text = Shortened(text, columns - head.size() - 1);
    const bool calm = act.severity <= sas::v1::SEVERITY_INFO;
    out_ << style_.paint.Dim(head) << ' '
         << (calm && act.sign == '+' ? style_.paint.Green(text)
                                     : PaintBySeverity(act.severity, text, style_.paint))
         << '\n';
  }

  std::ostream& out_;
  EventStyle style_;
  const std::unique_ptr<EventPrinter> lines_;
  std::vector<Held> held_;
  int64_t begin_ = 0;  // when the first of them came
};

}  // namespace

std::unique_ptr<EventPrinter> NewEventActPrinter(std::ostream& out, const EventStyle& style) {
  return std::make_unique<ActPrinter>(out, style);
}

}  // namespace sasd::cli
