#ifndef DRIVER_TRANSPORT_MPT3CTL_FAKE_CTL_NODES_H_
#define DRIVER_TRANSPORT_MPT3CTL_FAKE_CTL_NODES_H_

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "driver/transport/mpt3ctl/ctl_codec.h"
#include "driver/transport/mpt3ctl/ctl_nodes.h"

namespace sasd::mpt3ctl {

// A COMMAND as the kernel's driver passes it to the firmware.
struct FakeCommand {
  Bytes frame;
  Bytes data_out;
  Bytes data_in;  // the handler fills it
  uint32_t timeout_s = 0;
};

// The outcome: an errno, or 0 and a reply (empty: the firmware sent none).
struct FakeCommandEnd {
  int error = 0;
  Bytes reply;
  // A host reset ended the command: 0, and nothing is written.
  bool ended_by_reset = false;
};

// The kernel's side of the control nodes (mpt3sas_ctl.c, Linux 6.1). Each HBA has a ring, a mask
// and a wake flag, shared by all programs that have a node open. A node is readable while any HBA's
// flag is set. It writes what the kernel would write, and counts arguments that are too short for
// that. Commands go to a handler, one at a time per HBA. Thread-safe; calls handlers without its
// lock.
class FakeCtlNodes : public CtlNodes {
 public:
  // An HBA: its node and number.
  using Hba = std::pair<std::string, uint32_t>;
  using Handler = std::function<FakeCommandEnd(FakeCommand& command)>;

  static constexpr size_t kReplyFrame = 128;  // IOCFacts' ReplyFrameSize, in bytes

  FakeCtlNodes() = default;
  ~FakeCtlNodes() override = default;

  // Adds an HBA, and its node if it is new.
  void Add(const Hba& hba, CtlIocInfo info = {}) ABSL_LOCKS_EXCLUDED(mu_);
  // Unbinds an HBA: its number becomes free.
  void Remove(const Hba& hba) ABSL_LOCKS_EXCLUDED(mu_);
  // Opening `path` fails with this errno.
  void FailOpen(const std::string& path, int error) ABSL_LOCKS_EXCLUDED(mu_);
  // The next ioctls with this number fail with this errno, `count` times.
  void FailNext(uint32_t number, int error, int count = 1) ABSL_LOCKS_EXCLUDED(mu_);
  // Sets the answer to commands from now on. The default: a default reply, success.
  void OnCommand(const Hba& hba, Handler handler) ABSL_LOCKS_EXCLUDED(mu_);

  // Acts as the interrupt: adds the event to the ring if the mask has it, and wakes.
  void RaiseEvent(const Hba& hba, uint16_t event, ByteSpan data) ABSL_LOCKS_EXCLUDED(mu_);
  // The next EVENTREPORT finds the newest entry without its data.
  void TearNextReport(const Hba& hba) ABSL_LOCKS_EXCLUDED(mu_);
  // Sets the context of the next entry.
  void SetNextContext(const Hba& hba, uint32_t context) ABSL_LOCKS_EXCLUDED(mu_);
  // shost_recovery: every ioctl returns EAGAIN.
  void SetInReset(const Hba& hba, bool in_reset) ABSL_LOCKS_EXCLUDED(mu_);

  // Makes the running Poll(), or the next one, return as at its timeout. Time does not pass
  // otherwise.
  void Tick() ABSL_LOCKS_EXCLUDED(mu_);
  // While held, Poll() returns only at Tick() and Interrupt(), so events pile up. Holding begins
  // when a poll waits: earlier events have been read by then.
  void HoldPolls(bool hold) ABSL_LOCKS_EXCLUDED(mu_);
  // Waits, in real time, until all logs have been read and a poll waits. False after a minute.
  bool AwaitQuiet() ABSL_LOCKS_EXCLUDED(mu_);

  EventMask mask(const Hba& hba) const ABSL_LOCKS_EXCLUDED(mu_);
  bool is_logging(const Hba& hba) const ABSL_LOCKS_EXCLUDED(mu_);
  size_t polls() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t commands() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t open_descriptors() const ABSL_LOCKS_EXCLUDED(mu_);
  // The number of arguments beyond whose end the kernel would have written.
  size_t overruns() const ABSL_LOCKS_EXCLUDED(mu_);

  // CtlNodes
  int Open(const char* path) override ABSL_LOCKS_EXCLUDED(mu_);
  int Ioctl(int descriptor, uint32_t number, MutableByteSpan argument) override
      ABSL_LOCKS_EXCLUDED(mu_);
  int Poll(absl::Span<const int> descriptors, absl::Duration timeout) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void Interrupt() override ABSL_LOCKS_EXCLUDED(mu_);
  void Close(int descriptor) override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct State {
    CtlIocInfo info;
    EventMask mask;
    bool logging = false;  // event_log
    uint32_t next_context = 0;
    Bytes ring = Bytes(kLogEntries * LogEntry::kSize);
    bool readable = false;  // aen_event_read_flag
    bool tear = false;
    bool in_reset = false;
    bool busy = false;  // pci_access_mutex
    Handler handler;
  };

  int Report(State& hba, MutableByteSpan argument) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int Ask(State& hba, uint32_t number, MutableByteSpan argument) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  int Command(const Hba& name, MutableByteSpan argument) ABSL_LOCKS_EXCLUDED(mu_);
  int Put(ByteSpan bytes, MutableByteSpan argument, size_t at) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  State* Find(const Hba& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool IsReadable() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  bool PollEnds() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return interrupted_ || (IsReadable() && !polls_held_);
  }
  bool IsQuiet() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return polling_ > 0 && !PollEnds(); }

  mutable absl::Mutex mu_;
  std::map<Hba, State> hbas_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, int> nodes_ ABSL_GUARDED_BY(mu_);  // path: errno of opening it
  std::map<int, std::string> descriptors_ ABSL_GUARDED_BY(mu_);
  std::map<uint32_t, std::pair<int, int>> failures_ ABSL_GUARDED_BY(mu_);  // number: errno, count
  int next_descriptor_ ABSL_GUARDED_BY(mu_) = 100;
  bool interrupted_ ABSL_GUARDED_BY(mu_) = false;
  size_t polls_ ABSL_GUARDED_BY(mu_) = 0, commands_ ABSL_GUARDED_BY(mu_) = 0;
  size_t overruns_ ABSL_GUARDED_BY(mu_) = 0;
  size_t polling_ ABSL_GUARDED_BY(mu_) = 0;
  bool polls_held_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace sasd::mpt3ctl

#endif  // DRIVER_TRANSPORT_MPT3CTL_FAKE_CTL_NODES_H_
