#include "daemon/diagnosis/firmware_check.h"

#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "daemon/diagnosis/commands.h"
#include "daemon/diagnosis/driver_limits.h"
#include "driver/sysfs/controlled_hosts.h"

namespace sasd {
namespace {

// The group of the control nodes (packaging/systemd). Only sasd is a member.
constexpr absl::string_view kNodeGroup = "sasd-hba";

bool HasControlNode(absl::string_view driver) { return !sysfs::ControlNodeOf(driver).empty(); }

// The check of one host. Borrows its arguments for its lifetime.
constexpr absl::string_view kDrivenBySasd =
    "sasd drives it itself, so its firmware is the only source";

// The HBA is lent to this process: PciLink has its driver's name.
bool IsSasds(absl::string_view driver) {
  return driver == "vfio-pci" || driver == "uio_pci_generic";
}

class FirmwareCheck {
 public:
  FirmwareCheck(const registry::Host& host, const LiveSystem& live)
      : host_(host.facts), live_(live), commands_(live.machine.process) {}

  DiagnosisCheck Make() const {
    const std::string driver = Driver();
    DiagnosisCheck check = IsSasds(driver)          ? PassedCheck("", kDrivenBySasd)
                           : HasControlNode(driver) ? ControlNode(driver)
                                                    : OtherDriver(driver);
    check.subject = host_.os_name.empty() ? ToText(host_.key) : host_.os_name;
    check.host = host_.key;
    return check;
  }

 private:
  DiagnosisCheck Limited(absl::string_view reason, absl::string_view why, absl::string_view remedy,
                         absl::string_view command = "") const {
    return FailedCheck(DiagnosisCheck::Status::kLimited, reason, "",
                       absl::StrCat(why, ", so ", Loss()), remedy, command);
  }

  std::string Loss() const {
    const std::string when = live_.look_interval > absl::ZeroDuration()
                                 ? absl::StrCat("every ", absl::FormatDuration(live_.look_interval))
                                 : "at a rescan";
    return absl::StrCat(
        "sysfs is its only source: sasd finds changed link rates and port members only ", when,
        ", and discovery status, connector names, expander handles and the firmware's own events "
        "stay unknown");
  }

  // smartpqi and others leave proc_name empty.
  std::string Driver() const {
    if (HasControlNode(host_.driver_name)) return host_.driver_name;
    for (const PciController& c : live_.machine.controllers) {
      if (c.address == host_.pci_address && !c.driver.empty()) return c.driver;
    }
    return host_.driver_name;
  }

  DiagnosisCheck OtherDriver(const std::string& driver) const {
    const absl::string_view limits = DriverLimits(driver);
    DiagnosisCheck check = Limited("SYSFS_ALONE",
                                   absl::StrCat(driver.empty() ? "its driver" : driver,
                                                " has no control node that sasd knows"),
                                   "There is no remedy: its driver offers no more");
    if (!limits.empty()) absl::StrAppend(&check.message, "; also, ", limits);
    return check;
  }

  const ControlNodeState* State() const {
    for (const ControlNodeState& state : live_.control_nodes) {
      const bool mine =
          state.host != HostKey() ? state.host == host_.key : state.os_name == host_.os_name;
      if (mine) return &state;
    }
    return nullptr;
  }

  DiagnosisCheck ControlNode(const std::string& driver) const {
    const ControlNodeState* const state = State();
    if (state == nullptr) return NotAsked(sysfs::ControlNodeOf(driver));
    switch (state->kind) {
      case ControlNodeState::Kind::kConnected:
        return PassedCheck(
            "", absl::StrCat("its firmware reports to sasd (", driver, ", ", state->node, ")"));
      case ControlNodeState::Kind::kConnecting:
        return Limited("CONTROL_NODE_CONNECTING",
                       absl::StrCat("sasd is asking its firmware for the first time (", state->node,
                                    ") and has no answer yet"),
                       "Check again in a moment", "sasctl doctor");
      case ControlNodeState::Kind::kReleased:
        return Limited(
            "CONTROL_NODE_RELEASED",
            absl::StrCat("sasd has closed its control node ", state->node, " on request (SIGUSR1)"),
            "Rescan, which opens it again", commands_.Rescan());
      case ControlNodeState::Kind::kFailed:
        break;
    }
    return Failed(state->node, state->error);
  }

  // Its driver has a control node, but sasd has no link to it.
  DiagnosisCheck NotAsked(const std::string& node) const {
    if (!live_.asks_control_nodes) {
      return Limited(
          "CONTROL_NODE_UNUSED",
          absl::StrCat("--no-control-nodes keeps sasd from opening its control node ", node),
          "Start sasd without --no-control-nodes");
    }
    const ControlNodeFile* const file = live_.machine.ControlNode(node);
    if (file != nullptr && !file->exists) return Absent(*file);
    if (file != nullptr && !file->readable) return Forbidden(*file);
    return Limited("CONTROL_NODE_UNUSED", absl::StrCat("sasd does not use its control node ", node),
                   "Rescan, which looks for it again", commands_.Rescan());
  }

