#ifndef EMULATOR_EMULATOR_RUNNER_H_
#define EMULATOR_EMULATOR_RUNNER_H_

#include <atomic>
#include <thread>

#include "driver/base/clock.h"
#include "emulator/emulator.h"

namespace sasd::emulator {

// Runs an emulator's timers in its own thread from construction to destruction. The thread waits
// for the next deadline, or until a deadline changes. Borrows both for its lifetime. For programs;
// tests call Emulator::RunTimers().
class EmulatorRunner {
 public:
  EmulatorRunner(Emulator& emulator, Clock& clock);
  ~EmulatorRunner();

 private:
  void Run();

  Emulator& emulator_;
  Clock& clock_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace sasd::emulator

#endif  // EMULATOR_EMULATOR_RUNNER_H_
