#include "daemon/daemon.h"

#include <unistd.h>

#include <algorithm>
#include <random>
#include <thread>  // NOLINT: one owned thread
#include <utility>
#include <vector>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "daemon/backend/pci_backend.h"
#include "daemon/backend/sysfs_backend.h"
#include "daemon/backend/virtual_backend.h"
#include "daemon/memory/recent_events.h"
#include "daemon/service/calls.h"
#include "daemon/service/names.h"
#include "rpc/call_audit.h"
#include "rpc/version.h"
#include "sas/v1/node_service.pb.h"
#include "spdlog/spdlog.h"

namespace sasd {
namespace {

uint64_t Random() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

registry::Registry::Options RegistryOptions(memory::Memory& memory,
                                            const service::AliasBook& aliases) {
  registry::Registry::Options options;
  options.aliases = aliases.Held();
  options.epoch = memory.epoch();
  options.start_revision = memory.start_revision();
  options.restored = memory.TakeRestored();
  options.enclosure_copies = memory.enclosure_copies();
  options.keep_enclosures = [&memory](absl::Span<const registry::EnclosureCopies::Row> rows) {
    // It logs what fails; the next change of the same enclosures brings their rows again.
    memory.KeepNames(rows).IgnoreError();
  };
  return options;
}

health::Monitor::Options HealthOptions(health::Monitor::Options options, memory::Memory& memory,
                                       const health::ResourceCodec& codec,
                                       health::NodeFactsSource facts,
                                       const service::AliasBook& aliases) {
  options.node_facts = std::move(facts);
  options.aliases = [&aliases] { return aliases.Held(); };
  options.store = memory.store();
  options.codec = options.store == nullptr ? nullptr : &codec;
  return options;
}

watch::WatchLog::Options LogOptions(watch::WatchLog::Options options,
                                    watch::EventArchive* archive) {
  options.archive = archive;
  return options;
}

// What the node serves, as the journal keeps it apart.
std::string SourceOf(const DaemonOptions& options) {
  if (!options.fabric.empty()) return absl::StrCat("fabric ", options.fabric);
  if (!options.sysfs_root.empty()) return absl::StrCat("sysfs ", options.sysfs_root);
  return "live";
}

sas::v1::Journal Describe(memory::Memory& memory) {
  sas::v1::Journal out;
  const memory::JournalStatus status = memory.status();
  out.set_state(static_cast<sas::v1::JournalState>(status.state));  // the numbers are equal
  out.set_message(status.message);
  out.set_directory(memory.options().directory);
  journal::Journal* const journal = memory.journal();
  if (journal == nullptr) return out;
  out.set_size_bytes(journal->stats().used_bytes);
  out.set_max_size_bytes(memory.options().max_bytes);
  out.mutable_max_age()->set_seconds(absl::ToInt64Seconds(memory.options().max_age));
  return out;
}

// Of the files with which TLS is served; none without TLS.
std::vector<std::string> CertificateFiles(const rpc::ServerOptions& server) {
  bool tls = !server.listen_tls.empty();
  for (const rpc::ServerOptions::Adopted& adopted : server.adopted) tls = tls || adopted.tls;
  if (!tls) return {};
  return {server.tls.certificate, server.tls.client_ca};
}

// Its state goes by the names of the API's JournalState, in lower case.
metrics::JournalFacts JournalInNumbers(memory::Memory& memory) {
  metrics::JournalFacts out;
  constexpr const char* kStates[] = {"none", "ok", "stalled", "refused"};
  out.state = kStates[static_cast<int>(memory.status().state) - 1];
  journal::Journal* const journal = memory.journal();
  if (journal == nullptr) return out;
  constexpr int64_t kPageBytes = 4096;  // of Journal::Stats::log_pages
  const journal::Journal::Stats stats = journal->stats();
  out.used_bytes = stats.used_bytes;
  out.max_bytes = memory.options().max_bytes;
  out.log_bytes = stats.log_pages * kPageBytes;
  out.last_revision = journal->last_revision();
  out.checkpoint_revision = journal->state_revision();
  out.longest_sync = stats.longest_sync;
  return out;
}

std::string NodeName() {
  char name[256] = "";
  if (gethostname(name, sizeof(name) - 1) != 0) return "localhost";
  return name;
}

absl::StatusOr<std::unique_ptr<Backend>> StartBackend(const DaemonOptions& options, Clock& clock,
                                                      ObservationSink& sink,
                                                      memory::Memory& memory) {
  if (!options.fabric.empty() && !options.sysfs_root.empty()) {
    return absl::InvalidArgumentError(
        "use either a fabric for virtual HBAs or a sysfs tree, not both");
  }
  if (!options.pci.empty() && !(options.fabric.empty() && options.sysfs_root.empty())) {
    return absl::InvalidArgumentError(
        "--pci is for this machine: use it without a fabric and a sysfs tree");
  }
  if (!options.fabric.empty()) {
    return StartVirtualBackend(options.fabric, options.seed, clock, sink, &memory.keys());
  }
  if (!options.sysfs_root.empty()) {
    return StartSysfsBackend(options.sysfs_root, clock, sink, &memory.keys());
  }
  const auto start_live = [&](ObservationSink& to) -> absl::StatusOr<std::unique_ptr<Backend>> {
    if (options.start_live) return options.start_live(clock, to, memory.keys());
    LinuxBackendOptions live = options.live;
    live.keys = &memory.keys();
    return StartLinuxBackend(live, clock, to);
  };
  if (options.pci.empty()) return start_live(sink);
  return StartPciBackend(PciHbasOf(options.pci), start_live, clock, sink, memory.keys());
}

}  // namespace

class Daemon::GatePoller {
 public:
  GatePoller(Daemon& daemon, Clock& clock)
      : thread_([this, &daemon, &clock] { Run(daemon, clock); }) {}
  ~GatePoller() {
    stop_.Notify();
    thread_.join();
  }

