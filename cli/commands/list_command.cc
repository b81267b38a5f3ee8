#include "cli/commands/list_command.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/output/columns.h"
#include "cli/output/nouns.h"
#include "cli/output/output_form.h"
#include "cli/output/place_names.h"
#include "cli/output/progress.h"
#include "cli/output/record_order.h"
#include "cli/output/record_printer.h"
#include "cli/output/scsi_host_text.h"
#include "cli/output/table_printer.h"
#include "cli/query/filter.h"
#include "cli/query/finder.h"
#include "cli/query/lister.h"
#include "cli/query/place_reader.h"
#include "client/follower.h"
#include "client/watch_protocol.h"
#include "sas/v1/node_service.grpc.pb.h"
#include "sas/v1/watch_service.grpc.pb.h"

namespace sasd::cli {
namespace {

using google::protobuf::Message;

absl::StatusOr<std::unique_ptr<RecordPrinter>> NewTable(const ListOptions& options, bool wide,
                                                        const Noun& noun, PlaceNames names,
                                                        const Context& context) {
  const std::vector<Column>& all = ColumnsOf(noun.kind);
  TableStyle style;
  style.headers = options.headers;
  style.screen = context.screen;
  style.keeps_empty = !options.columns.empty();
  style.names = std::move(names);
  if (options.columns.empty()) {
    return NewTablePrinter(context.out, DefaultColumns(all, wide), style);
  }
  auto chosen = ChooseColumns(all, options.columns);
  if (!chosen.ok()) return chosen.status();
  return NewTablePrinter(context.out, *std::move(chosen), style);
}

absl::StatusOr<std::unique_ptr<RecordPrinter>> NewPrinter(const ListOptions& options, Output output,
                                                          const Noun& noun, PlaceNames names,
                                                          const Context& context) {
  const bool table = output == Output::kTable || output == Output::kWide;
  if (!table && !options.columns.empty()) {
    return absl::InvalidArgumentError("--columns needs a table; use -o table or -o wide");
  }
  switch (output) {
    case Output::kJson:
      return NewJsonPrinter(context.out);
    case Output::kJsonl:
      return NewJsonlPrinter(context.out);
    case Output::kYaml:
      return NewYamlPrinter(context.out);
    case Output::kName:
      return NewNamePrinter(context.out);
    default:
      return NewTable(options, output == Output::kWide, noun, std::move(names), context);
  }
}

bool IsTable(Output output) { return output == Output::kTable || output == Output::kWide; }

// What the kernel shows beside the topology: records after those of the hosts, or a list of its own
// beneath a table.
absl::StatusOr<sas::v1::ListScsiHostsResponse> ScsiHosts(const Context& context) {
  return context.Call(*context.Stub<sas::v1::NodeService>(),
                      &sas::v1::NodeService::StubInterface::ListScsiHosts,
                      sas::v1::ListScsiHostsRequest());
}

void PrintBesideTable(const sas::v1::ListScsiHostsResponse& beside, const Context& context) {
  if (beside.scsi_hosts().empty()) return;
  context.out << "\nbeside the SAS objects:\n";
  for (const sas::v1::ScsiHost& host : beside.scsi_hosts()) context.out << ScsiHostText(host);
}

// What the user wants to see, made out before anything is listed.
struct Request {
  const Noun& noun;
  Output output;
  ResourceSelection selection;
  std::vector<const Column*> order;
};

// Lists once. `count`: how many there were.
absl::Status ListOnce(const ListOptions& options, const Request& request, const Context& context,
                      int64_t* count) {
  const auto printer =
      NewPrinter(options, request.output, request.noun,
                 IsTable(request.output) ? ReadAliases(context) : PlaceNames(), context);
  if (!printer.ok()) return printer.status();
  const bool in_order = request.order.empty() && !options.reverse;
  RecordOrder order(request.order, options.reverse);
  const bool basic = request.output == Output::kName && request.selection.local.empty() && in_order;
  *count = 0;
  // In order, the rows show how far it is.
  std::optional<Progress> progress;
  if (!in_order) progress.emplace(context.err, context.screen.shows_progress, "sorting");
  const absl::Status status = ListPages(context, request.noun.kind, request.selection.filter,
                                        basic ? sas::v1::VIEW_BASIC : sas::v1::VIEW_FULL,
                                        [&](const RecordPrinter::Page& page) {
                                          RecordPrinter::Page wanted;
                                          for (const Message* resource : page) {
                                            if (request.selection.Admits(*resource))
                                              wanted.push_back(resource);
                                          }
                                          *count += static_cast<int64_t>(wanted.size());
                                          if (!in_order) {
                                            order.Add(wanted);
                                            return true;
                                          }
                                          (*printer)->Print(wanted);
                                          return context.Flush();
                                        });
  progress.reset();
  if (!status.ok()) return status;
  if (!in_order) (*printer)->Print(order.Sorted());
  sas::v1::ListScsiHostsResponse beside;
  if (options.all) {
    auto answer = ScsiHosts(context);
    if (!answer.ok()) return answer.status();
    beside = *std::move(answer);
  }
  if (!IsTable(request.output)) {
    RecordPrinter::Page page;
    for (const sas::v1::ScsiHost& host : beside.scsi_hosts()) page.push_back(&host);
    (*printer)->Print(page);
  }
  (*printer)->Finish();
  if (IsTable(request.output)) PrintBesideTable(beside, context);
  return absl::OkStatus();
}

// Narrows the selection to the named objects. Returns the error about those that are not there, or
// OK; all errors but the one that it returns are on stderr. `found`: whether one is there.
absl::Status SelectNames(const ListOptions& options, const Context& context, Request& request,
                         bool* found) {
  constexpr int kMost = 256;  // of the values of a condition
  sas::v1::Condition names;
  names.set_field("name");
  names.set_operator_(sas::v1::OPERATOR_EQUAL);
  absl::Status missing;
  for (const std::string& word : options.names) {
    const auto these = FindNames(context, word, {request.noun.kind});
    if (!these.ok()) {
      if (!missing.ok()) context.err << "sasctl: " << missing.message() << '\n';
      missing = these.status();
      continue;
    }
    for (const std::string& name : *these) names.add_values(name);
  }
  if (names.values_size() > kMost) {
    return absl::InvalidArgumentError(
        absl::StrCat(names.values_size(), " names; give at most ", kMost, ", or a filter"));
  }
  *found = names.values_size() > 0;
  *request.selection.filter.add_conditions() = std::move(names);
  return missing;
}

void NoteEmpty(const ListOptions& options, const Request& request, const Context& context) {
  if (!IsTable(request.output) && request.output != Output::kName) return;
  context.err << "sasctl: " << (options.filters.empty() ? "there are no " : "no ")
              << request.noun.plural << (options.filters.empty() ? "" : " match") << '\n';
}

absl::StatusOr<int64_t> RevisionNow(const Context& context) {
  const auto node =
      context.Call(*context.Stub<sas::v1::NodeService>(),
                   &sas::v1::NodeService::StubInterface::GetNode, sas::v1::GetNodeRequest());
  if (!node.ok()) return node.status();
  return node->revision();
}

// Lists at the beginning of a watch, and after each change of what it selects. Watches before it
// lists, so that no change is lost between.
class ListWatch : private client::WatchConsumer {
 public:
  // The references must outlive the object.
  ListWatch(const ListOptions& options, const Request& request, const Context& context,
            sas::v1::WatchService::StubInterface& stub)
      : options_(options),
        request_(request),
        context_(context),
        follower_(stub, OptionsOf(request, context), *this) {}

