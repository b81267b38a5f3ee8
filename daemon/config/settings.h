#ifndef DAEMON_CONFIG_SETTINGS_H_
#define DAEMON_CONFIG_SETTINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace sasd::config {

// What an operator can set, with the defaults. options.cc says what each means.
struct Settings {
  // Where it serves.
  std::vector<std::string> listen = {"unix:/run/sasd/sasd.sock"};
  bool insecure_listen = false;
  std::vector<std::string> listen_tls;
  std::string tls_certificate, tls_key, tls_client_ca;

  // Who may do what, and how much.
  std::vector<std::string> viewer, operators, admin;
  std::vector<std::string> limit;

  // What it serves; neither of the first two: this machine.
  std::string fabric;
  std::string sysfs_root;
  int64_t seed = 1;
  std::vector<std::string> pci;
  bool control_nodes = true;
  absl::Duration link_look = absl::Minutes(1);
  int64_t link_look_reads = 1000;

  // What operators call hosts and enclosures.
  std::string alias_file;

  // Health.
  absl::Duration attach_grace = absl::Seconds(30);
  absl::Duration boot_grace = absl::Minutes(5);

  // History.
  bool journal = true;
  std::string state_dir;
  int64_t journal_bytes = int64_t{1} << 30;
  absl::Duration journal_age = absl::Hours(24) * 90;
  bool new_epoch = false;
  int64_t log_events = 65'536;
  int64_t log_bytes = int64_t{16} << 20;

  // Metrics.
  std::string metrics_listen;
  bool metrics_objects = false;

  // The log.
  std::string log_level = "info";
};

}  // namespace sasd::config

#endif  // DAEMON_CONFIG_SETTINGS_H_
