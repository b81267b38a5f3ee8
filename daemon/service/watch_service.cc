#include "daemon/service/watch_service.h"

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "daemon/service/errors.h"
#include "daemon/service/watch_stream.h"

namespace sasd::service {
namespace {

// That read the archive. Those of the history are others: neither holds up the other.
constexpr size_t kReaders = 2;

}  // namespace

WatchService::WatchService(const registry::Registry& registry, watch::WatchLog& log)
    : registry_(registry), log_(log) {
  // As many tasks wait as there are streams.
  if (log.has_archive()) readers_.emplace(kReaders, std::numeric_limits<size_t>::max());
}

WatchService::~WatchService() = default;

grpc::ServerWriteReactor<grpc::ByteBuffer>* WatchService::Watch(grpc::CallbackServerContext*,
                                                                const grpc::ByteBuffer* request) {
  auto stream = std::make_shared<WatchStream>(*this, registry_.epoch());
  bool refused;
  {
    absl::MutexLock lock(&mu_);
    refused = shutting_down_;
    streams_.emplace(stream.get(), stream);
  }
  stream->Start(log_, request);
  if (refused) stream->End(ShuttingDown());
  return stream.get();
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

void WatchService::Forget(WatchStream* stream) {
  absl::MutexLock lock(&mu_);
  streams_.erase(stream);
}

}  // namespace sasd::service
