#include "driver/pci/disk_users.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace sasd::pci {
namespace {

constexpr absl::string_view kClasses[] = {"block", "scsi_generic", "scsi_tape"};

// A link of a class leads into /sys/devices, through the folders of all functions above.
bool IsBelow(absl::string_view link, absl::string_view address) {
  return absl::StrContains(link, absl::StrCat("/", address, "/"));
}

std::vector<std::string> NamesBelow(const MachineFiles& files, absl::string_view kind,
                                    absl::string_view address) {
  const std::string folder = absl::StrCat("/sys/class/", kind);
  std::vector<std::string> names;
  for (const std::string& name : files.List(folder)) {
    if (IsBelow(files.LinkOf(absl::StrCat(folder, "/", name)), address)) names.push_back(name);
  }
  return names;
}

bool IsNumber(absl::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return absl::ascii_isdigit(c); });
}

// "sda" and "sda1" of "sda"; not "sdaa1".
bool IsPartOf(absl::string_view device, absl::string_view disk) {
  return absl::ConsumePrefix(&device, disk) && IsNumber(device);
}

// mountinfo(5) writes a blank as \040.
std::string Unescape(absl::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    const absl::string_view code = text.substr(i, 4);
    const bool octal =
        code.size() == 4 && code[0] == '\\' &&
        std::all_of(code.begin() + 1, code.end(), [](char c) { return c >= '0' && c <= '7'; });
    if (octal) {
      plain += static_cast<char>((code[1] - '0') * 64 + (code[2] - '0') * 8 + (code[3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

struct Mount {
  std::string number;  // "8:1"
  std::string source;  // "/dev/sda1"
  std::string folder;
};

std::vector<Mount> ReadMounts(const MachineFiles& files) {
  std::vector<Mount> mounts;
  // This process may live in a namespace of its own.
  for (const char* path : {"/proc/1/mountinfo", "/proc/self/mountinfo"}) {
    for (absl::string_view line : absl::StrSplit(files.Read(path), '\n', absl::SkipEmpty())) {
      const std::vector<absl::string_view> sides = absl::StrSplit(line, absl::MaxSplits(" - ", 1));
      const std::vector<absl::string_view> left = absl::StrSplit(sides[0], ' ');
      if (sides.size() < 2 || left.size() < 5) continue;
      const std::vector<absl::string_view> right = absl::StrSplit(sides[1], ' ');
      if (right.size() < 2) continue;
      mounts.push_back({std::string(left[2]), Unescape(right[1]), Unescape(left[4])});
    }
  }
  return mounts;
}

// "dm-0 (mpatha)", "md127".
std::string HolderName(const MachineFiles& files, const std::string& holder) {
  const std::string dm = files.Read(absl::StrCat("/sys/class/block/", holder, "/dm/name"));
  return dm.empty() ? holder : absl::StrCat(holder, " (", dm, ")");
}

// The name of the ZFS pool, from udev's database.
std::string ZfsPool(const MachineFiles& files, const std::string& device) {
  const std::string number = files.Read(absl::StrCat("/sys/class/block/", device, "/dev"));
  const std::string text = files.Read("/run/udev/data/b" + number);
  if (!absl::StrContains(text, "E:ID_FS_TYPE=zfs_member")) return "";
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    if (absl::ConsumePrefix(&line, "E:ID_FS_LABEL=")) return std::string(line);
  }
  return "unknown";
}

// Collects uses, each once.
class Uses {
 public:
  void Add(const std::string& device, std::string use) {
    if (seen_.insert({device, use}).second) users_.push_back({device, std::move(use)});
  }
  bool Has(const std::string& device) const {
    return std::any_of(users_.begin(), users_.end(),
                       [&](const DiskUser& user) { return IsPartOf(user.device, device); });
  }
  std::vector<DiskUser> Take() { return std::move(users_); }

 private:
  std::set<std::pair<std::string, std::string>> seen_;
  std::vector<DiskUser> users_;
};

void AddMountsAndSwap(const MachineFiles& files, const std::vector<std::string>& blocks,
                      Uses& uses) {
  const std::vector<Mount> mounts = ReadMounts(files);
  const std::string swaps = files.Read("/proc/swaps");
  for (const std::string& block : blocks) {
    const std::string number = files.Read(absl::StrCat("/sys/class/block/", block, "/dev"));
    const std::string node = "/dev/" + block;
    for (const Mount& mount : mounts) {
      // A file system of several devices has a number of its own.
      if (mount.number == number || mount.source == node) {
        uses.Add(block, "mounted on " + mount.folder);
      }
    }
    for (absl::string_view line : absl::StrSplit(swaps, '\n')) {
      if (absl::StartsWith(line, node + " ") || absl::StartsWith(line, node + "\t")) {
        uses.Add(block, "swap space");
      }
    }
  }
}

void AddHolders(const MachineFiles& files, const std::vector<std::string>& blocks, Uses& uses) {
  for (const std::string& block : blocks) {
    for (const std::string& holder :
         files.List(absl::StrCat("/sys/class/block/", block, "/holders"))) {
      uses.Add(block, "part of " + HolderName(files, holder));
    }
  }
}

void AddClaims(const MachineFiles& files, const std::vector<std::string>& blocks, Uses& uses) {
  for (const std::string& block : blocks) {
    const bool partition = files.Exists(absl::StrCat("/sys/class/block/", block, "/partition"));
    if (partition || uses.Has(block) || !files.IsClaimed("/dev/" + block)) continue;
    std::string pool;
    for (const std::string& part : blocks) {
      if (pool.empty() && IsPartOf(part, block)) pool = ZfsPool(files, part);
    }
    uses.Add(block, pool.empty() ? "claimed by the kernel (a mount of another namespace, or a "
                                   "storage driver)"
                                 : absl::StrCat("part of the ZFS pool ", pool));
  }
}

void AddOpenFiles(const MachineFiles& files, const std::vector<std::string>& devices, Uses& uses) {
  std::map<std::string, std::string> nodes;  // path -> device
  for (const std::string& device : devices) nodes["/dev/" + device] = device;
  for (const std::string& pid : files.List("/proc")) {
    if (!IsNumber(pid)) continue;
    const std::string folder = absl::StrCat("/proc/", pid, "/fd");
    for (const std::string& file : files.List(folder)) {
      const auto node = nodes.find(files.LinkOf(absl::StrCat(folder, "/", file)));
      if (node == nodes.end()) continue;
      const std::string name = files.Read(absl::StrCat("/proc/", pid, "/comm"));
      uses.Add(node->second, absl::StrCat("open in ", name, " (pid ", pid, ")"));
    }
  }
}

}  // namespace

std::vector<std::string> DevicesBelow(const MachineFiles& files, absl::string_view address) {
  std::vector<std::string> devices;
  for (absl::string_view kind : kClasses) {
    for (std::string& name : NamesBelow(files, kind, address)) devices.push_back(std::move(name));
  }
  return devices;
}

std::vector<DiskUser> FindDiskUsers(const MachineFiles& files, absl::string_view address,
                                    Claims claims) {
  const std::vector<std::string> blocks = NamesBelow(files, "block", address);
  Uses uses;
  AddMountsAndSwap(files, blocks, uses);
  AddHolders(files, blocks, uses);
  if (claims == Claims::kTried) AddClaims(files, blocks, uses);
  AddOpenFiles(files, DevicesBelow(files, address), uses);
  return uses.Take();
}

}  // namespace sasd::pci
