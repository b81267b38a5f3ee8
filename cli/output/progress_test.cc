#include "cli/output/progress.h"

#include <sstream>
#include <streambuf>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

// A terminal that somebody looks at.
class Terminal : public std::streambuf {
 public:
  void AwaitText() {
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(
        +[](std::string* text) { return text->find(" s") != std::string::npos; }, &text_));
  }
  std::string text() {
    absl::MutexLock lock(&mu_);
    return text_;
  }

 protected:
  int_type overflow(int_type c) override {
    absl::MutexLock lock(&mu_);
    text_ += static_cast<char>(c);
    return c;
  }

 private:
  absl::Mutex mu_;
  std::string text_ ABSL_GUARDED_BY(mu_);
};

TEST(ProgressTest, ShowsWhatTakesLongAndClearsIt) {
  Terminal terminal;
  std::ostream err(&terminal);
  {
    const Progress progress(err, true, "waiting", absl::ZeroDuration());
    terminal.AwaitText();
  }
  EXPECT_THAT(terminal.text(), ::testing::StartsWith("\rsasctl: waiting 0 s"));
  EXPECT_THAT(terminal.text(), ::testing::EndsWith("\r\033[K"));
}

TEST(ProgressTest, WithoutATerminalNothingIsShown) {
  Terminal terminal;
  std::ostream err(&terminal);
  { const Progress progress(err, false, "waiting", absl::ZeroDuration()); }
  { const Progress progress(err, true, "waiting", absl::Hours(1)); }
  EXPECT_EQ(terminal.text(), "");
}

}  // namespace
}  // namespace sasd::cli
