#include "cli/commands/capture_command.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "cli/query/fake_sasd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kHost[] = "devices/pci0000:00/0000:03:00.0/host5";

class CaptureCommandTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/capture";
    fs::remove_all(folder_);
    Put(absl::StrCat(kHost, "/scsi_host/host5/proc_name"), "mpt3sas\n");
    Put(absl::StrCat(kHost, "/scsi_host/host5/host_sas_address"), "0x500605b00ab01234\n");
    fs::create_directories(folder_ + "/sys/class/sas_host");
    fs::create_directory_symlink(absl::StrCat("../../", kHost, "/sas_host/host5"),
                                 folder_ + "/sys/class/sas_host/host5");
    options_.sysfs = folder_ + "/sys";
    options_.output = folder_ + "/bundle.tar.gz";
    sas::v1::Check& check = *sasd_.node.diagnosis.add_checks();
    check.set_status(sas::v1::CHECK_STATUS_OK);
    check.set_subject("host 500605b00ab01234");
    sasd_.node.findings.add_findings()->set_message("drive 2TG00058 is missing");
    sasd_.history.events.emplace_back();
  }

  void Put(const std::string& path, const std::string& content) {
    const fs::path file = folder_ + "/sys/" + path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << content;
  }

  // The content of a file of the bundle; empty if it has none of that name.
  std::string Of(const std::string& name) {
    const std::string out = folder_ + "/out";
    fs::create_directories(out);
    EXPECT_EQ(system(absl::StrCat("tar -xzf ", options_.output, " -C ", out).c_str()), 0);
    std::ifstream file(out + "/" + name);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
  }

  std::string folder_;
  CaptureOptions options_;
  FakeSasd sasd_;
};

TEST_F(CaptureCommandTest, BundleHasTheTreeAndWhatSasdSays) {
  const absl::Status status = RunCapture(options_, sasd_.context());
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(sasd_.out.str(), options_.output + "\n");
  EXPECT_EQ(Of(absl::StrCat("sys/", kHost, "/scsi_host/host5/proc_name")), "mpt3sas\n");
  EXPECT_THAT(Of("doctor.json"), HasSubstr("host 500605b00ab01234"));
  EXPECT_THAT(Of("health.json"), HasSubstr("drive 2TG00058 is missing"));
  ASSERT_EQ(sasd_.history.events_requests.size(), 1u);
  EXPECT_EQ(sasd_.history.events_requests[0].newest_count(), 10'000);
  EXPECT_THAT(Of("capture.txt"), HasSubstr("sasctl "));
}

// The fake has no GetNode.
TEST_F(CaptureCommandTest, WhatIsNotThereIsReported) {
  ASSERT_TRUE(RunCapture(options_, sasd_.context()).ok());
  EXPECT_THAT(sasd_.err.str(), HasSubstr("not captured: status.json: "));
  EXPECT_THAT(Of("capture.txt"), HasSubstr("- status.json: "));
}

TEST_F(CaptureCommandTest, TreeIsCapturedWithoutSasd) {
  sasd_.node.Fail({grpc::StatusCode::UNAVAILABLE, "no sasd"});
  sasd_.history.Fail({grpc::StatusCode::UNAVAILABLE, "no sasd"});
  ASSERT_TRUE(RunCapture(options_, sasd_.context()).ok());
  EXPECT_THAT(sasd_.err.str(), HasSubstr("not captured: health.json: "));
  EXPECT_EQ(Of(absl::StrCat("sys/", kHost, "/scsi_host/host5/proc_name")), "mpt3sas\n");
}

TEST_F(CaptureCommandTest, AnonymousBundlesHaveOneNameForEach) {
  options_.anonymous = true;
  ASSERT_TRUE(RunCapture(options_, sasd_.context()).ok());
  const std::string address = Of(absl::StrCat("sys/", kHost, "/scsi_host/host5/host_sas_address"));
  EXPECT_THAT(address, Not(HasSubstr("500605b00ab01234")));
  EXPECT_THAT(Of("doctor.json"), HasSubstr("host " + address.substr(2, 16)));
}

TEST_F(CaptureCommandTest, WithoutSysfsThereIsNoBundle) {
  options_.sysfs = folder_ + "/nothing";
  EXPECT_TRUE(absl::IsNotFound(RunCapture(options_, sasd_.context())));
  EXPECT_FALSE(fs::exists(options_.output));
}

}  // namespace
}  // namespace sasd::cli
