#ifndef DRIVER_EMULATOR_SCSI_TARGET_H_
#define DRIVER_EMULATOR_SCSI_TARGET_H_

#include <cstdint>

#include "driver/base/endian.h"
#include "driver/base/sas_address.h"
#include "driver/emulator/fabric.h"

namespace sasd::emulator {

// What a SCSI command came to.
struct ScsiResult {
  uint8_t status = 0;    // SAM: 0 good, 2 check condition
  size_t data_size = 0;  // bytes put into data_in
  Bytes sense;           // fixed format; empty unless check condition
};

// The SCSI target of an end device with its one logical unit, LUN 0: INQUIRY (standard, VPD pages
// 00, 80, 83), TEST UNIT READY, REPORT LUNS, READ CAPACITY (10, 16). Other commands and LUNs get
// "illegal request". Total over any CDB. Borrows the device for a call. Stateless.
class ScsiTarget {
 public:
  ScsiTarget(const DeviceSpec& device, const DeviceModel& model, SasAddress port_address)
      : device_(device), model_(model), port_address_(port_address) {}

  // `lun`: the 8-byte LUN, big-endian.
  ScsiResult Execute(uint64_t lun, ByteSpan cdb, MutableByteSpan data_in) const;

 private:
  Bytes Inquiry(uint64_t lun) const;
  Bytes Identification() const;
  Bytes Capacity10() const;
  Bytes Capacity16() const;

  const DeviceSpec& device_;
  const DeviceModel& model_;
  const SasAddress port_address_;
};

}  // namespace sasd::emulator

#endif  // DRIVER_EMULATOR_SCSI_TARGET_H_
