#ifndef RPC_LIMITS_H_
#define RPC_LIMITS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/support/status.h"

// The named limits of a server. A refusal names its limit, and is counted.
namespace sasd::rpc {

enum class Limit : uint8_t {
  kConnections,
  kConnectionsPerPeer,
  kStreamsPerConnection,
  kWatches,
  kWatchesPerPeer,
  kWaitsPerPeer,
  kWaitingCalls,
  kWaitingCallsPerPeer,
  kAbandonedCalls,
  kRequestBytes,
  kRepeatedValues,
  kTextBytes,
  kMemoryBytes,
  kHandshakeSeconds,
  kIdleSeconds,
  kConnectionAgeSeconds,
  kWatchStallSeconds,
  kDescriptors,
};
inline constexpr size_t kLimitCount = static_cast<size_t>(Limit::kDescriptors) + 1;

struct LimitInfo {
  Limit limit;
  absl::string_view name;  // in options, errors, metrics: "connections_per_peer"
  int64_t value;           // the default
  int64_t minimum, maximum;
  absl::string_view help;  // one sentence
};

// All limits, in the order of the enumeration. kDescriptors is the process's own and cannot be set.
const std::array<LimitInfo, kLimitCount>& AllLimits();
const LimitInfo& InfoOf(Limit limit);

// Reads "NAME=NUMBER". Errors: kInvalidArgument for a name or value that is not possible.
absl::StatusOr<std::pair<Limit, int64_t>> ParseLimit(absl::string_view text);

// The values, and how often each limit refused. Thread-safe.
class LimitBook {
 public:
  LimitBook();  // the defaults

  int64_t value(Limit limit) const { return at(limit).value.load(std::memory_order_relaxed); }
  // Takes `value` between the limit's minimum and maximum. Holds for what comes next.
  void Set(Limit limit, int64_t value);

  // Sets these, and all others (but kDescriptors) to their defaults.
  void SetAll(const std::vector<std::pair<Limit, int64_t>>& values);

  void CountRefusal(Limit limit) { at(limit).refused.fetch_add(1, std::memory_order_relaxed); }
  int64_t refused(Limit limit) const { return at(limit).refused.load(std::memory_order_relaxed); }

  // Counts a refusal, and makes its error: RESOURCE_EXHAUSTED with ErrorInfo{LIMIT_EXCEEDED,
  // {limit, value}}. `what`: what was refused and for whom, as the start of the message.
  grpc::Status Refuse(Limit limit, absl::string_view what);

 private:
  struct Entry {
    std::atomic<int64_t> value{0}, refused{0};
  };
  Entry& at(Limit limit) { return entries_[static_cast<size_t>(limit)]; }
  const Entry& at(Limit limit) const { return entries_[static_cast<size_t>(limit)]; }

  std::array<Entry, kLimitCount> entries_;
};

// Counts what peers hold, in all and each, against two limits. One sixteenth of the first, at least
// one, is kept for privileged peers. Thread-safe.
class PeerQuota {
 public:
  // Borrows `book`. `in_all` empty: only each peer is limited.
  PeerQuota(LimitBook& book, std::optional<Limit> in_all, Limit per_peer)
      : book_(book), in_all_(in_all), per_peer_(per_peer) {}

  // Takes one for the peer with this key, or gives the limit that forbids it and counts the
  // refusal.
  std::optional<Limit> Take(const std::string& key, bool privileged) ABSL_LOCKS_EXCLUDED(mu_);
  // Gives one back.
  void Release(const std::string& key) ABSL_LOCKS_EXCLUDED(mu_);

  int64_t in_use() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  LimitBook& book_;
  const std::optional<Limit> in_all_;
  const Limit per_peer_;

  mutable absl::Mutex mu_;  // a leaf
  absl::flat_hash_map<std::string, int64_t> held_ ABSL_GUARDED_BY(mu_);
  int64_t all_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sasd::rpc

#endif  // RPC_LIMITS_H_
