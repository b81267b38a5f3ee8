#include "tests/support/fake_kernel.h"

#include <errno.h>

#include <atomic>
#include <utility>

#include "driver/wire/mpi/constants.h"

namespace sasd::mpt3ctl {

// Between the driver and its IOC: the part of the kernel that the driver does not see.
class FakeKernel::Tap : public transport::IocTransport, private transport::IocListener {
 public:
  Tap(transport::IocTransport& ioc, FakeCtlNodes& nodes, FakeCtlNodes::Hba hba)
      : ioc_(ioc), nodes_(nodes), hba_(std::move(hba)) {
    nodes_.Add(hba_);
    nodes_.SetInReset(hba_, true);  // is_driver_loading
    nodes_.OnCommand(hba_, [this](FakeCommand& command) { return RunCommand(command); });
  }

  uint32_t resets() const { return resets_; }

  // IocTransport
  transport::IocInfo Info() const override { return ioc_.Info(); }
  absl::Status Submit(const transport::IocRequest& request, Completion done) override {
    if (request.frame[0x03] != static_cast<uint8_t>(mpi::Function::kPortEnable)) {
      return ioc_.Submit(request, std::move(done));
    }
    return ioc_.Submit(request,
                       [this, done = std::move(done)](absl::StatusOr<transport::IocReply> reply) {
                         if (reply.ok()) PortsEnabled();
                         done(std::move(reply));
                       });
  }
  absl::StatusOr<transport::IocReply> Execute(const transport::IocRequest& request) override {
    return ioc_.Execute(request);
  }
  void SetListener(transport::IocListener* listener) override {
    if (listener == nullptr) ioc_.SetListener(nullptr);
    driver_ = listener;
    if (listener != nullptr) ioc_.SetListener(this);
  }
  absl::Status Reset() override { return ioc_.Reset(); }

 private:
  // IocListener
  void OnEvent(const transport::EventArrival& event) override {
    nodes_.RaiseEvent(hba_, event.event, event.data);
    driver_->OnEvent(event);
  }
  void OnEventsLost(uint32_t count) override { driver_->OnEventsLost(count); }
  void OnResetBegin() override {
    nodes_.SetInReset(hba_, true);
    in_reset_ = true;
    driver_->OnResetBegin();
  }
  void OnReady() override { driver_->OnReady(); }
  void OnDelivered(Caller caller) override { driver_->OnDelivered(caller); }

  void PortsEnabled() {
    nodes_.SetInReset(hba_, false);
    if (in_reset_.exchange(false)) ++resets_;
  }

  FakeCommandEnd RunCommand(FakeCommand& command) {
    transport::IocRequest request;
    request.frame = command.frame;
    request.data_out = command.data_out;
    request.data_in = absl::MakeSpan(command.data_in);
    const auto reply = ioc_.Execute(request);
    if (reply.ok()) return {0, reply->frame, false};
    if (absl::IsAborted(reply.status())) return {0, {}, true};
    return {absl::IsUnavailable(reply.status()) ? EAGAIN : EFAULT, {}, false};
  }

  transport::IocTransport& ioc_;
  FakeCtlNodes& nodes_;
  const FakeCtlNodes::Hba hba_;
  transport::IocListener* driver_ = nullptr;  // set while the IOC has no listener
  std::atomic<uint32_t> resets_{0};
  std::atomic<bool> in_reset_{false};
};

FakeKernel::FakeKernel() = default;
FakeKernel::~FakeKernel() = default;

absl::StatusOr<std::unique_ptr<FakeKernel>> FakeKernel::Start(transport::IocTransport& ioc,
                                                              FakeCtlNodes& nodes,
                                                              const FakeCtlNodes::Hba& hba,
                                                              Clock& clock, ObservationSink& sink) {
  std::unique_ptr<FakeKernel> kernel(new FakeKernel());
  kernel->tap_ = std::make_unique<Tap>(ioc, nodes, hba);
  auto driver = HbaDriver::Start(*kernel->tap_, clock, sink);
  if (!driver.ok()) return driver.status();
  kernel->driver_ = *std::move(driver);
  return kernel;
}

std::optional<uint32_t> FakeKernel::reset_count() const { return tap_->resets(); }

}  // namespace sasd::mpt3ctl
