#include "daemon/diagnosis/machine_reader.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "driver/sysfs/attribute_text.h"
#include "driver/sysfs/sysfs_root.h"
#include "driver/sysfs/tree_io.h"

namespace sasd {
namespace {

namespace fs = std::filesystem;
using sysfs::Directory;
using sysfs::EntryKind;
using sysfs::TreeIo;

constexpr uint16_t kSasClass = 0x0107, kRaidClass = 0x0104;
constexpr uint16_t kBroadcom = 0x1000;

// ------------------------------------------------------------------------------------- sysfs

class SysfsLook {
 public:
  SysfsLook(sysfs::FileIo& io, const Directory& root) : io_(io), root_(root) {}

  bool Has(absl::string_view path) { return static_cast<bool>(io_.Open(root_, path)); }

  // The names of the links in a folder below the root.
  std::vector<std::string> Links(absl::string_view path) {
    const sysfs::Listing listing = io_.List(io_.Open(root_, path));
    std::vector<std::string> names;
    for (absl::string_view name : listing.Names(EntryKind::kLink)) names.emplace_back(name);
    return names;
  }

  std::vector<PciController> Controllers() {
    std::vector<PciController> controllers;
    const Directory devices = io_.Open(root_, kPciDevices);
    for (const std::string& address : Links(kPciDevices)) {
      const Directory function = Follow(devices, kPciDevices, address);
      if (std::optional<PciController> c = ControllerOf(function, address)) {
        controllers.push_back(*std::move(c));
      }
    }
    return controllers;
  }

  // Reads the type of every SCSI device, and the rest of SES devices alone.
  std::vector<SesDevice> SesDevices() {
    constexpr uint64_t kSesType = 13;
    std::vector<SesDevice> devices;
    const Directory all = io_.Open(root_, kScsiDevices);
    for (const std::string& name : Links(kScsiDevices)) {
      if (!sysfs::LunOfScsiName(name)) continue;
      const Directory folder = Follow(all, kScsiDevices, name);
      if (sysfs::NumberOf(Text(folder, "type")) != kSesType) continue;
      SesDevice device;
      device.scsi_address = name;
      device.driver = std::string(sysfs::LastComponent(io_.ReadLink(folder, "driver")));
      device.enclosure_services =
          sysfs::EnclosureServicesOf(io_.Read(folder, sysfs::Attribute::kInquiry));
      devices.push_back(std::move(device));
    }
    return devices;
  }

  // The number of the misc device; empty if there is none.
  std::string MiscNumber(absl::string_view name) {
    const Directory misc = io_.Open(root_, kMisc);
    return Text(Follow(misc, kMisc, name), "dev");
  }

 private:
  static constexpr absl::string_view kPciDevices = "bus/pci/devices";
  static constexpr absl::string_view kMisc = "class/misc";
  static constexpr absl::string_view kScsiDevices = "bus/scsi/devices";

  // The folder to which the link `name` leads in `folder`, which is at `path`.
  Directory Follow(const Directory& folder, absl::string_view path, absl::string_view name) {
    const std::string target = io_.ReadLink(folder, name);
    if (target.empty()) return Directory();
    const std::optional<std::string> resolved = sysfs::ResolveLink(path, target);
    return resolved ? io_.Open(root_, *resolved) : Directory();
  }

  std::string Text(const Directory& folder, const char* name) {
    if (!folder) return "";
    char buffer[64];
    const ssize_t size = io_.io().ReadFile(folder.descriptor(), name, buffer, sizeof(buffer));
    if (size <= 0) return "";
    return std::string(sysfs::Trimmed(absl::string_view(buffer, static_cast<size_t>(size))));
  }

  uint32_t Number(const Directory& folder, const char* name) {
    return static_cast<uint32_t>(sysfs::NumberOf(Text(folder, name), UINT32_MAX).value_or(0));
  }

  std::optional<PciController> ControllerOf(const Directory& function, const std::string& address) {
    PciController c;
    c.class_code = static_cast<uint16_t>(Number(function, "class") >> 8);
    if (c.class_code != kSasClass && c.class_code != kRaidClass) return std::nullopt;
    c.vendor = static_cast<uint16_t>(Number(function, "vendor"));
    if (c.class_code == kRaidClass && c.vendor != kBroadcom) return std::nullopt;
    c.device = static_cast<uint16_t>(Number(function, "device"));
    c.address = address;
    c.driver = std::string(sysfs::LastComponent(io_.ReadLink(function, "driver")));
    return c;
  }

