#include "daemon/diagnosis/diagnose.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/registry/fake_pump.h"
#include "driver/base/sas_address.h"
#include "driver/observation/observation.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using Status = DiagnosisCheck::Status;

constexpr HostKey kHost(SasAddress(0x500605b00ab01230));
constexpr HostKey kOtherHost(SasAddress(0x500605b00ab05670));

// A fully visible machine. Each test takes something away.
class DiagnoseTest : public ::testing::Test {
 protected:
  DiagnoseTest() {
    MachineFacts& machine = live_.machine;
    machine.sysfs_root = "/sys";
    machine.has_ses = machine.has_sg = machine.has_device_mapper = machine.has_udevd = true;
    machine.control_nodes = {
        {"/dev/mpt2ctl", "10:221", true, true, 0640, "root", "sasd-hba"},
        {"/dev/mpt3ctl", "10:222", true, true, 0640, "root", "sasd-hba"},
    };
    machine.process.pid = 77;
    machine.process.is_service = true;
    machine.process.user = machine.process.group = "sasd";
    machine.process.supplementary_groups = {"sasd-hba"};
    machine.process.open_files = 40;
    machine.process.open_files_limit = 65536;
    machine.process.memory_bytes = 30 << 20;
    live_.look_interval = absl::Seconds(30);
  }

  void AddHost(const HostKey& host, const std::string& os_name, const std::string& driver) {
    HostFacts facts;
    facts.key = host;
    facts.os_name = os_name;
    facts.driver_name = driver;
    facts.pci_address = "0000:03:00.0";
    live_.machine.sas_hosts.push_back(os_name);
    Observe(facts);
  }

  void Connect(const HostKey& host, const std::string& os_name, ControlNodeState::Kind kind,
               absl::Status error = absl::OkStatus()) {
    live_.control_nodes.push_back({os_name, host, "/dev/mpt3ctl", kind, std::move(error)});
  }
  void Fail(absl::Status error) {
    AddHost(kHost, "host11", "mpt3sas");
    Connect(kHost, "host11", ControlNodeState::Kind::kFailed, std::move(error));
  }

  // A disk, or an enclosure services device (13), at host11.
  void AddUnit(int number, uint8_t type) {
    EndDeviceFacts device;
    device.key = {kHost, SasAddress(0x5000c50000000000 + static_cast<uint64_t>(number)),
                  PhysicalPort(0)};
    device.parent = NodeKey::Host(kHost);
    Observe(device);
    LogicalUnitFacts unit;
    unit.device = device.key;
    unit.peripheral_type = type;
    unit.wwid = absl::StrCat("naa.5000c5000000010", number);
    unit.scsi_address = absl::StrCat("11:0:", number, ":0");
    if (type == 0) unit.holders = {{HolderKind::kMultipath, "mpatha", "dm-0"}};
    Observe(unit);
  }

  void Observe(Observation observation) {
    ObservationBatch batch;
    batch.source = Source::kSysfs;
    batch.host = kHost;
    batch.observations.push_back(std::move(observation));
    registry_.Observe(std::move(batch));
  }

  std::vector<DiagnosisCheck> Diagnose() const {
    return DiagnoseLive(live_, *registry_.Snapshot());
  }

  // The one check of the subject.
  DiagnosisCheck Find(const std::string& subject) const {
    std::vector<DiagnosisCheck> found;
    for (const DiagnosisCheck& check : Diagnose()) {
      if (check.subject == subject) found.push_back(check);
    }
    EXPECT_EQ(found.size(), 1u) << subject;
    return found.empty() ? DiagnosisCheck() : found.front();
  }

  LiveSystem live_;
  registry::SelfPublishingRegistry registry_{{"epoch", 0}};
};

