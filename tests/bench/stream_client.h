#ifndef TESTS_BENCH_STREAM_CLIENT_H_
#define TESTS_BENCH_STREAM_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace sasd::bench {

// Messages that all subscribers of a fleet have received. A latency is the time from an event's
// arrival_monotonic_time_ns to its receipt by one subscriber.
struct Receipts {
  uint64_t events = 0;              // over all subscribers
  uint64_t bytes = 0;               // of the messages with these events
  std::vector<int64_t> latency_ns;  // one per event and subscriber, unordered
  std::string newest_act;           // a WatchResponse with the events of the last whole act
};

// The cause's text of the last event of an act, which ends a discovery.
constexpr char kLastOfAct[] = "discovery completed";

// Holds `count` streams of one server-streaming method that sends sas.v1.WatchResponse, in channels
// of `streams_per_channel` streams, and measures the received events. sasd and the bare stream have
// this same client, so that only the servers differ. Thread-safe.
class StreamFleet {
 public:
  // `request` is the serialized request of each stream.
  StreamFleet(const std::string& address, const std::string& method, const std::string& request,
              int count, int streams_per_channel);
  ~StreamFleet();

  // Waits until every stream has received SYNCED. False at the timeout.
  bool WaitSynced(absl::Duration timeout);

  // Waits until every stream has received `acts` whole acts since its start. False at the timeout.
  bool WaitActs(int64_t acts, absl::Duration timeout);

  // Returns the receipts and clears them.
  Receipts Take();

 private:
  class Stream;
  struct Shared;

  const std::shared_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Stream>> streams_;
};

}  // namespace sasd::bench

#endif  // TESTS_BENCH_STREAM_CLIENT_H_