  DiagnosisCheck Failed(const std::string& node, const absl::Status& error) const {
    const ControlNodeFile* const file = live_.machine.ControlNode(node);
    if (file != nullptr && absl::IsNotFound(error)) return Absent(*file);
    if (file != nullptr && file->exists && absl::IsPermissionDenied(error)) {
      return file->readable ? ForbiddenByPolicy(*file) : Forbidden(*file);
    }
    const std::string why =
        absl::StrCat("its firmware does not report to sasd (", error.message(), ")");
    return absl::IsResourceExhausted(error)
               ? Limited("CONTROL_NODE_FAILED", why, "Raise the limit of open files",
                         commands_.MoreFiles())
               : Limited("CONTROL_NODE_FAILED", why,
                         "Wait until sasd tries again; the kernel's log may show the reason",
                         "dmesg | grep -i mpt | tail");
  }

  DiagnosisCheck Absent(const ControlNodeFile& file) const {
    const std::string why = absl::StrCat("its control node ", file.path, " does not exist");
    if (file.device_number.empty()) {
      return Limited("CONTROL_NODE_ABSENT", why, "Load mpt3sas, which makes it",
                     "modprobe mpt3sas");
    }
    return Limited("CONTROL_NODE_ABSENT", why,
                   "Make it: the driver has one, but this /dev does not show it (a container, or "
                   "no devtmpfs)",
                   ForGroup(absl::StrCat("mknod -m 0640 ", file.path, " c ",
                                         absl::StrReplaceAll(file.device_number, {{":", " "}}),
                                         " && chgrp ", Group(), " ", file.path)));
  }

  DiagnosisCheck Forbidden(const ControlNodeFile& file) const {
    return Limited(
        "CONTROL_NODE_FORBIDDEN",
        absl::StrFormat("%s may not open its control node %s (%s:%s %04o)",
                        live_.machine.process.user, file.path, file.owner, file.group, file.mode),
        absl::StrCat("Let the group ", Group(),
                     " read it; its members can then also flash firmware, because the driver "
                     "checks nothing else"),
        ForGroup(GiveToGroup(file.path)));
  }

  // A control group's list of devices, or a security module.
  DiagnosisCheck ForbiddenByPolicy(const ControlNodeFile& file) const {
    return Limited(
        "CONTROL_NODE_FORBIDDEN",
        absl::StrCat("its control node ", file.path,
                     " is closed to sasd although its mode allows it (a device policy of the "
                     "service or container)"),
        "Allow the device",
        commands_.DropIn("devices",
                         absl::StrCat("DeviceAllow=/dev/char/", file.device_number, " r")));
  }

  // The group that should own a control node. A service has a separate group for that: the members
  // of the socket's group must not be able to flash firmware.
  std::string Group() const {
    const ProcessFacts& self = live_.machine.process;
    const bool is_users = !self.is_service && !self.group.empty() && self.group != "root" &&
                          !absl::StrContains(self.group, ' ');
    return is_users ? self.group : std::string(kNodeGroup);
  }

  // `command` gives the node to Group(). Then sasd must join that group and rescan.
  std::string ForGroup(absl::string_view command) const {
    const ProcessFacts& self = live_.machine.process;
    if (!self.is_service || absl::c_linear_search(self.supplementary_groups, kNodeGroup)) {
      return absl::StrCat(command, " && ", commands_.Rescan());
    }
    return absl::StrCat(
        "groupadd -rf ", kNodeGroup, " && ", command, " && ",
        commands_.DropIn("groups", absl::StrCat("SupplementaryGroups=", kNodeGroup)));
  }

  std::string GiveToGroup(const std::string& path) const {
    if (!live_.machine.has_udevd) {
      return absl::StrCat("chgrp ", Group(), " ", path, " && chmod g+r ", path);
    }
    return absl::StrCat("printf '%s\\n' 'SUBSYSTEM==\"misc\", KERNEL==\"mpt[23]ctl\", GROUP=\"",
                        Group(),
                        "\", MODE=\"0640\"' > /etc/udev/rules.d/60-sasd.rules && udevadm control "
                        "--reload && udevadm trigger --settle --subsystem-match=misc");
  }

  const HostFacts& host_;
  const LiveSystem& live_;
  const Commands commands_;
};

}  // namespace

DiagnosisCheck CheckFirmware(const registry::Host& host, const LiveSystem& live) {
  return FirmwareCheck(host, live).Make();
}

}  // namespace sasd
