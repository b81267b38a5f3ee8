#include <set>

#include "emulator/scsi/fake_units.h"
#include "emulator/scsi/log_pages.h"
#include "emulator/scsi/mode_pages.h"

namespace sasd::emulator::scsi {
namespace {

class ModePagesTest : public UnitsTest {};
class LogPagesTest : public UnitsTest {};

TEST_F(ModePagesTest, CachingPageWithItsHeaders) {
  const Unit disk = Find("boot0");  // 45dd2fb0 blocks
  EXPECT_EQ(Send(disk, "1a 00 08 00 ff 00").data,
            FromHex("1f 00 10 08  45dd2fb0 00000200  88 12 04" + std::string(34, '0')));
  EXPECT_EQ(Send(disk, "1a 08 08 00 ff 00").data,  // DBD
            FromHex("17 00 10 00  88 12 04" + std::string(34, '0')));
  EXPECT_EQ(Send(disk, "5a 08 08 00 00 00 00 00ff 00").data,
            FromHex("001a 00 10 00 00 0000  88 12 04" + std::string(34, '0')));
  EXPECT_EQ(Send(disk, "1a 08 48 00 ff 00").data,  // changeable: WCE
            FromHex("17 00 10 00  88 12 04" + std::string(34, '0')));
  // A drive of more blocks than the descriptor holds.
  const Bytes large = Send(Find("jbod1-disk03"), "1a 00 08 00 0c 00").data;
  EXPECT_EQ(large, FromHex("1f 00 10 08  ffffffff 00000200"));
}

TEST_F(ModePagesTest, AllPagesComeInOneList) {
  const auto pages = [](const Bytes& list) {
    std::vector<int> codes;
    size_t at = 4;
    while (at < list.size()) {
      const bool has_subpage = (list[at] & 0x40) != 0;
      codes.push_back(list[at] & 0x3F);
      at += has_subpage ? 4 + LoadBe16(list, at + 2) : 2 + list[at + 1];
    }
    EXPECT_EQ(at, list.size());
    return codes;
  };
  const Unit disk = Find("jbod1-disk03"), sata = Find("jbod2-sata20");
  EXPECT_EQ(pages(Send(disk, "1a 08 3f 00 ff 00").data),
            std::vector<int>({0x01, 0x02, 0x08, 0x0A, 0x18, 0x19, 0x1C}));
  EXPECT_EQ(pages(Send(disk, "1a 08 3f ff ff 00").data),
            std::vector<int>({0x01, 0x02, 0x08, 0x0A, 0x18, 0x19, 0x19, 0x1C}));
  EXPECT_EQ(pages(Send(sata, "1a 08 3f 00 ff 00").data),
            std::vector<int>({0x01, 0x08, 0x0A, 0x1C}));
  EXPECT_EQ(SenseOf(Send(sata, "1a 08 19 00 ff 00")), "05 24 00");
  EXPECT_EQ(SenseOf(Send(disk, "1a 08 0b 00 ff 00")), "05 24 00");
}

TEST_F(ModePagesTest, PhysOfBothPorts) {
  const Unit disk = Find("jbod1-disk03");
  const Bytes page = Send(disk, "5a 08 19 01 00 00 00 00ff 00").data;
  // Header 8; page 59h/01h of 64h bytes; protocol 6, two phys.
  EXPECT_EQ(Bytes(page.begin() + 8, page.begin() + 16), FromHex("d9 01 0064 00 06 00 02"));
  const Bytes second(page.begin() + 16 + 48, page.end());
  EXPECT_EQ(Bytes(second.begin(), second.begin() + 8), FromHex("00 01 00 00 20 0b 00 02"));
  EXPECT_EQ(SasAddress(LoadBe64(second, 8)), disk.spec().ports[1].address);
  EXPECT_EQ(LoadBe64(second, 16), 0x5000ccab030011bf);  // jbod1-b
  EXPECT_EQ(second[24], 3);                             // its phy
  EXPECT_EQ(Bytes(second.begin() + 32, second.begin() + 34), FromHex("88 bb"));
}

TEST_F(ModePagesTest, SelectTurnsTheWriteCacheOffForAllPaths) {
  const Unit first = Find("jbod1-disk03", 0), second = Find("jbod1-disk03", 1);
  const std::string rest(34, '0');
  const Answer selected = Send(first, "15 11 00 00 18 00", FromHex("00000000 08 12 00" + rest));
  EXPECT_EQ(SenseOf(selected), "good");
  EXPECT_EQ(selected.transferred, 24u);
  EXPECT_EQ(Send(second, "1a 08 08 00 07 00").data, FromHex("17 00 10 00  88 12 00"));
  EXPECT_EQ(Send(second, "1a 08 88 00 07 00").data, FromHex("17 00 10 00  88 12 04"));  // default
  EXPECT_EQ(SenseOf(Send(second, "55 10 0000000000 001c 00",
                         FromHex("00000000 00000000 08 12 04" + rest))),
            "good");
  EXPECT_EQ(Send(first, "1a 08 08 00 07 00").data, FromHex("17 00 10 00  88 12 04"));
}

TEST_F(ModePagesTest, SelectTakesAllOrNothing) {
  const Unit disk = Find("jbod1-disk03");
  const std::string no_cache = "08 12 00" + std::string(34, '0');
  const auto select = [&](const std::string& list) {
    const Bytes bytes = FromHex(list);
    const auto cdb = absl::StrFormat("15 10 00 00 %02x 00", bytes.size());
    return SenseOf(Send(disk, cdb, bytes));
  };
  EXPECT_EQ(select("00000000" + no_cache + "0a0a 0010 000000000000 0001"), "05 26 00");
  EXPECT_EQ(select("00000000" + no_cache + "3e00"), "05 26 00");       // no such page
  EXPECT_EQ(select("00000000" + no_cache + "0a0a 0010"), "05 1a 00");  // cut short
  EXPECT_EQ(select("00000000 08 13 00" + std::string(36, '0')), "05 26 00");
  EXPECT_EQ(select("00000009" + no_cache), "05 26 00");  // a block descriptor of 9 bytes
  EXPECT_EQ(SenseOf(Send(disk, "15 00 00 00 04 00", FromHex("00000000"))), "05 24 00");  // no PF
  EXPECT_EQ(SenseOf(Send(disk, "15 10 00 00 20 00", FromHex("00000000"))), "05 1a 00");
  EXPECT_EQ(Send(disk, "1a 08 08 00 07 00").data, FromHex("17 00 10 00  88 12 04"));
}

TEST_F(LogPagesTest, ListsTheSupportedPages) {
  const auto pages = [&](const char* id) {
    return Send(Find(id), "4d 00 40 00 00 0000 00ff 00").data;
  };
  EXPECT_EQ(pages("jbod1-disk03"), FromHex("00 00 000b 00 02 03 05 06 0d 0e 10 15 18 2f"));
  EXPECT_EQ(pages("jbod1-ssd18"), FromHex("00 00 000c 00 02 03 05 06 0d 0e 10 11 15 18 2f"));
  EXPECT_EQ(pages("jbod2-sata20"), FromHex("00 00 0004 00 0d 10 2f"));
  EXPECT_EQ(SenseOf(Send(Find("jbod1-disk03"), "4d 00 51 00 00 0000 00ff 00")), "05 24 00");
  EXPECT_EQ(SenseOf(Send(Find("jbod1-disk03"), "4d 00 40 01 00 0000 00ff 00")), "05 24 00");
}

TEST_F(LogPagesTest, EveryPageIsAWholeListOfParameters) {
  const Unit ssd = Find("jbod1-ssd18");
  for (uint8_t code : Send(ssd, "4d 00 40 00 00 0000 00ff 00").data) {
    if (code == 0x00 || code == 0x0C) continue;  // the list's own header
    const Bytes page =
        Send(ssd, absl::StrFormat("4d 00 %02x 00 00 0000 0fff 00", 0x40 | code)).data;
    ASSERT_EQ(page[0], code);
    ASSERT_EQ(LoadBe16(page, 2), page.size() - 4);
    size_t at = 4, parameters = 0;
    for (; at < page.size(); at += size_t{4} + page[at + 3]) ++parameters;
    EXPECT_EQ(at, page.size()) << int{code};
    EXPECT_GT(parameters, 0u) << int{code};
  }
}

TEST_F(LogPagesTest, TemperatureIsTheSameEverywhere) {
  const Unit disk = Find("jbod1-disk03");
  const Bytes page = Send(disk, "4d 00 4d 00 00 0000 00ff 00").data;
  const uint8_t celsius = page[9];
  EXPECT_GE(celsius, 24);
  EXPECT_LE(celsius, 39);
  Bytes expected = FromHex("0d 00 000c  0000 03 02 00 00  0001 03 02 00 3c");
  expected[9] = celsius;
  EXPECT_EQ(page, expected);
  EXPECT_EQ(Send(disk, "4d 00 6f 00 00 0000 00ff 00").data[10], celsius);  // 2Fh
}

TEST_F(LogPagesTest, PhyErrorsAreThoseOfTheLink) {
  const Unit disk = Find("jbod1-disk03");
  std::vector<PhyRef> changed;
  fabric_.Act(PhyAction{disk.spec().ports[1].at, PhyActionKind::kHardReset}, changed);
  const PhyErrors errors = fabric_.errors(disk.spec().ports[1].at);
  const Bytes page = Send(disk, "4d 00 58 00 00 0000 0fff 00").data;
  // Two ports: parameter header 4, 4 bytes, a phy of 48.
  ASSERT_EQ(page.size(), 4u + 2 * 56);
  EXPECT_EQ(Bytes(page.begin() + 60, page.begin() + 76),
            FromHex("0002 03 34 06 00 00 01  00 01 00 2c 20 0b 00 02"));
  EXPECT_EQ(LoadBe32(page, 68 + 40), errors.loss_of_sync);
}

}  // namespace
}  // namespace sasd::emulator::scsi
