#include "emulator/emulator_runner.h"

namespace sasd::emulator {

EmulatorRunner::EmulatorRunner(Emulator& emulator, Clock& clock)
    : emulator_(emulator), clock_(clock), thread_([this] { Run(); }) {}

EmulatorRunner::~EmulatorRunner() {
  stop_ = true;
  emulator_.Wake();
  thread_.join();
}

void EmulatorRunner::Run() {
  while (true) {
    const absl::Duration next = emulator_.RunTimers();
    if (stop_) return;  // after RunTimers(), which forgets a Wake() that came before it
    emulator_.AwaitTimers(next - clock_.Monotonic());
  }
}

}  // namespace sasd::emulator
