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

// A COMMAND as the kernel's driver hands it to the firmware.
struct FakeCommand {
  Bytes frame;
  Bytes data_out;
  Bytes data_in;  // to be filled
  uint32_t timeout_s = 0;
};

// What comes of it: an errno, or 0 and a reply (empty: the firmware sent none).
struct FakeCommandEnd {
  int error = 0;
  Bytes reply;
  // As when a host reset ends the command: 0, and nothing is written.
  bool ended_by_reset = false;
};

// The kernel's side of the control nodes (mpt3sas_ctl.c, Linux 6.1): per HBA a ring, a mask and a
// wake flag, shared by all who have a node open; nodes that are readable while any HBA's flag is
// set. It writes what the kernel would write, and counts where an argument was too short for that.
// Commands go to a handler, one at a time per HBA. Thread-safe; calls handlers without its lock.
class FakeCtlNodes : public CtlNodes {
 public:
  // An HBA: its node and number.
  using Hba = std::pair<std::string, uint32_t>;
  using Handler = std::function<FakeCommandEnd(FakeCommand& command)>;

  static constexpr size_t kReplyFrame = 128;  // IOCFacts' ReplyFrameSize, in bytes

  FakeCtlNodes() = default;
  ~FakeCtlNodes() override = default;

  // Adds an HBA, and its node unless it is there.
  void Add(const Hba& hba, CtlIocInfo info = {}) ABSL_LOCKS_EXCLUDED(mu_);
  // Unbinds it: the number is no one's any more.
  void Remove(const Hba& hba) ABSL_LOCKS_EXCLUDED(mu_);
  // Opening `path` fails with this errno.
  void FailOpen(const std::string& path, int error) ABSL_LOCKS_EXCLUDED(mu_);
  // The next ioctls with this number fail with this errno, `count` times.
  void FailNext(uint32_t number, int error, int count = 1) ABSL_LOCKS_EXCLUDED(mu_);
  // Answers commands from now on. Without one: a default reply, success.
  void OnCommand(const Hba& hba, Handler handler) ABSL_LOCKS_EXCLUDED(mu_);

  // As the interrupt does: into the ring if the mask has it, and wakes.
  void RaiseEvent(const Hba& hba, uint16_t event, ByteSpan data) ABSL_LOCKS_EXCLUDED(mu_);
  // The next EVENTREPORT finds the newest entry without its data yet.
  void TearNextReport(const Hba& hba) ABSL_LOCKS_EXCLUDED(mu_);
  // The number that the next entry has.
  void SetNextContext(const Hba& hba, uint32_t context) ABSL_LOCKS_EXCLUDED(mu_);
  // shost_recovery: every ioctl is EAGAIN.
  void SetInReset(const Hba& hba, bool in_reset) ABSL_LOCKS_EXCLUDED(mu_);

  // A running Poll(), or the next, returns as at its timeout. No time passes otherwise.
  void Tick() ABSL_LOCKS_EXCLUDED(mu_);
  // While held no Poll() returns but for Tick() and Interrupt(): events pile up. Begins when one
  // waits: what an earlier one called for has been read.
  void HoldPolls(bool hold) ABSL_LOCKS_EXCLUDED(mu_);
  // Waits, in real time, until all logs have been read and a poll waits. False after a minute.
  bool AwaitQuiet() ABSL_LOCKS_EXCLUDED(mu_);

  EventMask mask(const Hba& hba) const ABSL_LOCKS_EXCLUDED(mu_);
  bool is_logging(const Hba& hba) const ABSL_LOCKS_EXCLUDED(mu_);
  size_t polls() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t commands() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t open_descriptors() const ABSL_LOCKS_EXCLUDED(mu_);
  // Arguments that the kernel would have written beyond.
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
