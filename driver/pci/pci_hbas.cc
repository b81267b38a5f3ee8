#include "driver/pci/pci_hbas.h"

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "driver/pci/hba_ids.h"

namespace sasd::pci {
namespace {

uint16_t ReadId(const MachineFiles& files, const std::string& path) {
  uint32_t id = 0;
  return absl::SimpleHexAtoi(files.Read(path), &id) ? static_cast<uint16_t>(id) : 0;
}

// Drivers that do no DMA of their own, so that vfio lends their neighbours (linux 6.1: the drivers
// with driver_managed_dma).
bool LeavesDmaAlone(absl::string_view driver) {
  return driver.empty() || driver == "vfio-pci" || driver == "pci-stub" || driver == "pcieport";
}

std::vector<Neighbour> FindNeighbours(const MachineFiles& files, const std::string& folder,
                                      absl::string_view address) {
  std::vector<Neighbour> neighbours;
  for (const std::string& other : files.List(folder + "/iommu_group/devices")) {
    const std::string driver = BaseName(files.LinkOf(FunctionFolder(other) + "/driver"));
    if (other != address && !LeavesDmaAlone(driver)) neighbours.push_back({other, driver});
  }
  return neighbours;
}

}  // namespace

std::string FunctionFolder(absl::string_view address) {
  return absl::StrCat("/sys/bus/pci/devices/", address);
}

std::optional<PciHba> FindHba(const MachineFiles& files, absl::string_view address) {
  if (address.empty() || absl::StrContains(address, '/')) return std::nullopt;
  const std::string folder = FunctionFolder(address);
  const uint16_t vendor = ReadId(files, folder + "/vendor");
  const uint16_t device = ReadId(files, folder + "/device");
  const HbaId* const id = FindHbaId(vendor, device);
  if (id == nullptr) return std::nullopt;
  PciHba hba;
  hba.address = std::string(address);
  hba.vendor = vendor;
  hba.device = device;
  hba.chip = std::string(id->chip);
  hba.refusal = std::string(id->refusal);
  hba.driver = BaseName(files.LinkOf(folder + "/driver"));
  hba.driver_override = files.Read(folder + "/driver_override");
  if (hba.driver_override == "(null)") hba.driver_override.clear();
  hba.iommu_group = BaseName(files.LinkOf(folder + "/iommu_group"));
  hba.iommu_type = files.Read(folder + "/iommu_group/type");
  hba.neighbours = FindNeighbours(files, folder, address);
  hba.reset_methods = files.Read(folder + "/reset_method");
  return hba;
}

std::vector<PciHba> FindHbas(const MachineFiles& files) {
  std::vector<PciHba> hbas;
  for (const std::string& address : files.List("/sys/bus/pci/devices")) {
    if (auto hba = FindHba(files, address); hba.has_value()) hbas.push_back(*std::move(hba));
  }
  return hbas;
}

}  // namespace sasd::pci
