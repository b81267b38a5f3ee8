#include "driver/sysfs/link_look.h"

#include <algorithm>
#include <optional>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "driver/base/link_rate.h"
#include "driver/sysfs/attribute_text.h"
#include "driver/sysfs/sysfs_root.h"
#include "driver/sysfs/tree_io.h"

namespace sasd::sysfs {
namespace {

class Looker {
 public:
  Looker(const Directory& sysfs, FileIo& io)
      : sysfs_(sysfs),
        io_(io),
        phys_(io_.Open(sysfs, "class/sas_phy")),
        ports_(io_.Open(sysfs, "class/sas_port")) {}

  std::string OfHost(const HostReading& reading) {
    if (!reading.reset_count.has_value()) return "";
    const Directory hosts = io_.Open(sysfs_, "class/scsi_host");
    const auto resets = NumberOf(
        io_.Read(Follow(hosts, "class/scsi_host", reading.os_name), Attribute::kIocResetCount),
        UINT32_MAX);
    if (!resets.has_value() || *resets == *reading.reset_count) return "";
    return absl::StrCat(reading.os_name, " was reset: ", *resets, " resets, were ",
                        *reading.reset_count);
  }

  std::string Difference(const SilentFact& fact) {
    return fact.kind == SilentFact::Kind::kPhyRate ? OfPhy(fact) : OfPort(fact);
  }

 private:
  std::string OfPhy(const SilentFact& fact) {
    const absl::string_view text =
        io_.Read(Follow(phys_, "class/sas_phy", fact.os_name), Attribute::kNegotiatedLinkRate);
    const LinkRate rate = LinkRateOf(text);
    if (text.empty() || rate == fact.rate) return "";
    return absl::StrCat(fact.os_name, " is at ", ToString(rate), ", was at ", ToString(fact.rate));
  }

  std::string OfPort(const SilentFact& fact) {
    const std::optional<std::string> path = Target(ports_, "class/sas_port", fact.os_name);
    if (!path) return "";
    // The class device port-5:0/sas_port/port-5:0 is two folders below the port itself.
    const size_t end = path->rfind("/sas_port/");
    const Directory port =
        end == std::string::npos ? Directory() : io_.Open(sysfs_, path->substr(0, end));
    if (!port) return "";
    const Listing listing = io_.List(port);
    const std::string members = absl::StrJoin(listing.Names(EntryKind::kLink, "phy-"), " ");
    if (members == fact.members || !io_.Open(sysfs_, *path)) return "";
    return absl::StrCat(fact.os_name, " has ", Or(members, "no phys"), ", had ",
                        Or(fact.members, "none"));
  }

  static std::string Or(const std::string& text, const char* otherwise) {
    return text.empty() ? otherwise : text;
  }

  std::optional<std::string> Target(const Directory& directory, absl::string_view path,
                                    const std::string& name) {
    return ResolveLink(path, io_.ReadLink(directory, name));
  }

  Directory Follow(const Directory& directory, absl::string_view path, const std::string& name) {
    const std::optional<std::string> target = Target(directory, path, name);
    return target ? io_.Open(sysfs_, *target) : Directory();
  }

  const Directory& sysfs_;
  TreeIo io_;
  const Directory phys_, ports_;
};

}  // namespace

LinkLook LookAtLinks(const std::string& root, FileIo& io, const HostReading& reading, size_t first,
                     size_t budget) {
  LinkLook look;
  const absl::StatusOr<Directory> sysfs = OpenSysfs(root, io);
  const size_t count = reading.silent.size();
  if (!sysfs.ok()) return look;
  Looker looker(*sysfs, io);
  look.difference = looker.OfHost(reading);
  if (count == 0) return look;
  look.next = first % count;
  while (look.reads < std::min(budget, count) && look.difference.empty()) {
    look.difference = looker.Difference(reading.silent[look.next]);
    look.next = (look.next + 1) % count;
    ++look.reads;
  }
  return look;
}

}  // namespace sasd::sysfs
