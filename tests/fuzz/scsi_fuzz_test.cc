// A hostile host. The input is SCSI commands with their data, sent to each kind of unit. The data
// returned fits the host's buffer, and a check condition has sense data.
//
// An input is a sequence of commands: unit, buffer size (x 64 bytes), data size (x 8 bytes), 16
// bytes of CDB, data.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "driver/base/endian.h"
#include "emulator/fabric/fabric_loader.h"
#include "emulator/fabric/fabric_state.h"
#include "emulator/fabric/unit_memory.h"
#include "emulator/scsi/scsi_target.h"

namespace sasd::emulator::scsi {
namespace {

constexpr size_t kHeader = 3, kCdb = 16;

// One unit of each kind: SAS disk, SAS SSD, SATA disk, SES devices of an enclosure with one
// expander and of one with two.
std::vector<uint32_t> UnitsOf(const FabricSpec& spec) {
  std::vector<uint32_t> units;
  for (const char* id :
       {"jbod1-disk03", "jbod1-ssd18", "jbod2-sata20", "jbod1-a-ses", "jbod3-a-ses"}) {
    const auto it = std::find_if(spec.devices.begin(), spec.devices.end(),
                                 [&](const DeviceSpec& device) { return device.id == id; });
    if (it == spec.devices.end()) std::abort();
    units.push_back(static_cast<uint32_t>(it - spec.devices.begin()));
  }
  return units;
}

void Run(ByteSpan input) {
  static const FabricState* const fabric = new FabricState(*LoadFabric("judge"));
  static const std::vector<uint32_t>* const units =
      new std::vector<uint32_t>(UnitsOf(fabric->spec()));
  UnitMemory memory;
  while (input.size() >= kHeader + kCdb) {
    const uint32_t device = (*units)[input[0] % units->size()];
    const uint8_t port = input[0] & 0x80 && fabric->device(device).port_count() == 2 ? 1 : 0;
    Bytes room(size_t{64} * input[1]);
    const size_t size = std::min(size_t{8} * input[2], input.size() - kHeader - kCdb);
    Bytes cdb(input.begin() + kHeader, input.begin() + kHeader + kCdb);
    cdb.resize(32);
    const Bytes data(input.begin() + kHeader + kCdb, input.begin() + kHeader + kCdb + size);
    const uint64_t lun = input[0] & 0x40 ? uint64_t{1} << 48 : 0;
    const ScsiResult result =
        ExecuteScsi({*fabric, memory, device, port}, {lun, cdb, data, absl::MakeSpan(room)});
    if (result.transferred > std::max(room.size(), data.size())) std::abort();
    if ((result.status == 2) == result.sense.empty()) std::abort();
    input.remove_prefix(kHeader + kCdb + size);
  }
}

}  // namespace
}  // namespace sasd::emulator::scsi

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sasd::emulator::scsi::Run(sasd::ByteSpan(data, size));
  return 0;
}
