#ifndef DAEMON_CONFIG_RELOADER_H_
#define DAEMON_CONFIG_RELOADER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/config/config.h"

namespace sasd::config {

// Something that takes new settings while sasd runs.
class Reloadable {
 public:
  virtual ~Reloadable() = default;
  // For the log: "the log", "TLS".
  virtual absl::string_view name() const = 0;
  // Takes the settings. Called at each SIGHUP with a sound configuration, also where no option has
  // changed: files that the options name may have. An error changes nothing and is logged.
  virtual absl::Status Reload(const Settings& settings) = 0;
};

// What a reload did, for the log.
struct ReloadReport {
  std::vector<std::string> taken;         // "log-level = \"debug\""
  std::vector<std::string> need_restart;  // changed, but in effect only after a restart
  std::vector<std::string> errors;        // of objects
};

// Reads the configuration again at SIGHUP. Not thread-safe.
class Reloader {
 public:
  // `load` reads the configuration as at the start; `running` is the result of then.
  Reloader(std::function<absl::StatusOr<Config>()> load, Settings running)
      : load_(std::move(load)), running_(std::move(running)) {}

  // Borrows the object for its lifetime.
  void Add(Reloadable& object) { objects_.push_back(&object); }

  // Gives the new configuration to the objects. Options that none takes while it runs
  // (Reload::kAtRestart) keep the values of the start, and are reported at each reload while they
  // differ. Errors: those of `load`; then nothing changes.
  absl::StatusOr<ReloadReport> Reload();

  // The settings in effect.
  const Settings& running() const { return running_; }

 private:
  const std::function<absl::StatusOr<Config>()> load_;
  Settings running_;
  std::vector<Reloadable*> objects_;
};

}  // namespace sasd::config

#endif  // DAEMON_CONFIG_RELOADER_H_
