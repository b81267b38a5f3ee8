#ifndef DRIVER_TRANSPORT_PCI_IOC_PCI_IOC_TRANSPORT_H_
#define DRIVER_TRANSPORT_PCI_IOC_PCI_IOC_TRANSPORT_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <thread>  // NOLINT: an owned thread

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "driver/transport/ioc_transport.h"
#include "driver/transport/pci_ioc/allowed_requests.h"
#include "driver/transport/pci_ioc/bus_pacer.h"
#include "driver/transport/pci_ioc/doorbell_handshake.h"
#include "driver/transport/pci_ioc/ioc_reset.h"
#include "driver/transport/pci_ioc/pacer.h"
#include "driver/transport/pci_ioc/pci_bus.h"
#include "driver/transport/pci_ioc/queue_layout.h"
#include "driver/transport/pci_ioc/queue_registers.h"
#include "driver/transport/pci_ioc/reply_rings.h"
#include "driver/transport/pci_ioc/request_table.h"
#include "driver/wire/mpi/messages.h"

namespace sasd::pci_ioc {

struct PciIocOptions {
  // `owned` is true in any case; an empty name or pci_address is filled in from the function.
  transport::IocInfo info;
  // The mode to try first. Without it INTx is tried, then the transport polls.
  InterruptMode interrupts = InterruptMode::kMsix;
  size_t vectors = 1;  // reply queues with MSI-X; QueueLayout::kMaxQueues at most are used
  // The IOC was released or is gone: no request will succeed any more. Called once, from the
  // transport's context, without a lock; must not destroy the transport. kCancelled: the system
  // asked for the function, and the IOC was handed back; others: why it is gone.
  std::function<void(const absl::Status&)> on_gone;
  // False: no thread; the caller's RunStep() does its work, and Execute() and Reset() run steps
  // until they have their result. For tests.
  bool threaded = true;
  // For tests: the waits of resets and handshakes; nullptr: they take real time.
  Pacer* pacer = nullptr;
  // For tests: the time between two looks at the IOC.
  absl::Duration look_interval = absl::Seconds(1);
};

struct PciIocStats {
  InterruptMode interrupts = InterruptMode::kNone;
  size_t queues = 0;
  uint64_t interrupts_taken = 0;  // returns of PciBus::Wait() with one
  uint64_t replies = 0, events = 0;
  uint64_t rejected = 0;   // ring entries and replies that lie
  uint64_t timeouts = 0;   // requests that were given up
  uint64_t resets = 0;     // recoveries, for any reason
  std::string last_reset;  // the reason
};

// An IOC without the kernel's driver: its registers, queues and interrupts through a PciBus, as
// mpt3sas_base.c drives them. Info().owned is true. CheckAllowed() lists the requests that may be
// sent. Requests carry up to QueueLayout::kLargeDataSize bytes of data.
//
// Create() takes the IOC over in any state, and leaves it in READY. The caller's IOC
// INIT makes it operate: the transport fills in the queues and sends it through the doorbell, as it
// does for IOC FACTS, PORT FACTS and MESSAGE UNIT RESET. Until then all other requests are
// kUnavailable.
//
//   kReady --IOC INIT--> kOperational --fault, foreign reset, Reset()--> kInReset --READY--> kReady
//   kOperational --MESSAGE UNIT RESET--> kReady;  any --removed, released--> kGone
//
// A reset of any kind calls OnResetBegin(), aborts the requests, brings the IOC to READY and calls
// OnReady(); the listener's owner then sends IOC INIT again. Each second the transport looks at the
// doorbell, since nothing interrupts when an IOC faults or is reset by another path.
//
// Bus master is on from IOC INIT, that is only after READY, to the next reset or the end. The end
// (destructor, or the system's request for the function) masks interrupts, brings the IOC to READY
// and turns bus master off: another driver finds nothing that could write to memory.
//
// What the IOC writes is bytes from outside (ReplyRings, request sizes). After kMaxLies of them, or
// if half of the requests were never answered, the IOC is reset. A request that is given up keeps
// its place until the IOC answers or is reset.
//
// Thread-safe. One thread waits for the function and runs listener and completions: the
// transport's context; OnDelivered() always gets kMayNotWait. Lock order: mu_ before the bus's.
class PciIocTransport : public transport::IocTransport {
 public:
  static constexpr uint64_t kMaxLies = 64;

  // Owns the bus. Waits until the IOC is READY: minutes in the worst case; the system's request for
  // the function ends that (kCancelled). Errors: those of PciBus, MakeReady(), LayOutQueues().
  static absl::StatusOr<std::unique_ptr<PciIocTransport>> Create(std::unique_ptr<PciBus> bus,
                                                                 Clock& clock,
                                                                 PciIocOptions options);
  // Requests complete with kCancelled. Hands the IOC back; waits for that. No listener is called.
  ~PciIocTransport() override;

