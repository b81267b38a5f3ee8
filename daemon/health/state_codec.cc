#include "daemon/health/state_codec.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "daemon/health/state.pb.h"

namespace sasd::health {
namespace {

using registry::Port;

absl::Status Damaged(absl::string_view what) {
  return absl::DataLossError(std::string(what) + " is damaged");
}

template <typename Message>
bool Parse(absl::string_view bytes, Message* message) {
  return message->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

void ToStored(const Origin& origin, v1::Origin* out) {
  if (origin.time != absl::InfinitePast()) out->set_unix_nanos(absl::ToUnixNanos(origin.time));
  out->set_revision(origin.revision);
  out->set_cause_kind(static_cast<uint32_t>(origin.cause.kind) + 1);
  out->set_event_code(origin.cause.event_code);
  out->set_event_context(origin.cause.event_context);
  out->set_lost_events(origin.cause.lost_events);
  out->set_text(origin.cause.text);
}

Origin FromStored(const v1::Origin& stored) {
  Origin origin;
  if (stored.unix_nanos() != 0) origin.time = absl::FromUnixNanos(stored.unix_nanos());
  origin.revision = stored.revision();
  const bool known =
      stored.cause_kind() > 0 && stored.cause_kind() <= static_cast<uint32_t>(kLastCauseKind) + 1;
  if (known) origin.cause.kind = static_cast<CauseKind>(stored.cause_kind() - 1);
  origin.cause.event_code = static_cast<uint16_t>(stored.event_code());
  origin.cause.event_context = stored.event_context();
  origin.cause.lost_events = stored.lost_events();
  origin.cause.text = stored.text();
  return origin;
}

}  // namespace

std::string EncodeEntry(const BaselineEntry& entry, const ResourceCodec& codec) {
  v1::Entry out;
  out.set_last_known(codec.Encode(entry.last_known));
  if (entry.port != nullptr) out.set_port(codec.Encode(entry.port));
  for (const registry::LogicalUnitKey& unit : entry.units) {
    if (out.unit().empty()) {
      out.set_unit(unit.text().str());
    } else {
      out.add_more_units(unit.text().str());
    }
  }
  out.set_placement(entry.placement);
  out.set_first_seen_unix_nanos(absl::ToUnixNanos(entry.first_seen));
  out.set_settled(entry.settled);
  if (entry.missing != nullptr) ToStored(entry.missing->since, out.mutable_missing());
  return out.SerializeAsString();
}

absl::StatusOr<BaselineEntry> DecodeEntry(const registry::ResourceId& id, absl::string_view bytes,
                                          const ResourceCodec& codec) {
  v1::Entry stored;
  if (!Parse(bytes, &stored)) return Damaged("an entry of the baseline");
  BaselineEntry entry;
  absl::StatusOr<registry::ResourceRef> last_known = codec.Decode(stored.last_known());
  if (!last_known.ok()) return last_known.status();
  if (IsNull(*last_known) || IdOf(*last_known) != id) return Damaged("an entry of the baseline");
  entry.last_known = *std::move(last_known);
  if (!stored.port().empty()) {
    absl::StatusOr<registry::ResourceRef> port = codec.Decode(stored.port());
    if (port.ok() && KindOf(*port) == registry::ResourceKind::kPort) {
      entry.port = std::get<registry::IndexOf<Port>()>(*port);
    }
  }
  if (!stored.unit().empty()) {
    entry.units.emplace_back(registry::Text(stored.unit()));
    for (const std::string& unit : stored.more_units()) {
      entry.units.emplace_back(registry::Text(unit));
    }
  }
  entry.placement = stored.placement();
  entry.first_seen = absl::FromUnixNanos(stored.first_seen_unix_nanos());
  entry.settled = stored.settled();
  if (stored.has_missing()) {
    entry.missing = std::make_shared<const Missing>(
        Missing{id, entry.last_known, entry.port, entry.units, FromStored(stored.missing())});
  }
  return entry;
}

std::string EncodeDismissal(const Dismissal& dismissal) {
  v1::Dismissal out;
  out.set_reason(dismissal.reason);
  out.set_author(dismissal.author);
  out.set_create_unix_nanos(absl::ToUnixNanos(dismissal.create_time));
  if (dismissal.expire_time != absl::InfiniteFuture()) {
    out.set_expire_unix_nanos(absl::ToUnixNanos(dismissal.expire_time));
  }
  return out.SerializeAsString();
}

absl::StatusOr<Dismissal> DecodeDismissal(const registry::ResourceId& id, absl::string_view bytes) {
  v1::Dismissal stored;
  if (!Parse(bytes, &stored)) return Damaged("a dismissal");
  Dismissal dismissal;
  dismissal.resource = id;
  dismissal.reason = stored.reason();
  dismissal.author = stored.author();
  dismissal.create_time = absl::FromUnixNanos(stored.create_unix_nanos());
  if (stored.expire_unix_nanos() != 0) {
    dismissal.expire_time = absl::FromUnixNanos(stored.expire_unix_nanos());
  }
  return dismissal;
}

std::string EncodeOpenFinding(const Finding& finding) {
  v1::OpenFinding out;
  ToStored(finding.first_seen, out.mutable_first_seen());
  out.set_severity(static_cast<uint32_t>(finding.severity));
  out.set_message(finding.message);
  const bool plain = std::none_of(finding.hosts.begin(), finding.hosts.end(),
                                  [](const HostKey& host) { return host.location.known(); });
  for (const HostKey& host : finding.hosts) {
    out.add_hosts(host.address.value());
    if (!plain) out.add_host_locations(host.location.value());
  }
  return out.SerializeAsString();
}

absl::StatusOr<Finding> DecodeOpenFinding(FindingId id, absl::string_view bytes) {
  v1::OpenFinding stored;
  const bool parsed = Parse(bytes, &stored);
  if (!parsed || stored.severity() < static_cast<uint32_t>(Severity::kInfo) ||
      stored.severity() > static_cast<uint32_t>(Severity::kCritical)) {
    return Damaged("an open finding");
  }
  Finding finding;
  finding.severity = static_cast<Severity>(stored.severity());
  finding.id = std::move(id);
  finding.message = stored.message();
  for (int i = 0; i < stored.hosts_size(); ++i) {
    const std::optional<HostLocation> location =
        HostLocation::FromValue(i < stored.host_locations_size() ? stored.host_locations(i) : 0);
    if (!location) return Damaged("an open finding");
    finding.hosts.emplace_back(SasAddress(stored.hosts(i)), *location);
  }
  finding.first_seen = FromStored(stored.first_seen());
  if (finding.id.resource.has_value()) finding.affected = {*finding.id.resource};
  return finding;
}

}  // namespace sasd::health
