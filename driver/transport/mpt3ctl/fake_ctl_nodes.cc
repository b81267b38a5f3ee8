#include "driver/transport/mpt3ctl/fake_ctl_nodes.h"

#include <errno.h>

#include <algorithm>

#include "driver/wire/mpi/messages.h"

namespace sasd::mpt3ctl {
namespace {

constexpr uint16_t kLogEntryAdded = 0x21;

// The memory of the calling program.
uint8_t* At(uint64_t address) { return reinterpret_cast<uint8_t*>(address); }

}  // namespace

FakeCtlNodes::State* FakeCtlNodes::Find(const Hba& name) {
  const auto it = hbas_.find(name);
  return it == hbas_.end() ? nullptr : &it->second;
}

void FakeCtlNodes::Add(const Hba& hba, CtlIocInfo info) {
  absl::MutexLock lock(&mu_);
  nodes_.emplace(hba.first, 0);
  State state;
  state.info = std::move(info);
  hbas_.emplace(hba, std::move(state));
}

void FakeCtlNodes::Remove(const Hba& hba) {
  absl::MutexLock lock(&mu_);
  hbas_.erase(hba);
}

void FakeCtlNodes::FailOpen(const std::string& path, int error) {
  absl::MutexLock lock(&mu_);
  nodes_[path] = error;
}

void FakeCtlNodes::FailNext(uint32_t number, int error, int count) {
  absl::MutexLock lock(&mu_);
  failures_[number] = {error, count};
}

void FakeCtlNodes::OnCommand(const Hba& hba, Handler handler) {
  absl::MutexLock lock(&mu_);
  Find(hba)->handler = std::move(handler);
}

// mpt3sas_ctl_add_to_event_log.
void FakeCtlNodes::RaiseEvent(const Hba& name, uint16_t event, ByteSpan data) {
  absl::MutexLock lock(&mu_);
  State* hba = Find(name);
  if (hba == nullptr || !hba->logging) return;
  const bool logged = event != 0 && hba->mask.Has(event);
  if (logged) {
    LogEntry entry;
    entry.event = event;
    entry.context = hba->next_context++;
    std::copy_n(data.begin(), std::min(data.size(), kEventDataSize), entry.data.begin());
    const Bytes bytes = EncodeLogEntry(entry);
    std::copy(bytes.begin(), bytes.end(),
              hba->ring.begin() +
                  static_cast<std::ptrdiff_t>(entry.context % kLogEntries * LogEntry::kSize));
  }
  if (logged || event == kLogEntryAdded) hba->readable = true;
}

void FakeCtlNodes::TearNextReport(const Hba& hba) {
  absl::MutexLock lock(&mu_);
  Find(hba)->tear = true;
}

void FakeCtlNodes::SetNextContext(const Hba& hba, uint32_t context) {
  absl::MutexLock lock(&mu_);
  Find(hba)->next_context = context;
}

void FakeCtlNodes::SetInReset(const Hba& hba, bool in_reset) {
  absl::MutexLock lock(&mu_);
  if (State* state = Find(hba)) state->in_reset = in_reset;
}

EventMask FakeCtlNodes::mask(const Hba& hba) const {
  absl::MutexLock lock(&mu_);
  return hbas_.at(hba).mask;
}

bool FakeCtlNodes::is_logging(const Hba& hba) const {
  absl::MutexLock lock(&mu_);
  return hbas_.at(hba).logging;
}

size_t FakeCtlNodes::polls() const {
  absl::MutexLock lock(&mu_);
  return polls_;
}

size_t FakeCtlNodes::commands() const {
  absl::MutexLock lock(&mu_);
  return commands_;
}

size_t FakeCtlNodes::open_descriptors() const {
  absl::MutexLock lock(&mu_);
  return descriptors_.size();
}

size_t FakeCtlNodes::overruns() const {
  absl::MutexLock lock(&mu_);
  return overruns_;
}

void FakeCtlNodes::Tick() { Interrupt(); }

void FakeCtlNodes::HoldPolls(bool hold) {
  absl::MutexLock lock(&mu_);
  polls_held_ = hold;
  if (hold) mu_.AwaitWithTimeout(absl::Condition(this, &FakeCtlNodes::IsQuiet), absl::Minutes(1));
}

bool FakeCtlNodes::AwaitQuiet() {
  absl::MutexLock lock(&mu_);
  return mu_.AwaitWithTimeout(absl::Condition(this, &FakeCtlNodes::IsQuiet), absl::Minutes(1));
}

int FakeCtlNodes::Open(const char* path) {
  absl::MutexLock lock(&mu_);
  const auto node = nodes_.find(path);
  if (node == nodes_.end()) return -ENOENT;
  if (node->second != 0) return -node->second;
  descriptors_[++next_descriptor_] = path;
  return next_descriptor_;
}

void FakeCtlNodes::Close(int descriptor) {
  absl::MutexLock lock(&mu_);
  descriptors_.erase(descriptor);
}

int FakeCtlNodes::Put(ByteSpan bytes, MutableByteSpan argument, size_t at) {
  if (at + bytes.size() > argument.size()) {
    ++overruns_;
    return -EFAULT;
  }
  std::copy(bytes.begin(), bytes.end(), argument.begin() + static_cast<std::ptrdiff_t>(at));
  return 0;
}

// _ctl_eventreport, with its subtraction.
int FakeCtlNodes::Report(State& hba, MutableByteSpan argument) {
  const uint32_t room = DecodeCtlHeader(argument)->max_data_size - uint32_t{CtlHeader::kSize};
  const size_t entries = std::min<size_t>(kLogEntries, room / LogEntry::kSize);
  if (entries == 0 || !hba.logging) return -ENODATA;
  Bytes ring(hba.ring.begin(),
             hba.ring.begin() + static_cast<std::ptrdiff_t>(entries * LogEntry::kSize));
  if (std::exchange(hba.tear, false)) {
    const size_t newest = (hba.next_context - 1) % kLogEntries * LogEntry::kSize;
    std::fill_n(ring.begin() + static_cast<std::ptrdiff_t>(newest) + 8, kEventDataSize, 0xEE);
  }
  if (const int put = Put(ring, argument, CtlHeader::kSize); put != 0) return put;
  hba.readable = false;
  return 0;
}

int FakeCtlNodes::Ask(State& hba, uint32_t number, MutableByteSpan argument) {
  switch (number) {
    case ioctl_number::kIocInfo:
      return Put(EncodeIocInfo(hba.info), argument, 0);
    case ioctl_number::kEventQuery:
      return Put(EncodeEventQuery({uint16_t{kLogEntries}, hba.mask}), argument, 0);
    case ioctl_number::kEventEnable:
      hba.mask = *DecodeEventEnable(argument);
      hba.logging = true;
      return 0;
    case ioctl_number::kEventReport:
      return Report(hba, argument);
    default:
      return -ENOTTY;
  }
}

// _ctl_ioctl_main.
int FakeCtlNodes::Ioctl(int descriptor, uint32_t number, MutableByteSpan argument) {
  const auto header = DecodeCtlHeader(argument);
  if (!header.ok()) return -EFAULT;
  Hba name;
  {
    absl::MutexLock lock(&mu_);
    const auto opened = descriptors_.find(descriptor);
    if (opened == descriptors_.end()) return -EBADF;
    name = {opened->second, header->ioc_number};
    // pci_access_mutex: uninterruptible, regardless of the descriptor's flags.
    const auto is_free = [this, &name]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
      const auto it = hbas_.find(name);
      return it == hbas_.end() || !it->second.busy;
    };
    mu_.Await(absl::Condition(&is_free));
    State* hba = Find(name);
    if (hba == nullptr) return -ENODEV;
    const auto failure = failures_.find(number);
    if (failure != failures_.end() && failure->second.second-- > 0) return -failure->second.first;
    if (hba->in_reset) return -EAGAIN;
    if (number != ioctl_number::kCommand) return Ask(*hba, number, argument);
    hba->busy = true;
    ++commands_;
  }
  const int result = Command(name, argument);
  absl::MutexLock lock(&mu_);
  if (State* after = Find(name)) after->busy = false;
  return result;
}

