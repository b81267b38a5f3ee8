#include "cli/query/node_name.h"
#include "sas/v1/node_service.grpc.pb.h"

namespace sasd::cli {

absl::StatusOr<std::string> ReadNodeName(const Context& context) {
  const auto node =
      context.Call(*context.Stub<sas::v1::NodeService>(),
                   &sas::v1::NodeService::StubInterface::GetNode, sas::v1::GetNodeRequest());
  if (!node.ok()) return node.status();
  return node->node_name().empty() ? context.endpoint.address : node->node_name();
}

}  // namespace sasd::cli
