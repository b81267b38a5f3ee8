#include "daemon/watch/publisher.h"

#include <memory>

#include "daemon/registry/registry.h"
#include "daemon/registry/registry_event_queue.h"

namespace sasd::watch {
namespace {

// The most events that a PublishOnce() appends: so few that no active subscriber falls behind.
constexpr size_t kMaxEvents = 32;
// Waking so many takes less time than to hand them over to another thread.
constexpr size_t kFew = 4;

}  // namespace

size_t Publisher::Publish(size_t most, bool wake) {
  const std::vector<registry::CommittedEvent> events = log_.registry().events().Take(most);
  std::vector<EncodedEventPtr> encoded;
  encoded.reserve(events.size());
  for (const registry::CommittedEvent& committed : events) {
    registry::RegistryEvent& event = *committed.event;
    for (CommitListener* listener : listeners_) listener->OnCommit(event, *committed.after);
    encoded.push_back(std::make_shared<const EncodedEvent>(event, encoder_.Encode(event)));
  }
  if (events.empty()) return 0;
  const size_t count = events.size();
  if (recorder_ != nullptr) recorder_->Record(events, encoded);
  // The log comes last: a subscriber that has an event then finds its state in every snapshot.
  log_.registry().Publish(events);
  log_.Append(std::move(encoded));
  if (wake && log_.idle_count() <= kFew) log_.WakeReaders([] {});
  if (recorder_ != nullptr) recorder_->OnPublished();
  return count;
}

bool Publisher::PublishOnce() {
  size_t left = kMaxEvents;
  const auto publish = [&](bool wake) { left -= Publish(left, wake); };
  publish(/*wake=*/true);
  if (left == kMaxEvents) return false;
  log_.WakeReaders([&] {
    if (left > 0) publish(/*wake=*/false);
  });
  return true;
}

}  // namespace sasd::watch
