#ifndef DAEMON_CERTIFICATES_H_
#define DAEMON_CERTIFICATES_H_

#include <string>
#include <thread>  // NOLINT: one owned thread
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daemon/diagnosis/check.h"
#include "daemon/health/node_facts.h"
#include "rpc/certificate_file.h"

namespace sasd {

// The certificates of the files with which sasd serves TLS, so that nobody is surprised by the end
// of one. Thread-safe.
class Certificates {
 public:
  // gRPC reads the files again as often.
  static constexpr absl::Duration kRound = absl::Seconds(5);

  // Reads the files: paths, of which the first is sasd's own certificate with the intermediate
  // ones. No path: there is nothing to report.
  explicit Certificates(std::vector<std::string> paths);
  // Calls Stop().
  ~Certificates();

  // Starts the thread that looks every kRound. Call it once; with no path it does nothing.
  void Start();
  // Ends the thread. By one thread; may be called again.
  void Stop() ABSL_LOCKS_EXCLUDED(mu_);

  // Reads the files again. What cannot be read is known as such, also where it could be before.
  void Look() ABSL_LOCKS_EXCLUDED(mu_);

  // As of the last look. Makes no I/O.
  std::vector<health::NodeFacts::Certificate> Facts() const ABSL_LOCKS_EXCLUDED(mu_);
  // One check for each certificate and for each file without one. `now`: of the wall clock.
  std::vector<DiagnosisCheck> Checks(absl::Time now) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  // Constant.
  const std::vector<std::string> paths_;

  mutable absl::Mutex mu_;  // a leaf
  std::vector<health::NodeFacts::Certificate> found_ ABSL_GUARDED_BY(mu_);
  bool stop_ ABSL_GUARDED_BY(mu_) = false;

  std::thread thread_;
};

}  // namespace sasd

#endif  // DAEMON_CERTIFICATES_H_
