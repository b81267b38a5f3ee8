#include "cli/commands/alias_command.h"

#include <vector>

#include "cli/output/format.h"
#include "cli/output/output_form.h"
#include "cli/output/table_layout.h"
#include "cli/query/finder.h"
#include "sas/v1/alias_service.grpc.pb.h"

namespace sasd::cli {
namespace {

using sas::v1::Alias;
using sas::v1::AliasService;

absl::StatusOr<sas::v1::ListAliasesResponse> ReadAll(const Context& context) {
  sas::v1::ListAliasesResponse all;
  sas::v1::ListAliasesRequest request;
  request.set_page_size(1000);
  do {
    const auto page = context.Call(*context.Stub<sas::v1::AliasService>(),
                                   &AliasService::StubInterface::ListAliases, request);
    if (!page.ok()) return page.status();
    all.MergeFrom(*page);
    all.set_total_size(page->total_size());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  all.clear_next_page_token();
  return all;
}

std::string NoteOf(const Alias& alias) {
  if (!alias.refusal().empty()) return "not in use: " + alias.refusal();
  return alias.present() ? "-" : "not there now";
}

void PrintTable(const google::protobuf::RepeatedPtrField<Alias>& aliases, const Context& context) {
  std::vector<std::vector<std::string>> rows = {{"ALIAS", "OBJECT", "FROM", "NOTE"}};
  for (const Alias& alias : aliases) {
    rows.push_back({alias.alias(), alias.resource(), EnumText(alias.origin()), NoteOf(alias)});
  }
  TableLayout layout({false, false, false, false});
  for (const auto& row : rows) layout.Fit(row);
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string line = layout.Line(rows[i]);
    const bool unused = i > 0 && !aliases[static_cast<int>(i) - 1].refusal().empty();
    context.out << (unused ? context.paint.Yellow(line) : line) << '\n';
  }
}

}  // namespace

absl::Status RunListAliases(const AliasOptions& options, const Context& context) {
  const auto output = ParseOutput(options.output);
  if (!output.ok()) return output.status();
  const auto all = ReadAll(context);
  if (!all.ok()) return all.status();
  if (*output == Output::kName) {
    for (const Alias& alias : all->aliases()) context.out << alias.resource() << '\n';
  } else if (*output == Output::kJsonl) {
    for (const Alias& alias : all->aliases()) PrintMessage(alias, *output, context.out);
  } else if (!PrintMessage(*all, *output, context.out)) {
    if (all->aliases().empty()) {
      context.err << "sasctl: there are no aliases\n";
    } else {
      PrintTable(all->aliases(), context);
    }
  }
  return absl::OkStatus();
}

absl::Status RunSetAlias(const AliasOptions& options, const Context& context) {
  sas::v1::SetAliasRequest request;
  request.set_object(PlainQuery(options.object));
  request.set_alias(options.alias);
  const auto response = context.Call(*context.Stub<sas::v1::AliasService>(),
                                     &AliasService::StubInterface::SetAlias, request);
  if (!response.ok()) return response.status();
  context.out << response->alias().resource() << " is " << response->alias().alias() << '\n';
  return absl::OkStatus();
}

absl::Status RunRemoveAlias(const AliasOptions& options, const Context& context) {
  sas::v1::RemoveAliasRequest request;
  request.set_object(PlainQuery(options.object));
  const auto response = context.Call(*context.Stub<sas::v1::AliasService>(),
                                     &AliasService::StubInterface::RemoveAlias, request);
  if (!response.ok()) return response.status();
  context.out << response->alias().resource() << " is not called " << response->alias().alias()
              << " any more\n";
  return absl::OkStatus();
}

}  // namespace sasd::cli
