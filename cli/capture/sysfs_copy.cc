#include "cli/capture/sysfs_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace sasd::cli {
namespace {

using Names = std::vector<const char*>;

// The files of an object, by the folder that its class has in the device's folder.
const std::map<absl::string_view, Names>& FilesOfClass() {
  static const auto& files = *new std::map<absl::string_view, Names>{
      {"scsi_host",
       {"proc_name", "state", "host_sas_address", "board_name", "version_product", "version_fw",
        "model", "firmware_version", "firmware_revision", "fw_version", "hba_kernel_version",
        "ioc_reset_count"}},
      {"sas_host", {}},
      {"sas_phy",
       {"phy_identifier", "negotiated_linkrate", "minimum_linkrate", "maximum_linkrate",
        "minimum_linkrate_hw", "maximum_linkrate_hw", "sas_address"}},
      {"sas_port", {"num_phys"}},
      {"sas_device",
       {"sas_address", "initiator_port_protocols", "target_port_protocols", "enclosure_identifier",
        "bay_identifier"}},
      {"sas_end_device", {}},
      {"sas_expander", {"vendor_id", "product_id", "product_rev"}},
      {"scsi_generic", {}},
      {"block", {"size", "dev"}},
      {"enclosure", {"id", "components"}},
  };
  return files;
}

const Names& FilesOfScsiDevice() {
  static const auto& files =
      *new Names{"type",      "vendor",    "model",      "rev",         "state",
                 "wwid",      "vpd_pg80",  "vpd_pg83",   "inquiry",     "sas_device_handle",
                 "path_info", "unique_id", "raid_level", "sas_address", "device_handle"};
  return files;
}

const Names& FilesOfComponent() {  // of an enclosure; its other files send commands
  static const auto& files = *new Names{"type", "slot"};
  return files;
}

const Names& FilesOfPartition() {
  static const auto& files = *new Names{"size", "dev"};
  return files;
}

const Names& FilesOfMapper() {
  static const auto& files = *new Names{"name", "uuid"};
  return files;
}

constexpr size_t kMostBytes = 64 * 1024;  // of a file; the largest attribute has a page
constexpr size_t kDeepest = 400;          // components of a path: 32 expanders in a row

bool IsScsiName(absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, ':');
  return parts.size() == 4 && std::all_of(parts.begin(), parts.end(), [](absl::string_view part) {
           return !part.empty() && part.find_first_not_of("0123456789") == absl::string_view::npos;
         });
}

std::string Below(const std::string& folder, const std::string& name) {
  return folder.empty() ? name : absl::StrCat(folder, "/", name);
}

// The target of a link in the folder `from`, without "." and ".."; empty if it leaves the root.
std::string Resolve(absl::string_view from, absl::string_view target) {
  if (target.empty() || target[0] == '/') return "";
  std::vector<absl::string_view> parts = absl::StrSplit(from, '/', absl::SkipEmpty());
  for (const absl::string_view part : absl::StrSplit(target, '/', absl::SkipEmpty())) {
    if (part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.empty()) {
      return "";
    } else {
      parts.pop_back();
    }
  }
  return absl::StrJoin(parts, "/");
}

class Copier {
 public:
  explicit Copier(std::string root) : root_(std::move(root)) {}

  SysfsCopy Copy() {
    for (const char* of_class : {"class/sas_host", "class/scsi_host"}) {
      for (const auto& [name, type] : List(of_class)) AddHost(of_class, name, type);
    }
    for (const auto& [what, where] : failed_) {
      copy_.unread.push_back(absl::StrCat(what.first, ": ", strerror(what.second), " (",
                                          where.second, where.second == 1 ? " file, " : " files, ",
                                          where.first, ")"));
    }
    return std::move(copy_);
  }

 private:
  enum class Type { kOther, kFolder, kLink };

  std::string Full(const std::string& path) const { return absl::StrCat(root_, "/", path); }

  void Fail(const std::string& path, const std::string& name, int error) {
    if (error == ENOENT) return;
    auto& [first, count] = failed_[{name, error}];
    if (count++ == 0) first = path;
  }

  Type TypeOf(const std::string& path) const {
    struct stat about = {};
    if (lstat(Full(path).c_str(), &about) != 0) return Type::kOther;
    return S_ISDIR(about.st_mode)   ? Type::kFolder
           : S_ISLNK(about.st_mode) ? Type::kLink
                                    : Type::kOther;
  }

  // The entries of a folder, by name.
  std::map<std::string, Type> List(const std::string& path) {
    std::map<std::string, Type> entries;
    DIR* folder = opendir(Full(path).c_str());
    if (folder == nullptr) {
      Fail(path, "folder", errno);
      return entries;
    }
    while (const dirent* entry = readdir(folder)) {
      const std::string name = entry->d_name;
      if (name == "." || name == "..") continue;
      entries[name] = entry->d_type == DT_DIR       ? Type::kFolder
                      : entry->d_type == DT_LNK     ? Type::kLink
                      : entry->d_type == DT_UNKNOWN ? TypeOf(Below(path, name))
                                                    : Type::kOther;
    }
    closedir(folder);
    return entries;
  }

  std::string LinkText(const std::string& path) {
    char text[PATH_MAX];
    const ssize_t size = readlink(Full(path).c_str(), text, sizeof(text));
    if (size < 0) Fail(path, "link", errno);
    return size < 0 ? "" : std::string(text, static_cast<size_t>(size));
  }

  std::string AddLink(const std::string& path) {
    std::string text = LinkText(path);
    if (!text.empty() && added_.insert(path).second) {
      copy_.entries.push_back({path, text, CopiedEntry::Kind::kLink});
    }
    return text;
  }

