#ifndef DRIVER_TRANSPORT_PCI_IOC_SYSTEM_PCI_FILES_H_
#define DRIVER_TRANSPORT_PCI_IOC_SYSTEM_PCI_FILES_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "driver/transport/pci_ioc/pci_bus.h"
#include "driver/transport/pci_ioc/system/system_calls.h"

namespace sasd::pci_ioc {

// A function's folder in sysfs: "/sys/bus/pci/devices/0000:03:00.0".
std::string FolderOf(absl::string_view address);

// Whether the text is "DDDD:BB:DD.F" in lower-case hexadecimal, as sysfs has it (domains may have
// more digits).
bool IsPciAddress(absl::string_view text);

// The last component of the link `name` in the function's folder ("driver", "iommu_group"); empty
// without such a link.
std::string LinkOf(SystemCalls& calls, absl::string_view address, absl::string_view name);

// Checks that the function exists and that `driver` is bound to it. Errors name what to do:
// kInvalidArgument: no PCI address; kNotFound: no such function; kFailedPrecondition: another
// driver, or none.
absl::Status CheckDriver(SystemCalls& calls, absl::string_view address, absl::string_view driver);

// Reads a value of 1, 2 or 4 bytes from the configuration space.
using ReadConfigFn = std::function<uint32_t(uint32_t offset, uint32_t size)>;

// kNotFound: the function does not answer.
absl::StatusOr<PciFunction> ReadFunction(absl::string_view address, const ReadConfigFn& read);

// The number of the first memory BAR (0 to 5) that is not empty; nullopt without one. An empty BAR
// reads as 0.
std::optional<int> FirstMemoryBar(const ReadConfigFn& read);

// An error of a system call on `what`, with errno's text. Codes: that of errno.
absl::Status CallError(int negative_errno, absl::string_view what);

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_SYSTEM_PCI_FILES_H_
