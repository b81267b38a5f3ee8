#include "daemon/diagnosis/diagnose.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "daemon/diagnosis/commands.h"
#include "daemon/diagnosis/driver_limits.h"
#include "daemon/diagnosis/firmware_check.h"
#include "daemon/diagnosis/scsi_host_check.h"

namespace sasd {
namespace {

using Status = DiagnosisCheck::Status;

constexpr uint8_t kSesType = 13;  // SPC peripheral device type
// Reading a tree while serving a hundred clients takes about so many open files.
constexpr uint64_t kFewestFiles = 1024;
constexpr double kMostlyUsed = 0.8;
constexpr absl::string_view kNoSlots = "so the names and numbers of slots stay unknown";

std::string Count(size_t count, absl::string_view what) {
  return absl::StrCat(count, " ", what, count == 1 ? "" : "s");
}

// Makes the checks of one machine; each step appends.
class Doctor {
 public:
  Doctor(const LiveSystem& live, const registry::Topology& topology)
      : live_(live), machine_(live.machine), commands_(live.machine.process), topology_(topology) {}

  std::vector<DiagnosisCheck> Examine() && {
    Sysfs();
    Controllers();
    Hosts();
    ScsiHostChecks();
    for (const auto& host : topology_.collection<registry::Host>()) {
      checks_.push_back(CheckFirmware(*host, live_));
    }
    Uevents();
    Enclosures();
    GenericNames();
    Holders();
    Udev();
    Process();
    return std::move(checks_);
  }

 private:
  void Sysfs() {
    const std::string& root = machine_.sysfs_root;
    if (!machine_.sysfs.ok()) {
      const bool forbidden = absl::IsPermissionDenied(machine_.sysfs);
      checks_.push_back(
          FailedCheck(Status::kBroken, "SYSFS_UNREADABLE", "sysfs",
                      absl::StrCat("sasd can see nothing: ", machine_.sysfs.message()),
                      forbidden ? "Give sasd read access" : "Mount sysfs",
                      forbidden ? absl::StrCat("chmod a+rx ", root)
                                : absl::StrCat("mount -t sysfs sysfs ", root)));
    } else if (!live_.reading_error.empty()) {
      checks_.push_back(FailedCheck(
          Status::kBroken, "READING_FAILED", "sysfs",
          absl::StrCat("the last reading failed, and sasd still shows the state before it: ",
                       live_.reading_error),
          "Wait up to a minute until sasd reads again, or rescan now", commands_.Rescan()));
    } else {
      checks_.push_back(PassedCheck("sysfs", absl::StrCat("sasd reads ", root)));
    }
  }

  void ScsiHostChecks() {
    if (live_.scsi_hosts == nullptr) return;
    for (DiagnosisCheck& check : CheckScsiHosts(*live_.scsi_hosts)) {
      checks_.push_back(std::move(check));
    }
  }

  bool IsUnreadable(const std::string& name) const {
    if (live_.scsi_hosts == nullptr) return false;
    const std::vector<UnreadableHost>& all = live_.scsi_hosts->unreadable;
    return std::any_of(all.begin(), all.end(),
                       [&](const UnreadableHost& host) { return host.os_name == name; });
  }

  // PCI functions that could be SAS hosts but are not.
  void Controllers() {
    for (const PciController& c : machine_.controllers) {
      const std::string subject = absl::StrCat("PCI ", c.address);
      const std::string what =
          absl::StrFormat("a %s controller (%04x:%04x)", c.class_code == 0x0107 ? "SAS" : "RAID",
                          c.vendor, c.device);
      if (c.driver.empty()) {
        checks_.push_back(NoDriver(c, subject, what));
      } else if (c.driver == "vfio-pci") {
        checks_.push_back(PassedCheck(
            subject, absl::StrCat(what,
                                  " belongs to a virtual machine (vfio-pci); a sasd in that "
                                  "machine can see it")));
      } else if (c.driver == "megaraid_sas") {
        checks_.push_back(FailedCheck(
            Status::kLimited, "NO_SAS_OBJECTS", subject,
            absl::StrCat(what,
                         " uses megaraid_sas, which shows no SAS objects, so sasd cannot see "
                         "the devices behind it"),
            "If the controller has an HBA personality that mpt3sas drives, select it in the "
            "controller's setup"));
      }
    }
  }

