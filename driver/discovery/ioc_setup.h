#ifndef DRIVER_DISCOVERY_IOC_SETUP_H_
#define DRIVER_DISCOVERY_IOC_SETUP_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "driver/base/clock.h"
#include "driver/transport/ioc_transport.h"
#include "driver/wire/mpi/messages.h"

namespace sasd::discovery {

// Sets an IOC up, at the start and after each reset, in the kernel driver's order (mpt3sas_base.c,
// _base_make_ioc_operational): IOC facts, IOC init, event notification. Port enable follows. An IOC
// that is not ours is asked only for its facts. Waits for the IOC. Errors: those of the IOC, with
// the message's name.
absl::StatusOr<mpi::IocFactsReply> SetUpIoc(transport::IocTransport& ioc, Clock& clock);

}  // namespace sasd::discovery

#endif  // DRIVER_DISCOVERY_IOC_SETUP_H_
