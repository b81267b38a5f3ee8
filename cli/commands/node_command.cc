#include "cli/commands/node_command.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "cli/output/format.h"
#include "cli/output/output_form.h"
#include "cli/output/progress.h"
#include "cli/output/table_layout.h"
#include "cli/query/finder.h"
#include "cli/query/place_reader.h"
#include "sas/v1/node_service.grpc.pb.h"

namespace sasd::cli {
namespace {

// kRetry: time between two tries while sasd starts. kGrace: our deadline is this much later than
// the server's, so that its explanation arrives.
constexpr absl::Duration kRetry = absl::Milliseconds(50);
constexpr absl::Duration kGrace = absl::Seconds(5);

// Waits for a connection, at most for `limit`. gRPC polls a connection attempt only every 5 s if no
// call waits for it.
void AwaitServer(absl::Duration limit, const Context& context) {
  const auto call = context.NewCall(limit);
  call->set_wait_for_ready(true);
  context.interrupt.Watch([&call] { call->TryCancel(); });
  sas::v1::GetNodeResponse node;
  (void)context.Stub<sas::v1::NodeService>()->GetNode(call.get(), {}, &node);
  context.interrupt.Watch({});
}

void PrintFields(const sas::v1::GetNodeResponse& node, const Context& context) {
  const std::pair<const char*, std::string> fields[] = {
      {"node", node.node_name()},
      {"version", node.version()},
      {"backend", node.backend()},
      {"started", DateTime(node.start_time())},
      {"epoch", node.epoch()},
      {"revision", absl::StrCat(node.revision())},
      {"log from", absl::StrCat(node.oldest_revision())},
      {"lost events", absl::StrCat(node.lost_event_count())},
      {"subscribers", absl::StrCat(node.subscriber_count())},
      {"objects", absl::StrCat(node.resource_count())},
  };
  TableLayout layout({false, false});
  for (const auto& [label, value] : fields) layout.Fit({absl::StrCat(label, ":"), ""});
  for (const auto& [label, value] : fields) {
    context.out << layout.Line({absl::StrCat(label, ":"), value}) << '\n';
  }
}

}  // namespace

absl::Status RunStatus(const StatusOptions& options, const Context& context) {
  const auto output = ParseOutput(options.output);
  if (!output.ok()) return output.status();
  const auto node =
      context.Call(*context.Stub<sas::v1::NodeService>(),
                   &sas::v1::NodeService::StubInterface::GetNode, sas::v1::GetNodeRequest());
  if (!node.ok()) return node.status();
  if (*output == Output::kName) {
    context.out << node->node_name() << '\n';
  } else if (!PrintMessage(*node, *output, context.out)) {
    PrintFields(*node, context);
  }
  return absl::OkStatus();
}

absl::Status RunWait(const WaitOptions& options, const Context& context) {
  if (!options.settled) {
    return absl::InvalidArgumentError("nothing to wait for; give --settled");
  }
  const Progress progress(context.err, context.screen.shows_progress,
                          "waiting until discovery has settled");
  const absl::Time deadline = absl::Now() + context.endpoint.timeout;
  while (!context.interrupt.fired()) {
    const absl::Duration left = std::max(deadline - absl::Now(), absl::ZeroDuration());
    sas::v1::WaitSettledRequest request;
    absl::Status status;
    for (const std::string& host : options.hosts) {
      absl::StatusOr<std::string> name = FindName(context, host, {sas::v1::RESOURCE_KIND_HOST});
      status.Update(name.status());
      if (name.ok()) request.add_hosts(*std::move(name));
    }
    if (status.ok()) {
      const absl::Duration timeout = std::min(left, absl::Hours(1));
      request.mutable_timeout()->set_seconds(absl::ToInt64Seconds(timeout));
      request.mutable_timeout()->set_nanos(static_cast<int32_t>(
          absl::ToInt64Nanoseconds(timeout - absl::Seconds(absl::ToInt64Seconds(timeout)))));
      sas::v1::WaitSettledResponse response;
      const auto call = context.NewCall(timeout + kGrace);
      context.interrupt.Watch([&call] { call->TryCancel(); });
      const grpc::Status answer =
          context.Stub<sas::v1::NodeService>()->WaitSettled(call.get(), request, &response);
      context.interrupt.Watch({});
      if (answer.ok()) {
        context.out << "settled at revision " << response.revision() << '\n';
        return absl::OkStatus();
      }
      status = FromRpc(answer, context.endpoint);
      if (absl::IsDeadlineExceeded(status)) {
        // It names hosts.
        const std::string message(status.message());
        status = absl::DeadlineExceededError(ReadAliases(context).InText(message));
      }
    }
    if (!absl::IsUnavailable(status) || left < kRetry) return status;
    context.interrupt.Sleep(kRetry);
    AwaitServer(left, context);
  }
  return absl::CancelledError("interrupted");
}

}  // namespace sasd::cli
