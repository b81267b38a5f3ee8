#include "cli/commands/tree_command.h"

#include <utility>

#include "cli/output/topology_tree.h"
#include "cli/output/tree_drawing.h"
#include "cli/query/finder.h"
#include "cli/query/tree_reader.h"

namespace sasd::cli {
namespace {

std::string NodeName(const sas::v1::GetNodeResponse& node, const Context& context) {
  return node.node_name().empty() ? context.endpoint.address : node.node_name();
}

}  // namespace

absl::Status RunTree(const TreeOptions& options, const Context& context) {
  const auto node = context.Call(*context.stubs.node, &sas::v1::NodeService::StubInterface::GetNode,
                                 sas::v1::GetNodeRequest());
  if (!node.ok()) return node.status();
  std::vector<std::string> hosts;
  for (const std::string& host : options.hosts) {
    absl::StatusOr<std::string> name = FindName(context, host, {sas::v1::RESOURCE_KIND_HOST});
    if (!name.ok()) return name.status();
    hosts.push_back(*std::move(name));
  }
  const absl::StatusOr<TreeSnapshot> snapshot = ReadTreeSnapshot(context, hosts);
  if (!snapshot.ok()) return snapshot.status();
  TreeStyle style;
  style.verbosity = options.verbosity;
  style.paint = context.paint;
  context.out << DrawTree(BuildTree(NodeName(*node, context), *snapshot, style));
  if (snapshot->hosts.empty()) context.err << "sasctl: no SAS host found\n";
  return absl::OkStatus();
}

}  // namespace sasd::cli