  static DiagnosisCheck NoDriver(const PciController& c, const std::string& subject,
                                 const std::string& what) {
    const absl::string_view module = ModuleFor(c.vendor, c.device, c.class_code);
    return FailedCheck(
        Status::kBroken, "NO_DRIVER", subject,
        absl::StrCat(what, " has no driver, so sasd cannot see the devices behind it"),
        "Load its driver",
        module.empty()
            ? absl::StrCat("modprobe \"$(cat /sys/bus/pci/devices/", c.address, "/modalias)\"")
            : absl::StrCat("modprobe ", module));
  }

  void Hosts() {
    const auto& hosts = topology_.collection<registry::Host>();
    std::set<std::string> seen;
    for (const auto& host : hosts) seen.insert(host->facts.os_name);
    for (const std::string& name : machine_.sas_hosts) {
      if (seen.count(name) > 0 || IsUnreadable(name)) continue;
      checks_.push_back(FailedCheck(
          Status::kLimited, "HOST_NOT_TOLD", name,
          "sysfs shows it, but sasd does not report it: it has just appeared, or it could not be "
          "read",
          "Check again; if the host is still missing, see sasd's log", "sasctl doctor"));
    }
    if (hosts.size() > 0) {
      checks_.push_back(PassedCheck(
          "hosts",
          absl::StrCat(Count(hosts.size(), "SAS host"), " with ",
                       Count(topology_.collection<registry::Expander>().size(), "expander"),
                       " and ",
                       Count(topology_.collection<registry::EndDevice>().size(), "end device"))));
    } else if (machine_.sas_hosts.empty() && machine_.sysfs.ok()) {
      checks_.push_back(
          FailedCheck(Status::kLimited, "NO_HOST", "hosts",
                      machine_.controllers.empty()
                          ? "this node has no SAS host, and PCI shows no SAS controller"
                          : "this node has no SAS host",
                      "Nothing needs to be done: sasd finds a host when it appears"));
    }
  }

  void Uevents() {
    const UeventState& state = live_.uevents;
    static constexpr absl::string_view kLoss = "so sasd finds changes only at a rescan (SIGHUP)";
    if (!state.error.ok()) {
      checks_.push_back(
          FailedCheck(Status::kBroken, "UEVENTS_REFUSED", "uevents",
                      absl::StrCat("sasd does not receive the kernel's uevents (",
                                   state.error.message(), "), ", kLoss),
                      "Allow sasd to open netlink sockets",
                      commands_.DropIn("netlink", "RestrictAddressFamilies=AF_UNIX AF_NETLINK")));
    } else if (machine_.process.user_namespace) {
      checks_.push_back(FailedCheck(
          Status::kBroken, "UEVENTS_ELSEWHERE", "uevents",
          absl::StrCat("sasd runs in a user namespace, to which the kernel sends no uevents, ",
                       kLoss),
          "Run sasd outside a user namespace: no rootless container, no PrivateUsers",
          commands_.DropIn("users", "PrivateUsers=no")));
    } else if (state.receive_buffer_bytes > 0 &&
               state.receive_buffer_bytes < state.wanted_buffer_bytes) {
      checks_.push_back(FailedCheck(
          Status::kLimited, "UEVENT_BUFFER_SMALL", "uevents",
          absl::StrFormat("the uevent socket's buffer has %d KiB of %d wanted: when an enclosure "
                          "appears or disappears, some uevents are lost, and sasd then reports a "
                          "gap and rescans",
                          state.receive_buffer_bytes >> 10, state.wanted_buffer_bytes >> 10),
          "Allow sasd the larger buffer (CAP_NET_ADMIN)",
          commands_.DropIn(
              "buffer", "AmbientCapabilities=CAP_NET_ADMIN\\nCapabilityBoundingSet=CAP_NET_ADMIN",
              absl::StrCat("sysctl -w net.core.rmem_max=", state.wanted_buffer_bytes))));
    } else {
      checks_.push_back(PassedCheck("uevents", "sasd receives the kernel's uevents"));
    }
  }

