#ifndef EMULATOR_PCI_LINK_CODEC_H_
#define EMULATOR_PCI_LINK_CODEC_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "driver/base/endian.h"

// The messages of QEMU's multi-process link (QEMU 7.2, include/hw/remote/mpqemu-link.h): a header,
// then a payload; file descriptors travel beside the header. The link is in the machine's byte
// order, and machines here are little-endian. Pure functions; decoding is total.
namespace sasd::emulator::pci {

enum class LinkCommand : uint32_t {
  kSyncSystemMemory = 0,
  kReturn = 1,
  kConfigWrite = 2,
  kConfigRead = 3,
  kBarWrite = 4,
  kBarRead = 5,
  kSetIrqFd = 6,
  kDeviceReset = 7,
};

constexpr size_t kLinkHeaderSize = 16;
constexpr size_t kMaxLinkPayload = 192;
constexpr size_t kMaxLinkFds = 8;

struct LinkHeader {
  LinkCommand command = LinkCommand::kReturn;
  uint32_t size = 0;  // of the payload, bytes
};
// kInvalidArgument for an unknown command, or a size that does not fit the command.
absl::StatusOr<LinkHeader> DecodeLinkHeader(ByteSpan bytes);
Bytes EncodeLinkHeader(const LinkHeader& header);

// One region of the guest's memory. Its `size` bytes at guest address `address` are the file's
// bytes from `offset` on. The file is sent along.
struct MemoryRegion {
  uint64_t address = 0;
  uint64_t size = 0;
  uint64_t offset = 0;
};
// `count` (<= kMaxLinkFds): the number of files sent along.
absl::StatusOr<std::vector<MemoryRegion>> DecodeSyncSystemMemory(ByteSpan payload, size_t count);
Bytes EncodeSyncSystemMemory(const std::vector<MemoryRegion>& regions);  // at most kMaxLinkFds

struct ConfigAccess {
  uint32_t address = 0;
  uint32_t value = 0;
  uint32_t size = 4;  // 1, 2 or 4
};
absl::StatusOr<ConfigAccess> DecodeConfigAccess(ByteSpan payload);
Bytes EncodeConfigAccess(const ConfigAccess& access);

struct BarAccess {
  uint64_t address = 0;  // of the bus, not of the BAR
  uint64_t value = 0;
  uint32_t size = 4;   // 1, 2, 4 or 8
  bool memory = true;  // else I/O space
};
absl::StatusOr<BarAccess> DecodeBarAccess(ByteSpan payload);
Bytes EncodeBarAccess(const BarAccess& access);

// A whole message.
Bytes EncodeReturn(uint64_t value);

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_LINK_CODEC_H_
