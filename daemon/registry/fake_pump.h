#ifndef DAEMON_REGISTRY_FAKE_PUMP_H_
#define DAEMON_REGISTRY_FAKE_PUMP_H_

#include <limits>
#include <utility>
#include <vector>

#include "daemon/registry/registry.h"
#include "daemon/registry/registry_event.h"

namespace sasd::registry {

// Publishes all committed events, and returns them.
inline std::vector<RegistryEventPtr> PublishAll(Registry& registry) {
  const std::vector<CommittedEvent> taken =
      registry.events().Take(std::numeric_limits<size_t>::max());
  registry.Publish(taken);
  std::vector<RegistryEventPtr> events;
  for (const CommittedEvent& committed : taken) events.push_back(committed.event);
  return events;
}

// A registry that publishes each batch at once, for tests without a pump. Not thread-safe.
class SelfPublishingRegistry : public Registry {
 public:
  using Registry::Registry;

  void Observe(ObservationBatch batch) override {
    Registry::Observe(std::move(batch));
    for (RegistryEventPtr& event : PublishAll(*this)) published_.push_back(std::move(event));
  }

  // The events since the last call.
  std::vector<RegistryEventPtr> TakeEvents() { return std::exchange(published_, {}); }

 private:
  std::vector<RegistryEventPtr> published_;
};

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_FAKE_PUMP_H_
