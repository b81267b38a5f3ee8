#ifndef DRIVER_DISCOVERY_FACTS_H_
#define DRIVER_DISCOVERY_FACTS_H_

#include <cstdint>
#include <string>

#include "driver/device/device.h"
#include "driver/device/node_table.h"
#include "driver/observation/observation.h"
#include "driver/wire/mpi/pages.h"

// Converts the firmware's pages to the tables' content, and that to the reported facts. Pure
// functions, thread-safe.
namespace sasd::discovery {

// True for an end device that speaks SSP, STP or SATA as a target.
bool IsEndDevice(uint32_t device_info);
bool IsExpander(uint32_t device_info);

// Why the device cannot be used, as text; empty if it can (MPI 2.x AccessStatus 0 and 4).
std::string AccessFailure(uint8_t access_status);

// The key of the object of a page, as `host` reaches it.
NodeKey KeyOf(HostKey host, const mpi::SasDevicePage0& page);
NodeKey KeyOf(HostKey host, const mpi::ExpanderPage0& page);

// The content of a page without the parent and the enclosure, which need the tables.
device::DeviceInfo DeviceInfoFrom(HostKey host, const mpi::SasDevicePage0& page);
device::EnclosureInfo EnclosureInfoFrom(const mpi::EnclosurePage0& page);

// The content of a page without the attached address, which needs the tables.
device::PhyRecord PhyRecordFrom(const mpi::ExpanderPage1& page);
device::PhyRecord PhyRecordFrom(const mpi::SasPhyPage0& page);

PhyFacts PhyFactsFrom(const NodeKey& owner, PhyId phy, const device::PhyRecord& record);
ExpanderFacts ExpanderFactsFrom(const device::ExpanderInfo& info, size_t phy_count);
// `view` is neither being removed nor gone.
EndDeviceFacts EndDeviceFactsFrom(const device::DeviceView& view);
EnclosureFacts EnclosureFactsFrom(HostKey host, const device::EnclosureInfo& info);

// "end device 5000c500e23ccd9d, slot 3" ("slot" only in an enclosure).
std::string Describe(const device::DeviceInfo& info);
// "host phy 3", "expander 500304800175f0bf phy 5".
std::string Describe(const NodeKey& node, PhyId phy);
// "host", "expander 500304800175f0bf".
std::string Describe(const NodeKey& node);

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_FACTS_H_
