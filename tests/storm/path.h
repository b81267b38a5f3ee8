#ifndef TESTS_STORM_PATH_H_
#define TESTS_STORM_PATH_H_

#include <cstdint>

#include "tests/support/step.h"

namespace sasd::testing {

// How the drivers reach the virtual HBAs.
enum class Path : uint8_t {
  kInProcess,  // EmulatedTransport
  kPci,        // as functions without a kernel driver: driver/transport/pci_ioc
};

// Whether a step makes sense on a path: an event that is lost on its way from an IOC to memory
// leaves no trace, so that no driver can find out; and an IOC has the frames that it has.
inline bool IsPossible(const Step& step, Path path) {
  return path == Path::kInProcess ||
         (step.kind != Step::Kind::kEventsLost && step.kind != Step::Kind::kCredit);
}

}  // namespace sasd::testing

#endif  // TESTS_STORM_PATH_H_
