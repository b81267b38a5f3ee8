#include "cli/commands/summary_command.h"

#include <string>
#include <utility>

#include "cli/output/node_summary.h"
#include "cli/query/baseline_reader.h"
#include "cli/query/node_name.h"
#include "cli/query/tree_reader.h"

namespace sasd::cli {

absl::Status RunSummary(const Context& context) {
  NodePicture picture;
  absl::StatusOr<std::string> name = ReadNodeName(context);
  if (!name.ok()) return name.status();
  picture.node_name = *std::move(name);
  absl::StatusOr<TreeSnapshot> topology = ReadTreeSnapshot(
      context,
      {sas::v1::RESOURCE_KIND_HOST, sas::v1::RESOURCE_KIND_PORT, sas::v1::RESOURCE_KIND_EXPANDER,
       sas::v1::RESOURCE_KIND_ENCLOSURE, sas::v1::RESOURCE_KIND_LOGICAL_UNIT},
      {});
  if (!topology.ok()) return topology.status();
  picture.topology = *std::move(topology);
  const auto baseline = ReadBaseline(/*missing_only=*/true, context);
  if (!baseline.ok()) return baseline.status();
  picture.missing.assign(baseline->entries().begin(), baseline->entries().end());
  auto findings =
      context.Call(*context.stubs.node, &sas::v1::NodeService::StubInterface::ListFindings,
                   sas::v1::ListFindingsRequest());
  if (!findings.ok()) return findings.status();
  picture.findings = *std::move(findings);
  context.out << SummaryText(picture, context.paint, context.screen);
  return absl::OkStatus();
}

}  // namespace sasd::cli
