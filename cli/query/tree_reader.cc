#include "cli/query/tree_reader.h"

#include <utility>

#include "client/watch_protocol.h"
#include "sas/v1/watch_service.grpc.pb.h"

namespace sasd::cli {
namespace {

// Takes a snapshot apart by kind.
class SnapshotTaker : public client::WatchConsumer {
 public:
  absl::Status OnSnapshotBegin(int64_t /*revision*/) override {
    snapshot_ = TreeSnapshot();
    return absl::OkStatus();
  }
  absl::Status OnResource(const sas::v1::Resource& resource) override {
    switch (resource.resource_case()) {
      case sas::v1::Resource::kHost:
        snapshot_.hosts.push_back(resource.host());
        break;
      case sas::v1::Resource::kPort:
        snapshot_.ports.push_back(resource.port());
        break;
      case sas::v1::Resource::kExpander:
        snapshot_.expanders.push_back(resource.expander());
        break;
      case sas::v1::Resource::kEndDevice:
        snapshot_.devices.push_back(resource.end_device());
        break;
      case sas::v1::Resource::kEnclosure:
        snapshot_.enclosures.push_back(resource.enclosure());
        break;
      case sas::v1::Resource::kLogicalUnit:
        snapshot_.units.push_back(resource.logical_unit());
        break;
      default:
        break;
    }
    return absl::OkStatus();
  }
  absl::Status OnSynced(int64_t revision) override {
    snapshot_.revision = revision;
    return absl::OkStatus();
  }
  absl::Status OnEvent(const sas::v1::Event& /*event*/) override { return absl::OkStatus(); }

  TreeSnapshot Take() { return std::move(snapshot_); }

 private:
  TreeSnapshot snapshot_;
};

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
  client::WatchProtocol protocol(client::WatchProtocol::Scope::kFiltered);
  SnapshotTaker taker;
  sas::v1::WatchResponse response;
  while (stream->Read(&response)) {
    absl::Status applied = protocol.Apply(response, taker);
    if (applied.ok() && !protocol.synced()) continue;
    call->TryCancel();
    stream->Finish();  // we cancelled the call
    if (!applied.ok()) return applied;
    return taker.Take();
  }
  const absl::Status status = FromRpc(stream->Finish(), context.endpoint);
  return status.ok() ? absl::UnavailableError("sasd ended the snapshot before it was complete")
                     : status;
}

}  // namespace sasd::cli
