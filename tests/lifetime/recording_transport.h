#ifndef TESTS_LIFETIME_RECORDING_TRANSPORT_H_
#define TESTS_LIFETIME_RECORDING_TRANSPORT_H_

#include <atomic>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "driver/base/endian.h"
#include "driver/transport/ioc_transport.h"
#include "driver/wire/mpi/constants.h"
#include "driver/wire/mpi/events.h"

namespace sasd::lifetime {

// Records the accepted requests, in order. Runs a test's action right before a request, and changes
// replies. Delivers events that no sane firmware would send. Thread-safe.
class RecordingTransport : public transport::IocTransport {
 public:
  // `inner` outlives this.
  explicit RecordingTransport(transport::IocTransport& inner) : inner_(inner) {}

  // The removal handshakes sent: "reset 0x000a", "remove 0x000a".
  std::vector<std::string> Handshakes() const ABSL_LOCKS_EXCLUDED(mu_);
  size_t CountOf(mpi::Function function) const ABSL_LOCKS_EXCLUDED(mu_);
  void ClearRecords() ABSL_LOCKS_EXCLUDED(mu_);

  // Calls `act` once, right before the next request of this function, in the sending thread. `act`
  // may do anything except wait for a sending thread.
  void Before(mpi::Function function, std::function<void()> act) ABSL_LOCKS_EXCLUDED(mu_);

  // Called with each reply to Execute() from now on; it may change the reply.
  using Filter = std::function<void(const transport::IocRequest&, transport::IocReply&)>;
  void SetFilter(Filter filter) ABSL_LOCKS_EXCLUDED(mu_);

  bool has_listener() const { return listener_ != nullptr; }
  // Delivers an event to the listener, while nothing else is being delivered.
  void Deliver(mpi::EventCode event, ByteSpan data);
  void Deliver(const mpi::EventData& event) { Deliver(CodeOf(event), EncodeEvent(event)); }
  void DeliverEventsLost(uint32_t count);
  // Whether events of the IOC reach the listener (true at the start). Those of the meantime are
  // lost without a trace.
  void SetHearing(bool hears) { inner_.SetListener(hears ? listener_.load() : nullptr); }

  transport::IocInfo Info() const override { return inner_.Info(); }
  absl::Status Submit(const transport::IocRequest& request, Completion done) override;
  absl::StatusOr<transport::IocReply> Execute(const transport::IocRequest& request) override;
  void SetListener(transport::IocListener* listener) override;
  absl::Status Reset() override { return inner_.Reset(); }

 private:
  using Frames = std::list<Bytes>;

  // Records a frame; Forget() it if the request is refused.
  Frames::iterator Record(ByteSpan frame) ABSL_LOCKS_EXCLUDED(mu_);
  void Forget(Frames::iterator frame) ABSL_LOCKS_EXCLUDED(mu_);

  transport::IocTransport& inner_;
  std::atomic<transport::IocListener*> listener_{nullptr};

  mutable absl::Mutex mu_;  // a leaf
  Frames frames_ ABSL_GUARDED_BY(mu_);
  std::map<mpi::Function, std::function<void()>> before_ ABSL_GUARDED_BY(mu_);
  Filter filter_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::lifetime

#endif  // TESTS_LIFETIME_RECORDING_TRANSPORT_H_