  // Until the user interrupts it or closes the output. Errors: those of a list; kUnavailable, sasd
  // ended the stream.
  absl::Status Run() {
    context_.interrupt.Watch([this] { follower_.Stop(); });
    const absl::Status end = follower_.Run();
    context_.interrupt.Watch({});
    if (context_.interrupt.fired() || !context_.out) return absl::OkStatus();
    if (!status_.ok()) return status_;
    return end.ok() ? absl::UnavailableError("sasd ended the stream; is it stopping?") : end;
  }

 private:
  // A storm of events must not become a storm of lists.
  static constexpr absl::Duration kPause = absl::Milliseconds(250);

  static client::FollowerOptions OptionsOf(const Request& request, const Context& context) {
    client::FollowerOptions options;
    options.filter = request.selection.filter;
    options.filter.add_kinds(request.noun.kind);
    options.skip_snapshot = true;
    options.waits_for_sasd = false;
    options.may_reconnect = [](const absl::Status&) { return false; };
    options.status_of = [&context](const grpc::Status& end) {
      return FromRpc(end, context.endpoint);
    };
    return options;
  }

  // client::WatchConsumer.
  absl::Status OnSnapshotBegin(int64_t) override { return absl::OkStatus(); }
  absl::Status OnResource(const sas::v1::Resource&) override { return absl::OkStatus(); }
  absl::Status OnSynced(int64_t) override {
    changed_ |= listed_ < 0;
    return absl::OkStatus();
  }
  absl::Status OnEvent(const sas::v1::Event& event) override {
    changed_ |= event.revision() > listed_;
    return absl::OkStatus();
  }
  absl::Status OnResync(int64_t) override {
    changed_ = true;
    return absl::OkStatus();
  }
  void OnMessageEnd() override {
    if (!std::exchange(changed_, false)) return;
    status_ = Show();
    if (!status_.ok() || context_.interrupt.fired() || !context_.Flush()) follower_.Stop();
  }

