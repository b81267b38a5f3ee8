#ifndef EMULATOR_PCI_LINK_SERVER_H_
#define EMULATOR_PCI_LINK_SERVER_H_

#include "absl/status/status.h"
#include "driver/base/unique_fd.h"
#include "emulator/pci/pci_front_end.h"

namespace sasd::emulator::pci {

// Serves one function to QEMU's x-pci-proxy-dev over its link (a stream socket) until the other
// side closes it; returns OK then. Errors: kInvalidArgument for bytes that are not a message of the
// link; kUnavailable for a failed socket. Borrows both.
absl::Status ServeLink(const UniqueFd& socket, PciFrontEnd& front_end);

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_LINK_SERVER_H_
