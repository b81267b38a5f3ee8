#ifndef DRIVER_TRANSPORT_MPT3CTL_CTL_TRANSPORT_H_
#define DRIVER_TRANSPORT_MPT3CTL_CTL_TRANSPORT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <thread>  // NOLINT: an owned thread
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "driver/transport/ioc_transport.h"
#include "driver/transport/mpt3ctl/ctl_codec.h"
#include "driver/transport/mpt3ctl/ctl_command.h"
#include "driver/transport/mpt3ctl/ctl_host.h"
#include "driver/transport/mpt3ctl/ctl_nodes.h"
#include "driver/transport/mpt3ctl/ctl_poller.h"
#include "driver/transport/mpt3ctl/event_log.h"

namespace sasd::mpt3ctl {

// The SAS events that the driver unmasks by itself (mpt3sas_base.c, _base_make_ioc_operational):
// logging them sends nothing to the firmware.
EventMask DefaultEvents();

struct CtlOptions {
  EventMask events = DefaultEvents();
  // The number of host resets since its driver took it (scsi_host's ioc_reset_count); nullopt if it
  // cannot be read. Without it, a reset between two looks goes unnoticed. Called from the HBA's
  // thread.
  std::function<std::optional<uint32_t>()> reset_count;
  // The HBA was unplugged or unbound; it does not return under its number. Called once, from the
  // HBA's thread, without a lock; must not destroy the transport.
  std::function<void()> on_gone;
};

// An HBA that the kernel's mpt3sas owns, through its control node; Info().owned is false.
// CtlCommand lists the requests that may be sent; Reset() is refused.
//
// One thread runs the HBA's ioctls, one at a time: the driver serializes them per HBA anyway, and
// each may wait for the commands of other programs. Execute() returns kDeadlineExceeded after the
// request's own timeout, but the kernel decides when a running ioctl ends: after up to
// CtlCommand::kMinKernelTimeout or the request's longer timeout. Until then other requests wait,
// Submit()'s `done` may come late, and the destructor waits.
//
// Events: the listener gets those logged after SetListener() begins. It returns when the mask is
// set and the place in the log is known, so a caller that reads pages afterwards misses nothing.
// EventArrival::context is that of the log; `data` has 192 bytes, regardless of the event's length;
// `time` is when the log was read. If another program overwrites the mask, the transport restores
// it and reports a gap of unknown size.
//
// Resets: a rise of reset_count, or the driver's refusal to take requests (EAGAIN, or an aborted
// command), is OnResetBegin(). OnReady() follows once a request is answered again. A caller that
// gets kUnavailable or kAborted can rely on both calls. When the HBA is gone, OnResetBegin() comes
// without OnReady(), and every request returns kFailedPrecondition.
//
// Thread-safe; no lock is held while an ioctl runs or a listener is called.
class CtlTransport : public transport::IocTransport, private CtlWatcher {
 public:
  static constexpr size_t kMaxWaiting = 64;  // requests; then kResourceExhausted

  // Opens the node and reads the HBA's identity. Borrows `nodes`, `poller` and `clock`. Errors:
  // those of StatusOfErrno(); kFailedPrecondition if the HBA is not at host.pci_address (unless
  // empty).
  static absl::StatusOr<std::unique_ptr<CtlTransport>> Create(CtlHost host, CtlNodes& nodes,
                                                              CtlPoller& poller, Clock& clock,
                                                              CtlOptions options = {});
  // Waiting requests complete with kCancelled. Waits for the running ioctl.
  ~CtlTransport() override;

  // IocTransport
  transport::IocInfo Info() const override { return info_; }
  absl::Status Submit(const transport::IocRequest& request, Completion done) override
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<transport::IocReply> Execute(const transport::IocRequest& request) override
      ABSL_LOCKS_EXCLUDED(mu_);
  // With a listener: waits for the HBA's thread, and so for a running ioctl.
  void SetListener(transport::IocListener* listener) override ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Reset() override;

  // The node's report of the HBA, with firmware and driver version.
  const CtlIocInfo& ioc_info() const { return ioc_info_; }

 private:
  enum class State : uint8_t { kOperating, kInReset, kGone };
  struct Answer {
    transport::IocReply reply;
    Bytes data_in;
  };
  using Answered = std::function<void(absl::StatusOr<Answer>)>;
  struct Request {
    CtlCommand command;
    absl::Duration deadline;  // Clock::Monotonic(); to begin
    Answered done;
  };
  // The next work of the thread.
  struct Work {
    bool stop = false;
    bool look = false;
    transport::IocListener* new_listener = nullptr;
    std::optional<Request> request;
  };

  CtlTransport(CtlHost host, CtlNodes& nodes, CtlPoller& poller, Clock& clock, CtlOptions options,
               int descriptor, CtlIocInfo ioc_info);

  void Look() override ABSL_LOCKS_EXCLUDED(mu_);

  absl::Status Enqueue(const transport::IocRequest& request, Answered done)
      ABSL_LOCKS_EXCLUDED(mu_);

  // The thread's.
  void Run();
  Work AwaitWork() ABSL_LOCKS_EXCLUDED(mu_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  void BeginListening(transport::IocListener* listener) ABSL_LOCKS_EXCLUDED(mu_);
  // Looks at mask, log and reset count; true if there was news.
  bool LookAround();
  bool Resume();
  // 0 or an errno.
  int Call(uint32_t number, MutableByteSpan argument);
  int Observe(std::vector<LogItem>& items);
  int KeepMask(std::vector<LogItem>& items, bool always);
  int ReadLog(std::vector<LogItem>& items);
  int Probe();
  void RunRequest(Request request);
  absl::Status StatusOfCommand(int error);

  bool ResetCountRose();
  void Fail(int error);
  // `counted`: reset_count has risen already.
  void BeginReset(absl::string_view why, bool counted);
  void BecomeGone();
  // Takes the waiting requests.
  std::deque<Request> Leave(State state) ABSL_LOCKS_EXCLUDED(mu_);
  void Deliver(const std::vector<LogItem>& items, absl::Duration time);
  void EndDelivery() ABSL_LOCKS_EXCLUDED(mu_);
  template <typename F>
  void Notify(F f) ABSL_LOCKS_EXCLUDED(mu_);
  State state() const ABSL_LOCKS_EXCLUDED(mu_);
  bool NobodyDelivers() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !delivering_; }
  bool HasListener() const ABSL_LOCKS_EXCLUDED(mu_);

  // Constant.
  const CtlHost host_;
  CtlNodes& nodes_;
  CtlPoller& poller_;
  Clock& clock_;
  const CtlOptions options_;
  const int descriptor_;
  const CtlIocInfo ioc_info_;
  const transport::IocInfo info_;

  // The thread's.
  EventLog log_;
  Bytes report_;
  std::optional<uint32_t> resets_;  // reset_count when it was read last
  bool count_is_due_ = false;       // a reset was noticed, but reset_count has not risen yet
  bool look_again_ = false;

  mutable absl::Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_) = State::kOperating;
  std::deque<Request> waiting_ ABSL_GUARDED_BY(mu_);
  transport::IocListener* listener_ ABSL_GUARDED_BY(mu_) = nullptr;
  transport::IocListener* new_listener_ ABSL_GUARDED_BY(mu_) = nullptr;
  bool delivering_ ABSL_GUARDED_BY(mu_) = false;
  bool look_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // the last: it uses the others
};

}  // namespace sasd::mpt3ctl

#endif  // DRIVER_TRANSPORT_MPT3CTL_CTL_TRANSPORT_H_
