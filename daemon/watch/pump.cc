#include "daemon/watch/pump.h"

#include <utility>

namespace sasd::watch {
namespace {

// Waking so many subscribers takes less time than waking a thread.
constexpr size_t kFew = 4;

}  // namespace

Pump::Pump(WatchLog& log)
    : log_(log), events_(log.registry().events()), thread_([this] {
        events_.BeginConsuming();
        while (events_.WaitAndClaim()) Run();
      }) {}

Pump::~Pump() {
  events_.Close();
  thread_.join();
}

void Pump::Observe(ObservationBatch batch) { log_.registry().Observe(std::move(batch)); }

void Pump::Flush() {
  if (events_.size() == 0) return;
  if (log_.idle_count() > kFew) return events_.Ask();
  if (events_.Claim()) Run();
}

void Pump::SetPending(bool pending) {
  log_.registry().SetPending(pending);
  if (!pending) log_.WakeAll();
}

void Pump::Run() {
  do {
    while (log_.PumpOnce()) {
    }
  } while (!events_.Release());
}

}  // namespace sasd::watch
