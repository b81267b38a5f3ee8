#include "tests/bench/stream_client.h"

#include <utility>

#include "driver/base/clock.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/proto_buffer_reader.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::bench {

struct StreamFleet::Shared {
  absl::Mutex mu;
  int synced ABSL_GUARDED_BY(mu) = 0;
  int open ABSL_GUARDED_BY(mu) = 0;
  // The number of streams that have received `awaited` acts. The streams count themselves.
  int64_t awaited ABSL_GUARDED_BY(mu) = 0;
  int reached ABSL_GUARDED_BY(mu) = 0;
  Receipts receipts ABSL_GUARDED_BY(mu);
};

class StreamFleet::Stream : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // If `to_sample`, keeps the events of the newest act.
  Stream(grpc::GenericStub& stub, const std::string& method, const std::string& request,
         bool to_sample, Shared& shared)
      : shared_(shared), to_sample_(to_sample) {
    const grpc::Slice slice(request);
    request_ = grpc::ByteBuffer(&slice, 1);
    stub.PrepareBidiStreamingCall(&context_, method, grpc::StubOptions(), this);
    StartWriteLast(&request_, grpc::WriteOptions());
    StartRead(&response_);
    StartCall();
  }

  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    const int64_t now = absl::ToInt64Nanoseconds(SystemClock().Monotonic());
    sas::v1::WatchResponse response;
    grpc::ProtoBufferReader reader(&response_);
    response.ParseFromZeroCopyStream(&reader);
    Count(response, now);
    StartRead(&response_);  // last, because another thread may count the next message
  }

  void Count(const sas::v1::WatchResponse& response, int64_t now) {
    absl::MutexLock lock(&shared_.mu);
    if (response.has_synced()) ++shared_.synced;
    if (response.has_events()) shared_.receipts.bytes += response.ByteSizeLong();
    for (const sas::v1::Event& event : response.events().events()) {
      ++shared_.receipts.events;
      if (to_sample_) *sample_.add_events() = event;
      if (event.arrival_monotonic_time_ns() != 0) {
        shared_.receipts.latency_ns.push_back(now - event.arrival_monotonic_time_ns());
      }
      if (event.cause().text() != kLastOfAct) continue;
      if (++acts_ == shared_.awaited) ++shared_.reached;
      if (!to_sample_) continue;
      shared_.receipts.newest_act = sample_.SerializeAsString();
      sample_.Clear();
    }
  }

  // The caller holds the fleet's lock.
  int64_t acts() const {
    shared_.mu.AssertHeld();
    return acts_;
  }

  void OnDone(const grpc::Status&) override {
    absl::MutexLock lock(&shared_.mu);
    --shared_.open;
  }

 private:
  Shared& shared_;
  const bool to_sample_;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  int64_t acts_ ABSL_GUARDED_BY(shared_.mu) = 0;
  sas::v1::EventBatch sample_ ABSL_GUARDED_BY(shared_.mu);
};

StreamFleet::StreamFleet(const std::string& address, const std::string& method,
                         const std::string& request, int count, int streams_per_channel)
    : shared_(std::make_shared<Shared>()) {
  {
    absl::MutexLock lock(&shared_->mu);
    shared_->open = count;
  }
  std::shared_ptr<grpc::Channel> channel;
  for (int i = 0; i < count; ++i) {
    if (i % streams_per_channel == 0) {
      grpc::ChannelArguments arguments;
      arguments.SetInt("bench.channel", i);  // gives a separate connection
      channel = grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
    }
    grpc::GenericStub stub(channel);
    streams_.push_back(
        std::make_unique<Stream>(stub, method, request, /*to_sample=*/i == 0, *shared_));
  }
}

StreamFleet::~StreamFleet() {
  for (auto& stream : streams_) stream->Cancel();
  absl::MutexLock lock(&shared_->mu);
  const auto done = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return shared_->open == 0; };
  shared_->mu.Await(absl::Condition(&done));
}

bool StreamFleet::WaitSynced(absl::Duration timeout) {
  absl::MutexLock lock(&shared_->mu);
  const auto synced = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return shared_->synced >= static_cast<int>(streams_.size());
  };
  return shared_->mu.AwaitWithTimeout(absl::Condition(&synced), timeout);
}

bool StreamFleet::WaitActs(int64_t acts, absl::Duration timeout) {
  absl::MutexLock lock(&shared_->mu);
  shared_->awaited = acts;
  shared_->reached = 0;
  for (const auto& stream : streams_) {
    if (stream->acts() >= acts) ++shared_->reached;
  }
  const auto reached = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
    return shared_->reached >= static_cast<int>(streams_.size());
  };
  return shared_->mu.AwaitWithTimeout(absl::Condition(&reached), timeout);
}

Receipts StreamFleet::Take() {
  absl::MutexLock lock(&shared_->mu);
  return std::exchange(shared_->receipts, Receipts());
}

}  // namespace sasd::bench
