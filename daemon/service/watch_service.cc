#include "daemon/service/watch_service.h"

#include <algorithm>
#include <limits>
#include <string>
#include <thread>  // NOLINT: hardware_concurrency
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/service/errors.h"
#include "daemon/service/watch_stream.h"

namespace sasd::service {
namespace {

// Streams that go on at a time in what takes long: snapshots, the archive, and what a filter has to
// look at. Half of the cores, so that the rest is for others. The turns of the history are others:
// neither holds up the other.
size_t Readers() { return std::clamp<size_t>(std::thread::hardware_concurrency() / 2, 2, 8); }
// As many tasks wait as there are streams.
constexpr size_t kAll = std::numeric_limits<size_t>::max();

}  // namespace

WatchService::WatchService(const registry::Registry& registry, watch::WatchLog& log,
                           const HistoryReader& history, Calls& calls)
    : registry_(registry),
      log_(log),
      history_(history),
      calls_(calls),
      readers_(Readers(), kAll, kAll) {}

WatchService::~WatchService() = default;

grpc::Status WatchService::Admit(const grpc::CallbackServerContext& context, rpc::Caller* caller) {
  if (grpc::Status s = calls_.Admit(context, "sas.v1.WatchService/Watch", nullptr, caller);
      !s.ok()) {
    return s;
  }
  const auto limit = quota_.Take(caller->key, caller->peer.privileged());
  if (!limit.has_value()) return grpc::Status::OK;
  return calls_.limits().Refuse(*limit, absl::StrCat("one more Watch of ", caller->key));
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchService::Watch(
    grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) {
  rpc::Caller caller;
  const grpc::Status admitted = Admit(*context, &caller);
  WatchStream::Peer peer;
  if (admitted.ok()) peer.quota_key = caller.key;
  peer.ages =
      caller.peer.kind == rpc::Peer::Kind::kTcp || caller.peer.kind == rpc::Peer::Kind::kTls;
  peer.context = context;
  auto stream = std::make_shared<WatchStream>(*this, registry_.epoch(), std::move(peer));
  bool refused;
  {
    absl::MutexLock lock(&mu_);
    refused = shutting_down_;
    streams_.emplace(stream.get(), stream);
  }
  stream->Start(log_, request, admitted);
  if (refused) stream->End(ShuttingDown());
  return stream.get();
}

void WatchService::EndStalled() {
  const absl::Duration stall = absl::Seconds(calls_.limits().value(rpc::Limit::kWatchStallSeconds));
  const absl::Duration age =
      absl::Seconds(calls_.limits().value(rpc::Limit::kConnectionAgeSeconds));
  for (const std::shared_ptr<WatchStream>& stream : Streams()) {
    stream->EndIfStalled(stall, age, calls_.limits());
  }
}

std::vector<std::shared_ptr<WatchStream>> WatchService::Streams() const {
  std::vector<std::shared_ptr<WatchStream>> streams;
  absl::MutexLock lock(&mu_);
  for (const auto& [pointer, weak] : streams_) {
    if (std::shared_ptr<WatchStream> stream = weak.lock()) streams.push_back(std::move(stream));
  }
  return streams;
}

void WatchService::SendBookmarks() {
  for (const std::shared_ptr<WatchStream>& stream : Streams()) stream->Bookmark();
}

void WatchService::Shutdown() {
  {
    absl::MutexLock lock(&mu_);
    shutting_down_ = true;
  }
  for (const std::shared_ptr<WatchStream>& stream : Streams()) stream->End(ShuttingDown());
}

void WatchService::Forget(WatchStream* stream, const std::string& peer) {
  {
    absl::MutexLock lock(&mu_);
    streams_.erase(stream);
  }
  if (!peer.empty()) quota_.Release(peer);
}

}  // namespace sasd::service
