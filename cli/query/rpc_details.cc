#include "cli/query/rpc_details.h"

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace sasd::cli {

RpcDetails DecodeDetails(absl::string_view error_details) {
  RpcDetails details;
  google::rpc::Status status;
  if (!status.ParseFromString(std::string(error_details))) return details;
  google::rpc::ErrorInfo info;
  google::rpc::ResourceInfo resource;
  google::rpc::BadRequest bad;
  for (const google::protobuf::Any& any : status.details()) {
    if (any.UnpackTo(&info)) {
      details.reason = info.reason();
      details.metadata.insert(info.metadata().begin(), info.metadata().end());
    } else if (any.UnpackTo(&resource)) {
      details.resource = resource.resource_name();
    } else if (any.UnpackTo(&bad)) {
      for (const auto& violation : bad.field_violations()) {
        absl::StrAppend(&details.violations, details.violations.empty() ? "" : "; ",
                        violation.field(), ": ", violation.description());
      }
    }
  }
  return details;
}

}  // namespace sasd::cli
