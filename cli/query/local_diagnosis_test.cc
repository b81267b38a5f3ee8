#include "cli/query/local_diagnosis.h"

#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

constexpr char kService[] = "unix:/run/sasd/sasd.sock";

class LocalDiagnosisTest : public ::testing::Test {
 protected:
  LocalDiagnosisTest() {
    char pattern[] = "/tmp/local_diagnosis.XXXXXX";
    folder_ = mkdtemp(pattern);
    socket_ = folder_ + "/s";
    address_ = "unix:" + socket_;
    fs::create_directories(folder_ + "/proc");
  }
  ~LocalDiagnosisTest() override {
    if (listener_ >= 0) close(listener_);
    fs::remove_all(folder_);
  }

  void Write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(folder_ + path).parent_path());
    std::ofstream(folder_ + path) << text;
  }
  void AddProcess(int pid, const std::string& arguments) {
    Write(absl::StrCat("/proc/", pid, "/comm"), "sasd\n");
    Write(absl::StrCat("/proc/", pid, "/cmdline"), arguments);
  }
  void BootWithSystemd() { fs::create_directories(folder_ + "/run/systemd/system"); }

  void Bind() {
    listener_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, socket_.data(), socket_.size());
    // NOLINTNEXTLINE: the sockets API wants this cast.
    ASSERT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }

  std::vector<sas::v1::Check> Diagnose(
      const std::string& address,
      const absl::Status& error = absl::UnavailableError("the call failed")) const {
    return DiagnoseLocally(address, error, folder_);
  }
  // Runs it with the permissions of the user nobody.
  std::vector<sas::v1::Check> DiagnoseAsNobody() const {
    constexpr id_t kNobody = 65534;
    std::vector<gid_t> groups(100);
    groups.resize(static_cast<size_t>(getgroups(static_cast<int>(groups.size()), groups.data())));
    EXPECT_EQ(setgroups(0, nullptr), 0);
    EXPECT_EQ(setegid(kNobody), 0);
    EXPECT_EQ(seteuid(kNobody), 0);
    std::vector<sas::v1::Check> checks = Diagnose(address_);
    EXPECT_EQ(seteuid(0), 0);
    EXPECT_EQ(setegid(0), 0);
    EXPECT_EQ(setgroups(groups.size(), groups.data()), 0);
    return checks;
  }
  // The reasons of all checks.
  std::vector<std::string> Reasons(const std::string& address) const {
    std::vector<std::string> reasons;
    for (const sas::v1::Check& check : Diagnose(address)) reasons.push_back(check.reason());
    return reasons;
  }

  std::string folder_, socket_, address_;
  int listener_ = -1;
};

TEST_F(LocalDiagnosisTest, WithoutSystemdSuggestsAManualStart) {
  EXPECT_THAT(Reasons(address_), ElementsAre("NOT_RUNNING", "NO_SOCKET"));
  EXPECT_EQ(Diagnose(address_)[0].command(), "sasd --listen " + address_);
  EXPECT_THAT(Diagnose(address_)[1].message(), HasSubstr("there is no socket " + socket_));
}

TEST_F(LocalDiagnosisTest, SuggestsInstallingThenStartingTheService) {
  BootWithSystemd();
  EXPECT_EQ(Reasons(address_)[0], "NOT_INSTALLED");
  Write("/lib/systemd/system/sasd.service", "[Service]\n");
  EXPECT_EQ(Reasons(address_)[0], "NOT_RUNNING");
  EXPECT_THAT(Diagnose(address_)[0].command(), StartsWith("systemctl start sasd"));
}

TEST_F(LocalDiagnosisTest, NamesTheAddressOfAnotherSasd) {
  AddProcess(12, std::string("sasd\0--listen\0unix:/tmp/x\0", 26));
  EXPECT_THAT(Reasons(address_), ElementsAre("OTHER_ADDRESS", "NO_SOCKET"));
  EXPECT_THAT(Diagnose(address_)[0].message(), HasSubstr("(pid 12) and serves at unix:/tmp/x"));
  EXPECT_EQ(Diagnose(address_)[0].command(), "sasctl --addr unix:/tmp/x doctor");
  AddProcess(12, std::string("sasd\0--listen=localhost:1\0", 26));
  EXPECT_EQ(Diagnose(address_)[0].command(), "sasctl --addr localhost:1 doctor");
  AddProcess(12, std::string("sasd\0", 5));
  EXPECT_EQ(Diagnose(address_)[0].command(), absl::StrCat("sasctl --addr ", kService, " doctor"));
}

TEST_F(LocalDiagnosisTest, ASasdAtTheAddressIsOk) {
  AddProcess(12, "sasd" + std::string(1, '\0') + "--listen=" + address_);
  EXPECT_THAT(Reasons(address_), ElementsAre("", "NO_SOCKET"));
  EXPECT_EQ(Diagnose(address_)[0].status(), sas::v1::CHECK_STATUS_OK);
  AddProcess(12, std::string("sasd\0--config\0/etc/sasd.conf\0", 29));
  EXPECT_THAT(Diagnose(address_)[0].message(), HasSubstr("--config"));
}

