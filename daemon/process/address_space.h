#ifndef DAEMON_PROCESS_ADDRESS_SPACE_H_
#define DAEMON_PROCESS_ADDRESS_SPACE_H_

#include <cstdint>

namespace sasd::process {

// What sasd needs of address space (RLIMIT_AS) to start with a small node: its libraries, and the
// stacks of its threads and gRPC's. With less, a library aborts or waits for ever for a thread that
// it cannot start.
inline constexpr uint64_t kLeastAddressSpace = uint64_t{512} << 20;

// Whether the limit of this process is that high. Otherwise writes a line to standard error that
// says so. Call it before there are threads.
bool AddressSpaceSuffices();

}  // namespace sasd::process

#endif  // DAEMON_PROCESS_ADDRESS_SPACE_H_
