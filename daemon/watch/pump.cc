#include "daemon/watch/pump.h"

#include <cstdint>
#include <utility>

#include "absl/time/time.h"

namespace sasd::watch {
namespace {

// Waking so many subscribers takes less time than waking a thread.
constexpr size_t kFew = 4;

}  // namespace

Pump::Pump(Publisher& publisher)
    : publisher_(publisher),
      registry_(publisher.log().registry()),
      events_(registry_.events()),
      thread_([this] {
        events_.BeginConsuming();
        while (events_.WaitAndClaim()) Run();
      }) {}

Pump::~Pump() { Stop(); }

void Pump::Stop() {
  stopping_ = true;
  events_.Close();
  if (thread_.joinable()) thread_.join();
}

void Pump::Observe(ObservationBatch batch) { registry_.Observe(std::move(batch)); }

void Pump::Flush() {
  if (events_.size() == 0) return;
  if (publisher_.log().idle_count() > kFew) return events_.Ask();
  if (events_.Claim()) Run();
}

void Pump::SetPending(bool pending) {
  registry_.SetPending(pending);
  if (!pending) publisher_.log().WakeAll();
}

void Pump::AwaitPublished() {
  const int64_t committed = registry_.committed_revision();
  events_.Ask();
  (void)registry_.WaitForRevision(committed, absl::InfiniteDuration());
}

void Pump::Run() {
  do {
    while (!stopping_ && publisher_.PublishOnce()) {
    }
  } while (!events_.Release() && !stopping_);
}

}  // namespace sasd::watch
