#include "daemon/memory/recorder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "daemon/registry/severity.h"
#include "daemon/service/convert.h"
#include "daemon/service/names.h"
#include "spdlog/spdlog.h"

namespace sasd::memory {
namespace {

// Rows of state in one transaction, which holds up a write of events.
constexpr size_t kStateSlice = 200;
// Events that come while the state is written are kept for so many bytes; then it begins anew.
constexpr size_t kMaxLateBytes = 64 << 20;
constexpr size_t kBytesPerSecond = 8 << 20;
// How long the thread looks for an expected job. The commit and the encoding of an event take less;
// so does waking a thread.
constexpr absl::Duration kAlert = absl::Microseconds(300);

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
  if (mode_ == Mode::kWriting) return {JournalState::kOk, ""};
  return {JournalState::kStalled, why_};
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
  if (checkpoint_due_ == absl::InfiniteFuture() && !changed_.empty()) {
    checkpoint_due_ = absl::Now() + options_.checkpoint_interval;
  }
}

void Recorder::Expect() {
  static const bool has_processors = std::thread::hardware_concurrency() > 1;
  if (!has_processors || !may_expect_.load(std::memory_order_relaxed)) return;
  if (!may_expect_.exchange(false, std::memory_order_relaxed)) return;
  absl::MutexLock lock(&mu_);
  is_expected_ = true;
}

void Recorder::LookForJob() const {
  const absl::Time end = absl::Now() + kAlert;
  while (!sees_job_.load(std::memory_order_acquire) && absl::Now() < end) std::this_thread::yield();
}

void Recorder::Record(absl::Span<const registry::CommittedEvent> events,
                      absl::Span<const watch::EncodedEventPtr> encoded,
                      absl::FunctionRef<void()> publish) {
  Job job;
  for (size_t i = 0; i < events.size(); ++i) AddTo(job, *events[i].event, *encoded[i]);
  {
    absl::MutexLock lock(&mu_);
    newest_ = events.back().after;
    if (mode_ == Mode::kWriting) {
      if (Write(std::move(job), publish)) return;
    } else if (mode_ == Mode::kRecovering) {
      late_.bytes += job.bytes;
      std::move(job.rows.begin(), job.rows.end(), std::back_inserter(late_.rows));
      std::move(job.changes.begin(), job.changes.end(), std::back_inserter(late_.changes));
    }
    journal_.SetVisible(newest_->revision());
  }
  publish();
}

bool Recorder::Write(Job job, const absl::FunctionRef<void()>& publish) {
  const absl::Duration patience =
      options_.patience + absl::Seconds(static_cast<double>(job.bytes) / kBytesPerSecond);
  const uint64_t number = ++jobs_;
  job.number = number;
  job.publish = &publish;
  job_ = std::move(job);
  has_job_ = true;
  // A thread that looks for the job wants the lock next.
  mu_.Unlock();
  sees_job_.store(true, std::memory_order_release);
  mu_.Lock();
  const auto is_over = [this, number]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return done_ >= number || mode_ != Mode::kWriting;
  };
  mu_.AwaitWithTimeout(absl::Condition(&is_over), patience);
  // What is written is published; that needs no disk.
  const auto is_idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !publishing_; };
  mu_.Await(absl::Condition(&is_idle));
  if (done_ >= number) return true;
  if (mode_ == Mode::kWriting) {
    Stall(absl::StrCat("the disk has not taken an event for ", absl::FormatDuration(patience)));
  }
  return false;
}

void Recorder::Stall(const std::string& why) {
  mode_ = Mode::kStalled;
  why_ = absl::StrCat("the journal cannot be written: ", why,
                      "; sasd serves from memory; free the disk or mend it");
  late_ = Job();
  spdlog::error("{}", why_);
}

bool Recorder::HasWork() const {
  return stop_ || has_job_ || is_expected_ || mode_ == Mode::kStalled ||
         changed_.size() >= options_.checkpoint_objects;
}

void Recorder::Run() {
  for (;;) {
    enum { kStop, kJob, kLook, kRecover, kCheckpoint } what = kCheckpoint;
    {
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithDeadline(absl::Condition(this, &Recorder::HasWork), checkpoint_due_);
      if (has_job_) {
        what = kJob;
      } else if (stop_) {
        what = kStop;
      } else if (is_expected_) {
        what = kLook;
      } else if (mode_ == Mode::kStalled) {
        what = kRecover;
        const auto is_asked = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return stop_; };
        mu_.AwaitWithTimeout(absl::Condition(&is_asked), retry_);
        if (stop_) what = kStop;
      }
      is_expected_ = false;
    }
    if (what == kJob) {
      WriteJob();
    } else if (what == kLook) {
      LookForJob();
    } else if (what == kCheckpoint) {
      Checkpoint();
    } else if (what == kRecover) {
      const absl::Status status = Recover();
      absl::MutexLock lock(&mu_);
      if (status.ok()) {
        retry_ = options_.first_retry;
        why_.clear();
        spdlog::info("the journal is written again");
      } else {
        retry_ = std::min(retry_ * 2, options_.longest_retry);
        Stall(std::string(status.message()));
      }
    } else {
      Checkpoint();
      return;
    }
  }
}

void Recorder::WriteJob() {
  Job job;
  {
    absl::MutexLock lock(&mu_);
    job = std::move(job_);
    has_job_ = false;
    sees_job_.store(false, std::memory_order_relaxed);
  }
  may_expect_.store(true, std::memory_order_relaxed);
  const absl::Status status = journal_.Append(job.rows);
  bool given_up = false;
  {
    absl::MutexLock lock(&mu_);
    given_up = mode_ != Mode::kWriting;  // Recover() looks at what the journal has
    if (!given_up && !status.ok()) Stall(std::string(status.message()));
    publishing_ = !given_up && status.ok();
  }
  if (!status.ok()) return;
  if (!given_up) (*job.publish)();
  const uint64_t number = job.number;
  absl::MutexLock lock(&mu_);
  Note(std::move(job));
  if (given_up) return;
  publishing_ = false;
  done_ = number;
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

void Recorder::Checkpoint() {
  ChangedObjects changed;
  int64_t revision = 0;
  {
    absl::MutexLock lock(&mu_);
    checkpoint_due_ = absl::InfiniteFuture();
    if (mode_ != Mode::kWriting || changed_.empty()) return;
    changed.swap(changed_);
    revision = journal_.last_revision();  // this thread alone writes events, and notes each
  }
  absl::Status status = WriteChanged(changed);
  if (status.ok()) status = journal_.FinishState(revision, std::nullopt);
  if (status.ok()) return;
  absl::MutexLock lock(&mu_);
  if (mode_ == Mode::kWriting) Stall(std::string(status.message()));
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
  {
    absl::MutexLock lock(&mu_);
    mode_ = Mode::kRecovering;
    topology = newest_;
  }
  // The write that was given up may have succeeded since.
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
        return absl::OkStatus();
      }
    }
    if (absl::Status s = journal_.Append(late.rows); !s.ok()) return s;
    absl::MutexLock lock(&mu_);
    Note(std::move(late));
  }
}

}  // namespace sasd::memory
