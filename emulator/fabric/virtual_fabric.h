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

// An element of the fabric with its state, for people.
struct ElementState {
  std::string id;
  ElementKind kind = ElementKind::kDevice;
  std::vector<SasAddress> addresses;  // an enclosure's: its logical id
  std::string state;                  // "present", "pulled" (device), "lost" (expander), "off"
  std::string enclosure;              // id; empty: none
  std::optional<uint16_t> slot;
};

// The physical world: what is plugged, powered and enabled, shared by all HBAs. Its verbs act as
// hands, cables and power do; when one returns, every HBA's firmware has noticed, and its events
// have been delivered unless another thread is delivering or delivery is held back.
//
// `element` in the verbs is an element's id, its SAS address (any of its ports'; an enclosure's
// logical id), or "enclosure-id/slot" for the drive in that slot.
// Errors of all verbs: kNotFound naming the element and what is close; kInvalidArgument for an
// element of the wrong kind; kFailedPrecondition where it is already in that state.
//
// Thread-safe. No lock is held while members are called.
class VirtualFabric {
 public:
  // `spec` is valid (ValidateFabric); else this is our own bug.
  explicit VirtualFabric(FabricSpec spec);

  // Elements of the kinds given, all if empty: hosts, expanders, enclosures, devices, each in the
  // order of the file.
  std::vector<ElementState> ListElements(absl::Span<const ElementKind> kinds = {}) const
      ABSL_LOCKS_EXCLUDED(mu_);

  // Pulls a drive out of its slot.
  absl::Status Pull(absl::string_view element) ABSL_LOCKS_EXCLUDED(mu_);

  // Puts a pulled drive back; with a serial, another one of the same model in its place, with a
  // world wide name and addresses of its own. Returns the element's id.
  absl::StatusOr<std::string> Insert(absl::string_view element,
                                     absl::string_view replacement_serial = "")
      ABSL_LOCKS_EXCLUDED(mu_);

  // How a drive fails to come up, MPI 2.x AccessStatus (0x01: SATA initialization failed), or that
  // it does (0). It is told of where a driver asks next: at the drive's insertion or a reset.
  absl::Status SetAccessStatus(absl::string_view element, uint8_t status) ABSL_LOCKS_EXCLUDED(mu_);

  // Takes a phy of a host or expander down (disabled) or up. `gbps` when up: 1.5, 3, 6, 12 or 22.5;
  // 0 for the best that both ends support. Setting what is set already is kFailedPrecondition.
  absl::Status SetPhy(absl::string_view element, uint32_t phy, bool up, double gbps = 0)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Takes an expander off the fabric with all behind it, or brings it back.
  absl::Status SetExpander(absl::string_view element, bool present) ABSL_LOCKS_EXCLUDED(mu_);

  // Switches an enclosure's power: its expanders and devices.
  absl::Status SetEnclosurePower(absl::string_view element, bool on) ABSL_LOCKS_EXCLUDED(mu_);

  // Resets an HBA; device handles are renumbered. Returns when it is ready to be initialized.
  absl::Status ResetHost(absl::string_view host) ABSL_LOCKS_EXCLUDED(mu_);

  // Makes the firmware of every host that knows the element report a discovery error about it, and
  // a discovery that completes with `discovery_status` (MPI 2.x bits).
  absl::Status InjectDiscoveryError(absl::string_view element, uint32_t discovery_status)
      ABSL_LOCKS_EXCLUDED(mu_);

  // Makes a host fail the next `count` times (0: once).
  absl::Status InjectFault(absl::string_view host, FaultKind kind, uint32_t count = 1,
                           absl::Duration delay = absl::ZeroDuration()) ABSL_LOCKS_EXCLUDED(mu_);

  // Makes the firmware of every host that knows the device report a status change of it, and a host
  // report what else there is.
  absl::Status InjectDeviceStatus(absl::string_view device, uint8_t reason, uint8_t asc = 0,
                                  uint8_t ascq = 0) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status InjectTemperature(absl::string_view host, uint8_t sensor, uint16_t celsius)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status InjectLogEntry(absl::string_view host, uint16_t qualifier, absl::string_view text)
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status InjectBroadcast(absl::string_view host, uint8_t phy, uint8_t primitive)
      ABSL_LOCKS_EXCLUDED(mu_);

  // What a host can reach right now.
  absl::StatusOr<HostTruth> GetHostTruth(absl::string_view host) const ABSL_LOCKS_EXCLUDED(mu_);

  // For the HBAs. -----------------------------------------------------------------------------

  // Host `host` is `member` from now on, which outlives the fabric's use. Before the first verb.
  void Join(uint32_t host, FabricMember& member);

  // Calls `f(const FabricState&)` while the state stands still; `f` calls nothing that waits.
  template <typename F>
  auto Read(F f) const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::ReaderMutexLock lock(&mu_);
    return f(state_);
  }

  // What its devices keep between commands. Not guarded by what guards the state.
  scsi::UnitMemory& memory() { return memory_; }

  // An HBA or expander acts at the firmware's request.
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
  void Tell(const FirmwareNotice& notice) ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status TellHost(absl::string_view host, const FirmwareNotice& notice)
      ABSL_LOCKS_EXCLUDED(mu_);

  std::vector<FabricMember*> members_;  // constant after the last Join()
  scsi::UnitMemory memory_;

  mutable absl::Mutex mu_;
  FabricState state_ ABSL_GUARDED_BY(mu_);
  ElementIndex index_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::emulator

#endif  // EMULATOR_FABRIC_VIRTUAL_FABRIC_H_
