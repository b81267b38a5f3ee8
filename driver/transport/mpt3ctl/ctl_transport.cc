#include "driver/transport/mpt3ctl/ctl_transport.h"

#include <errno.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "driver/transport/mpt3ctl/ctl_errors.h"
#include "driver/wire/mpi/constants.h"
#include "driver/wire/mpi/messages.h"

namespace sasd::mpt3ctl {
namespace {

using transport::IocListener;
using transport::IocReply;
using transport::IocRequest;

// A new entry needs two reads; further reads are for entries that come in the meantime.
constexpr int kReadsInARow = 4;
// The events that the driver unmasks, without those of PCIe.
constexpr mpi::EventCode kDefaultEvents[] = {
    mpi::EventCode::kSasDeviceStatusChange,
    mpi::EventCode::kIrOperationStatus,
    mpi::EventCode::kSasDiscovery,
    mpi::EventCode::kSasBroadcastPrimitive,
    mpi::EventCode::kSasTopologyChangeList,
    mpi::EventCode::kSasEnclosureDeviceStatusChange,
    mpi::EventCode::kIrVolume,
    mpi::EventCode::kIrPhysicalDisk,
    mpi::EventCode::kIrConfigurationChangeList,
    mpi::EventCode::kLogEntryAdded,
    mpi::EventCode::kTemperatureThreshold,
    mpi::EventCode::kActiveCableException,
    mpi::EventCode::kSasDeviceDiscoveryError,
};

bool IsGone(int error) { return error == ENODEV || error == ENXIO; }

std::string NameOf(const CtlHost& host) {
  return absl::StrCat(host.node.substr(host.node.rfind('/') + 1), ":", host.ioc_number);
}

transport::IocInfo InfoOf(const CtlHost& host, const CtlIocInfo& ioc) {
  transport::IocInfo info;
  info.name = NameOf(host);
  info.board_name = host.board_name;
  info.chip_name = host.chip_name;
  info.pci_address = ioc.PciAddress();
  info.driver_name = host.driver_name;
  info.os_name = host.os_name;
  info.owned = false;
  return info;
}

int CallNode(CtlNodes& nodes, int descriptor, uint32_t number, MutableByteSpan argument) {
  int result;
  do {
    result = nodes.Ioctl(descriptor, number, argument);
  } while (result == -EINTR);
  return -result;
}

absl::Status Gone(absl::string_view name) {
  return absl::FailedPreconditionError(absl::StrCat(name, ": the HBA is gone"));
}

LogItem UnknownGap() {
  LogItem gap;
  gap.kind = LogItem::Kind::kGap;
  return gap;
}

}  // namespace

EventMask DefaultEvents() {
  EventMask mask;
  for (const mpi::EventCode event : kDefaultEvents) mask.Add(event);
  return mask;
}

// ---------------------------------------------------------------------------- Start and stop

absl::StatusOr<std::unique_ptr<CtlTransport>> CtlTransport::Create(CtlHost host, CtlNodes& nodes,
                                                                   CtlPoller& poller, Clock& clock,
                                                                   CtlOptions options) {
  const int descriptor = nodes.Open(host.node.c_str());
  if (descriptor < 0) return StatusOfErrno(CtlCall::kOpen, -descriptor, host.node);
  Bytes argument = EncodeIocInfoRequest(host.ioc_number);
  const int error = CallNode(nodes, descriptor, ioctl_number::kIocInfo, absl::MakeSpan(argument));
  absl::StatusOr<CtlIocInfo> info = DecodeIocInfo(argument);
  if (error != 0) info = StatusOfErrno(CtlCall::kAsk, error, NameOf(host));
  if (info.ok() && !host.pci_address.empty() && info->PciAddress() != host.pci_address) {
    info = absl::FailedPreconditionError(
        absl::StrCat(NameOf(host), " is at ", info->PciAddress(), ", not at ", host.pci_address));
  }
  if (!info.ok()) {
    nodes.Close(descriptor);
    return info.status();
  }
  const std::string node = host.node;
  std::unique_ptr<CtlTransport> transport(new CtlTransport(
      std::move(host), nodes, poller, clock, std::move(options), descriptor, *std::move(info)));
  if (absl::Status added = poller.Add(node, *transport); !added.ok()) return added;
  return transport;
}

CtlTransport::CtlTransport(CtlHost host, CtlNodes& nodes, CtlPoller& poller, Clock& clock,
                           CtlOptions options, int descriptor, CtlIocInfo ioc_info)
    : host_(std::move(host)),
      nodes_(nodes),
      poller_(poller),
      clock_(clock),
      options_(std::move(options)),
      descriptor_(descriptor),
      ioc_info_(std::move(ioc_info)),
      info_(InfoOf(host_, ioc_info_)),
      report_(EncodeEventReportRequest(host_.ioc_number)),
      thread_(&CtlTransport::Run, this) {}

CtlTransport::~CtlTransport() {
  poller_.Remove(*this);
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
  std::deque<Request> waiting;
  {
    absl::MutexLock lock(&mu_);
    waiting.swap(waiting_);
  }
  for (Request& request : waiting) {
    request.done(absl::CancelledError(absl::StrCat(info_.name, ": closed")));
  }
  nodes_.Close(descriptor_);
}

// ---------------------------------------------------------------------------------- Requests

absl::Status CtlTransport::Enqueue(const IocRequest& request, Answered done) {
  absl::StatusOr<CtlCommand> command = CtlCommand::Create(host_.ioc_number, request);
  if (!command.ok()) {
    return absl::Status(command.status().code(),
                        absl::StrCat(info_.name, ": ", command.status().message()));
  }
  const absl::Duration deadline = clock_.Monotonic() + request.timeout;
  absl::MutexLock lock(&mu_);
  if (state_ == State::kGone) return Gone(info_.name);
  if (state_ == State::kInReset) {
    return absl::UnavailableError(absl::StrCat(info_.name, ": in reset"));
  }
  if (waiting_.size() >= kMaxWaiting) {
    return absl::ResourceExhaustedError(
        absl::StrCat(info_.name, ": ", kMaxWaiting, " requests wait"));
  }
  waiting_.push_back({*std::move(command), deadline, std::move(done)});
  return absl::OkStatus();
}

absl::Status CtlTransport::Submit(const IocRequest& request, Completion done) {
  return Enqueue(
      request, [data_in = request.data_in, done = std::move(done)](absl::StatusOr<Answer> answer) {
        if (!answer.ok()) return done(answer.status());
        std::copy_n(answer->data_in.begin(), answer->reply.data_in_size, data_in.begin());
        done(std::move(answer->reply));
      });
}

absl::StatusOr<IocReply> CtlTransport::Execute(const IocRequest& request) {
  // The answer may come after the caller has given up, so it must not write to the caller's memory.
  struct Waiter {
    absl::Notification done;
    absl::StatusOr<Answer> answer = Answer();
  };
  const auto waiter = std::make_shared<Waiter>();
  const absl::Status sent = Enqueue(request, [waiter](absl::StatusOr<Answer> answer) {
    waiter->answer = std::move(answer);
    waiter->done.Notify();
  });
  if (!sent.ok()) return sent;
  if (!waiter->done.WaitForNotificationWithTimeout(request.timeout)) {
    return absl::DeadlineExceededError(
        absl::StrCat(info_.name, ": no reply within ", absl::FormatDuration(request.timeout)));
  }
  absl::StatusOr<Answer>& answer = waiter->answer;
  if (!answer.ok()) return answer.status();
  std::copy_n(answer->data_in.begin(), answer->reply.data_in_size, request.data_in.begin());
  return std::move(answer->reply);
}

absl::Status CtlTransport::Reset() {
  return absl::PermissionDeniedError(
      absl::StrCat(info_.name, " belongs to the kernel's driver, so sasd does not reset it"));
}

void CtlTransport::RunRequest(Request request) {
  if (request.deadline < clock_.Monotonic()) {
    return request.done(absl::DeadlineExceededError(
        absl::StrCat(info_.name, ": busy for longer than the request's timeout")));
  }
  const int error = Call(ioctl_number::kCommand, request.command.Argument());
  if (error != 0) return request.done(StatusOfCommand(error));
  absl::StatusOr<IocReply> reply = request.command.Reply();
  if (!reply.ok()) {
    BeginReset(reply.status().message(), false);
    return request.done(reply.status());
  }
  const ByteSpan data_in = request.command.data_in();
  request.done(Answer{*std::move(reply), Bytes(data_in.begin(), data_in.end())});
}

// The result of a command's errno for its sender; begins a reset or the end of the HBA if it means
// one.
absl::Status CtlTransport::StatusOfCommand(int error) {
  const absl::Status status = StatusOfErrno(CtlCall::kCommand, error, info_.name);
  if (IsGone(error)) {
    BecomeGone();
  } else if (absl::IsUnavailable(status) || absl::IsAborted(status)) {
    BeginReset(status.message(), false);
    return absl::AbortedError(status.message());
  }
  return status;
}

// ---------------------------------------------------------------------------------- Listener

void CtlTransport::SetListener(IocListener* listener) {
  absl::MutexLock lock(&mu_);
  if (std::this_thread::get_id() == thread_.get_id()) {
    listener_ = nullptr;
    new_listener_ = listener;
    return;
  }
  mu_.Await(absl::Condition(this, &CtlTransport::NobodyDelivers));
  listener_ = nullptr;
  new_listener_ = listener;
  const auto taken = [this, listener]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return new_listener_ != listener || listener == nullptr;
  };
  mu_.Await(absl::Condition(&taken));
}