  absl::Status Show() {
    const bool first = listed_ < 0;
    if (!first) context_.interrupt.Sleep(kPause);
    if (context_.interrupt.fired()) return absl::OkStatus();
    const auto revision = RevisionNow(context_);
    if (!revision.ok()) return revision.status();
    if (context_.screen.is_terminal()) {
      context_.out << "\033[H\033[J";
    } else if (!first) {
      context_.out << '\n';
    }
    listed_ = *revision;
    int64_t count = 0;
    return ListOnce(options_, request_, context_, &count);
  }

  const ListOptions& options_;
  const Request& request_;
  const Context& context_;
  client::Follower follower_;

  int64_t listed_ = -1;   // the revision that the list on the screen has at least
  bool changed_ = false;  // since that list
  absl::Status status_;   // of the last list
};

}  // namespace

absl::Status RunList(const ListOptions& options, const Context& context) {
  const auto noun = FindNoun(options.noun);
  if (!noun.ok()) return noun.status();
  const auto output = ParseOutput(options.output);
  if (!output.ok()) return output.status();
  if (options.all && (*noun)->kind != sas::v1::RESOURCE_KIND_HOST) {
    return absl::InvalidArgumentError("--all is for hosts; use sasctl list hosts --all");
  }
  if (const auto printer = NewPrinter(options, *output, **noun, {}, context); !printer.ok()) {
    return printer.status();
  }
  Request request = {**noun, *output, {}, {}};
  if (!options.sort_by.empty()) {
    auto order = ChooseColumns(ColumnsOf(request.noun.kind), options.sort_by);
    if (!order.ok()) return order.status();
    request.order = *std::move(order);
  }
  const auto conditions = ParseConditions(options.filters);
  if (!conditions.ok()) return conditions.status();
  auto selection = SelectResources(context, request.noun, *conditions);
  if (!selection.ok()) return selection.status();
  request.selection = *std::move(selection);
  absl::Status missing;
  if (!options.names.empty()) {
    bool found = false;
    missing = SelectNames(options, context, request, &found);
    if (!found) return missing;
  }
  if (options.watch) {
    const auto stub = context.Stub<sas::v1::WatchService>();
    return ListWatch(options, request, context, *stub).Run();
  }
  int64_t count = 0;
  const absl::Status status = ListOnce(options, request, context, &count);
  if (!status.ok()) return status;
  if (count == 0 && !options.all) NoteEmpty(options, request, context);
  return missing;
}

}  // namespace sasd::cli
