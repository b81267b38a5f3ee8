#ifndef DAEMON_DAEMON_H_
#define DAEMON_DAEMON_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "daemon/backend/backend.h"
#include "daemon/backend/closable_sink.h"
#include "daemon/backend/linux_backend.h"
#include "daemon/certificates.h"
#include "daemon/change_audit.h"
#include "daemon/diagnosis/check.h"
#include "daemon/health/monitor.h"
#include "daemon/memory/memory.h"
#include "daemon/memory/resource_codec.h"
#include "daemon/metrics/call_latencies.h"
#include "daemon/metrics/event_counter.h"
#include "daemon/metrics/latencies.h"
#include "daemon/metrics/metrics_server.h"
#include "daemon/metrics/node_metrics.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/restart_gate.h"
#include "daemon/service/alias_book.h"
#include "daemon/service/event_encoder.h"
#include "daemon/service/journal_archive.h"
#include "daemon/service/services.h"
#include "daemon/watch/publisher.h"
#include "daemon/watch/pump.h"
#include "daemon/watch/watch_log.h"
#include "driver/base/clock.h"
#include "rpc/access.h"
#include "rpc/edge.h"
#include "rpc/limits.h"
#include "rpc/server.h"

namespace sasd {

struct DaemonOptions {
  // The origin of the facts: at most one of the first two. Neither: this machine.
  std::string fabric;        // see StartVirtualBackend
  std::string sysfs_root;    // see StartSysfsBackend
  LinuxBackendOptions live;  // see StartLinuxBackend
  // HBAs of this machine that sasd drives itself: see StartPciBackend.
  std::vector<std::string> pci;
  // Starts a backend in place of this machine's: for tests, which replace the kernel.
  BackendStarter start_live;
  uint64_t seed = 1;

  // Where the node keeps its history; empty: nowhere. Start() sets `source`.
  memory::Memory::Options memory;
  // A host that is missing after a restart may still come until CLOCK_MONOTONIC, which counts from
  // the machine's boot, is so far.
  absl::Duration boot_grace = absl::Minutes(5);

  // Where to serve, for whom, and how much.
  rpc::ServerOptions server;
  rpc::AccessPolicy access;
  rpc::Access::Audit audit;                            // may be empty
  std::vector<std::pair<rpc::Limit, int64_t>> limits;  // those that differ from the default
  service::ServiceOptions service;
  // Where to serve metrics over HTTP: "HOST:PORT" or "unix:PATH"; empty: nowhere.
  std::string metrics_listen;
  // Descriptors of sockets for metrics that the service manager bound. Start() takes them.
  std::vector<int> metrics_adopted;
  bool metrics_objects = false;  // also two series for each drive
  health::Monitor::Options health;
  watch::WatchLog::Options log;
  std::vector<service::GivenAlias> aliases;  // of the file of aliases
};

// A whole sasd in one object, from firmware or sysfs to gRPC. Used by main(), tests and benchmarks.
// Thread-safe.
class Daemon {
 public:
  // Starts and serves. When it returns every host is visible; devices follow. Borrows `clock` for
  // the daemon's lifetime. Errors: those of the backend, of rpc::Server::Open and of
  // memory::Memory::Open, and kInvalidArgument for a fabric together with a sysfs tree, and for
  // aliases that are none.
  static absl::StatusOr<std::unique_ptr<Daemon>> Start(DaemonOptions options, Clock& clock);

  // Calls End(), ends the backend and frees all. May wait for an ioctl of the backend, and takes
  // seconds where there are 100,000 devices.
  ~Daemon();

  // Ends in order: the calls first, then what the sources report, then the journal. What the
  // sources report of their own end is not taken: the next start compares with what was there, as
  // after kill -9. Afterwards no thread of the daemon uses what it was given, except for the clock
  // and the threads of the backend. A process may then end without the destructor. By one thread;
  // may be called again, and does nothing then.
  void End();
  // Fills the trends from the journal.
  void TakePast(Clock& clock);

