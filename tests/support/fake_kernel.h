#ifndef TESTS_SUPPORT_FAKE_KERNEL_H_
#define TESTS_SUPPORT_FAKE_KERNEL_H_

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "driver/base/clock.h"
#include "driver/hba_driver.h"
#include "driver/observation/observation.h"
#include "driver/transport/ioc_transport.h"
#include "driver/transport/mpt3ctl/fake_ctl_nodes.h"

namespace sasd::mpt3ctl {

// A kernel's mpt3sas: an HBA with a driver that owns it, and that driver's control node. An event
// of the IOC goes into the node's log first, then to the driver. COMMANDs go to the IOC beside the
// driver's own requests. From the begin of a reset until the ports are enabled again the node takes
// no request; then it counts the reset. Thread-safe.
class FakeKernel {
 public:
  // Adds `hba` to `nodes`. `sink` gets what the driver finds. Borrows all; `ioc` is owned by
  // this one (IocInfo). Errors: those of HbaDriver::Start().
  static absl::StatusOr<std::unique_ptr<FakeKernel>> Start(transport::IocTransport& ioc,
                                                           FakeCtlNodes& nodes,
                                                           const FakeCtlNodes::Hba& hba,
                                                           Clock& clock, ObservationSink& sink);
  ~FakeKernel();

  // The driver has done all there is to do, and the node takes requests.
  absl::Status WaitIdle(absl::Duration timeout) { return driver_->WaitIdle(timeout); }

  std::optional<uint32_t> reset_count() const;
  HostKey host() const { return driver_->host(); }

 private:
  class Tap;

  FakeKernel();

  std::unique_ptr<Tap> tap_;
  std::unique_ptr<HbaDriver> driver_;
};

}  // namespace sasd::mpt3ctl

#endif  // TESTS_SUPPORT_FAKE_KERNEL_H_
