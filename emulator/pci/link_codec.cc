#include "emulator/pci/link_codec.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace sasd::emulator::pci {
namespace {

constexpr size_t kSyncSize = kMaxLinkPayload, kConfigSize = 12, kBarSize = 24, kReturnSize = 8;
constexpr size_t kSizesAt = 64, kOffsetsAt = 128;  // in SYNC_SYSMEM

uint32_t PayloadSize(LinkCommand command) {
  switch (command) {
    case LinkCommand::kSyncSystemMemory:
      return kSyncSize;
    case LinkCommand::kReturn:
      return kReturnSize;
    case LinkCommand::kConfigWrite:
    case LinkCommand::kConfigRead:
      return kConfigSize;
    case LinkCommand::kBarWrite:
    case LinkCommand::kBarRead:
      return kBarSize;
    case LinkCommand::kSetIrqFd:
    case LinkCommand::kDeviceReset:
      break;
  }
  return 0;
}

absl::Status CheckSize(absl::string_view what, size_t size, size_t needed) {
  if (size == needed) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("link: ", what, " of ", size, " bytes, not ", needed));
}

bool IsAccessSize(uint32_t size, uint32_t largest) {
  return size != 0 && size <= largest && (size & (size - 1)) == 0;
}

}  // namespace

absl::StatusOr<LinkHeader> DecodeLinkHeader(ByteSpan bytes) {
  if (absl::Status s = CheckSize("header", bytes.size(), kLinkHeaderSize); !s.ok()) return s;
  const uint32_t command = LoadLe32(bytes, 0);
  const uint64_t size = LoadLe64(bytes, 8);
  if (command > static_cast<uint32_t>(LinkCommand::kDeviceReset)) {
    return absl::InvalidArgumentError(absl::StrCat("link: unknown command ", command));
  }
  const LinkHeader header{static_cast<LinkCommand>(command),
                          PayloadSize(static_cast<LinkCommand>(command))};
  if (size != header.size) {
    return absl::InvalidArgumentError(absl::StrCat("link: command ", command, " with ", size,
                                                   " bytes of payload, not ", header.size));
  }
  return header;
}

Bytes EncodeLinkHeader(const LinkHeader& header) {
  Bytes bytes(kLinkHeaderSize);
  StoreLe32(absl::MakeSpan(bytes), 0, static_cast<uint32_t>(header.command));
  StoreLe64(absl::MakeSpan(bytes), 8, header.size);
  return bytes;
}

absl::StatusOr<std::vector<MemoryRegion>> DecodeSyncSystemMemory(ByteSpan payload, size_t count) {
  if (absl::Status s = CheckSize("memory map", payload.size(), kSyncSize); !s.ok()) return s;
  if (count > kMaxLinkFds) {
    return absl::InvalidArgumentError(absl::StrCat("link: ", count, " memory regions"));
  }
  std::vector<MemoryRegion> regions(count);
  for (size_t i = 0; i < count; ++i) {
    regions[i] = {LoadLe64(payload, 8 * i), LoadLe64(payload, kSizesAt + 8 * i),
                  LoadLe64(payload, kOffsetsAt + 8 * i)};
  }
  return regions;
}

Bytes EncodeSyncSystemMemory(const std::vector<MemoryRegion>& regions) {
  Bytes bytes(kSyncSize);
  const MutableByteSpan out = absl::MakeSpan(bytes);
  for (size_t i = 0; i < std::min(regions.size(), kMaxLinkFds); ++i) {
    StoreLe64(out, 8 * i, regions[i].address);
    StoreLe64(out, kSizesAt + 8 * i, regions[i].size);
    StoreLe64(out, kOffsetsAt + 8 * i, regions[i].offset);
  }
  return bytes;
}

absl::StatusOr<ConfigAccess> DecodeConfigAccess(ByteSpan payload) {
  if (absl::Status s = CheckSize("access", payload.size(), kConfigSize); !s.ok()) return s;
  const ConfigAccess access{LoadLe32(payload, 0), LoadLe32(payload, 4), LoadLe32(payload, 8)};
  if (!IsAccessSize(access.size, 4)) {
    return absl::InvalidArgumentError(
        absl::StrCat("link: access of ", access.size, " bytes to configuration space"));
  }
  return access;
}

Bytes EncodeConfigAccess(const ConfigAccess& access) {
  Bytes bytes(kConfigSize);
  StoreLe32(absl::MakeSpan(bytes), 0, access.address);
  StoreLe32(absl::MakeSpan(bytes), 4, access.value);
  StoreLe32(absl::MakeSpan(bytes), 8, access.size);
  return bytes;
}

absl::StatusOr<BarAccess> DecodeBarAccess(ByteSpan payload) {
  if (absl::Status s = CheckSize("access", payload.size(), kBarSize); !s.ok()) return s;
  const BarAccess access{LoadLe64(payload, 0), LoadLe64(payload, 8), LoadLe32(payload, 16),
                         Load8(payload, 20) != 0};
  if (!IsAccessSize(access.size, 8)) {
    return absl::InvalidArgumentError(
        absl::StrCat("link: access of ", access.size, " bytes to a BAR"));
  }
  return access;
}

Bytes EncodeBarAccess(const BarAccess& access) {
  Bytes bytes(kBarSize);
  StoreLe64(absl::MakeSpan(bytes), 0, access.address);
  StoreLe64(absl::MakeSpan(bytes), 8, access.value);
  StoreLe32(absl::MakeSpan(bytes), 16, access.size);
  Store8(absl::MakeSpan(bytes), 20, access.memory ? 1 : 0);
  return bytes;
}

Bytes EncodeReturn(uint64_t value) {
  Bytes bytes = EncodeLinkHeader({LinkCommand::kReturn, kReturnSize});
  bytes.resize(kLinkHeaderSize + kReturnSize);
  StoreLe64(absl::MakeSpan(bytes), kLinkHeaderSize, value);
  return bytes;
}

}  // namespace sasd::emulator::pci
