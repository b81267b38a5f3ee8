#include "driver/sysfs/fake_sysfs.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/wire/scsi/scsi.h"

namespace sasd::sysfs {
namespace {

namespace fs = std::filesystem;

std::string Hex(uint64_t value) { return absl::StrFormat("0x%016x", value); }

// Major and minor of a disk by its name, as Linux's sd_probe() gives them: sdb is 8:16.
std::string DiskNumbers(absl::string_view name) {
  int index = -1;
  for (char letter : name.substr(2)) index = (index + 1) * 26 + (letter - 'a');
  const int block = index >> 4 & 0xF;
  const int major = block == 0 ? 8 : block < 8 ? 64 + block : 120 + block;
  return absl::StrCat(major, ":", (index & 0xF) << 4 | (index & 0xFFF00));
}

class Writer {
 public:
  explicit Writer(fs::path root) : root_(std::move(root)) {}

  absl::Status Write(const std::vector<FakeHost>& hosts) {
    Folder(root_ / "class");
    Folder(root_ / "devices");
    for (const FakeHost& host : hosts) WriteHost(host);
    // Links each component's `device` after its occupant exists.
    for (const auto& [component, occupant] : occupants_) {
      if (units_.count(occupant) > 0) Link(component / "device", units_[occupant]);
    }
    return status_;
  }

 private:
  void Folder(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) status_.Update(absl::InternalError(path.string() + ": " + error.message()));
  }

  void File(const fs::path& path, const std::string& content) {
    std::ofstream file(path, std::ios::binary);
    if (!(file << content)) status_.Update(absl::InternalError("cannot write " + path.string()));
  }

  // Writes an attribute with a line end, as the kernel does.
  void Text(const fs::path& directory, const std::string& name, const std::string& value) {
    File(directory / name, value + "\n");
  }

  void Link(const fs::path& link, const fs::path& target) {
    Folder(link.parent_path());
    std::error_code error;
    fs::create_symlink(target.lexically_relative(link.parent_path()), link, error);
    if (error && error != std::errc::file_exists) {
      status_.Update(absl::InternalError(link.string() + ": " + error.message()));
    }
  }

  // A class device beneath `device`, with its links both ways.
  fs::path ClassDevice(const fs::path& device, const std::string& class_name,
                       const std::string& name) {
    const fs::path path = device / class_name / name;
    Folder(path);
    Link(path / "device", device);
    Link(root_ / "class" / class_name / name, path);
    return path;
  }

  void WriteHost(const FakeHost& host) {
    const std::string name = absl::StrCat("host", host.number);
    const fs::path path = root_ / "devices/pci0000:00" / host.pci / name;
    ClassDevice(path, "sas_host", name);
    Link(root_ / "bus/scsi/devices" / name, path);
    const fs::path shost = ClassDevice(path, "scsi_host", name);
    if (host.address != 0) Text(shost, "host_sas_address", Hex(host.address));
    Text(shost, "proc_name", host.driver);
    Text(shost, "board_name", host.board);
    Text(shost, "version_product", host.chip);
    Text(shost, "version_fw", host.firmware);
    Text(shost, "unique_id", absl::StrCat(host.unique_id));
    Text(shost, "ioc_reset_count", absl::StrCat(host.reset_count));
    Text(shost, "state", "running");
    File(shost / "BRM_status", "");
    const std::string prefix = absl::StrCat(host.number);
    WritePhys(path, prefix, host.address, host.phys, host.ports);
    for (const FakePort& port : host.ports) WritePort(path, prefix, port);
  }

  void WritePhys(const fs::path& owner, const std::string& prefix, uint64_t address,
                 const std::vector<FakePhy>& phys, const std::vector<FakePort>& ports) {
    std::map<int, std::string> port_of;
    for (const FakePort& port : ports) {
      for (int phy : port.phys) port_of[phy] = port.name;
    }
    for (const FakePhy& phy : phys) {
      const std::string name = absl::StrCat("phy-", prefix, ":", phy.id);
      const fs::path path = ClassDevice(owner / name, "sas_phy", name);
      Text(path, "phy_identifier", absl::StrCat(phy.id));
      Text(path, "sas_address", Hex(address));
      Text(path, "negotiated_linkrate", phy.rate);
      Text(path, "minimum_linkrate", "3.0 Gbit");
      Text(path, "maximum_linkrate", "12.0 Gbit");
      Text(path, "minimum_linkrate_hw", "1.5 Gbit");
      Text(path, "maximum_linkrate_hw", "12.0 Gbit");
      Text(path, "invalid_dword_count", "0");
      Text(path, "enable", "1");
      if (port_of.count(phy.id) > 0) Link(owner / name / "port", owner / port_of[phy.id]);
    }
  }

