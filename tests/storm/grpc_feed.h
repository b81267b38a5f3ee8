#ifndef TESTS_STORM_GRPC_FEED_H_
#define TESTS_STORM_GRPC_FEED_H_

#include <memory>
#include <string>

#include "grpcpp/grpcpp.h"
#include "sas/v1/watch_service.grpc.pb.h"
#include "tests/storm/storm.h"

namespace sasd::testing {

// A Watch stream over gRPC, on a connection of its own.
class GrpcFeed : public Feed {
 public:
  static std::unique_ptr<Feed> Open(const std::string& address, const std::string& resume_token);

  bool Read(sas::v1::WatchResponse* response) override { return reader_->Read(response); }
  void Cancel() override;
  std::string error() override;

 private:
  GrpcFeed(const std::string& address, const std::string& resume_token);

  grpc::ClientContext context_;
  std::unique_ptr<sas::v1::WatchService::Stub> stub_;
  std::unique_ptr<grpc::ClientReader<sas::v1::WatchResponse>> reader_;
};

}  // namespace sasd::testing

#endif  // TESTS_STORM_GRPC_FEED_H_
