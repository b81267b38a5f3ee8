#include "driver/wire/scsi/scsi.h"

#include <algorithm>
#include <limits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "driver/wire/layout.h"
#include "driver/wire/scsi/default_identifiers.h"
#include "driver/wire/text.h"

namespace sasd::mpi {
namespace {

constexpr uint8_t kVpdSupportedPages = 0x00, kVpdSerialNumber = 0x80, kVpdIdentification = 0x83;
constexpr size_t kVpdHeaderSize = 4, kDesignatorHeaderSize = 4;

// The content of a VPD page, after a check of its code and length (SPC-5, 7.7.1). If a device sends
// fewer bytes than PAGE LENGTH announces, the bytes sent are the content.
absl::StatusOr<ByteSpan> VpdContent(uint8_t page, ByteSpan data) {
  if (absl::Status s = CheckSize(absl::StrFormat("VPD page %02xh", page), data, kVpdHeaderSize);
      !s.ok()) {
    return s;
  }
  if (data[1] != page) {
    return absl::InvalidArgumentError(
        absl::StrFormat("VPD page %02xh came instead of %02xh", data[1], page));
  }
  return data.subspan(kVpdHeaderSize, LoadBe16(data, 2));
}

Bytes NewVpd(uint8_t peripheral_type, uint8_t page, ByteSpan content) {
  Bytes data(kVpdHeaderSize + content.size());
  data[0] = peripheral_type & 0x1F;
  data[1] = page;
  StoreBe16(absl::MakeSpan(data), 2, static_cast<uint16_t>(content.size()));
  std::copy(content.begin(), content.end(), data.begin() + kVpdHeaderSize);
  return data;
}

std::string HexText(ByteSpan bytes) {
  std::string text;
  for (uint8_t byte : bytes) absl::StrAppendFormat(&text, "%02x", byte);
  return text;
}

constexpr size_t kCompanyDigits = 6;  // of an IEEE company id

// Only zeros or only ones, or nothing at all.
bool IsBlank(absl::string_view hex) {
  return hex.find_first_not_of('0') == absl::string_view::npos ||
         hex.find_first_not_of('f') == absl::string_view::npos;
}

// How well a designator identifies a logical unit: 0 is not at all, higher is better.
int Preference(const Designator& d) {
  if (d.association != Designator::Association::kLogicalUnit || d.data.empty()) return 0;
  switch (d.type) {
    case Designator::Type::kNaa:
      return d.data[0] >> 4 == 6 ? 4 : 3;
    case Designator::Type::kEui64:
      return 2;
    case Designator::Type::kT10:
      return 1;
    default:
      return 0;
  }
}

// NAA identifiers are one kind, whatever their format.
int Kind(const Designator& d) { return std::min(Preference(d), 3); }

// As Linux spells it; empty for null.
std::string IdOf(const Designator* designator) {
  if (designator == nullptr) return "";
  switch (designator->type) {
    case Designator::Type::kNaa:
      return absl::StrCat("naa.", HexText(designator->data));
    case Designator::Type::kEui64:
      return absl::StrCat("eui.", HexText(designator->data));
    default:
      return absl::StrCat("t10.", LoadText(designator->data, 0, designator->data.size()));
  }
}

// The most preferred one of those that do, or do not, identify the unit; null if there is none.
const Designator* Best(const std::vector<Designator>& designators, bool identifies) {
  const Designator* best = nullptr;
  for (const Designator& d : designators) {
    if (Preference(d) <= (best == nullptr ? 0 : Preference(*best))) continue;
    if (IdentifiesUnit(IdOf(&d)) == identifies) best = &d;
  }
  return best;
}

}  // namespace

Cdb InquiryCdb(uint16_t allocation_length) {
  Cdb cdb = {scsi_op::kInquiry};
  StoreBe16(absl::MakeSpan(cdb), 3, allocation_length);
  return cdb;
}
Cdb VpdCdb(uint8_t page, uint16_t allocation_length) {
  Cdb cdb = InquiryCdb(allocation_length);
  cdb[1] = 0x01;  // EVPD
  cdb[2] = page;
  return cdb;
}
Cdb TestUnitReadyCdb() { return {scsi_op::kTestUnitReady}; }
Cdb ReadCapacity10Cdb() { return {scsi_op::kReadCapacity10}; }
Cdb ReadCapacity16Cdb(uint32_t allocation_length) {
  Cdb cdb = {scsi_op::kServiceActionIn16, scsi_op::kReadCapacity16Action};
  StoreBe32(absl::MakeSpan(cdb), 10, allocation_length);
  return cdb;
}
Cdb ReportLunsCdb(uint32_t allocation_length) {
  Cdb cdb = {scsi_op::kReportLuns};
  StoreBe32(absl::MakeSpan(cdb), 6, allocation_length);
  return cdb;
}

absl::StatusOr<ScsiCommand> DecodeScsiCommand(ByteSpan cdb) {
  if (absl::Status s = CheckSize("CDB", cdb, 16); !s.ok()) return s;
  ScsiCommand command;
  command.operation = cdb[0];
  switch (command.operation) {
    case scsi_op::kTestUnitReady:
      return command;
    case scsi_op::kRequestSense:
      command.allocation_length = cdb[4];
      return command;
    case scsi_op::kInquiry:
      command.vital_product_data = (cdb[1] & 0x01) != 0;
      command.page = cdb[2];
      command.allocation_length = LoadBe16(cdb, 3);
      return command;
    case scsi_op::kReadCapacity10:
      command.allocation_length = 8;
      return command;
    case scsi_op::kServiceActionIn16:
      if ((cdb[1] & 0x1F) != scsi_op::kReadCapacity16Action) break;
      command.allocation_length = LoadBe32(cdb, 10);
      return command;
    case scsi_op::kReportLuns:
      command.allocation_length = LoadBe32(cdb, 6);
      return command;
    default:
      break;
  }
  return absl::UnimplementedError(
      absl::StrFormat("SCSI operation %02xh %02xh is not known", cdb[0], cdb[1]));
}

absl::StatusOr<InquiryData> DecodeInquiryData(ByteSpan data) {
  if (absl::Status s = CheckSize("INQUIRY data", data, 36); !s.ok()) return s;
  InquiryData inquiry;
  inquiry.peripheral_qualifier = data[0] >> 5;
  inquiry.peripheral_type = data[0] & 0x1F;
  inquiry.encloses = (data[6] & 0x40) != 0;
  inquiry.vendor = LoadText(data, 8, 8);
  inquiry.product = LoadText(data, 16, 16);
  inquiry.revision = LoadText(data, 32, 4);
  return inquiry;
}
Bytes EncodeInquiryData(const InquiryData& inquiry) {
  Bytes data(InquiryData::kSize);
  const MutableByteSpan out = absl::MakeSpan(data);
  out[0] = static_cast<uint8_t>(inquiry.peripheral_qualifier << 5 | inquiry.peripheral_type);
  out[2] = 0x07;  // SPC-5
  out[3] = 0x12;  // HISUP, response data format 2
  out[4] = static_cast<uint8_t>(data.size() - 5);
  out[6] = inquiry.encloses ? 0x40 : 0;
  out[7] = 0x02;  // CMDQUE
  StoreText(inquiry.vendor, out, 8, 8, ' ');
  StoreText(inquiry.product, out, 16, 16, ' ');
  StoreText(inquiry.revision, out, 32, 4, ' ');
  return data;
}

absl::StatusOr<std::vector<uint8_t>> DecodeSupportedVpdPages(ByteSpan data) {
  absl::StatusOr<ByteSpan> content = VpdContent(kVpdSupportedPages, data);
  if (!content.ok()) return content.status();
  return std::vector<uint8_t>(content->begin(), content->end());
}
Bytes EncodeSupportedVpdPages(uint8_t peripheral_type, const std::vector<uint8_t>& pages) {
  return NewVpd(peripheral_type, kVpdSupportedPages, pages);
}

absl::StatusOr<std::string> DecodeUnitSerialNumber(ByteSpan data) {
  absl::StatusOr<ByteSpan> content = VpdContent(kVpdSerialNumber, data);
  if (!content.ok()) return content.status();
  std::string serial = LoadText(*content, 0, content->size());
  serial.erase(0, serial.find_first_not_of(' '));
  return serial;
}
Bytes EncodeUnitSerialNumber(uint8_t peripheral_type, absl::string_view serial) {
  return NewVpd(peripheral_type, kVpdSerialNumber, Bytes(serial.begin(), serial.end()));
}

absl::StatusOr<std::vector<Designator>> DecodeDeviceIdentification(ByteSpan data) {
  absl::StatusOr<ByteSpan> content = VpdContent(kVpdIdentification, data);
  if (!content.ok()) return content.status();
  std::vector<Designator> designators;
  ByteSpan rest = *content;
  while (rest.size() >= kDesignatorHeaderSize) {
    const size_t size = rest[3];
    if (rest.size() - kDesignatorHeaderSize < size) {
      return absl::InvalidArgumentError(
          absl::StrCat("VPD page 83h: a designator of ", size, " bytes, ",
                       rest.size() - kDesignatorHeaderSize, " are there"));
    }
    Designator designator;
    designator.code_set = rest[0] & 0x0F;
    designator.association = static_cast<Designator::Association>(rest[1] >> 4 & 0x3);
    designator.type = static_cast<Designator::Type>(rest[1] & 0x0F);
    const ByteSpan value = rest.subspan(kDesignatorHeaderSize, size);
    designator.data.assign(value.begin(), value.end());
    designators.push_back(std::move(designator));
    rest.remove_prefix(kDesignatorHeaderSize + size);
  }
  return designators;
}
Bytes EncodeDeviceIdentification(uint8_t peripheral_type,
                                 const std::vector<Designator>& designators) {
  Bytes content;
  for (const Designator& d : designators) {
    content.push_back(d.code_set);
    content.push_back(static_cast<uint8_t>(static_cast<uint8_t>(d.association) << 4 |
                                           static_cast<uint8_t>(d.type)));
    content.push_back(0);
    content.push_back(static_cast<uint8_t>(d.data.size()));
    content.insert(content.end(), d.data.begin(), d.data.end());
  }
  return NewVpd(peripheral_type, kVpdIdentification, content);
}

std::string WorldWideId(const std::vector<Designator>& designators) {
  return IdOf(Best(designators, /*identifies=*/true));
}

std::string RejectedId(const std::vector<Designator>& designators) {
  const Designator* rejected = Best(designators, /*identifies=*/false);
  const Designator* taken = Best(designators, /*identifies=*/true);
  if (rejected == nullptr || (taken != nullptr && Kind(*taken) > Kind(*rejected))) return "";
  return IdOf(rejected);
}

bool IdentifiesUnit(absl::string_view id) {
  if (IsDefaultIdentifier(id)) return false;
  if (absl::ConsumePrefix(&id, "naa.")) {
    if (id.empty() || !absl::StrContains("2356", id[0])) return false;
    const absl::string_view rest = id.substr(1);
    if (id[0] == '3') return !IsBlank(rest);      // locally assigned
    const size_t company = id[0] == '2' ? 3 : 0;  // IEEE extended (2): 12 bits before it
    if (rest.size() < company + kCompanyDigits) return false;
    return !IsBlank(rest) && !IsBlank(rest.substr(company, kCompanyDigits));
  }
  if (absl::ConsumePrefix(&id, "eui.")) {
    return !IsBlank(id) && !IsBlank(id.substr(0, kCompanyDigits));
  }
  if (absl::ConsumePrefix(&id, "t10.")) {
    constexpr size_t kVendor = 8, kAtaModel = 40;
    const absl::string_view text = absl::StripTrailingAsciiWhitespace(id);
    const bool is_ata = absl::StartsWith(text, "ATA     ");
    return text.size() > (is_ata ? kVendor + kAtaModel : kVendor);
  }
  return !id.empty();
}

bool IsUnitSerial(absl::string_view serial) {
  return serial.find_first_not_of(serial.substr(0, 1)) != absl::string_view::npos &&
         !IsDefaultSerial(serial);
}

uint64_t Capacity::bytes() const {
  if (block_size == 0 || last_block == std::numeric_limits<uint64_t>::max() ||
      last_block + 1 > std::numeric_limits<uint64_t>::max() / block_size) {
    return 0;
  }
  return (last_block + 1) * block_size;
}

absl::StatusOr<Capacity> DecodeCapacity16(ByteSpan data) {
  if (absl::Status s = CheckSize("READ CAPACITY (16) data", data, 12); !s.ok()) return s;
  return Capacity{LoadBe64(data, 0), LoadBe32(data, 8)};
}
Bytes EncodeCapacity16(const Capacity& capacity) {
  Bytes data(Capacity::kSize);
  StoreBe64(absl::MakeSpan(data), 0, capacity.last_block);
  StoreBe32(absl::MakeSpan(data), 8, capacity.block_size);
  return data;
}

absl::StatusOr<Capacity> DecodeCapacity10(ByteSpan data) {
  if (absl::Status s = CheckSize("READ CAPACITY (10) data", data, 8); !s.ok()) return s;
  return Capacity{LoadBe32(data, 0), LoadBe32(data, 4)};
}
Bytes EncodeCapacity10(const Capacity& capacity) {
  Bytes data(8);
  StoreBe32(absl::MakeSpan(data), 0,
            static_cast<uint32_t>(std::min(capacity.last_block, kCapacity10TooLarge)));
  StoreBe32(absl::MakeSpan(data), 4, capacity.block_size);
  return data;
}

absl::StatusOr<std::vector<uint64_t>> DecodeReportLuns(ByteSpan data) {
  if (absl::Status s = CheckSize("REPORT LUNS data", data, 8); !s.ok()) return s;
  const size_t count = std::min<size_t>(LoadBe32(data, 0), data.size() - 8) / 8;
  std::vector<uint64_t> luns;
  luns.reserve(count);
  for (size_t i = 0; i < count; ++i) luns.push_back(LoadBe64(data, 8 + 8 * i));
  return luns;
}
Bytes EncodeReportLuns(const std::vector<uint64_t>& luns) {
  Bytes data(8 + 8 * luns.size());
  StoreBe32(absl::MakeSpan(data), 0, static_cast<uint32_t>(8 * luns.size()));
  for (size_t i = 0; i < luns.size(); ++i) StoreBe64(absl::MakeSpan(data), 8 + 8 * i, luns[i]);
  return data;
}

// SPC-5, 4.4.2 (descriptor format: 72h, 73h) and 4.4.3 (fixed format: 70h, 71h).
absl::StatusOr<Sense> DecodeSense(ByteSpan data) {
  if (absl::Status s = CheckSize("sense data", data, 4); !s.ok()) return s;
  const uint8_t response_code = data[0] & 0x7F;
  if (response_code == 0x72 || response_code == 0x73) {
    return Sense{static_cast<uint8_t>(data[1] & 0x0F), data[2], data[3]};
  }
  if (response_code != 0x70 && response_code != 0x71) {
    return absl::InvalidArgumentError(
        absl::StrFormat("sense data: response code %02xh is not known", response_code));
  }
  Sense sense;
  sense.key = data[2] & 0x0F;
  if (data.size() >= 14) {
    sense.asc = data[12];
    sense.ascq = data[13];
  }
  return sense;
}
Bytes EncodeFixedSense(const Sense& sense) {
  Bytes data(18);
  data[0] = 0x70;
  data[2] = sense.key;
  data[7] = 10;  // ADDITIONAL SENSE LENGTH
  data[12] = sense.asc;
  data[13] = sense.ascq;
  return data;
}
Bytes EncodeDescriptorSense(const Sense& sense) {
  return {0x72, static_cast<uint8_t>(sense.key & 0x0F), sense.asc, sense.ascq, 0, 0, 0, 0};
}

std::string ScsiStatusText(uint8_t status) {
  static constexpr Word kStatuses[] = {
      {0x00, "good"},       {0x02, "check condition"},      {0x04, "condition met"},
      {0x08, "busy"},       {0x18, "reservation conflict"}, {0x28, "task set full"},
      {0x30, "ACA active"}, {0x40, "task aborted"},
  };
  return TextOf(kStatuses, status, "SCSI status");
}

std::string ToString(const Sense& sense) {
  static constexpr absl::string_view kKeys[] = {
      "no sense",       "recovered error", "not ready",      "medium error",
      "hardware error", "illegal request", "unit attention", "data protect",
      "blank check",    "vendor specific", "copy aborted",   "aborted command",
      "reserved",       "volume overflow", "miscompare",     "completed"};
  return absl::StrFormat("%s, asc %02xh ascq %02xh", kKeys[sense.key & 0x0F], sense.asc,
                         sense.ascq);
}

}  // namespace sasd::mpi
