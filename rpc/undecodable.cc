#include "rpc/undecodable.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "rpc/short_status.h"

namespace sasd::rpc {
namespace {

class Interceptor final : public grpc::experimental::Interceptor {
 public:
  explicit Interceptor(absl::string_view method) : method_(method) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::PRE_SEND_STATUS)) {
      const grpc::Status status = methods->GetSendStatus();
      if (IsUndecodable(status)) {
        methods->ModifySendStatus(Undecodable(method_));
      } else if (StatusBytes(status) > kMostStatusBytes) {
        methods->ModifySendStatus(Shortened(status));
      }
    }
    methods->Proceed();
  }

 private:
  const std::string method_;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  explicit Factory(absl::flat_hash_set<std::string> methods) : methods_(std::move(methods)) {}

  // Null: the call has none.
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    const absl::string_view method = absl::StripPrefix(info->method(), "/");
    return methods_.contains(method) ? new Interceptor(method) : nullptr;
  }

 private:
  const absl::flat_hash_set<std::string> methods_;
};

}  // namespace

grpc::Status Undecodable(absl::string_view method) {
  return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT,
                      absl::StrCat("the request of ", method, " cannot be decoded"));
}

bool IsUndecodable(const grpc::Status& status) {
  return (status.error_code() == grpc::StatusCode::UNIMPLEMENTED ||
          status.error_code() == grpc::StatusCode::INTERNAL) &&
         status.error_message().empty();
}

std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>>
UndecodableInterceptors(absl::flat_hash_set<std::string> methods) {
  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> out;
  out.push_back(std::make_unique<Factory>(std::move(methods)));
  return out;
}

}  // namespace sasd::rpc
