#include "rpc/call_times.h"

#include <utility>

#include "absl/strings/strip.h"

namespace sasd::rpc {
namespace {

class Interceptor final : public grpc::experimental::Interceptor {
 public:
  // `method` is borrowed from the factory.
  Interceptor(Clock& clock, absl::string_view method, const CallTimer& timer)
      : clock_(clock), method_(method), timer_(timer), begin_(clock.Monotonic()) {}

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(
            grpc::experimental::InterceptionHookPoints::PRE_SEND_STATUS)) {
      timer_(method_, clock_.Monotonic() - begin_);
    }
    methods->Proceed();
  }

 private:
  Clock& clock_;
  const absl::string_view method_;
  const CallTimer& timer_;
  const absl::Duration begin_;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  Factory(Clock& clock, absl::flat_hash_set<std::string> methods, CallTimer timer)
      : clock_(clock), methods_(std::move(methods)), timer_(std::move(timer)) {}

  // Null: the call has none.
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    if (info->type() != grpc::experimental::ServerRpcInfo::Type::UNARY) return nullptr;
    const auto method = methods_.find(absl::StripPrefix(info->method(), "/"));
    if (method == methods_.end()) return nullptr;
    return new Interceptor(clock_, *method, timer_);
  }

 private:
  Clock& clock_;
  const absl::flat_hash_set<std::string> methods_;
  const CallTimer timer_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> TimeInterceptor(
    Clock& clock, absl::flat_hash_set<std::string> methods, CallTimer timer) {
  return std::make_unique<Factory>(clock, std::move(methods), std::move(timer));
}

}  // namespace sasd::rpc
