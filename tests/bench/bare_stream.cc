#include "tests/bench/bare_stream.h"

#include <deque>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/grpcpp.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::bench {
namespace {

grpc::ByteBuffer ToByteBuffer(const std::string& bytes) {
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

// The first message of a stream: the client knows then that it is open.
grpc::ByteBuffer SyncedMessage() {
  sas::v1::WatchResponse response;
  response.mutable_synced()->set_revision(1);
  return ToByteBuffer(response.SerializeAsString());
}

}  // namespace

class BareStreamServer::Service : public grpc::CallbackGenericService {
 public:
  void Broadcast(const grpc::ByteBuffer& message) {
    absl::MutexLock lock(&mu_);
    for (Stream* stream : streams_) stream->Send(message);
  }

  void Shutdown() {
    absl::MutexLock lock(&mu_);
    for (Stream* stream : streams_) stream->End();
  }

  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override {
    auto* stream = new Stream(*this);
    absl::MutexLock lock(&mu_);
    streams_.insert(stream);
    stream->Send(SyncedMessage());
    return stream;
  }

 private:
  class Stream : public grpc::ServerGenericBidiReactor {
   public:
    explicit Stream(Service& service) : service_(service) {}

    void Send(const grpc::ByteBuffer& message) {
      absl::MutexLock lock(&mu_);
      if (ended_) return;
      queue_.push_back(message);
      if (queue_.size() == 1) StartWrite(&queue_.front());
    }

    void End() {
      {
        absl::MutexLock lock(&mu_);
        if (std::exchange(ended_, true)) return;
      }
      Finish(grpc::Status::OK);
    }

    void OnWriteDone(bool ok) override {
      absl::MutexLock lock(&mu_);
      queue_.pop_front();
      if (ok && !ended_ && !queue_.empty()) StartWrite(&queue_.front());
    }

    void OnCancel() override { End(); }

    void OnDone() override {
      {
        absl::MutexLock lock(&service_.mu_);
        service_.streams_.erase(this);
      }
      delete this;
    }

   private:
    Service& service_;
    absl::Mutex mu_;
    bool ended_ ABSL_GUARDED_BY(mu_) = false;
    std::deque<grpc::ByteBuffer> queue_ ABSL_GUARDED_BY(mu_);
  };

  absl::Mutex mu_;  // locked before a stream's
  std::set<Stream*> streams_ ABSL_GUARDED_BY(mu_);
};

struct BareStreamServer::Impl {
  Service service;
  std::unique_ptr<grpc::Server> server;
};

BareStreamServer::BareStreamServer(const std::string& address, grpc::Service& trigger)
    : impl_(std::make_unique<Impl>()) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort(address, grpc::InsecureServerCredentials());
  builder.RegisterService(&trigger);
  builder.RegisterCallbackGenericService(&impl_->service);
  impl_->server = builder.BuildAndStart();
}

BareStreamServer::~BareStreamServer() {
  impl_->service.Shutdown();
  impl_->server->Shutdown();
}

void BareStreamServer::Broadcast(const std::string& message) {
  impl_->service.Broadcast(ToByteBuffer(message));
}

}  // namespace sasd::bench
