#include "driver/sysfs/controlled_hosts.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "driver/sysfs/attribute_text.h"
#include "driver/sysfs/sysfs_root.h"
#include "driver/sysfs/tree_io.h"

namespace sasd::sysfs {
namespace {

std::optional<uint32_t> ReadNumber(TreeIo& io, const Directory& directory, Attribute attribute) {
  const std::optional<uint64_t> number = NumberOf(io.Read(directory, attribute), UINT32_MAX);
  if (!number) return std::nullopt;
  return static_cast<uint32_t>(*number);
}

// Keeps the host's folder open: an idle sasd reads the count every second, and does nothing else.
class ResetCounter {
 public:
  ResetCounter(std::string root, std::string scsi_host, FileIo& io)
      : root_(std::move(root)), scsi_host_(std::move(scsi_host)), tree_(io) {}

  std::optional<uint32_t> Read() {
    std::optional<uint32_t> count;
    if (folder_) count = ReadNumber(tree_, folder_, Attribute::kIocResetCount);
    if (count) return count;
    const absl::StatusOr<Directory> sysfs = OpenSysfs(root_, tree_.io());
    if (!sysfs.ok()) return std::nullopt;
    folder_ = tree_.Open(*sysfs, scsi_host_);
    return ReadNumber(tree_, folder_, Attribute::kIocResetCount);
  }

 private:
  const std::string root_, scsi_host_;
  TreeIo tree_;
  Directory folder_;
};

}  // namespace

std::string ControlNodeOf(absl::string_view proc_name) {
  if (proc_name == "mpt3sas") return "/dev/mpt3ctl";
  if (proc_name == "mpt2sas") return "/dev/mpt2ctl";
  return "";
}

absl::StatusOr<std::vector<ControlledHost>> FindControlledHosts(const std::string& root, FileIo& io,
                                                                KeyAssignments* keys) {
  const absl::StatusOr<Directory> sysfs = OpenSysfs(root, io);
  if (!sysfs.ok()) return sysfs.status();
  TreeIo tree(io);
  std::vector<ControlledHost> hosts;
  for (HostPlace& place : FindHosts(tree, *sysfs)) {
    ControlledHost host;
    host.scsi_host = absl::StrCat(place.path, "/scsi_host/", place.name);
    const Directory folder = tree.Open(*sysfs, host.scsi_host);
    const auto text = [&](Attribute a) { return PrintableText(tree.Read(folder, a)); };
    host.ctl.driver_name = text(Attribute::kProcName);
    host.ctl.node = ControlNodeOf(host.ctl.driver_name);
    const std::optional<uint32_t> number = ReadNumber(tree, folder, Attribute::kUniqueId);
    if (host.ctl.node.empty() || !number) continue;
    host.ctl.ioc_number = *number;
    host.ctl.os_name = std::move(place.name);
    host.ctl.pci_address = std::move(place.pci_address);
    host.ctl.board_name = text(Attribute::kBoardName);
    host.ctl.chip_name = text(Attribute::kVersionProduct);
    host.ctl.sas_address = AddressOf(tree.Read(folder, Attribute::kHostSasAddress));
    if (host.ctl.sas_address != SasAddress()) {
      host.key = keys == nullptr ? HostKey(host.ctl.sas_address)
                                 : keys->KeyOf({host.ctl.sas_address, place.location});
    }
    hosts.push_back(std::move(host));
  }
  if (!tree.status().ok()) return tree.status();
  return hosts;
}

std::function<std::optional<uint32_t>()> ResetCountOf(const ControlledHost& host,
                                                      const std::string& root, FileIo& io) {
  return [counter = std::make_shared<ResetCounter>(root, host.scsi_host, io)] {
    return counter->Read();
  };
}

}  // namespace sasd::sysfs
