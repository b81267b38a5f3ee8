// A device's data about itself: INQUIRY, VPD pages, capacities, LUNs and sense data. Any input
// gives a value or an error. Texts are printable. A decoded value survives encoding.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "driver/base/endian.h"
#include "driver/wire/scsi/scsi.h"
#include "tests/fuzz/properties.h"

namespace sasd::mpi {
namespace {

using fuzz::Check;
using fuzz::CheckCodec;

void CheckPrintable(const std::string& text, size_t limit) {
  Check(text.size() <= limit, "a text fits its field");
  Check(std::all_of(text.begin(), text.end(), absl::ascii_isprint), "a text is printable");
}

void DecodeVpd(ByteSpan bytes) {
  CheckCodec(
      DecodeSupportedVpdPages, [](const auto& pages) { return EncodeSupportedVpdPages(0, pages); },
      bytes, "VPD 00h");
  CheckCodec(
      DecodeUnitSerialNumber, [](const auto& serial) { return EncodeUnitSerialNumber(0, serial); },
      bytes, "VPD 80h");
  CheckCodec(
      DecodeDeviceIdentification, [](const auto& d) { return EncodeDeviceIdentification(0, d); },
      bytes, "VPD 83h");
  if (const auto serial = DecodeUnitSerialNumber(bytes); serial.ok()) {
    CheckPrintable(*serial, bytes.size());
  }
  if (const auto designators = DecodeDeviceIdentification(bytes); designators.ok()) {
    CheckPrintable(WorldWideId(*designators), 2 * bytes.size() + 4);
  }
}

void DecodeAll(ByteSpan bytes) {
  CheckCodec(DecodeInquiryData, EncodeInquiryData, bytes, "INQUIRY");
  if (const auto inquiry = DecodeInquiryData(bytes); inquiry.ok()) {
    CheckPrintable(inquiry->vendor, 8);
    CheckPrintable(inquiry->product, 16);
    CheckPrintable(inquiry->revision, 4);
  }
  DecodeVpd(bytes);
  CheckCodec(DecodeCapacity10, EncodeCapacity10, bytes, "READ CAPACITY (10)");
  CheckCodec(DecodeCapacity16, EncodeCapacity16, bytes, "READ CAPACITY (16)");
  if (const auto capacity = DecodeCapacity16(bytes); capacity.ok() && capacity->bytes() != 0) {
    Check(capacity->bytes() / capacity->block_size - 1 == capacity->last_block, "bytes()");
  }
  CheckCodec(DecodeReportLuns, EncodeReportLuns, bytes, "REPORT LUNS");
  CheckCodec(DecodeSense, EncodeFixedSense, bytes, "fixed sense data");
  CheckCodec(DecodeSense, EncodeDescriptorSense, bytes, "descriptor sense data");
  if (const auto sense = DecodeSense(bytes); sense.ok()) {
    Check(!ToString(*sense).empty(), "sense data has a text");
  }
  if (const auto command = DecodeScsiCommand(bytes); !command.ok()) {
    fuzz::CheckError(command.status());
  }
  if (!bytes.empty()) Check(!ScsiStatusText(bytes[0]).empty(), "a status has a text");
}

// The decoder of commands reads back the fields of each CDB.
void AskFor(ByteSpan bytes) {
  if (bytes.size() < 5) return;
  const uint16_t room = LoadBe16(bytes, 0);
  const uint32_t much = LoadBe32(bytes, 1);
  Check(DecodeScsiCommand(InquiryCdb(room))->allocation_length == room, "INQUIRY");
  const auto vpd = DecodeScsiCommand(VpdCdb(bytes[2], room));
  Check(vpd->vital_product_data && vpd->page == bytes[2], "INQUIRY, EVPD");
  Check(DecodeScsiCommand(ReportLunsCdb(much))->allocation_length == much, "REPORT LUNS");
  Check(DecodeScsiCommand(ReadCapacity16Cdb(much))->allocation_length == much, "READ CAPACITY");
}

}  // namespace
}  // namespace sasd::mpi

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const sasd::ByteSpan bytes(data, size);
  sasd::mpi::DecodeAll(bytes);
  sasd::mpi::AskFor(bytes);
  return 0;
}
