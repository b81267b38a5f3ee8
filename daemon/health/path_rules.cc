#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/health/rules.h"

namespace sasd::health {
namespace {

using registry::Enclosure;
using registry::EndDevice;
using registry::HostList;
using registry::LogicalUnit;
using registry::LogicalUnitKey;
using registry::Topology;

class PathRules {
 public:
  explicit PathRules(const Examined& examined) : topology_(examined.topology) {
    for (const auto& unit : topology_.collection<LogicalUnit>()) {
      if (unit->paths.size() > 1 && IsDrive(unit->peripheral_type)) {
        dual_path_.insert(unit->enclosure);
      }
    }
    dual_path_.erase(EnclosureKey(0));
    for (const MissingPtr& missing : examined.baseline.missing) {
      for (const LogicalUnitKey& unit : missing->units)
        lost_paths_[unit].push_back(HostOf(*missing));
    }
  }

  void Examine(const LogicalUnit& unit, std::vector<Finding>& findings) const {
    if (unit.paths.size() != 1 || !IsDrive(unit.peripheral_type)) return;
    const std::string name = Describe(registry::MakeId<LogicalUnit>(unit.key()));
    const HostList hosts = {unit.paths[0].device.host};
    const auto lost = lost_paths_.find(unit.id);
    if (lost != lost_paths_.end()) {
      AddFinding(Severity::kWarning, FindingReason::kSinglePath, unit, hosts,
                 absl::StrCat(name, " has one path of ", lost->second.size() + 1,
                              NoneOver(lost->second, unit)),
                 findings);
    } else if (dual_path_.contains(unit.enclosure) && HasTwoPorts(unit)) {
      AddFinding(
          Severity::kWarning, FindingReason::kSinglePath, unit, hosts,
          absl::StrCat(name, " has one path, other drives of enclosure ", ToText(unit.enclosure),
                       " have two", NoneOver(HostsOf(unit.enclosure), unit)),
          findings);
    }
  }

 private:
  static HostKey HostOf(const Missing& path) {
    return std::get<registry::IndexOf<EndDevice>()>(path.id).host;
  }

  HostList HostsOf(EnclosureKey key) const {
    const Enclosure* enclosure = topology_.collection<Enclosure>().Find(key);
    return enclosure == nullptr ? HostList() : enclosure->hosts;
  }

  // ", none over host 500605b00ab01230": the hosts without a path to the unit.
  static std::string NoneOver(HostList hosts, const LogicalUnit& unit) {
    std::sort(hosts.begin(), hosts.end());
    hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
    hosts.erase(std::remove(hosts.begin(), hosts.end(), unit.paths[0].device.host), hosts.end());
    if (hosts.empty()) return "";
    return absl::StrCat(", none over host ",
                        absl::StrJoin(hosts, ", ", [](std::string* out, HostKey host) {
                          absl::StrAppend(out, ToText(host));
                        }));
  }

  // SATA drives have one port.
  bool HasTwoPorts(const LogicalUnit& unit) const {
    const EndDevice* device = topology_.collection<EndDevice>().Find(unit.paths[0].device);
    return device != nullptr && (device->facts.protocols.target & Protocols::kSsp) != 0;
  }

  const Topology& topology_;
  absl::flat_hash_set<EnclosureKey> dual_path_;  // with a drive that has two paths
  absl::flat_hash_map<LogicalUnitKey, HostList> lost_paths_;
};

}  // namespace

bool IsDrive(uint8_t peripheral_type) {
  constexpr uint8_t kDisk = 0x00, kHostManagedZonedDisk = 0x14;
  return peripheral_type == kDisk || peripheral_type == kHostManagedZonedDisk;
}

void ExaminePaths(const Examined& examined, std::vector<Finding>& findings) {
  const PathRules rules(examined);
  for (const auto& unit : examined.topology.collection<LogicalUnit>()) {
    rules.Examine(*unit, findings);
  }
}

}  // namespace sasd::health