TEST_F(DiagnoseTest, FullyVisibleMachinePassesEveryCheck) {
  AddHost(kHost, "host11", "mpt3sas");
  Connect(kHost, "host11", ControlNodeState::Kind::kConnected);
  AddUnit(1, 0);
  AddUnit(2, 13);
  live_.machine.enclosures = {"11:0:2:0"};
  live_.machine.controllers = {{"0000:03:00.0", 0x1000, 0x97, 0x0107, "mpt3sas"}};
  const std::vector<DiagnosisCheck> checks = Diagnose();
  EXPECT_THAT(checks, Each(Field(&DiagnosisCheck::status, Status::kOk)));
  EXPECT_THAT(checks, Each(Field(&DiagnosisCheck::reason, IsEmpty())));
  EXPECT_THAT(checks, Each(Field(&DiagnosisCheck::command, IsEmpty())));
  EXPECT_THAT(checks, Each(Field(&DiagnosisCheck::message, Not(IsEmpty()))));
  EXPECT_EQ(Find("hosts").message, "1 SAS host with 0 expanders and 2 end devices");
  EXPECT_THAT(Find("host11").message, HasSubstr("/dev/mpt3ctl"));
  EXPECT_EQ(Find("host11").host, kHost);
  EXPECT_THAT(Find("holders").message, HasSubstr("1 drive held"));
  EXPECT_EQ(Find("user").message, "sasd runs as sasd, group sasd");
}

// ------------------------------------------------------------------------------ sysfs and PCI

TEST_F(DiagnoseTest, UnreadableSysfsIsBroken) {
  live_.machine.sysfs = absl::NotFoundError("cannot open folder \"/sys\": No such file");
  const DiagnosisCheck check = Find("sysfs");
  EXPECT_EQ(check.status, Status::kBroken);
  EXPECT_EQ(check.reason, "SYSFS_UNREADABLE");
  EXPECT_THAT(check.message, HasSubstr("cannot open folder \"/sys\""));
  EXPECT_EQ(check.command, "mount -t sysfs sysfs /sys");
  live_.machine.sysfs = absl::PermissionDeniedError("cannot open folder \"/sys\": denied");
  EXPECT_EQ(Find("sysfs").command, "chmod a+rx /sys");
}

TEST_F(DiagnoseTest, FailedReadingShowsItsError) {
  live_.reading_error = "cannot read \"phys\": Too many open files";
  EXPECT_EQ(Find("sysfs").status, Status::kBroken);
  EXPECT_THAT(Find("sysfs").message, HasSubstr("Too many open files"));
  EXPECT_EQ(Find("sysfs").command, "systemctl reload sasd");
  live_.machine.process.is_service = false;
  EXPECT_EQ(Find("sysfs").command, "kill -HUP 77");
}

TEST_F(DiagnoseTest, ControllerWithoutDriverNamesItsModule) {
  live_.machine.controllers = {{"0000:03:00.0", 0x1000, 0x0097, 0x0107, ""},
                               {"0000:04:00.0", 0x1000, 0x0058, 0x0107, ""},
                               {"0000:05:00.0", 0x1000, 0x00a5, 0x0107, ""},
                               {"0000:06:00.0", 0x9005, 0x028f, 0x0107, ""},
                               {"0000:07:00.0", 0x1000, 0x005d, 0x0104, ""}};
  const DiagnosisCheck check = Find("PCI 0000:03:00.0");
  EXPECT_EQ(check.status, Status::kBroken);
  EXPECT_EQ(check.reason, "NO_DRIVER");
  EXPECT_THAT(check.message, HasSubstr("a SAS controller (1000:0097) has no driver"));
  EXPECT_EQ(check.command, "modprobe mpt3sas");
  EXPECT_EQ(Find("PCI 0000:04:00.0").command, "modprobe mptsas");
  EXPECT_EQ(Find("PCI 0000:05:00.0").command, "modprobe mpi3mr");
  EXPECT_EQ(Find("PCI 0000:06:00.0").command,
            "modprobe \"$(cat /sys/bus/pci/devices/0000:06:00.0/modalias)\"");
  EXPECT_THAT(Find("PCI 0000:07:00.0").message, HasSubstr("a RAID controller (1000:005d)"));
  EXPECT_THAT(Find("PCI 0000:07:00.0").command, HasSubstr("modalias"));
}

