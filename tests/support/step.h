#ifndef TESTS_SUPPORT_STEP_H_
#define TESTS_SUPPORT_STEP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "emulator/fabric/virtual_fabric.h"

namespace sasd::testing {

// One step of a storm. A storm is a list of these values, which can be logged, replayed and
// shortened. The text form is a word and its arguments: "pull h0-x000-d001", "phy-up h0-x000 5 3"
// (phy 5, 3 Gbps).
struct Step {
  enum class Kind : uint8_t {
    // Acts on the fabric.
    kPull,           // a drive
    kInsert,         // a pulled drive, or another one with the serial `text` in its place
    kInsertFailing,  // a pulled drive that fails to come up; a: MPI 2.x AccessStatus
    kPhyDown,        // a: the phy
    kPhyUp,          // a: the phy; b: Gbps, 0 for the best
    kLoseExpander,
    kReturnExpander,
    kPowerOff,  // an enclosure
    kPowerOn,
    kDeviceStatus,    // a: the reason (mpi::DeviceStatusReason)
    kDiscoveryError,  // about any node or device; a: DiscoveryStatus
    kBroadcast,       // on a host; a: the phy; b: the primitive
    // Acts on a host.
    kReset,
    kIocFault,    // a: duration in ms
    kPageFaults,  // a: number of failures
    kSmpFaults,   // a: number of failures; for the next four kinds: of events
    kEventsLost,
    kEventsDoubled,
    kEventsTruncated,
    kEventsReordered,
    // Steps of a stepwise storm (tests/storm/stepwise.h).
    kCredit,       // a: the number of request frames of a host
    kWork,         // steps of the host's worker; a: their limit
    kAttach,       // the attacher attaches a device of the host
    kAttachBegin,  // the same in three steps
    kAttachAsk,
    kAttachEnd,
    kRescan,   // a host
    kAdvance,  // the clock; a: milliseconds
    kQuiet,    // everything comes to rest; then registry and fabric are compared
  };

  Kind kind = Kind::kQuiet;
  std::string element;  // the id of the element; empty if the kind has none
  uint32_t a = 0, b = 0;
  std::string text;
  // Not 0: the step happens in the middle of the next step with 0, before that step's request of
  // this number (the first request is 1). As text: "@3 pull h0-x000-d001".
  uint32_t inside = 0;

  friend bool operator==(const Step& x, const Step& y) {
    return x.kind == y.kind && x.element == y.element && x.a == y.a && x.b == y.b &&
           x.text == y.text && x.inside == y.inside;
  }
};

std::string ToString(const Step& step);
absl::StatusOr<Step> ParseStep(absl::string_view text);

// Does an act on the fabric or a host. Errors: the act is impossible now, and nothing has changed;
// kUnimplemented for other steps.
absl::Status Perform(const Step& step, emulator::VirtualFabric& fabric);

// A storm that can be replayed: the seed of its fabric, and its steps.
struct Script {
  bool large = false;  // RandomLargeFabric() instead of RandomFabric()
  uint64_t fabric_seed = 1;
  std::vector<Step> steps;
};

// The text form: a line "fabric SEED" or "large-fabric SEED", then one step per line. '#' starts a
// comment. Errors: kInvalidArgument with the bad line.
std::string ToString(const Script& script);
absl::StatusOr<Script> ParseScript(absl::string_view text);

}  // namespace sasd::testing

#endif  // TESTS_SUPPORT_STEP_H_
