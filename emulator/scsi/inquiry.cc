#include "emulator/scsi/inquiry.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "emulator/scsi/ata_target.h"
#include "emulator/scsi/byte_writer.h"

namespace sasd::emulator::scsi {
namespace {

constexpr uint8_t kSupportedPages = 0x00, kSerialNumber = 0x80, kIdentification = 0x83;
constexpr uint8_t kExtendedInquiry = 0x86, kAtaInformation = 0x89, kBlockLimits = 0xB0;
constexpr uint8_t kBlockCharacteristics = 0xB1, kProvisioning = 0xB2;
constexpr uint16_t kSolidStateRotation = 1, kDiskRotation = 7200;

Bytes StandardData(const Unit& unit, bool present) {
  mpi::InquiryData data;
  data.peripheral_qualifier = present ? 0 : 3;  // 3: not capable of a unit at this LUN
  data.peripheral_type = present ? unit.type() : 0x1F;
  data.encloses = !unit.is_disk();
  data.vendor = unit.model().vendor;
  data.product = unit.model().product;
  data.revision = unit.model().revision;
  return mpi::EncodeInquiryData(data);
}

std::vector<uint8_t> PagesOf(const Unit& unit) {
  if (!unit.is_disk()) return {kSupportedPages, kSerialNumber, kIdentification};
  if (unit.is_sata()) {
    return {kSupportedPages, kSerialNumber, kIdentification,       kExtendedInquiry,
            kAtaInformation, kBlockLimits,  kBlockCharacteristics, kProvisioning};
  }
  return {kSupportedPages, kSerialNumber,         kIdentification, kExtendedInquiry,
          kBlockLimits,    kBlockCharacteristics, kProvisioning};
}

mpi::Designator Naa(mpi::Designator::Association association, SasAddress address) {
  mpi::Designator designator;
  designator.association = association;
  designator.data = ByteWriter().Address(address).Take();
  return designator;
}

mpi::Designator UnitName(const Unit& unit) {
  mpi::Designator designator;
  designator.data = UnitNaa(unit.name(), unit.model(), unit.lun);
  return designator;
}

Bytes Identification(const Unit& unit) {
  using Association = mpi::Designator::Association;
  std::vector<mpi::Designator> designators = {UnitName(unit)};
  if (unit.is_sata()) {  // SAT-4, 12.4.1
    mpi::Designator t10;
    t10.code_set = 2;
    t10.type = mpi::Designator::Type::kT10;
    t10.data = ByteWriter()
                   .Text("ATA", 8)
                   .Text(unit.model().product, 40)
                   .Text(unit.spec().serial, 20)
                   .Take();
    designators.push_back(std::move(t10));
  }
  designators.push_back(Naa(Association::kTargetPort, unit.spec().ports[unit.port].address));
  mpi::Designator relative_port;
  relative_port.association = Association::kTargetPort;
  relative_port.type = mpi::Designator::Type::kRelativePort;
  relative_port.data = {0, 0, 0, static_cast<uint8_t>(unit.port + 1)};
  designators.push_back(std::move(relative_port));
  return mpi::EncodeDeviceIdentification(unit.type(), designators);
}

// SPC-5, 7.7.7.
Bytes ExtendedInquiry() {
  return ByteWriter().U8(0x07).Zeros(59).Take();  // HEADSUP, ORDSUP, SIMPSUP
}

// SBC-4, 6.6.4.
Bytes BlockLimits(const Unit& unit) {
  const bool unmap = unit.model().solid_state;
  ByteWriter writer;
  writer.U8(0).U8(0);              // WRITE SAME of 0 blocks reaches to the end
  writer.Be16(unmap ? 8 : 0);      // optimal transfer length granularity
  writer.Be32(0).Be32(0).Be32(0);  // no limits to a transfer
  writer.Be32(unmap ? kMaxUnmapBlocks : 0).Be32(unmap ? kMaxUnmapRanges : 0);
  writer.Be32(unmap ? 8 : 0).Be32(0);  // optimal unmap granularity, no alignment
  writer.Be64(kMaxWriteSameBlocks);
  return writer.Zeros(60 - writer.size()).Take();
}

// SBC-4, 6.6.2: rotation rate, product type, nominal form factor (2: 3.5 inch, 3: 2.5 inch).
Bytes BlockCharacteristics(const Unit& unit) {
  const bool solid = unit.model().solid_state;
  ByteWriter writer;
  writer.Be16(solid ? kSolidStateRotation : kDiskRotation).U8(0).U8(solid ? 3 : 2);
  return writer.Zeros(60 - writer.size()).Take();
}

// SBC-4, 6.6.6: which of UNMAP and WRITE SAME with UNMAP exist; unmapped blocks read as zeros.
Bytes Provisioning(const Unit& unit) {
  return ByteWriter().U8(0).U8(unit.model().solid_state ? 0xE4 : 0x00).U8(0).U8(0).Take();
}

Bytes Page(const Unit& unit, uint8_t page, const Bytes& content) {
  return ByteWriter()
      .U8(unit.type())
      .U8(page)
      .Be16(static_cast<uint16_t>(content.size()))
      .Append(content)
      .Take();
}

Bytes VitalProductData(const Unit& unit, uint8_t page) {
  switch (page) {
    case kSupportedPages:
      return mpi::EncodeSupportedVpdPages(unit.type(), PagesOf(unit));
    case kSerialNumber:
      return mpi::EncodeUnitSerialNumber(unit.type(), unit.spec().serial);
    case kIdentification:
      return Identification(unit);
    case kExtendedInquiry:
      return Page(unit, page, ExtendedInquiry());
    case kAtaInformation:
      return Page(unit, page, AtaInformation(unit));
    case kBlockLimits:
      return Page(unit, page, BlockLimits(unit));
    case kBlockCharacteristics:
      return Page(unit, page, BlockCharacteristics(unit));
    default:
      return Page(unit, page, Provisioning(unit));
  }
}

}  // namespace

Outcome Inquiry(const Unit& unit, const Command& command) {
  const bool vital_product_data = (command.cdb[1] & 0x01) != 0;  // EVPD
  const uint8_t page = command.cdb[2];
  const uint16_t allocation_length = LoadBe16(command.cdb, 3);
  if (!vital_product_data) {
    if (page != 0) return InvalidCdbField();
    return DataIn(StandardData(unit, unit.exists()), allocation_length, command);
  }
  if (!unit.exists()) return LunNotSupported();
  const std::vector<uint8_t> pages = PagesOf(unit);
  if (std::find(pages.begin(), pages.end(), page) == pages.end()) return InvalidCdbField();
  return DataIn(VitalProductData(unit, page), allocation_length, command);
}

}  // namespace sasd::emulator::scsi
