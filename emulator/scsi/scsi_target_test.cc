// Each kind of unit, in bytes laid out by hand from SPC-5, SBC-4 and SAT-4.
#include "emulator/scsi/scsi_target.h"

#include <set>
#include <string>

#include "emulator/scsi/fake_units.h"

namespace sasd::emulator::scsi {
namespace {

class ScsiTargetTest : public UnitsTest {};

TEST_F(ScsiTargetTest, StandardInquiry) {
  const Answer drive = Send(Find("jbod1-disk03"), "12 00 00 00 24 00");
  EXPECT_EQ(drive.data, FromHex("00 00 07 12 5b 00 00 02  5345414741544520"
                                "535438303030 4e4d303037352020202045303034"));
  const Answer enclosure = Send(Find("jbod1-a-ses"), "12 00 00 00 08 00");
  EXPECT_EQ(enclosure.data, FromHex("0d 00 07 12 5b 00 40 02"));  // ENCSERV
  const Answer sata = Send(Find("jbod2-sata20"), "12 00 00 00 ff 00");
  EXPECT_EQ(std::string(sata.data.begin() + 8, sata.data.begin() + 16), "ATA     ");
}

TEST_F(ScsiTargetTest, OtherLunsDoNotExist) {
  const Unit drive = Find("jbod1-disk03");
  constexpr uint64_t kLun1 = uint64_t{1} << 48;
  EXPECT_EQ(Send(drive, "12 00 00 00 01 00", {}, 64, kLun1).data, FromHex("7f"));
  EXPECT_EQ(SenseOf(Send(drive, "12 01 83 00 ff 00", {}, 255, kLun1)), "05 25 00");
  EXPECT_EQ(SenseOf(Send(drive, "00", {}, 0, kLun1)), "05 25 00");
  EXPECT_EQ(Send(drive, "a0 00 00 00 00 00 00 00 00 ff", {}, 255, kLun1).data,
            FromHex("00000008 00000000 0000000000000000"));
}

TEST_F(ScsiTargetTest, DriveWithTwoActuatorsHasTwoUnits) {
  SetLuns("jbod1-disk03", 2);
  const Unit drive = Find("jbod1-disk03");
  constexpr uint64_t kLun1 = uint64_t{1} << 48, kLun2 = uint64_t{2} << 48;
  EXPECT_EQ(Send(drive, "a0 00 00 00 00 00 00 00 00 ff", {}, 255).data,
            FromHex("00000010 00000000 0000000000000000 0001000000000000"));
  EXPECT_EQ(Send(drive, "12 00 00 00 01 00", {}, 64, kLun1).data, FromHex("00"));
  EXPECT_EQ(Send(drive, "12 00 00 00 01 00", {}, 64, kLun2).data, FromHex("7f"));
  EXPECT_EQ(SenseOf(Send(drive, "00", {}, 0, kLun2)), "05 25 00");
  EXPECT_EQ(SenseOf(Send(drive, "00", {}, 0, kLun1 | 1)), "05 25 00") << "a second level";
  // One serial, two names (seen on Seagate's ST14000NM0001).
  EXPECT_EQ(Send(drive, "12 01 80 00 ff 00").data,
            Send(drive, "12 01 80 00 ff 00", {}, 255, kLun1).data);
  const Bytes names[] = {Send(drive, "12 01 83 00 18 00").data,
                         Send(drive, "12 01 83 00 18 00", {}, 255, kLun1).data};
  EXPECT_EQ(names[0], FromHex("00 83 0028 01 03 00 10 6000c500a7b2611c 0000000000000000"));
  EXPECT_EQ(names[1], FromHex("00 83 0028 01 03 00 10 6000c500a7b2611c 0001000000000000"));
}

TEST_F(ScsiTargetTest, EachUnitKeepsItsOwnData) {
  SetLuns("jbod1-disk03", 2);
  const Unit drive = Find("jbod1-disk03");
  constexpr uint64_t kLun1 = uint64_t{1} << 48;
  const Bytes written(512, 0xA5);
  ASSERT_EQ(SenseOf(Send(drive, "2a 00 00 00 00 07 00 00 01 00", written, 0, kLun1)), "good");
  EXPECT_EQ(Send(drive, "28 00 00 00 00 07 00 00 01 00", {}, 512, kLun1).data, written);
  EXPECT_EQ(Send(drive, "28 00 00 00 00 07 00 00 01 00", {}, 512).data, Bytes(512, 0));
}

TEST_F(ScsiTargetTest, DrivesOfOneNameKeepTheirOwnData) {
  FabricSpec spec = fabric_.spec();
  for (DeviceSpec& device : spec.devices) {
    if (device.id == "jbod2-sata20") device.name = Find("jbod2-sata19").name();
  }
  fabric_ = FabricState(std::move(spec));
  const Bytes written(512, 0xA5);
  ASSERT_EQ(SenseOf(Send(Find("jbod2-sata20"), "2a 00 00 00 00 07 00 00 01 00", written, 0)),
            "good");
  EXPECT_EQ(Send(Find("jbod2-sata19"), "28 00 00 00 00 07 00 00 01 00", {}, 512).data,
            Bytes(512, 0));
}

TEST_F(ScsiTargetTest, VitalProductDataPages) {
  const auto pages = [&](const char* id) { return Send(Find(id), "12 01 00 00 ff 00").data; };
  EXPECT_EQ(pages("jbod1-disk03"), FromHex("00 00 0007 00 80 83 86 b0 b1 b2"));
  EXPECT_EQ(pages("jbod2-sata20"), FromHex("00 00 0008 00 80 83 86 89 b0 b1 b2"));
  EXPECT_EQ(pages("jbod1-a-ses"), FromHex("0d 00 0003 00 80 83"));
  EXPECT_EQ(SenseOf(Send(Find("jbod1-disk03"), "12 01 89 02 40 00")), "05 24 00");
  EXPECT_EQ(SenseOf(Send(Find("jbod1-disk03"), "12 00 80 00 ff 00")), "05 24 00");  // no EVPD
}

TEST_F(ScsiTargetTest, IdentificationNamesUnitAndPort) {
  // jbod1-disk03: the fourth of wwn 5000c500a7b26110, two ports.
  const Unit second = Find("jbod1-disk03", 1);
  Bytes expected = FromHex(
      "00 83 0020  01 03 00 08 0000000000000000"
      "01 13 00 08 0000000000000000  01 14 00 04 00000002");
  StoreBe64(absl::MakeSpan(expected), 8, second.name().value());
  StoreBe64(absl::MakeSpan(expected), 20, second.spec().ports[1].address.value());
  EXPECT_EQ(Send(second, "12 01 83 00 ff 00").data, expected);
}

TEST_F(ScsiTargetTest, BlockPages) {
  const Unit disk = Find("jbod1-disk03"), ssd = Find("jbod1-ssd18");
  EXPECT_EQ(Send(disk, "12 01 b1 00 08 00").data, FromHex("00 b1 003c 1c20 00 02"));
  EXPECT_EQ(Send(ssd, "12 01 b1 00 08 00").data, FromHex("00 b1 003c 0001 00 03"));
  EXPECT_EQ(Send(disk, "12 01 b2 00 ff 00").data, FromHex("00 b2 0004 00 00 00 00"));
  EXPECT_EQ(Send(ssd, "12 01 b2 00 ff 00").data, FromHex("00 b2 0004 00 e4 00 00"));
  EXPECT_EQ(Send(ssd, "12 01 b0 00 2c 00").data,
            FromHex("00 b0 003c 00 00 0008 00000000 00000000 00000000 00400000 00000100"
                    "00000008 00000000 0000000000000800"));
  EXPECT_EQ(Send(ssd, "12 01 b0 00 ff 00").data.size(), 64u);
  EXPECT_EQ(Send(disk, "12 01 b1 00 ff 00").data.size(), 64u);
}

TEST_F(ScsiTargetTest, SupportedOperations) {
  const Unit disk = Find("jbod1-disk03"), enclosure = Find("jbod1-a-ses");
  const auto one = [&](const Unit& unit, const char* cdb) { return Send(unit, cdb).data; };
  EXPECT_EQ(one(disk, "a3 0c 01 28 0000 00000fff"), FromHex("00 03 000a 2818ffffffff00ffff00"));
  EXPECT_EQ(one(disk, "a3 0c 03 9e 0010 00000fff"),
            FromHex("00 03 0010 9e100000000000000000ffffffff0000"));
  EXPECT_EQ(one(enclosure, "a3 0c 01 28 0000 00000fff"), FromHex("00 01 0000"));
  EXPECT_EQ(one(disk, "a3 0c 01 42 0000 00000fff"), FromHex("00 01 0000"));  // UNMAP: SSDs
  EXPECT_EQ(SenseOf(Send(disk, "a3 0c 01 9e 0010 00000fff")), "05 24 00");   // it has actions
  EXPECT_EQ(SenseOf(Send(disk, "a3 0c 02 28 0000 00000fff")), "05 24 00");   // it has none
  // All: listed commands are answered, others are refused.
  for (const char* id : {"jbod1-disk03", "jbod1-ssd18", "jbod2-sata20", "jbod1-a-ses"}) {
    const Unit unit = Find(id);
    const Bytes list = one(unit, "a3 0c 00 00 0000 00000fff");
    ASSERT_EQ(LoadBe32(list, 0), list.size() - 4);
    std::set<uint8_t> listed;
    for (size_t at = 4; at < list.size(); at += 8) listed.insert(list[at]);
    for (int code = 0; code < 256; ++code) {
      if (code == 0x9E || code == 0xA3) continue;  // need their action
      const bool unknown = SenseOf(Send(unit, absl::StrFormat("%02x", code))) == "05 20 00";
      EXPECT_EQ(unknown, listed.count(static_cast<uint8_t>(code)) == 0) << id << " " << code;
    }
  }
}

TEST_F(ScsiTargetTest, SenseHasTheRequestedFormat) {
  const Unit disk = Find("jbod1-disk03");
  const Answer fixed = Send(disk, "ff");
  EXPECT_EQ(fixed.status, 2);
  EXPECT_EQ(fixed.sense, FromHex("70 00 05 00000000 0a 00000000 20 00 00 000000"));
  // MODE SELECT (6) of the control page with D_SENSE, the other fields unchanged.
  EXPECT_EQ(
      SenseOf(Send(disk, "15 10 00 00 10 00", FromHex("00000000 0a0a 0410 0000 0000 0000 0000"))),
      "good");
  EXPECT_EQ(Send(disk, "ff").sense, FromHex("72 05 20 00 00 00 00 00"));
  EXPECT_EQ(Send(disk, "03 00 00 00 ff 00").data.size(), 18u);  // REQUEST SENSE as it asks
  EXPECT_EQ(Send(disk, "03 01 00 00 ff 00").data.size(), 8u);
}

TEST_F(ScsiTargetTest, TakesAnyCommandBlock) {
  for (const char* id : {"jbod1-disk03", "jbod1-ssd18", "jbod2-sata20", "jbod1-a-ses"}) {
    const Unit unit = Find(id);
    EXPECT_EQ(ExecuteScsi(unit, {0, {}, {}, {}}).status, 2);
    for (int code = 0; code < 256; ++code) {
      for (const char* rest : {"00", "ffffffffffffffffffffffffffffff", "010a000000000400"}) {
        const Answer answer = Send(unit, absl::StrFormat("%02x%s", code, rest), {}, 7);
        EXPECT_LE(answer.transferred, 7u);
        EXPECT_EQ(answer.status == 2, !answer.sense.empty());
      }
    }
  }
}

}  // namespace
}  // namespace sasd::emulator::scsi
