#include "driver/sysfs/sysfs_root.h"

#include <errno.h>
#include <string.h>

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "driver/sysfs/attribute_text.h"

namespace sasd::sysfs {
namespace {

constexpr absl::string_view kSasHosts = "class/sas_host", kScsiHosts = "class/scsi_host";

absl::Status CannotOpen(const std::string& path, int error) {
  const std::string text = absl::StrCat("cannot open folder \"", path, "\": ", strerror(error));
  switch (error) {
    case ENOENT:
      return absl::NotFoundError(text);
    case EACCES:
    case EPERM:
      return absl::PermissionDeniedError(text);
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return absl::ResourceExhaustedError(text);
    default:
      return absl::InvalidArgumentError(text);
  }
}

bool HasFolder(FileIo& io, int directory, const char* name) {
  const int folder = io.OpenDirectory(directory, name);
  if (folder >= 0) io.Close(folder);
  return folder >= 0;
}

bool IsSysfs(FileIo& io, int directory) {
  return HasFolder(io, directory, "class") || HasFolder(io, directory, "devices");
}

HostLocation LocationOf(const HostPlace& place, uint8_t index) {
  const size_t end = place.path.rfind('/');
  const absl::string_view above =
      absl::string_view(place.path).substr(0, end == std::string::npos ? 0 : end);
  return HostLocation::Of(place.pci_address, above.empty() ? "." : above, index);
}

// The host's folder at or above `path`: the outermost with the host's name.
std::optional<HostPlace> PlaceIn(absl::string_view path, absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(path, '/');
  const auto host = std::find(parts.begin(), parts.end(), name);
  if (host == parts.end()) return std::nullopt;
  HostPlace place = {std::string(name), absl::StrJoin(parts.begin(), host + 1, "/"), "",
                     HostLocation()};
  const auto pci = std::find_if(std::make_reverse_iterator(host), parts.rend(), IsPciName);
  if (pci != parts.rend()) place.pci_address = std::string(*pci);
  place.location = LocationOf(place, 0);
  return place;
}

// Where an entry of a class leads.
struct EntryTarget {
  std::string from;    // the folder of the link, below the root
  std::string target;  // the text of the link; empty: there is none
};

// Of the entry `name` of the folder `of_class`, which is open as `hosts`.
EntryTarget TargetOf(TreeIo& io, const Directory& hosts, absl::string_view of_class,
                     absl::string_view name) {
  EntryTarget entry = {std::string(of_class), io.ReadLink(hosts, name)};
  if (entry.target.empty()) {
    // A copy made with links followed has no link here. `device` still leads to the host.
    absl::StrAppend(&entry.from, "/", name);
    entry.target = io.ReadLink(io.Open(hosts, name), "device");
  }
  return entry;
}

std::optional<HostPlace> PlaceOf(TreeIo& io, const Directory& hosts, absl::string_view of_class,
                                 absl::string_view name) {
  const EntryTarget entry = TargetOf(io, hosts, of_class, name);
  const std::optional<std::string> path = ResolveLink(entry.from, entry.target);
  return path ? PlaceIn(*path, name) : std::nullopt;
}

std::vector<std::string> EntriesOf(TreeIo& io, const Directory& hosts) {
  std::vector<std::string> names;
  const Listing listing = io.List(hosts);
  for (EntryKind kind : {EntryKind::kLink, EntryKind::kDirectory, EntryKind::kOther}) {
    for (absl::string_view name : listing.Names(kind, "host")) names.emplace_back(name);
  }
  std::sort(names.begin(), names.end(), NaturalLess);
  return names;
}

std::vector<HostPlace> PlacesIn(TreeIo& io, const Directory& root, absl::string_view of_class) {
  std::vector<HostPlace> places;
  const Directory hosts = io.Open(root, of_class);
  for (const std::string& name : EntriesOf(io, hosts)) {
    if (std::optional<HostPlace> place = PlaceOf(io, hosts, of_class, name)) {
      places.push_back(*std::move(place));
    }
  }
  return places;
}

std::string WhyNoFolder(int error, absl::string_view target, absl::string_view path) {
  const std::string link = absl::StrCat("its link \"", target, "\"");
  switch (error) {
    case ENOENT:
      return absl::StrCat(link, " leads nowhere: there is no ", path);
    case ELOOP:
    case ENOTDIR:
      return absl::StrCat(link, " leads to ", path, ", which is no folder but a link or a file");
    default:
      return absl::StrCat("its folder ", path, " cannot be opened: ", strerror(error));
  }
}

// Why the entry `name` of class/sas_host leads to no folder of a host; empty if it does.
std::string WhyUnreadable(TreeIo& io, const Directory& root, const Directory& hosts,
                          absl::string_view name) {
  const EntryTarget entry = TargetOf(io, hosts, kSasHosts, name);
  if (entry.target.empty()) return "its entry is no link and has no link \"device\"";
  const std::optional<std::string> path = ResolveLink(entry.from, entry.target);
  if (!path) return absl::StrCat("its link \"", entry.target, "\" leads out of sysfs");
  const std::optional<HostPlace> place = PlaceIn(*path, name);
  if (!place) {
    return absl::StrCat("its link \"", entry.target, "\" leads to ", *path,
                        ", which is not in a folder of ", name);
  }
  if (io.Open(root, place->path)) return "";
  const int opened = io.io().OpenDirectory(root.descriptor(), place->path.c_str());
  if (opened < 0) return WhyNoFolder(-opened, entry.target, place->path);
  io.io().Close(opened);
  return "";
}

}  // namespace

absl::StatusOr<Directory> OpenSysfs(const std::string& root, FileIo& io) {
  int opened = io.OpenRoot(root.c_str());
  if (opened < 0) return CannotOpen(root, -opened);
  Directory directory(io, opened);
  if (IsSysfs(io, opened)) return directory;
  const std::string below = absl::StrCat(root, "/sys");
  opened = io.OpenDirectory(directory.descriptor(), "sys");
  if (opened >= 0) {
    Directory sys(io, opened);
    if (IsSysfs(io, opened)) return sys;
  }
  return absl::InvalidArgumentError(
      absl::StrCat("\"", root, "\" is not a sysfs tree: neither it nor \"", below,
                   "\" holds class/ or devices/; use /sys or a copy of it"));
}

std::optional<std::string> ResolveLink(absl::string_view from, absl::string_view target) {
  if (target.empty() || target[0] == '/') return std::nullopt;
  std::vector<absl::string_view> parts = absl::StrSplit(from, '/', absl::SkipEmpty());
  for (absl::string_view part : absl::StrSplit(target, '/', absl::SkipEmpty())) {
    if (part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.empty()) {
      return std::nullopt;
    } else {
      parts.pop_back();
    }
  }
  return absl::StrJoin(parts, "/");
}

std::optional<HostPlace> FindHost(TreeIo& io, const Directory& root, absl::string_view name) {
  return PlaceOf(io, io.Open(root, kSasHosts), kSasHosts, name);
}

std::vector<HostPlace> FindHosts(TreeIo& io, const Directory& root) {
  std::vector<HostPlace> places = PlacesIn(io, root, kSasHosts);
  absl::flat_hash_map<HostLocation, uint8_t> hosts_there;
  for (HostPlace& place : places) {
    place.location = LocationOf(place, hosts_there[place.location]++);
  }
  return places;
}

std::optional<HostPlace> FindScsiHost(TreeIo& io, const Directory& root, absl::string_view name) {
  return PlaceOf(io, io.Open(root, kScsiHosts), kScsiHosts, name);
}

std::vector<HostPlace> FindScsiHosts(TreeIo& io, const Directory& root) {
  return PlacesIn(io, root, kScsiHosts);
}

std::vector<HostProblem> FindHostProblems(TreeIo& io, const Directory& root) {
  std::vector<HostProblem> problems;
  const Directory hosts = io.Open(root, kSasHosts);
  for (const std::string& name : EntriesOf(io, hosts)) {
    std::string reason = WhyUnreadable(io, root, hosts, name);
    if (reason.empty()) continue;
    const std::vector<std::string> still = EntriesOf(io, io.Open(root, kSasHosts));
    if (std::find(still.begin(), still.end(), name) == still.end()) continue;
    problems.push_back({PrintableText(name), PrintableText(absl::StrCat(kSasHosts, "/", name)),
                        PrintableText(reason)});
  }
  return problems;
}

}  // namespace sasd::sysfs
