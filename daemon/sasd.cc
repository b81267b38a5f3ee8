// sasd: the SAS management daemon. See docs/architecture.md.
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "daemon/audit.h"
#include "daemon/backend/virtual_backend.h"
#include "daemon/config/alias_file.h"
#include "daemon/config/command_line.h"
#include "daemon/config/config.h"
#include "daemon/config/reloader.h"
#include "daemon/daemon.h"
#include "daemon/finding_log.h"
#include "daemon/health/log_reporter.h"
#include "daemon/heartbeat.h"
#include "daemon/process/address_space.h"
#include "daemon/process/exit_codes.h"
#include "daemon/process/fatal.h"
#include "daemon/process/library_logs.h"
#include "daemon/process/log_queue.h"
#include "daemon/process/log_sink.h"
#include "daemon/process/signals.h"
#include "daemon/process/standard_streams.h"
#include "daemon/service/alias_book.h"
#include "daemon/service/names.h"
#include "daemon/systemd.h"
#include "driver/base/clock.h"
#include "rpc/access.h"
#include "rpc/limits.h"
#include "rpc/version.h"
#include "spdlog/spdlog.h"

namespace sasd {
namespace {

// The end waits so long for the last lines of the log.
constexpr absl::Duration kLastLines = absl::Milliseconds(200);

config::Program About() {
  config::Program program;
  program.description = "The SAS management daemon of a storage node.";
  program.version = rpc::kVersion;
  program.footer = absl::StrCat(
      "Without --fabric and --sysfs-root, sasd serves this machine (/sys) and follows the kernel's "
      "uevents and the firmware's events. Shipped fabrics: ",
      absl::StrJoin(ShippedFabricNames(), ", "),
      ".\n"
      "An option can also stand in the file (log-level = \"debug\") and in the environment "
      "(SASD_LOG_LEVEL=debug). The command line wins, then the environment.\n"
      "Signals: SIGTERM and SIGINT end sasd. SIGHUP reads the configuration again and starts a "
      "rescan. SIGUSR1 closes the control nodes, so that the kernel's driver can be unloaded; sasd "
      "opens them again at SIGHUP or when their HBAs reappear.\n"
      "Exit codes: 0 ended; 1 the start failed; 2 the configuration is wrong; 3 ended by a signal, "
      "but not in order in time (nothing is lost); 4 out of memory.");
  return program;
}

// Where no directory is given, the journal of this machine is in the service's own.
std::string StateDirectory(const config::Settings& settings) {
  if (!settings.journal) return "";
  const bool live = settings.fabric.empty() && settings.sysfs_root.empty();
  if (!settings.state_dir.empty() || !live) return settings.state_dir;
  const char* const given = getenv("STATE_DIRECTORY");  // of systemd
  return given != nullptr && *given == '/' ? given : "/var/lib/sasd";
}

// Where no file is given, this machine has the default one, or none.
absl::StatusOr<std::vector<service::GivenAlias>> AliasesOf(const config::Settings& settings) {
  const bool live = settings.fabric.empty() && settings.sysfs_root.empty();
  const bool is_given = !settings.alias_file.empty();
  std::vector<service::GivenAlias> aliases;
  if (!is_given && !live) return aliases;
  const absl::StatusOr<std::vector<config::AliasLine>> lines =
      config::ReadAliases(is_given ? settings.alias_file : config::kDefaultAliasFile);
  if (!is_given && absl::IsNotFound(lines.status())) return aliases;
  if (!lines.ok()) return lines.status();
  for (const config::AliasLine& line : *lines) {
    aliases.push_back({line.resource, line.alias, line.place});
  }
  if (absl::Status s = service::AliasBook::CheckFile(aliases); !s.ok()) return s;
  return aliases;
}

absl::Status AddRules(const std::vector<std::string>& texts, rpc::Role role,
                      rpc::AccessPolicy& policy) {
  for (const std::string& text : texts) {
    absl::StatusOr<rpc::RoleRule> rule = rpc::ParseRoleRule(text, role);
    if (!rule.ok()) return rule.status();
    policy.rules.push_back(*std::move(rule));
  }
  return absl::OkStatus();
}

absl::StatusOr<rpc::AccessPolicy> PolicyOf(const config::Settings& settings) {
  rpc::AccessPolicy policy;
  absl::Status status = AddRules(settings.viewer, rpc::Role::kViewer, policy);
  if (status.ok()) status = AddRules(settings.operators, rpc::Role::kOperator, policy);
  if (status.ok()) status = AddRules(settings.admin, rpc::Role::kAdmin, policy);
  if (!status.ok()) return status;
  return policy;
}

absl::StatusOr<std::vector<std::pair<rpc::Limit, int64_t>>> LimitsOf(
    const config::Settings& settings) {
  std::vector<std::pair<rpc::Limit, int64_t>> limits;
  for (const std::string& text : settings.limit) {
    absl::StatusOr<std::pair<rpc::Limit, int64_t>> limit = rpc::ParseLimit(text);
    if (!limit.ok()) return limit.status();
    limits.push_back(*limit);
  }
  return limits;
}

// Sockets that systemd bound take the place of `listen`. One named "tls" speaks TLS; one named
// "metrics" takes the place of `metrics-listen`.
void AdoptSockets(DaemonOptions& daemon) {
  for (const systemd::ActivatedSocket& socket : systemd::TakeActivatedSockets()) {
    if (socket.name == "metrics") {
      daemon.metrics_adopted.push_back(socket.fd);
    } else {
      daemon.server.adopted.push_back({socket.fd, socket.name == "tls"});
    }
  }
  if (!daemon.server.adopted.empty()) daemon.server.listen.clear();
}

absl::StatusOr<DaemonOptions> OptionsOf(const config::Settings& settings) {
  DaemonOptions daemon;
  absl::StatusOr<rpc::AccessPolicy> policy = PolicyOf(settings);
  if (!policy.ok()) return policy.status();
  daemon.access = *std::move(policy);
  absl::StatusOr<std::vector<std::pair<rpc::Limit, int64_t>>> limits = LimitsOf(settings);
  if (!limits.ok()) return limits.status();
  daemon.limits = *std::move(limits);
  absl::StatusOr<std::vector<service::GivenAlias>> aliases = AliasesOf(settings);
  if (!aliases.ok()) return aliases.status();
  daemon.aliases = *std::move(aliases);
  daemon.server.listen = settings.listen;
  daemon.server.allow_anonymous = settings.insecure_listen;
  daemon.server.listen_tls = settings.listen_tls;
  daemon.server.tls = {settings.tls_certificate, settings.tls_key, settings.tls_client_ca};
  daemon.metrics_listen = settings.metrics_listen;
  daemon.metrics_objects = settings.metrics_objects;
  AdoptSockets(daemon);
  daemon.fabric = settings.fabric;
  daemon.sysfs_root = settings.sysfs_root;
  daemon.seed = static_cast<uint64_t>(settings.seed);
  daemon.pci = settings.pci;
  daemon.live.control_nodes = settings.control_nodes;
  daemon.live.follower.look_interval = settings.link_look;
  daemon.live.follower.look_reads = static_cast<size_t>(settings.link_look_reads);
  daemon.health.attach_grace = settings.attach_grace;
  daemon.boot_grace = settings.boot_grace;
  daemon.memory.directory = StateDirectory(settings);
  daemon.memory.max_bytes = settings.journal_bytes;
  daemon.memory.max_age = settings.journal_age;
  daemon.memory.new_epoch = settings.new_epoch;
  daemon.log.max_events = static_cast<size_t>(settings.log_events);
  daemon.log.max_bytes = static_cast<size_t>(settings.log_bytes);
  return daemon;
}

void SetLogLevel(const std::string& level) {
  spdlog::set_level(spdlog::level::from_str(level));
  process::SetLibraryLogLevel(spdlog::level::from_str(level));
}

class ReloadableLog : public config::Reloadable {
 public:
  absl::string_view name() const override { return "the log"; }
  absl::Status Reload(const config::Settings& settings) override {
    SetLogLevel(settings.log_level);
    return absl::OkStatus();
  }
};

class ReloadableDaemon : public config::Reloadable {
 public:
  explicit ReloadableDaemon(Daemon& daemon) : daemon_(daemon) {}
  absl::string_view name() const override { return "the daemon"; }
  absl::Status Reload(const config::Settings& settings) override {
    absl::StatusOr<rpc::AccessPolicy> policy = PolicyOf(settings);
    if (!policy.ok()) return policy.status();
    const absl::StatusOr<std::vector<std::pair<rpc::Limit, int64_t>>> limits = LimitsOf(settings);
    if (!limits.ok()) return limits.status();
    const absl::StatusOr<std::vector<service::GivenAlias>> aliases = AliasesOf(settings);
    if (!aliases.ok()) return aliases.status();
    if (absl::Status s = daemon_.SetAliases(*aliases); !s.ok()) return s;
    daemon_.access().SetPolicy(*std::move(policy));
    daemon_.limits().SetAll(*limits);
    daemon_.health().SetAttachGrace(settings.attach_grace);
    daemon_.backend().SetLookInterval(settings.link_look);
    return absl::OkStatus();
  }

