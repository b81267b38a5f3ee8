#include "rpc/abandoned_calls.h"

#include "absl/time/time.h"
#include "grpcpp/server_context.h"

namespace sasd::rpc {
namespace {

using grpc::experimental::InterceptionHookPoints;

// Who cancels later has used the call.
constexpr absl::Duration kSoon = absl::Seconds(1);

class Interceptor final : public grpc::experimental::Interceptor {
 public:
  Interceptor(Access& access, Clock& clock, const grpc::CallbackServerContext& context)
      : access_(access), clock_(clock), context_(context), begin_(clock.Monotonic()) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    // From here on gRPC knows whether the call was cancelled.
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_CLOSE) &&
        context_.IsCancelled() && clock_.Monotonic() - begin_ < kSoon) {
      access_.NoteAbandoned(context_);
    }
    methods->Proceed();
  }

 private:
  Access& access_;
  Clock& clock_;
  const grpc::CallbackServerContext& context_;
  const absl::Duration begin_;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  Factory(Access& access, Clock& clock) : access_(access), clock_(clock) {}

  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    // Ours and gRPC's own are of the callback API; of others, IsCancelled() waits. Null: the call
    // has none.
    const auto* context = dynamic_cast<const grpc::CallbackServerContext*>(info->server_context());
    return context == nullptr ? nullptr : new Interceptor(access_, clock_, *context);
  }

 private:
  Access& access_;
  Clock& clock_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> AbandonInterceptor(
    Access& access, Clock& clock) {
  return std::make_unique<Factory>(access, clock);
}

}  // namespace sasd::rpc
