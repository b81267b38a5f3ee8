#ifndef DAEMON_SERVICE_ERRORS_H_
#define DAEMON_SERVICE_ERRORS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "daemon/registry/registry.h"
#include "daemon/watch/watch_log.h"
#include "grpcpp/support/status.h"
#include "rpc/limits.h"

// The errors of sas.v1 beyond those of rpc/status.h, each a function with its payload. Pure
// functions.
namespace sasd::service {

// NOT_FOUND with ResourceInfo; says when it was removed, if that is known.
grpc::Status ResourceNotFound(absl::string_view name,
                              const std::optional<registry::Removal>& removal);

// NOT_FOUND with ResourceInfo: neither the node nor its history knows the object. Names close ones.
grpc::Status ObjectNotFound(absl::string_view query, const std::vector<std::string>& close);

// OUT_OF_RANGE with ErrorInfo REVISION_COMPACTED{requested, oldest}: `oldest` is the least revision
// that one can go on from.
grpc::Status RevisionCompacted(int64_t requested, int64_t oldest);

// REVISION_COMPACTED, for a time before the first event that the history has.
grpc::Status HistoryBegins(absl::Time oldest_time, int64_t oldest);

// RESOURCE_EXHAUSTED with ErrorInfo TOO_MANY_EVENTS{limit}.
grpc::Status TooManyEvents(int64_t limit);

// RESOURCE_EXHAUSTED with ErrorInfo LIMIT_EXCEEDED{limit, value, resume_token}, counted: a Watch
// ends by a limit. `resume_token` empty: the client has no complete snapshot yet, and must start
// over.
grpc::Status WatchEnded(rpc::Limit limit, rpc::LimitBook& limits, const std::string& resume_token);

// For a decision that is not kKnown: REVISION_COMPACTED, REVISION_LOST{requested, first, last},
// EPOCH_CHANGED{requested, current} or INVALID_ARGUMENT.
grpc::Status ResumeRefused(const watch::ResumeDecision& decision);

// DEADLINE_EXCEEDED with ErrorInfo NOT_SETTLED, a metadata entry for each host.
grpc::Status NotSettled(const std::vector<registry::UnsettledHost>& hosts);

// UNAVAILABLE: the server ends.
grpc::Status ShuttingDown();

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_ERRORS_H_
