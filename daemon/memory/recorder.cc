#include "daemon/memory/recorder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/registry/severity.h"
#include "daemon/service/convert.h"
#include "daemon/service/names.h"
#include "driver/base/clock.h"
#include "spdlog/spdlog.h"

namespace sasd::memory {
namespace {

// Rows of state in one transaction, which holds up a write of events.
constexpr size_t kStateSlice = 200;
// Events that come while the state is written are kept for so many bytes; then it begins anew.
constexpr size_t kMaxLateBytes = 64 << 20;
constexpr size_t kBytesPerSecond = 8 << 20;

journal::ObjectChange ObjectOf(const registry::ResourceId& id, uint8_t change) {
  return {service::NameOf(id), static_cast<uint8_t>(registry::KindOf(id)), change};
}

journal::EventRow RowOf(const registry::RegistryEvent& event, const watch::EncodedEvent& encoded) {
  journal::EventRow row;
  row.revision = event.revision;
  row.previous_revision = event.previous_revision;
  row.unix_nanos = absl::ToUnixNanos(event.time);
  row.cause = static_cast<uint8_t>(service::ToProto(event.cause.kind));
  row.severity = static_cast<uint8_t>(service::ToProto(registry::SeverityOf(event)));
  if (event.gap) {
    row.gap = {event.gap->first, event.gap->last,
               static_cast<journal::GapReason>(event.gap->reason)};
  }
  for (const registry::Change& change : event.changes) {
    row.objects.push_back(
        ObjectOf(registry::IdOf(change.resource()), static_cast<uint8_t>(change.kind())));
  }
  for (const registry::EventNotice& notice : event.notices) {
    row.objects.push_back(ObjectOf(notice.subject, journal::kNoticeAbout));
  }
  const absl::string_view bytes = encoded.all();
  const size_t frame = static_cast<size_t>(encoded.header().data() - bytes.data());
  row.payload.assign(bytes.data() + frame, bytes.size() - frame);
  return row;
}

journal::StateRow StateOf(const registry::ResourceRef& resource, bool present, int64_t revision) {
  journal::StateRow row;
  const registry::ResourceId id = registry::IdOf(resource);
  row.name = service::NameOf(id);
  row.kind = static_cast<uint8_t>(registry::KindOf(id));
  row.present = present;
  row.revision = revision;
  sas::v1::Resource message;
  service::ToProto(resource, &message);
  row.resource = message.SerializeAsString();
  return row;
}

std::string Hang(absl::Duration patience) {
  return absl::StrCat("the disk has not taken an event for ", absl::FormatDuration(patience));
}

// The wall clock may jump.
absl::Duration Now() { return SystemClock().Monotonic(); }

}  // namespace

Recorder::Recorder(journal::Journal& journal, const Options& options)
    : journal_(journal),
      options_(options),
      retry_(options.first_retry),
      thread_([this] { Run(); }) {}

Recorder::~Recorder() {
  {
    absl::MutexLock lock(&mu_);
    stop_ = true;
  }
  thread_.join();
}

JournalStatus Recorder::status() const {
  absl::MutexLock lock(&mu_);
  if (!failure_.empty()) return {JournalState::kStalled, Complaint(failure_)};
  if (Now() <= write_due_) return {JournalState::kOk, ""};
  return {JournalState::kStalled, Complaint(Hang(options_.patience))};
}

std::string Recorder::Complaint(absl::string_view why) const {
  return absl::StrCat("the journal cannot be written: ", why, "; ",
                      mode_ == Mode::kWriting
                          ? "the newest events are in shared memory, which a loss of power erases"
                          : "sasd serves from memory",
                      "; free the disk or mend it");
}

void Recorder::Job::Add(Job later) {
  bytes += later.bytes;
  if (rows.empty()) {
    rows = std::move(later.rows);
    changes = std::move(later.changes);
    return;
  }
  std::move(later.rows.begin(), later.rows.end(), std::back_inserter(rows));
  std::move(later.changes.begin(), later.changes.end(), std::back_inserter(changes));
}

absl::Duration Recorder::PatienceFor(size_t bytes) const {
  return options_.patience + absl::Seconds(static_cast<double>(bytes) / kBytesPerSecond);
}

void Recorder::AddTo(Job& job, const registry::RegistryEvent& event,
                     const watch::EncodedEvent& encoded) {
  job.rows.push_back(RowOf(event, encoded));
  job.bytes += job.rows.back().payload.size();
  for (size_t i = 0; i < event.changes.size(); ++i) {  // RowOf names them first, in order
    const registry::Change& change = event.changes[i];
    job.changes.emplace_back(
        job.rows.back().objects[i].name,
        Changed{change.resource(), change.kind() != registry::ChangeKind::kRemoved,
                event.revision});
  }
}

void Recorder::Note(Job job) {
  for (auto& [name, changed] : job.changes) changed_[std::move(name)] = std::move(changed);
  if (checkpoint_due_ == absl::InfiniteDuration() && !changed_.empty()) {
    checkpoint_due_ = Now() + options_.checkpoint_interval;
  }
}

void Recorder::Record(absl::Span<const registry::CommittedEvent> events,
                      absl::Span<const watch::EncodedEventPtr> encoded) {
  Job job;
  for (size_t i = 0; i < events.size(); ++i) AddTo(job, *events[i].event, *encoded[i]);
  absl::MutexLock lock(&mu_);
  newest_ = events.back().after;
  if (mode_ == Mode::kWriting) {
    if (journal_.Stage(job.rows)) return queue_.Add(std::move(job));
    if (Write(std::move(job))) return;
  } else if (mode_ == Mode::kRecovering) {
    late_.Add(std::move(job));
  }
  journal_.SetVisible(newest_->revision());
}

void Recorder::OnPublished() {
  absl::MutexLock lock(&mu_);
  if (mode_ == Mode::kWriting && !queue_.rows.empty()) SetDue();
}

void Recorder::SetDue() {
  is_due_ = true;
  if (write_due_ == absl::InfiniteDuration()) write_due_ = Now() + PatienceFor(queue_.bytes);
}

bool Recorder::Write(Job job) {
  const int64_t revision = newest_->revision();
  const absl::Duration patience = PatienceFor(queue_.bytes + job.bytes);
  queue_.Add(std::move(job));
  if (failure_.empty()) {
    SetDue();
    const auto is_over = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      return written_ >= revision || !failure_.empty();
    };
    mu_.AwaitWithTimeout(absl::Condition(&is_over), patience);
    if (written_ >= revision) return true;
  }
  mode_ = Mode::kLost;
  Fail(failure_.empty() ? Hang(patience) : failure_);
  return false;
}

