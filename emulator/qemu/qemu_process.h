#ifndef EMULATOR_QEMU_QEMU_PROCESS_H_
#define EMULATOR_QEMU_QEMU_PROCESS_H_

#include <signal.h>
#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "driver/base/unique_fd.h"

namespace sasd {

// The two ends of a stream socket: a child process inherits one and does not inherit the other.
struct SocketPair {
  UniqueFd inherited, own;
};
absl::StatusOr<SocketPair> MakeSocketPair();

// The slot of host `host` on the root bus, above the slots of QEMU's q35 and of a user's devices.
constexpr int kFirstSlot = 4, kMaxHosts = 16;
constexpr int SlotOf(size_t host) { return kFirstSlot + static_cast<int>(host); }

// Appends to `command` the options that connect QEMU to `links`, one PCI function for each, and to
// the qtest channel.
std::vector<std::string> WithProxies(std::vector<std::string> command,
                                     const std::vector<SocketPair>& links, const SocketPair& qtest);

// Starts a program from PATH with the signal mask `mask`. Its standard error goes to the file `log`
// unless `log` is empty. Errors name the program or the file.
absl::StatusOr<pid_t> StartProcess(const std::vector<std::string>& command, const sigset_t& mask,
                                   const std::string& log);

}  // namespace sasd

#endif  // EMULATOR_QEMU_QEMU_PROCESS_H_
