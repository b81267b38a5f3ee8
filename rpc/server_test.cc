#include "rpc/server.h"

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "grpc/grpc.h"
#include "grpcpp/impl/codegen/server_callback_handlers.h"
#include "grpcpp/support/method_handler.h"
#include "gtest/gtest.h"

namespace sasd::rpc {
namespace {

grpc::Status Call(grpc::GenericStub& stub, const std::string& method,
                  std::chrono::milliseconds timeout) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  const grpc::Slice empty;
  const grpc::ByteBuffer request(&empty, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  absl::Notification done;
  stub.UnaryCall(&context, method, {}, &request, &response, [&](grpc::Status s) {
    status = std::move(s);
    done.Notify();
  });
  done.WaitForNotification();
  return status;
}

// The standard health service, which each Server has.
grpc::Status Check(grpc::GenericStub& stub, std::chrono::milliseconds timeout) {
  return Call(stub, "/grpc.health.v1.Health/Check", timeout);
}

// Two methods that take kDuration by the system's clock; the second one fails then.
class SlowService : public grpc::Service {
 public:
  static constexpr absl::Duration kDuration = absl::Milliseconds(2);

  SlowService() {
    Add("/test.v1.Slow/Succeed", grpc::Status());
    Add("/test.v1.Slow/Fail", grpc::Status(grpc::StatusCode::NOT_FOUND, "nothing is here"));
  }

 private:
  void Add(const char* method, const grpc::Status& status) {
    using Handler =
        grpc::internal::RpcMethodHandler<SlowService, grpc::ByteBuffer, grpc::ByteBuffer,
                                         grpc::ByteBuffer, grpc::ByteBuffer>;
    AddMethod(new grpc::internal::RpcServiceMethod(
        method, grpc::internal::RpcMethod::NORMAL_RPC,
        new Handler(
            [status](SlowService*, grpc::ServerContext*, const grpc::ByteBuffer* request,
                     grpc::ByteBuffer* response) {
              const absl::Duration begin = SystemClock().Monotonic();
              while (SystemClock().Monotonic() - begin < kDuration) {
              }
              *response = *request;
              return status;
            },
            this)));
  }
};

// A method whose calls end when they are cancelled.
class ParkingService : public grpc::Service {
 public:
  ParkingService() {
    using grpc::internal::RpcMethod;
    AddMethod(new grpc::internal::RpcServiceMethod("/test.v1.Parking/Wait", RpcMethod::NORMAL_RPC,
                                                   nullptr));
    MarkMethodCallback(0,
                       new grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
                           [this](grpc::CallbackServerContext*, const grpc::ByteBuffer*,
                                  grpc::ByteBuffer*) -> grpc::ServerUnaryReactor* {
                             absl::MutexLock lock(&mu_);
                             ++begun_;
                             return new Parked(*this);
                           }));
  }
  int begun() {
    absl::MutexLock lock(&mu_);
    return begun_;
  }
  void AwaitBegun(int count) {
    absl::MutexLock lock(&mu_);
    const auto has_begun = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return begun_ >= count; };
    mu_.Await(absl::Condition(&has_begun));
  }
  void AwaitEnded() {
    absl::MutexLock lock(&mu_);
    const auto is_empty = [&]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return ended_ == begun_; };
    mu_.Await(absl::Condition(&is_empty));
  }

 private:
  class Parked final : public grpc::ServerUnaryReactor {
   public:
    explicit Parked(ParkingService& service) : service_(service) {}
    void OnCancel() override { Finish(grpc::Status(grpc::StatusCode::CANCELLED, "")); }
    void OnDone() override {
      {
        absl::MutexLock lock(&service_.mu_);
        ++service_.ended_;
      }
      delete this;
    }

   private:
    ParkingService& service_;
  };

  absl::Mutex mu_;
  int begun_ ABSL_GUARDED_BY(mu_) = 0;
  int ended_ ABSL_GUARDED_BY(mu_) = 0;
};

TEST(ServerTest, ClientWaitsUntilTheServerServes) {
  char folder[] = "/tmp/sasd-server.XXXXXX";
  ASSERT_NE(mkdtemp(folder), nullptr);
  const std::string address = absl::StrCat("unix:", folder, "/s");
  Edge edge{AccessPolicy()};
  ServerOptions options;
  options.listen = {address};
  absl::StatusOr<std::unique_ptr<Server>> server =
      Server::Open(std::move(options), edge, {}, SystemClock());
  ASSERT_TRUE(server.ok()) << server.status();

  // The kernel connects it, so the client sends its first call.
  grpc::GenericStub stub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  EXPECT_EQ(Check(stub, std::chrono::milliseconds(200)).error_code(),
            grpc::StatusCode::DEADLINE_EXCEEDED);

  (*server)->Serve();
  EXPECT_TRUE(Check(stub, std::chrono::seconds(60)).ok());
  server->reset();
  EXPECT_TRUE(grpc_is_initialized()) << "its end may wait 10 s";
  EXPECT_EQ(system(absl::StrCat("rm -r ", folder).c_str()), 0);
}

