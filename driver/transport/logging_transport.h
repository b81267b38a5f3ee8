#ifndef DRIVER_TRANSPORT_LOGGING_TRANSPORT_H_
#define DRIVER_TRANSPORT_LOGGING_TRANSPORT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "driver/base/clock.h"
#include "driver/transport/ioc_transport.h"

namespace sasd::transport {

// Writes a line for each request (with its outcome and duration), event and reset of the transport
// that it wraps. Changes nothing else. Thread-safe if `log` is.
class LoggingTransport : public IocTransport {
 public:
  // Takes one line without a line end; called from any thread, with no lock held.
  using Log = std::function<void(absl::string_view)>;

  // `inner` and `clock` outlive this.
  LoggingTransport(IocTransport& inner, Clock& clock, Log log);
  ~LoggingTransport() override;

  IocInfo Info() const override;
  absl::Status Submit(const IocRequest& request, Completion done) override;
  absl::StatusOr<IocReply> Execute(const IocRequest& request) override;
  void SetListener(IocListener* listener) override ABSL_LOCKS_EXCLUDED(listener_mu_);
  absl::Status Reset() override;

 private:
  class Tap;

  IocTransport& inner_;
  Clock& clock_;
  const Log log_;
  const std::string name_;
  // Serializes SetListener(): a tap lives longer than it is the inner transport's listener.
  absl::Mutex listener_mu_;
  std::unique_ptr<Tap> tap_ ABSL_GUARDED_BY(listener_mu_);
};

}  // namespace sasd::transport

#endif  // DRIVER_TRANSPORT_LOGGING_TRANSPORT_H_
