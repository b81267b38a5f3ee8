#ifndef DAEMON_REGISTRY_REGISTRY_EVENT_H_
#define DAEMON_REGISTRY_REGISTRY_EVENT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "daemon/registry/resources.h"
#include "driver/observation/observation.h"

namespace sasd::registry {

// The numbers equal sas.v1.ChangeKind.
enum class ChangeKind : uint8_t { kAdded = 1, kModified = 2, kRemoved = 3 };

// The change of one resource. `before` and `after` are of the same kind; at most one is null.
struct Change {
  ResourceRef before;  // null for kAdded
  ResourceRef after;   // null for kRemoved: `before` is the last known state

  ChangeKind kind() const {
    return IsNull(before)  ? ChangeKind::kAdded
           : IsNull(after) ? ChangeKind::kRemoved
                           : ChangeKind::kModified;
  }
  ResourceKind resource_kind() const { return KindOf(after); }
  const ResourceRef& resource() const { return IsNull(after) ? before : after; }
};

// sasd::Notice with its subject resolved: a host, or an expander or end device of a host (one that
// is not known any more is taken for an end device). Or what sasd itself says about any resource.
struct EventNotice {
  Notice::Severity severity = Notice::Severity::kInfo;
  ResourceId subject;
  HostKey host;  // 0: not of one host
  std::string text;
  std::string reason = {};  // UPPER_SNAKE, stable: "DRIVE_REPLACED"; empty for the firmware's words
};

// Why revisions are lost. The numbers equal sas.v1.GapReason.
enum class GapReason : uint8_t { kPowerLoss = 1, kJournalStalled = 2, kJournalDamaged = 3 };

// Revisions whose events are lost, from the first to the last one.
struct RevisionGap {
  int64_t first = 0;
  int64_t last = 0;
  GapReason reason = GapReason::kPowerLoss;
};

// Who called a method that changes something, and what became of it.
struct AuditRecord {
  std::string caller;    // "uid 1000, pid 4711"
  std::string role;      // of the caller: "operator"
  std::string method;    // "sas.v1.BaselineService/Dismiss"
  std::string request;   // as text; cut off where it is long
  int code = 0;          // google.rpc.Code of the answer; 0: it was done
  std::string message;   // of an answer that is an error
  bool refused = false;  // nobody let the caller in: its role, or nobody knows it
  int64_t left_out = 0;  // failed calls before this one that have no record
};

// One committed batch: one revision. Immutable once it is encoded.
struct RegistryEvent {
  int64_t revision = 0;
  int64_t previous_revision = 0;   // of the event before; revision - 1 unless the counter jumped
  std::optional<RevisionGap> gap;  // the revisions between, where they are lost
  absl::Time time;                 // when it was learned
  absl::Duration arrival;          // Clock::Monotonic of the firmware event; zero: none
  Source source = Source::kFirmware;
  HostKey host;  // 0: not of one host
  Cause cause;
  // Removals (children first), additions (parents first), modifications. No resource twice.
  std::vector<Change> changes;
  std::vector<EventNotice> notices;
  std::shared_ptr<const AuditRecord> audit;  // null unless the cause is kAudit
};
using RegistryEventPtr = std::shared_ptr<const RegistryEvent>;

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_REGISTRY_EVENT_H_