TEST(ServerTest, TimerTakesEachCallOfOurServices) {
  struct Taken {
    absl::Mutex mu;
    std::vector<std::pair<std::string, absl::Duration>> calls;
  } taken;
  Edge edge{AccessPolicy()};
  SlowService slow;
  ServedService service;
  service.service = &slow;
  service.name = "test.v1.Slow";
  service.roles = {{"test.v1.Slow/Succeed", Role::kViewer}, {"test.v1.Slow/Fail", Role::kViewer}};
  ServerOptions options;
  options.listen = {"127.0.0.1:0"};
  options.timer = [&taken](absl::string_view method, absl::Duration duration) {
    absl::MutexLock lock(&taken.mu);
    taken.calls.emplace_back(method, duration);
  };
  auto server = Server::Open(std::move(options), edge, {service}, SystemClock());
  ASSERT_TRUE(server.ok()) << server.status();
  (*server)->Serve();
  grpc::GenericStub stub(
      grpc::CreateChannel((*server)->address(), grpc::InsecureChannelCredentials()));
  constexpr std::chrono::seconds kTimeout(60);
  EXPECT_TRUE(Check(stub, kTimeout).ok());  // not ours
  EXPECT_TRUE(Call(stub, "/test.v1.Slow/Succeed", kTimeout).ok());
  EXPECT_EQ(Call(stub, "/test.v1.Slow/Fail", kTimeout).error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Call(stub, "/test.v1.Slow/Unknown", kTimeout).error_code(),
            grpc::StatusCode::UNIMPLEMENTED);
  server->reset();
  absl::MutexLock lock(&taken.mu);
  ASSERT_EQ(taken.calls.size(), 2u);
  EXPECT_EQ(taken.calls[0].first, "test.v1.Slow/Succeed");
  EXPECT_EQ(taken.calls[1].first, "test.v1.Slow/Fail");
  for (const auto& [method, duration] : taken.calls) {
    EXPECT_GE(duration, SlowService::kDuration) << method;
    EXPECT_LT(duration, absl::Seconds(60)) << method;
  }
}

TEST(ServerTest, ClientThatCancelsWithoutEndIsCutOff) {
  Edge edge{AccessPolicy()};
  edge.limits.Set(Limit::kAbandonedCalls, 20);
  ParkingService parking;
  ServedService service;
  service.service = &parking;
  service.name = "test.v1.Parking";
  service.roles = {{"test.v1.Parking/Wait", Role::kViewer}};
  ServerOptions options;
  options.listen = {"127.0.0.1:0"};
  auto server = Server::Open(std::move(options), edge, {service}, SystemClock());
  ASSERT_TRUE(server.ok()) << server.status();
  (*server)->Serve();
  grpc::GenericStub stub(
      grpc::CreateChannel((*server)->address(), grpc::InsecureChannelCredentials()));
  struct Begun {
    grpc::ClientContext context;
    grpc::ByteBuffer request, response;
    absl::Notification done;
  };
  const auto begin_and_cancel = [&](size_t count) {
    std::vector<std::unique_ptr<Begun>> calls;
    const int before = parking.begun();
    for (size_t i = 0; i < count; ++i) {
      Begun& call = *calls.emplace_back(std::make_unique<Begun>());
      const grpc::Slice empty;
      call.request = grpc::ByteBuffer(&empty, 1);
      stub.UnaryCall(&call.context, "/test.v1.Parking/Wait", {}, &call.request, &call.response,
                     [&call](const grpc::Status&) { call.done.Notify(); });
    }
    parking.AwaitBegun(before + static_cast<int>(count));
    for (auto& call : calls) call->context.TryCancel();
    for (auto& call : calls) call->done.WaitForNotification();
    parking.AwaitEnded();
  };
  begin_and_cancel(10);
  EXPECT_EQ(edge.limits.refused(Limit::kAbandonedCalls), 0);
  // A busy machine may take more than a second for some of it.
  for (int i = 0; i < 50 && edge.limits.refused(Limit::kAbandonedCalls) == 0; ++i) {
    begin_and_cancel(30);
  }
  EXPECT_EQ(edge.limits.refused(Limit::kAbandonedCalls), 1);
  server->reset();
}

}  // namespace
}  // namespace sasd::rpc