  void WritePort(const fs::path& owner, const std::string& prefix, const FakePort& port) {
    const fs::path path = owner / port.name;
    Text(ClassDevice(path, "sas_port", port.name), "num_phys", absl::StrCat(port.phys.size()));
    for (int phy : port.phys) {
      const std::string name = absl::StrCat("phy-", prefix, ":", phy);
      Link(path / name, owner / name);
    }
    for (const FakeExpander& expander : port.expander) WriteExpander(path, expander);
    for (const FakeEndDevice& device : port.end_device) WriteEndDevice(path, device, port);
  }

  void WriteExpander(const fs::path& port, const FakeExpander& expander) {
    const fs::path path = port / expander.name;
    const fs::path device = ClassDevice(path, "sas_device", expander.name);
    Text(device, "sas_address", Hex(expander.address));
    Text(device, "device_type", "edge expander");
    Text(device, "scsi_target_id", "0");
    Text(device, "initiator_port_protocols", "smp");
    Text(device, "target_port_protocols", "smp");
    const fs::path specific = ClassDevice(path, "sas_expander", expander.name);
    Text(specific, "vendor_id", absl::StrFormat("%-8s", expander.vendor));
    Text(specific, "product_id", absl::StrFormat("%-16s", expander.product));
    Text(specific, "product_rev", expander.revision);
    Text(specific, "level", "1");  // mpt3sas shows 1 at any depth
    const std::string prefix = expander.name.substr(expander.name.find('-') + 1);
    WritePhys(path, prefix, expander.address, expander.phys, expander.ports);
    for (const FakePort& below : expander.ports) WritePort(path, prefix, below);
  }

  void WriteEndDevice(const fs::path& port, const FakeEndDevice& device, const FakePort& at) {
    const fs::path path = port / device.name;
    const fs::path specific = ClassDevice(path, "sas_device", device.name);
    Text(specific, "sas_address", Hex(device.address));
    Text(specific, "device_type", "end device");
    Text(specific, "scsi_target_id", absl::StrCat(device.target));
    Text(specific, "initiator_port_protocols", "none");
    Text(specific, "target_port_protocols", device.target_protocols);
    if (!at.phys.empty()) Text(specific, "phy_identifier", absl::StrCat(at.phys[0]));
    if (device.enclosure != 0) Text(specific, "enclosure_identifier", Hex(device.enclosure));
    if (device.bay) Text(specific, "bay_identifier", absl::StrCat(*device.bay));
    const fs::path end_device = ClassDevice(path, "sas_end_device", device.name);
    Text(end_device, "I_T_nexus_loss_timeout", "2000");
    for (const char* zero :
         {"initiator_response_timeout", "ready_led_meaning", "tlr_enabled", "tlr_supported"}) {
      Text(end_device, zero, "0");
    }
    const std::string host = device.name.substr(11, device.name.find(':') - 11);
    const std::string target = absl::StrCat(host, ":0:", device.target);
    for (size_t lun = 0; lun < device.units.size(); ++lun) {
      WriteUnit(path / absl::StrCat("target", target), absl::StrCat(target, ":", lun), device,
                device.units[lun]);
    }
  }

