#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/health/rules.h"
#include "daemon/registry/merge.h"

namespace sasd::health {
namespace {

using registry::Host;
using registry::Phy;

// The drivers on libsas, by proc_name. libsas takes the rate of each phy from the last DISCOVER,
// and makes a port of every phy that leads to an object that it knows, also of those that lead
// upwards (sas_expander.c). A link without anything attached is then a discovery that failed.
// mpt3sas and mpi3mr leave a phy at its last rate when its drive is pulled: with them the firmware
// has to say that nothing is there (PhyFacts::nothing_attached).
bool IsOnLibsas(const std::string& driver) {
  return absl::StartsWith(driver, "hisi_sas") || driver == "isci" || driver == "pm80xx" ||
         driver == "pm8001" || driver == "aic94xx" || driver == "mvsas";
}

// Whether the firmware knows that the link leads to nothing.
bool LeadsToNothing(const registry::SourceTable& table, const Phy& phy) {
  for (const Source source : table.fabric() & phy.sources) {
    const auto* report = registry::ReportOf(source, phy.facts, phy.by_source, phy.sources);
    if (report != nullptr && report->nothing_attached) return true;
  }
  return false;
}

}  // namespace

void ExaminePhys(const Examined& examined, std::vector<Finding>& findings) {
  const Host* host = nullptr;
  bool is_on_libsas = false;
  for (const std::shared_ptr<const Phy>& each : examined.topology.collection<Phy>()) {
    const Phy& phy = *each;
    if (!IsLinkUp(phy.facts.negotiated) || phy.facts.attached != SasAddress(0)) continue;
    if (phy.facts.is_virtual || phy.facts.vacant) continue;
    const auto& owner = phy.facts.key.owner;
    if (host == nullptr || host->key() != owner.host) {
      host = examined.topology.collection<Host>().Find(owner.host);
      if (host == nullptr) continue;
      is_on_libsas = IsOnLibsas(host->facts.driver_name);
    }
    const bool firmware_knows = LeadsToNothing(examined.topology.sources(), phy);
    if (!is_on_libsas && !firmware_knows) continue;
    if (const absl::Time due = phy.stamp.time() + examined.attach_grace; examined.now < due) {
      examined.LookAgain(registry::MakeId<Phy>(phy.key()), due);
      continue;
    }
    // The page of an HBA's phy does not say what kind of device is there (SAS phy page 0).
    const bool by_expander = firmware_knows && !owner.is_host();
    const std::string who = by_expander ? "expander" : firmware_knows ? "HBA" : "kernel";
    AddFinding(Severity::kWarning, FindingReason::kLinkWithoutDevice, phy, {owner.host},
               absl::StrCat(Describe(registry::MakeId<Phy>(phy.key())), " has a link at ",
                            ToString(phy.facts.negotiated), ", but nothing is attached: the ", who,
                            " could not discover what is there (a drive that links faster than the "
                            "host",
                            firmware_knows ? ", or one that does not identify itself" : "",
                            by_expander ? ")" : ", or another initiator)"),
               findings);
  }
}

}  // namespace sasd::health
