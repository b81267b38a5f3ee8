#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/health/rules.h"

namespace sasd::health {

using registry::Host;

void ExamineHosts(const Examined& examined, std::vector<Finding>& findings) {
  for (const std::shared_ptr<const Host>& each : examined.topology.collection<Host>()) {
    const Host& host = *each;
    const DiscoveryFacts& discovery = host.discovery;
    const std::string name = absl::StrCat("host ", ToText(host.key()));
    const std::string error = discovery.status_text.empty()
                                  ? absl::StrCat("status 0x", absl::Hex(discovery.status))
                                  : discovery.status_text;
    if (discovery.state == DiscoveryState::kFailed) {
      AddFinding(Severity::kCritical, FindingReason::kDiscoveryError, host, {host.key()},
                 absl::StrCat("discovery on ", name, " failed: ", error), findings);
    } else if (discovery.status != 0) {
      AddFinding(Severity::kWarning, FindingReason::kDiscoveryError, host, {host.key()},
                 absl::StrCat("discovery on ", name, " ended with an error: ", error), findings);
    }
    if (discovery.state == DiscoveryState::kRecovering) {
      AddFinding(Severity::kWarning, FindingReason::kHostRecovering, host, {host.key()},
                 absl::StrCat(name, " is recovering from a reset or from lost events"), findings);
    }
  }
}

}  // namespace sasd::health
