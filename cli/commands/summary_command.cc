#include "cli/commands/summary_command.h"

#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "cli/output/node_summary.h"
#include "cli/output/output_form.h"
#include "cli/query/baseline_reader.h"
#include "cli/query/node_name.h"
#include "cli/query/place_reader.h"
#include "cli/query/tree_reader.h"
#include "sas/v1/node_service.grpc.pb.h"

namespace sasd::cli {

namespace {

// The aliases that the summary shows. The topology has those of what is there.
PlaceNames NamesIn(const NodePicture& picture, const Context& context) {
  const bool lacks_place = absl::c_any_of(picture.missing, [](const sas::v1::BaselineEntry& entry) {
    return entry.last_known().has_host() || entry.last_known().has_enclosure();
  });
  PlaceNames names = lacks_place ? ReadAliases(context) : PlaceNames();
  for (const auto& host : picture.topology.hosts) names.Add(host);
  for (const auto& enclosure : picture.topology.enclosures) names.Add(enclosure);
  return names;
}

}  // namespace

absl::Status RunSummary(const SummaryOptions& options, const Context& context) {
  const auto output = ParseOutput(options.output);
  if (!output.ok()) return output.status();
  if (*output == Output::kName) {
    return absl::InvalidArgumentError("a summary has no names; use -o table, json, jsonl or yaml");
  }
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
  auto findings = context.Call(*context.Stub<sas::v1::NodeService>(),
                               &sas::v1::NodeService::StubInterface::ListFindings,
                               sas::v1::ListFindingsRequest());
  if (!findings.ok()) return findings.status();
  picture.findings = *std::move(findings);
  picture.names = NamesIn(picture, context);
  if (!PrintMessage(SummaryDocument(picture), *output, context.out)) {
    context.out << SummaryText(picture, context.paint, context.screen);
  }
  return absl::OkStatus();
}

}  // namespace sasd::cli
