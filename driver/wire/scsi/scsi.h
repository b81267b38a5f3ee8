#ifndef DRIVER_WIRE_SCSI_SCSI_H_
#define DRIVER_WIRE_SCSI_SCSI_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "driver/base/endian.h"
#include "driver/base/sas_address.h"

// The SCSI data that identifies a device (SPC-5, SBC-4), big-endian. Pure functions,
// thread-safe; decoding is total. Strings are trimmed of trailing blanks and have no unprintable
// characters.
namespace sasd::mpi {

using Cdb = std::array<uint8_t, 32>;

namespace scsi_op {
constexpr uint8_t kTestUnitReady = 0x00, kRequestSense = 0x03, kInquiry = 0x12;
constexpr uint8_t kReadCapacity10 = 0x25, kServiceActionIn16 = 0x9E, kReportLuns = 0xA0;
constexpr uint8_t kReadCapacity16Action = 0x10;
}  // namespace scsi_op

namespace scsi_status {
constexpr uint8_t kGood = 0x00, kCheckCondition = 0x02, kBusy = 0x08, kTaskSetFull = 0x28;
constexpr uint8_t kConditionMet = 0x04, kReservationConflict = 0x18, kAcaActive = 0x30;
constexpr uint8_t kTaskAborted = 0x40;
}  // namespace scsi_status
// SAM-5, 5.3.1, in words: "check condition".
std::string ScsiStatusText(uint8_t status);

Cdb InquiryCdb(uint16_t allocation_length);
Cdb VpdCdb(uint8_t page, uint16_t allocation_length);
Cdb TestUnitReadyCdb();
Cdb ReadCapacity10Cdb();
Cdb ReadCapacity16Cdb(uint32_t allocation_length);
Cdb ReportLunsCdb(uint32_t allocation_length);

// A command that asks for such data. Decoding another operation code gives kUnimplemented.
struct ScsiCommand {
  uint8_t operation = 0;
  bool vital_product_data = false;  // INQUIRY, EVPD
  uint8_t page = 0;                 // INQUIRY, PAGE CODE
  uint32_t allocation_length = 0;
};
absl::StatusOr<ScsiCommand> DecodeScsiCommand(ByteSpan cdb);

// Standard INQUIRY data (SPC-5, 6.6.2).
struct InquiryData {
  static constexpr size_t kSize = 96;
  uint8_t peripheral_qualifier = 0;
  uint8_t peripheral_type = 0;  // 0 disk, 0x0D enclosure services
  bool encloses = false;        // ENCSERV
  std::string vendor;           // at most 8 characters
  std::string product;          // at most 16
  std::string revision;         // at most 4
};
absl::StatusOr<InquiryData> DecodeInquiryData(ByteSpan data);
Bytes EncodeInquiryData(const InquiryData& data);

// VPD page 00h: the supported pages.
absl::StatusOr<std::vector<uint8_t>> DecodeSupportedVpdPages(ByteSpan data);
Bytes EncodeSupportedVpdPages(uint8_t peripheral_type, const std::vector<uint8_t>& pages);

// VPD page 80h: the unit's serial number.
absl::StatusOr<std::string> DecodeUnitSerialNumber(ByteSpan data);
Bytes EncodeUnitSerialNumber(uint8_t peripheral_type, absl::string_view serial);

// VPD page 83h: designation descriptors (SPC-5, 7.7.6).
struct Designator {
  enum class Association : uint8_t { kLogicalUnit = 0, kTargetPort = 1, kTargetDevice = 2 };
  enum class Type : uint8_t { kT10 = 1, kEui64 = 2, kNaa = 3, kRelativePort = 4, kScsiName = 8 };
  uint8_t code_set = 1;  // 1 binary, 2 ASCII, 3 UTF-8
  Association association = Association::kLogicalUnit;
  Type type = Type::kNaa;
  Bytes data;
};
absl::StatusOr<std::vector<Designator>> DecodeDeviceIdentification(ByteSpan data);
Bytes EncodeDeviceIdentification(uint8_t peripheral_type,
                                 const std::vector<Designator>& designators);

// The logical unit's world wide identifier as Linux spells it in sysfs ("naa.5000c500a7b26111",
// "eui....", "t10...."). In order of preference: NAA (registered extended, then others), EUI-64,
// T10. Those that identify nothing (see IdentifiesUnit) are passed over. Empty if none is left.
std::string WorldWideId(const std::vector<Designator>& designators);
// The most preferred identifier that WorldWideId() passes over, if it is of no lesser kind than the
// one that it takes. Empty if there is none.
std::string RejectedId(const std::vector<Designator>& designators);

// Whether an identifier, spelled as above, can be that of one unit. These cannot: an NAA other than
// 2, 3, 5 and 6, which SPC-5 (7.7.6.6) does not define; an NAA or EUI-64 of zeros or ones only, or
// whose company id is 000000h or FFFFFFh, as before the factory writes one; a T10 identifier
// without anything after the vendor, or, of vendor ATA (SAT-4, 12.4.1), without a serial number;
// one that many units are known to report (default_identifiers.h).
bool IdentifiesUnit(absl::string_view id);
// Whether a serial number can be that of one unit: not if it repeats one character, or if many are
// known to report it.
bool IsUnitSerial(absl::string_view serial);

// The answer of READ CAPACITY.
struct Capacity {
  static constexpr size_t kSize = 32;
  uint64_t last_block = 0;
  uint32_t block_size = 0;
  // The size in bytes; 0 if it does not fit 64 bits.
  uint64_t bytes() const;
};
// READ CAPACITY (16) data.
absl::StatusOr<Capacity> DecodeCapacity16(ByteSpan data);
Bytes EncodeCapacity16(const Capacity& capacity);

// READ CAPACITY (10) data. A last block of FFFFFFFFh means: use READ CAPACITY (16).
constexpr uint64_t kCapacity10TooLarge = 0xFFFFFFFF;
absl::StatusOr<Capacity> DecodeCapacity10(ByteSpan data);
Bytes EncodeCapacity10(const Capacity& capacity);

// REPORT LUNS data: 8-byte LUNs.
absl::StatusOr<std::vector<uint64_t>> DecodeReportLuns(ByteSpan data);
Bytes EncodeReportLuns(const std::vector<uint64_t>& luns);

// Sense data, fixed and descriptor format (SPC-5, 4.4).
struct Sense {
  uint8_t key = 0;  // 0 no sense, 2 not ready, 5 illegal request, 6 unit attention, ...
  uint8_t asc = 0;
  uint8_t ascq = 0;
};
absl::StatusOr<Sense> DecodeSense(ByteSpan data);
Bytes EncodeFixedSense(const Sense& sense);
Bytes EncodeDescriptorSense(const Sense& sense);
// "not ready, asc 04h ascq 01h"
std::string ToString(const Sense& sense);

}  // namespace sasd::mpi

#endif  // DRIVER_WIRE_SCSI_SCSI_H_