TEST_F(DiagnoseTest, ControllerWithoutSasObjectsNamesItsDriver) {
  live_.machine.controllers = {{"0000:03:00.0", 0x1000, 0x005d, 0x0104, "megaraid_sas"},
                               {"0000:04:00.0", 0x1000, 0x0097, 0x0107, "vfio-pci"}};
  EXPECT_EQ(Find("PCI 0000:03:00.0").status, Status::kLimited);
  EXPECT_THAT(Find("PCI 0000:03:00.0").message, HasSubstr("megaraid_sas"));
  EXPECT_EQ(Find("PCI 0000:04:00.0").status, Status::kOk);
  EXPECT_THAT(Find("PCI 0000:04:00.0").message, HasSubstr("virtual machine"));
}

TEST_F(DiagnoseTest, MachineWithoutSasIsLimited) {
  EXPECT_EQ(Find("hosts").status, Status::kLimited);
  EXPECT_EQ(Find("hosts").reason, "NO_HOST");
  EXPECT_THAT(Find("hosts").message, HasSubstr("PCI shows no SAS controller"));
}

TEST_F(DiagnoseTest, HostOnlyInSysfsIsNamed) {
  AddHost(kHost, "host11", "mpt3sas");
  live_.machine.sas_hosts.push_back("host12");
  EXPECT_EQ(Find("host12").reason, "HOST_NOT_TOLD");
  EXPECT_EQ(Find("hosts").status, Status::kOk);
}

// ------------------------------------------------------------------------------ control nodes

TEST_F(DiagnoseTest, ForbiddenControlNodeShowsModeAndRule) {
  ControlNodeFile& node = live_.machine.control_nodes[1];
  node.readable = false;
  node.mode = 0600;
  node.group = "root";
  Fail(absl::PermissionDeniedError("/dev/mpt3ctl: denied"));
  const DiagnosisCheck check = Find("host11");
  EXPECT_EQ(check.status, Status::kLimited);
  EXPECT_EQ(check.reason, "CONTROL_NODE_FORBIDDEN");
  EXPECT_THAT(check.message,
              HasSubstr("sasd may not open its control node /dev/mpt3ctl (root:root 0600)"));
  EXPECT_THAT(check.message, HasSubstr("only every 30s"));
  EXPECT_THAT(check.remedy, HasSubstr("flash firmware"));
  EXPECT_EQ(check.command,
            "printf '%s\\n' 'SUBSYSTEM==\"misc\", KERNEL==\"mpt[23]ctl\", GROUP=\"sasd-hba\", "
            "MODE=\"0640\"' > /etc/udev/rules.d/60-sasd.rules && udevadm control --reload && "
            "udevadm trigger --settle --subsystem-match=misc && systemctl reload sasd");

  live_.machine.has_udevd = false;
  live_.machine.process.group = "storage";
  live_.machine.process.is_service = false;
  EXPECT_EQ(Find("host11").command,
            "chgrp storage /dev/mpt3ctl && chmod g+r /dev/mpt3ctl && kill -HUP 77");
  live_.machine.process.group = "root";
  EXPECT_THAT(Find("host11").command, HasSubstr("chgrp sasd-hba /dev/mpt3ctl"));
  // Without a link the file's mode decides.
  live_.control_nodes.clear();
  EXPECT_EQ(Find("host11").reason, "CONTROL_NODE_FORBIDDEN");
}

// Members of the socket's group (sasd) must not be able to flash firmware.
TEST_F(DiagnoseTest, ServiceGetsAGroupForControlNodesOnly) {
  live_.machine.control_nodes[1].readable = false;
  live_.machine.process.supplementary_groups = {};
  Fail(absl::PermissionDeniedError("/dev/mpt3ctl: denied"));
  EXPECT_THAT(Find("host11").command,
              AllOf(StartsWith("groupadd -rf sasd-hba && printf"), HasSubstr("GROUP=\"sasd-hba\""),
                    HasSubstr("'[Service]\\nSupplementaryGroups=sasd-hba\\n'"),
                    HasSubstr("systemctl restart sasd")));
}

