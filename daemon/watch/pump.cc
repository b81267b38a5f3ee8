#include "daemon/watch/pump.h"

namespace sasd::watch {

Pump::Pump(WatchLog& log)
    : log_(log), thread_([this] {
        log_.registry().events().BeginConsuming();
        while (log_.registry().events().Wait()) log_.PumpOnce();
      }) {}

Pump::~Pump() {
  log_.registry().events().Close();
  thread_.join();
}

}  // namespace sasd::watch
