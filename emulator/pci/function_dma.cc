#include "emulator/pci/function_dma.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_format.h"

namespace sasd::emulator::pci {

std::string Describe(const DmaFault& fault) {
  const bool silenced = fault.reason == DmaFault::Reason::kNotBusMaster;
  return absl::StrFormat("%s of %u bytes at 0x%x: %s", fault.write ? "write" : "read", fault.size,
                         fault.address, silenced ? "not a bus master" : "not mapped");
}

FunctionDma::FunctionDma(GuestMemory& memory, const ConfigSpace& config, Iommu* iommu,
                         std::function<void(const DmaFault&)> on_fault)
    : memory_(memory), config_(config), iommu_(iommu), on_fault_(std::move(on_fault)) {}

bool FunctionDma::Fail(const DmaFault& fault) {
  ++(fault.reason == DmaFault::Reason::kNotBusMaster ? counts_.not_bus_master : counts_.not_mapped);
  if (on_fault_) on_fault_(fault);
  return false;
}

std::optional<PhysicalRange> FunctionDma::Translate(uint64_t address, Access access) {
  if (access != Access::kEither) {
    return iommu_->Translate(memory_, address, access == Access::kWrite);
  }
  const auto read = iommu_->Translate(memory_, address, false);
  return read.has_value() ? read : iommu_->Translate(memory_, address, true);
}

bool FunctionDma::Resolve(uint64_t address, uint64_t size, Access access,
                          std::vector<PhysicalRange>& ranges) {
  using Reason = DmaFault::Reason;
  const bool write = access == Access::kWrite;
  if (!config_.bus_master()) return Fail({Reason::kNotBusMaster, write, address, size});
  const DmaFault not_mapped{Reason::kNotMapped, write, address, size};
  if (address + size < address) return Fail(not_mapped);
  ranges.clear();
  for (uint64_t done = 0; done < size;) {
    PhysicalRange range{address + done, size - done};
    if (iommu_ != nullptr) {
      const auto translated = Translate(range.address, access);
      if (!translated.has_value()) return Fail(not_mapped);
      range = {translated->address, std::min(translated->size, range.size)};
    }
    if (!memory_.Contains(range.address, range.size)) return Fail(not_mapped);
    ranges.push_back(range);
    done += range.size;
  }
  return true;
}

bool FunctionDma::Contains(uint64_t address, uint64_t size) {
  std::vector<PhysicalRange> ranges;
  return Resolve(address, size, Access::kEither, ranges);
}

bool FunctionDma::Read(uint64_t address, MutableByteSpan out) {
  std::vector<PhysicalRange> ranges;
  if (!Resolve(address, out.size(), Access::kRead, ranges)) return false;
  for (const PhysicalRange& range : ranges) {
    if (!memory_.Read(range.address, out.subspan(0, range.size))) return false;
    out.remove_prefix(range.size);
  }
  return true;
}

bool FunctionDma::Write(uint64_t address, ByteSpan bytes) {
  std::vector<PhysicalRange> ranges;
  if (!Resolve(address, bytes.size(), Access::kWrite, ranges)) return false;
  for (const PhysicalRange& range : ranges) {
    if (!memory_.Write(range.address, bytes.subspan(0, range.size))) return false;
    bytes.remove_prefix(range.size);
  }
  return true;
}

bool FunctionDma::StoreAtomic64(uint64_t address, uint64_t value) {
  std::vector<PhysicalRange> ranges;
  if (!Resolve(address, sizeof(value), Access::kWrite, ranges)) return false;
  return ranges.size() == 1 && memory_.StoreAtomic64(ranges[0].address, value);
}

}  // namespace sasd::emulator::pci
