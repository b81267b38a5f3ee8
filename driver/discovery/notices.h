#ifndef DRIVER_DISCOVERY_NOTICES_H_
#define DRIVER_DISCOVERY_NOTICES_H_

#include <optional>

#include "driver/device/device_table.h"
#include "driver/device/node_table.h"
#include "driver/observation/observation.h"
#include "driver/wire/mpi/events.h"

namespace sasd::discovery {

// The notice for an event that leaves no state behind: device status (SMART, resets), discovery
// errors, asynchronous events, RAID, temperature, cables, log entries. nullopt for other events.
// Only reads the tables. Thread-safe.
std::optional<Notice> NoticeFor(const mpi::EventData& event, const device::NodeTable& nodes,
                                const device::DeviceTable& devices);

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_NOTICES_H_
