#include "driver/mpi/ioc_pages.h"

#include "driver/mpi/layout.h"
#include "driver/mpi/pages.h"

namespace sasd::mpi {
namespace {

// A page's name for errors, how much there must be to decode, and its fields.
template <typename Page>
struct Flat;

template <>
struct Flat<ManufacturingPage11> {
  static constexpr char kName[] = "manufacturing page 11";
  static constexpr size_t kNeeded = 0x2F;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    io(0x09, p.eedp_tag_mode);
    io(0x2C, p.additional_flags2);
    io(0x2E, p.additional_flags3);
  }
};

template <>
struct Flat<IoUnitPage0> {
  static constexpr char kName[] = "IO unit page 0";
  static constexpr size_t kNeeded = 0x14;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    io(0x04, p.unique_value);
    io(0x0C, p.nvdata_version_default);
    io(0x10, p.nvdata_version_persistent);
  }
};

template <>
struct Flat<IoUnitPage1> {
  static constexpr char kName[] = "IO unit page 1";
  static constexpr size_t kNeeded = 0x08;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    io(0x04, p.flags);
  }
};

template <>
struct Flat<IoUnitPage8> {
  static constexpr char kName[] = "IO unit page 8";
  static constexpr size_t kNeeded = 0x0E;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    io(0x0C, p.sensor_count);
    io(0x0D, p.polling_interval);
  }
};

template <>
struct Flat<IocPage8> {
  static constexpr char kName[] = "IOC page 8";
  static constexpr size_t kNeeded = 0x12;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    io(0x04, p.devices_per_enclosure);
    io(0x08, p.max_persistent_entries);
    io(0x0A, p.max_physical_mapped_ids);
    io(0x0C, p.flags);
    io(0x10, p.volume_mapping_flags);
  }
};

template <>
struct Flat<BiosPage2> {
  static constexpr char kName[] = "BIOS page 2";
  static constexpr size_t kNeeded = 0x70;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    VisitDevice(io, 0x1C, p.requested);
    VisitDevice(io, 0x38, p.requested_alternate);
    VisitDevice(io, 0x54, p.current);
  }
  // The form, and 4 bytes further MPI2_BIOSPAGE2_BOOT_DEVICE. Where the form is not the slot's, the
  // bytes of `slot` are reserved.
  template <typename Io, typename D>
  static void VisitDevice(const Io& io, size_t at, D& device) {
    io(at, device.form);
    io(at + 0x04, device.name);
    io(at + 0x14, device.slot);
  }
};

template <>
struct Flat<BiosPage3> {
  static constexpr char kName[] = "BIOS page 3";
  static constexpr size_t kNeeded = 0x0C;
  template <typename Io, typename P>
  static void Visit(const Io& io, P& p) {
    io(0x04, p.global_flags);
    io(0x08, p.bios_version);
  }
};

template <typename Page>
absl::StatusOr<Page> Decode(ByteSpan bytes) {
  if (absl::Status s = CheckSize(Flat<Page>::kName, bytes, Flat<Page>::kNeeded); !s.ok()) return s;
  Page page;
  Flat<Page>::Visit(Loader(bytes), page);
  return page;
}

template <typename Page>
Bytes Encode(const Page& page) {
  Bytes bytes = EncodeEmptyPage(Page::kHeader);
  Flat<Page>::Visit(Storer(absl::MakeSpan(bytes)), page);
  return bytes;
}

}  // namespace

absl::StatusOr<ManufacturingPage11> DecodeManufacturingPage11(ByteSpan page) {
  return Decode<ManufacturingPage11>(page);
}
Bytes EncodeManufacturingPage11(const ManufacturingPage11& page) { return Encode(page); }

absl::StatusOr<IoUnitPage0> DecodeIoUnitPage0(ByteSpan page) { return Decode<IoUnitPage0>(page); }
Bytes EncodeIoUnitPage0(const IoUnitPage0& page) { return Encode(page); }

absl::StatusOr<IoUnitPage1> DecodeIoUnitPage1(ByteSpan page) { return Decode<IoUnitPage1>(page); }
Bytes EncodeIoUnitPage1(const IoUnitPage1& page) { return Encode(page); }

absl::StatusOr<IoUnitPage8> DecodeIoUnitPage8(ByteSpan page) { return Decode<IoUnitPage8>(page); }
Bytes EncodeIoUnitPage8(const IoUnitPage8& page) { return Encode(page); }

absl::StatusOr<IocPage8> DecodeIocPage8(ByteSpan page) { return Decode<IocPage8>(page); }
Bytes EncodeIocPage8(const IocPage8& page) { return Encode(page); }

absl::StatusOr<BiosPage2> DecodeBiosPage2(ByteSpan page) { return Decode<BiosPage2>(page); }
Bytes EncodeBiosPage2(const BiosPage2& page) { return Encode(page); }

absl::StatusOr<BiosPage3> DecodeBiosPage3(ByteSpan page) { return Decode<BiosPage3>(page); }
Bytes EncodeBiosPage3(const BiosPage3& page) { return Encode(page); }

}  // namespace sasd::mpi