  void Enclosures() {
    const std::set<std::string> served(machine_.enclosures.begin(), machine_.enclosures.end());
    size_t devices = 0;
    std::vector<std::string> unserved;
    for (const auto& unit : topology_.collection<registry::LogicalUnit>()) {
      if (unit->peripheral_type != kSesType) continue;
      ++devices;
      for (const registry::LogicalUnit::Path& path : unit->paths) {
        const std::string name = path.facts->facts.scsi_address.str();
        if (!name.empty() && served.count(name) == 0) unserved.push_back(name);
      }
    }
    if (devices == 0) {
      checks_.push_back(PassedCheck("enclosures", "this node has no enclosure services device"));
    } else if (!machine_.has_ses && !NoneOffers(unserved)) {
      checks_.push_back(FailedCheck(Status::kLimited, "SES_NOT_LOADED", "enclosures",
                                    absl::StrCat(Count(devices, "enclosure services device"),
                                                 " without a driver, ", kNoSlots),
                                    "Load the driver", "modprobe ses"));
    } else if (!unserved.empty()) {
      UnservedEnclosures(unserved);
    } else {
      checks_.push_back(PassedCheck(
          "enclosures",
          absl::StrCat(Count(devices, "enclosure services device"), ", served by the ses driver")));
    }
  }

  const SesDevice* SesDeviceAt(const std::string& scsi_address) const {
    for (const SesDevice& device : machine_.ses_devices) {
      if (device.scsi_address == scsi_address) return &device;
    }
    return nullptr;
  }

  // True if the ses driver could serve none of them, loaded or not.
  bool NoneOffers(const std::vector<std::string>& names) const {
    return !names.empty() && std::all_of(names.begin(), names.end(), [&](const std::string& name) {
      const SesDevice* device = SesDeviceAt(name);
      return device != nullptr && device->enclosure_services == false;
    });
  }

  // What keeps the ses driver from an enclosure, and what helps.
  void UnservedEnclosures(const std::vector<std::string>& unserved) {
    std::vector<std::string> unbound, without_bit, refused;
    for (const std::string& name : unserved) {
      const SesDevice* device = SesDeviceAt(name);
      if (device != nullptr && device->enclosure_services == false) {
        without_bit.push_back(name);
      } else if (device != nullptr && device->driver == "ses") {
        refused.push_back(name);
      } else {
        unbound.push_back(name);
      }
    }
    if (!without_bit.empty()) {
      checks_.push_back(FailedCheck(
          Status::kLimited, "SES_NOT_OFFERED", "enclosures",
          absl::StrCat(absl::StrJoin(without_bit, ", "), without_bit.size() == 1 ? " does" : " do",
                       " not set ENCSERV in the INQUIRY data, so the kernel makes no enclosure of "
                       "it, ",
                       kNoSlots),
          "Only other firmware of the enclosure changes that; sasd shows the bays that the HBA "
          "reports"));
    }
    if (!refused.empty()) {
      checks_.push_back(FailedCheck(
          Status::kLimited, "SES_REFUSED", "enclosures",
          absl::StrCat("the ses driver has ", absl::StrJoin(refused, ", "),
                       ", but made no enclosure of it, ", kNoSlots),
          "See why in the kernel's log, and whether the device sets EncServ (sg_inq); binding it "
          "again does not help",
          "dmesg | grep -i -e ses -e enclosure | tail"));
    }
    if (!unbound.empty()) {
      checks_.push_back(
          FailedCheck(Status::kLimited, "SES_NOT_BOUND", "enclosures",
                      absl::StrCat("the ses driver does not serve ", absl::StrJoin(unbound, ", "),
                                   ", ", kNoSlots),
                      "Bind the driver again; the kernel's log shows why it refuses",
                      absl::StrCat("echo ", unbound.front(),
                                   " > /sys/bus/scsi/drivers/ses/bind; dmesg | grep -i ses | "
                                   "tail")));
    }
  }

