#include "daemon/process/library_logs.h"

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/base/internal/raw_logging.h"
#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/process/write_now.h"
#include "google/protobuf/stubs/logging.h"
#include "grpc/support/log.h"
#include "spdlog/spdlog.h"

namespace sasd::process {
namespace {

constexpr uint64_t kLinesPerInterval = 20;
constexpr absl::Duration kInterval = absl::Seconds(10);

// The lines of one library. Thread-safe.
class Library {
 public:
  explicit Library(absl::string_view name) : name_(name) {}

  void Log(spdlog::level::level_enum level, const char* file, int line, absl::string_view text)
      ABSL_LOCKS_EXCLUDED(mu_) {
    if (!spdlog::should_log(level)) return;
    uint64_t left_out = 0;
    {
      absl::MutexLock lock(&mu_);
      const absl::Time now = absl::Now();
      if (now < begin_ || now >= begin_ + kInterval) {
        begin_ = now;
        lines_ = 0;
      }
      if (++lines_ > kLinesPerInterval) {
        ++left_out_;
        return;
      }
      left_out = left_out_;
      left_out_ = 0;
    }
    if (left_out > 0) spdlog::log(level, "{}: {} lines left out", name_, left_out);
    const absl::string_view path(file == nullptr ? "" : file);
    spdlog::log(level, "{}: {} ({}:{})", name_, std::string(text),
                std::string(path.substr(path.rfind('/') + 1)), line);
  }

 private:
  const std::string name_;
  absl::Mutex mu_;  // a leaf
  absl::Time begin_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  uint64_t lines_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t left_out_ ABSL_GUARDED_BY(mu_) = 0;
};

// Never destroyed: libraries log to the end.
Library& Grpc() {
  static Library* const library = new Library("gRPC");
  return *library;
}
Library& Protobuf() {
  static Library* const library = new Library("protobuf");
  return *library;
}
Library& Abseil() {
  static Library* const library = new Library("Abseil");
  return *library;
}

void OnGrpc(gpr_log_func_args* args) {
  const auto level = args->severity == GPR_LOG_SEVERITY_ERROR  ? spdlog::level::err
                     : args->severity == GPR_LOG_SEVERITY_INFO ? spdlog::level::info
                                                               : spdlog::level::debug;
  Grpc().Log(level, args->file, args->line, args->message);
}

// libprotobuf calls an error what a client sent: a text that is not UTF-8, a message that ends
// early. The caller gets a status of its own.
void OnProtobuf(google::protobuf::LogLevel level, const char* file, int line,
                const std::string& text) {
  switch (level) {
    case google::protobuf::LOGLEVEL_FATAL:
      return WriteNow("sasd: protobuf: ", text.c_str(), nullptr);
    case google::protobuf::LOGLEVEL_ERROR:
    case google::protobuf::LOGLEVEL_WARNING:
      return Protobuf().Log(spdlog::level::warn, file, line, text);
    case google::protobuf::LOGLEVEL_INFO:
      return Protobuf().Log(spdlog::level::info, file, line, text);
  }
}

spdlog::level::level_enum LevelOf(absl::LogSeverity severity) {
  switch (severity) {
    case absl::LogSeverity::kInfo:
      return spdlog::level::info;
    case absl::LogSeverity::kWarning:
      return spdlog::level::warn;
    default:
      return spdlog::level::err;
  }
}

void OnAbseil(absl::LogSeverity severity, const char* file, int line, const std::string& text) {
  if (severity == absl::LogSeverity::kFatal) {
    return WriteNow("sasd: ", text.c_str(), " (", file, ")", nullptr);
  }
  Abseil().Log(LevelOf(severity), file, line, text);
}

bool OnAbseilRaw(absl::LogSeverity severity, const char*, int, char**, int*) {
  // No lock and no memory here. What it would wait for is lost.
  return (severity == absl::LogSeverity::kFatal || spdlog::should_log(LevelOf(severity))) &&
         StandardErrorTakes();
}

}  // namespace

void CaptureLibraryLogs() {
  gpr_set_log_function(OnGrpc);
  google::protobuf::SetLogHandler(OnProtobuf);
  absl::raw_logging_internal::RegisterInternalLogFunction(OnAbseil);
  absl::raw_logging_internal::RegisterLogFilterAndPrefixHook(OnAbseilRaw);
}

void SetLibraryLogLevel(spdlog::level::level_enum level) {
  if (getenv("GRPC_VERBOSITY") != nullptr) return;
  gpr_set_log_verbosity(level <= spdlog::level::debug ? GPR_LOG_SEVERITY_DEBUG
                                                      : GPR_LOG_SEVERITY_ERROR);
}

}  // namespace sasd::process
