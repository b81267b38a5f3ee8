#include "cli/query/tree_reader.h"
#include "sas/v1/watch_service.grpc.pb.h"

#include <utility>

namespace sasd::cli {
namespace {

void Take(sas::v1::Resource& resource, TreeSnapshot& snapshot) {
  switch (resource.resource_case()) {
    case sas::v1::Resource::kHost:
      return snapshot.hosts.push_back(std::move(*resource.mutable_host()));
    case sas::v1::Resource::kPort:
      return snapshot.ports.push_back(std::move(*resource.mutable_port()));
    case sas::v1::Resource::kExpander:
      return snapshot.expanders.push_back(std::move(*resource.mutable_expander()));
    case sas::v1::Resource::kEndDevice:
      return snapshot.devices.push_back(std::move(*resource.mutable_end_device()));
    case sas::v1::Resource::kEnclosure:
      return snapshot.enclosures.push_back(std::move(*resource.mutable_enclosure()));
    case sas::v1::Resource::kLogicalUnit:
      return snapshot.units.push_back(std::move(*resource.mutable_logical_unit()));
    default:
      return;
  }
}

}  // namespace

absl::StatusOr<TreeSnapshot> ReadTreeSnapshot(const Context& context,
                                              const std::vector<sas::v1::ResourceKind>& kinds,
                                              const std::vector<std::string>& hosts) {
  sas::v1::WatchRequest request;
  for (const auto kind : kinds) request.mutable_filter()->add_kinds(kind);
  for (const std::string& host : hosts) request.mutable_filter()->add_hosts(host);
  const Progress progress(context.err, context.screen.shows_progress, "reading the topology");
  const auto call = context.NewCall(context.endpoint.timeout);
  const auto stream = context.Stub<sas::v1::WatchService>()->Watch(call.get(), request);
  TreeSnapshot snapshot;
  sas::v1::WatchResponse response;
  while (stream->Read(&response)) {
    if (response.has_resync()) snapshot = TreeSnapshot();
    if (response.has_snapshot()) {
      for (auto& resource : *response.mutable_snapshot()->mutable_resources()) {
        Take(resource, snapshot);
      }
    }
    if (response.has_synced()) {
      snapshot.revision = response.synced().revision();
      call->TryCancel();
      stream->Finish();  // we cancelled the call
      return snapshot;
    }
  }
  const absl::Status status = FromRpc(stream->Finish(), context.endpoint);
  return status.ok() ? absl::UnavailableError("sasd ended the snapshot before it was complete")
                     : status;
}

}  // namespace sasd::cli