  void GenericNames() {
    const size_t units = topology_.collection<registry::LogicalUnit>().size();
    if (machine_.has_sg || units == 0) {
      checks_.push_back(PassedCheck(
          "generic names", machine_.has_sg
                               ? "the sg driver names SCSI devices (sgN)"
                               : "this node has no SCSI device that could have one (sgN)"));
      return;
    }
    checks_.push_back(FailedCheck(
        Status::kLimited, "SG_NOT_LOADED", "generic names",
        "the sg driver is not loaded, so SCSI devices lack the generic names (sgN) that "
        "sg_ses and other tools use",
        "Load the driver", "modprobe sg"));
  }

  // What holds the drives open.
  void Holders() {
    size_t several = 0, held = 0;
    for (const auto& unit : topology_.collection<registry::LogicalUnit>()) {
      if (unit->paths.size() > 1) ++several;
      held += std::any_of(unit->paths.begin(), unit->paths.end(),
                          [](const registry::LogicalUnit::Path& path) {
                            return !path.facts->facts.holders.empty();
                          });
    }
    std::string text = held == 0
                           ? "device-mapper and MD hold no drive"
                           : absl::StrCat(Count(held, "drive"), " held by device-mapper or MD");
    if (several > 0) {
      absl::StrAppend(&text, "; ", Count(several, "drive"),
                      " with several paths, which sasd joins itself");
    }
    checks_.push_back(PassedCheck("holders", text));
  }

  void Udev() {
    checks_.push_back(PassedCheck(
        "udev", machine_.has_udevd ? "udevd runs; sasd takes uevents from the kernel and does not "
                                     "wait for udevd"
                                   : "udevd does not run; sasd takes uevents from the kernel and "
                                     "does not need it"));
  }

  void Process() {
    const ProcessFacts& self = machine_.process;
    checks_.push_back(
        PassedCheck("user", absl::StrCat("sasd runs as ", self.user, ", group ", self.group)));
    const auto mostly = [](uint64_t used, uint64_t limit) {
      return limit > 0 && static_cast<double>(used) > kMostlyUsed * static_cast<double>(limit);
    };
    if (self.open_files_limit > 0 &&
        (self.open_files_limit < kFewestFiles || mostly(self.open_files, self.open_files_limit))) {
      checks_.push_back(FailedCheck(
          Status::kLimited, "FEW_FILES", "open files",
          absl::StrCat(self.open_files, " of at most ", self.open_files_limit,
                       " files are open: at the limit sasd can neither read sysfs nor accept "
                       "clients"),
          "Raise the limit", commands_.MoreFiles()));
    } else {
      checks_.push_back(PassedCheck(
          "open files",
          absl::StrCat(self.open_files, " of at most ", self.open_files_limit, " files are open")));
    }
    if (mostly(self.memory_bytes, self.memory_limit_bytes)) {
      checks_.push_back(FailedCheck(
          Status::kLimited, "LITTLE_MEMORY", "memory",
          absl::StrCat(self.memory_bytes >> 20, " MiB of at most ", self.memory_limit_bytes >> 20,
                       " are used: above the limit the kernel ends sasd"),
          "Raise the limit",
          machine_.process.is_service ? "systemctl set-property sasd.service MemoryMax=infinity"
                                      : ""));
    } else if (self.memory_bytes > 0) {
      checks_.push_back(PassedCheck(
          "memory",
          absl::StrCat(self.memory_bytes >> 20, " MiB used",
                       self.memory_limit_bytes == 0
                           ? ", without a limit"
                           : absl::StrCat(" of at most ", self.memory_limit_bytes >> 20))));
    }
  }

  const LiveSystem& live_;
  const MachineFacts& machine_;
  const Commands commands_;
  const registry::Topology& topology_;
  std::vector<DiagnosisCheck> checks_;
};

}  // namespace

std::vector<DiagnosisCheck> DiagnoseLive(const LiveSystem& live,
                                         const registry::Topology& topology) {
  return Doctor(live, topology).Examine();
}

}  // namespace sasd
