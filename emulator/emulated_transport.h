#ifndef EMULATOR_EMULATED_TRANSPORT_H_
#define EMULATOR_EMULATED_TRANSPORT_H_

#include <cstdint>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "driver/transport/ioc_transport.h"
#include "emulator/firmware/virtual_hba.h"

namespace sasd::emulator {

// A message whose delivery is held back (Hold()).
struct HeldMessage {
  enum class Kind : uint8_t { kReply, kEvent, kEventsLost, kResetBegin, kReady };
  uint64_t id = 0;  // for Release()
  Kind kind = Kind::kEvent;
  uint8_t function = 0;  // kReply: MPI function of the request
  uint16_t event = 0;    // kEvent: MPI event
  std::string text;      // one line for people
};

// The virtual HBA's front end for drivers in the same process. It carries request, reply and event
// frames as bytes.
//
// Submit() runs the firmware inline. The completion runs in the same thread after every lock was
// released; only PORT ENABLE completes later, after the events of its discovery. Events are
// delivered in order, one at a time. The thread that caused an event delivers it, unless another
// thread is delivering already and takes it over. The delivering thread runs the listener, which
// may call Submit(). Execute() waits in real time.
//
// A fault of the IOC calls OnResetBegin(). The IOC is reset when the fault's delay has passed
// (Emulator::RunTimers(); at once without a delay), as the kernel's watchdog does, and OnReady() is
// called. Reset() during a fault ends it. Reset() returns before OnReady() while delivery is held
// back and when a listener calls it.
//
// Thread-safe.
class EmulatedTransport : public transport::IocTransport, public HbaFrontEnd {
 public:
  // Borrows the HBA for its lifetime. Info() returns `info` unchanged.
  EmulatedTransport(VirtualHba& hba, transport::IocInfo info, size_t request_credit);

  // IocTransport
  transport::IocInfo Info() const override { return info_; }
  absl::Status Submit(const transport::IocRequest& request, Completion done) override
      ABSL_LOCKS_EXCLUDED(mu_);
  absl::StatusOr<transport::IocReply> Execute(const transport::IocRequest& request) override
      ABSL_LOCKS_EXCLUDED(mu_);
  void SetListener(transport::IocListener* listener) override ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Reset() override ABSL_LOCKS_EXCLUDED(mu_);

  // For tests. After Hold() nothing is delivered: no replies (their request frames stay in use) and
  // no events. Release() delivers one message in the calling thread, in any order the test chooses.
  // ReleaseAll() delivers all of them in order and ends the hold. Held() lists them, oldest first.
  void Hold() ABSL_LOCKS_EXCLUDED(mu_);
  std::vector<HeldMessage> Held() const ABSL_LOCKS_EXCLUDED(mu_);
  absl::Status Release(uint64_t id) ABSL_LOCKS_EXCLUDED(mu_);  // kNotFound
  void ReleaseAll() ABSL_LOCKS_EXCLUDED(mu_);

  // For tests: limits the request frames in flight (at the start: the fabric file's
  // request_credit).
  void SetRequestCredit(size_t frames) ABSL_LOCKS_EXCLUDED(mu_);
  // Request frames in use.
  size_t requests_in_flight() const ABSL_LOCKS_EXCLUDED(mu_);
  // For tests: whether the delivering thread may wait in the listener's OnDelivered() (true at the
  // start). If not, the listener's work runs beside the next messages.
  void SetCallerMayWait(bool may_wait) ABSL_LOCKS_EXCLUDED(mu_);
  // For tests: makes requests of a function fail.
  void SetRequestHook(mpi::Function function, RequestHook hook) { hba_.SetHook(function, hook); }
  // For tests: events that the host has not acknowledged yet.
  size_t unacknowledged_events() const { return hba_.unacknowledged_events(); }
  // For tests: whether an event is held back, or an injected fault applies to the next one.
  bool events_in_trouble() const { return hba_.events_in_trouble(); }

  // HbaFrontEnd
  void QueueEvent(OutboundEvent event) override ABSL_LOCKS_EXCLUDED(mu_);
  void QueueResetBegin() override ABSL_LOCKS_EXCLUDED(mu_);
  void QueueReady() override ABSL_LOCKS_EXCLUDED(mu_);
  void Deliver() override ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Message {
    HeldMessage::Kind kind = HeldMessage::Kind::kEvent;
    uint64_t id = 0;
    OutboundEvent event;
    // kReply
    uint8_t function = 0;
    Completion done;
    absl::StatusOr<transport::IocReply> result = transport::IocReply();
  };

  static HeldMessage Describe(const Message& message);
  void Queue(Message message) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Delivers one message in this thread. No other thread is delivering.
  void DeliverOne(Message message) ABSL_LOCKS_EXCLUDED(mu_);
  void DeliverEvent(const OutboundEvent& event, transport::IocListener& listener);
  void EndDelivery() ABSL_LOCKS_EXCLUDED(mu_);
  bool NobodyDelivers() const ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !delivering_; }
  bool NobodyIsCalling() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return !delivering_ && ending_ == 0;
  }
  bool IsDelivering() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return delivering_ && deliverer_ == std::this_thread::get_id();
  }

  VirtualHba& hba_;
  const transport::IocInfo info_;

  mutable absl::Mutex mu_;
  transport::IocListener* listener_ ABSL_GUARDED_BY(mu_) = nullptr;
  std::deque<Message> queue_ ABSL_GUARDED_BY(mu_);
  uint64_t next_id_ ABSL_GUARDED_BY(mu_) = 1;
  bool held_ ABSL_GUARDED_BY(mu_) = false;
  bool delivering_ ABSL_GUARDED_BY(mu_) = false;
  std::thread::id deliverer_ ABSL_GUARDED_BY(mu_);  // while delivering_
  int ending_ ABSL_GUARDED_BY(mu_) = 0;             // OnDelivered() calls
  bool caller_may_wait_ ABSL_GUARDED_BY(mu_) = true;
  bool available_ ABSL_GUARDED_BY(mu_) = true;  // false from a reset's begin until it is ready
  uint64_t resets_begun_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t readies_queued_ ABSL_GUARDED_BY(mu_) = 0;
  uint64_t readies_delivered_ ABSL_GUARDED_BY(mu_) = 0;
  size_t credit_ ABSL_GUARDED_BY(mu_);
  size_t in_flight_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace sasd::emulator

#endif  // EMULATOR_EMULATED_TRANSPORT_H_
