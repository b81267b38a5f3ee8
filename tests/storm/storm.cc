#include "tests/storm/storm.h"

#include <thread>  // NOLINT: subscribers are threads
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "google/protobuf/arena.h"

namespace sasd::testing {
namespace {

// Acts come in bursts. Between bursts the driver catches up; otherwise one full walk would answer
// most acts.
constexpr size_t kActsPerPause = 100;
// A quarter of the acts are digested in the thread that makes them.
constexpr size_t kActsPerCaller = 25;
// A message holds some 30 events. A slow subscriber lags, but does not fall behind all the time.
constexpr int kActsPerSlowRead = 5;
constexpr size_t kRestlessOdds = 3;  // one of this many messages is the last of its stream

Temper TemperOf(int index) {
  switch (index % 10) {
    case 1:
      return Temper::kStalled;
    case 2:
    case 3:
      return Temper::kSlow;
    case 4:
    case 5:
      return Temper::kRestless;
    default:
      return Temper::kEager;
  }
}

}  // namespace

// ------------------------------------------------------------------------------------- Progress

void Progress::Advance() {
  absl::MutexLock lock(&mu_);
  ++acts_;
}

void Progress::Arrive() {
  absl::MutexLock lock(&mu_);
  ++arrived_;
}

void Progress::AwaitArrivals(int subscribers) const {
  absl::MutexLock lock(&mu_);
  const auto all = [this, subscribers]()
                       ABSL_SHARED_LOCKS_REQUIRED(mu_) { return arrived_ >= subscribers; };
  mu_.Await(absl::Condition(&all));
}

void Progress::Finish(int64_t revision) {
  absl::MutexLock lock(&mu_);
  final_revision_ = revision;
}

void Progress::ReleaseStalled() {
  absl::MutexLock lock(&mu_);
  released_ = true;
}

void Progress::AwaitActs(int64_t acts) const {
  absl::MutexLock lock(&mu_);
  const auto reached = [this, acts]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return acts_ >= acts || final_revision_ >= 0;
  };
  mu_.Await(absl::Condition(&reached));
}

void Progress::AwaitRelease() const {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(&released_));
}

int64_t Progress::acts() const {
  absl::MutexLock lock(&mu_);
  return acts_;
}

bool Progress::finished() const { return final_revision() >= 0; }

int64_t Progress::final_revision() const {
  absl::MutexLock lock(&mu_);
  return final_revision_;
}

// ----------------------------------------------------------------------------------- Subscriber

class Subscriber::Thread {
 public:
  explicit Thread(Subscriber& subscriber) : thread_(&Subscriber::Run, &subscriber) {}
  ~Thread() { thread_.join(); }

 private:
  std::thread thread_;
};

Subscriber::Subscriber(Temper temper, uint64_t seed, FeedFactory open, Progress& progress)
    : temper_(temper), open_(std::move(open)), progress_(progress), random_(seed) {
  thread_ = std::make_unique<Thread>(*this);
}

Subscriber::~Subscriber() = default;

std::string Subscriber::Join() {
  thread_.reset();
  return error_;
}

bool Subscriber::HasEverything() const {
  const int64_t last = progress_.final_revision();
  return mirror_.synced() && last >= 0 && mirror_.revision() >= last;
}

void Subscriber::Pace() {
  switch (temper_) {
    case Temper::kEager:
    case Temper::kRestless:
      return;
    case Temper::kSlow:
      if (mirror_.synced()) progress_.AwaitActs(progress_.acts() + kActsPerSlowRead);
      return;
    case Temper::kStalled:
      if (arrived_) progress_.AwaitRelease();
      return;
  }
}

void Subscriber::Arrive() {
  if (!arrived_) progress_.Arrive();
  arrived_ = true;
}

