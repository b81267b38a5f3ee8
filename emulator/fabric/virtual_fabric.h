#ifndef EMULATOR_FABRIC_VIRTUAL_FABRIC_H_
#define EMULATOR_FABRIC_VIRTUAL_FABRIC_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "emulator/fabric/element_index.h"
#include "emulator/fabric/fabric.h"
#include "emulator/fabric/fabric_member.h"
#include "emulator/fabric/fabric_state.h"
#include "emulator/fabric/truth.h"
#include "emulator/fabric/unit_memory.h"

namespace sasd::emulator {

// One line of ListElements(): an element of the fabric with its state.
struct ElementState {
  std::string id;
  ElementKind kind = ElementKind::kDevice;
  std::vector<SasAddress> addresses;  // of an enclosure: its logical id
  std::string state;                  // "present", "pulled" (device), "lost" (expander), "off"
  std::string enclosure;              // id; empty: none
  std::optional<uint16_t> slot;
};

// The physical world that all HBAs share: which elements are plugged in, powered and enabled. Its
// verbs act as hands, cables and power do. When a verb returns, every HBA's firmware has noticed
// the change. The events have been delivered by then, unless another thread is delivering or
// delivery is held back.
//
// `element` in the verbs is an element's id, its SAS address (of any of its ports; of an enclosure
// its logical id), or "enclosure-id/slot" for the drive in that slot.
//
// Errors of all verbs: kNotFound with the element's name and similar ones; kInvalidArgument for an
// element of the wrong kind; kFailedPrecondition if the element is already in that state.
//
// Thread-safe. Members are called without a lock held.
class VirtualFabric {
 public:
  // `spec` is valid (ValidateFabric()); anything else is our own bug.
  explicit VirtualFabric(FabricSpec spec);

  // Lists elements of the given kinds, or of all kinds if empty: hosts, expanders, enclosures,
  // devices, each in the order of the file.
  std::vector<ElementState> ListElements(absl::Span<const ElementKind> kinds = {}) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Pulls a drive out of its slot.
  absl::Status Pull(absl::string_view element) ABSL_LOCKS_EXCLUDED(mu_);

  // Puts a pulled drive back. With a serial: puts in another drive of the same model, with its own
  // world wide name and addresses. Returns the element's id.
  absl::StatusOr<std::string> Insert(absl::string_view element,
                                     absl::string_view replacement_serial = "")
      ABSL_LOCKS_EXCLUDED(mu_);

  // Sets how a drive fails to come up, as MPI 2.x AccessStatus (0x01: SATA initialization failed);
  // 0: it comes up. A driver reads it at the drive's insertion or at a reset.
  absl::Status SetAccessStatus(absl::string_view element, uint8_t status) ABSL_LOCKS_EXCLUDED(mu_);

  // Takes a phy of a host or expander down (disabled) or up. `gbps` when up: 1.5, 3, 6, 12 or 22.5;
  // 0 for the best that both ends support. kFailedPrecondition if the phy is in that state already.
  absl::Status SetPhy(absl::string_view element, uint32_t phy, bool up, double gbps = 0)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Removes an expander with everything behind it, or brings it back.
  absl::Status SetExpander(absl::string_view element, bool present) ABSL_LOCKS_EXCLUDED(mu_);

  // Switches the power of an enclosure with its expanders and devices.
  absl::Status SetEnclosurePower(absl::string_view element, bool on) ABSL_LOCKS_EXCLUDED(mu_);

  // Resets an HBA and renumbers its device handles. Returns when the HBA is ready to be
  // initialized.
  absl::Status ResetHost(absl::string_view host) ABSL_LOCKS_EXCLUDED(mu_);

  // Makes each host that knows the element report a discovery error about it, and a discovery that
  // completes with `discovery_status` (MPI 2.x bits).
  absl::Status InjectDiscoveryError(absl::string_view element, uint32_t discovery_status)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Injects a fault into a host: its next `count` messages of the kind fail (0: one). A kIocFault
  // ignores `count`: it begins at once and lasts `delay`, or until a reset. Zero: the IOC is reset
  // at once. Where the host ends faults (HbaFrontEnd::HostEndsFaults()), and for all other kinds,
  // `delay` is ignored.
  absl::Status InjectFault(absl::string_view host, FaultKind kind, uint32_t count = 1,
                           absl::Duration delay = absl::ZeroDuration()) ABSL_LOCKS_EXCLUDED(mu_);

  // Makes each host that knows the device report a status change of it.
  absl::Status InjectDeviceStatus(absl::string_view device, uint8_t reason, uint8_t asc = 0,
                                  uint8_t ascq = 0) ABSL_LOCKS_EXCLUDED(mu_);
  // Make a host report a temperature (degrees Celsius), a log entry, or a received broadcast.
  absl::Status InjectTemperature(absl::string_view host, uint8_t sensor, uint16_t celsius)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status InjectLogEntry(absl::string_view host, uint16_t qualifier, absl::string_view text)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status InjectBroadcast(absl::string_view host, uint8_t phy, uint8_t primitive)
      ABSL_LOCKS_EXCLUDED(mu_);

  // What a host can reach now.
  absl::StatusOr<HostTruth> GetHostTruth(absl::string_view host) const ABSL_LOCKS_EXCLUDED(mu_);

  // For the HBAs. -----------------------------------------------------------------------------

  // `member` represents host `host` from now on and outlives the fabric's use. Call before the
  // first verb.
  void Join(uint32_t host, FabricMember& member);

  // Calls `f(const FabricState&)` while the state cannot change. `f` must not wait.
  template <typename F>
  auto Read(F f) const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::ReaderMutexLock lock(&mu_);
    return f(state_);
  }

  // What the devices keep between commands. It has its own lock.
  scsi::UnitMemory& memory() { return memory_; }

  // Carries out an action that the firmware requests of an HBA or expander.
  void Act(const FabricAction& action) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  absl::StatusOr<uint32_t> FindKind(absl::string_view element, ElementKind kind) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  absl::StatusOr<uint32_t> FindDrive(absl::string_view element) const
      ABSL_SHARED_LOCKS_REQUIRED(mu_);
  absl::StatusOr<FabricMember*> FindHost(absl::string_view host) const ABSL_LOCKS_EXCLUDED(mu_);
  ElementState Describe(ElementRef element) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void Replace(uint32_t device, absl::string_view serial) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Announce(const std::vector<PhyRef>& changed) ABSL_LOCKS_EXCLUDED(mu_);
  void Notify(const FirmwareNotice& notice) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status NotifyHost(absl::string_view host, const FirmwareNotice& notice)
      ABSL_LOCKS_EXCLUDED(mu_);

  std::vector<FabricMember*> members_;  // constant after the last Join()
  scsi::UnitMemory memory_;

  mutable absl::Mutex mu_;
  FabricState state_ ABSL_GUARDED_BY(mu_);
  ElementIndex index_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::emulator

#endif  // EMULATOR_FABRIC_VIRTUAL_FABRIC_H_
