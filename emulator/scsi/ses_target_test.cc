// SES-3 pages laid out by hand for jbod1 of the fabric "judge": 24 slots from 0, two processes.
#include "emulator/scsi/ses_target.h"

#include <string>

#include "emulator/scsi/fake_units.h"

namespace sasd::emulator::scsi {
namespace {

constexpr size_t kSlots = 24;

class SesTargetTest : public UnitsTest {
 protected:
  Bytes Page(const Unit& unit, uint8_t page) {
    return Send(unit, absl::StrFormat("1c 01 %02x ffff 00", page), {}, 65535).data;
  }
  static Bytes Slot(const Bytes& status, size_t slot) {
    const auto at = status.begin() + static_cast<ptrdiff_t>(8 + 4 * (1 + slot));
    return Bytes(at, at + 4);
  }
  // An enclosure control page that selects one slot; -1: all by the overall element.
  static Bytes ControlPage(int slot, const char* element) {
    Bytes page = FromHex("02 00 0068 00000001");
    page.resize(8 + 4 * (1 + kSlots));
    const Bytes bytes = FromHex(element);
    std::copy(bytes.begin(), bytes.end(), page.begin() + 8 + 4 * (slot + 1));
    return page;
  }
  static std::string Send02(const Unit& unit, const Bytes& page) {
    return SenseOf(Send(unit, absl::StrFormat("1d 10 00 %04x 00", page.size()), page));
  }

