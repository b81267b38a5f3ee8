#include "emulator/pci/guest_memory.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_format.h"

namespace sasd::emulator::pci {
namespace {

constexpr uint64_t kPage = 4096;

absl::Status Refuse(const MemoryRegion& region, const char* why) {
  return absl::InvalidArgumentError(
      absl::StrFormat("guest memory at 0x%x, %u bytes: %s", region.address, region.size, why));
}

// Checks one region: not empty, within 64 bits, and within its file.
absl::Status CheckRegion(const MemoryRegion& region, const struct stat& file) {
  const uint64_t file_size = static_cast<uint64_t>(file.st_size);
  if (region.size == 0) return Refuse(region, "it is empty");
  if (region.address + region.size < region.address) return Refuse(region, "it wraps around");
  if (region.offset % kPage != 0) return Refuse(region, "its offset is not page aligned");
  if (region.offset > file_size || region.size > file_size - region.offset) {
    return Refuse(region, "it ends beyond its file");
  }
  return absl::OkStatus();
}

}  // namespace

GuestMemory::~GuestMemory() { Unmap(mappings_); }

void GuestMemory::Unmap(std::vector<Mapping>& mappings) {
  for (Mapping& mapping : mappings) {
    if (mapping.bytes != nullptr) munmap(mapping.bytes, mapping.region.size);
    mapping.bytes = nullptr;
  }
}

// QEMU sends the same map again and again.
bool GuestMemory::IsMapped(const std::vector<Mapping>& mappings) const {
  return std::equal(mappings.begin(), mappings.end(), mappings_.begin(), mappings_.end(),
                    [](const Mapping& a, const Mapping& b) {
                      return a.region.address == b.region.address &&
                             a.region.size == b.region.size && a.region.offset == b.region.offset &&
                             a.device == b.device && a.inode == b.inode;
                    });
}

absl::Status GuestMemory::Map(const std::vector<MemoryRegion>& regions,
                              std::vector<UniqueFd> files) {
  if (regions.size() != files.size()) {
    return absl::InvalidArgumentError("guest memory: the numbers of files and regions differ");
  }
  std::vector<std::pair<Mapping, int>> wanted;
  for (size_t i = 0; i < regions.size(); ++i) {
    struct stat file;
    if (fstat(files[i].get(), &file) != 0) return Refuse(regions[i], "its file is not open");
    if (absl::Status s = CheckRegion(regions[i], file); !s.ok()) return s;
    wanted.push_back({{regions[i], file.st_dev, file.st_ino, nullptr}, files[i].get()});
  }
  std::sort(wanted.begin(), wanted.end(), [](const auto& a, const auto& b) {
    return a.first.region.address < b.first.region.address;
  });
  std::vector<Mapping> mappings;
  for (const auto& [mapping, fd] : wanted) {
    if (!mappings.empty() &&
        mapping.region.address < mappings.back().region.address + mappings.back().region.size) {
      return Refuse(mapping.region, "it overlaps another");
    }
    mappings.push_back(mapping);
  }
  if (IsMapped(mappings)) return absl::OkStatus();
  for (size_t i = 0; i < mappings.size(); ++i) {
    void* const bytes = mmap(nullptr, mappings[i].region.size, PROT_READ | PROT_WRITE, MAP_SHARED,
                             wanted[i].second, static_cast<off_t>(mappings[i].region.offset));
    if (bytes == MAP_FAILED) {
      Unmap(mappings);
      return absl::ResourceExhaustedError(absl::StrFormat(
          "guest memory at 0x%x: mmap: %s", mappings[i].region.address, std::strerror(errno)));
    }
    mappings[i].bytes = static_cast<uint8_t*>(bytes);
  }
  Unmap(mappings_);
  mappings_ = std::move(mappings);
  return absl::OkStatus();
}

bool GuestMemory::Contains(uint64_t address, uint64_t size) {
  if (address + size < address) return false;
  uint64_t at = address;
  for (const Mapping& mapping : mappings_) {  // by address: each continues where the last ended
    if (at >= address + size) break;
    const uint64_t end = mapping.region.address + mapping.region.size;
    if (mapping.region.address <= at && at < end) at = end;
  }
  return at >= address + size;
}

template <typename F>
void GuestMemory::ForEachPiece(uint64_t address, uint64_t size, F f) const {
  for (const Mapping& mapping : mappings_) {
    const uint64_t begin = std::max(address, mapping.region.address);
    const uint64_t end = std::min(address + size, mapping.region.address + mapping.region.size);
    if (begin >= end) continue;
    f(mapping.bytes + (begin - mapping.region.address), begin - address, end - begin);
  }
}

bool GuestMemory::Read(uint64_t address, MutableByteSpan out) {
  if (!Contains(address, out.size())) return false;
  ForEachPiece(address, out.size(), [&](const uint8_t* from, uint64_t at, uint64_t size) {
    std::memcpy(out.data() + at, from, size);
  });
  return true;
}

bool GuestMemory::Write(uint64_t address, ByteSpan bytes) {
  if (!Contains(address, bytes.size())) return false;
  ForEachPiece(address, bytes.size(), [&](uint8_t* to, uint64_t at, uint64_t size) {
    std::memcpy(to, bytes.data() + at, size);
  });
  return true;
}

bool GuestMemory::StoreAtomic64(uint64_t address, uint64_t value) {
  // Regions begin at a page of their file. So an aligned guest address is aligned here, if the
  // region's address is.
  if (address % sizeof(value) != 0 || !Contains(address, sizeof(value))) return false;
  bool stored = false;
  ForEachPiece(address, sizeof(value), [&](uint8_t* to, uint64_t, uint64_t size) {
    const bool aligned = reinterpret_cast<uintptr_t>(to) % sizeof(value) == 0;
    if (size != sizeof(value) || !aligned) return;
    __atomic_store_n(static_cast<uint64_t*>(static_cast<void*>(to)), value, __ATOMIC_RELEASE);
    stored = true;
  });
  return stored;
}

}  // namespace sasd::emulator::pci