 private:
  Daemon& daemon_;
};

void Reload(config::Reloader& reloader) {
  const absl::StatusOr<config::ReloadReport> report = reloader.Reload();
  if (!report.ok()) {
    spdlog::error("SIGHUP: the configuration is wrong; sasd keeps the one that it has");
    for (const absl::string_view line : absl::StrSplit(report.status().message(), '\n')) {
      spdlog::error("SIGHUP: {}", std::string(line));
    }
    return;
  }
  for (const std::string& text : report->taken) spdlog::info("SIGHUP: {}", text);
  for (const std::string& text : report->need_restart) {
    spdlog::warn("SIGHUP: {} needs a restart", text);
  }
  for (const std::string& text : report->errors) spdlog::error("SIGHUP: {}", text);
}

// ", metrics at 127.0.0.1:9856"; empty: nowhere.
std::string MetricsPlace(const Daemon& daemon) {
  const std::string& address = daemon.metrics_address();
  return address.empty() ? "" : absl::StrCat(", metrics at ", address);
}

void Run(Daemon& daemon, process::Signals& signals, config::Reloader& reloader) {
  const std::string serving = absl::StrCat("serving ", daemon.backend().description(), " at ",
                                           daemon.address(), MetricsPlace(daemon));
  systemd::NotifyReady(serving);
  const absl::Duration interval = systemd::KeepaliveInterval();
  const Heartbeat heartbeat(
      interval, [&daemon, interval] { return daemon.Ping(interval / 2); }, systemd::NotifyAlive,
      [](const absl::Status& status) {
        spdlog::error("{}; systemd restarts sasd if this goes on", std::string(status.message()));
      });
  while (true) {
    const int signal = signals.Next(absl::InfiniteDuration());
    if (signal == SIGUSR1) {
      daemon.backend().Release();
      spdlog::info("SIGUSR1: no control node is open");
      continue;
    }
    if (signal != SIGHUP) {
      spdlog::info("{}: sasd ends", strsignal(signal));
      systemd::NotifyStopping();
      return;
    }
    systemd::NotifyReloading();
    Reload(reloader);
    const absl::Status status = daemon.backend().Rescan();
    systemd::NotifyReady(serving);
    if (status.ok()) {
      spdlog::info("SIGHUP: rescanning");
    } else {
      spdlog::error("SIGHUP: {}", std::string(status.message()));
    }
  }
}

// The log, for the whole life of the process: its thread may hang in a write to the end.
process::LogQueue& TheLog() {
  static process::LogQueue* const log = new process::LogQueue({});
  return *log;
}

int Serve(const config::CommandLine& line, const config::Config& start, process::Signals& signals) {
  spdlog::set_default_logger(process::MakeLogger(TheLog()));
  process::CaptureLibraryLogs();
  SetLogLevel(start.settings.log_level);

  health::LogReporter reporter(SystemClock(), service::NameOf, [](const health::LogLine& finding) {
    WriteFindingLine(TheLog(), finding);
  });
  AuditLog audit(SystemClock(), [](AuditLog::Level level, const std::string& text) {
    spdlog::log(level == AuditLog::Level::kInfo ? spdlog::level::info : spdlog::level::warn, "{}",
                text);
  });
  absl::StatusOr<DaemonOptions> options = OptionsOf(start.settings);
  if (!options.ok()) {
    TheLog().Add(absl::StrCat("sasd: ", options.status().message(), "\n"));
    return process::kBadConfiguration;
  }
  options->health.sink = &reporter;
  options->audit = [&audit](const rpc::Caller& caller, absl::string_view method, rpc::Role needed,
                            bool allowed) { audit.Record(caller, method, needed, allowed); };
  absl::StatusOr<std::unique_ptr<Daemon>> daemon =
      Daemon::Start(*std::move(options), SystemClock());
  if (!daemon.ok()) {
    TheLog().Add(absl::StrCat("sasd: ", daemon.status().message(), "\n"));
    return process::kStartFailed;
  }
  spdlog::info("sasd {}: {}, {} hosts, serving at {}{}", rpc::kVersion,
               (*daemon)->backend().description(),
               (*daemon)->registry().Snapshot()->collection<registry::Host>().size(),
               (*daemon)->address(), MetricsPlace(**daemon));
  config::Reloader reloader([&line] { return config::Load(line, getenv); }, start.settings);
  ReloadableLog log;
  ReloadableDaemon reloadable(**daemon);
  reloader.Add(log);
  reloader.Add(reloadable);
  Run(**daemon, signals, reloader);
  (*daemon)->End();
  // An ioctl of its backend may take a minute, and freeing 100,000 devices takes seconds. Nobody
  // needs either: the process exits without destructors.
  (void)daemon->release();
  return process::kEnded;
}

int Main(int argc, char** argv) {
  // A few threads make the registry's long-lived objects. An arena per thread would only leave
  // holes: a third of the memory at 100,000 devices.
  mallopt(M_ARENA_MAX, 2);
  process::Signals& signals = process::Signals::Start();
  if (!process::StandardStreamsAreOpen()) return process::kStartFailed;
  if (!process::AddressSpaceSuffices()) return process::kOutOfMemory;
  process::ReportFatalErrors();
  // Debian's Abseil searches for lock cycles at every lock, including gRPC's. The tests do that.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);

  int code = process::kBadConfiguration;
  const std::optional<config::CommandLine> line =
      config::ParseCommandLine(About(), argc, argv, &code);
  if (!line.has_value()) return code;
  const absl::StatusOr<config::Config> config = config::Load(*line, getenv);
  if (!config.ok()) {
    for (const absl::string_view fault : absl::StrSplit(config.status().message(), '\n')) {
      std::cerr << "sasd: " << fault << "\n";
    }
    return process::kBadConfiguration;
  }
  if (line->check_config) {
    if (const auto aliases = AliasesOf(config->settings); !aliases.ok()) {
      for (const absl::string_view fault : absl::StrSplit(aliases.status().message(), '\n')) {
        std::cerr << "sasd: " << fault << "\n";
      }
      return process::kBadConfiguration;
    }
    std::cout << config::Describe(*config);
    return process::kEnded;
  }
  code = Serve(*line, *config, signals);
  TheLog().Flush(kLastLines);
  _exit(code);  // threads of the backend may still run; see Serve()
}

}  // namespace
}  // namespace sasd

int main(int argc, char** argv) { return sasd::Main(argc, argv); }
