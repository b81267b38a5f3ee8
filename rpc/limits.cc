#include "rpc/limits.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "rpc/did_you_mean.h"
#include "rpc/status.h"

namespace sasd::rpc {
namespace {

constexpr int64_t kMany = 1'000'000, kDay = 86'400, kMebibyte = 1 << 20;

}  // namespace

const std::array<LimitInfo, kLimitCount>& AllLimits() {
  static constexpr std::array<LimitInfo, kLimitCount> kLimits = {{
      {Limit::kConnections, "connections", 1024, 2, kMany, "Connections in all."},
      {Limit::kConnectionsPerPeer, "connections_per_peer", 256, 1, kMany,
       "Connections of one user, certificate or address."},
      {Limit::kStreamsPerConnection, "streams_per_connection", 1024, 1, kMany,
       "Calls that one connection has open at a time; more wait at the client."},
      {Limit::kWatches, "watches", 4096, 1, kMany, "Watches in all."},
      {Limit::kWatchesPerPeer, "watches_per_peer", 2048, 1, kMany,
       "Watches of one user, certificate or address."},
      {Limit::kWaitsPerPeer, "waits_per_peer", 2048, 1, kMany,
       "Calls of WaitSettled that one peer has open at a time."},
      {Limit::kWaitingCalls, "waiting_calls", 1024, 1, kMany,
       "Large calls that wait for a thread, in all."},
      {Limit::kWaitingCallsPerPeer, "waiting_calls_per_peer", 128, 1, kMany,
       "Large calls of one peer that wait for a thread."},
      {Limit::kAbandonedCalls, "abandoned_calls", 100, 1, kMany,
       "Calls that a connection may cancel within a second, each soon after it began."},
      {Limit::kRequestBytes, "request_bytes", kMebibyte / 4, 4096, 64 * kMebibyte,
       "Size of a request in bytes."},
      {Limit::kRepeatedValues, "repeated_values", 10000, 16, kMany,
       "Values of one repeated field of a request."},
      {Limit::kTextBytes, "text_bytes", 4096, 64, kMebibyte,
       "Length of one text of a request in bytes."},
      {Limit::kMemoryBytes, "memory_bytes", 512 * kMebibyte, 16 * kMebibyte,
       1024 * 1024 * kMebibyte, "Memory of gRPC for connections and calls, in bytes."},
      {Limit::kHandshakeSeconds, "handshake_seconds", 10, 1, 3600,
       "Seconds in which a new connection must begin to speak."},
      {Limit::kIdleSeconds, "idle_seconds", 900, 1, 30 * kDay,
       "Seconds after which a connection without a call ends."},
      {Limit::kConnectionAgeSeconds, "connection_age_seconds", kDay, 10, 365 * kDay,
       "Seconds after which a TCP or TLS connection, and its Watches, end."},
      {Limit::kWatchStallSeconds, "watch_stall_seconds", 60, 1, kDay,
       "Seconds in which a Watch with something to send must get a byte through."},
      {Limit::kDescriptors, "descriptors", 0, 0, kMany,
       "File descriptors of the process (LimitNOFILE)."},
  }};
  return kLimits;
}

const LimitInfo& InfoOf(Limit limit) { return AllLimits()[static_cast<size_t>(limit)]; }

absl::StatusOr<std::pair<Limit, int64_t>> ParseLimit(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('=', 1));
  std::vector<std::string> names;
  for (const LimitInfo& info : AllLimits()) {
    if (info.limit == Limit::kDescriptors) continue;
    names.emplace_back(info.name);
    if (info.name != parts.first) continue;
    int64_t value = 0;
    if (!absl::SimpleAtoi(parts.second, &value) || value < info.minimum || value > info.maximum) {
      return absl::InvalidArgumentError(absl::StrCat("limit ", info.name, ": \"", parts.second,
                                                     "\" is not a number from ", info.minimum,
                                                     " to ", info.maximum));
    }
    return std::make_pair(info.limit, value);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("there is no limit \"", parts.first, "\"", DidYouMean(parts.first, names)));
}

LimitBook::LimitBook() {
  for (const LimitInfo& info : AllLimits()) at(info.limit).value = info.value;
}

void LimitBook::Set(Limit limit, int64_t value) {
  const LimitInfo& info = InfoOf(limit);
  at(limit).value = std::clamp(value, info.minimum, info.maximum);
}

void LimitBook::SetAll(const std::vector<std::pair<Limit, int64_t>>& values) {
  std::array<int64_t, kLimitCount> all;
  for (const LimitInfo& info : AllLimits()) all[static_cast<size_t>(info.limit)] = info.value;
  for (const auto& [limit, value] : values) all[static_cast<size_t>(limit)] = value;
  for (const LimitInfo& info : AllLimits()) {
    if (info.limit != Limit::kDescriptors) Set(info.limit, all[static_cast<size_t>(info.limit)]);
  }
}

grpc::Status LimitBook::Refuse(Limit limit, absl::string_view what) {
  CountRefusal(limit);
  const LimitInfo& info = InfoOf(limit);
  return WithReason(grpc::StatusCode::RESOURCE_EXHAUSTED,
                    absl::StrCat(what, ": the limit ", info.name, " is ", value(limit)),
                    "LIMIT_EXCEEDED",
                    {{"limit", std::string(info.name)}, {"value", absl::StrCat(value(limit))}});
}

std::optional<Limit> PeerQuota::Take(const std::string& key, bool privileged) {
  absl::MutexLock lock(&mu_);
  if (in_all_.has_value()) {
    const int64_t all = book_.value(*in_all_);
    const int64_t kept = privileged ? 0 : std::max<int64_t>(1, all / 16);
    if (all_ >= all - kept) {
      book_.CountRefusal(*in_all_);
      return in_all_;
    }
  }
  int64_t& held = held_[key];
  if (held >= book_.value(per_peer_)) {
    book_.CountRefusal(per_peer_);
    return per_peer_;  // held > 0: the entry stays
  }
  ++held;
  ++all_;
  return std::nullopt;
}

void PeerQuota::Release(const std::string& key) {
  absl::MutexLock lock(&mu_);
  const auto it = held_.find(key);
  if (it == held_.end()) return;
  --all_;
  if (--it->second == 0) held_.erase(it);
}

int64_t PeerQuota::in_use() const {
  absl::MutexLock lock(&mu_);
  return all_;
}

}  // namespace sasd::rpc
