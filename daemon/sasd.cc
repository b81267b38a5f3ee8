// sasd: the SAS management daemon. See docs/architecture.md.
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/mutex.h"
#include "daemon/audit.h"
#include "daemon/backend/virtual_backend.h"
#include "daemon/daemon.h"
#include "daemon/finding_log.h"
#include "daemon/health/log_reporter.h"
#include "daemon/heartbeat.h"
#include "daemon/service/names.h"
#include "daemon/systemd.h"
#include "driver/base/clock.h"
#include "rpc/access.h"
#include "rpc/did_you_mean.h"
#include "rpc/limits.h"
#include "rpc/version.h"
#include "spdlog/sinks/stdout_color_sinks.h"
#include "spdlog/spdlog.h"

namespace sasd {
namespace {

struct CommandLine {
  DaemonOptions daemon;
  std::vector<std::string> viewers, operators, admins, limits;
  std::string log_level = "info";
  double link_look_seconds = 60;
  double attach_grace_seconds = 30;
  double boot_grace_seconds = 300;
  int journal_days = 90;
  bool no_journal = false;
};

void Declare(CLI::App& app, CommandLine& line) {
  DaemonOptions& daemon = line.daemon;
  daemon.server.listen = {"unix:/run/sasd/sasd.sock"};
  app.set_version_flag("--version", absl::StrCat("sasd ", rpc::kVersion));
  app.set_config("--config", "", "Read options from a file: lines of NAME = VALUE");
  app.add_option(
         "--listen", daemon.server.listen,
         "Address to serve at: unix:PATH, or HOST:PORT (plain, on loopback only); repeatable")
      ->capture_default_str();
  app.add_flag("--insecure-listen", daemon.server.allow_anonymous,
               "Let --listen serve plain TCP to everybody who can reach the address");
  app.add_option("--listen-tls", daemon.server.listen_tls,
                 "HOST:PORT to serve with TLS to clients that have a certificate; repeatable");
  app.add_option("--tls-certificate", daemon.server.tls.certificate,
                 "File of the server's certificate (PEM)");
  app.add_option("--tls-key", daemon.server.tls.key, "File of the server's key (PEM)");
  app.add_option("--tls-client-ca", daemon.server.tls.client_ca,
                 "File of the CA that signs the clients' certificates (PEM)");
  const std::string who = ": user:NAME, group:NAME or certificate:PATTERN; repeatable";
  app.add_option("--viewer", line.viewers, absl::StrCat("Who may read", who));
  app.add_option("--operator", line.operators,
                 absl::StrCat("Who may also dismiss, accept and name", who));
  app.add_option("--admin", line.admins, absl::StrCat("Who may do everything", who));
  app.add_option("--limit", line.limits,
                 absl::StrCat("NAME=VALUE of a limit; repeatable. `sasctl status` shows all"));
  auto* fabric = app.add_option("--fabric", daemon.fabric,
                                absl::StrCat("Serve virtual HBAs with this fabric: ",
                                             absl::StrJoin(ShippedFabricNames(), ", "),
                                             "; a .textproto file; or "
                                             "synthetic:HOSTSxEXPANDERSxDEVICES"));
  app.add_option("--sysfs-root", daemon.sysfs_root,
                 "Serve a Linux sysfs tree; read it at the start and at each SIGHUP")
      ->excludes(fabric);
  app.add_option("--link-look-seconds", line.link_look_seconds,
                 "Seconds between two looks at the link rates and port members of a host, whose "
                 "changes the kernel does not announce; 0: never. Only without --fabric and "
                 "--sysfs-root")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 86'400.0));
  app.add_option("--link-look-reads", daemon.live.follower.look_reads,
                 "Maximum number of phys and ports of a host per look; later looks take the rest")
      ->capture_default_str()
      ->check(CLI::Range(size_t{1}, size_t{1'000'000}));
  app.add_option("--attach-grace-seconds", line.attach_grace_seconds,
                 "Grace period before health reports a device that only the firmware or only the "
                 "OS knows")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 86'400.0));
  app.add_flag(
         "--control-nodes,!--no-control-nodes", daemon.live.control_nodes,
         "Also ask the firmware of mpt3sas' HBAs, through /dev/mpt3ctl and /dev/mpt2ctl. Only "
         "without --fabric and --sysfs-root")
      ->capture_default_str();
  app.add_option("--seed", daemon.seed, "Seed of the random choices of a virtual HBA")
      ->capture_default_str();
  app.add_option("--log-events", daemon.log.max_events,
                 "Maximum number of events kept for clients that resume")
      ->capture_default_str()
      ->check(CLI::Range(size_t{1}, size_t{100'000'000}));
  app.add_option("--log-bytes", daemon.log.max_bytes, "Maximum size of these events in bytes")
      ->capture_default_str()
      ->check(CLI::Range(size_t{1} << 10, size_t{1} << 40));
  app.add_option(
      "--state-dir", daemon.memory.directory,
      "Directory of the journal. Default: $STATE_DIRECTORY or /var/lib/sasd; with --fabric "
      "or --sysfs-root: none");
  app.add_flag("--no-journal", line.no_journal,
               "Keep no journal: a restart then forgets the history and the baseline");
  app.add_flag("--new-epoch", daemon.memory.new_epoch,
               "Begin a new epoch: after a backup of the state directory was restored");
  app.add_option("--journal-bytes", daemon.memory.max_bytes, "Maximum size of the journal in bytes")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{1} << 20, int64_t{1} << 40));
  app.add_option("--journal-days", line.journal_days,
                 "Maximum age of an event, in days that sasd ran")
      ->capture_default_str()
      ->check(CLI::Range(1, 36'500));
  app.add_option("--boot-grace-seconds", line.boot_grace_seconds,
                 "Seconds after the machine's boot in which a host that is missing after a restart "
                 "may still come")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 86'400.0));
  app.add_option("--log-level", line.log_level, "Least severe message to log on standard error")
      ->capture_default_str()
      ->check(CLI::IsMember({"debug", "info", "warning", "error", "off"}));
  app.footer(
      "Without --fabric and --sysfs-root, sasd serves this machine (/sys) and follows the kernel's "
      "uevents and the firmware's events.\n"
      "Signals: SIGTERM and SIGINT end sasd. SIGHUP starts a rescan. SIGUSR1 closes the control "
      "nodes, so that the kernel's driver can be unloaded; sasd opens them again at SIGHUP or when "
      "their HBAs reappear.");
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

absl::Status AddLimit(absl::string_view text,
                      std::vector<std::pair<rpc::Limit, int64_t>>& limits) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(text, '=');
  std::vector<std::string> names;
  for (const rpc::LimitInfo& info : rpc::AllLimits()) {
    names.emplace_back(info.name);
    if (info.name != parts.first) continue;
    int64_t value = 0;
    if (!absl::SimpleAtoi(parts.second, &value) || value < info.minimum || value > info.maximum) {
      return absl::InvalidArgumentError(absl::StrCat("limit ", info.name, ": \"", parts.second,
                                                     "\" is not between ", info.minimum, " and ",
                                                     info.maximum));
    }
    limits.emplace_back(info.limit, value);
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("there is no limit \"", parts.first, "\"",
                                                 rpc::DidYouMean(parts.first, names)));
}

// Rules and limits, from their texts.
absl::Status ReadEdge(CommandLine& line) {
  rpc::AccessPolicy& policy = line.daemon.access;
  if (absl::Status s = AddRules(line.viewers, rpc::Role::kViewer, policy); !s.ok()) return s;
  if (absl::Status s = AddRules(line.operators, rpc::Role::kOperator, policy); !s.ok()) return s;
  if (absl::Status s = AddRules(line.admins, rpc::Role::kAdmin, policy); !s.ok()) return s;
  for (const std::string& text : line.limits) {
    if (absl::Status s = AddLimit(text, line.daemon.limits); !s.ok()) return s;
  }
  return absl::OkStatus();
}

// Where no directory is given, the journal of this machine is in the service's own.
void SetStateDirectory(CommandLine& line) {
  std::string& directory = line.daemon.memory.directory;
  if (line.no_journal) {
    directory.clear();
  } else if (directory.empty() && line.daemon.fabric.empty() && line.daemon.sysfs_root.empty()) {
    const char* const given = getenv("STATE_DIRECTORY");  // of systemd
    directory = given != nullptr && *given == '/' ? given : "/var/lib/sasd";
  }
}

// Blocks the signals in every thread, so that only WaitForSignal() takes them.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  return signals;
}

int WaitForSignal(const sigset_t& signals) {
  while (true) {
    const int signal = sigwaitinfo(&signals, nullptr);
    if (signal > 0) return signal;
  }
}

// Sockets that systemd bound take the place of --listen. One named "tls" speaks TLS.
void AdoptSockets(rpc::ServerOptions& server) {
  for (const systemd::ActivatedSocket& socket : systemd::TakeActivatedSockets()) {
    server.adopted.push_back({socket.fd, socket.name == "tls"});
  }
  if (!server.adopted.empty()) server.listen.clear();
}

void Run(Daemon& daemon, const sigset_t& signals) {
  const std::string serving =
      absl::StrCat("serving ", daemon.backend().description(), " at ", daemon.address());
  systemd::NotifyReady(serving);
  const absl::Duration interval = systemd::KeepaliveInterval();
  const Heartbeat heartbeat(
      interval, [&daemon, interval] { return daemon.Ping(interval / 2); }, systemd::NotifyAlive,
      [](const absl::Status& status) {
        spdlog::error("{}; systemd restarts sasd if this goes on", std::string(status.message()));
      });
  while (true) {
    const int signal = WaitForSignal(signals);
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
    const absl::Status status = daemon.backend().Rescan();
    systemd::NotifyReady(serving);
    if (status.ok()) {
      spdlog::info("SIGHUP: rescanning");
    } else {
      spdlog::error("SIGHUP: {}", std::string(status.message()));
    }
  }
}

int Main(int argc, char** argv) {
  // A few threads make the registry's long-lived objects. An arena per thread would only leave
  // holes: a third of the memory at 100,000 devices.
  mallopt(M_ARENA_MAX, 2);
  // Debian's Abseil searches for lock cycles at every lock, including gRPC's. The tests do that.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  CLI::App app("The SAS management daemon of a storage node.", "sasd");
  CommandLine line;
  Declare(app, line);
  CLI11_PARSE(app, argc, argv);
  line.daemon.live.follower.look_interval = absl::Seconds(line.link_look_seconds);
  line.daemon.health.attach_grace = absl::Seconds(line.attach_grace_seconds);
  line.daemon.boot_grace = absl::Seconds(line.boot_grace_seconds);
  line.daemon.memory.max_age = absl::Hours(24) * line.journal_days;
  SetStateDirectory(line);
  AdoptSockets(line.daemon.server);
  if (const absl::Status status = ReadEdge(line); !status.ok()) {
    std::cerr << "sasd: " << status.message() << "\n";
    return 2;
  }
  spdlog::set_default_logger(spdlog::stderr_color_mt("sasd"));
  spdlog::set_level(spdlog::level::from_str(line.log_level));

  health::LogReporter reporter(SystemClock(), service::NameOf, WriteFindingLine);
  line.daemon.health.sink = &reporter;

  AuditLog audit(SystemClock(), [](AuditLog::Level level, const std::string& text) {
    spdlog::log(level == AuditLog::Level::kInfo ? spdlog::level::info : spdlog::level::warn, "{}",
                text);
  });
  line.daemon.audit = [&audit](const rpc::Caller& caller, absl::string_view method,
                               rpc::Role needed,
                               bool allowed) { audit.Record(caller, method, needed, allowed); };

  const sigset_t signals = BlockSignals();
  absl::StatusOr<std::unique_ptr<Daemon>> daemon = Daemon::Start(line.daemon, SystemClock());
  if (!daemon.ok()) {
    std::cerr << "sasd: " << daemon.status().message() << "\n";
    return 1;
  }
  spdlog::info(
      "sasd {}: {}, {} hosts, serving at {}", rpc::kVersion, (*daemon)->backend().description(),
      (*daemon)->registry().Snapshot()->collection<registry::Host>().size(), (*daemon)->address());
  Run(**daemon, signals);
  return 0;
}

}  // namespace
}  // namespace sasd

int main(int argc, char** argv) { return sasd::Main(argc, argv); }