TEST_F(DiagnoseTest, RefusalDespiteModeIsADevicePolicy) {
  Fail(absl::PermissionDeniedError("/dev/mpt3ctl: Operation not permitted"));
  EXPECT_EQ(Find("host11").reason, "CONTROL_NODE_FORBIDDEN");
  EXPECT_THAT(Find("host11").message, HasSubstr("although its mode allows it"));
  EXPECT_THAT(
      Find("host11").command,
      AllOf(HasSubstr("'[Service]\\nDeviceAllow=/dev/char/10:222 r\\n'"),
            HasSubstr("/sasd.service.d/devices.conf"), HasSubstr("systemctl restart sasd")));
}

TEST_F(DiagnoseTest, AbsentControlNodeIsMadeOrDriverLoaded) {
  live_.machine.control_nodes[1] = {"/dev/mpt3ctl", "10:222", false, false, 0, "", ""};
  Fail(absl::NotFoundError("no such node"));
  EXPECT_EQ(Find("host11").reason, "CONTROL_NODE_ABSENT");
  EXPECT_EQ(
      Find("host11").command,
      "mknod -m 0640 /dev/mpt3ctl c 10 222 && chgrp sasd-hba /dev/mpt3ctl && systemctl reload "
      "sasd");
  live_.machine.control_nodes[1].device_number = "";
  EXPECT_EQ(Find("host11").command, "modprobe mpt3sas");
  live_.control_nodes.clear();
  EXPECT_EQ(Find("host11").reason, "CONTROL_NODE_ABSENT");
}

TEST_F(DiagnoseTest, OtherErrorsAreShownVerbatim) {
  Fail(absl::UnavailableError("mpt3sas 0: the IOC was not operational for 10 s"));
  EXPECT_EQ(Find("host11").reason, "CONTROL_NODE_FAILED");
  EXPECT_THAT(Find("host11").message, HasSubstr("the IOC was not operational for 10 s"));
  live_.control_nodes[0].error = absl::ResourceExhaustedError("cannot be opened");
  EXPECT_THAT(Find("host11").command, HasSubstr("LimitNOFILE=65536"));
}

TEST_F(DiagnoseTest, RescanReopensAReleasedControlNode) {
  AddHost(kHost, "host11", "mpt2sas");
  Connect(kHost, "host11", ControlNodeState::Kind::kReleased);
  EXPECT_EQ(Find("host11").status, Status::kLimited);
  EXPECT_EQ(Find("host11").reason, "CONTROL_NODE_RELEASED");
  EXPECT_EQ(Find("host11").command, "systemctl reload sasd");
  live_.control_nodes[0].kind = ControlNodeState::Kind::kConnecting;
  EXPECT_EQ(Find("host11").reason, "CONTROL_NODE_CONNECTING");
  live_.control_nodes.clear();
  EXPECT_EQ(Find("host11").reason, "CONTROL_NODE_UNUSED");
  EXPECT_EQ(Find("host11").command, "systemctl reload sasd");
  live_.asks_control_nodes = false;
  EXPECT_EQ(Find("host11").reason, "CONTROL_NODE_UNUSED");
  EXPECT_THAT(Find("host11").remedy, HasSubstr("--no-control-nodes"));
}

TEST_F(DiagnoseTest, AnHbaOfSasdItselfNeedsNoControlNode) {
  AddHost(kHost, "", "vfio-pci");
  EXPECT_EQ(Find(ToText(kHost)).status, Status::kOk);
  EXPECT_THAT(Find(ToText(kHost)).message, HasSubstr("sasd drives it itself"));
}

TEST_F(DiagnoseTest, EachHostHasItsOwnControlNode) {
  AddHost(kHost, "host11", "mpt3sas");
  AddHost(kOtherHost, "host12", "mpt3sas");
  Connect(kHost, "host11", ControlNodeState::Kind::kConnected);
  // A link without a known address belongs to the host of the same name.
  Connect(HostKey(), "host12", ControlNodeState::Kind::kReleased);
  EXPECT_EQ(Find("host11").status, Status::kOk);
  EXPECT_EQ(Find("host12").reason, "CONTROL_NODE_RELEASED");
  EXPECT_EQ(Find("host12").host, kOtherHost);
}

