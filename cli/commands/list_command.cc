#include "cli/commands/list_command.h"

#include <memory>
#include <utility>

#include "cli/output/columns.h"
#include "cli/output/nouns.h"
#include "cli/output/output_form.h"
#include "cli/output/record_printer.h"
#include "cli/output/scsi_host_text.h"
#include "cli/output/table_printer.h"
#include "cli/query/filter.h"
#include "cli/query/lister.h"

namespace sasd::cli {
namespace {

using google::protobuf::Message;

absl::StatusOr<std::unique_ptr<RecordPrinter>> NewTable(const ListOptions& options, bool wide,
                                                        const Noun& noun, std::ostream& out) {
  const std::vector<Column>& all = ColumnsOf(noun.kind);
  if (options.columns.empty()) {
    return NewTablePrinter(out, DefaultColumns(all, wide), options.headers);
  }
  auto chosen = ChooseColumns(all, options.columns);
  if (!chosen.ok()) return chosen.status();
  return NewTablePrinter(out, *std::move(chosen), options.headers);
}

absl::StatusOr<std::unique_ptr<RecordPrinter>> NewPrinter(const ListOptions& options, Output output,
                                                          const Noun& noun, std::ostream& out) {
  const bool table = output == Output::kTable || output == Output::kWide;
  if (!table && !options.columns.empty()) {
    return absl::InvalidArgumentError("--columns needs a table; use -o table or -o wide");
  }
  switch (output) {
    case Output::kJson:
      return NewJsonPrinter(out);
    case Output::kJsonl:
      return NewJsonlPrinter(out);
    case Output::kYaml:
      return NewYamlPrinter(out);
    case Output::kName:
      return NewNamePrinter(out);
    default:
      return NewTable(options, output == Output::kWide, noun, out);
  }
}

bool IsTable(Output output) { return output == Output::kTable || output == Output::kWide; }

// What the kernel shows beside the topology: records after those of the hosts, or a list of its own
// beneath a table.
absl::StatusOr<sas::v1::ListScsiHostsResponse> ScsiHosts(const Context& context) {
  return context.Call(*context.stubs.node, &sas::v1::NodeService::StubInterface::ListScsiHosts,
                      sas::v1::ListScsiHostsRequest());
}

void PrintBesideTable(const sas::v1::ListScsiHostsResponse& beside, const Context& context) {
  if (beside.scsi_hosts().empty()) return;
  context.out << "\nbeside the SAS objects:\n";
  for (const sas::v1::ScsiHost& host : beside.scsi_hosts()) context.out << ScsiHostText(host);
}

}  // namespace

absl::Status RunList(const ListOptions& options, const Context& context) {
  const auto noun = FindNoun(options.noun);
  if (!noun.ok()) return noun.status();
  const auto output = ParseOutput(options.output);
  if (!output.ok()) return output.status();
  if (options.all && (*noun)->kind != sas::v1::RESOURCE_KIND_HOST) {
    return absl::InvalidArgumentError("--all is for hosts; use sasctl list hosts --all");
  }
  const auto printer = NewPrinter(options, *output, **noun, context.out);
  if (!printer.ok()) return printer.status();
  const auto conditions = ParseConditions(options.filters);
  if (!conditions.ok()) return conditions.status();
  const auto selection = SelectResources(context, **noun, *conditions);
  if (!selection.ok()) return selection.status();

  const bool basic = *output == Output::kName && selection->local.empty();
  const absl::Status status = ListPages(context, (*noun)->kind, selection->filter,
                                        basic ? sas::v1::VIEW_BASIC : sas::v1::VIEW_FULL,
                                        [&](const RecordPrinter::Page& page) {
                                          RecordPrinter::Page wanted;
                                          for (const Message* resource : page) {
                                            if (selection->Admits(*resource))
                                              wanted.push_back(resource);
                                          }
                                          (*printer)->Print(wanted);
                                          return context.Flush();
                                        });
  if (!status.ok()) return status;
  sas::v1::ListScsiHostsResponse beside;
  if (options.all) {
    auto answer = ScsiHosts(context);
    if (!answer.ok()) return answer.status();
    beside = *std::move(answer);
  }
  if (!IsTable(*output)) {
    RecordPrinter::Page page;
    for (const sas::v1::ScsiHost& host : beside.scsi_hosts()) page.push_back(&host);
    (*printer)->Print(page);
  }
  (*printer)->Finish();
  if (IsTable(*output)) PrintBesideTable(beside, context);
  return absl::OkStatus();
}

}  // namespace sasd::cli
