#ifndef EMULATOR_FABRIC_FABRIC_MEMBER_H_
#define EMULATOR_FABRIC_FABRIC_MEMBER_H_

#include <cstdint>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "emulator/fabric/element_index.h"
#include "emulator/fabric/fabric.h"
#include "emulator/fabric/truth.h"

namespace sasd::emulator {

// Faults that a test can inject into an HBA.
enum class FaultKind : uint8_t {
  kPageReadFails,    // reads of configuration pages end with IOCStatus 0x0004 (internal error)
  kSmpTimeout,       // SMP requests end with IOCStatus 0x0090 (SMP request failed)
  kEventLost,        // events are dropped, and the loss is reported (OnEventsLost)
  kEventDuplicated,  // events come twice
  kEventTruncated,   // events come with their last data dword missing
  kEventsReordered,  // an event is held back until the next one has passed
  kIocFault,         // the IOC enters the fault state; after `delay` it is reset
};

// Notices that an HBA can be made to report, beside the changes of the fabric.
struct DiscoveryErrorNotice {
  ElementRef element;
  uint32_t discovery_status = 0;  // MPI 2.x DiscoveryStatus bits
};
struct DeviceStatusNotice {
  uint32_t device = 0;
  uint8_t reason =
      0;  // MPI 2.x, SAS device status change: 0x05 SMART data, 0x08 internal reset, ...
  uint8_t asc = 0, ascq = 0;
};
struct TemperatureNotice {
  uint8_t sensor = 0;
  uint16_t celsius = 0;
};
struct LogEntryNotice {
  uint16_t qualifier = 0;
  std::string text;  // at most 28 characters fit
};
struct BroadcastNotice {
  uint8_t phy = 0;
  uint8_t primitive = 4;  // 1 change, 2 SES, 3 expander, 4 asynchronous event
};
using FirmwareNotice = std::variant<DiscoveryErrorNotice, DeviceStatusNotice, TemperatureNotice,
                                    LogEntryNotice, BroadcastNotice>;

// One HBA as the fabric sees it. Called without a lock held, possibly by several threads.
class FabricMember {
 public:
  virtual ~FabricMember() = default;
  // These phys may have a new state (the fabric's counterpart of BROADCAST (CHANGE)).
  virtual void OnPhysChanged(absl::Span<const PhyRef> phys) = 0;
  // Reports the notice. Ignores one about an element that this HBA does not know.
  virtual void OnNotice(const FirmwareNotice& notice) = 0;
  virtual void OnFault(FaultKind kind, uint32_t count, absl::Duration delay) = 0;
  virtual absl::Status OnReset() = 0;
  // What this HBA can reach now.
  virtual HostTruth Truth() const = 0;
};

}  // namespace sasd::emulator

#endif  // EMULATOR_FABRIC_FABRIC_MEMBER_H_
