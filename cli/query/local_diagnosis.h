#ifndef CLI_QUERY_LOCAL_DIAGNOSIS_H_
#define CLI_QUERY_LOCAL_DIAGNOSIS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "sas/v1/node_service.pb.h"

namespace sasd::cli {

// Finds out why sasd does not answer, as far as this user can see: the socket and its permissions,
// the service, the process, the address. The worst check comes first. `error`: the status of the
// failed call (kUnavailable or kDeadlineExceeded). `root`: prefix of all paths except the socket's,
// for tests. Starts nothing, and sends nothing.
std::vector<sas::v1::Check> DiagnoseLocally(const std::string& address, const absl::Status& error,
                                            const std::string& root = "");

}  // namespace sasd::cli

#endif  // CLI_QUERY_LOCAL_DIAGNOSIS_H_