  // IocTransport
  transport::IocInfo Info() const override { return options_.info; }
  absl::Status Submit(const transport::IocRequest& request, Completion done) override
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<transport::IocReply> Execute(const transport::IocRequest& request) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void SetListener(transport::IocListener* listener) override ABSL_LOCKS_EXCLUDED(mu_);
  // A diagnostic reset. Ends in READY: OnResetBegin() and OnReady() were called, and the caller's
  // IOC INIT makes the IOC operate again. Returns before that if the transport's context calls it.
  absl::Status Reset() override ABSL_LOCKS_EXCLUDED(mu_);

  // One turn of the thread: waits for the function, for `longest` at most, delivers what has come,
  // and looks after the IOC. For transports without a thread.
  void RunStep(absl::Duration longest) ABSL_LOCKS_EXCLUDED(mu_);

  PciIocStats stats() const ABSL_LOCKS_EXCLUDED(mu_);
  // Requests that the IOC has, with those that were given up.
  size_t requests_in_flight() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  enum class State : uint8_t { kReady, kOperational, kInReset, kGone };
  // A request for the doorbell.
  struct Job {
    Bytes frame;
    absl::Duration deadline;
    Completion done;
  };

  PciIocTransport(std::unique_ptr<PciBus> bus, Clock& clock, PciIocOptions options);

  // Brings the IOC to READY and reads its facts.
  absl::Status BringUp(ResetWish wish);
  absl::Status EnableInterrupts();
  // READY begins: lays out the queues for the facts.
  absl::Status BeginReady() ABSL_LOCKS_EXCLUDED(mu_);
  void SetBusMaster(bool on);
  bool IsBusMaster();
  void HandBack();

  // Requests.
  absl::Status CheckState(RequestPath path) const ABSL_SHARED_LOCKS_REQUIRED(mu_);
  absl::StatusOr<uint64_t> Send(const transport::IocRequest& request, Completion done)
      ABSL_LOCKS_EXCLUDED(mu_);
  // True: it was given up; its completion will not run.
  bool GiveUp(uint64_t ticket) ABSL_LOCKS_EXCLUDED(mu_);

  // The thread's.
  void Run();
  absl::Duration NextWait(absl::Duration longest) ABSL_LOCKS_EXCLUDED(mu_);
  void RunJobs();
  absl::StatusOr<transport::IocReply> RunJob(const Job& job);
  absl::StatusOr<Bytes> Initialize(const Job& job);
  absl::StatusOr<Bytes> TakeBackToReady();
  void Drain();
  void DeliverEvent(const RingEntry& entry);
  void Expire();
  void Look();
  void LookAtNothing();
  std::string Trouble(const DoorbellValue& doorbell);
  void Recover(absl::string_view why, ResetWish wish);
  void BecomeGone(const absl::Status& why);
  std::deque<Job> TakeJobs() ABSL_LOCKS_EXCLUDED(mu_);
  // Ends all requests that the IOC has.
  void Abort(const absl::Status& why) ABSL_LOCKS_EXCLUDED(mu_);
  void Notify(absl::FunctionRef<void(transport::IocListener&)> call) ABSL_LOCKS_EXCLUDED(mu_);
  void EndDelivery();
  State state() const ABSL_LOCKS_EXCLUDED(mu_);
  bool OnThread() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return thread_id_ == std::this_thread::get_id();
  }
  bool NobodyIsCalling() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !calling_; }

  const std::unique_ptr<PciBus> bus_;
  Clock& clock_;
  PciIocOptions options_;  // constant after Create()
  BusPacer own_pacer_;
  Pacer& pacer_;    // that one, or the options'
  DmaArena arena_;  // constant after Create()
  InterruptMode mode_ = InterruptMode::kNone;
  size_t queues_ = 1;

  // The thread's.
  mpi::IocFactsReply facts_;
  ReplyRings rings_;
  absl::Duration next_look_;
  int silent_looks_ = 0;
  uint64_t lies_ = 0;  // since the last reset

  mutable absl::Mutex mu_;
  State state_ ABSL_GUARDED_BY(mu_) = State::kInReset;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  QueueLayout layout_ ABSL_GUARDED_BY(mu_);
  QueueRegisters registers_ ABSL_GUARDED_BY(mu_);
  RequestTable requests_ ABSL_GUARDED_BY(mu_);
  std::deque<Job> jobs_ ABSL_GUARDED_BY(mu_);
  transport::IocListener* listener_ ABSL_GUARDED_BY(mu_) = nullptr;
  bool calling_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t resets_wanted_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t resets_done_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status gone_ ABSL_GUARDED_BY(mu_);
  PciIocStats stats_ ABSL_GUARDED_BY(mu_);
  std::thread::id thread_id_ ABSL_GUARDED_BY(mu_);  // of the transport's context

  std::thread thread_;
};

}  // namespace sasd::pci_ioc

#endif  // DRIVER_TRANSPORT_PCI_IOC_PCI_IOC_TRANSPORT_H_