void CtlTransport::BeginListening(IocListener* listener) {
  // Earlier entries are not for this listener.
  log_ = EventLog();
  if (options_.reset_count) resets_ = options_.reset_count();
  std::vector<LogItem> items;
  const bool operating = state() == State::kOperating;
  const int error = operating ? Observe(items) : 0;
  {
    absl::MutexLock lock(&mu_);
    if (new_listener_ != listener) return;  // another one, or none, was set since
    listener_ = listener;
    new_listener_ = nullptr;
  }
  if (error != 0) Fail(error);
  if (operating) return;
  Notify([](IocListener& l) { l.OnResetBegin(); });
  EndDelivery();
}

template <typename F>
void CtlTransport::Notify(F f) {
  IocListener* listener = nullptr;
  {
    absl::MutexLock lock(&mu_);
    listener = listener_;
    if (listener == nullptr) return;
    delivering_ = true;
  }
  f(*listener);
  absl::MutexLock lock(&mu_);
  delivering_ = false;
}

void CtlTransport::Deliver(const std::vector<LogItem>& items, absl::Duration time) {
  for (const LogItem& item : items) {
    Notify([&item, time](IocListener& listener) {
      if (item.kind == LogItem::Kind::kGap) return listener.OnEventsLost(item.lost);
      transport::EventArrival arrival;
      arrival.event = static_cast<uint16_t>(item.entry.event);
      arrival.context = item.entry.context;
      arrival.data = item.entry.data;
      arrival.time = time;
      listener.OnEvent(arrival);
    });
  }
  if (!items.empty()) EndDelivery();
}

