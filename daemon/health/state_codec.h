#ifndef DAEMON_HEALTH_STATE_CODEC_H_
#define DAEMON_HEALTH_STATE_CODEC_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/health/baseline.h"
#include "daemon/health/dismissals.h"
#include "daemon/health/finding.h"
#include "daemon/health/store.h"

// The stored forms of state.proto. Decoding is total: bytes that are none of ours are DATA_LOSS.
// Pure.
namespace sasd::health {

std::string EncodeEntry(const BaselineEntry& entry, const ResourceCodec& codec);
absl::StatusOr<BaselineEntry> DecodeEntry(const registry::ResourceId& id, absl::string_view bytes,
                                          const ResourceCodec& codec);

std::string EncodeDismissal(const Dismissal& dismissal);
absl::StatusOr<Dismissal> DecodeDismissal(const registry::ResourceId& id, absl::string_view bytes);

// Without what follows from the resources that are there: root cause, affected ones, dismissal.
std::string EncodeOpenFinding(const Finding& finding);
absl::StatusOr<Finding> DecodeOpenFinding(FindingId id, absl::string_view bytes);

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_STATE_CODEC_H_
