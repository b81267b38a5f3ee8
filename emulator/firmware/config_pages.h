#ifndef EMULATOR_FIRMWARE_CONFIG_PAGES_H_
#define EMULATOR_FIRMWARE_CONFIG_PAGES_H_

#include <cstdint>
#include <map>
#include <utility>

#include "driver/base/endian.h"
#include "driver/wire/mpi/constants.h"
#include "driver/wire/mpi/messages.h"
#include "emulator/fabric/fabric_state.h"
#include "emulator/firmware/reported_topology.h"

namespace sasd::emulator {

// A page as it was read, or the status why it could not be.
struct PageResult {
  mpi::IocStatus status = mpi::IocStatus::kSuccess;
  Bytes page;  // with its header; empty unless successful
};

// The writable part of the pages, as the host has set it.
struct PageSettings {
  uint8_t report_missing_delay = 0;  // as in SAS IO unit page 1
  uint8_t io_missing_delay = 0;
  uint32_t discovery_status = 0;  // of the last discovery
  // Written pages without a meaning here, by (type, number), to be read back.
  std::map<std::pair<mpi::PageType, uint8_t>, Bytes> written;
};

// The firmware's configuration pages, made on demand from the fabric and the reported topology.
// Borrows everything; made for one request. Thread-compatible.
class ConfigPages {
 public:
  ConfigPages(const FabricState& fabric, const ReportedTopology& topology,
              const PageSettings& settings)
      : fabric_(fabric),
        topology_(topology),
        settings_(settings),
        host_(fabric.host(topology.host())) {}

  // The page's identity and length as the firmware has them. The answer holds for any address: the
  // kernel reads headers without one. kConfigInvalidPage if there is no such page.
  std::pair<mpi::IocStatus, mpi::PageHeader> Header(const mpi::PageHeader& page) const;

  // kConfigInvalidPage if there is no such page, or no object at the address.
  PageResult Read(const mpi::PageHeader& page, uint32_t address) const;

 private:
  PageResult ReadExtended(const mpi::PageHeader& page, uint32_t address) const;
  PageResult ReadPlain(const mpi::PageHeader& page) const;
  PageResult ManufacturingPage() const;
  PageResult SasIoUnit0() const;
  PageResult SasIoUnit1() const;
  PageResult Expander0(uint32_t address) const;
  PageResult Expander1(uint32_t address) const;
  PageResult Device0(uint32_t address) const;
  PageResult Phy0(uint32_t address) const;
  PageResult Phy1(uint32_t address) const;
  PageResult Enclosure0(uint32_t address) const;

  uint16_t NextOfKind(uint16_t after, HandleEntry::Kind kind) const;
  uint32_t DeviceInfo(const HandleEntry& entry) const;
  uint32_t AttachedInfo(const ReportedPhy& phy) const;
  PhyId AttachedPhy(PhyRef ref, const ReportedPhy& phy) const;
  uint32_t PhyInfo(PhyRef phy) const;
  uint8_t ProgrammedRates(PhyRef phy) const;
  uint8_t HardwareRates(PhyRef phy) const;
  uint8_t PortWidth(const HandleEntry& entry, uint16_t handle) const;

  const FabricState& fabric_;
  const ReportedTopology& topology_;
  const PageSettings& settings_;
  const HostSpec& host_;
};

}  // namespace sasd::emulator

#endif  // EMULATOR_FIRMWARE_CONFIG_PAGES_H_