// kMayNotWait: this thread runs the commands for which a listener might wait.
void CtlTransport::EndDelivery() {
  Notify([](IocListener& listener) { listener.OnDelivered(IocListener::Caller::kMayNotWait); });
}

// -------------------------------------------------------------------------------- The thread

CtlTransport::State CtlTransport::state() const {
  absl::MutexLock lock(&mu_);
  return state_;
}

bool CtlTransport::HasListener() const {
  absl::MutexLock lock(&mu_);
  return listener_ != nullptr || new_listener_ != nullptr;
}

void CtlTransport::Look() {
  absl::MutexLock lock(&mu_);
  look_ = true;
}

bool CtlTransport::HasWork() const {
  return stopping_ || look_ || new_listener_ != nullptr || !waiting_.empty();
}

CtlTransport::Work CtlTransport::AwaitWork() {
  Work work;
  absl::MutexLock lock(&mu_);
  if (!look_again_) mu_.Await(absl::Condition(this, &CtlTransport::HasWork));
  work.stop = stopping_;
  work.look = std::exchange(look_, false) || std::exchange(look_again_, false);
  work.new_listener = new_listener_;
  if (!waiting_.empty()) {
    work.request.emplace(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return work;
}

void CtlTransport::Run() {
  while (true) {
    Work work = AwaitWork();
    if (work.stop) {
      if (work.request) {
        work.request->done(absl::CancelledError(absl::StrCat(info_.name, ": closed")));
      }
      return;
    }
    if (work.new_listener != nullptr) BeginListening(work.new_listener);
    if (work.look) poller_.Looked(*this, LookAround());
    if (work.request) RunRequest(*std::move(work.request));
  }
}

int CtlTransport::Call(uint32_t number, MutableByteSpan argument) {
  return CallNode(nodes_, descriptor_, number, argument);
}

bool CtlTransport::LookAround() {
  switch (state()) {
    case State::kGone:
      return false;
    case State::kInReset:
      return Resume();
    case State::kOperating:
      break;
  }
  std::vector<LogItem> items;
  const absl::Duration now = clock_.Monotonic();
  const int error = Observe(items);
  // Before the entries, which may be newer than the reset.
  if (ResetCountRose()) BeginReset("the driver has reset the HBA", true);
  Deliver(items, now);
  if (error != 0) Fail(error);
  return !items.empty();
}

// In reset: checks whether it is over.
bool CtlTransport::Resume() {
  std::vector<LogItem> items;
  const absl::Duration now = clock_.Monotonic();
  int error = Observe(items);
  Deliver(items, now);
  if (error == 0) error = Probe();
  if (IsGone(error)) BecomeGone();
  if (error != 0) return !items.empty();
  if (ResetCountRose()) {
    count_is_due_ = false;
  } else if (std::exchange(count_is_due_, false)) {
    // The driver counts a reset only after it takes requests again
    // (mpt3sas_base_hard_reset_handler); that count must not look like another reset. If there was
    // no reset, this costs a second.
    return !items.empty();
  }
  {
    absl::MutexLock lock(&mu_);
    state_ = State::kOperating;
  }
  Notify([](IocListener& listener) { listener.OnReady(); });
  EndDelivery();
  return !items.empty();
}

int CtlTransport::Observe(std::vector<LogItem>& items) {
  if (!HasListener()) {
    // Read also without a listener: an unread log keeps the nodes readable.
    const int error = ReadLog(items);
    return error == ENODATA ? 0 : error;
  }
  if (const int error = KeepMask(items, false); error != 0) return error;
  int error = ReadLog(items);
  if (error != ENODATA) return error;
  // The mask is set but there is no log: the kernel had no memory for it.
  if (error = KeepMask(items, true); error != 0) return error;
  return ReadLog(items);
}

// The mask belongs to the HBA, and each program that sets it overwrites it. So this keeps the
// events of other programs and adds ours again. Two programs that do this at the same moment settle
// a second later.
int CtlTransport::KeepMask(std::vector<LogItem>& items, bool always) {
  Bytes argument = EncodeEventQueryRequest(host_.ioc_number);
  if (const int error = Call(ioctl_number::kEventQuery, absl::MakeSpan(argument)); error != 0) {
    return error;
  }
  const EventMask mask = DecodeEventQuery(argument)->mask;
  if (mask.Contains(options_.events) && !always) return 0;
  argument = EncodeEventEnable(host_.ioc_number, mask.Union(options_.events));
  if (const int error = Call(ioctl_number::kEventEnable, absl::MakeSpan(argument)); error != 0) {
    return error;
  }
  if (log_.started()) items.push_back(UnknownGap());
  return 0;
}

int CtlTransport::ReadLog(std::vector<LogItem>& items) {
  for (int read = 0; read < kReadsInARow; ++read) {
    const int error = Call(ioctl_number::kEventReport, absl::MakeSpan(report_));
    if (error != 0) return error;
    if (!log_.started()) {
      log_.Start(report_);
      return 0;
    }
    EventLog::News news = log_.Read(report_);
    items.insert(items.end(), news.items.begin(), news.items.end());
    if (!news.again) return 0;
  }
  look_again_ = true;
  return 0;
}

// Checks whether commands are answered: other ioctls succeed on a non-operational HBA, too.
int CtlTransport::Probe() {
  const Bytes frame = mpi::EncodeIocFactsRequest();
  IocRequest request;
  request.frame = frame;
  absl::StatusOr<CtlCommand> command = CtlCommand::Create(host_.ioc_number, request);
  if (const int error = Call(ioctl_number::kCommand, command->Argument()); error != 0) return error;
  return command->Reply().ok() ? 0 : EAGAIN;
}

// -------------------------------------------------------------------------------- Resets

bool CtlTransport::ResetCountRose() {
  if (!options_.reset_count) return false;
  const std::optional<uint32_t> count = options_.reset_count();
  if (!count) return false;
  const std::optional<uint32_t> before = std::exchange(resets_, count);
  return before && *before != *count;
}

void CtlTransport::Fail(int error) {
  if (IsGone(error)) return BecomeGone();
  BeginReset(StatusOfErrno(CtlCall::kAsk, error, info_.name).message(), false);
}

std::deque<CtlTransport::Request> CtlTransport::Leave(State state) {
  std::deque<Request> waiting;
  absl::MutexLock lock(&mu_);
  state_ = state;
  waiting.swap(waiting_);
  return waiting;
}

void CtlTransport::BeginReset(absl::string_view why, bool counted) {
  if (state() != State::kOperating) return;
  count_is_due_ = !counted && resets_.has_value();
  std::deque<Request> waiting = Leave(State::kInReset);
  Notify([](IocListener& listener) { listener.OnResetBegin(); });
  EndDelivery();
  for (Request& request : waiting) {
    request.done(absl::AbortedError(absl::StrCat(info_.name, ": aborted: ", why)));
  }
  look_again_ = true;
}

void CtlTransport::BecomeGone() {
  const State before = state();
  if (before == State::kGone) return;
  std::deque<Request> waiting = Leave(State::kGone);
  if (before == State::kOperating) {
    Notify([](IocListener& listener) { listener.OnResetBegin(); });
    EndDelivery();
  }
  for (Request& request : waiting) request.done(Gone(info_.name));
  if (options_.on_gone) options_.on_gone();
}

}  // namespace sasd::mpt3ctl