  void WriteUnit(const fs::path& target, const std::string& name, const FakeEndDevice& device,
                 const FakeUnit& unit) {
    const fs::path path = target / name;
    units_.emplace(device.name, path);
    Link(root_ / "bus/scsi/devices" / name, path);
    Link(root_ / "bus/scsi/devices" / target.filename(), target);
    ClassDevice(path, "scsi_device", name);
    Text(path, "type", absl::StrCat(unit.type));
    Text(path, "vendor", absl::StrFormat("%-8s", unit.vendor));
    Text(path, "model", absl::StrFormat("%-16s", unit.model));
    Text(path, "rev", absl::StrFormat("%-4s", unit.revision));
    Text(path, "state", unit.state);
    Text(path, "sas_address", Hex(device.address));
    if (device.handle != 0) {
      Text(path, "sas_device_handle", absl::StrFormat("0x%04x", device.handle));
    }
    if (!unit.wwid.empty()) Text(path, "wwid", unit.wwid);
    if (!unit.serial.empty()) {
      const Bytes page = mpi::EncodeUnitSerialNumber(unit.type, unit.serial);
      File(path / "vpd_pg80", std::string(page.begin(), page.end()));
    }
    WriteVpd83(path, device, unit);
    // Further attributes that lsscsi reads.
    Text(path, "device_blocked", "0");
    Text(path, "queue_depth", "254");
    Text(path, "scsi_level", "7");
    Text(path, "timeout", "30");
    if (!unit.block.empty()) {
      const fs::path block = ClassDevice(path, "block", unit.block);
      Text(block, "size", absl::StrCat(unit.size_bytes / 512));
      Text(block, "dev", DiskNumbers(unit.block));
      for (const FakeUnit::Holder& holder : unit.holders) WriteHolder(block, unit.block, holder);
    }
    if (!unit.generic.empty()) {
      const std::string minor = unit.generic.substr(2);
      Text(ClassDevice(path, "scsi_generic", unit.generic), "dev", absl::StrCat("21:", minor));
      Link(path / "generic", path / "scsi_generic" / unit.generic);
    }
    if (!unit.slots.empty()) WriteEnclosure(path, name, device, unit);
  }

  void WriteHolder(const fs::path& disk, const std::string& name, const FakeUnit::Holder& holder) {
    const fs::path held = holder.of_partition ? disk / (name + "1") : disk;
    const fs::path path = root_ / "devices/virtual/block" / holder.block;
    Folder(held / "holders");
    Link(held / "holders" / holder.block, path);
    Folder(path / "slaves");
    Link(path / "slaves" / held.filename(), held);
    if (holder.dm_name.empty()) return;
    Folder(path / "dm");
    Text(path / "dm", "name", holder.dm_name);
    Text(path / "dm", "uuid", holder.dm_uuid);
  }

  void WriteVpd83(const fs::path& path, const FakeEndDevice& device, const FakeUnit& unit) {
    if (!absl::StartsWith(unit.wwid, "naa.")) return;
    const absl::StatusOr<SasAddress> name = ParseSasAddress(unit.wwid);
    if (!name.ok()) return;
    mpi::Designator logical_unit, port;
    logical_unit.data = Bytes(8);
    StoreBe64(absl::MakeSpan(logical_unit.data), 0, name->value());
    port.association = mpi::Designator::Association::kTargetPort;
    port.data = Bytes(8);
    StoreBe64(absl::MakeSpan(port.data), 0, device.address);
    const Bytes page = mpi::EncodeDeviceIdentification(unit.type, {logical_unit, port});
    File(path / "vpd_pg83", std::string(page.begin(), page.end()));
  }

  void WriteEnclosure(const fs::path& path, const std::string& name, const FakeEndDevice& device,
                      const FakeUnit& unit) {
    const fs::path enclosure = ClassDevice(path, "enclosure", name);
    Text(enclosure, "id", Hex(device.enclosure));
    Text(enclosure, "components", absl::StrCat(unit.slots.size()));
    for (const FakeUnit::Slot& slot : unit.slots) {
      const fs::path component = enclosure / slot.name;
      Folder(component);
      Text(component, "type", "array device");
      Text(component, "slot", absl::StrCat(slot.number));
      for (const char* live : {"status", "fault", "locate", "active", "power_status"}) {
        Text(component, live, "0");
      }
      if (!slot.occupant.empty()) occupants_[component] = slot.occupant;
    }
  }

  const fs::path root_;
  absl::Status status_;
  std::map<std::string, fs::path> units_;      // the first unit of each end device
  std::map<fs::path, std::string> occupants_;  // component -> end device
};

}  // namespace

absl::Status WriteFakeSysfs(const std::string& root, const std::vector<FakeHost>& hosts) {
  return Writer(root).Write(hosts);
}

}  // namespace sasd::sysfs
