#include "cli/commands/show_command.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "cli/output/columns.h"
#include "cli/output/format.h"
#include "cli/output/nouns.h"
#include "cli/output/output_form.h"
#include "cli/output/scsi_host_text.h"
#include "cli/output/table_layout.h"
#include "cli/query/finder.h"
#include "cli/query/place_reader.h"
#include "sas/v1/node_service.grpc.pb.h"
#include "sas/v1/topology_service.grpc.pb.h"

namespace sasd::cli {
namespace {

using google::protobuf::Message;
using sas::v1::Resource;

void PrintPaths(const sas::v1::LogicalUnit& unit, const PlaceNames& names, std::ostream& out) {
  TableLayout layout(std::vector<bool>(6, false));
  std::vector<std::vector<std::string>> rows = {
      {"  HOST", "DEVICE", "STATE", "SCSI-ADDRESS", "BLOCK", "GENERIC"}};
  for (const sas::v1::Path& path : unit.paths()) {
    rows.push_back({absl::StrCat("  ", names.AliasOrId(path.host())), ShortName(path.end_device()),
                    EnumText(path.state()), path.scsi_address(), path.block_device(),
                    path.generic_device()});
  }
  for (auto& row : rows) {
    for (std::string& cell : row) {
      if (cell.empty()) cell = "-";
    }
    layout.Fit(row);
  }
  out << "paths:\n";
  for (const auto& row : rows) out << layout.Line(row) << '\n';
}

// Prints "key:  value" for every column with a value. The title has the name.
void PrintFields(const Resource& resource, const Context& context) {
  const Message& message = *Inner(resource);
  context.out << context.paint.Bold(absl::StrCat(NounOf(resource).singular, " ", NameOf(message)))
              << '\n';
  const std::vector<Column>& columns = ColumnsOf(KindOf(resource));
  const PlaceNames names = ReadAliases(context);
  size_t width = 0;
  for (const Column& column : columns) width = std::max(width, column.key.size() + 1);
  for (const Column& column : columns) {
    const std::string value = column.value(message);
    const bool shown_elsewhere =
        column.key == "name" || (column.key == "paths" && resource.has_logical_unit());
    if (value.empty() || shown_elsewhere) continue;
    const std::string label = absl::StrCat(column.key, ":");
    context.out << label << std::string(width - label.size() + 1, ' ') << value;
    // The identifier, and who it is.
    const std::string called = column.refers_to == sas::v1::RESOURCE_KIND_UNSPECIFIED
                                   ? value
                                   : names.InCell(column.refers_to, value);
    if (called != value) context.out << " (" << called << ')';
    context.out << '\n';
  }
  if (resource.has_logical_unit()) PrintPaths(resource.logical_unit(), names, context.out);
}

// `gone`: as for FindOne().
absl::StatusOr<Resource> Find(const std::vector<std::string>& words, const Context& context,
                              sas::v1::RemovedResource* gone) {
  if (words.size() == 1) return FindOne(context, words[0], {}, gone);
  const auto noun = FindNoun(words[0]);
  if (!noun.ok()) return noun.status();
  return FindOne(context, words[1], {(*noun)->kind}, gone);
}

// The sources of the API, and those of the response that this sasctl does not know, ascending.
std::vector<int> SourcesIn(const sas::v1::ListFieldSourcesResponse& response) {
  std::vector<int> sources;
  const google::protobuf::EnumDescriptor& all = *sas::v1::Source_descriptor();
  for (int i = 0; i < all.value_count(); ++i) {
    if (all.value(i)->number() != sas::v1::SOURCE_UNSPECIFIED) {
      sources.push_back(all.value(i)->number());
    }
  }
  for (const sas::v1::FieldSource& entry : response.field_sources()) {
    sources.push_back(entry.source());
  }
  std::sort(sources.begin(), sources.end());
  sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
  return sources;
}

// "FIRMWARE", or "SOURCE_9" for one that this sasctl does not know.
std::string SourceTitle(int source) {
  const std::string& name = sas::v1::Source_Name(static_cast<sas::v1::Source>(source));
  return name.empty() ? absl::StrCat("SOURCE_", source)
                      : std::string(absl::StripPrefix(name, "SOURCE_"));
}

// A line per field, a column per source. Where sources differ, "*" stands at the value that the
// object shows.
void PrintSources(const sas::v1::ListFieldSourcesResponse& response, std::ostream& out) {
  const std::vector<int> sources = SourcesIn(response);
  std::vector<std::vector<std::string>> rows = {{"FIELD"}};
  for (const int source : sources) rows[0].push_back(SourceTitle(source));
  const auto& entries = response.field_sources();
  for (auto begin = entries.begin(); begin != entries.end();) {
    const auto end = std::find_if(begin, entries.end(), [&](const sas::v1::FieldSource& entry) {
      return entry.field() != begin->field();
    });
    const bool differ = std::any_of(begin, end, [&](const sas::v1::FieldSource& entry) {
      return entry.holds() != begin->holds();
    });
    std::vector<std::string> row(sources.size() + 1, "-");
    row[0] = begin->field();
    for (; begin != end; ++begin) {
      const auto at = std::find(sources.begin(), sources.end(), begin->source());
      row[static_cast<size_t>(at - sources.begin()) + 1] =
          absl::StrCat(begin->value(), differ && begin->holds() ? " *" : "");
    }
    rows.push_back(std::move(row));
  }
  TableLayout layout(std::vector<bool>(sources.size() + 1, false));
  for (const auto& row : rows) layout.Fit(row);
  for (const auto& row : rows) out << layout.Line(row) << '\n';
}

absl::Status ShowSources(const Resource& resource, Output output, const Context& context) {
  sas::v1::ListFieldSourcesRequest request;
  request.set_name(NameOf(resource));
  const auto response =
      context.Call(*context.Stub<sas::v1::TopologyService>(),
                   &sas::v1::TopologyService::StubInterface::ListFieldSources, request);
  if (!response.ok()) return response.status();
  if (!PrintMessage(*response, output, context.out)) PrintSources(*response, context.out);
  return absl::OkStatus();
}

// A device that is no SAS object, by the names that people use; nullopt: none, or a sasd that does
// not list such devices.
std::optional<std::pair<sas::v1::ScsiHost, sas::v1::ScsiDevice>> FindBeside(
    const std::string& query, const Context& context) {
  const std::string word = PlainQuery(query);
  const auto answer = context.Call(*context.Stub<sas::v1::NodeService>(),
                                   &sas::v1::NodeService::StubInterface::ListScsiHosts,
                                   sas::v1::ListScsiHostsRequest());
  if (!answer.ok()) return std::nullopt;
  for (const sas::v1::ScsiHost& host : answer->scsi_hosts()) {
    for (const sas::v1::ScsiDevice& device : host.devices()) {
      if (IsCalled(device, word)) return std::make_pair(host, device);
    }
  }
  return std::nullopt;
}

}  // namespace

absl::Status RunShow(const ShowOptions& options, const Context& context) {
  const auto output = ParseOutput(options.output);
  if (!output.ok()) return output.status();
  sas::v1::RemovedResource gone;
  const auto found = Find(options.words, context, &gone);
  if (absl::IsNotFound(found.status()) && options.words.size() == 1) {
    if (const auto beside = FindBeside(options.words[0], context)) {
      const auto& [host, device] = *beside;
      if (*output == Output::kName) {
        context.out << absl::StrCat(host.name(), "/", device.scsi_address(), "\n");
      } else if (!PrintMessage(device, *output, context.out)) {
        context.out << ScsiDeviceText(host, device);
      }
      return absl::OkStatus();
    }
  }
  if (!found.ok()) {
    // The error says that it is gone; programs get all that is known.
    if (gone.has_last_known()) PrintMessage(gone, *output, context.out);
    return found.status();
  }
  const Message& message = *Inner(*found);
  if (*output == Output::kName) {
    context.out << NameOf(message) << '\n';
  } else if (options.sources) {
    return ShowSources(*found, *output, context);
  } else if (!PrintMessage(message, *output, context.out)) {
    PrintFields(*found, context);
  }
  return absl::OkStatus();
}

}  // namespace sasd::cli
