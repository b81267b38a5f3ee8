#include "daemon/service/convert_health.h"

#include "absl/strings/str_cat.h"
#include "daemon/service/convert.h"
#include "daemon/service/names.h"

namespace sasd::service {
namespace {

void ToProto(const Cause& cause, sas::v1::Cause* out) {
  out->set_kind(static_cast<sas::v1::CauseKind>(static_cast<int>(cause.kind) + 1));
  out->set_text(cause.text);
  out->set_event_code(cause.event_code);
  out->set_event_context(cause.event_context);
  out->set_lost_event_count(static_cast<int32_t>(cause.lost_events));
}

}  // namespace

std::string FindingName(const health::FindingId& id) {
  return absl::StrCat(id.resource.has_value() ? NameOf(*id.resource) : "node", "/findings/",
                      health::ToString(id.reason));
}

std::string DismissalName(const registry::ResourceId& resource) {
  return absl::StrCat("dismissals/", NameOf(resource));
}

sas::v1::Dismissal ToProto(const health::Dismissal& dismissal) {
  sas::v1::Dismissal out;
  out.set_name(DismissalName(dismissal.resource));
  out.set_resource(NameOf(dismissal.resource));
  out.set_reason(dismissal.reason);
  out.set_author(dismissal.author);
  SetTime(dismissal.create_time, out.mutable_create_time());
  if (dismissal.expire_time != absl::InfiniteFuture()) {
    SetTime(dismissal.expire_time, out.mutable_expire_time());
  }
  return out;
}

sas::v1::Finding ToProto(const health::Finding& finding) {
  sas::v1::Finding out;
  out.set_name(FindingName(finding.id));
  out.set_severity(static_cast<sas::v1::Severity>(finding.severity));  // the numbers are equal
  out.set_reason(std::string(health::ToString(finding.id.reason)));
  if (finding.id.resource.has_value()) out.set_resource(NameOf(*finding.id.resource));
  out.set_message(finding.message);
  for (const health::NamedAlias& alias : finding.aliases) {
    sas::v1::NamedAlias* const named = out.add_aliases();
    named->set_resource(NameOf(alias.resource));
    named->set_alias(alias.alias);
  }
  if (finding.first_seen.time != absl::InfinitePast()) {
    SetTime(finding.first_seen.time, out.mutable_first_seen_time());
  }
  if (finding.first_seen.revision != 0) {
    out.set_first_seen_revision(finding.first_seen.revision);
    if (!finding.first_seen.cause.text.empty()) {
      ToProto(finding.first_seen.cause, out.mutable_cause());
    }
  }
  if (finding.root_cause.has_value()) out.set_root_cause(FindingName(*finding.root_cause));
  out.set_affected_count(static_cast<int32_t>(finding.affected.size()));
  if (!registry::IsNull(finding.last_known)) {
    ToProto(finding.last_known, out.mutable_last_known());
  }
  if (finding.dismissal != nullptr) *out.mutable_dismissal() = ToProto(*finding.dismissal);
  return out;
}

sas::v1::BaselineEntry ToProto(const health::Baseline::Listed& listed) {
  const health::BaselineEntry& entry = listed.entry;
  sas::v1::BaselineEntry out;
  out.set_resource(NameOf(listed.id));
  out.set_kind(static_cast<sas::v1::ResourceKind>(registry::KindOf(listed.id)));
  ToProto(entry.last_known, out.mutable_last_known());
  SetTime(entry.first_seen, out.mutable_first_seen_time());
  if (entry.missing == nullptr) return out;
  out.set_missing(true);
  SetTime(entry.missing->since.time, out.mutable_missing_time());
  out.set_missing_revision(entry.missing->since.revision);
  ToProto(entry.missing->since.cause, out.mutable_missing_cause());
  return out;
}

}  // namespace sasd::service
