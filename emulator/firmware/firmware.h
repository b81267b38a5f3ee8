#ifndef EMULATOR_FIRMWARE_FIRMWARE_H_
#define EMULATOR_FIRMWARE_FIRMWARE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "driver/base/endian.h"
#include "driver/wire/mpi/constants.h"
#include "emulator/fabric/fabric_member.h"
#include "emulator/fabric/fabric_state.h"
#include "emulator/fabric/unit_memory.h"
#include "emulator/firmware/config_pages.h"
#include "emulator/firmware/discovery_run.h"
#include "emulator/firmware/firmware_event_queue.h"
#include "emulator/firmware/reported_topology.h"
#include "emulator/firmware/smp_target.h"

namespace sasd::emulator {

// A request as a front end passes it: the frame without its scatter-gather list, and the data.
struct FirmwareRequest {
  ByteSpan frame;
  ByteSpan data_out;
  MutableByteSpan data_in;
};

struct FirmwareReply {
  Bytes frame;              // an MPI reply, always
  size_t data_in_size = 0;  // bytes put into FirmwareRequest::data_in
  Bytes sense;
  // True: the reply comes after the events that the request caused (PORT ENABLE).
  bool after_events = false;
};

// Makes a request fail with the returned status; nullopt lets the request through.
using RequestHook = std::function<std::optional<mpi::IocStatus>(ByteSpan frame)>;

// The firmware of one HBA. It speaks MPI in bytes. It does not know clocks, threads, or the front
// end that carries its messages: each call passes the fabric's present state and the time, and
// after each call the caller takes the firmware's events and actions on phys.
//
// IOC states: kReady --IOC INIT--> kOperational --MESSAGE UNIT RESET or Reset()--> kReady;
// any --Fault()--> kFault --Reset()--> kReady. Discovery begins with PORT ENABLE.
//
// Thread-compatible.
class Firmware {
 public:
  // `memory` outlives the firmware's use.
  Firmware(const FabricState& fabric, scsi::UnitMemory& memory, uint32_t host, uint64_t seed);

  mpi::IocState state() const { return state_; }
  const ReportedTopology& topology() const { return topology_; }

  // Total: every request gets a reply.
  FirmwareReply Handle(const FabricState& fabric, const FirmwareRequest& request,
                       absl::Duration now);

  void OnPhysChanged(const FabricState& fabric, absl::Span<const PhyRef> phys, absl::Duration now);
  void OnNotice(const FabricState& fabric, const FirmwareNotice& notice, absl::Duration now);

  // Reports devices as gone whose report-missing delay has passed.
  void RunTimers(const FabricState& fabric, absl::Duration now);
  // When RunTimers() is due next; absl::InfiniteDuration(): never.
  absl::Duration NextDeadline() const {
    return state_ == mpi::IocState::kOperational ? topology_.NextDeadline()
                                                 : absl::InfiniteDuration();
  }

  // Enters kReady, forgets everything that was reported, and renumbers the handles.
  void Reset();
  void Fault() { state_ = mpi::IocState::kFault; }

  // Makes the next `count` messages of the kind fail. kIocFault enters the fault state instead.
  void Inject(FaultKind kind, uint32_t count);
  // Sets a test's hook for requests of a function; an empty hook removes it.
  void SetHook(mpi::Function function, RequestHook hook);

  // Takes the events and actions since the last call, in order.
  std::vector<OutboundEvent> TakeEvents() { return events_.Take(); }
  std::vector<FabricAction> TakeActions();
  size_t unacknowledged_events() const { return events_.unacknowledged(); }
  bool events_in_trouble() const { return events_.in_trouble(); }

 private:
  // One request on its way through a handler.
  struct Call {
    const FabricState& fabric;
    const FirmwareRequest& request;
    absl::Duration now;
  };
  struct Handler {
    mpi::Function function;
    FirmwareReply (Firmware::*run)(const Call&);
    bool needs_operational;
  };
  static const Handler kHandlers[];

  // firmware.cc
  FirmwareReply IocInit(const Call& call);
  FirmwareReply IocFacts(const Call& call);
  FirmwareReply PortFacts(const Call& call);
  FirmwareReply PortEnable(const Call& call);
  FirmwareReply EventNotification(const Call& call);
  FirmwareReply EventAck(const Call& call);
  FirmwareReply MessageUnitReset(const Call& call);
  FirmwareReply FirmwareUpload(const Call& call);
  // firmware_config.cc
  FirmwareReply Config(const Call& call);
  mpi::IocStatus WritePage(const Call& call, const mpi::PageHeader& page);
  void ApplySasIoUnit1(const Call& call);
  // firmware_device.cc
  FirmwareReply ScsiIo(const Call& call);
  FirmwareReply TaskManagement(const Call& call);
  FirmwareReply SasIoUnitControl(const Call& call);
  FirmwareReply SmpPassthrough(const Call& call);
  mpi::IocStatus RemoveDevice(uint16_t handle);
  mpi::IocStatus ControlOwnPhy(const Call& call, uint8_t phy, PhyActionKind operation);
  NodeRef SmpTargetAt(const FabricState& fabric, SasAddress address) const;

  FirmwareReply Plain(mpi::Function function, mpi::IocStatus status) const;
  std::optional<mpi::IocStatus> Faulted(mpi::Function function, ByteSpan frame);
  bool TakeFault(FaultKind kind);
  DiscoveryRun::Options DiscoveryOptions(const FabricState& fabric, absl::Duration now) const;
  void Post(const std::vector<mpi::EventData>& events, absl::Duration now);
  uint16_t HandleOf(const FabricState& fabric, ElementRef element) const;

  scsi::UnitMemory& memory_;
  const uint32_t host_;
  const uint64_t seed_;
  uint32_t resets_ = 0;
  mpi::IocState state_ = mpi::IocState::kReady;
  uint8_t who_init_ = 0;
  ReportedTopology topology_;
  PageSettings settings_;
  FirmwareEventQueue events_;
  std::vector<FabricAction> actions_;
  std::map<FaultKind, uint32_t> faults_;
  std::map<mpi::Function, RequestHook> hooks_;
  uint16_t log_sequence_ = 0;
};

}  // namespace sasd::emulator

#endif  // EMULATOR_FIRMWARE_FIRMWARE_H_