  TreeIo io_;
  const Directory& root_;
};

// ---------------------------------------------------------------------- files, users, process

std::string FileText(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::optional<uint64_t> FileNumber(const std::string& path) {
  uint64_t number = 0;
  if (!absl::SimpleAtoi(absl::StripAsciiWhitespace(FileText(path)), &number)) return std::nullopt;
  return number;
}

bool Exists(const std::string& path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0;
}

// From the machine's own files, because a name service could be remote.
std::string UserName(const std::string& etc, uid_t uid) {
  FILE* const file = fopen((etc + "/passwd").c_str(), "re");
  if (file != nullptr) {
    const absl::Cleanup close = [file] { fclose(file); };
    char buffer[4096];
    passwd entry;
    passwd* found = nullptr;
    while (fgetpwent_r(file, &entry, buffer, sizeof(buffer), &found) == 0) {
      if (entry.pw_uid == uid) return entry.pw_name;
    }
  }
  return absl::StrCat("uid ", uid);
}

std::string GroupName(const std::string& etc, gid_t gid) {
  FILE* const file = fopen((etc + "/group").c_str(), "re");
  if (file != nullptr) {
    const absl::Cleanup close = [file] { fclose(file); };
    char buffer[65536];  // a line names all members
    group entry;
    group* found = nullptr;
    while (fgetgrent_r(file, &entry, buffer, sizeof(buffer), &found) == 0) {
      if (entry.gr_gid == gid) return entry.gr_name;
    }
  }
  return absl::StrCat("gid ", gid);
}

void LookAtFile(const std::string& etc, const std::string& path, ControlNodeFile& node) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return;
  node.exists = true;
  node.mode = info.st_mode & 07777;
  node.owner = UserName(etc, info.st_uid);
  node.group = GroupName(etc, info.st_gid);
  node.readable = faccessat(AT_FDCWD, path.c_str(), R_OK, AT_EACCESS) == 0;
}

// The initial user namespace maps every user to itself.
bool IsInUserNamespace(const std::string& proc) {
  const std::string text = FileText(proc + "/self/uid_map");
  const std::vector<absl::string_view> words =
      absl::StrSplit(text, absl::ByAnyChar(" \t\n"), absl::SkipEmpty());
  return !words.empty() && words != std::vector<absl::string_view>{"0", "0", "4294967295"};
}

uint64_t CountOpenFiles(const std::string& proc) {
  std::error_code error;
  uint64_t count = 0;
  for (fs::directory_iterator it(proc + "/self/fd", error), end; !error && it != end;
       it.increment(error)) {
    ++count;
  }
  return count;
}

uint64_t ResidentBytes(const std::string& proc) {
  const std::string text = FileText(proc + "/self/statm");
  const std::vector<absl::string_view> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
  uint64_t pages = 0;
  if (words.size() < 2 || !absl::SimpleAtoi(words[1], &pages)) return 0;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// The path of this process' control group (version 2); empty if unknown.
std::string ControlGroup(const std::string& proc) {
  const std::string text = FileText(proc + "/self/cgroup");
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::ConsumePrefix(&line, "0::")) return std::string(line);
  }
  return "";
}

std::vector<std::string> SupplementaryGroups(const std::string& etc) {
  std::vector<gid_t> ids(static_cast<size_t>(std::max(getgroups(0, nullptr), 0)));
  const int count = getgroups(static_cast<int>(ids.size()), ids.data());
  std::vector<std::string> names;
  for (int i = 0; i < count; ++i) names.push_back(GroupName(etc, ids[static_cast<size_t>(i)]));
  return names;
}

ProcessFacts LookAtSelf(const MachinePlaces& places) {
  ProcessFacts self;
  const std::string group = ControlGroup(places.proc);
  self.pid = getpid();
  self.is_service = sysfs::LastComponent(group) == "sasd.service";
  self.user = UserName(places.etc, geteuid());
  self.group = GroupName(places.etc, getegid());
  self.supplementary_groups = SupplementaryGroups(places.etc);
  self.user_namespace = IsInUserNamespace(places.proc);
  self.open_files = CountOpenFiles(places.proc);
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) self.open_files_limit = limit.rlim_cur;
  self.memory_bytes = ResidentBytes(places.proc);
  self.memory_limit_bytes =
      FileNumber(absl::StrCat(places.sysfs, "/fs/cgroup", group, "/memory.max")).value_or(0);
  return self;
}

}  // namespace

MachineFacts ReadMachine(const MachinePlaces& places, sysfs::FileIo& io) {
  MachineFacts machine;
  machine.sysfs_root = places.sysfs;
  const absl::StatusOr<Directory> root = sysfs::OpenSysfs(places.sysfs, io);
  machine.sysfs = root.status();
  for (const char* name : {"mpt2ctl", "mpt3ctl"}) {
    ControlNodeFile node;
    node.path = absl::StrCat("/dev/", name);
    LookAtFile(places.etc, absl::StrCat(places.dev, "/", name), node);
    if (root.ok()) node.device_number = SysfsLook(io, *root).MiscNumber(name);
    machine.control_nodes.push_back(std::move(node));
  }
  if (root.ok()) {
    SysfsLook look(io, *root);
    machine.controllers = look.Controllers();
    machine.sas_hosts = look.Links("class/sas_host");
    machine.enclosures = look.Links("class/enclosure");
    machine.ses_devices = look.SesDevices();
    machine.has_ses = look.Has("bus/scsi/drivers/ses");
    machine.has_sg = look.Has("class/scsi_generic");
    machine.has_device_mapper = look.Has("devices/virtual/misc/device-mapper");
  }
  machine.has_udevd = Exists(places.run + "/udev/control");
  machine.process = LookAtSelf(places);
  return machine;
}

}  // namespace sasd
