#include "emulator/qemu/qemu_process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"

namespace sasd {

absl::StatusOr<SocketPair> MakeSocketPair() {
  int fds[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    return absl::UnavailableError(absl::StrCat("cannot make a socket: ", std::strerror(errno)));
  }
  SocketPair pair{UniqueFd(fds[0]), UniqueFd(fds[1])};
  fcntl(fds[0], F_SETFD, 0);
  return pair;
}

std::vector<std::string> WithProxies(std::vector<std::string> command,
                                     const std::vector<SocketPair>& links,
                                     const SocketPair& qtest) {
  for (size_t i = 0; i < links.size(); ++i) {
    command.push_back("-device");
    command.push_back(absl::StrCat("x-pci-proxy-dev,id=sashba", i, ",fd=", links[i].inherited.get(),
                                   ",bus=pcie.0,addr=0x", absl::Hex(SlotOf(i))));
  }
  command.push_back("-chardev");
  command.push_back(absl::StrCat("socket,id=sashba-qtest,fd=", qtest.inherited.get()));
  command.push_back("-object");
  command.push_back("qtest,id=sashba-qtest0,chardev=sashba-qtest,log=/dev/null");
  return command;
}

absl::StatusOr<pid_t> StartProcess(const std::vector<std::string>& command, const sigset_t& mask,
                                   const std::string& log) {
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const absl::Cleanup destroy = [&] {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
  };
  posix_spawnattr_setsigmask(&attributes, &mask);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  UniqueFd log_file;
  if (!log.empty()) {
    log_file = UniqueFd(open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!log_file.valid()) {
      return absl::UnavailableError(absl::StrCat("cannot write ", log, ": ", std::strerror(errno)));
    }
    posix_spawn_file_actions_adddup2(&actions, log_file.get(), STDERR_FILENO);
  }
  std::vector<char*> arguments;
  for (const std::string& argument : command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));  // posix_spawn changes nothing
  }
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int error =
      posix_spawnp(&pid, arguments[0], &actions, &attributes, arguments.data(), environ);
  if (error != 0) {
    return absl::NotFoundError(
        absl::StrCat("cannot start ", command[0], ": ", std::strerror(error)));
  }
  return pid;
}

}  // namespace sasd
