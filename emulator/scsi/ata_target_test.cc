// ATA commands through the translation layer (SAT-4, ACS-3), as smartctl and hdparm send them.
#include "emulator/scsi/ata_target.h"

#include <numeric>
#include <string>

#include "emulator/scsi/fake_units.h"

namespace sasd::emulator::scsi {
namespace {

class AtaTargetTest : public UnitsTest {
 protected:
  static uint8_t Sum(const Bytes& bytes) {
    return static_cast<uint8_t>(std::accumulate(bytes.begin(), bytes.end(), 0));
  }

  const Unit drive_ = Find("jbod2-sata20");
};

TEST_F(AtaTargetTest, IdentifyDeviceDescribesTheDrive) {
  const Bytes data = Send(drive_, "85 08 0e 0000 0001 0000 0000 0000 00 ec 00").data;
  ASSERT_EQ(data.size(), 512u);
  const auto text = [&](size_t word, size_t size) {
    std::string text;
    for (size_t i = 0; i < size; ++i) text += static_cast<char>(data[2 * word + (i ^ 1)]);
    return text;
  };
  EXPECT_EQ(text(10, 20),
            drive_.spec().serial + std::string(20 - drive_.spec().serial.size(), ' '));
  EXPECT_EQ(text(23, 8), "TN04    ");
  EXPECT_EQ(text(27, 40), "ST4000NM0035" + std::string(28, ' '));
  EXPECT_EQ(LoadLe64(data, 200), 7814037168u);  // sectors
  EXPECT_EQ(LoadLe16(data, 2 * 108), 0x5000);   // world wide name
  EXPECT_EQ(LoadLe16(data, 2 * 109), 0xC500);
  EXPECT_EQ(LoadLe16(data, 2 * 76), 0x010E);  // three generations, NCQ
  EXPECT_EQ(LoadLe16(data, 2 * 77), 3 << 1);  // 6 Gbit/s now
  EXPECT_EQ(LoadLe16(data, 2 * 217), 7200);
  EXPECT_EQ(data[510], 0xA5);
  EXPECT_EQ(Sum(data), 0);
  // The 12-byte command, and the VPD page.
  EXPECT_EQ(Send(drive_, "a1 08 0e 00 01 000000 00 ec 00 00").data, data);
  const Bytes page = Send(drive_, "12 01 89 02 3c 00").data;
  EXPECT_EQ(Bytes(page.begin(), page.begin() + 4), FromHex("00 89 0238"));
  EXPECT_EQ(Bytes(page.begin() + 36, page.begin() + 44), FromHex("34 00 50 01 01 00 00 00"));
  EXPECT_EQ(page[56], 0xEC);
  EXPECT_EQ(Bytes(page.begin() + 60, page.end()), data);
}

TEST_F(AtaTargetTest, SmartDataAndThresholdsNameTheSameAttributes) {
  const Bytes data = Send(drive_, "85 08 0e 00d0 0001 0000 004f 00c2 00 b0 00").data;
  const Bytes thresholds = Send(drive_, "85 08 0e 00d1 0001 0000 004f 00c2 00 b0 00").data;
  ASSERT_EQ(data.size(), 512u);
  EXPECT_EQ(Sum(data), 0);
  EXPECT_EQ(Sum(thresholds), 0);
  uint8_t celsius = 0;
  for (size_t at = 2; at < 362; at += 12) {
    EXPECT_EQ(data[at], thresholds[at]);
    if (data[at] == 194) celsius = data[at + 5];
  }
  EXPECT_EQ(celsius, Send(drive_, "4d 00 4d 00 00 0000 00ff 00").data[9]);
}

TEST_F(AtaTargetTest, SmartStatusComesInTheReturnDescriptor) {
  const Answer answer = Send(drive_, "85 06 20 00da 0000 0000 004f 00c2 00 b0 00");
  EXPECT_EQ(answer.status, 2);
  EXPECT_EQ(answer.sense, FromHex("72 01 00 1d 000000 0e"
                                  "09 0c 00 00 0000 0000 004f 00c2 00 50"));
  EXPECT_EQ(SenseOf(Send(drive_, "85 06 00 00da 0000 0000 004f 00c2 00 b0 00")), "good");
}

TEST_F(AtaTargetTest, DirectoryListsTheSupportedLogs) {
  const Bytes directory = Send(drive_, "85 08 0e 00d5 0001 0000 004f 00c2 00 b0 00").data;
  ASSERT_EQ(directory.size(), 512u);
  EXPECT_EQ(LoadLe16(directory, 0), 1);
  for (uint8_t log = 1; log < 0xFF; ++log) {
    const Answer answer =
        Send(drive_, absl::StrFormat("85 08 0e 00d5 0001 00%02x 004f 00c2 00 b0 00", log));
    EXPECT_EQ(answer.status == 0, LoadLe16(directory, size_t{2} * log) == 1) << int{log};
  }
}

TEST_F(AtaTargetTest, PowerModeFollowsTheDrive) {
  const auto mode = [&] {
    return Send(drive_, "85 06 20 0000 0000 0000 0000 0000 00 e5 00").sense[13];
  };
  EXPECT_EQ(mode(), 0xFF);
  EXPECT_EQ(SenseOf(Send(drive_, "85 06 00 0000 0000 0000 0000 0000 00 e0 00")), "good");
  EXPECT_EQ(mode(), 0x00);
  EXPECT_EQ(SenseOf(Send(drive_, "00")), "02 04 02");
  EXPECT_EQ(SenseOf(Send(drive_, "85 06 00 0000 0000 0000 0000 0000 00 e1 00")), "good");
  EXPECT_EQ(mode(), 0xFF);
}

TEST_F(AtaTargetTest, WriteCacheFollowsTheModePage) {
  EXPECT_EQ(SenseOf(Send(drive_, "85 06 00 0082 0000 0000 0000 0000 00 ef 00")), "good");
  EXPECT_EQ(Send(drive_, "1a 08 08 00 07 00").data, FromHex("17 00 10 00  88 12 00"));
  EXPECT_EQ(SenseOf(Send(drive_, "85 06 00 0002 0000 0000 0000 0000 00 ef 00")), "good");
  EXPECT_EQ(Send(drive_, "1a 08 08 00 07 00").data, FromHex("17 00 10 00  88 12 04"));
}

TEST_F(AtaTargetTest, UnknownCommandsAreAborted) {
  const Answer answer = Send(drive_, "85 06 00 0000 0000 0000 0000 0000 00 01 00");
  EXPECT_EQ(answer.status, 2);
  EXPECT_EQ(answer.sense, FromHex("72 0b 00 00 000000 0e"
                                  "09 0c 00 04 0000 0000 0000 0000 00 51"));
  // SMART without its signature; READ VERIFY beyond the end.
  EXPECT_EQ(Send(drive_, "85 08 0e 00d0 0001 0000 0000 0000 00 b0 00").sense[1], 0x0B);
  EXPECT_EQ(Send(drive_, "85 06 00 0000 0001 ff00 ff00 ff00 00 42 00").sense[1], 0x0B);
  EXPECT_EQ(SenseOf(Send(Find("jbod1-disk03"), "85 08 0e 0000 0001 0000 0000 0000 00 ec 00")),
            "05 20 00");
}

}  // namespace
}  // namespace sasd::emulator::scsi
