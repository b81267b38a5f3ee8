#include "emulator/qemu/qemu_process.h"

#include <fcntl.h>
#include <sys/wait.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace sasd {
namespace {

TEST(QemuProcess, EachHostHasItsOwnSlot) {
  std::vector<SocketPair> links;
  links.push_back(*MakeSocketPair());
  links.push_back(*MakeSocketPair());
  const SocketPair qtest = *MakeSocketPair();
  const std::vector<std::string> command = WithProxies({"qemu", "-m", "1G"}, links, qtest);
  ASSERT_EQ(command.size(), 11u);
  EXPECT_EQ(command[0], "qemu");
  EXPECT_EQ(command[4], absl::StrCat("x-pci-proxy-dev,id=sashba0,fd=", links[0].inherited.get(),
                                     ",bus=pcie.0,addr=0x4"));
  EXPECT_EQ(command[6], absl::StrCat("x-pci-proxy-dev,id=sashba1,fd=", links[1].inherited.get(),
                                     ",bus=pcie.0,addr=0x5"));
  EXPECT_EQ(command[8], absl::StrCat("socket,id=sashba-qtest,fd=", qtest.inherited.get()));
}

TEST(QemuProcess, OnlyTheChildsEndIsInherited) {
  const SocketPair pair = *MakeSocketPair();
  EXPECT_EQ(fcntl(pair.inherited.get(), F_GETFD) & FD_CLOEXEC, 0);
  EXPECT_NE(fcntl(pair.own.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(QemuProcess, RunsAProgramFromPathAndNamesErrors) {
  sigset_t mask;
  sigemptyset(&mask);
  const auto pid = StartProcess({"sh", "-c", "exit 7"}, mask, "");
  ASSERT_TRUE(pid.ok()) << pid.status();
  int status = 0;
  ASSERT_EQ(waitpid(*pid, &status, 0), *pid);
  EXPECT_EQ(WEXITSTATUS(status), 7);
  const auto none = StartProcess({"no-such-qemu"}, mask, "");
  EXPECT_EQ(none.status().message(), "cannot start no-such-qemu: No such file or directory");
  const auto log = StartProcess({"true"}, mask, "/no/such/folder/log");
  EXPECT_EQ(log.status().message(), "cannot write /no/such/folder/log: No such file or directory");
}

}  // namespace
}  // namespace sasd
