#ifndef DAEMON_CHANGE_AUDIT_H_
#define DAEMON_CHANGE_AUDIT_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daemon/registry/registry_event.h"
#include "driver/base/clock.h"
#include "rpc/call_audit.h"

namespace sasd {

// Makes a record of each call that changed something. Of calls that failed or were refused, a
// hostile client can make any number: there are records of 10 a minute and peer, and of 60 a minute
// in all. The next record counts the others. Thread-safe.
class ChangeAudit {
 public:
  static constexpr int kFailuresOfPeer = 10, kFailures = 60;  // within kWindow
  static constexpr absl::Duration kWindow = absl::Minutes(1);

  // Takes a record, and one line of text about it. Called without a lock; must not wait.
  using Sink = std::function<void(registry::AuditRecord record, std::string text)>;

  // Borrows `clock`.
  ChangeAudit(Clock& clock, Sink sink) : clock_(clock), sink_(std::move(sink)) {}

  void Record(const rpc::AuditedCall& call) ABSL_LOCKS_EXCLUDED(mu_);

  // Makes a record of those that were left out, if their minute is over. To be called now and then.
  void Look() ABSL_LOCKS_EXCLUDED(mu_);
  // The same at once: nothing comes after it.
  void Finish() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Whether this failure gets a record; else it is counted as left out.
  bool Admits(const std::string& peer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Flush(bool at_once) ABSL_LOCKS_EXCLUDED(mu_);

  Clock& clock_;
  const Sink sink_;

  absl::Mutex mu_;                                                          // a leaf
  absl::Duration window_ ABSL_GUARDED_BY(mu_) = -absl::InfiniteDuration();  // its begin
  int failures_ ABSL_GUARDED_BY(mu_) = 0;
  // At most kFailures entries: what is beyond them needs none.
  absl::flat_hash_map<std::string, int> of_peer_ ABSL_GUARDED_BY(mu_);
  int64_t left_out_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sasd

#endif  // DAEMON_CHANGE_AUDIT_H_
