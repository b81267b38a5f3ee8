#include "driver/sysfs/scsi_host_reader.h"

#include <initializer_list>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "driver/sysfs/attribute_text.h"
#include "driver/sysfs/sysfs_root.h"
#include "driver/sysfs/tree_io.h"
#include "driver/sysfs/unit_reader.h"

namespace sasd::sysfs {
namespace {

// As many hosts and devices of a host as one tree may make sasd keep.
constexpr size_t kMostHosts = 1024, kMostDevices = 4096;

// hpsa and smartpqi show the designator of a volume as 32 hexadecimal digits in unique_id.
std::string WwidOfUniqueId(absl::string_view text) {
  constexpr size_t kDigits = 32;
  constexpr char kNaa6 = '6';
  if (text.size() != kDigits || text[0] != kNaa6) return "";
  for (const char c : text) {
    if (!absl::ascii_isxdigit(c)) return "";
  }
  return absl::StrCat("naa.", absl::AsciiStrToLower(text));
}

class Reader {
 public:
  Reader(const Directory& sysfs, FileIo& io) : sysfs_(sysfs), io_(io) {}

  std::optional<ScsiHost> Read(const HostPlace& place) {
    const Directory directory = io_.Open(sysfs_, place.path);
    if (!directory) return std::nullopt;
    ScsiHost host;
    host.os_name = PrintableText(place.name);
    host.pci_address = place.pci_address;
    host.has_sas_transport =
        static_cast<bool>(io_.Open(directory, absl::StrCat("sas_host/", place.name)));
    ReadAttributes(io_.Open(directory, absl::StrCat("scsi_host/", place.name)), host);
    if (host.driver_name.empty()) host.driver_name = DriverAbove(place);
    ReadDevices(directory, host);
    if (host.has_sas_transport && host.devices.empty()) return std::nullopt;
    return host;
  }

  std::vector<ScsiHost> ReadAll() {
    std::vector<ScsiHost> hosts;
    for (const HostPlace& place : FindScsiHosts(io_, sysfs_)) {
      if (hosts.size() == kMostHosts) break;
      if (std::optional<ScsiHost> host = Read(place)) hosts.push_back(*std::move(host));
    }
    return hosts;
  }

  std::optional<ScsiHost> Read(absl::string_view name) {
    const std::optional<HostPlace> place = FindScsiHost(io_, sysfs_, name);
    return place ? Read(*place) : std::nullopt;
  }

  std::vector<UnreadableHost> Unreadable() {
    std::vector<UnreadableHost> hosts;
    for (HostProblem& problem : FindHostProblems(io_, sysfs_)) {
      hosts.push_back(
          {std::move(problem.name), std::move(problem.path), std::move(problem.reason)});
    }
    return hosts;
  }

  const absl::Status& status() const { return io_.status(); }

 private:
  void ReadAttributes(const Directory& scsi_host, ScsiHost& host) {
    const auto text = [&](Attribute a) { return PrintableText(io_.Read(scsi_host, a)); };
    const auto first = [&](std::initializer_list<Attribute> attributes) {
      std::string value;
      for (const Attribute a : attributes) {
        if (value.empty()) value = text(a);
      }
      return value;
    };
    host.driver_name = text(Attribute::kProcName);
    if (host.driver_name == "(null)" || host.driver_name == "<NULL>") host.driver_name.clear();
    host.board_name = first({Attribute::kBoardName, Attribute::kModelOfHost});
    host.firmware_version =
        first({Attribute::kVersionFw, Attribute::kFirmwareVersion, Attribute::kFirmwareRevision,
               Attribute::kFwVersion, Attribute::kHbaKernelVersion});
  }

  // The driver of the device above the host.
  std::string DriverAbove(const HostPlace& place) {
    const size_t end = place.path.rfind('/');
    if (end == std::string::npos) return "";
    const Directory above = io_.Open(sysfs_, place.path.substr(0, end));
    return PrintableText(LastComponent(io_.ReadLink(above, "driver")));
  }

  void ReadDevices(const Directory& directory, ScsiHost& host) {
    for (FoundUnit& unit : ReadUnits(io_, sysfs_, directory, false, SesId::kLeaving)) {
      if (host.devices.size() == kMostDevices) return;
      ScsiDevice device;
      device.facts = std::move(unit.facts);
      device.state = std::move(unit.state_text);
      ReadVolume(directory, device);
      host.devices.push_back(std::move(device));
    }
  }

  void ReadVolume(const Directory& directory, ScsiDevice& device) {
    const std::string& name = device.facts.scsi_address;
    const Directory folder =
        io_.Open(directory, absl::StrCat("target", name.substr(0, name.rfind(':')), "/", name));
    device.raid_level = PrintableText(io_.Read(folder, Attribute::kRaidLevel));
    if (device.raid_level == "N/A") device.raid_level.clear();
    if (device.facts.wwid.empty()) {
      device.facts.wwid = WwidOfUniqueId(Trimmed(io_.Read(folder, Attribute::kUniqueId)));
    }
  }

  const Directory& sysfs_;
  TreeIo io_;
};

}  // namespace

absl::StatusOr<ScsiHosts> ReadScsiHosts(const std::string& root, FileIo& io) {
  const absl::StatusOr<Directory> sysfs = OpenSysfs(root, io);
  if (!sysfs.ok()) return sysfs.status();
  Reader reader(*sysfs, io);
  ScsiHosts hosts;
  hosts.hosts = reader.ReadAll();
  hosts.unreadable = reader.Unreadable();
  if (!reader.status().ok()) return reader.status();
  return hosts;
}

absl::StatusOr<std::optional<ScsiHost>> ReadScsiHost(const std::string& root,
                                                     absl::string_view name, FileIo& io) {
  const absl::StatusOr<Directory> sysfs = OpenSysfs(root, io);
  if (!sysfs.ok()) return sysfs.status();
  Reader reader(*sysfs, io);
  std::optional<ScsiHost> host = reader.Read(name);
  if (!reader.status().ok()) return reader.status();
  return host;
}

absl::StatusOr<std::vector<UnreadableHost>> ReadUnreadableHosts(const std::string& root,
                                                                FileIo& io) {
  const absl::StatusOr<Directory> sysfs = OpenSysfs(root, io);
  if (!sysfs.ok()) return sysfs.status();
  Reader reader(*sysfs, io);
  std::vector<UnreadableHost> hosts = reader.Unreadable();
  if (!reader.status().ok()) return reader.status();
  return hosts;
}

}  // namespace sasd::sysfs
