#include "driver/linux/sysfs_source.h"

#include <algorithm>
#include <utility>

#include "driver/linux/differences.h"
#include "driver/linux/sysfs_reader.h"
#include "driver/linux/sysfs_root.h"

namespace sasd::sysfs {
namespace {

const HostReading* Find(const std::vector<HostReading>& readings, SasAddress host) {
  const auto it = std::find_if(readings.begin(), readings.end(),
                               [host](const HostReading& r) { return r.host == host; });
  return it == readings.end() ? nullptr : &*it;
}

}  // namespace

absl::StatusOr<std::unique_ptr<SysfsSource>> SysfsSource::Create(std::string root, FileIo& io,
                                                                 Clock& clock,
                                                                 ObservationSink& sink) {
  const absl::StatusOr<Directory> directory = OpenSysfs(root, io);
  if (!directory.ok()) return directory.status();
  return std::unique_ptr<SysfsSource>(new SysfsSource(std::move(root), io, clock, sink));
}

SysfsSource::SysfsSource(std::string root, FileIo& io, Clock& clock, ObservationSink& sink)
    : root_(std::move(root)), io_(io), clock_(clock), sink_(sink) {}

absl::Status SysfsSource::Scan() {
  Cause cause;
  cause.kind = CauseKind::kScan;
  cause.text = "sysfs scan";
  return Scan(cause);
}

absl::Status SysfsSource::Scan(const Cause& cause) {
  absl::StatusOr<std::vector<HostReading>> readings = ReadTree(root_, io_);
  if (!readings.ok()) return readings.status();
  for (const HostReading& known : last_) {
    if (Find(*readings, known.host) == nullptr) Emit(known.host, cause, {HostGone{known.host}});
  }
  for (const HostReading& reading : *readings) {
    const HostReading* known = Find(last_, reading.host);
    Emit(reading.host, cause,
         known == nullptr ? reading.observations
                          : Differences(known->observations, reading.observations));
  }
  last_ = *std::move(readings);
  return absl::OkStatus();
}

void SysfsSource::Emit(SasAddress host, const Cause& cause, std::vector<Observation> observations) {
  if (observations.empty()) return;
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
