#include "daemon/registry/severity.h"

#include <algorithm>
#include <memory>
#include <type_traits>
#include <variant>

#include "driver/base/link_rate.h"

namespace sasd::registry {
namespace {

using Severity = Notice::Severity;

// False where one of them is no speed.
bool Slower(LinkRate now, LinkRate before) {
  return IsLinkUp(now) && IsLinkUp(before) && now < before;
}

Severity OfChanged(const Host& before, const Host& after) {
  const bool failed = after.discovery.state == DiscoveryState::kFailed &&
                      before.discovery.state != DiscoveryState::kFailed;
  return failed ? Severity::kCritical : Severity::kInfo;
}

Severity OfChanged(const Phy& before, const Phy& after) {
  return Slower(after.facts.negotiated, before.facts.negotiated) ? Severity::kWarning
                                                                 : Severity::kInfo;
}

Severity OfChanged(const Port& before, const Port& after) {
  return after.width < before.width || Slower(after.link_rate, before.link_rate)
             ? Severity::kWarning
             : Severity::kInfo;
}

Severity OfChanged(const Expander& before, const Expander& after) {
  return after.link_width < before.link_width || Slower(after.link_rate, before.link_rate)
             ? Severity::kWarning
             : Severity::kInfo;
}

Severity OfChanged(const EndDevice& before, const EndDevice& after) {
  const DeviceState state = after.facts.state;
  if (state != before.facts.state) {
    if (state == DeviceState::kFailed) return Severity::kCritical;
    if (state == DeviceState::kBlocked || state == DeviceState::kRemoving) {
      return Severity::kWarning;
    }
  }
  return after.link_width < before.link_width || Slower(after.link_rate, before.link_rate)
             ? Severity::kWarning
             : Severity::kInfo;
}

Severity OfChanged(const LogicalUnit& before, const LogicalUnit& after) {
  return after.paths.size() < before.paths.size() ? Severity::kWarning : Severity::kInfo;
}

// Enclosures and slots follow from what sits in them.
Severity OfChanged(const Enclosure&, const Enclosure&) { return Severity::kInfo; }
Severity OfChanged(const Slot&, const Slot&) { return Severity::kInfo; }

Severity OfAdded(const ResourceRef& added) {
  if (const auto* device = std::get_if<std::shared_ptr<const EndDevice>>(&added)) {
    if ((*device)->facts.state == DeviceState::kFailed) return Severity::kCritical;
  }
  if (const auto* host = std::get_if<std::shared_ptr<const Host>>(&added)) {
    if ((*host)->discovery.state == DiscoveryState::kFailed) return Severity::kCritical;
  }
  return Severity::kInfo;
}

Severity OfRemoved(ResourceKind kind) {
  switch (kind) {
    case ResourceKind::kHost:
    case ResourceKind::kExpander:
    case ResourceKind::kEndDevice:
    case ResourceKind::kLogicalUnit:
    case ResourceKind::kEnclosure:
      return Severity::kWarning;
    case ResourceKind::kPhy:
    case ResourceKind::kPort:
    case ResourceKind::kSlot:
      break;
  }
  return Severity::kInfo;
}

Severity OfCause(CauseKind kind) {
  switch (kind) {
    case CauseKind::kResync:
    case CauseKind::kHostReset:
    case CauseKind::kSourceLost:
      return Severity::kWarning;
    case CauseKind::kStartup:
    case CauseKind::kFirmwareEvent:
    case CauseKind::kAttach:
    case CauseKind::kScan:
    case CauseKind::kUevent:
    case CauseKind::kControl:
    case CauseKind::kRestart:
    case CauseKind::kAudit:
      break;
  }
  return Severity::kInfo;
}

}  // namespace

Notice::Severity SeverityOf(const Change& change) {
  switch (change.kind()) {
    case ChangeKind::kAdded:
      return OfAdded(change.after);
    case ChangeKind::kRemoved:
      return OfRemoved(change.resource_kind());
    case ChangeKind::kModified:
      break;
  }
  return std::visit(
      [&change](const auto& after) {
        using Ref = std::decay_t<decltype(after)>;
        return OfChanged(*std::get<Ref>(change.before), *after);
      },
      change.after);
}

Notice::Severity SeverityOf(const RegistryEvent& event) {
  Severity severity = OfCause(event.cause.kind);
  const bool jumped = event.previous_revision != 0 && event.previous_revision + 1 < event.revision;
  if (jumped) severity = std::max(severity, Severity::kWarning);
  if (event.audit != nullptr && event.audit->refused) {
    severity = std::max(severity, Severity::kWarning);
  }
  for (const Change& change : event.changes) severity = std::max(severity, SeverityOf(change));
  for (const EventNotice& notice : event.notices) severity = std::max(severity, notice.severity);
  return severity;
}

}  // namespace sasd::registry
