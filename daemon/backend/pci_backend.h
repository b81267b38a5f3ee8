#ifndef DAEMON_BACKEND_PCI_BACKEND_H_
#define DAEMON_BACKEND_PCI_BACKEND_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "daemon/backend/backend.h"
#include "daemon/backend/pci_link.h"
#include "driver/base/clock.h"
#include "driver/observation/key_assignments.h"
#include "driver/observation/observation.h"
#include "driver/pci/machine_files.h"

namespace sasd {

struct PciBackendOptions {
  std::vector<std::string> addresses;  // "0000:03:00.0"
  PciLinkOptions link;                 // the backend sets `keys`, `on_change` and `is_present`
  // For Diagnose(); null: this machine's.
  std::shared_ptr<const pci::MachineFiles> files;
};

// The options for this machine: functions that are bound to vfio-pci or uio_pci_generic.
PciBackendOptions PciHbasOf(std::vector<std::string> addresses);

// Starts the backend of this machine's sysfs, given the sink that it shall use.
using LiveStarter = std::function<absl::StatusOr<std::unique_ptr<Backend>>(ObservationSink& sink)>;

// Starts a live backend, and beside it drives the HBAs at the addresses (PciLink). An HBA that
// cannot be driven now is no error: sasd says so in health and doctor, and tries again. Discovery
// is not settled until each link has connected or failed once. Borrows `clock`, `sink` and `keys`
// for the backend's lifetime. Errors: kInvalidArgument: no PCI address, or one twice; those of the
// live backend.
absl::StatusOr<std::unique_ptr<Backend>> StartPciBackend(PciBackendOptions options,
                                                         const LiveStarter& start_live,
                                                         Clock& clock, ObservationSink& sink,
                                                         KeyAssignments& keys);

}  // namespace sasd

#endif  // DAEMON_BACKEND_PCI_BACKEND_H_