bool Subscriber::Follow(Feed& feed) {
  // Without an arena, subscribers take half of a storm's time, most of it in malloc() and free().
  google::protobuf::Arena arena;
  while (!HasEverything()) {
    Pace();
    arena.Reset();
    auto* response = google::protobuf::Arena::CreateMessage<sas::v1::WatchResponse>(&arena);
    if (!feed.Read(response)) {
      error_ = feed.error();
      return false;
    }
    ++messages_;
    events_ += response->events().events_size();
    if (absl::Status s = mirror_.Apply(*response); !s.ok()) {
      error_ = absl::StrCat("message ", messages_, ": ", s.message());
      return false;
    }
    if (temper_ == Temper::kStalled) Arrive();
    if (!mirror_.synced()) continue;
    // It leaves its first stream for certain, later ones at random.
    const bool leaves = temper_ == Temper::kRestless && !progress_.finished() &&
                        (!arrived_ || random_.OneIn(kRestlessOdds));
    Arrive();
    if (leaves) break;
  }
  feed.Cancel();
  sas::v1::WatchResponse unread;
  while (feed.Read(&unread)) {
  }
  return true;
}

void Subscriber::Run() {
  const absl::Cleanup never_waited_for = [this] { Arrive(); };
  std::string token;
  while (!HasEverything()) {
    const std::unique_ptr<Feed> feed = open_(token);
    if (!Follow(*feed)) {
      // Its revision is compacted: it starts again from a snapshot.
      if (error_ != "compacted" || token.empty()) return;
      error_.clear();
      mirror_ = Mirror();
      token.clear();
      continue;
    }
    mirror_.Disconnected();
    token = mirror_.resume_token();
    if (progress_.finished() && mirror_.revision() >= progress_.final_revision()) return;
    ++resumes_;
  }
}

// ---------------------------------------------------------------------------------------- Storm

// Selects the thread for the driver's work: the one that makes the acts, or the driver's own.
void SetCallerMayWait(emulator::Emulator& emulator, bool may_wait) {
  if (!emulator.has_transports()) return;  // the transport's thread never may
  for (size_t host = 0; host < emulator.host_count(); ++host) {
    emulator.transport(host).SetCallerMayWait(may_wait);
  }
}

StormReport RunStorm(const StormOptions& options, const std::vector<Step>& steps,
                     const StormTarget& target) {
  StormReport report;
  Progress progress;
  const int64_t first_revision = target.settle();
  std::vector<std::unique_ptr<Subscriber>> subscribers;
  for (int i = 0; i < options.subscribers; ++i) {
    subscribers.push_back(std::make_unique<Subscriber>(
        TemperOf(i), options.seed * 1'000 + static_cast<uint64_t>(i), target.open, progress));
  }
  progress.AwaitArrivals(options.subscribers);

  const absl::Time start = absl::Now();
  for (size_t act = 0; act < steps.size(); ++act) {
    if (act % kActsPerCaller == 0) {
      SetCallerMayWait(target.emulator, act / kActsPerCaller % 4 == 3);
    }
    // An earlier act may have made this one impossible.
    (void)Perform(steps[act], target.emulator.fabric());
    progress.Advance();
    if (act % kActsPerPause == 0) target.settle();
  }
  const int64_t last_revision = target.settle();
  report.duration = absl::Now() - start;
  report.revisions = last_revision - first_revision;
  progress.Finish(last_revision);
  target.nudge();  // wakes subscribers that wait for a message

  // The stalled subscribers have not read yet. They must not have delayed the others.
  const auto join = [&](bool stalled) {
    for (const std::unique_ptr<Subscriber>& subscriber : subscribers) {
      if ((subscriber->temper() == Temper::kStalled) != stalled) continue;
      const std::string error = subscriber->Join();
      if (!error.empty()) report.errors.push_back(error);
      report.resyncs += subscriber->mirror().resyncs();
      report.resumes += subscriber->resumes();
    }
  };
  join(false);
  report.until_all = absl::Now() - start;
  for (const std::unique_ptr<Subscriber>& subscriber : subscribers) {
    if (subscriber->temper() != Temper::kStalled) report.events_received += subscriber->events();
  }
  progress.ReleaseStalled();
  join(true);

  const Mirror* eager = nullptr;
  for (const std::unique_ptr<Subscriber>& subscriber : subscribers) {
    if (subscriber->temper() == Temper::kEager) eager = &subscriber->mirror();
  }
  for (const std::unique_ptr<Subscriber>& subscriber : subscribers) {
    for (const std::string& line : subscriber->mirror().Differences(*eager)) {
      report.errors.push_back(absl::StrCat("two subscribers differ: ", line));
    }
  }
  report.eager = std::make_unique<Mirror>(*eager);
  return report;
}

}  // namespace sasd::testing