bool Recorder::HasWork() const {
  return stop_ || is_due_ || mode_ == Mode::kLost || changed_.size() >= options_.checkpoint_objects;
}

void Recorder::Run() {
  for (;;) {
    bool stop = false, recover = false, write = false, checkpoint = false;
    {
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithTimeout(absl::Condition(this, &Recorder::HasWork), checkpoint_due_ - Now());
      if (!failure_.empty()) mu_.AwaitWithTimeout(absl::Condition(&stop_), retry_);
      stop = stop_;
      recover = !stop && mode_ != Mode::kWriting;
      write = !recover && !queue_.rows.empty() && (is_due_ || stop);
      // Also amid events that never pause.
      checkpoint =
          stop || changed_.size() >= options_.checkpoint_objects || Now() >= checkpoint_due_;
    }
    absl::Status status;
    if (recover) {
      status = Recover();
    } else {
      if (write) status = WriteQueue();
      if (status.ok() && checkpoint) status = Checkpoint();
    }
    if (stop) return;
    if (status.ok()) continue;
    absl::MutexLock lock(&mu_);
    if (recover) mode_ = Mode::kLost;
    Fail(std::string(status.message()));
  }
}

void Recorder::Fail(std::string why) {
  retry_ = failure_.empty() ? options_.first_retry : std::min(retry_ * 2, options_.longest_retry);
  failure_ = std::move(why);
  std::string complaint = Complaint(failure_);
  if (complaint == last_complaint_) return;
  spdlog::error("{}", complaint);
  last_complaint_ = std::move(complaint);
}

void Recorder::Succeed() {
  if (mode_ != Mode::kWriting || failure_.empty()) return;
  failure_.clear();
  last_complaint_.clear();
  spdlog::info("the journal is written again");
}

absl::Status Recorder::WriteQueue() {
  Job job;
  {
    absl::MutexLock lock(&mu_);
    job = std::exchange(queue_, Job());
    is_due_ = false;
    write_due_ = Now() + PatienceFor(job.bytes);
  }
  absl::Status status = journal_.Append(job.rows);
  absl::MutexLock lock(&mu_);
  write_due_ = absl::InfiniteDuration();
  if (status.ok()) {
    written_ = job.rows.back().revision;
    Note(std::move(job));
    Succeed();
  } else if (absl::IsInvalidArgument(status)) {
    // It would not be taken later either: the whole state makes up for it.
    mode_ = Mode::kLost;
  } else {
    job.Add(std::exchange(queue_, Job()));
    queue_ = std::move(job);
  }
  if (!queue_.rows.empty()) SetDue();
  return status;
}

