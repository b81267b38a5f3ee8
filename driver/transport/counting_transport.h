#ifndef DRIVER_TRANSPORT_COUNTING_TRANSPORT_H_
#define DRIVER_TRANSPORT_COUNTING_TRANSPORT_H_

#include <atomic>
#include <cstdint>

#include "driver/transport/ioc_transport.h"

namespace sasd::transport {

// The number of requests of each kind that were sent (accepted by the transport beneath).
struct RequestCounts {
  uint64_t page_reads = 0;    // CONFIG, action "read current" or "read NVRAM"
  uint64_t page_headers = 0;  // CONFIG, action "header"
  uint64_t smp = 0;           // SMP PASSTHROUGH
  uint64_t scsi = 0;          // SCSI IO
  uint64_t task_management = 0;
  uint64_t other = 0;
};

// Counts the requests that pass. Changes nothing else. Thread-safe.
class CountingTransport : public IocTransport {
 public:
  // `inner` outlives this.
  explicit CountingTransport(IocTransport& inner) : inner_(inner) {}

  IocInfo Info() const override { return inner_.Info(); }
  absl::Status Submit(const IocRequest& request, Completion done) override;
  absl::StatusOr<IocReply> Execute(const IocRequest& request) override;
  void SetListener(IocListener* listener) override { inner_.SetListener(listener); }
  absl::Status Reset() override { return inner_.Reset(); }

  RequestCounts counts() const;

 private:
  std::atomic<uint64_t>& CounterFor(ByteSpan frame);

  IocTransport& inner_;
  std::atomic<uint64_t> page_reads_{0}, page_headers_{0}, smp_{0}, scsi_{0}, task_management_{0},
      other_{0};
};

}  // namespace sasd::transport

#endif  // DRIVER_TRANSPORT_COUNTING_TRANSPORT_H_