 private:
  void Run(Daemon& daemon, Clock& clock) {
    // An observation may bring the time forward, so look twice a second at least.
    const absl::Duration shortest = absl::Milliseconds(10), longest = absl::Milliseconds(500);
    while (!daemon.gate_->stale_hosts().empty()) {
      const absl::Duration wait = daemon.gate_->NextPoll() - clock.Monotonic();
      if (stop_.WaitForNotificationWithTimeout(std::clamp(wait, shortest, longest))) return;
      daemon.gate_->Poll();
      daemon.pump_->Flush();
    }
  }

  absl::Notification stop_;
  std::thread thread_;
};

rpc::Access::Audit Daemon::AuditOfAccess(rpc::Access::Audit audit) {
  return [this, audit = std::move(audit)](const rpc::Caller& caller, absl::string_view method,
                                          rpc::Role needed, bool allowed) {
    change_audit_.Look();
    if (audit) audit(caller, method, needed, allowed);
  };
}

Daemon::Daemon(const DaemonOptions& options, std::unique_ptr<memory::Memory> memory, Clock& clock)
    : clock_(clock),
      change_audit_(clock,
                    [this](registry::AuditRecord record, std::string text) {
                      registry_.Annotate(
                          MakeCause(CauseKind::kAudit, std::move(text)), {}, clock_.Now(),
                          std::make_shared<const registry::AuditRecord>(std::move(record)));
                    }),
      edge_(options.access, AuditOfAccess(options.audit)),
      certificates_(CertificateFiles(options.server)),
      memory_(std::move(memory)),
      restored_(memory_->has_restored()),
      aliases_(memory_->Aliases(),
               [this](const std::string& resource, const std::optional<std::string>& value) {
                 return memory_->KeepAlias(resource, value);
               }),
      registry_(RegistryOptions(*memory_, aliases_)),
      health_(HealthOptions(
                  options.health, *memory_, codec_, [this] { return Facts(); }, aliases_),
              registry_, clock),
      encoder_(registry_.epoch()),
      recorder_(memory_->recorder() == nullptr
                    ? nullptr
                    : std::make_unique<metrics::MeasuredRecorder>(*memory_->recorder(),
                                                                  record_latencies_, clock)),
      archive_(memory_->journal() == nullptr
                   ? nullptr
                   : std::make_unique<service::JournalArchive>(*memory_->journal())),
      log_(registry_, LogOptions(options.log, archive_.get())),
      publisher_(log_, encoder_, {&health_listener_, &event_counter_}, recorder_.get()),
      pump_(std::make_unique<watch::Pump>(publisher_)) {
  TakePast(clock);
  for (const std::string& resource : aliases_.unreadable()) {
    spdlog::warn("the kept alias of \"{}\" makes no sense", resource);
  }
  registry_.Reserve(health_.baseline().Drives());
  if (!restored_) return;
  health_.Compare(*registry_.Snapshot());
  registry::RestartGate::Options gate;
  gate.grace_end = options.boot_grace;
  gate_ = std::make_unique<registry::RestartGate>(registry_, *pump_, clock, gate);
}

absl::Status Daemon::SetAliases(const std::vector<service::GivenAlias>& aliases) {
  if (absl::Status s = aliases_.SetFile(aliases, registry_, clock_.Now()); !s.ok()) return s;
  for (const service::AliasBook::Entry& entry : aliases_.List()) {
    if (entry.refusal.empty()) continue;
    spdlog::warn("alias \"{}\" of {} is not in use: {}", entry.alias,
                 service::NameOf(entry.resource), entry.refusal);
  }
  return absl::OkStatus();
}

void Daemon::TakePast(Clock& clock) {
  if (memory_->journal() == nullptr) return;
  memory::RecentEventsOptions options;
  options.now = clock.Now();
  options.since = options.now - health_.longest_trend();
  const auto events = memory::ReadRecentEvents(*memory_->journal(), options);
  if (events.ok()) {
    health_.TakePast(*events, options.now);
  } else {
    spdlog::warn("trends begin without the events of before: {}",
                 std::string(events.status().message()));
  }
}

void Daemon::End() {
  metrics_server_.reset();
  server_.reset();
  services_.reset();
  change_audit_.Finish();
  certificates_.Stop();
  // Before the sources end: nothing has changed where it is sasd that ends.
  if (sink_ != nullptr) sink_->Close();
  poller_.reset();
  // Up to 1,024 events may be queued. Nobody has seen them: the next start reports the differences.
  pump_->Stop();
  if (sink_ != nullptr) sink_->AwaitIdle();
  // It still sees the backend's facts, so that no finding ends with them.
  health_.Stop();
  memory_->Close();
}

Daemon::~Daemon() {
  End();
  absl::MutexLock lock(&shown_mu_);
  shown_backend_ = nullptr;
}

health::NodeFacts Daemon::Facts() const {
  health::NodeFacts facts;
  {
    absl::MutexLock lock(&shown_mu_);
    if (shown_backend_ != nullptr) {
      for (const UnreadableHost& host : shown_backend_->scsi_hosts()->unreadable) {
        facts.unreadable_hosts.push_back(
            {host.os_name, absl::StrCat(host.reason, " (", host.path, "); see sasctl doctor")});
      }
      for (UndrivenHba& hba : shown_backend_->undriven_hbas()) {
        if (hba.present) facts.handed_over.push_back({hba.pci_address, hba.reason});
        if (hba.starting) continue;
        facts.unreadable_hosts.push_back(
            {absl::StrCat("PCI ", hba.pci_address), std::move(hba.reason)});
      }
    }
  }
  const memory::JournalStatus status = memory_->status();
  facts.journal_message = status.message;
  facts.certificates = certificates_.Facts();
  if (status.state == memory::JournalState::kStalled) {
    facts.journal = health::NodeFacts::Journal::kStalled;
  } else if (status.state == memory::JournalState::kRefused) {
    facts.journal = health::NodeFacts::Journal::kRefused;
  }
  if (gate_ == nullptr) return facts;
  for (registry::StaleHost& host : gate_->stale_hosts()) {
    facts.stale_hosts.push_back({host.host, host.not_read, std::move(host.waits_for)});
  }
  return facts;
}

namespace {

DiagnosisCheck CheckOfMemory(DiagnosisCheck::Status status, std::string reason,
                             std::string message) {
  DiagnosisCheck check;
  check.status = status;
  check.reason = std::move(reason);
  check.subject = "journal";
  check.message = std::move(message);
  return check;
}

// What sasd keeps beyond a restart, where something is wrong with it.
std::vector<DiagnosisCheck> ChecksOfMemory(memory::Memory& memory) {
  using Status = DiagnosisCheck::Status;
  std::vector<DiagnosisCheck> checks;
  const memory::JournalStatus status = memory.status();
  const std::string& folder = memory.options().directory;
  if (status.state == memory::JournalState::kRefused) {
    checks.push_back(CheckOfMemory(Status::kBroken, "JOURNAL_REFUSED", status.message));
    checks.back().remedy = absl::StrCat(
        "use another --state-dir than ", folder,
        "; if its files are a backup of this node, start sasd once with --new-epoch; if a newer "
        "sasd wrote them, upgrade");
  } else if (status.state == memory::JournalState::kStalled) {
    checks.push_back(CheckOfMemory(Status::kBroken, "JOURNAL_STALLED", status.message));
    checks.back().remedy = absl::StrCat(
        "free space on the disk of ", folder, ", or repair it; ",
        memory.journal() == nullptr ? "then restart sasd"
                                    : "sasd goes on by itself, and declares what is lost as a gap");
    checks.back().command = absl::StrCat("df -h ", folder);
  }
  if (memory.journal() == nullptr) return checks;
  for (const std::string& loss : memory.journal()->start().losses) {
    checks.push_back(CheckOfMemory(Status::kLimited, "JOURNAL_LOSS", loss));
    checks.back().remedy = absl::StrCat(
        "if the history is needed, stop sasd, restore a backup of ", folder,
        ", and start sasd once with --new-epoch; else nothing: this ends with the next start");
  }
  return checks;
}

}  // namespace

std::vector<DiagnosisCheck> Daemon::Diagnose() {
  std::vector<DiagnosisCheck> checks = backend_->Diagnose(*registry_.Snapshot());
  for (DiagnosisCheck& check : ChecksOfMemory(*memory_)) checks.push_back(std::move(check));
  const std::shared_ptr<const health::Report> report = health_.Current();
  for (const health::Finding& finding : report->findings) {
    if (finding.id.reason != health::FindingReason::kBaselineLost) continue;
    DiagnosisCheck check =
        CheckOfMemory(DiagnosisCheck::Status::kLimited, "BASELINE_LOST", finding.message);
    check.subject = "baseline";
    check.remedy = "compare the node with your records, then accept what is there";
    check.command = "sasctl baseline accept";
    checks.push_back(std::move(check));
  }
  certificates_.Look();
  for (DiagnosisCheck& check : certificates_.Checks(clock_.Now())) {
    checks.push_back(std::move(check));
  }
  return checks;
}

std::vector<sas::v1::Listener> Daemon::Listeners() const {
  std::vector<sas::v1::Listener> out;
  for (const rpc::Server::Address& address : served_) {
    sas::v1::Listener& listener = out.emplace_back();
    listener.set_address(address.text);
    listener.set_insecure(address.anonymous);
    switch (address.kind) {
      case rpc::Peer::Kind::kTcp:
        listener.set_kind(sas::v1::LISTENER_KIND_TCP);
        break;
      case rpc::Peer::Kind::kTls:
        listener.set_kind(sas::v1::LISTENER_KIND_TLS);
        break;
      default:
        listener.set_kind(sas::v1::LISTENER_KIND_UNIX);
    }
  }
  return out;
}

absl::Status Daemon::ServeMetrics(const DaemonOptions& options, Clock& clock) {
  std::vector<rpc::ListeningSocket> sockets;
  rpc::ListeningSocket::Options how;
  how.allow_anonymous = options.server.allow_anonymous;
  for (const int fd : options.metrics_adopted) {
    absl::StatusOr<rpc::ListeningSocket> socket = rpc::ListeningSocket::Adopt(UniqueFd(fd), how);
    if (!socket.ok()) return socket.status();
    sockets.push_back(*std::move(socket));
  }
  if (sockets.empty() && !options.metrics_listen.empty()) {
    absl::StatusOr<rpc::ListeningSocket> socket =
        rpc::ListeningSocket::Bind(options.metrics_listen, how);
    if (!socket.ok()) return socket.status();
    sockets.push_back(*std::move(socket));
  }
  if (sockets.empty()) return absl::OkStatus();
  metrics_address_ = sockets.front().address();
  absl::StatusOr<std::unique_ptr<metrics::MetricsServer>> server = metrics::MetricsServer::Start(
      std::move(sockets),
      [this, objects = options.metrics_objects] { return metrics_->Collect(objects).text(); }, {},
      clock);
  if (!server.ok()) return server.status();
  metrics_server_ = *std::move(server);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Daemon>> Daemon::Start(DaemonOptions options, Clock& clock) {
  memory::Memory::Options memory_options = options.memory;
  memory_options.source = SourceOf(options);
  absl::StatusOr<std::unique_ptr<memory::Memory>> memory =
      memory::Memory::Open(memory_options, registry::MakeEpoch(Random), clock);
  if (!memory.ok()) return memory.status();
  auto daemon = absl::WrapUnique(new Daemon(options, *std::move(memory), clock));
  for (const auto& [limit, value] : options.limits) daemon->edge_.limits.Set(limit, value);
  if (absl::Status s = daemon->SetAliases(options.aliases); !s.ok()) return s;
  ObservationSink& first =
      daemon->gate_ != nullptr ? static_cast<ObservationSink&>(*daemon->gate_) : *daemon->pump_;
  daemon->sink_ = std::make_unique<ClosableSink>(first);
  absl::StatusOr<std::unique_ptr<Backend>> backend =
      StartBackend(options, clock, *daemon->sink_, *daemon->memory_);
  if (!backend.ok()) return backend.status();
  daemon->backend_ = *std::move(backend);
  {
    absl::MutexLock lock(&daemon->shown_mu_);
    daemon->shown_backend_ = daemon->backend_.get();
  }
  if (daemon->gate_ != nullptr) {
    daemon->gate_->OnFirstReading();
    daemon->poller_ = std::make_unique<GatePoller>(*daemon, clock);
  }
  daemon->pump_->AwaitPublished();

  service::NodeInfo node;
  node.node_name = NodeName();
  node.version = rpc::kVersion;
  node.backend = daemon->backend_->description();
  node.start_time = clock.Now();
  node.diagnose = [daemon = daemon.get()] { return daemon->Diagnose(); };
  node.scsi_hosts = [daemon = daemon.get()] { return daemon->backend_->scsi_hosts(); };
  node.journal = [&memory = *daemon->memory_] { return Describe(memory); };
  // Asked by calls, which begin when the server is in its place.
  node.listeners = [daemon = daemon.get()] { return daemon->Listeners(); };
  metrics::NodeMetrics::Sources sources;
  sources.registry = &daemon->registry_;
  sources.log = &daemon->log_;
  sources.health = &daemon->health_;
  sources.limits = &daemon->edge_.limits;
  sources.events = &daemon->event_counter_;
  sources.record = &daemon->record_latencies_;
  sources.calls = &daemon->call_latencies_;
  sources.journal = [&memory = *daemon->memory_] { return JournalInNumbers(memory); };
  // Asked by calls, and by the server of metrics, which come later.
  sources.holds = [daemon = daemon.get()] {
    std::vector<metrics::CallHold> holds;
    for (const auto& [method, held] : daemon->services_->holds().longest()) {
      holds.push_back({method, held.wall, held.cpu});
    }
    return holds;
  };
  sources.name_of = [](const registry::ResourceId& id) { return service::NameOf(id); };
  sources.version = rpc::kVersion;
  sources.start_time = node.start_time;
  daemon->metrics_ = std::make_unique<metrics::NodeMetrics>(std::move(sources));
  daemon->services_ = std::make_unique<service::Services>(
      options.service, daemon->edge_, daemon->registry_, daemon->log_, daemon->health_,
      daemon->aliases_, std::move(node), daemon->memory_->journal(),
      [&metrics = *daemon->metrics_, &monitor = daemon->health_](
          bool objects, const service::AdmittedCall& call) {
        // It may have to examine the node first, which takes long after a change.
        call.apart([&monitor] { (void)monitor.Current(); });
        return metrics.Collect(objects, call.cancelled).TakeText();
      });
  daemon->health_.Start();
  std::vector<rpc::ServedService> services = daemon->services_->served();
  for (rpc::ServedService& more : daemon->backend_->services(daemon->edge_.access))
    services.push_back(std::move(more));
  daemon->certificates_.Start();
  options.server.timer = [&latencies = daemon->call_latencies_](absl::string_view method,
                                                                absl::Duration duration) {
    latencies.Add(method, duration);
  };
  options.server.audit = [&audit = daemon->change_audit_](const rpc::AuditedCall& call) {
    audit.Record(call);
  };
  if (absl::Status s = daemon->ServeMetrics(options, clock); !s.ok()) return s;
  options.server.ping_method = "/sas.v1.NodeService/GetNode";
  absl::StatusOr<std::unique_ptr<rpc::Server>> server =
      rpc::Server::Open(std::move(options.server), daemon->edge_, std::move(services), clock);
  if (!server.ok()) return server.status();
  daemon->server_ = *std::move(server);
  daemon->served_ = daemon->server_->served();
  daemon->server_->Serve();
  return daemon;
}

}  // namespace sasd
