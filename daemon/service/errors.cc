#include "daemon/service/errors.h"

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "daemon/service/names.h"
#include "google/rpc/error_details.pb.h"
#include "rpc/status.h"

namespace sasd::service {
grpc::Status ResourceNotFound(absl::string_view name,
                              const std::optional<registry::Removal>& removal) {
  std::string message = absl::StrCat("\"", name, "\" is not there");
  if (removal.has_value()) {
    absl::StrAppend(&message, "; it was removed at ",
                    absl::FormatTime(absl::RFC3339_sec, removal->time, absl::UTCTimeZone()),
                    ", revision ", removal->revision);
  }
  google::rpc::ResourceInfo info;
  info.set_resource_type("sas.v1.Resource");
  info.set_resource_name(std::string(name));
  info.set_description(message);
  return rpc::WithDetail(grpc::StatusCode::NOT_FOUND, message, info);
}

grpc::Status ObjectNotFound(absl::string_view query, const std::vector<std::string>& close) {
  std::string message = absl::StrCat("neither the node nor its history knows \"", query, "\"");
  if (!close.empty()) absl::StrAppend(&message, "; close names: ", absl::StrJoin(close, ", "));
  google::rpc::ResourceInfo info;
  info.set_resource_type("sas.v1.Resource");
  info.set_resource_name(std::string(query));
  info.set_description(message);
  return rpc::WithDetail(grpc::StatusCode::NOT_FOUND, message, info);
}

grpc::Status HistoryBegins(absl::Time oldest_time, int64_t oldest) {
  return rpc::WithReason(
      grpc::StatusCode::OUT_OF_RANGE,
      absl::StrCat("the history begins at ",
                   absl::FormatTime(absl::RFC3339_sec, oldest_time, absl::UTCTimeZone()),
                   ", after revision ", oldest),
      "REVISION_COMPACTED", {{"oldest", absl::StrCat(oldest)}});
}

grpc::Status TooManyEvents(int64_t limit) {
  return rpc::WithReason(
      grpc::StatusCode::RESOURCE_EXHAUSTED,
      absl::StrCat("more than ", limit, " events lie between; give a later time or revision"),
      "TOO_MANY_EVENTS", {{"limit", absl::StrCat(limit)}});
}

grpc::Status WatchEnded(rpc::Limit limit, rpc::LimitBook& limits, const std::string& resume_token) {
  limits.CountRefusal(limit);
  const absl::string_view name = rpc::InfoOf(limit).name;
  std::map<std::string, std::string> metadata = {{"limit", std::string(name)},
                                                 {"value", absl::StrCat(limits.value(limit))}};
  if (!resume_token.empty()) metadata["resume_token"] = resume_token;
  return rpc::WithReason(
      grpc::StatusCode::RESOURCE_EXHAUSTED,
      absl::StrCat("the Watch ends: the limit ", name, " is ", limits.value(limit),
                   resume_token.empty() ? "; start over with a snapshot"
                                        : "; resume with the token in the details"),
      "LIMIT_EXCEEDED", metadata);
}

grpc::Status RevisionCompacted(int64_t requested, int64_t oldest) {
  return rpc::WithReason(
      grpc::StatusCode::OUT_OF_RANGE,
      absl::StrCat("revision ", requested, " is compacted, the log goes back to ", oldest,
                   "; watch again without a resume token"),
      "REVISION_COMPACTED",
      {{"requested", absl::StrCat(requested)}, {"oldest", absl::StrCat(oldest)}});
}

grpc::Status ResumeRefused(const watch::ResumeDecision& decision) {
  switch (decision.verdict) {
    case watch::ResumeDecision::Verdict::kCompacted:
      return RevisionCompacted(decision.token.revision, decision.oldest);
    case watch::ResumeDecision::Verdict::kLost:
      return rpc::WithReason(
          grpc::StatusCode::OUT_OF_RANGE,
          absl::StrCat("revision ", decision.token.revision, " is lost, like all from ",
                       decision.first_lost, " to ", decision.last_lost,
                       "; watch again without a resume token"),
          "REVISION_LOST",
          {{"requested", absl::StrCat(decision.token.revision)},
           {"first", absl::StrCat(decision.first_lost)},
           {"last", absl::StrCat(decision.last_lost)}});
    case watch::ResumeDecision::Verdict::kEpochChanged:
      return rpc::WithReason(grpc::StatusCode::OUT_OF_RANGE,
                             absl::StrCat("the resume token is of epoch ", decision.token.epoch,
                                          ", sasd's history is now of epoch ", decision.epoch,
                                          "; watch again without a resume token"),
                             "EPOCH_CHANGED",
                             {{"requested", decision.token.epoch}, {"current", decision.epoch}});
    case watch::ResumeDecision::Verdict::kFuture:
    case watch::ResumeDecision::Verdict::kKnown:
      break;
  }
  return rpc::BadField("resume_token",
                       absl::StrCat("revision ", decision.token.revision,
                                    " is not reached yet, the newest is ", decision.newest));
}

grpc::Status NotSettled(const std::vector<registry::UnsettledHost>& hosts) {
  std::string message = "not settled:";
  std::map<std::string, std::string> metadata;
  for (const registry::UnsettledHost& host : hosts) {
    absl::StrAppend(&message, metadata.empty() ? " " : "; ", HostName(host.host), ": ",
                    host.reason);
    metadata[HostName(host.host)] = host.reason;
  }
  return rpc::WithReason(grpc::StatusCode::DEADLINE_EXCEEDED, message, "NOT_SETTLED", metadata);
}

grpc::Status ShuttingDown() {
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, "sasd is shutting down");
}

}  // namespace sasd::service
