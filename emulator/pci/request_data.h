#ifndef EMULATOR_PCI_REQUEST_DATA_H_
#define EMULATOR_PCI_REQUEST_DATA_H_

#include <vector>

#include "absl/status/statusor.h"
#include "driver/base/endian.h"
#include "emulator/pci/dma_memory.h"
#include "emulator/pci/scatter_gather.h"

namespace sasd::emulator::pci {

// The end of a request's message, and the places of its data.
struct RequestData {
  size_t message_size = 0;
  std::vector<DmaSegment> out, in;  // to the device, from the device
};

// Finds the data of a request frame by its function. `ieee`: SCSI IO, SMP passthrough and firmware
// upload have IEEE lists. kInvalidArgument: the frame is too short, or WalkSgl() refuses its list.
absl::StatusOr<RequestData> FindRequestData(ByteSpan frame, bool ieee, DmaMemory& memory);

// The low half of the address of a SCSI IO's sense buffer, and that buffer's size.
struct SenseBuffer {
  uint32_t address_low = 0;
  uint8_t size = 0;
};
// kInvalidArgument for a short frame.
absl::StatusOr<SenseBuffer> FindSenseBuffer(ByteSpan scsi_io);

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_REQUEST_DATA_H_
