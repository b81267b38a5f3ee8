#include "cli/commands/metrics_command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "sas/v1/metrics_service.grpc.pb.h"

namespace sasd::cli {
namespace {

absl::Status Replace(const std::string& path, const std::string& text) {
  // node_exporter reads what ends in ".prom".
  const std::string aside = absl::StrCat(path, ".", getpid(), ".tmp");
  std::ofstream file(aside, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file.fail() || rename(aside.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(aside.c_str());
    return absl::FailedPreconditionError(
        absl::StrCat("cannot write ", path, ": ", strerror(error)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status RunMetrics(const MetricsOptions& options, const Context& context) {
  sas::v1::GetMetricsRequest request;
  request.set_show_objects(options.objects);
  const absl::StatusOr<sas::v1::GetMetricsResponse> response =
      context.Call(*context.Stub<sas::v1::MetricsService>(),
                   &sas::v1::MetricsService::StubInterface::GetMetrics, request);
  if (!response.ok()) return response.status();
  if (!options.write.empty()) return Replace(options.write, response->text());
  context.out << response->text();
  return absl::OkStatus();
}

}  // namespace sasd::cli
