#include "emulator/scsi/ata_data.h"

#include <numeric>

#include "absl/strings/string_view.h"
#include "emulator/scsi/log_pages.h"

namespace sasd::emulator::scsi {
namespace {

// SMART attributes by their usual numbers. Error counters stay at 0.
struct Attribute {
  uint8_t id;
  uint8_t flags;  // 1: prefailure, 2: online
  uint8_t threshold;
  uint64_t (*raw)(const DriveCondition& condition);
};
uint64_t Zero(const DriveCondition&) { return 0; }
uint64_t Hours(const DriveCondition& c) { return c.power_on_hours; }
uint64_t Cycles(const DriveCondition& c) { return c.power_cycles; }
uint64_t Celsius(const DriveCondition& c) { return c.celsius; }

constexpr Attribute kAttributes[] = {
    {1, 0x0F, 44, Zero},                            // raw read error rate
    {5, 0x33, 10, Zero},                            // reallocated sectors
    {9, 0x32, 0, Hours},                            // power-on hours
    {12, 0x32, 20, Cycles},                         // power cycles
    {187, 0x32, 0, Zero},                           // reported uncorrectable errors
    {194, 0x22, 0, Celsius}, {197, 0x12, 0, Zero},  // pending sectors
    {198, 0x10, 0, Zero},                           // offline uncorrectable sectors
    {199, 0x3E, 0, Zero},                           // interface CRC errors
};
constexpr uint8_t kGood = 100;  // normalized value

class Words {
 public:
  explicit Words(Bytes& bytes) : bytes_(absl::MakeSpan(bytes)) {}
  void Set(size_t word, uint16_t value) { StoreLe16(bytes_, 2 * word, value); }
  // The first character of each pair is in the word's high byte.
  void SetText(size_t word, size_t size, absl::string_view text) {
    for (size_t i = 0; i < size; ++i) {
      bytes_[2 * word + (i ^ 1)] = i < text.size() ? static_cast<uint8_t>(text[i]) : ' ';
    }
  }

