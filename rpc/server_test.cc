#include "rpc/server.h"

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "driver/base/clock.h"
#include "grpc/grpc.h"
#include "gtest/gtest.h"

namespace sasd::rpc {
namespace {

// The standard health service, which each Server has.
grpc::Status Check(grpc::GenericStub& stub, std::chrono::milliseconds timeout) {
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(std::chrono::system_clock::now() + timeout);
  const grpc::Slice empty;
  const grpc::ByteBuffer request(&empty, 1);
  grpc::ByteBuffer response;
  grpc::Status status;
  absl::Notification done;
  stub.UnaryCall(&context, "/grpc.health.v1.Health/Check", {}, &request, &response,
                 [&](grpc::Status s) {
                   status = std::move(s);
                   done.Notify();
                 });
  done.WaitForNotification();
  return status;
}

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

}  // namespace
}  // namespace sasd::rpc
