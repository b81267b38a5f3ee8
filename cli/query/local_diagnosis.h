#ifndef CLI_QUERY_LOCAL_DIAGNOSIS_H_
#define CLI_QUERY_LOCAL_DIAGNOSIS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "sas/v1/topology_service.pb.h"

namespace sasd::cli {

// Why sasd does not answer, as far as this user can see from here: the socket and who may open it,
// the service, the process, the address. The worst first. `error` is what the call failed with
// (kUnavailable, kDeadlineExceeded); `root` stands in front of every path but the socket's, for
// tests. Nothing is started or sent.
std::vector<sas::v1::Check> DiagnoseLocally(const std::string& address, const absl::Status& error,
                                            const std::string& root = "");

}  // namespace sasd::cli

#endif  // CLI_QUERY_LOCAL_DIAGNOSIS_H_
