#include "daemon/process/fatal.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <new>
#include <stdexcept>

#include "daemon/process/exit_codes.h"
#include "daemon/process/write_now.h"
#include "gtest/gtest.h"

namespace sasd::process {
namespace {

class FatalDeathTest : public ::testing::Test {
 protected:
  FatalDeathTest() {
    testing::GTEST_FLAG(death_test_style) = "threadsafe";
    ReportFatalErrors();
  }

  static void LimitMemory() {
    const rlimit limit = {64 << 20, 64 << 20};
    setrlimit(RLIMIT_AS, &limit);
  }
};

void Throws() { throw std::runtime_error("no thread for you"); }
void NobodyCatches() noexcept { Throws(); }

TEST_F(FatalDeathTest, NoMemoryIsALineAndACode) {
  EXPECT_EXIT(
      {
        LimitMemory();
        operator delete(operator new (size_t{1} << 30));
      },
      testing::ExitedWithCode(kOutOfMemory),
      "sasd: out of memory: an allocation failed; .*limit \\(RLIMIT_AS\\) is 64 MiB");
}

// As gRPC does when malloc() returns null.
TEST_F(FatalDeathTest, AnAbortWithoutMemoryIsOutOfMemory) {
  EXPECT_EXIT(
      {
        LimitMemory();
        // What is left is less than a thread's stack takes.
        while (malloc(1 << 20) != nullptr) {
        }
        abort();
      },
      testing::ExitedWithCode(kOutOfMemory), "sasd: out of memory: a library aborted");
}

TEST_F(FatalDeathTest, AnAbortIsABugAndAborts) {
  EXPECT_EXIT(abort(), testing::KilledBySignal(SIGABRT), "sasd: aborted: a bug");
}

TEST_F(FatalDeathTest, AnUncaughtExceptionSaysWhat) {
  EXPECT_EXIT(NobodyCatches(), testing::KilledBySignal(SIGABRT),
              "uncaught exception: .*runtime_error: no thread for you");
}

TEST_F(FatalDeathTest, SystemdsWatchdogIsNamed) {
  EXPECT_EXIT(
      {
        const pid_t sasd = getpid();
        if (fork() == 0) {
          kill(sasd, SIGABRT);
          _exit(0);
        }
        while (true) pause();
      },
      testing::KilledBySignal(SIGABRT), "sasd: SIGABRT from process [0-9]+ .*watchdog");
}

TEST(WriteNowTest, NumbersAreDecimal) {
  char buffer[24];
  EXPECT_STREQ(Decimal(0, buffer), "0");
  EXPECT_STREQ(Decimal(18'446'744'073'709'551'615u, buffer), "18446744073709551615");
}

}  // namespace
}  // namespace sasd::process
