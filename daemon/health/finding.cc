#include "daemon/health/finding.h"

namespace sasd::health {

absl::string_view ToString(FindingReason reason) {
  switch (reason) {
    case FindingReason::kNarrowPort:
      return "NARROW_PORT";
    case FindingReason::kSlowLink:
      return "SLOW_LINK";
    case FindingReason::kLinkWithoutDevice:
      return "LINK_WITHOUT_DEVICE";
    case FindingReason::kSinglePath:
      return "SINGLE_PATH";
    case FindingReason::kDeviceBlocked:
      return "DEVICE_BLOCKED";
    case FindingReason::kDeviceFailed:
      return "DEVICE_FAILED";
    case FindingReason::kDiscoveryError:
      return "DISCOVERY_ERROR";
    case FindingReason::kHostRecovering:
      return "HOST_RECOVERING";
    case FindingReason::kNotAttached:
      return "NOT_ATTACHED";
    case FindingReason::kUnknownToFirmware:
      return "UNKNOWN_TO_FIRMWARE";
    case FindingReason::kSlotContradiction:
      return "SLOT_CONTRADICTION";
    case FindingReason::kSharedIdentifier:
      return "SHARED_IDENTIFIER";
    case FindingReason::kBadIdentifier:
      return "BAD_IDENTIFIER";
    case FindingReason::kHostMissing:
      return "HOST_MISSING";
    case FindingReason::kExpanderMissing:
      return "EXPANDER_MISSING";
    case FindingReason::kEnclosureMissing:
      return "ENCLOSURE_MISSING";
    case FindingReason::kDriveMissing:
      return "DRIVE_MISSING";
    case FindingReason::kPathMissing:
      return "PATH_MISSING";
    case FindingReason::kPortLost:
      return "PORT_LOST";
    case FindingReason::kFlapping:
      return "FLAPPING";
    case FindingReason::kRepeatedResets:
      return "REPEATED_RESETS";
    case FindingReason::kRepeatedGaps:
      return "REPEATED_GAPS";
    case FindingReason::kJournalStalled:
      return "JOURNAL_STALLED";
    case FindingReason::kJournalRefused:
      return "JOURNAL_REFUSED";
    case FindingReason::kHostNotRead:
      return "HOST_NOT_READ";
    case FindingReason::kHostUnreadable:
      return "HOST_UNREADABLE";
    case FindingReason::kCertificateExpires:
      return "CERTIFICATE_EXPIRES";
    case FindingReason::kCertificateExpired:
      return "CERTIFICATE_EXPIRED";
    case FindingReason::kCertificateUnusable:
      return "CERTIFICATE_UNUSABLE";
    case FindingReason::kBaselineLost:
      return "BASELINE_LOST";
  }
  return "UNKNOWN";
}

std::optional<FindingReason> ParseReason(absl::string_view text) {
  for (int i = 0; i <= static_cast<int>(FindingReason::kBaselineLost); ++i) {
    const auto reason = static_cast<FindingReason>(i);
    if (ToString(reason) == text) return reason;
  }
  return std::nullopt;
}

}  // namespace sasd::health
