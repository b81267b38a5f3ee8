#include "daemon/config/reloader.h"

#include "absl/strings/str_cat.h"

namespace sasd::config {

absl::StatusOr<ReloadReport> Reloader::Reload() {
  const absl::StatusOr<Config> config = load_();
  if (!config.ok()) return config.status();
  ReloadReport report;
  Settings next = running_;
  for (const Option& option : Options()) {
    if (option.once) continue;
    const Value before = ValueOf(option, running_), after = ValueOf(option, config->settings);
    if (before == after) continue;
    const std::string text = absl::StrCat(option.name, " = ", FileText(option, after));
    if (option.reload == sasd::config::Reload::kAtSighup) {
      SetValue(option, after, next);
      report.taken.push_back(text);
    } else {
      report.need_restart.push_back(text);
    }
  }
  for (Reloadable* object : objects_) {
    if (const absl::Status status = object->Reload(next); !status.ok()) {
      report.errors.push_back(absl::StrCat(object->name(), ": ", status.message()));
    }
  }
  running_ = next;
  return report;
}

}  // namespace sasd::config