 private:
  const MutableByteSpan bytes_;
};

// Makes the sum of all bytes zero.
Bytes WithChecksum(Bytes bytes) {
  bytes.back() = 0;
  bytes.back() = static_cast<uint8_t>(-std::accumulate(bytes.begin(), bytes.end(), 0u));
  return bytes;
}

uint16_t RateCode(LinkRate rate) {  // Gen1 1, Gen2 2, Gen3 3
  if (rate <= LinkRate::k1_5Gbps) return 1;
  return rate == LinkRate::k3Gbps ? 2 : 3;
}

}  // namespace

// ACS-3, 7.12.7.
Bytes IdentifyDevice(const Unit& unit) {
  const DeviceModel& model = unit.model();
  const uint64_t sectors = unit.block_count();
  Bytes data(kAtaSector);
  Words words(data);
  words.Set(0, 0x0040);  // an ATA device that is not removable
  words.SetText(10, 20, unit.spec().serial);
  words.SetText(23, 8, model.revision);
  words.SetText(27, 40, model.product);
  words.Set(47, 0x8010);
  words.Set(49, 0x0F00);  // LBA, DMA, IORDY
  words.Set(50, 0x4000);
  words.Set(53, 0x0006);
  const uint32_t sectors28 = static_cast<uint32_t>(std::min<uint64_t>(sectors, 0x0FFFFFFF));
  words.Set(60, static_cast<uint16_t>(sectors28));
  words.Set(61, static_cast<uint16_t>(sectors28 >> 16));
  words.Set(63, 0x0007);
  words.Set(64, 0x0003);
  for (size_t word : {65, 66, 67, 68}) words.Set(word, 120);  // cycle times, ns
  words.Set(75, 31);                                          // queue depth less 1
  const uint16_t best = RateCode(model.max_rate);
  words.Set(76, static_cast<uint16_t>(0x0100 | ((2u << best) - 2)));  // NCQ, the generations
  const LinkRate now = unit.fabric.Link(unit.spec().ports[unit.port].at).rate;
  words.Set(77, static_cast<uint16_t>(std::min(RateCode(now), best) << 1));
  words.Set(80, 0x07F0);  // up to ACS-3
  // Command sets: SMART, power management, write cache, look-ahead; 48-bit, the flushes; error
  // log, self-test, world wide name.
  const bool cache = unit.settings().write_cache;
  words.Set(82, 0x0069);
  words.Set(83, 0x7400);
  words.Set(84, 0x4103);
  words.Set(85, static_cast<uint16_t>(cache ? 0x0069 : 0x0049));
  words.Set(86, 0x3400);
  words.Set(87, 0x4103);
  words.Set(88, 0x407F);
  for (size_t i = 0; i < 4; ++i) words.Set(100 + i, static_cast<uint16_t>(sectors >> 16 * i));
  words.Set(106, 0x4000);
  for (size_t i = 0; i < 4; ++i) {
    words.Set(108 + i, static_cast<uint16_t>(unit.name().value() >> (48 - 16 * i)));
  }
  words.Set(168, model.solid_state ? 3 : 2);  // form factor: 2.5, 3.5 inch
  words.Set(217, model.solid_state ? 1 : 7200);
  words.Set(222, 0x10FF);  // SATA 3.x
  data[510] = 0xA5;
  return WithChecksum(std::move(data));
}

// The structure that all vendors share (ACS-3 leaves it to them; smartmontools, atacmds.h).
Bytes SmartData(const Unit& unit) {
  const DriveCondition condition = ConditionOf(unit);
  Bytes data(kAtaSector);
  const MutableByteSpan out = absl::MakeSpan(data);
  StoreLe16(out, 0, 0x0010);
  size_t at = 2;
  for (const Attribute& attribute : kAttributes) {
    out[at] = attribute.id;
    StoreLe16(out, at + 1, attribute.flags);
    out[at + 3] = out[at + 4] = kGood;
    StoreLe32(out, at + 5, static_cast<uint32_t>(attribute.raw(condition)));
    at += 12;
  }
  out[362] = 0x82;          // offline collection was completed
  StoreLe16(out, 364, 60);  // duration: one minute
  out[367] = 0x7B;          // offline collection and self-tests are supported
  StoreLe16(out, 368, 0x0003);
  out[370] = 0x01;  // error log
  out[372] = 1;     // minutes of a short self-test
  out[373] = 0xFF;
  StoreLe16(out, 375, 720);
  return WithChecksum(std::move(data));
}

Bytes SmartThresholds() {
  Bytes data(kAtaSector);
  const MutableByteSpan out = absl::MakeSpan(data);
  StoreLe16(out, 0, 0x0010);
  size_t at = 2;
  for (const Attribute& attribute : kAttributes) {
    out[at] = attribute.id;
    out[at + 1] = attribute.threshold;
    at += 12;
  }
  return WithChecksum(std::move(data));
}

Bytes SmartLog(uint8_t address) {
  constexpr uint8_t kDirectory = 0x00, kSummaryErrors = 0x01, kSelfTests = 0x06;
  constexpr uint8_t kSelectiveSelfTests = 0x09;
  Bytes data(kAtaSector);
  const MutableByteSpan out = absl::MakeSpan(data);
  switch (address) {
    case kDirectory:
      StoreLe16(out, 0, 1);
      StoreLe16(out, 2 * kSummaryErrors, 1);  // sectors
      StoreLe16(out, 2 * kSelfTests, 1);
      StoreLe16(out, 2 * kSelectiveSelfTests, 1);
      return data;
    case kSummaryErrors:
      out[0] = 1;
      return WithChecksum(std::move(data));
    case kSelfTests:
    case kSelectiveSelfTests:
      StoreLe16(out, 0, 1);
      return WithChecksum(std::move(data));
    default:
      return {};
  }
}

}  // namespace sasd::emulator::scsi