TEST_F(DiagnoseTest, OtherDriversAreLimitedToSysfs) {
  struct Case {
    const char* driver;
    const char* text;
  };
  for (const Case& c : std::vector<Case>{{"mptsas", "bays are shown as 0"},
                                         {"mpi3mr", "mpi3mrctl"},
                                         {"hisi_sas_v3_hw", "SES device"},
                                         {"pm80xx", "SES device"},
                                         {"aic94xx", "SES device"},
                                         {"isci", "SES device"},
                                         {"smartpqi", "expanders are not shown"},
                                         {"hpsa", "link rates are not shown"},
                                         {"new_sas", "discovery status"}}) {
    AddHost(kHost, "host11", c.driver);
    const DiagnosisCheck check = Find("host11");
    EXPECT_EQ(check.status, Status::kLimited);
    EXPECT_EQ(check.reason, "SYSFS_ALONE");
    EXPECT_THAT(check.message, AllOf(HasSubstr(absl::StrCat(c.driver, " has no control node")),
                                     HasSubstr("sysfs is its only source"), HasSubstr(c.text)));
    EXPECT_THAT(check.command, IsEmpty());
  }
}

TEST_F(DiagnoseTest, UnnamedDriverIsFoundByPciFunction) {
  AddHost(kHost, "host11", "<NULL>");
  live_.machine.controllers = {{"0000:03:00.0", 0x9005, 0x028f, 0x0107, "smartpqi"}};
  live_.look_interval = absl::ZeroDuration();
  EXPECT_THAT(Find("host11").message,
              AllOf(HasSubstr("smartpqi has no control node"), HasSubstr("only at a rescan")));
}

// ------------------------------------------------------------------------------------ the rest

TEST_F(DiagnoseTest, RefusedUeventsAreBroken) {
  live_.uevents.error = absl::UnavailableError("no netlink socket for uevents: EAFNOSUPPORT");
  EXPECT_EQ(Find("uevents").status, Status::kBroken);
  EXPECT_EQ(Find("uevents").reason, "UEVENTS_REFUSED");
  EXPECT_THAT(Find("uevents").message, HasSubstr("EAFNOSUPPORT"));
  EXPECT_THAT(Find("uevents").command, HasSubstr("RestrictAddressFamilies=AF_UNIX AF_NETLINK"));
  live_.machine.process.is_service = false;
  EXPECT_THAT(Find("uevents").command, IsEmpty());
}

// The socket opens there, but receives nothing.
TEST_F(DiagnoseTest, UserNamespaceGetsNoUevents) {
  live_.machine.process.user_namespace = true;
  EXPECT_EQ(Find("uevents").status, Status::kBroken);
  EXPECT_EQ(Find("uevents").reason, "UEVENTS_ELSEWHERE");
}

TEST_F(DiagnoseTest, SmallUeventBufferIsLimited) {
  live_.uevents.receive_buffer_bytes = 425984;
  live_.uevents.wanted_buffer_bytes = 128 << 20;
  EXPECT_EQ(Find("uevents").status, Status::kLimited);
  EXPECT_THAT(Find("uevents").message, HasSubstr("416 KiB of 131072"));
  EXPECT_THAT(Find("uevents").command, HasSubstr("AmbientCapabilities=CAP_NET_ADMIN"));
  live_.machine.process.is_service = false;
  EXPECT_EQ(Find("uevents").command, "sysctl -w net.core.rmem_max=134217728");
}

TEST_F(DiagnoseTest, EnclosuresWithoutSesDriverAreLimited) {
  EXPECT_EQ(Find("enclosures").status, Status::kOk);
  AddHost(kHost, "host11", "mpt3sas");
  AddUnit(2, 13);
  EXPECT_EQ(Find("enclosures").reason, "SES_NOT_BOUND");
  EXPECT_THAT(Find("enclosures").command,
              HasSubstr("echo 11:0:2:0 > /sys/bus/scsi/drivers/ses/bind"));
  live_.machine.has_ses = false;
  EXPECT_EQ(Find("enclosures").reason, "SES_NOT_LOADED");
  EXPECT_EQ(Find("enclosures").command, "modprobe ses");
  live_.machine.has_ses = true;
  live_.machine.enclosures = {"11:0:2:0"};
  EXPECT_EQ(Find("enclosures").status, Status::kOk);
}

