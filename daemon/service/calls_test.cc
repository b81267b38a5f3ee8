#include "daemon/service/calls.h"

#include <atomic>
#include <chrono>  // NOLINT: gRPC's deadlines
#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "daemon/service/metrics_service.h"
#include "daemon/service/open_calls.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "sas/v1/metrics_service.grpc.pb.h"

namespace sasd::service {
namespace {

// A server with one method, whose calls last long or not.
class CallsTest : public ::testing::Test {
 protected:
  // A call under way.
  struct Call {
    grpc::ClientContext context;
    sas::v1::GetMetricsRequest request;
    sas::v1::GetMetricsResponse response;
    grpc::Status status;
    absl::Notification ended;
  };

  explicit CallsTest(size_t waiting_calls = 1'000) : open_(waiting_calls) {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = sas::v1::MetricsService::NewStub(server_->InProcessChannel(grpc::ChannelArguments()));
  }
  ~CallsTest() override {
    finish_ = true;
    server_->Shutdown();
  }

  void Start(Call& call, bool lasts) {
    call.request.set_show_objects(lasts);
    stub_->async()->GetMetrics(&call.context, &call.request, &call.response,
                               [&call](grpc::Status status) {
                                 call.status = std::move(status);
                                 call.ended.Notify();
                               });
  }
  // The status of a call whose request is no message.
  grpc::Status CallWithGarbage() {
    grpc::GenericStub stub(server_->InProcessChannel(grpc::ChannelArguments()));
    grpc::ClientContext context;
    const grpc::Slice garbage("\xff\xff\xff");
    const grpc::ByteBuffer request(&garbage, 1);
    grpc::ByteBuffer response;
    grpc::Status status;
    absl::Notification ended;
    stub.UnaryCall(&context, "/sas.v1.MetricsService/GetMetrics", grpc::StubOptions(), &request,
                   &response, [&](grpc::Status s) {
                     status = std::move(s);
                     ended.Notify();
                   });
    ended.WaitForNotification();
    return status;
  }
  std::vector<std::unique_ptr<Call>> StartLong(int count) {
    std::vector<std::unique_ptr<Call>> calls;
    for (int i = 0; i < count; ++i) {
      calls.push_back(std::make_unique<Call>());
      Start(*calls.back(), /*lasts=*/true);
    }
    return calls;
  }
  void AwaitBegun(int count) { AwaitCount(begun_, count); }
  void AwaitEnded(int count) { AwaitCount(ended_, count); }
  void AwaitCount(const int& counter, int count) {
    absl::MutexLock lock(&mu_);
    const auto reached = [&] { return counter >= count; };
    mu_.Await(absl::Condition(&reached));
  }

  absl::Mutex mu_;
  int begun_ = 0, ended_ = 0;  // long ones; guarded by mu_
  std::atomic<bool> finish_ = false;
  OpenCalls open_;
  MetricsService service_{[this](bool lasts, const AdmittedCall& call) -> std::string {
                            if (!lasts) return "short";
                            Count(begun_);
                            while (!finish_ && !call.cancelled()) {
                            }
                            Count(ended_);
                            return "long";
                          },
                          open_.calls};
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<sas::v1::MetricsService::Stub> stub_;

 private:
  void Count(int& counter) {
    absl::MutexLock lock(&mu_);
    ++counter;
  }
};

// Of one peer, and the long ones have all the turns.
TEST_F(CallsTest, ShortCallAnswersBesideLongOnes) {
  const auto calls = StartLong(2);
  AwaitBegun(2);
  Call brief;
  Start(brief, /*lasts=*/false);
  brief.ended.WaitForNotification();
  EXPECT_EQ(brief.response.text(), "short");
  finish_ = true;
  for (const auto& call : calls) {
    call->ended.WaitForNotification();
    EXPECT_EQ(call->response.text(), "long");
  }
}

TEST_F(CallsTest, CancellationEndsTheWork) {
  Call call;
  Start(call, /*lasts=*/true);
  AwaitBegun(1);
  call.context.TryCancel();
  AwaitEnded(1);
  call.ended.WaitForNotification();
  EXPECT_EQ(call.status.error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(CallsTest, DeadlineEndsTheWork) {
  Call call;
  call.context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(50));
  Start(call, /*lasts=*/true);
  call.ended.WaitForNotification();
  EXPECT_EQ(call.status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  // It may have passed before the work began.
  absl::MutexLock lock(&mu_);
  const auto at_rest = [this] { return ended_ == begun_; };
  mu_.Await(absl::Condition(&at_rest));
}

TEST_F(CallsTest, RequestThatIsNoMessageIsRefused) {
  const grpc::Status status = CallWithGarbage();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(status.error_message(),
            "the request of sas.v1.MetricsService/GetMetrics cannot be decoded");
}

class NoRoomTest : public CallsTest {
 protected:
  NoRoomTest() : CallsTest(/*waiting_calls=*/0) {}
};

// What refuses it is one of the few threads of gRPC.
TEST_F(NoRoomTest, CallIsRefusedBeforeItsRequestIsDecoded) {
  EXPECT_EQ(CallWithGarbage().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

// Of some the work goes on, others wait for their next turn, and others have not begun.
TEST_F(CallsTest, EndOfTheServerEndsAllWork) {
  const auto calls = StartLong(10);
  AwaitBegun(3);
  server_->Shutdown(std::chrono::system_clock::now());
  for (const auto& call : calls) {
    call->ended.WaitForNotification();
    EXPECT_FALSE(call->status.ok());
  }
  absl::MutexLock lock(&mu_);
  EXPECT_EQ(begun_, ended_);
}

}  // namespace
}  // namespace sasd::service
