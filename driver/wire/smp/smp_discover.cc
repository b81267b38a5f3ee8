#include "driver/wire/smp/smp_discover.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "driver/wire/layout.h"

namespace sasd::mpi {
namespace {

constexpr uint8_t kVirtual = 0x80;
constexpr uint8_t kNoSlotGroup = 0xFF;
constexpr size_t kShortSize = 24;

// A byte with a programmed and a hardware rate (SPL-4, DISCOVER response, bytes 40 and 41).
uint8_t RatePair(LinkRate programmed, LinkRate hardware) {
  return static_cast<uint8_t>(static_cast<uint8_t>(programmed) << 4 |
                              static_cast<uint8_t>(hardware));
}

// SPL-4, DISCOVER LIST, SHORT FORMAT descriptor; `out` is all 0. Byte 1 is its result.
void EncodeShort(const DiscoverResponse& phy, MutableByteSpan out) {
  out[0] = phy.phy.value();
  out[2] = static_cast<uint8_t>(phy.attached_device_type << 4);
  out[3] = static_cast<uint8_t>(phy.negotiated);
  out[4] = phy.attached_initiators;
  out[5] = phy.attached_targets;
  out[6] = static_cast<uint8_t>((phy.is_virtual ? kVirtual : 0) | (phy.routing & 0x0F));
  out[7] = static_cast<uint8_t>(phy.negotiated);
  out[10] = phy.attached_phy.value();
  out[11] = phy.change_count;
  StoreBe64(out, 12, phy.attached_address.value());
}

DiscoverResponse DecodeShort(ByteSpan in) {
  DiscoverResponse phy;
  phy.phy = PhyId(in[0]);
  phy.attached_device_type = in[2] >> 4 & 0x7;
  phy.negotiated = LinkRateFromNibble(in[3]);
  phy.attached_initiators = in[4] & 0x0F;
  phy.attached_targets = in[5] & 0x0F;
  phy.is_virtual = (in[6] & kVirtual) != 0;
  phy.routing = in[6] & 0x0F;
  phy.attached_phy = PhyId(in[10]);
  phy.change_count = in[11];
  phy.attached_address = SasAddress(LoadBe64(in, 12));
  return phy;
}

}  // namespace

// SPL-4, 9.4.4.10, DISCOVER response.
absl::StatusOr<DiscoverResponse> DecodeDiscoverResponse(ByteSpan frame) {
  if (absl::Status s = CheckSmpResponse(SmpFunction::kDiscover, frame, 48); !s.ok()) return s;
  DiscoverResponse response;
  response.change_count_of_expander = LoadBe16(frame, 4);
  response.phy = PhyId(frame[9]);
  response.attached_device_type = frame[12] >> 4 & 0x7;
  response.negotiated = LinkRateFromNibble(frame[13]);
  response.attached_initiators = frame[14] & 0x0F;
  response.attached_targets = frame[15] & 0x0F;
  response.address = SasAddress(LoadBe64(frame, 16));
  response.attached_address = SasAddress(LoadBe64(frame, 24));
  response.attached_phy = PhyId(frame[32]);
  response.programmed_min = LinkRateFromNibble(frame[40] >> 4);
  response.hardware_min = LinkRateFromNibble(frame[40]);
  response.programmed_max = LinkRateFromNibble(frame[41] >> 4);
  response.hardware_max = LinkRateFromNibble(frame[41]);
  response.change_count = frame[42];
  response.is_virtual = (frame[43] & kVirtual) != 0;
  response.partial_pathway_timeout_us = frame[43] & 0x0F;
  response.routing = frame[44] & 0x0F;
  if (frame.size() >= 60) response.attached_device_name = SasAddress(LoadBe64(frame, 52));
  if (frame.size() > 108) response.slot = frame[108];
  return response;
}
Bytes EncodeDiscoverResponse(const DiscoverResponse& response) {
  Bytes frame = NewSmpResponse(SmpFunction::kDiscover, DiscoverResponse::kSize);
  const MutableByteSpan out = absl::MakeSpan(frame);
  StoreBe16(out, 4, response.change_count_of_expander);
  out[9] = response.phy.value();
  out[12] = static_cast<uint8_t>(response.attached_device_type << 4);
  out[13] = static_cast<uint8_t>(response.negotiated);
  out[14] = response.attached_initiators;
  out[15] = response.attached_targets;
  StoreBe64(out, 16, response.address.value());
  StoreBe64(out, 24, response.attached_address.value());
  out[32] = response.attached_phy.value();
  out[40] = RatePair(response.programmed_min, response.hardware_min);
  out[41] = RatePair(response.programmed_max, response.hardware_max);
  out[42] = response.change_count;
  out[43] = static_cast<uint8_t>((response.is_virtual ? kVirtual : 0) |
                                 (response.partial_pathway_timeout_us & 0x0F));
  out[44] = response.routing;
  StoreBe64(out, 52, response.attached_device_name.value());
  out[94] = static_cast<uint8_t>(response.negotiated);
  out[108] = response.slot;
  out[109] = kNoSlotGroup;
  return frame;
}

size_t DiscoverDescriptorSize(DescriptorType type) {
  return type == DescriptorType::kShort ? kShortSize : DiscoverResponse::kSize;
}

// SPL-4, DISCOVER LIST response.
absl::StatusOr<DiscoverListResponse> DecodeDiscoverListResponse(ByteSpan frame) {
  constexpr size_t kHeader = DiscoverListResponse::kHeaderSize;
  if (absl::Status s = CheckSmpResponse(SmpFunction::kDiscoverList, frame, kHeader); !s.ok()) {
    return s;
  }
  DiscoverListResponse response;
  response.change_count = LoadBe16(frame, 4);
  response.first_phy = PhyId(frame[8]);
  response.filter = static_cast<PhyFilter>(frame[10] & 0x0F);
  response.type = static_cast<DescriptorType>(frame[11] & 0x0F);
  response.flags = frame[16];
  response.last_status_index = LoadBe16(frame, 18);
  const size_t count = frame[9], size = 4 * frame[12];
  const bool is_short = response.type == DescriptorType::kShort;
  if (count > 0 && is_short && size < kShortSize) {
    return absl::InvalidArgumentError(
        absl::StrCat("SMP discover list response: descriptors of ", size, " bytes"));
  }
  if (absl::Status s = CheckSmpResponse(SmpFunction::kDiscoverList, frame, kHeader + count * size);
      !s.ok()) {
    return s;
  }
  for (size_t i = 0; i < count; ++i) {
    const ByteSpan descriptor = frame.subspan(kHeader + i * size, size);
    if (is_short) {
      if (descriptor[1] == 0) response.phys.push_back(DecodeShort(descriptor));
      continue;
    }
    const auto phy = DecodeDiscoverResponse(descriptor);
    if (absl::IsInvalidArgument(phy.status())) return phy.status();
    if (phy.ok()) response.phys.push_back(*phy);
  }
  return response;
}
Bytes EncodeDiscoverListResponse(const DiscoverListResponse& response) {
  constexpr size_t kHeader = DiscoverListResponse::kHeaderSize;
  const size_t size = DiscoverDescriptorSize(response.type);
  const size_t count = std::min(response.phys.size(), (kMaxSmpResponse - kHeader) / size);
  Bytes frame = NewSmpResponse(SmpFunction::kDiscoverList, kHeader + count * size);
  const MutableByteSpan out = absl::MakeSpan(frame);
  StoreBe16(out, 4, response.change_count);
  out[8] = response.first_phy.value();
  out[9] = static_cast<uint8_t>(count);
  out[10] = static_cast<uint8_t>(response.filter);
  out[11] = static_cast<uint8_t>(response.type);
  out[12] = static_cast<uint8_t>(size / 4);
  out[16] = response.flags;
  StoreBe16(out, 18, response.last_status_index);
  for (size_t i = 0; i < count; ++i) {
    const MutableByteSpan descriptor = out.subspan(kHeader + i * size, size);
    if (response.type == DescriptorType::kShort) {
      EncodeShort(response.phys[i], descriptor);
    } else {
      const Bytes whole = EncodeDiscoverResponse(response.phys[i]);
      std::copy(whole.begin(), whole.end(), descriptor.begin());
    }
  }
  return frame;
}

}  // namespace sasd::mpi
