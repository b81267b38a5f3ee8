#include "tests/storm/grpc_feed.h"

#include "absl/memory/memory.h"

namespace sasd::testing {

std::unique_ptr<Feed> GrpcFeed::Open(const std::string& address, const std::string& resume_token) {
  return absl::WrapUnique(new GrpcFeed(address, resume_token));
}

GrpcFeed::GrpcFeed(const std::string& address, const std::string& resume_token) {
  grpc::ChannelArguments arguments;
  // Otherwise equal channels share one connection.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  stub_ = sas::v1::WatchService::NewStub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
  sas::v1::WatchRequest request;
  request.set_resume_token(resume_token);
  reader_ = stub_->Watch(&context_, request);
}

void GrpcFeed::Cancel() { context_.TryCancel(); }

std::string GrpcFeed::error() {
  const grpc::Status status = reader_->Finish();
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
    case grpc::StatusCode::CANCELLED:
      return "";
    case grpc::StatusCode::OUT_OF_RANGE:
      return "compacted";
    default:
      return status.error_message();
  }
}

}  // namespace sasd::testing
