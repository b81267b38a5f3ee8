#include "rpc/abandoned_calls.h"

#include <utility>

#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"

namespace sasd::rpc {
namespace {

using grpc::experimental::InterceptionHookPoints;

class Interceptor final : public grpc::experimental::Interceptor {
 public:
  Interceptor(CallGuard& guard, Clock& clock, const grpc::CallbackServerContext& context)
      : guard_(guard), clock_(clock), context_(context), begin_(clock.Monotonic()) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    // From here on gRPC knows whether the call was cancelled.
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_CLOSE) &&
        context_.IsCancelled() && clock_.Monotonic() - begin_ < CallGuard::kSoon) {
      guard_.NoteAbandoned(context_);
    }
    methods->Proceed();
  }

 private:
  CallGuard& guard_;
  Clock& clock_;
  const grpc::CallbackServerContext& context_;
  const absl::Duration begin_;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  Factory(CallGuard& guard, Clock& clock, absl::flat_hash_set<std::string> own)
      : guard_(guard), clock_(clock), own_(std::move(own)) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    using Type = grpc::experimental::ServerRpcInfo::Type;
    // Null: the call has none.
    if (info->type() != Type::UNARY && own_.contains(absl::StripPrefix(info->method(), "/"))) {
      return nullptr;
    }
    // Of other APIs IsCancelled() waits.
    const auto* context = dynamic_cast<const grpc::CallbackServerContext*>(info->server_context());
    return context == nullptr ? nullptr : new Interceptor(guard_, clock_, *context);
  }

 private:
  CallGuard& guard_;
  Clock& clock_;
  const absl::flat_hash_set<std::string> own_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> AbandonInterceptor(
    CallGuard& guard, Clock& clock, absl::flat_hash_set<std::string> own) {
  return std::make_unique<Factory>(guard, clock, std::move(own));
}

}  // namespace sasd::rpc
