#include "driver/discovery/attacher.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "driver/discovery/facts.h"

namespace sasd::discovery {
namespace {

using AttachEnd = device::DeviceTable::AttachEnd;

// A frame is soon free, and a reset is soon reported; the recovery of the host makes the device due
// itself.
constexpr absl::Duration kSoon = absl::Milliseconds(10);

}  // namespace

std::optional<Attach> Attacher::Begin() {
  auto ticket = devices_.TakeForAttach(clock_.Monotonic());
  if (!ticket.has_value()) return std::nullopt;
  Attach attach;
  attach.ticket = *std::move(ticket);
  return attach;
}

void Attacher::RunCommands(Attach& attach) {
  const device::DeviceView view = devices_.View(*attach.ticket.device);
  if (view.state != device::LifeState::kAttaching) {
    attach.units = absl::CancelledError("removed");
  } else if (view.busy && devices_.attach_failures(*attach.ticket.device) + 1 < kMaxFailures) {
    attach.units = absl::UnavailableError("the firmware is resetting it");
  } else {
    // After the last delay a busy device is asked, too: the event about the end of its reset may be
    // lost.
    attach.units = probe_.Probe(attach.ticket.handle);
  }
}

void Attacher::Complete(Attach attach) {
  const absl::Status& status = attach.units.status();
  if (absl::IsAborted(status) || absl::IsResourceExhausted(status)) {
    return Defer(attach, kSoon, false);
  }
  const device::DeviceRef& device = attach.ticket.device;
  if (absl::IsUnavailable(status)) {
    const int failures = devices_.attach_failures(*device);
    if (failures + 1 >= kMaxFailures) {
      return Fail(attach, absl::StrCat("busy for too long: ", status.message()));
    }
    return Defer(attach, std::min(kLastDelay, kFirstDelay * (1 << std::min(failures, 16))), true);
  }
  if (!status.ok()) return Fail(attach, std::string(status.message()));
  if (devices_.CompleteAttach(attach.ticket) != AttachEnd::kDone) return;  // undone: no report
  devices_.SetBusy(*device, false);
  ChangeSet changes;
  changes.Touch(device);
  for (LogicalUnitFacts& unit : *attach.units) {
    unit.device = device->key();
    changes.AddIfAttached(device, std::move(unit));
  }
  emitter_.Commit(
      changes, MakeCause(CauseKind::kAttach, Describe(devices_.View(*device).info) + " attached"));
}

void Attacher::Defer(const Attach& attach, absl::Duration delay, bool count_failure) {
  devices_.DeferAttach(attach.ticket, clock_.Monotonic() + delay, count_failure);
}

void Attacher::Fail(const Attach& attach, const std::string& why) {
  if (devices_.FailAttach(attach.ticket, why) != AttachEnd::kDone) return;
  ChangeSet changes;
  changes.Touch(attach.ticket.device);
  const std::string who = Describe(devices_.View(*attach.ticket.device).info);
  emitter_.Commit(changes, MakeCause(CauseKind::kAttach, absl::StrCat(who, " failed: ", why)));
}

}  // namespace sasd::discovery
