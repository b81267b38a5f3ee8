#ifndef DRIVER_PCI_FAKE_MACHINE_FILES_H_
#define DRIVER_PCI_FAKE_MACHINE_FILES_H_

#include <map>
#include <set>
#include <string>
#include <vector>

#include "driver/pci/machine_files.h"

namespace sasd::pci {

// A machine in a folder: a real tree of files, whose /sys answers writes as the kernel's PCI core
// does (drivers/pci/pci-driver.c, drivers/base/bus.c). Remembers what was written.
class FakeMachineFiles : public MachineFiles {
 public:
  // An empty folder.
  explicit FakeMachineFiles(std::string root);

  // Makes files and folders, with the folders above.
  void Put(const std::string& path, const std::string& text);
  void Link(const std::string& path, const std::string& target);
  void Remove(const std::string& path);

  // A function. `group` may be empty: no IOMMU.
  void AddFunction(const std::string& address, const std::string& vendor, const std::string& device,
                   const std::string& group);
  // A disk below a function, or a partition of a disk ("sda1" of "sda").
  void AddDisk(const std::string& address, const std::string& name, const std::string& number);
  void AddPartition(const std::string& address, const std::string& disk, const std::string& name,
                    const std::string& number);
  // A process with an open file.
  void AddProcess(int pid, const std::string& name, const std::string& open_file);

  // A driver that is loaded.
  void Load(const std::string& driver);
  void Bind(const std::string& address, const std::string& driver);
  std::string DriverOf(const std::string& address) const;

  std::set<std::string> claimed, locked;  // paths
  // The driver that a function without an override gets, if it is loaded.
  std::map<std::string, std::string> own_driver;
  std::set<std::string> refuses;     // drivers whose probe fails
  std::vector<std::string> written;  // "PATH=TEXT"
  std::vector<std::string> given;    // "PATH GID MODE"

  bool IsClaimed(const std::string& path) const override { return claimed.count(path) != 0; }
  bool IsLocked(const std::string& path) const override { return locked.count(path) != 0; }
  absl::Status Write(const std::string& path, absl::string_view text) override;
  absl::Status GiveTo(const std::string& path, uid_t user, gid_t group, mode_t mode) override;

 private:
  void AddBlock(const std::string& folder, const std::string& name, const std::string& number);
  void Probe(const std::string& address);
};

}  // namespace sasd::pci

#endif  // DRIVER_PCI_FAKE_MACHINE_FILES_H_
