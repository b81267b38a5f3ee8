#ifndef DAEMON_SERVICE_METRICS_SERVICE_H_
#define DAEMON_SERVICE_METRICS_SERVICE_H_

#include <functional>
#include <string>
#include <utility>

#include "daemon/service/calls.h"
#include "daemon/service/cancelled.h"
#include "grpcpp/grpcpp.h"
#include "sas/v1/metrics_service.grpc.pb.h"

namespace sasd::service {

// The metrics as text; `objects`: also those of each drive and method. Thread-safe.
using MetricsText = std::function<std::string(bool objects, const AdmittedCall& call)>;

using MetricsMethods = WithMethods<sas::v1::MetricsService::Service,
                                   sas::v1::MetricsService::WithRawCallbackMethod_GetMetrics>::Type;

// sas.v1.MetricsService. Thread-safe.
class MetricsService final : public MetricsMethods {
 public:
  // Borrows `calls` for its lifetime. `text` null: the answer is empty.
  MetricsService(MetricsText text, Calls& calls) : text_(std::move(text)), calls_(calls) {}

  grpc::ServerUnaryReactor* GetMetrics(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* bytes,
                                       grpc::ByteBuffer* answer) override {
    using Request = sas::v1::GetMetricsRequest;
    using Response = sas::v1::GetMetricsResponse;
    return calls_.Run<Request, Response>(
        context, "sas.v1.MetricsService/GetMetrics", bytes, answer,
        [this](const AdmittedCall& call, const Request& request, Response* response) {
          if (text_ == nullptr) return grpc::Status::OK;
          response->set_text(text_(request.show_objects(), call));
          return call.cancelled() ? CancelledStatus() : grpc::Status::OK;
        });
  }

 private:
  const MetricsText text_;
  Calls& calls_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_METRICS_SERVICE_H_