// _ctl_do_mpt_command.
int FakeCtlNodes::Command(const Hba& name, MutableByteSpan argument) {
  const auto header = DecodeCommandHeader(argument);
  if (!header.ok()) return -EFAULT;
  const size_t frame_size = size_t{header->data_sge_offset} * 4;
  if (frame_size > kReplyFrame) return -EINVAL;
  if (CommandHeader::kSize + frame_size > argument.size()) return -EFAULT;
  FakeCommand command;
  command.timeout_s = std::max<uint32_t>(10, header->timeout_s);
  const auto frame = argument.begin() + CommandHeader::kSize;
  command.frame.assign(frame, frame + static_cast<std::ptrdiff_t>(frame_size));
  const uint8_t* out = At(header->data_out_address);
  command.data_out.assign(out, out + header->data_out_size);
  command.data_in.resize(header->data_in_size);
  Handler handler;
  {
    absl::MutexLock lock(&mu_);
    if (State* hba = Find(name)) handler = hba->handler;
  }
  FakeCommandEnd end;
  if (handler) {
    end = handler(command);
  } else {
    mpi::ReplyHeader reply;
    reply.function = static_cast<mpi::Function>(command.frame.size() > 3 ? command.frame[3] : 0);
    end.reply = mpi::EncodeReplyHeader(reply);
    Store8(absl::MakeSpan(end.reply), 0x02, static_cast<uint8_t>(end.reply.size() / 4));
  }
  if (end.error != 0) return -end.error;
  if (end.ended_by_reset) return 0;
  // The whole input buffer and the IOC's whole reply frame, in any case.
  std::copy_n(command.data_in.begin(), header->data_in_size, At(header->data_in_address));
  end.reply.resize(kReplyFrame);
  std::copy_n(end.reply.begin(), std::min<size_t>(header->max_reply_bytes, kReplyFrame),
              At(header->reply_address));
  return 0;
}

bool FakeCtlNodes::IsReadable() const {
  return std::any_of(hbas_.begin(), hbas_.end(),
                     [](const auto& hba) { return hba.second.readable; });
}

int FakeCtlNodes::Poll(absl::Span<const int> descriptors, absl::Duration) {
  absl::MutexLock lock(&mu_);
  ++polls_;
  for (const int descriptor : descriptors) {
    if (descriptors_.count(descriptor) == 0) return -EBADF;
  }
  ++polling_;
  mu_.Await(absl::Condition(this, &FakeCtlNodes::PollEnds));
  --polling_;
  if (std::exchange(interrupted_, false)) return 0;
  return IsReadable() && !polls_held_ ? 1 : 0;
}

void FakeCtlNodes::Interrupt() {
  absl::MutexLock lock(&mu_);
  interrupted_ = true;
}

}  // namespace sasd::mpt3ctl
