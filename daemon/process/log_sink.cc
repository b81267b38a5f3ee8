#include "daemon/process/log_sink.h"

#include <unistd.h>

#include <cstdio>
#include <mutex>  // NOLINT: spdlog's base_sink wants one
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "spdlog/details/os.h"
#include "spdlog/sinks/base_sink.h"

namespace sasd::process {
namespace {

// As spdlog's ansicolor_sink.
absl::string_view ColorOf(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return "\033[37m";
    case spdlog::level::debug:
      return "\033[36m";
    case spdlog::level::info:
      return "\033[32m";
    case spdlog::level::warn:
      return "\033[33m\033[1m";
    case spdlog::level::err:
      return "\033[31m\033[1m";
    default:
      return "\033[1m\033[41m";
  }
}

class QueueSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit QueueSink(LogQueue& queue)
      : queue_(queue),
        colors_(spdlog::details::os::in_terminal(stderr) &&
                spdlog::details::os::is_color_terminal()) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t formatted;
    message.color_range_start = message.color_range_end = 0;
    formatter_->format(message, formatted);
    const absl::string_view line(formatted.data(), formatted.size());
    const size_t start = message.color_range_start, end = message.color_range_end;
    if (!colors_ || end <= start) return queue_.Add(std::string(line));
    queue_.Add(absl::StrCat(line.substr(0, start), ColorOf(message.level),
                            line.substr(start, end - start), "\033[m", line.substr(end)));
  }

  void flush_() override {}  // the queue's thread writes as fast as it can

  LogQueue& queue_;
  const bool colors_;
};

}  // namespace

std::shared_ptr<spdlog::logger> MakeLogger(LogQueue& queue) {
  return std::make_shared<spdlog::logger>("sasd", std::make_shared<QueueSink>(queue));
}

}  // namespace sasd::process
