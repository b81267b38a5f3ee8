#ifndef CLI_QUERY_RPC_DETAILS_H_
#define CLI_QUERY_RPC_DETAILS_H_

#include <map>
#include <string>

#include "absl/strings/string_view.h"

namespace sasd::cli {

// The google.rpc detail messages of a status, as far as sasd uses them.
struct RpcDetails {
  std::string reason;                           // ErrorInfo: "REVISION_COMPACTED"
  std::map<std::string, std::string> metadata;  // ErrorInfo
  std::string resource;                         // ResourceInfo
  std::string violations;                       // BadRequest: "page_token: not one of ours; ..."
};

// Decodes grpc::Status::error_details(). Never fails: leaves out what it cannot read.
RpcDetails DecodeDetails(absl::string_view error_details);

}  // namespace sasd::cli

#endif  // CLI_QUERY_RPC_DETAILS_H_
