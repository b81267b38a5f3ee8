#ifndef DAEMON_SERVICE_ROLES_H_
#define DAEMON_SERVICE_ROLES_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "rpc/access.h"

namespace sasd::service {

// The least role for each method of sas.v1: the one table. A test compares it with reflection.
const std::vector<rpc::MethodRole>& MethodRoles();

// Those of one service: "sas.v1.NodeService".
std::vector<rpc::MethodRole> RolesOf(absl::string_view service);

// The methods of one service that change something: each is in the audit. Those that need more than
// the role viewer.
std::vector<std::string> ChangesOf(absl::string_view service);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_ROLES_H_
