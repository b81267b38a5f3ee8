#include "emulator/scsi/block_commands.h"

#include "emulator/scsi/fake_units.h"

namespace sasd::emulator::scsi {
namespace {

constexpr size_t kBlock = 512;

Bytes Filled(size_t blocks, uint8_t with) { return Bytes(blocks * kBlock, with); }

class BlockCommandsTest : public UnitsTest {
 protected:
  Bytes ReadAt(const Unit& unit, const char* cdb, size_t blocks) {
    return Send(unit, cdb, {}, blocks * kBlock).data;
  }
};

TEST_F(BlockCommandsTest, CapacityComesFromTheModel) {
  // 8001563222016 bytes: 15628053168 blocks.
  const Unit disk = Find("jbod1-disk03");
  EXPECT_EQ(Send(disk, "25").data, FromHex("ffffffff 00000200"));
  EXPECT_EQ(Send(disk, "9e 10 0000000000000000 0000000d").data,
            FromHex("00000003a3812aaf 00000200 00"));
  const Unit ssd = Find("jbod1-ssd18");  // LBPME, LBPRZ
  EXPECT_EQ(Send(ssd, "9e 10 0000000000000000 00000020").data[14], 0xC0);
  EXPECT_EQ(Send(Find("boot0"), "25").data, FromHex("45dd2faf 00000200"));
}

TEST_F(BlockCommandsTest, EveryReadCommandAndPathSeesWrittenData) {
  const Unit first = Find("jbod1-disk03", 0), second = Find("jbod1-disk03", 1);
  const Answer written = Send(first, "2a 00 00000010 00 0002 00", Filled(2, 0xA5));
  EXPECT_EQ(SenseOf(written), "good");
  EXPECT_EQ(written.transferred, 2 * kBlock);
  Bytes expected = Filled(4, 0);
  std::fill(expected.begin() + kBlock, expected.begin() + 3 * kBlock, uint8_t{0xA5});
  EXPECT_EQ(ReadAt(second, "08 00 000f 04 00", 4), expected);
  EXPECT_EQ(ReadAt(second, "28 00 0000000f 00 0004 00", 4), expected);
  EXPECT_EQ(ReadAt(second, "a8 00 0000000f 00000004 00 00", 4), expected);
  EXPECT_EQ(ReadAt(second, "88 00 000000000000000f 00000004 00 00", 4), expected);
  EXPECT_EQ(ReadAt(Find("jbod1-disk04"), "28 00 0000000f 00 0004 00", 4), Filled(4, 0));
}

TEST_F(BlockCommandsTest, EachWriteCommandWrites) {
  const Unit disk = Find("jbod1-disk03");
  const struct {
    const char* write;
    uint8_t fill;
  } kWrites[] = {{"0a 00 0020 01 00", 1},
                 {"2a 00 00000020 00 0001 00", 2},
                 {"aa 00 00000020 00000001 00 00", 3},
                 {"8a 00 0000000000000020 00000001 00 00", 4},
                 {"2e 00 00000020 00 0001 00", 5},
                 {"8e 00 0000000000000020 00000001 00 00", 6}};
  for (const auto& write : kWrites) {
    EXPECT_EQ(SenseOf(Send(disk, write.write, Filled(1, write.fill))), "good") << write.write;
    EXPECT_EQ(ReadAt(disk, "28 00 00000020 00 0001 00", 1), Filled(1, write.fill)) << write.write;
  }
}

TEST_F(BlockCommandsTest, CommandsBeyondTheEndAreRefused) {
  const Unit disk = Find("jbod1-disk03");  // the last block is 3a3812aaf
  EXPECT_EQ(ReadAt(disk, "88 00 00000003a3812aaf 00000001 00 00", 1), Filled(1, 0));
  EXPECT_EQ(SenseOf(Send(disk, "88 00 00000003a3812aaf 00000002 00 00")), "05 21 00");
  EXPECT_EQ(SenseOf(Send(disk, "88 00 ffffffffffffffff 00000001 00 00")), "05 21 00");
  EXPECT_EQ(SenseOf(Send(disk, "8a 00 00000003a3812ab0 00000001 00 00", Filled(1, 9))), "05 21 00");
  EXPECT_EQ(SenseOf(Send(disk, "8f 00 00000003a3812aaf 00000002 00 00")), "05 21 00");
  EXPECT_EQ(SenseOf(Send(disk, "91 00 00000003a3812aaf 00000002 00 00")), "05 21 00");
}

TEST_F(BlockCommandsTest, ShortBuffersMoveNothing) {
  const Unit disk = Find("jbod1-disk03");
  EXPECT_EQ(SenseOf(Send(disk, "28 00 00000000 00 0002 00", {}, kBlock)), "0b 4b 00");
  EXPECT_EQ(SenseOf(Send(disk, "2a 00 00000000 00 0002 00", Filled(1, 7))), "0b 4b 00");
  EXPECT_EQ(ReadAt(disk, "28 00 00000000 00 0002 00", 2), Filled(2, 0));
}

TEST_F(BlockCommandsTest, VerifyCompares) {
  const Unit disk = Find("jbod1-disk03");
  Send(disk, "2a 00 00000000 00 0002 00", Filled(2, 7));
  EXPECT_EQ(SenseOf(Send(disk, "2f 00 00000000 00 0002 00")), "good");
  EXPECT_EQ(SenseOf(Send(disk, "2f 02 00000000 00 0002 00", Filled(2, 7))), "good");
  Bytes other = Filled(2, 7);
  other.back() = 8;
  EXPECT_EQ(SenseOf(Send(disk, "2f 02 00000000 00 0002 00", other)), "0e 1d 00");
  EXPECT_EQ(SenseOf(Send(disk, "8f 02 0000000000000000 00000002 00 00", other)), "0e 1d 00");
}

TEST_F(BlockCommandsTest, WriteSameRepeatsItsBlock) {
  const Unit disk = Find("jbod1-disk03"), ssd = Find("jbod1-ssd18");
  EXPECT_EQ(SenseOf(Send(disk, "93 00 0000000000000008 00000003 00 00", Filled(1, 0x5A))), "good");
  EXPECT_EQ(ReadAt(disk, "28 00 00000008 00 0003 00", 3), Filled(3, 0x5A));
  EXPECT_EQ(SenseOf(Send(disk, "41 00 00000008 00 0001 00", Filled(1, 0))), "good");
  EXPECT_EQ(ReadAt(disk, "28 00 00000008 00 0001 00", 1), Filled(1, 0));
  EXPECT_EQ(ReadAt(disk, "28 00 00000009 00 0001 00", 1), Filled(1, 0x5A));
  // NDOB: zeros, without data. More blocks than the block limits page allows. UNMAP on a drive
  // without it.
  EXPECT_EQ(SenseOf(Send(disk, "93 01 0000000000000009 00000001 00 00")), "good");
  EXPECT_EQ(ReadAt(disk, "28 00 00000009 00 0001 00", 1), Filled(1, 0));
  EXPECT_EQ(SenseOf(Send(disk, "93 00 0000000000000000 00000801 00 00", Filled(1, 1))), "05 24 00");
  EXPECT_EQ(SenseOf(Send(disk, "93 08 0000000000000000 00000001 00 00", Filled(1, 0))), "05 24 00");
  EXPECT_EQ(SenseOf(Send(ssd, "93 08 0000000000000000 00000000 00 00", Filled(1, 0))), "good");
  EXPECT_EQ(SenseOf(Send(ssd, "93 08 0000000000000000 00000000 00 00", Filled(1, 1))), "05 24 00");
}

TEST_F(BlockCommandsTest, UnmapTakesAllRangesOrNone) {
  const Unit ssd = Find("jbod1-ssd18");
  Send(ssd, "2a 00 00000000 00 0018 00", Filled(0x18, 3));
  const Bytes beyond = FromHex(
      "0026 0020 00000000  0000000000000000 00000008 00000000"
      "ffffffffffffff00 00000008 00000000");
  EXPECT_EQ(SenseOf(Send(ssd, "42 00 00000000 00 0028 00", beyond)), "05 21 00");
  EXPECT_EQ(ReadAt(ssd, "28 00 00000000 00 0018 00", 0x18), Filled(0x18, 3));
  const Bytes ranges = FromHex(
      "0026 0020 00000000  0000000000000000 00000008 00000000"
      "0000000000000010 00000008 00000000");
  EXPECT_EQ(SenseOf(Send(ssd, "42 00 00000000 00 0028 00", ranges)), "good");
  EXPECT_EQ(ReadAt(ssd, "28 00 00000000 00 0008 00", 8), Filled(8, 0));
  EXPECT_EQ(ReadAt(ssd, "28 00 00000008 00 0008 00", 8), Filled(8, 3));
  EXPECT_EQ(ReadAt(ssd, "28 00 00000010 00 0008 00", 8), Filled(8, 0));
}

TEST_F(BlockCommandsTest, AStoppedDriveIsNotReadyOnAnyPath) {
  const Unit first = Find("jbod1-disk03", 0), second = Find("jbod1-disk03", 1);
  EXPECT_EQ(SenseOf(Send(first, "1b 00 00 00 00 00")), "good");
  EXPECT_EQ(SenseOf(Send(second, "00")), "02 04 02");
  EXPECT_EQ(SenseOf(Send(second, "28 00 00000000 00 0001 00")), "02 04 02");
  EXPECT_EQ(SenseOf(Send(second, "1b 00 00 00 01 00")), "good");
  EXPECT_EQ(SenseOf(Send(first, "00")), "good");
}

TEST_F(BlockCommandsTest, AReplacementDriveIsBlank) {
  const Unit disk = Find("jbod1-disk03");
  Send(disk, "2a 00 00000000 00 0001 00", Filled(1, 3));
  const SasAddress addresses[2] = {SasAddress(0x5000c50011111111), SasAddress(0x5000c50011111112)};
  fabric_.ReplaceDevice(disk.device, "OTHER", SasAddress(0x5000c50011111110), addresses);
  EXPECT_EQ(ReadAt(disk, "28 00 00000000 00 0001 00", 1), Filled(1, 0));
}

TEST_F(BlockCommandsTest, NoDefectsHaveGrown) {
  const Unit disk = Find("jbod1-disk03");
  EXPECT_EQ(Send(disk, "37 00 0d 00000000 00ff 00").data, FromHex("00 0d 0000"));
  EXPECT_EQ(Send(disk, "b7 0d 00000000 000000ff 00 00").data, FromHex("00 0d 0000 00000000"));
}

}  // namespace
}  // namespace sasd::emulator::scsi
