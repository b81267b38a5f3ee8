#include "driver/emulator/scsi_target.h"

#include <algorithm>

#include "driver/mpi/scsi.h"

namespace sasd::emulator {
namespace {

constexpr uint8_t kSupportedPages = 0x00, kUnitSerialNumber = 0x80, kDeviceIdentification = 0x83;
constexpr uint8_t kIllegalRequest = 0x05;
constexpr uint8_t kInvalidOperation = 0x20, kInvalidField = 0x24, kLunNotSupported = 0x25;

ScsiResult Check(uint8_t asc) {
  mpi::Sense sense;
  sense.key = kIllegalRequest;
  sense.asc = asc;
  return {mpi::scsi_status::kCheckCondition, 0, mpi::EncodeFixedSense(sense)};
}

// As much as the host allocated and gave room for.
ScsiResult Good(const Bytes& data, uint32_t allocation_length, MutableByteSpan data_in) {
  const size_t size = std::min({data.size(), size_t{allocation_length}, data_in.size()});
  std::copy_n(data.begin(), size, data_in.begin());
  return {mpi::scsi_status::kGood, size, {}};
}

Bytes BigEndian(uint64_t value) {
  Bytes bytes(8);
  StoreBe64(MutableByteSpan(bytes), 0, value);
  return bytes;
}

}  // namespace

ScsiResult ScsiTarget::Execute(uint64_t lun, ByteSpan cdb, MutableByteSpan data_in) const {
  const auto command = mpi::DecodeScsiCommand(cdb);
  if (!command.ok()) return Check(kInvalidOperation);
  const uint32_t room = command->allocation_length;
  if (command->operation == mpi::scsi_op::kInquiry && !command->vital_product_data) {
    return command->page == 0 ? Good(Inquiry(lun), room, data_in) : Check(kInvalidField);
  }
  if (command->operation == mpi::scsi_op::kReportLuns) {
    return Good(mpi::EncodeReportLuns({0}), room, data_in);
  }
  if (lun != 0) return Check(kLunNotSupported);
  const bool is_disk = model_.type == DeviceModel::Type::kDisk;
  switch (command->operation) {
    case mpi::scsi_op::kTestUnitReady:
      return {};
    case mpi::scsi_op::kInquiry:
      break;
    case mpi::scsi_op::kReadCapacity10:
      return is_disk ? Good(Capacity10(), 8, data_in) : Check(kInvalidOperation);
    case mpi::scsi_op::kServiceActionIn16:
      return is_disk ? Good(Capacity16(), room, data_in) : Check(kInvalidOperation);
    default:
      return Check(kInvalidOperation);
  }
  const uint8_t type = static_cast<uint8_t>(model_.type);
  switch (command->page) {
    case kSupportedPages:
      return Good(mpi::EncodeSupportedVpdPages(
                      type, {kSupportedPages, kUnitSerialNumber, kDeviceIdentification}),
                  room, data_in);
    case kUnitSerialNumber:
      return Good(mpi::EncodeUnitSerialNumber(type, device_.serial), room, data_in);
    case kDeviceIdentification:
      return Good(Identification(), room, data_in);
    default:
      return Check(kInvalidField);
  }
}

Bytes ScsiTarget::Inquiry(uint64_t lun) const {
  mpi::InquiryData data;
  data.peripheral_qualifier = lun == 0 ? 0 : 3;  // 3: not capable of a unit at this LUN
  data.peripheral_type = lun == 0 ? static_cast<uint8_t>(model_.type) : 0x1F;
  data.encloses = model_.type == DeviceModel::Type::kEnclosure;
  data.vendor = model_.vendor;
  data.product = model_.product;
  data.revision = model_.revision;
  return mpi::EncodeInquiryData(data);
}

Bytes ScsiTarget::Identification() const {
  mpi::Designator unit;
  unit.data = BigEndian(device_.name.value());
  mpi::Designator port;
  port.association = mpi::Designator::Association::kTargetPort;
  port.data = BigEndian(port_address_.value());
  return mpi::EncodeDeviceIdentification(static_cast<uint8_t>(model_.type), {unit, port});
}

Bytes ScsiTarget::Capacity10() const {
  const uint64_t last = model_.size_bytes / model_.block_size - 1;
  Bytes data(8);
  StoreBe32(MutableByteSpan(data), 0, static_cast<uint32_t>(std::min<uint64_t>(last, 0xFFFFFFFF)));
  StoreBe32(MutableByteSpan(data), 4, model_.block_size);
  return data;
}

Bytes ScsiTarget::Capacity16() const {
  mpi::Capacity capacity;
  capacity.last_block = model_.size_bytes / model_.block_size - 1;
  capacity.block_size = model_.block_size;
  return mpi::EncodeCapacity16(capacity);
}

}  // namespace sasd::emulator