  const std::string& address() const { return server_->address(); }
  const rpc::Server& server() const { return *server_; }
  // Whether sasd answers its own call; see rpc::Server::Ping.
  absl::Status Ping(absl::Duration timeout) { return server_->Ping(timeout); }
  rpc::LimitBook& limits() { return edge_.limits; }
  rpc::Access& access() { return edge_.access; }
  Backend& backend() { return *backend_; }
  registry::Registry& registry() { return registry_; }
  watch::WatchLog& log() { return log_; }
  const metrics::NodeMetrics& metrics() const { return *metrics_; }
  // Where metrics are served, with the port that was bound; empty: nowhere.
  const std::string& metrics_address() const { return metrics_address_; }
  health::Monitor& health() { return health_; }
  // Replaces those of DaemonOptions::aliases. Error: kInvalidArgument, a line for each fault; then
  // nothing changes.
  absl::Status SetAliases(const std::vector<service::GivenAlias>& aliases);

 private:
  // Health sees each event before it is published.
  class HealthListener : public watch::CommitListener {
   public:
    explicit HealthListener(health::Monitor& health) : health_(health) {}
    void OnCommit(registry::RegistryEvent& event, const registry::Topology& after) override {
      health_.OnCommit(event, after);
    }

   private:
    health::Monitor& health_;
  };

  // Compares the hosts for which the time has come, until all are compared.
  class GatePoller;

  Daemon(const DaemonOptions& options, std::unique_ptr<memory::Memory> memory, Clock& clock);

  std::vector<DiagnosisCheck> Diagnose();
  health::NodeFacts Facts() const ABSL_LOCKS_EXCLUDED(shown_mu_);

  // health_ asks for facts from before backend_ is there until after it is gone.
  mutable absl::Mutex shown_mu_;  // nothing that waits is called under it
  Backend* shown_backend_ ABSL_GUARDED_BY(shown_mu_) = nullptr;

  std::vector<sas::v1::Listener> Listeners() const;
  // What Access reports goes to `audit`, which may be empty.
  rpc::Access::Audit AuditOfAccess(rpc::Access::Audit audit);
  absl::Status ServeMetrics(const DaemonOptions& options, Clock& clock);

  // Each member uses those above it and is destroyed before them.
  Clock& clock_;
  ChangeAudit change_audit_;  // records with registry_, while the server runs
  rpc::Edge edge_;
  Certificates certificates_;
  const std::unique_ptr<memory::Memory> memory_;
  const memory::ResourceCodec codec_;
  const bool restored_;
  service::AliasBook aliases_;
  registry::Registry registry_;
  // Null: nothing is restored. Stands here because health_ asks it to the end.
  std::unique_ptr<registry::RestartGate> gate_;
  health::Monitor health_;
  HealthListener health_listener_{health_};
  service::EventEncoder encoder_;
  metrics::EventCounter event_counter_;
  metrics::Latencies record_latencies_;
  metrics::CallLatencies call_latencies_;
  std::unique_ptr<metrics::MeasuredRecorder> recorder_;     // null without a journal
  const std::unique_ptr<service::JournalArchive> archive_;  // null without a journal
  watch::WatchLog log_;
  watch::Publisher publisher_;
  std::unique_ptr<watch::Pump> pump_;
  std::unique_ptr<GatePoller> poller_;
  std::unique_ptr<ClosableSink> sink_;  // of the backend; null before it starts
  std::unique_ptr<Backend> backend_;
  std::unique_ptr<metrics::NodeMetrics> metrics_;
  std::unique_ptr<service::Services> services_;
  // Of server_, constant from before it serves: calls ask for it while server_ ends.
  std::vector<rpc::Server::Address> served_;
  std::unique_ptr<rpc::Server> server_;
  std::string metrics_address_;
  std::unique_ptr<metrics::MetricsServer> metrics_server_;  // null: nowhere
};

}  // namespace sasd

#endif  // DAEMON_DAEMON_H_
