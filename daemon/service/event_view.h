#ifndef DAEMON_SERVICE_EVENT_VIEW_H_
#define DAEMON_SERVICE_EVENT_VIEW_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "daemon/registry/resources.h"
#include "daemon/watch/encoded_event.h"
#include "daemon/watch/filter.h"
#include "sas/v1/events.pb.h"
#include "sas/v1/resources.pb.h"

// Changes as filters see them: a state before and a state after. All of it comes from the messages,
// so that it holds for events of any age. The functions are pure.
namespace sasd::service {

// The host that a name begins with; none for "enclosures/..." and so on.
std::optional<HostKey> HostIn(absl::string_view name);

// The hosts of a resource, as registry::HostsOf.
registry::HostList HostsOf(const sas::v1::Resource& resource);

// Fills in kind, change and hosts of the piece that `change` is. The change has a resource.
void Describe(const sas::v1::Change& change, watch::EncodedEvent::Piece* piece);

// The change as a subscriber with the filter sees it (watch::Select). False: it does not pass.
bool ApplyFilter(const watch::Filter& filter, sas::v1::Change* change);

// Views of events, made of their bytes. It keeps the last ones for all subscribers who go through
// the same events at the same time. Thread-safe.
class RecentEventViews final : public watch::EventViews {
 public:
  std::shared_ptr<const watch::EventView> Of(const watch::EncodedEventPtr& event) override
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Recent {
    watch::EncodedEventPtr event;
    std::shared_ptr<const watch::EventView> view;
  };

  absl::Mutex mu_;                                  // a leaf
  std::deque<Recent> recent_ ABSL_GUARDED_BY(mu_);  // the newest at the end
  size_t bytes_ ABSL_GUARDED_BY(mu_) = 0;           // of the events
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_EVENT_VIEW_H_
