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

// What a fleet of subscribers to one server has received so far. Latencies are from an event's
// arrival_monotonic_time_ns to its receipt by one subscriber.
struct Receipts {
  uint64_t events = 0;              // over all subscribers
  uint64_t bytes = 0;               // of the messages that carried them
  std::vector<int64_t> latency_ns;  // one per event and subscriber, unordered
  std::string newest_act;           // a WatchResponse with the events of the last whole act
};

// The cause's text of the event that ends an act: a discovery's last.
constexpr char kLastOfAct[] = "discovery completed";

// Holds `count` streams of one server-streaming method that sends sas.v1.WatchResponse, spread over
// channels of `streams_per_channel`, and measures what comes in. The same client measures sasd and
// the bare stream, so that only the servers differ. Thread-safe.
class StreamFleet {
 public:
  // `request` is the serialized request of each stream.
  StreamFleet(const std::string& address, const std::string& method, const std::string& request,
              int count, int streams_per_channel);
  ~StreamFleet();

  // Waits until every stream has answered with SYNCED. False at the timeout.
  bool WaitSynced(absl::Duration timeout);

  // Waits until every stream has received the last event of `acts` acts since its start.
  bool WaitActs(int64_t acts, absl::Duration timeout);

  // Hands out what was received and starts anew.
  Receipts Take();

 private:
  class Stream;
  struct Shared;

  const std::shared_ptr<Shared> shared_;
  std::vector<std::unique_ptr<Stream>> streams_;
};

}  // namespace sasd::bench

#endif  // TESTS_BENCH_STREAM_CLIENT_H_
