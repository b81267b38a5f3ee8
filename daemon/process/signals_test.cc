#include "daemon/process/signals.h"

#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include <cstdlib>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/process/exit_codes.h"
#include "gtest/gtest.h"

namespace sasd::process {
namespace {

// Each runs in a process of its own: the signals stay blocked to its end.
class SignalsDeathTest : public ::testing::Test {
 protected:
  SignalsDeathTest() { testing::GTEST_FLAG(death_test_style) = "threadsafe"; }

  // Sends a signal to this process, as another process would.
  static void Send(int signal) { kill(getpid(), signal); }
};

TEST_F(SignalsDeathTest, AHangingProcessEndsInTime) {
  for (const int signal : {SIGTERM, SIGINT}) {
    const absl::Time begin = absl::Now();
    EXPECT_EXIT(
        {
          Signals::Start();
          Send(signal);
          while (true) pause();
        },
        testing::ExitedWithCode(kEndedAtOnce), "ends at once; nothing that it showed is lost");
    EXPECT_GE(absl::Now() - begin, Signals::kLongestEnd);
  }
}

TEST_F(SignalsDeathTest, AProcessThatEndsInOrderIsNotCutOff) {
  EXPECT_EXIT(
      {
        Signals& signals = Signals::Start();
        Send(SIGTERM);
        _exit(signals.Next(absl::InfiniteDuration()) == SIGTERM ? 17 : 1);
      },
      testing::ExitedWithCode(17), "");
}

TEST_F(SignalsDeathTest, SignalsBeforeAnybodyWaitsAreKept) {
  EXPECT_EXIT(
      {
        Signals& signals = Signals::Start();
        for (int i = 0; i < 10; ++i) Send(SIGHUP);
        Send(SIGUSR1);
        const int first = signals.Next(absl::InfiniteDuration());
        int second = signals.Next(absl::InfiniteDuration());
        // The first may have been taken between two of ten.
        while (second == first) second = signals.Next(absl::InfiniteDuration());
        _exit((first == SIGHUP && second == SIGUSR1) || (first == SIGUSR1 && second == SIGHUP) ? 17
                                                                                               : 1);
      },
      testing::ExitedWithCode(17), "");
}

TEST_F(SignalsDeathTest, TheWaitEndsWithoutASignal) {
  EXPECT_EXIT(_exit(Signals::Start().Next(absl::Milliseconds(1)) == 0 ? 17 : 1),
              testing::ExitedWithCode(17), "");
}

TEST_F(SignalsDeathTest, ABrokenPipeEndsNothing) {
  EXPECT_EXIT(
      {
        Signals::Start();
        raise(SIGPIPE);
        _exit(17);
      },
      testing::ExitedWithCode(17), "");
}

}  // namespace
}  // namespace sasd::process