absl::Status Recorder::WriteChanged(const ChangedObjects& changed) {
  std::vector<journal::StateRow> rows;
  for (const auto& [name, object] : changed) {
    rows.push_back(StateOf(object.resource, object.present, object.revision));
    if (rows.size() < kStateSlice) continue;
    if (absl::Status s = journal_.WriteState(rows); !s.ok()) return s;
    rows.clear();
  }
  return rows.empty() ? absl::OkStatus() : journal_.WriteState(rows);
}

absl::Status Recorder::Checkpoint() {
  ChangedObjects changed;
  int64_t revision = 0;
  {
    absl::MutexLock lock(&mu_);
    checkpoint_due_ = absl::InfiniteDuration();
    if (mode_ != Mode::kWriting || changed_.empty()) return absl::OkStatus();
    changed.swap(changed_);
    revision = journal_.last_revision();  // this thread alone writes events, and notes each
  }
  absl::Status status = WriteChanged(changed);
  if (status.ok()) status = journal_.FinishState(revision, std::nullopt);
  absl::MutexLock lock(&mu_);
  if (status.ok()) {
    Succeed();
    return status;
  }
  changed_.merge(changed);  // what has changed again meanwhile is newer
  checkpoint_due_ = -absl::InfiniteDuration();
  return status;
}

absl::Status Recorder::WriteWholeState(const registry::Topology& topology, int64_t last_written) {
  // What went away since the last row: stored as present, and not in the picture.
  std::vector<journal::StateRow> gone;
  const absl::StatusOr<int64_t> damaged = journal_.VisitState([&](journal::StateRow row) {
    if (!row.present) return;
    const absl::StatusOr<registry::ResourceId> id = service::ParseName(row.name);
    if (!id.ok() || !registry::IsNull(topology.Get(*id))) return;
    row.present = false;
    row.revision = topology.revision();
    gone.push_back(std::move(row));
  });
  if (!damaged.ok()) return damaged.status();
  std::vector<journal::StateRow> rows = std::move(gone);
  absl::Status status;
  const auto write = [&](size_t at_least) {
    if (!status.ok() || rows.size() < at_least) return;
    for (size_t at = 0; at < rows.size() && status.ok(); at += kStateSlice) {
      status = journal_.WriteState(
          absl::MakeSpan(rows).subspan(at, std::min(kStateSlice, rows.size() - at)));
    }
    rows.clear();
  };
  topology.VisitAll([&](const registry::ResourceRef& resource) {
    if (!status.ok()) return;
    rows.push_back(StateOf(resource, true, topology.revision()));
    write(kStateSlice);
  });
  write(1);
  if (!status.ok()) return status;
  return journal_.FinishState(
      topology.revision(),
      journal::Gap{last_written + 1, topology.revision(), journal::GapReason::kJournalStalled});
}

absl::Status Recorder::Recover() {
  std::shared_ptr<const registry::Topology> topology;
  bool has_queue = false;
  {
    absl::MutexLock lock(&mu_);
    mode_ = Mode::kRecovering;
    topology = newest_;
    late_ = Job();
    has_queue = !queue_.rows.empty();
  }
  if (has_queue) {
    if (absl::Status s = WriteQueue(); !s.ok()) return s;
  }
  // A write that took too long may have succeeded since.
  const int64_t last_written = journal_.last_revision();
  if (topology->revision() > last_written) {
    if (absl::Status s = WriteWholeState(*topology, last_written); !s.ok()) return s;
    absl::MutexLock lock(&mu_);
    changed_.clear();
  }
  for (;;) {
    Job late;
    {
      absl::MutexLock lock(&mu_);
      if (late_.bytes > kMaxLateBytes) {
        return absl::ResourceExhaustedError("events come faster than the disk takes them");
      }
      late = std::exchange(late_, Job());
      if (late.rows.empty()) {
        mode_ = Mode::kWriting;
        Succeed();
        return absl::OkStatus();
      }
    }
    if (absl::Status s = journal_.Append(late.rows); !s.ok()) return s;
    absl::MutexLock lock(&mu_);
    Note(std::move(late));
  }
}

}  // namespace sasd::memory
