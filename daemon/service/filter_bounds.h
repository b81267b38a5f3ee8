#ifndef DAEMON_SERVICE_FILTER_BOUNDS_H_
#define DAEMON_SERVICE_FILTER_BOUNDS_H_

#include <cstddef>

#include "grpcpp/support/status.h"
#include "sas/v1/filter.pb.h"

namespace sasd::service {

// The most of each in a filter, as filter.proto documents.
inline constexpr int kMaxFilterKinds = 8;
inline constexpr int kMaxFilterHosts = 64;
inline constexpr int kMaxFilterBehind = 16;
inline constexpr int kMaxConditions = 32;
inline constexpr int kMaxConditionValues = 256;
inline constexpr int kMaxValueBytes = 256;  // of a value, a field's name or a resource's name
// Of all values with "*" or "?" together, so that a text takes a bounded time to match.
inline constexpr size_t kMaxPatternBytes = 4'096;
// Of a Watch, which keeps its filter as long as it lives.
inline constexpr size_t kMaxWatchPatternBytes = 512;

// Error: BadField with the path of what is too many or too long, such as
// "filter.conditions[2].values". A pure function.
grpc::Status CheckBounds(const sas::v1::Filter& filter,
                         size_t max_pattern_bytes = kMaxPatternBytes);

// Of all values with "*" or "?" together. A pure function.
size_t PatternBytesOf(const sas::v1::Filter& filter);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_FILTER_BOUNDS_H_
