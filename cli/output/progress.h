#ifndef CLI_OUTPUT_PROGRESS_H_
#define CLI_OUTPUT_PROGRESS_H_

#include <ostream>
#include <string>
#include <thread>  // NOLINT: one thread shows the time

#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

namespace sasd::cli {

// Shows on a terminal what takes long, and for how long it has: "sasctl: waiting ... 3 s". Begins
// after `patience`, and clears its line when it is destroyed. Nobody else may write to `err`
// meanwhile, which must outlive it.
class Progress {
 public:
  // `shows`: whether `err` is a terminal; otherwise it does nothing.
  Progress(std::ostream& err, bool shows, std::string what,
           absl::Duration patience = absl::Seconds(1));
  ~Progress();

 private:
  void Run(absl::Duration patience);

  std::ostream& err_;
  const std::string what_;
  absl::Notification stop_;
  std::thread thread_;
};

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_PROGRESS_H_
