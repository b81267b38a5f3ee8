#ifndef DAEMON_SERVICE_CONVERT_HEALTH_H_
#define DAEMON_SERVICE_CONVERT_HEALTH_H_

#include <string>

#include "absl/time/time.h"
#include "daemon/health/baseline.h"
#include "daemon/health/dismissals.h"
#include "daemon/health/finding.h"
#include "sas/v1/baseline_service.pb.h"
#include "sas/v1/node_service.pb.h"

// The types of health as the API's messages. Total. Pure functions, thread-safe.
namespace sasd::service {

// "hosts/500605b00ab01230/findings/HOST_MISSING"; about sasd itself: "node/findings/BASELINE_LOST".
std::string FindingName(const health::FindingId& id);
// "dismissals/hosts/500605b00ab01230"
std::string DismissalName(const registry::ResourceId& resource);

// Without affected_resources.
sas::v1::Finding ToProto(const health::Finding& finding);
sas::v1::Dismissal ToProto(const health::Dismissal& dismissal);
sas::v1::BaselineEntry ToProto(const health::Baseline::Listed& listed);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_CONVERT_HEALTH_H_