  void AddFiles(const std::string& folder, const Names& names) {
    for (const char* name : names) {
      // A read of it makes mptsas send a request to the firmware.
      if (driver_ == "mptsas" && absl::string_view(name) == "enclosure_identifier") continue;
      AddFile(Below(folder, name), name);
    }
  }

  void AddFile(const std::string& path, const std::string& name) {
    if (!added_.insert(path).second) return;
    const int file = open(Full(path).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) {
      if (errno != ENOENT) Fail(path, name, errno);
      return;
    }
    std::string content(kMostBytes, '\0');
    size_t size = 0;
    ssize_t got = 0;
    do {
      got = read(file, content.data() + size, content.size() - size);
      if (got > 0) size += static_cast<size_t>(got);
    } while ((got > 0 && size < content.size()) || (got < 0 && errno == EINTR));
    if (got < 0) Fail(path, name, errno);
    close(file);
    if (got < 0) return;
    content.resize(size);
    copy_.entries.push_back({path, std::move(content), CopiedEntry::Kind::kFile});
  }

  // The host's folder is the outermost with the host's name.
  void AddHost(const std::string& of_class, const std::string& name, Type type) {
    const std::string entry = Below(of_class, name);
    std::string from = of_class, link = entry;
    if (type == Type::kFolder) {  // a copy that was made with links followed
      from = entry;
      link = Below(entry, "device");
    }
    const std::string path = Resolve(from, AddLink(link));
    std::vector<std::string> parts = absl::StrSplit(path, '/');
    const auto host = std::find(parts.begin(), parts.end(), name);
    if (host == parts.end()) {
      copy_.unread.push_back(absl::StrCat(entry, ": leads to no folder of ", name));
      return;
    }
    parts.erase(host + 1, parts.end());
    const std::string folder = absl::StrJoin(parts, "/");
    if (!hosts_.insert(folder).second) return;
    driver_ = FirstLine(Full(absl::StrCat(folder, "/scsi_host/", name, "/proc_name")));
    Visit(folder);
  }

  static std::string FirstLine(const std::string& path) {
    char text[64] = {};
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) return "";
    const ssize_t got = read(file, text, sizeof(text));
    close(file);
    const std::string all(text, got > 0 ? static_cast<size_t>(got) : 0);
    return all.substr(0, all.find('\n'));
  }

  static const Names* FilesOf(const std::string& name, const std::string& parent,
                              const std::string& grandparent) {
    const auto of_class = FilesOfClass().find(parent);
    if (of_class != FilesOfClass().end()) return &of_class->second;
    if (IsScsiName(name)) return &FilesOfScsiDevice();
    if (grandparent == "enclosure") return &FilesOfComponent();
    if (grandparent == "block" && name != "holders") return &FilesOfPartition();
    return nullptr;
  }

  void Visit(const std::string& path) {
    std::vector<std::string> parts = absl::StrSplit(path, '/');
    if (parts.size() > kDeepest) return;
    const auto part = [&parts](size_t from_end) {
      return parts.size() > from_end ? parts[parts.size() - 1 - from_end] : std::string();
    };
    const std::string name = part(0), parent = part(1);
    copy_.entries.push_back({path, "", CopiedEntry::Kind::kFolder});
    if (const Names* files = FilesOf(name, parent, part(2))) AddFiles(path, *files);
    for (const auto& [child, type] : List(path)) {
      if (type == Type::kLink && child != "subsystem" && child != "driver") {
        AddLink(Below(path, child));
        if (name == "holders" && absl::StartsWith(child, "dm-")) {
          AddFiles(absl::StrCat("devices/virtual/block/", child, "/dm"), FilesOfMapper());
        }
      } else if (type == Type::kFolder && IsVisited(child, name, parent)) {
        Visit(Below(path, child));
      }
    }
  }

  // Whether to go on from the folder `name`, which is in `parent`, to its folder `child`.
  static bool IsVisited(const std::string& child, const std::string& name,
                        const std::string& parent) {
    if (FilesOfClass().count(name) != 0) return true;  // the objects of a class
    if (parent == "block") return child == "holders" || absl::StartsWith(child, name);
    if (parent == "enclosure") return child != "power";
    if (FilesOfClass().count(child) != 0 || child == "holders") return true;
    for (const char* prefix : {"phy-", "port-", "expander-", "end_device-", "target"}) {
      if (absl::StartsWith(child, prefix)) return true;
    }
    return IsScsiName(child);
  }

  const std::string root_;
  std::string driver_;  // of the host that is visited
  SysfsCopy copy_;
  std::set<std::string> added_, hosts_;
  // By file name and errno: the first path, and the number of them.
  std::map<std::pair<std::string, int>, std::pair<std::string, size_t>> failed_;
};

bool IsFolder(const std::string& path) {
  struct stat about = {};
  return stat(path.c_str(), &about) == 0 && S_ISDIR(about.st_mode);
}

}  // namespace

absl::StatusOr<SysfsCopy> CopySysfs(const std::string& root) {
  for (const std::string& place : {root, absl::StrCat(root, "/sys")}) {
    if (IsFolder(absl::StrCat(place, "/class")) || IsFolder(absl::StrCat(place, "/devices"))) {
      return Copier(place).Copy();
    }
  }
  return absl::NotFoundError(
      absl::StrCat("\"", root, "\" is not a sysfs tree: it holds neither class/ nor devices/"));
}

std::set<std::string> CopiedFileNames() {
  std::set<std::string> names;
  for (const auto& [of_class, files] : FilesOfClass()) names.insert(files.begin(), files.end());
  for (const Names* files :
       {&FilesOfScsiDevice(), &FilesOfComponent(), &FilesOfPartition(), &FilesOfMapper()}) {
    names.insert(files->begin(), files->end());
  }
  return names;
}

}  // namespace sasd::cli
