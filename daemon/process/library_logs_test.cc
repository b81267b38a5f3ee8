#include "daemon/process/library_logs.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "daemon/process/log_queue.h"
#include "daemon/process/log_sink.h"
#include "gmock/gmock.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/stubs/logging.h"
#include "grpc/support/log.h"
#include "gtest/gtest.h"
#include "spdlog/spdlog.h"

namespace sasd::process {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class LibraryLogsTest : public ::testing::Test {
 protected:
  LibraryLogsTest() {
    spdlog::set_default_logger(MakeLogger(queue_));
    CaptureLibraryLogs();
    SetLevel(spdlog::level::info);
  }
  ~LibraryLogsTest() override {
    spdlog::set_level(spdlog::level::off);
    EXPECT_TRUE(queue_.Flush(absl::Seconds(60)));
  }

  static void SetLevel(spdlog::level::level_enum level) {
    spdlog::set_level(level);
    SetLibraryLogLevel(level);
  }

  std::string Text() {
    EXPECT_TRUE(queue_.Flush(absl::Seconds(60)));
    return absl::StrJoin(*lines_, "");
  }

 private:
  static LogQueue::Options OptionsFor(const std::shared_ptr<std::vector<std::string>>& lines) {
    LogQueue::Options options;
    options.write = [lines](const std::string& text) { lines->push_back(text); };
    return options;
  }

  const std::shared_ptr<std::vector<std::string>> lines_ =
      std::make_shared<std::vector<std::string>>();
  // Not destroyed: the libraries log to the end.
  LogQueue& queue_ = *new LogQueue(OptionsFor(lines_));
};

TEST_F(LibraryLogsTest, EachLibraryLogsWithItsName) {
  gpr_log(GPR_ERROR, "one %d", 1);
  GOOGLE_LOG(ERROR) << "two";
  ABSL_INTERNAL_LOG(WARNING, std::string("three"));
  const std::string text = Text();
  EXPECT_THAT(text, HasSubstr("gRPC: one 1 (library_logs_test.cc:"));
  EXPECT_THAT(text, HasSubstr("protobuf: two (library_logs_test.cc:"));
  EXPECT_THAT(text, HasSubstr("Abseil: three (library_logs_test.cc:"));
}

TEST_F(LibraryLogsTest, TheLogLevelHoldsForLibraries) {
  gpr_log(GPR_INFO, "for its developers");
  EXPECT_THAT(Text(), IsEmpty());
  SetLevel(spdlog::level::off);
  gpr_log(GPR_ERROR, "one");
  GOOGLE_LOG(ERROR) << "two";
  ABSL_INTERNAL_LOG(ERROR, std::string("three"));
  EXPECT_THAT(Text(), IsEmpty());
  SetLevel(spdlog::level::debug);
  gpr_log(GPR_DEBUG, "four");
  EXPECT_THAT(Text(), HasSubstr("four"));
}

// A client can send such a message as often as it likes.
TEST_F(LibraryLogsTest, ManyLinesOfALibraryAreCounted) {
  for (int i = 0; i < 10'000; ++i) GOOGLE_LOG(WARNING) << "line " << i;
  EXPECT_THAT(Text(), HasSubstr("protobuf: line 5 "));
  EXPECT_THAT(Text(), Not(HasSubstr("line 9999")));
}

}  // namespace
}  // namespace sasd::process
