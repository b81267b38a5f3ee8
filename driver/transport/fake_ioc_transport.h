#ifndef DRIVER_TRANSPORT_FAKE_IOC_TRANSPORT_H_
#define DRIVER_TRANSPORT_FAKE_IOC_TRANSPORT_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "driver/transport/ioc_transport.h"

namespace sasd::transport {

// An IOC whose answers a test scripts, by MPI function. Requests use frames, and the test can limit
// their number. Replies come at once, or when the test releases them. A reset aborts outstanding
// requests. Use the emulator for a whole firmware. Thread-compatible.
class FakeIocTransport : public IocTransport {
 public:
  // Answers a request; writes to `request.data_in` as the IOC would.
  using Handler = std::function<absl::StatusOr<IocReply>(const IocRequest& request)>;

  FakeIocTransport() = default;
  explicit FakeIocTransport(IocInfo info) : info_(std::move(info)) {}

  // Sets the answer to an MPI function from now on. The default: a default reply of 20 bytes,
  // success.
  void OnFunction(uint8_t function, Handler handler);

  // Runs before each request is handled, with its frame: a test can inject other actions here.
  void set_before_request(std::function<void(ByteSpan frame)> hook) { before_ = std::move(hook); }

  void set_free_frames(size_t frames) { free_frames_ = frames; }
  // Replies to Submit() wait for ReleaseReply() while held; their frames stay in use.
  void set_hold(bool hold) { hold_ = hold; }
  size_t held() const { return pending_.size(); }
  // Delivers the oldest held reply.
  void ReleaseReply();

  // Raises events as the IOC would.
  void RaiseEvent(uint16_t event, ByteSpan data, bool ack_required = false, uint32_t context = 0,
                  absl::Duration time = absl::ZeroDuration());
  void RaiseEventsLost(uint32_t count);
  // Aborts outstanding requests; refuses requests until RaiseReady().
  void RaiseResetBegin();
  void RaiseReady();

  // The frames accepted so far, oldest first.
  const std::vector<Bytes>& sent() const { return sent_; }

  IocInfo Info() const override { return info_; }
  absl::Status Submit(const IocRequest& request, Completion done) override;
  absl::StatusOr<IocReply> Execute(const IocRequest& request) override;
  void SetListener(IocListener* listener) override { listener_ = listener; }
  absl::Status Reset() override;

  // A reply of `size` bytes with this function and IOCStatus.
  static IocReply MakeReply(uint8_t function, uint16_t ioc_status = 0, size_t size = 20);

 private:
  struct Pending {
    Completion done;
    absl::StatusOr<IocReply> reply;
  };

  absl::Status Admit(const IocRequest& request);
  absl::StatusOr<IocReply> Answer(const IocRequest& request);
  void Notify(absl::FunctionRef<void(IocListener&)> what);

  IocInfo info_;
  IocListener* listener_ = nullptr;
  absl::flat_hash_map<uint8_t, Handler> handlers_;
  std::function<void(ByteSpan)> before_;
  size_t free_frames_ = 1000;
  bool hold_ = false;
  bool in_reset_ = false;
  std::deque<Pending> pending_;
  std::vector<Bytes> sent_;
};

}  // namespace sasd::transport

#endif  // DRIVER_TRANSPORT_FAKE_IOC_TRANSPORT_H_