  const Unit a_ = Find("jbod1-a-ses"), b_ = Find("jbod1-b-ses");
};

TEST_F(SesTargetTest, SupportedPages) {
  EXPECT_EQ(Page(a_, 0x00), FromHex("00 00 0007 00 01 02 05 07 0a 0e"));
  EXPECT_EQ(SenseOf(Send(a_, "1c 01 04 ffff 00")), "05 24 00");
  EXPECT_EQ(SenseOf(Send(a_, "1c 00 02 ffff 00")), "05 24 00");  // no PCV
}

TEST_F(SesTargetTest, Configuration) {
  const Bytes page = Page(b_, 0x01);
  ASSERT_EQ(LoadBe16(page, 2), page.size() - 4);
  // Process 2 of 2, eight types, logical id, vendor.
  EXPECT_EQ(Bytes(page.begin(), page.begin() + 2), FromHex("01 00"));
  EXPECT_EQ(Bytes(page.begin() + 4, page.begin() + 28),
            FromHex("00000001  22 00 08 24  5000ccab03001100  534d432020202020"));
  EXPECT_EQ(Bytes(page.begin() + 48, page.begin() + 56), FromHex("17 18 00 0d  18 01 00 0d"));
  EXPECT_EQ(std::string(page.begin() + 80, page.begin() + 93), "Array devices");
}

TEST_F(SesTargetTest, StatusShowsWhichSlotsAreFilled) {
  const Bytes status = Page(a_, 0x02);
  ASSERT_EQ(LoadBe16(status, 2), status.size() - 4);
  EXPECT_EQ(Slot(status, 3), FromHex("01 00 00 00"));
  EXPECT_EQ(Slot(status, 23), FromHex("05 00 00 00"));  // pulled from the start
  std::vector<PhyRef> changed;
  fabric_.SetDevicePresent(Find("jbod1-disk03").device, false, changed);
  EXPECT_EQ(Slot(Page(a_, 0x02), 3), FromHex("05 00 00 00"));
}

TEST_F(SesTargetTest, ControlIsReadBackThroughBothProcesses) {
  EXPECT_EQ(Send02(a_, ControlPage(3, "80 00 02 20")), "good");  // ident, fault
  EXPECT_EQ(Slot(Page(a_, 0x02), 3), FromHex("01 00 02 20"));
  EXPECT_EQ(Slot(Page(b_, 0x02), 3), FromHex("01 00 02 20"));
  EXPECT_EQ(Slot(Page(a_, 0x02), 4), FromHex("01 00 00 00"));
  EXPECT_EQ(Send02(b_, ControlPage(4, "00 00 02 20")), "good");  // not selected
  EXPECT_EQ(Slot(Page(a_, 0x02), 4), FromHex("01 00 00 00"));
  EXPECT_EQ(Send02(b_, ControlPage(3, "80 00 00 00")), "good");
  EXPECT_EQ(Slot(Page(a_, 0x02), 3), FromHex("01 00 00 00"));
  EXPECT_EQ(Send02(b_, ControlPage(-1, "80 00 02 00")), "good");  // all
  EXPECT_EQ(Slot(Page(a_, 0x02), 0), FromHex("01 00 02 00"));
  EXPECT_EQ(Slot(Page(a_, 0x02), 23), FromHex("05 00 02 00"));
}

TEST_F(SesTargetTest, BadControlPagesChangeNothing) {
  Bytes other_generation = ControlPage(3, "80 00 02 20");
  other_generation[7] = 2;
  EXPECT_EQ(Send02(a_, other_generation), "05 26 00");
  Bytes other_page = ControlPage(3, "80 00 02 20");
  other_page[0] = 4;
  EXPECT_EQ(Send02(a_, other_page), "05 26 00");
  Bytes too_long = ControlPage(3, "80 00 02 20");
  too_long[2] = 0xFF;
  EXPECT_EQ(Send02(a_, too_long), "05 1a 00");
  EXPECT_EQ(Send02(a_, FromHex("02 00 0004 00000001")), "05 1a 00");
  EXPECT_EQ(SenseOf(Send(a_, "1d 10 00 0064 00", FromHex("02"))), "05 1a 00");
  EXPECT_EQ(Slot(Page(a_, 0x02), 3), FromHex("01 00 00 00"));
  // A short list reaches the slots that it holds.
  Bytes early = ControlPage(3, "80 00 02 00");
  early.resize(8 + 4 * 5);
  StoreBe16(absl::MakeSpan(early), 2, static_cast<uint16_t>(early.size() - 4));
  EXPECT_EQ(Send02(a_, early), "good");
  EXPECT_EQ(Slot(Page(a_, 0x02), 3), FromHex("01 00 02 00"));
}

TEST_F(SesTargetTest, ElementDescriptorsNameSlots) {
  const Bytes page = Page(a_, 0x07);
  ASSERT_EQ(LoadBe16(page, 2), page.size() - 4);
  const std::string text(page.begin(), page.end());
  EXPECT_NE(text.find("Slot 00"), std::string::npos);
  EXPECT_NE(text.find("Slot 23"), std::string::npos);
  const Bytes jbod3 = Page(Find("jbod3-a-ses"), 0x07);  // starts at 1
  const std::string third(jbod3.begin(), jbod3.end());
  EXPECT_EQ(third.find("Slot 00"), std::string::npos);
  EXPECT_NE(third.find("Slot 60"), std::string::npos);
}

TEST_F(SesTargetTest, AdditionalStatusShowsTheProcessesSide) {
  const Unit disk = Find("jbod1-disk03");
  for (const auto& [process, port, expander] :
       {std::tuple{a_, 0, 0x5000ccab0300113full}, std::tuple{b_, 1, 0x5000ccab030011bfull}}) {
    const Bytes page = Page(process, 0x0A);
    ASSERT_EQ(LoadBe16(page, 2), page.size() - 4);
    const auto slot3 = page.begin() + 8 + 3 * 36;
    Bytes expected = FromHex(
        "16 22 00 03  01 00 00 03  10 00 00 08"
        "0000000000000000 0000000000000000 00 00000000000000");
    StoreBe64(absl::MakeSpan(expected), 12, expander);
    StoreBe64(absl::MakeSpan(expected), 20, disk.spec().ports[port].address.value());
    expected[28] = static_cast<uint8_t>(port);
    EXPECT_EQ(Bytes(slot3, slot3 + 36), expected);
    const auto slot23 = page.begin() + 8 + 23 * 36;  // empty: one phy of no device
    EXPECT_EQ(Bytes(slot23, slot23 + 8), FromHex("16 22 00 17  01 00 00 17"));
    EXPECT_EQ(Bytes(slot23 + 8, slot23 + 36), Bytes(28));
    // The side's expander: 41 phys; phy 3 leads to slot element 3, phy 24 to the connector.
    const auto own = page.begin() + 8 + 24 * 36;
    EXPECT_EQ(Bytes(own, own + 8), FromHex("16 60 00 18  29 40 00 00"));
    EXPECT_EQ(Bytes(own + 16 + 2 * 3, own + 16 + 2 * 4), FromHex("ff 03"));
    EXPECT_EQ(Bytes(own + 16 + 2 * 24, own + 16 + 2 * 25), FromHex("19 ff"));
    EXPECT_EQ(own + 98, page.end());
  }
}

TEST_F(SesTargetTest, ThresholdsAndDownloadStatus) {
  const Bytes thresholds = Page(a_, 0x05);
  EXPECT_EQ(thresholds.size(), Page(a_, 0x02).size());
  EXPECT_EQ(Page(a_, 0x0E), FromHex("0e 00 0014 00000001" + std::string(32, '0')));
}

TEST_F(SesTargetTest, ADrivesSelfTestPasses) {
  EXPECT_EQ(SenseOf(Send(Find("jbod1-disk03"), "1d 04 00 0000 00")), "good");
  EXPECT_EQ(SenseOf(Send(Find("jbod1-disk03"), "1d 10 00 0001 00", FromHex("02"))), "05 24 00");
}

}  // namespace
}  // namespace sasd::emulator::scsi
