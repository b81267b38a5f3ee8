#include "driver/discovery/hba.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/discovery/facts.h"
#include "driver/discovery/ioc_setup.h"
#include "driver/discovery/notices.h"
#include "driver/wire/mpi/messages.h"

namespace sasd::discovery {
namespace {

constexpr int64_t kNever = std::numeric_limits<int64_t>::max();
// A large fabric takes the firmware minutes (mpt3sas_base.c waits 300 s).
constexpr absl::Duration kPortEnableTimeout = absl::Seconds(300);
// The delay after a walk that could not read everything; doubled each time.
constexpr absl::Duration kFirstRetry = absl::Milliseconds(100), kLastRetry = absl::Seconds(30);

// The lowest phy with a link in each port.
PortNumbers::Roots RootsOf(const mpi::SasIoUnitPage0& page) {
  PortNumbers::Roots roots;
  for (size_t i = 0; i < page.phys.size(); ++i) {
    if (page.phys[i].attached_handle == DevHandle(0)) continue;
    roots.try_emplace(page.phys[i].port, PhyId(static_cast<uint8_t>(i)));
  }
  return roots;
}

std::string LostText(uint32_t count) {
  if (count == 0) return "events were lost";
  return absl::StrCat(count, count == 1 ? " event was lost" : " events were lost");
}

}  // namespace

Hba::Hba(transport::IocTransport& ioc, Clock& clock, ObservationSink& sink,
         std::function<void(Caller)> on_work, PortNumbering numbering, KeyAssignments* keys)
    : ioc_(ioc),
      clock_(clock),
      on_work_(std::move(on_work)),
      owned_(ioc.Info().owned),
      keys_(keys),
      nodes_(live_),
      devices_(live_, owned_),
      sender_(ioc),
      pages_(ioc, sender_),
      probe_(ioc, sender_),
      handshake_(sender_),
      arrival_(queue_, nodes_, devices_, sender_, owned_ ? &handshake_ : nullptr),
      emitter_(clock, sink, nodes_, devices_, numbering, keys),
      model_(pages_, nodes_, devices_),
      topology_(model_, nodes_, devices_),
      attacher_(clock, devices_, probe_, emitter_),
      retry_delay_(kFirstRetry),
      retry_due_ns_(kNever) {
  if (owned_) {
    model_.set_on_stale_handle([this](DevHandle handle) {
      // Not if an event about its removal has arrived, though it is not handled yet.
      if (devices_.StartHandshake(handle)) handshake_.Start(handle);
    });
  }
}

Hba::~Hba() { Stop(); }

// ---------------------------------------------------------------------------- Start and stop

absl::Status Hba::Start() {
  ioc_.SetListener(this);
  const absl::StatusOr<mpi::IocFactsReply> facts = SetUpIoc(ioc_, clock_);
  if (!facts.ok()) return facts.status();
  if (absl::Status s = ReadHost(*facts); !s.ok()) return s;
  if (owned_) {
    EnablePorts();
  } else {
    Push(Event::Kind::kPortEnabled);  // the ports are enabled already: read what is there
  }
  return absl::OkStatus();
}

absl::Status Hba::ReadHost(const mpi::IocFactsReply& facts) {
  const absl::StatusOr<mpi::SasIoUnitPage0> unit = pages_.SasIoUnit0();
  if (!unit.ok()) return unit.status();
  if (unit->phys.empty()) return absl::InternalError("SAS IO unit page 0 has no phys");
  const absl::StatusOr<mpi::SasDevicePage0> page =
      pages_.SasDevice0(mpi::page_address::Device(unit->phys[0].controller_handle));
  if (!page.ok()) return page.status();

  if (facts.max_dev_handle != 0) {
    arrival_.set_max_handle(DevHandle(facts.max_dev_handle));
    model_.set_max_handle(DevHandle(facts.max_dev_handle));
  }
  const transport::IocInfo info = ioc_.Info();
  const HostKey key =
      keys_ == nullptr
          ? HostKey(page->address)
          : keys_->KeyOf({page->address, HostLocation::Of(info.pci_address, info.name)});
  const device::NodeRef host = nodes_.SetHost(key, unit->phys.size());
  emitter_.SetRoots(RootsOf(*unit));
  tracker_.set_host(key);

  HostFacts host_facts;
  host_facts.key = key;
  host_facts.board_name = info.board_name;
  host_facts.chip_name = info.chip_name;
  host_facts.firmware_version = mpi::FirmwareVersionText(facts.firmware_version);
  host_facts.driver_name = info.driver_name;
  host_facts.pci_address = info.pci_address;
  host_facts.os_name = info.os_name;
  host_facts.phy_count = static_cast<uint8_t>(unit->phys.size());
  ChangeSet changes;
  changes.Add(std::move(host_facts));
  if (absl::Status s = model_.ReadPhys(host, changes); !s.ok()) return s;
  if (page->enclosure_handle != EnclosureHandle(0)) {
    if (absl::Status s = model_.AddEnclosure(page->enclosure_handle, changes); !s.ok()) return s;
  }
  tracker_.Report(changes);
  emitter_.Commit(changes, MakeCause(CauseKind::kStartup,
                                     absl::StrCat("host ", ToHex(page->address), " found")));
  return absl::OkStatus();
}

void Hba::EnablePorts() {
  sender_.Send(
      mpi::EncodePortEnableRequest(),
      [this, epoch = arrival_.epoch()](absl::StatusOr<transport::IocReply> reply) {
        OnPortEnableReply(reply, epoch);
      },
      kPortEnableTimeout);
}

void Hba::OnPortEnableReply(const absl::StatusOr<transport::IocReply>& reply, uint32_t epoch) {
  if (epoch != arrival_.epoch()) return;  // after a reset, the ports are enabled again
  absl::Status status = reply.status();
  if (reply.ok()) {
    const absl::StatusOr<mpi::ReplyHeader> header = mpi::DecodeReplyHeader(reply->frame);
    status = header.status();
    if (header.ok() && header->status != mpi::IocStatus::kSuccess) {
      status = absl::InternalError(
          absl::StrFormat("IOCStatus 0x%04x", static_cast<uint16_t>(header->status)));
    }
  }
  Push(Event::Kind::kPortEnabled, std::move(status));
}

void Hba::Stop() {
  if (stopped_.exchange(true)) return;
  ioc_.SetListener(nullptr);
  sender_.Close();
  queue_.Close();
  emitter_.Close();
  walk_.reset();
  devices_.Clear();
  nodes_.Clear();
}

// ----------------------------------------------------------------------- From the IOC's context

void Hba::OnEvent(const transport::EventArrival& event) { arrival_.OnEvent(event); }

void Hba::OnEventsLost(uint32_t count) { arrival_.OnEventsLost(count); }

void Hba::OnResetBegin() { arrival_.OnResetBegin(); }

void Hba::OnReady() { arrival_.OnReady(); }

void Hba::OnDelivered(Caller caller) { on_work_(caller); }

void Hba::Push(Event::Kind kind, absl::Status status) {
  auto event = std::make_shared<Event>();
  event->kind = kind;
  event->epoch = arrival_.epoch();
  event->status = std::move(status);
  queue_.Push(std::move(event));
  on_work_(Caller::kMayNotWait);
}

void Hba::Rescan() { Push(Event::Kind::kRescan); }

// ------------------------------------------------------------------------------------ The worker

bool Hba::RunWorkerStep() {
  if (stopped_) return false;
  const StepInProgress step(*this);
  sender_.Pump();
  if (walk_.has_value()) {
    StepWalk();
    return true;
  }
  if (retry_due_ns_ <= absl::ToInt64Nanoseconds(clock_.Monotonic())) {
    retry_due_ns_ = kNever;
    Push(Event::Kind::kRescan, absl::DataLossError("pages could not be read"));
  }
  const EventRef event = queue_.Pop();
  if (event == nullptr) return false;
  Handle(*event);
  queue_.Done();
  return true;
}

absl::Duration Hba::NextWorkerDue() const {
  const int64_t due = retry_due_ns_;
  return due == kNever ? absl::InfiniteDuration() : absl::Nanoseconds(due);
}

void Hba::Handle(const Event& event) {
  switch (event.kind) {
    case Event::Kind::kFirmware:
      return HandleFirmware(event);
    case Event::Kind::kGap:
    case Event::Kind::kRescan:
      return HandleGap(event);
    case Event::Kind::kResetBegin:
      return HandleResetBegin();
    case Event::Kind::kReady:
      return HandleReady(event);
    case Event::Kind::kPortEnabled:
      return HandlePortEnabled(event);
  }
}

void Hba::HandleFirmware(const Event& event) {
  // Its handles are void. The walk after the reset finds what it reported.
  if (event.epoch != arrival_.epoch()) return;
  ChangeSet changes;
  if (tracker_.recovering()) {
    // Likewise: the walk after port enable reads everything once instead of event by event.
    if (const auto* discovery = std::get_if<mpi::DiscoveryEvent>(&event.data)) {
      tracker_.OnEvent(*discovery);
    }
    return;
  }
  for (const device::DeviceRef& device : event.touched) changes.Touch(device);
  const absl::Status status = HandleData(event, changes);
  Cause cause;
  cause.kind = CauseKind::kFirmwareEvent;
  cause.event_code = event.code;
  cause.event_context = event.context;
  emitter_.Commit(changes, std::move(cause), event.arrival);
  if (!status.ok() && !IsHostLost(status)) RetryLater();
}

absl::Status Hba::HandleData(const Event& event, ChangeSet& changes) {
  absl::Status status;
  if (std::holds_alternative<mpi::TopologyChangeList>(event.data)) {
    status = topology_.Handle(event, changes);
  } else if (const auto* discovery = std::get_if<mpi::DiscoveryEvent>(&event.data)) {
    tracker_.OnEvent(*discovery);
    tracker_.Report(changes);
    changes.Describe([discovery] {
      return discovery->reason == mpi::DiscoveryEvent::kStarted ? "discovery started"
                                                                : "discovery completed";
    });
  } else if (const auto* enclosure = std::get_if<mpi::EnclosureStatusChange>(&event.data)) {
    status = HandleEnclosure(*enclosure, changes);
  } else if (const auto* device = std::get_if<mpi::DeviceStatusChange>(&event.data)) {
    status = HandleDeviceStatus(*device, changes);
  }
  if (std::optional<Notice> notice = NoticeFor(event.data, nodes_, devices_)) {
    changes.Describe([&notice] { return notice->text; });
    changes.Add(*std::move(notice));
  }
  return status;
}

absl::Status Hba::HandleEnclosure(const mpi::EnclosureStatusChange& change, ChangeSet& changes) {
  const device::EnclosureRef known = nodes_.FindEnclosure(change.handle);
  if (known != nullptr && known->key() != EnclosureKey(change.logical_id.value())) {
    // Objects read in the meantime may be in the wrong one of the two enclosures: a walk reads
    // everything again.
    return absl::DataLossError(absl::StrCat("enclosure handle ", change.handle.value(),
                                            " was still in use for another enclosure"));
  }
  if (change.reason == mpi::EnclosureStatusChange::kAdded) {
    return model_.AddEnclosure(change.handle, changes);
  }
  if (change.reason != mpi::EnclosureStatusChange::kNotResponding) return absl::OkStatus();
  model_.RemoveEnclosure(change.handle, changes);
  if (!model_.HasMembers(change.handle)) return absl::OkStatus();
  return absl::DataLossError("an enclosure is gone that still has members");
}

// A device whose reset outlasted its attach is tried again.
absl::Status Hba::HandleDeviceStatus(const mpi::DeviceStatusChange& change, ChangeSet& changes) {
  if (change.reason != mpi::DeviceStatusReason::kInternalDeviceResetComplete) {
    return absl::OkStatus();
  }
  const device::DeviceRef device = devices_.FindByHandle(change.handle);
  const bool failed =
      device != nullptr && devices_.View(*device).state == device::LifeState::kFailed;
  return failed ? model_.AddDevice(change.handle, changes) : absl::OkStatus();
}

void Hba::HandleGap(const Event& event) {
  if (tracker_.recovering()) return;  // the walk of the recovery covers it
  Walk walk;
  walk.cause.kind = CauseKind::kResync;
  walk.arrival = event.arrival;
  bool gap = event.kind == Event::Kind::kGap, unknown = gap && event.lost == 0;
  uint32_t lost = event.lost;
  // One walk handles all of them.
  for (const EventRef& other : queue_.TakeGaps()) {
    if (other->kind != Event::Kind::kGap) continue;
    gap = true;
    unknown |= other->lost == 0;
    lost += other->lost;
  }
  walk.cause.lost_events = unknown ? 0 : lost;
  walk.always_report = gap;
  if (gap) {
    walk.cause.text = LostText(walk.cause.lost_events);
  } else {
    walk.cause.text =
        event.status.ok() ? "a rescan was requested" : std::string(event.status.message());
  }
  BeginWalk(std::move(walk));
}

void Hba::HandleResetBegin() {
  retry_due_ns_ = kNever;
  // Pages that the worker read between the beginning of the reset and now may be older than the
  // reset.
  nodes_.ForgetHandles();
  devices_.ForgetHandles();
  tracker_.OnReset();
  ChangeSet changes;
  tracker_.Report(changes);
  emitter_.Commit(changes, MakeCause(CauseKind::kHostReset, "a host reset has begun"),
                  absl::ZeroDuration(), Emitter::When::kAlways);
}

void Hba::HandleReady(const Event& event) {
  if (event.epoch != arrival_.epoch()) return;  // another reset has begun
  const absl::StatusOr<mpi::IocFactsReply> facts = SetUpIoc(ioc_, clock_);
  if (event.epoch != arrival_.epoch()) return;
  if (!facts.ok()) {
    if (IsHostLost(facts.status())) return;
    return FailHost(absl::StrCat("after a reset: ", facts.status().message()));
  }
  if (owned_) {
    EnablePorts();
  } else {
    Push(Event::Kind::kPortEnabled);
  }
}

void Hba::HandlePortEnabled(const Event& event) {
  if (event.epoch != arrival_.epoch()) return;
  if (!event.status.ok()) {
    return FailHost(absl::StrCat("port enable: ", event.status.message()));
  }
  const bool after_reset = tracker_.recovering();
  if (owned_ && !after_reset) {
    // The events of the discovery came before it and reported everything.
    tracker_.SetStarting(false);
    ChangeSet changes;
    tracker_.Report(changes);
    return emitter_.Commit(changes, MakeCause(CauseKind::kStartup, "port enable completed"));
  }
  Walk walk;
  walk.after_reset = after_reset;
  walk.always_report = after_reset;
  walk.cause = after_reset ? MakeCause(CauseKind::kHostReset, "the host was reset")
                           : MakeCause(CauseKind::kStartup, "initial scan");
  BeginWalk(std::move(walk));
}

void Hba::FailHost(const std::string& why) {
  tracker_.OnFailure(why);
  ChangeSet changes;
  tracker_.Report(changes);
  emitter_.Commit(changes, MakeCause(CauseKind::kHostReset, why));
}

// --------------------------------------------------------------------------------------- Walks

void Hba::BeginWalk(Walk walk) {
  rescans_.fetch_add(1, std::memory_order_relaxed);
  retry_due_ns_ = kNever;
  walk_.emplace(std::move(walk));
  walk_->epoch = devices_.epoch();
  walking_ = true;
  walk_->recovery.emplace(++walks_, model_, pages_, nodes_, devices_,
                          owned_ && !walk_->after_reset ? &handshake_ : nullptr);
  // The walk sees the result of the queued events.
  Supersede(queue_.TakeTopology(), walk_->recovery->changes());
}

void Hba::Supersede(const std::vector<EventRef>& events, ChangeSet& changes) {
  for (const EventRef& event : events) {
    for (const device::DeviceRef& device : event->touched) changes.Touch(device);
    if (const auto* discovery = std::get_if<mpi::DiscoveryEvent>(&event->data)) {
      tracker_.OnEvent(*discovery);
    }
  }
}

void Hba::StepWalk() {
  if (walk_->recovery->Step()) return;
  EndWalk();
}

void Hba::EndWalk() {
  Walk walk = *std::exchange(walk_, std::nullopt);
  const absl::Status status = walk.recovery->status();
  ChangeSet& changes = walk.recovery->changes();
  // The last discovery event may be lost. Another reset may begin during this read, too.
  const absl::StatusOr<mpi::SasIoUnitPage0> unit = pages_.SasIoUnit0();
  const bool complete = !IsHostLost(status) && walk.epoch == devices_.epoch();
  if (complete) {
    // Events that came while pages were read may be older than the pages.
    topology_.set_verify_until(queue_.last_sequence());
    if (unit.ok()) tracker_.OnPorts(*unit);
    if (unit.ok()) emitter_.SetRoots(RootsOf(*unit));
    tracker_.OnRecovered();
    tracker_.Report(changes);
    devices_.ResumeAttach(walk.epoch);
    if (status.ok()) retry_delay_ = kFirstRetry;
    if (!status.ok()) RetryLater();
  }
  // Otherwise another reset has begun, and a walk will follow it.
  const std::string text = changes.Text();
  if (!text.empty()) absl::StrAppend(&walk.cause.text, ": ", text);
  if (!status.ok()) absl::StrAppend(&walk.cause.text, " (incomplete: ", status.message(), ")");
  emitter_.Commit(changes, std::move(walk.cause), walk.arrival,
                  walk.always_report ? Emitter::When::kAlways : Emitter::When::kIfChanged);
  walking_ = false;
}

void Hba::RetryLater() {
  if (retry_due_ns_ != kNever) return;
  retry_due_ns_ = absl::ToInt64Nanoseconds(clock_.Monotonic() + retry_delay_);
  retry_delay_ = std::min(kLastRetry, 2 * retry_delay_);
}

// ---------------------------------------------------------------------------------- The attacher

bool Hba::RunAttachStep() {
  if (stopped_) return false;
  const StepInProgress step(*this);
  std::optional<Attach> attach = attacher_.Begin();
  if (!attach.has_value()) return false;
  attacher_.RunCommands(*attach);
  attacher_.Complete(*std::move(attach));
  return true;
}

// ----------------------------------------------------------------------------------------- State

std::string Hba::Unfinished() const {
  // Work that a step moves from one place to another may be missed in both. The counters are read
  // in this order: if they are equal, no step ran in between.
  const uint64_t ended = steps_ended_, begun = steps_begun_;
  if (begun != ended) return "a step";
  const std::string text = Remaining();
  return text.empty() && steps_begun_ != begun ? "a step" : text;
}

std::string Hba::Remaining() const {
  std::string text;
  const auto add = [&text](absl::string_view what) {
    absl::StrAppend(&text, text.empty() ? "" : ", ", what);
  };
  if (!queue_.idle()) add(absl::StrCat(queue_.size(), " events queued"));
  if (walking_) add("a walk over all pages");
  if (retry_due_ns_ != kNever) add("a walk to be tried again");
  if (!tracker_.quiet()) add("discovery");
  if (const size_t n = devices_.attaches_pending(); n != 0) add(absl::StrCat(n, " attaches"));
  if (const size_t n = sender_.pending(); n != 0) add(absl::StrCat(n, " requests in flight"));
  if (!emitter_.idle()) add("an observation");
  return text;
}

HostKey Hba::host() const {
  const device::NodeRef host = nodes_.host();
  return host == nullptr ? HostKey() : host->key().host;
}

}  // namespace sasd::discovery
