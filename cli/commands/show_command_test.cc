#include "cli/commands/show_command.h"

#include "absl/status/status.h"
#include "cli/query/fake_sasd.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::HasSubstr;

class ShowBesideTest : public ::testing::Test {
 protected:
  ShowBesideTest() {
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(
        "scsi_hosts { name: 'scsiHosts/host10' os_name: 'host10' host: 'hosts/500605b00ab01230' "
        "  devices { scsi_address: '10:1:0:0' block_device: 'sda' model: 'Logical Volume' } }",
        &sasd_.node.scsi_hosts));
    sasd_.topology.Suggest("sdb");
  }

  absl::Status Show(const std::string& word, const std::string& output = "table") {
    ShowOptions options;
    options.words = {word};
    options.output = output;
    return RunShow(options, sasd_.context());
  }

  FakeSasd sasd_;
};

TEST_F(ShowBesideTest, VolumeIsFoundByBlockDeviceAndScsiAddress) {
  for (const char* word : {"sda", "/dev/sda", "10:1:0:0"}) {
    sasd_.out.str("");
    EXPECT_TRUE(Show(word).ok()) << word;
    EXPECT_THAT(sasd_.out.str(), HasSubstr("scsi device 10:1:0:0"));
    EXPECT_THAT(sasd_.out.str(), HasSubstr("500605b00ab01230 host10"));
    EXPECT_THAT(sasd_.out.str(), HasSubstr("no SAS object"));
  }
}

TEST_F(ShowBesideTest, ProgramsGetTheMessage) {
  EXPECT_TRUE(Show("sda", "json").ok());
  EXPECT_THAT(sasd_.out.str(), HasSubstr("\"blockDevice\": \"sda\""));
  sasd_.out.str("");
  EXPECT_TRUE(Show("sda", "name").ok());
  EXPECT_EQ(sasd_.out.str(), "scsiHosts/host10/10:1:0:0\n");
}

TEST_F(ShowBesideTest, OtherWordsKeepTheirSuggestions) {
  EXPECT_THAT(Show("sdx").message(), HasSubstr("close names: sdb"));
}

TEST_F(ShowBesideTest, OlderSasdLeavesTheFirstError) {
  sasd_.node.Fail(grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "no such call"));
  EXPECT_TRUE(absl::IsNotFound(Show("sda")));
}

}  // namespace
}  // namespace sasd::cli