TEST_F(LocalDiagnosisTest, TheServicesConfigurationMaySetTheAddress) {
  AddProcess(12, std::string("sasd\0", 5));
  Write("/etc/sasd/sasd.toml", "#listen = \"unix:/tmp/x\"\n");
  EXPECT_EQ(Reasons(address_)[0], "OTHER_ADDRESS") << "a comment sets nothing";
  Write("/etc/sasd/sasd.toml", "  listen = \"unix:/tmp/x\"\n");
  EXPECT_EQ(Reasons(address_)[0], "");
  EXPECT_THAT(Diagnose(address_)[0].message(), HasSubstr("/etc/sasd/sasd.toml"));
}

TEST_F(LocalDiagnosisTest, IgnoresOtherProcesses) {
  Write("/proc/13/comm", "sasdx\n");
  Write("/proc/self/comm", "sasd\n");
  EXPECT_EQ(Reasons(address_)[0], "NOT_RUNNING");
}

TEST_F(LocalDiagnosisTest, ReportsASocketLeftBehind) {
  Bind();
  EXPECT_THAT(Reasons(address_), ElementsAre("NOT_RUNNING", "SOCKET_LEFT_BEHIND"));
}

TEST_F(LocalDiagnosisTest, ReportsAFileInsteadOfASocket) {
  std::ofstream(socket_) << "x";
  EXPECT_THAT(Diagnose(address_)[1].message(), HasSubstr("is not a socket"));
}

TEST_F(LocalDiagnosisTest, AHangingServerSuggestsItsLog) {
  Bind();
  ASSERT_EQ(listen(listener_, 1), 0);
  const auto failed = Diagnose(address_);
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].reason(), "NO_ANSWER");
  EXPECT_THAT(failed[0].message(), HasSubstr("the call failed"));
  EXPECT_THAT(failed[0].command(), HasSubstr("journalctl -u sasd"));
  const auto late = Diagnose(address_, absl::DeadlineExceededError("not within 5s"));
  EXPECT_THAT(late[0].message(), HasSubstr("does not answer in time: not within 5s"));
}

// Root may open everything, so the test becomes the user nobody.
TEST_F(LocalDiagnosisTest, AForbiddenSocketNamesTheGroupToJoin) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  Bind();
  ASSERT_EQ(listen(listener_, 1), 0);
  ASSERT_EQ(chmod(folder_.c_str(), 0755), 0);
  ASSERT_EQ(chown(socket_.c_str(), 0, 4711), 0);
  ASSERT_EQ(chmod(socket_.c_str(), 0660), 0);
  std::vector<sas::v1::Check> checks = DiagnoseAsNobody();
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_EQ(checks[0].reason(), "SOCKET_FORBIDDEN");
  EXPECT_THAT(checks[0].message(), HasSubstr(absl::StrCat(socket_, " (root:4711 0660)")));
  EXPECT_THAT(checks[0].command(), StartsWith("sudo usermod -aG 4711 "));

  // Joining root's group is bad advice.
  ASSERT_EQ(chown(socket_.c_str(), 0, 0), 0);
  checks = DiagnoseAsNobody();
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_EQ(checks[0].command(), absl::StrCat("sudo sasctl --addr ", address_, " doctor"));

  ASSERT_EQ(chown(folder_.c_str(), 0, 4711), 0);
  ASSERT_EQ(chmod(folder_.c_str(), 0750), 0);
  checks = DiagnoseAsNobody();
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_THAT(checks[0].message(), HasSubstr(absl::StrCat(folder_, " (root:4711 0750)")));
}

TEST_F(LocalDiagnosisTest, ReportsAnInvalidAddress) {
  EXPECT_THAT(Reasons("/run/sasd/sasd.sock"), ElementsAre("NO_ADDRESS"));
  EXPECT_EQ(Diagnose("sasd")[0].command(), absl::StrCat("sasctl --addr ", kService, " doctor"));
}

TEST_F(LocalDiagnosisTest, AnotherMachineSuggestsSsh) {
  const auto checks = Diagnose("node7.example:4711", absl::UnavailableError("cannot reach sasd"));
  ASSERT_EQ(checks.size(), 1u);
  EXPECT_EQ(checks[0].reason(), "UNREACHABLE");
  EXPECT_EQ(checks[0].command(), "ssh node7.example sasctl doctor");
  EXPECT_THAT(Reasons("localhost:4711"), ElementsAre("NOT_RUNNING", "UNREACHABLE"));
  EXPECT_THAT(Diagnose("127.0.0.1:4711")[1].command(), IsEmpty());
}

}  // namespace
}  // namespace sasd::cli
