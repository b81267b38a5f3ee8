#ifndef TESTS_STORM_STORM_H_
#define TESTS_STORM_STORM_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "emulator/emulator.h"
#include "sas/v1/watch_service.pb.h"
#include "tests/support/mirror.h"
#include "tests/support/random.h"
#include "tests/support/step.h"

// A storm: many subscribers follow a fabric with random acts. At the end the picture of every
// subscriber equals the registry, and the registry equals the fabric.
namespace sasd::testing {

// One open Watch stream.
class Feed {
 public:
  virtual ~Feed() = default;
  // Waits for the next message. False once the stream has ended or was cancelled.
  virtual bool Read(sas::v1::WatchResponse* response) = 0;
  // Ends the stream; Read() returns false. From any thread.
  virtual void Cancel() = 0;
  // Why Read() returned false; empty where Cancel() was the reason.
  virtual std::string error() = 0;
};

// Opens a stream; an empty token asks for a snapshot. Thread-safe. A token with a compacted
// revision gives a stream that ends at once with `error` "compacted".
using FeedFactory = std::function<std::unique_ptr<Feed>(const std::string& resume_token)>;

// How a subscriber reads.
enum class Temper {
  kEager,     // as fast as it can
  kSlow,      // one message per few acts of the storm
  kStalled,   // one message, then nothing until all others have everything
  kRestless,  // disconnects at random and resumes with its token
};

// The clock of a storm counts its acts. Subscribers pace themselves by it. Thread-safe.
class Progress {
 public:
  void Advance() ABSL_LOCKS_EXCLUDED(mu_);
  // A subscriber has its first snapshot (a stalled one: its first message). The storm begins once
  // all have arrived. A later subscriber could neither fall behind nor resume.
  void Arrive() ABSL_LOCKS_EXCLUDED(mu_);
  // The storm has ended at this revision of the registry.
  void Finish(int64_t revision) ABSL_LOCKS_EXCLUDED(mu_);
  // All subscribers but the stalled ones have everything.
  void ReleaseStalled() ABSL_LOCKS_EXCLUDED(mu_);

  void AwaitArrivals(int subscribers) const ABSL_LOCKS_EXCLUDED(mu_);
  // Waits until `acts` acts are done, or the storm is over.
  void AwaitActs(int64_t acts) const ABSL_LOCKS_EXCLUDED(mu_);
  void AwaitRelease() const ABSL_LOCKS_EXCLUDED(mu_);
  int64_t acts() const ABSL_LOCKS_EXCLUDED(mu_);
  bool finished() const ABSL_LOCKS_EXCLUDED(mu_);
  // -1 until it has ended.
  int64_t final_revision() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable absl::Mutex mu_;
  int arrived_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t acts_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t final_revision_ ABSL_GUARDED_BY(mu_) = -1;
  bool released_ ABSL_GUARDED_BY(mu_) = false;
};

// One subscriber with its thread. It runs until it has everything, or until the stream breaks a
// promise.
class Subscriber {
 public:
  Subscriber(Temper temper, uint64_t seed, FeedFactory open, Progress& progress);
  ~Subscriber();

  // Waits until it has the storm's final revision. Returns the broken promise; empty: none.
  std::string Join();

  Temper temper() const { return temper_; }
  // After Join().
  const Mirror& mirror() const { return mirror_; }
  int64_t events() const { return events_; }  // received in all
  int resumes() const { return resumes_; }

 private:
  class Thread;

  void Run();
  // Reports once that it has arrived, or that it never will.
  void Arrive();
  // Reads one stream until it ends, it is abandoned, or all has arrived. False: an error is set.
  bool Follow(Feed& feed);
  // Waits before the next read, as its temper says.
  void Pace();
  bool HasEverything() const;

  const Temper temper_;
  const FeedFactory open_;
  Progress& progress_;
  Random random_;
  Mirror mirror_;
  bool arrived_ = false;
  int64_t messages_ = 0, events_ = 0;
  int resumes_ = 0;
  std::string error_;
  std::unique_ptr<Thread> thread_;
};

struct StormOptions {
  int subscribers = 100;
  uint64_t seed = 1;  // of the subscribers' behaviour
};

// The running system that a storm acts on.
struct StormTarget {
  emulator::Emulator& emulator;
  FeedFactory open;
  // Waits until drivers and registry have digested all acts. Returns the registry's revision.
  std::function<int64_t()> settle;
  // Causes an event that changes nothing.
  std::function<void()> nudge;
};

struct StormReport {
  std::vector<std::string> errors;  // broken promises; empty: none
  std::unique_ptr<Mirror> eager;    // the picture of an eager subscriber at the end
  int64_t revisions = 0;            // from the storm's begin to its end
  int resyncs = 0, resumes = 0;
  absl::Duration duration;      // of the acts and their digestion
  absl::Duration until_all;     // until all but the stalled ones had everything
  int64_t events_received = 0;  // by all but the stalled ones
};

// Runs `steps`, which Chaos makes. Of ten subscribers one is stalled, two are slow, two restless
// and five eager.
StormReport RunStorm(const StormOptions& options, const std::vector<Step>& steps,
                     const StormTarget& target);

}  // namespace sasd::testing

#endif  // TESTS_STORM_STORM_H_