// ses makes an enclosure only of a device that offers its services (ENCSERV).
TEST_F(DiagnoseTest, SesDeviceThatOffersNothingGetsNoUselessRemedy) {
  AddHost(kHost, "host11", "mpt3sas");
  AddUnit(2, 13);
  live_.machine.ses_devices = {{"11:0:2:0", "ses", false}};
  EXPECT_EQ(Find("enclosures").status, Status::kLimited);
  EXPECT_EQ(Find("enclosures").reason, "SES_NOT_OFFERED");
  EXPECT_THAT(Find("enclosures").message,
              AllOf(HasSubstr("11:0:2:0 does not set ENCSERV"), HasSubstr("slots stay unknown")));
  EXPECT_THAT(Find("enclosures").command, IsEmpty());
  live_.machine.has_ses = false;
  EXPECT_EQ(Find("enclosures").reason, "SES_NOT_OFFERED") << "loading ses does not help";
  live_.machine.ses_devices[0].enclosure_services = true;
  EXPECT_EQ(Find("enclosures").reason, "SES_NOT_LOADED");
}

TEST_F(DiagnoseTest, BoundSesDriverIsNotBoundAgain) {
  AddHost(kHost, "host11", "mpt3sas");
  AddUnit(2, 13);
  live_.machine.ses_devices = {{"11:0:2:0", "ses", std::nullopt}};
  EXPECT_EQ(Find("enclosures").reason, "SES_REFUSED");
  EXPECT_THAT(Find("enclosures").command, Not(HasSubstr("bind")));
  live_.machine.ses_devices[0].enclosure_services = true;
  EXPECT_EQ(Find("enclosures").reason, "SES_REFUSED");
  live_.machine.ses_devices[0].driver = "";
  EXPECT_EQ(Find("enclosures").reason, "SES_NOT_BOUND");
  EXPECT_THAT(Find("enclosures").command, HasSubstr("echo 11:0:2:0 > "));
}

TEST_F(DiagnoseTest, UnreadableHostIsNamedWithItsReasonOnce) {
  AddHost(kHost, "host11", "mpt3sas");
  live_.machine.sas_hosts.push_back("host12");
  ScsiHosts hosts;
  hosts.unreadable = {{"host12", "class/sas_host/host12", "its link leads nowhere"}};
  live_.scsi_hosts = std::make_shared<const ScsiHosts>(hosts);
  EXPECT_EQ(Find("host12").reason, "HOST_UNREADABLE");
  EXPECT_EQ(Find("host12").status, Status::kBroken);
}

TEST_F(DiagnoseTest, MissingSgDriverIsLimited) {
  live_.machine.has_sg = false;
  EXPECT_EQ(Find("generic names").status, Status::kOk);
  AddHost(kHost, "host11", "mpt3sas");
  AddUnit(1, 0);
  EXPECT_EQ(Find("generic names").status, Status::kLimited);
  EXPECT_EQ(Find("generic names").command, "modprobe sg");
}

TEST_F(DiagnoseTest, NearlyReachedLimitsAreLimited) {
  live_.machine.process.open_files = 60000;
  EXPECT_EQ(Find("open files").reason, "FEW_FILES");
  live_.machine.process.open_files = 10;
  live_.machine.process.open_files_limit = 256;
  live_.machine.process.is_service = false;
  EXPECT_EQ(Find("open files").command, "prlimit --nofile=65536 --pid 77");
  EXPECT_EQ(Find("memory").message, "30 MiB used, without a limit");
  live_.machine.process.memory_limit_bytes = 32 << 20;
  EXPECT_EQ(Find("memory").reason, "LITTLE_MEMORY");
  live_.machine.process.memory_limit_bytes = 300 << 20;
  EXPECT_EQ(Find("memory").status, Status::kOk);
}

TEST_F(DiagnoseTest, MissingUdevdIsOk) {
  live_.machine.has_udevd = false;
  EXPECT_EQ(Find("udev").status, Status::kOk);
  EXPECT_THAT(Find("udev").message, HasSubstr("does not run"));
}

}  // namespace
}  // namespace sasd
