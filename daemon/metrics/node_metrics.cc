#include "daemon/metrics/node_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/health/examine.h"
#include "daemon/health/finding.h"

namespace sasd::metrics {
namespace {

using registry::EndDevice;
using registry::LogicalUnit;
using registry::ResourceKind;
using registry::Slot;
using registry::Topology;

constexpr uint8_t kDisk = 0;      // SPC peripheral device type
constexpr size_t kMostPaths = 4;  // this many and more are one series

constexpr std::pair<DeviceState, const char*> kStates[] = {
    {DeviceState::kDiscovered, "discovered"}, {DeviceState::kAttaching, "attaching"},
    {DeviceState::kAttached, "attached"},     {DeviceState::kBlocked, "blocked"},
    {DeviceState::kRemoving, "removing"},     {DeviceState::kFailed, "failed"},
};

// As sasctl spells them.
constexpr std::pair<CauseKind, const char*> kCauses[] = {
    {CauseKind::kStartup, "startup"},        {CauseKind::kFirmwareEvent, "firmware-event"},
    {CauseKind::kAttach, "attach"},          {CauseKind::kScan, "scan"},
    {CauseKind::kResync, "resync"},          {CauseKind::kHostReset, "host-reset"},
    {CauseKind::kControl, "control"},        {CauseKind::kUevent, "uevent"},
    {CauseKind::kSourceLost, "source-lost"}, {CauseKind::kRestart, "restart"},
};

const char* SeverityText(health::Severity severity) {
  switch (severity) {
    case health::Severity::kInfo:
      return "info";
    case health::Severity::kWarning:
      return "warning";
    case health::Severity::kCritical:
      return "critical";
  }
  return "unknown";
}

template <typename T>
double Count(const Topology& topology) {
  return static_cast<double>(topology.collection<T>().size());
}

double Seconds(absl::Time time) { return absl::ToDoubleSeconds(time - absl::UnixEpoch()); }

// What finds a drive in the rack. Empty where it is not known.
struct Whereabouts {
  std::string device, serial, model, firmware, enclosure, slot;
};

std::string SlotText(const registry::Text& label, const std::optional<uint16_t>& number) {
  if (!label.empty()) return label.str();
  return number.has_value() ? absl::StrCat(*number) : "";
}

// The memory of the process that is in use; 0 where it is not known.
double ResidentBytes() {
  std::ifstream file("/proc/self/statm");
  int64_t size = 0, resident = 0;
  if (!(file >> size >> resident)) return 0;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

double CpuSeconds() {
  rusage usage = {};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

Exposition NodeMetrics::Collect(bool objects, Stop stop) const {
  Exposition out;
  const std::shared_ptr<const Topology> topology = sources_.registry->Snapshot();
  AddNode(*topology, out);
  AddAliases(*topology, objects, out);
  AddHealth(*topology, out);
  AddDaemon(*topology, out);
  if (objects) {
    AddMethods(out);
    AddHolds(out);
    AddDrives(*topology, out, stop);
  }
  return out;
}

void NodeMetrics::AddNode(const Topology& topology, Exposition& out) const {
  out.Gauge("sas_resources", "Objects in the picture of the node, by kind");
  out.Sample(Count<registry::Host>(topology), {{"kind", "host"}});
  out.Sample(Count<registry::Phy>(topology), {{"kind", "phy"}});
  out.Sample(Count<registry::Port>(topology), {{"kind", "port"}});
  out.Sample(Count<registry::Expander>(topology), {{"kind", "expander"}});
  out.Sample(Count<EndDevice>(topology), {{"kind", "end_device"}});
  out.Sample(Count<LogicalUnit>(topology), {{"kind", "logical_unit"}});
  out.Sample(Count<registry::Enclosure>(topology), {{"kind", "enclosure"}});
  out.Sample(Count<Slot>(topology), {{"kind", "slot"}});

  std::array<int64_t, kMostPaths + 1> by_paths{};
  for (const std::shared_ptr<const LogicalUnit>& unit : topology.collection<LogicalUnit>()) {
    if (unit->peripheral_type != kDisk) continue;
    ++by_paths[std::min(unit->paths.size(), kMostPaths)];
  }
  out.Gauge("sas_logical_units", "Disks, by the number of their paths; 4 stands for 4 and more");
  for (size_t paths = 1; paths <= kMostPaths; ++paths) {
    out.Sample(static_cast<double>(by_paths[paths]), {{"paths", absl::StrCat(paths)}});
  }

  std::array<int64_t, std::size(kStates)> by_state{};
  for (const std::shared_ptr<const EndDevice>& device : topology.collection<EndDevice>()) {
    for (size_t i = 0; i < by_state.size(); ++i) {
      by_state[i] += device->facts.state == kStates[i].first;
    }
  }
  out.Gauge("sas_end_devices", "End devices, by state");
  for (size_t i = 0; i < by_state.size(); ++i) {
    out.Sample(static_cast<double>(by_state[i]), {{"state", kStates[i].second}});
  }

  int64_t stale = 0;
  for (const std::shared_ptr<const registry::Host>& host : topology.collection<registry::Host>()) {
    stale += host->stale;
  }
  out.Gauge("sas_hosts_stale", "Hosts whose picture is from before a restart");
  out.Sample(static_cast<double>(stale));
  out.Gauge("sas_hosts_unsettled", "Hosts on which discovery has not settled");
  out.Sample(static_cast<double>(sources_.registry->Unsettled({}).size()));
}

void NodeMetrics::AddAliases(const Topology& topology, bool all, Exposition& out) const {
  out.Gauge("sas_alias_info",
            absl::StrCat("1 for each host and enclosure with an alias, ", kMaxAliases,
                         " of them; with the series of single objects, all"));
  size_t count = 0;
  const auto add_aliases = [&](auto tag) {
    using T = typename decltype(tag)::element_type;
    for (const auto& resource : topology.collection<T>()) {
      if (resource->alias.empty() || (++count > kMaxAliases && !all)) continue;
      out.Sample(1, {{"resource", sources_.name_of(registry::MakeId<T>(resource->key()))},
                     {"alias", resource->alias.str()}});
    }
  };
  add_aliases(std::shared_ptr<registry::Host>());
  add_aliases(std::shared_ptr<registry::Enclosure>());
  out.Gauge("sas_aliases_not_shown", "Aliases without a sas_alias_info");
  out.Sample(all || count <= kMaxAliases ? 0 : static_cast<double>(count - kMaxAliases));
}

Labels NodeMetrics::FindingLabels(const health::Finding& finding, const Topology& topology) const {
  Labels labels = {{"severity", SeverityText(finding.severity)},
                   {"reason", std::string(health::ToString(finding.id.reason))}};
  Whereabouts found;
  if (finding.id.resource.has_value()) {
    const registry::ResourceRef there = topology.Get(*finding.id.resource);
    const registry::ResourceRef& shown = registry::IsNull(there) ? finding.last_known : there;
    const EnclosureKey* enclosure = nullptr;
    if (const auto* unit = std::get_if<std::shared_ptr<const LogicalUnit>>(&shown);
        unit != nullptr && *unit != nullptr) {
      found.serial = (*unit)->serial.str();
      found.slot = SlotText((*unit)->slot_label, (*unit)->slot);
      enclosure = &(*unit)->enclosure;
      for (const LogicalUnit::Path& path : (*unit)->paths) {
        if (found.device.empty()) found.device = path.facts->facts.block_device.str();
      }
    } else if (const auto* device = std::get_if<std::shared_ptr<const EndDevice>>(&shown);
               device != nullptr && *device != nullptr) {
      found.slot = SlotText((*device)->slot_label, (*device)->facts.slot);
      enclosure = &(*device)->facts.enclosure;
      if (const registry::UnitPath* const path = (*device)->first_unit(); path != nullptr) {
        found.serial = path->facts.serial.str();
        found.device = path->facts.block_device.str();
      }
    }
    if (enclosure != nullptr && *enclosure != EnclosureKey()) {
      found.enclosure = sources_.name_of(registry::MakeId<registry::Enclosure>(*enclosure));
    }
    labels.push_back({"resource", sources_.name_of(*finding.id.resource)});
  } else {
    labels.push_back({"resource", ""});
  }
  labels.push_back({"enclosure", found.enclosure});
  labels.push_back({"slot", found.slot});
  labels.push_back({"serial_number", found.serial});
  labels.push_back({"device", found.device});
  return labels;
}

void NodeMetrics::AddHealth(const Topology& topology, Exposition& out) const {
  const std::shared_ptr<const health::Report> report = sources_.health->Current();
  const health::HealthStatus status = health::StatusOf(*report, {}).status;
  out.Gauge("sas_health_status", "1 for the state of the node, as sasctl health says it");
  for (const auto& [value, text] : {std::pair{health::HealthStatus::kOk, "ok"},
                                    {health::HealthStatus::kWarning, "warning"},
                                    {health::HealthStatus::kCritical, "critical"},
                                    {health::HealthStatus::kUnknown, "unknown"}}) {
    out.Sample(status == value ? 1 : 0, {{"status", text}});
  }

  std::vector<const health::Finding*> roots;
  std::array<int64_t, 4> by_severity{};
  int64_t dismissed = 0, narrow = 0, slow = 0;
  for (const health::Finding& finding : report->findings) {
    if (finding.dismissal != nullptr) {
      ++dismissed;
      continue;
    }
    narrow += finding.id.reason == health::FindingReason::kNarrowPort;
    slow += finding.id.reason == health::FindingReason::kSlowLink;
    if (finding.root_cause.has_value()) continue;
    ++by_severity[static_cast<size_t>(finding.severity)];
    roots.push_back(&finding);
  }
  out.Gauge("sas_findings", "What is wrong and follows from nothing else, without dismissed ones");
  for (const health::Severity severity :
       {health::Severity::kInfo, health::Severity::kWarning, health::Severity::kCritical}) {
    out.Sample(static_cast<double>(by_severity[static_cast<size_t>(severity)]),
               {{"severity", SeverityText(severity)}});
  }
  out.Gauge("sas_findings_dismissed", "What is wrong and dismissed by an operator");
  out.Sample(static_cast<double>(dismissed));
  out.Gauge("sas_ports_degraded", "Ports with fewer phys than they had");
  out.Sample(static_cast<double>(narrow));
  out.Gauge("sas_links_below_max", "Links slower than both ends support, or than they were");
  out.Sample(static_cast<double>(slow));

  out.Gauge("sas_finding_info", absl::StrCat("1 for each of sas_findings, the most severe ",
                                             kMaxFindings, " of them, with where it is"));
  const size_t shown = std::min(roots.size(), kMaxFindings);
  for (size_t i = 0; i < shown; ++i) out.Sample(1, FindingLabels(*roots[i], topology));
  out.Gauge("sas_findings_not_shown", "Those of sas_findings without a sas_finding_info");
  out.Sample(static_cast<double>(roots.size() - shown));
}

void NodeMetrics::AddDaemon(const Topology& topology, Exposition& out) const {
  out.Gauge("sas_build_info", "1 for the version of sasd");
  out.Sample(1, {{"version", sources_.version}});
  out.Gauge("sas_epoch_info", "1 for the epoch; it changes only when the history is lost");
  out.Sample(1, {{"epoch", topology.epoch()}});
  out.Gauge("sas_revision", "The newest revision");
  out.Sample(static_cast<double>(topology.revision()));
  out.Gauge("sas_last_event_timestamp_seconds", "When the newest event was learned; 0: none yet");
  out.Sample(Seconds(sources_.events->last_time()));
  out.Counter("sas_events_total", "Events since the start of sasd, by cause");
  for (const auto& [cause, text] : kCauses) {
    out.Sample(static_cast<double>(sources_.events->with_cause(cause)), {{"cause", text}});
  }
  out.Counter("sas_lost_events_total",
              "Events of the firmware that were lost, and followed by a "
              "rescan");
  out.Sample(static_cast<double>(sources_.registry->lost_events()));
  out.Counter("sas_gaps_total", "Declared gaps: revisions whose events are lost");
  out.Sample(static_cast<double>(sources_.events->gaps()));

  const watch::WatchLog::Stats log = sources_.log->stats();
  out.Gauge("sas_subscribers", "Clients that follow changes");
  out.Sample(static_cast<double>(log.subscribers));
  out.Counter("sas_resyncs_total", "Clients that fell behind and got a new snapshot");
  out.Sample(static_cast<double>(log.resyncs));
  out.Gauge("sas_log_bytes", "Events in memory for clients that resume");
  out.Sample(static_cast<double>(log.log_bytes));

  out.Counter("sas_limit_refusals_total", "What a limit has refused, by limit");
  for (const rpc::LimitInfo& info : rpc::AllLimits()) {
    out.Sample(static_cast<double>(sources_.limits->refused(info.limit)),
               {{"limit", std::string(info.name)}});
  }

  const JournalFacts journal = sources_.journal();
  out.Gauge("sas_journal_state", "1 for the state of the journal");
  for (const char* const state : {"none", "ok", "stalled", "refused"}) {
    out.Sample(journal.state == state ? 1 : 0, {{"state", state}});
  }
  out.Gauge("sas_journal_size_bytes", "History on disk");
  out.Sample(static_cast<double>(journal.used_bytes));
  out.Gauge("sas_journal_max_size_bytes", "The limit of the history on disk");
  out.Sample(static_cast<double>(journal.max_bytes));
  out.Gauge("sas_journal_log_bytes", "Written, but not yet copied into the database");
  out.Sample(static_cast<double>(journal.log_bytes));
  const bool has_journal = journal.last_revision > 0;
  out.Gauge("sas_journal_unwritten_revisions",
            "Revisions that clients see and journal.db does not have yet");
  out.Sample(has_journal ? static_cast<double>(
                               std::max<int64_t>(0, topology.revision() - journal.last_revision))
                         : 0);
  out.Gauge("sas_journal_checkpoint_lag_revisions", "Revisions since the stored state");
  out.Sample(has_journal ? static_cast<double>(std::max<int64_t>(
                               0, journal.last_revision - journal.checkpoint_revision))
                         : 0);
  out.Gauge("sas_journal_longest_sync_seconds", "The longest that the disk took to sync");
  out.Sample(absl::ToDoubleSeconds(journal.longest_sync));
  out.Histogram("sas_record_duration_seconds", "Time to keep events before anybody sees them");
  out.Sample(*sources_.record);
  out.Histogram("sas_call_duration_seconds",
                "Time from a client's call to its answer, streams apart");
  out.Sample(sources_.calls->all());

  out.Counter("process_cpu_seconds_total", "CPU time of sasd, in seconds");
  out.Sample(CpuSeconds());
  out.Gauge("process_resident_memory_bytes", "Memory of sasd, in bytes");
  out.Sample(ResidentBytes());
  out.Gauge("process_start_time_seconds", "Start of sasd, in seconds since the epoch of Unix");
  out.Sample(Seconds(sources_.start_time));
}

void NodeMetrics::AddMethods(Exposition& out) const {
  out.Histogram("sas_method_duration_seconds", "As sas_call_duration_seconds, by method");
  sources_.calls->ForEach([&](absl::string_view method, const Latencies& latencies) {
    out.Sample(latencies, {{"method", std::string(method)}});
  });
}

void NodeMetrics::AddHolds(Exposition& out) const {
  out.Gauge("sas_call_hold_seconds_max",
            "The longest that a call has held a thread without giving it to others, by method, for "
            "those from 0.001 on; wall: with the waits for a disk, a lock or a core");
  for (const CallHold& call : sources_.holds()) {
    out.Sample(absl::ToDoubleSeconds(call.wall), {{"method", call.method}, {"clock", "wall"}});
    out.Sample(absl::ToDoubleSeconds(call.cpu), {{"method", call.method}, {"clock", "cpu"}});
  }
}

void NodeMetrics::AddDrives(const Topology& topology, Exposition& out, Stop stop) const {
  constexpr size_t kDrives = 128;
  size_t drives = 0;
  const auto is_stopped = [&] { return ++drives % kDrives == 0 && stop(); };
  const auto wwid_of = [](const LogicalUnit& unit) { return unit.id.text().str(); };
  out.Gauge("sas_drive_info", "1 for each drive, with the labels of smartctl_exporter");
  for (const std::shared_ptr<const LogicalUnit>& unit : topology.collection<LogicalUnit>()) {
    if (unit->peripheral_type != kDisk) continue;
    if (is_stopped()) return;
    std::string device;
    for (const LogicalUnit::Path& path : unit->paths) {
      if (device.empty()) device = path.facts->facts.block_device.str();
    }
    const bool seated = unit->enclosure != EnclosureKey();
    out.Sample(
        1,
        {{"wwid", wwid_of(*unit)},
         {"device", std::move(device)},
         {"model_name", unit->model.str()},
         {"serial_number", unit->serial.str()},
         {"firmware_version", unit->revision.str()},
         {"enclosure",
          seated ? sources_.name_of(registry::MakeId<registry::Enclosure>(unit->enclosure)) : ""},
         {"slot", SlotText(unit->slot_label, unit->slot)}});
  }
  out.Gauge("sas_drive_paths", "Paths to each drive");
  for (const std::shared_ptr<const LogicalUnit>& unit : topology.collection<LogicalUnit>()) {
    if (unit->peripheral_type != kDisk) continue;
    if (is_stopped()) return;
    out.Sample(static_cast<double>(unit->paths.size()), {{"wwid", wwid_of(*unit)}});
  }
}

}  // namespace sasd::metrics
