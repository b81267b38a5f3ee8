#include "driver/sysfs/sysfs_source.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"
#include "driver/sysfs/attribute_text.h"
#include "driver/sysfs/differences.h"
#include "driver/sysfs/scsi_host_reader.h"
#include "driver/sysfs/sysfs_reader.h"
#include "driver/sysfs/sysfs_root.h"
#include "driver/sysfs/tree_io.h"
#include "driver/sysfs/uevent.h"
#include "driver/sysfs/upward_phys.h"

namespace sasd::sysfs {
namespace {

const HostReading* Find(const std::vector<HostReading>& readings, HostKey host) {
  const auto it = std::find_if(readings.begin(), readings.end(),
                               [host](const HostReading& r) { return r.host == host; });
  return it == readings.end() ? nullptr : &*it;
}

// True if the block device held one of the host's disks.
bool IsHeldBy(const HostReading& reading, absl::string_view block_device) {
  for (const Observation& observation : reading.observations) {
    const auto* unit = std::get_if<LogicalUnitFacts>(&observation);
    if (unit == nullptr) continue;
    for (const Holder& holder : unit->holders) {
      if (holder.block_device == block_device) return true;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SysfsSource>> SysfsSource::Create(std::string root, FileIo& io,
                                                                 Clock& clock,
                                                                 ObservationSink& sink,
                                                                 KeyAssignments* keys) {
  const absl::StatusOr<Directory> directory = OpenSysfs(root, io);
  if (!directory.ok()) return directory.status();
  return std::unique_ptr<SysfsSource>(new SysfsSource(std::move(root), io, clock, sink, keys));
}

SysfsSource::SysfsSource(std::string root, FileIo& io, Clock& clock, ObservationSink& sink,
                         KeyAssignments* keys)
    : root_(std::move(root)),
      io_(io),
      clock_(clock),
      sink_(sink),
      keys_(keys != nullptr ? *keys : own_keys_) {}

Cause SysfsSource::ScanCause() { return MakeCause(CauseKind::kScan, "sysfs scan"); }

absl::Status SysfsSource::Scan(const Cause& cause) {
  absl::StatusOr<std::vector<HostReading>> readings = ReadTree(root_, io_, &keys_);
  if (!readings.ok()) return readings.status();
  absl::StatusOr<ScsiHosts> beside = ReadScsiHosts(root_, io_);
  if (!beside.ok()) return beside.status();
  SetScsiHosts(*std::move(beside));
  for (HostReading& reading : *readings) {
    if (const HostReading* known = Find(last_, reading.host)) KeepUpwardPhys(*known, reading);
  }
  std::vector<std::pair<HostKey, std::vector<Observation>>> differences;
  const auto add = [&differences](HostKey host, std::vector<Observation> observations) {
    if (!observations.empty()) differences.emplace_back(host, std::move(observations));
  };
  for (const HostReading& known : last_) {
    if (Find(*readings, known.host) == nullptr) add(known.host, {HostGone{known.host}});
  }
  for (const HostReading& reading : *readings) {
    const HostReading* known = Find(last_, reading.host);
    add(reading.host, known == nullptr ? reading.observations
                                       : Differences(known->observations, reading.observations));
  }
  if (cause.kind == CauseKind::kResync && differences.empty()) {
    differences.emplace_back(HostKey(), std::vector<Observation>());
  }
  last_ = *std::move(readings);
  Cause rest = cause;
  for (auto& [host, observations] : differences) {
    Emit(host, rest, std::move(observations));
    rest.lost_events = 0;
  }
  return absl::OkStatus();
}

absl::Status SysfsSource::ScanHost(absl::string_view os_name, const Cause& cause) {
  absl::StatusOr<std::optional<HostReading>> reading = ReadHost(root_, os_name, io_, keys_);
  if (!reading.ok()) return reading.status();
  if (absl::Status s = ReadScsiHostAgain(os_name); !s.ok()) return s;
  const auto known = Known(os_name);
  const bool was_there = known != last_.end(), is_there = reading->has_value();
  if (!was_there && !is_there) return absl::OkStatus();
  if (!was_there || !is_there || known->host != (*reading)->host) return Scan(cause);
  KeepUpwardPhys(*known, **reading);
  std::vector<Observation> differences = Differences(known->observations, (*reading)->observations);
  *known = **std::move(reading);
  if (!differences.empty()) Emit(known->host, cause, std::move(differences));
  return absl::OkStatus();
}

void SysfsSource::SetScsiHosts(ScsiHosts hosts) {
  if (hosts == *scsi_hosts_) return;
  scsi_hosts_ = std::make_shared<const ScsiHosts>(std::move(hosts));
}

absl::Status SysfsSource::ReadScsiHostAgain(absl::string_view os_name) {
  absl::StatusOr<std::optional<ScsiHost>> host = ReadScsiHost(root_, os_name, io_);
  if (!host.ok()) return host.status();
  absl::StatusOr<std::vector<UnreadableHost>> unreadable = ReadUnreadableHosts(root_, io_);
  if (!unreadable.ok()) return unreadable.status();
  ScsiHosts hosts = *scsi_hosts_;
  hosts.unreadable = *std::move(unreadable);
  const auto place = std::find_if(hosts.hosts.begin(), hosts.hosts.end(), [&](const ScsiHost& h) {
    return !NaturalLess(h.os_name, os_name);
  });
  const bool was_there = place != hosts.hosts.end() && place->os_name == os_name;
  if (was_there && host->has_value()) {
    *place = **std::move(host);
  } else if (was_there) {
    hosts.hosts.erase(place);
  } else if (host->has_value()) {
    hosts.hosts.insert(place, **std::move(host));
  }
  SetScsiHosts(std::move(hosts));
  return absl::OkStatus();
}

std::vector<std::string> SysfsSource::HostsUnder(absl::string_view block_device) {
  absl::btree_set<std::string> hosts;
  const absl::StatusOr<Directory> sysfs = OpenSysfs(root_, io_);
  if (sysfs.ok()) {
    TreeIo io(io_);
    const Directory slaves =
        io.Open(*sysfs, absl::StrCat("devices/virtual/block/", block_device, "/slaves"));
    const Listing listing = io.List(slaves);
    for (absl::string_view name : listing.Names(EntryKind::kLink)) {
      const std::string target = io.ReadLink(slaves, name);
      const absl::string_view host = HostIn(target);
      if (!host.empty()) hosts.emplace(host);
    }
  }
  for (const HostReading& reading : last_) {
    if (IsHeldBy(reading, block_device)) hosts.insert(reading.os_name);
  }
  return {hosts.begin(), hosts.end()};
}

LinkLook SysfsSource::LookAtLinks(absl::string_view os_name, size_t first, size_t budget) {
  const auto known = Known(os_name);
  if (known == last_.end()) return LinkLook();
  return sysfs::LookAtLinks(root_, io_, *known, first, budget);
}

std::vector<HostReading>::iterator SysfsSource::Known(absl::string_view os_name) {
  return std::find_if(last_.begin(), last_.end(),
                      [os_name](const HostReading& r) { return r.os_name == os_name; });
}

void SysfsSource::Emit(HostKey host, const Cause& cause, std::vector<Observation> observations) {
  ObservationBatch batch;
  batch.source = Source::kSysfs;
  batch.host = host;
  batch.cause = cause;
  batch.time = clock_.Now();
  batch.observations = std::move(observations);
  sink_.Observe(std::move(batch));
  sink_.Flush();
}

}  // namespace sasd::sysfs
