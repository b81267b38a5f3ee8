#ifndef DAEMON_METRICS_CALL_LATENCIES_H_
#define DAEMON_METRICS_CALL_LATENCIES_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daemon/metrics/latencies.h"

namespace sasd::metrics {

// How long the unary calls of clients took: all of them, and by method. Thread-safe.
class CallLatencies {
 public:
  // `method`: one of a bounded number, "sas.v1.NodeService/GetNode".
  void Add(absl::string_view method, absl::Duration duration) ABSL_LOCKS_EXCLUDED(mu_) {
    all_.Add(duration);
    Of(method).Add(duration);
  }

  const Latencies& all() const { return all_; }
  // Those methods that were called, in the order of their names.
  void ForEach(absl::FunctionRef<void(absl::string_view method, const Latencies& latencies)> visit)
      const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::ReaderMutexLock lock(&mu_);
    for (const auto& [method, latencies] : by_method_) visit(method, *latencies);
  }

 private:
  Latencies& Of(absl::string_view method) ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::ReaderMutexLock lock(&mu_);
      const auto found = by_method_.find(method);
      if (found != by_method_.end()) return *found->second;
    }
    absl::MutexLock lock(&mu_);
    std::unique_ptr<Latencies>& made = by_method_[std::string(method)];
    if (made == nullptr) made = std::make_unique<Latencies>();
    return *made;
  }

  Latencies all_;
  mutable absl::Mutex mu_;
  absl::btree_map<std::string, std::unique_ptr<Latencies>> by_method_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::metrics

#endif  // DAEMON_METRICS_CALL_LATENCIES_H_
