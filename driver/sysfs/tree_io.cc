#include "driver/sysfs/tree_io.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "driver/base/endian.h"
#include "driver/sysfs/attribute_text.h"

namespace sasd::sysfs {

void Listing::Add(absl::string_view name, EntryKind kind) {
  entries_.push_back(
      {static_cast<uint32_t>(names_.size()), static_cast<uint32_t>(name.size()), kind});
  names_.append(name.data(), name.size());
}

std::vector<absl::string_view> Listing::Names(EntryKind kind, absl::string_view prefix) const {
  std::vector<absl::string_view> names;
  for (const Entry& entry : entries_) {
    const absl::string_view name(names_.data() + entry.start, entry.length);
    if (entry.kind == kind && absl::StartsWith(name, prefix)) names.push_back(name);
  }
  std::sort(names.begin(), names.end(), NaturalLess);
  return names;
}

Directory TreeIo::Open(const Directory& at, absl::string_view path) {
  if (!at) return Directory();
  const int descriptor = io_.OpenDirectory(at.descriptor(), std::string(path).c_str());
  if (descriptor < 0) Note(-descriptor, path);
  return descriptor < 0 ? Directory() : Directory(io_, descriptor);
}

Listing TreeIo::List(const Directory& directory) {
  Listing listing;
  if (!directory) return listing;
  for (;;) {
    const ssize_t size = io_.ListDirectory(directory.descriptor(), buffer_.data(), buffer_.size());
    if (size < 0) Note(static_cast<int>(-size), "a folder's entries");
    if (size <= 0) return listing;
    // KindOf() uses the buffer no more than ListDirectory() is done with it.
    size_t at = 0;
    while (at + offsetof(dirent64, d_name) < static_cast<size_t>(size)) {
      const char* record = buffer_.data() + at;
      uint16_t length;
      memcpy(&length, record + offsetof(dirent64, d_reclen), sizeof(length));
      const uint8_t type = static_cast<uint8_t>(record[offsetof(dirent64, d_type)]);
      const absl::string_view name = record + offsetof(dirent64, d_name);
      if (name != "." && name != "..") listing.Add(name, KindOf(directory, name, type));
      at += length;
    }
  }
}

// The type that the listing reports. Some file systems (not sysfs) do not report it; then it is
// looked up.
EntryKind TreeIo::KindOf(const Directory& directory, absl::string_view name, uint8_t type) {
  if (type == DT_DIR) return EntryKind::kDirectory;
  if (type == DT_LNK) return EntryKind::kLink;
  if (type != DT_UNKNOWN) return EntryKind::kOther;
  if (!ReadLink(directory, name).empty()) return EntryKind::kLink;
  return Open(directory, name) ? EntryKind::kDirectory : EntryKind::kOther;
}

absl::string_view TreeIo::Read(const Directory& directory, Attribute attribute) {
  if (!directory) return "";
  const char* name = FileName(attribute);
  const ssize_t size = io_.ReadFile(directory.descriptor(), name, buffer_.data(), buffer_.size());
  if (size < 0) Note(static_cast<int>(-size), name);
  return absl::string_view(buffer_.data(), size < 0 ? 0 : static_cast<size_t>(size));
}

std::string TreeIo::ReadLink(const Directory& directory, absl::string_view name) {
  if (!directory) return "";
  char target[PATH_MAX];
  const ssize_t size =
      io_.ReadLink(directory.descriptor(), std::string(name).c_str(), target, sizeof(target));
  // A text as long as the buffer may have been cut. No path of the kernel is that long.
  if (size < 0 || static_cast<size_t>(size) == sizeof(target)) return "";
  return std::string(target, static_cast<size_t>(size));
}

void TreeIo::Note(int error, absl::string_view name) {
  if (error != EMFILE && error != ENFILE && error != ENOMEM) return;
  status_.Update(absl::ResourceExhaustedError(
      absl::StrCat("cannot read \"", name, "\" of the sysfs tree: ", strerror(error),
                   error == ENOMEM ? "" : "; raise the limit of open files (ulimit -n)")));
}

}  // namespace sasd::sysfs
