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

// One thing that happens in a storm. A value, so that what happened can be logged, done again and
// made shorter. As text it is a word and what the word needs: "pull h0-x000-d001",
// "phy-up h0-x000 5 3" (phy 5, 3 Gbps).
struct Step {
  enum class Kind : uint8_t {
    // What happens to the fabric.
    kPull,           // a drive
    kInsert,         // a pulled drive, or another one in its place (`text`: its serial)
    kInsertFailing,  // a pulled drive that does not come up; a: MPI 2.x AccessStatus
    kPhyDown,        // a: the phy
    kPhyUp,          // a: the phy; b: Gbps, 0 for the best
    kLoseExpander,
    kReturnExpander,
    kPowerOff,  // an enclosure
    kPowerOn,
    kDeviceStatus,    // a: the reason (mpi::DeviceStatusReason)
    kDiscoveryError,  // about any node or device; a: DiscoveryStatus
    kBroadcast,       // on a host; a: the phy; b: the primitive
    // What happens to a host.
    kReset,
    kIocFault,    // a: for so many milliseconds
    kPageFaults,  // a: how many
    kSmpFaults,   // likewise, and below
    kEventsLost,
    kEventsDoubled,
    kEventsTruncated,
    kEventsReordered,
    // What a stepwise storm does beside (tests/storm/stepwise.h).
    kCredit,       // a: request frames of a host
    kWork,         // steps of the host's worker; a: at most so many
    kAttach,       // the attacher attaches a device of the host
    kAttachBegin,  // the same in three steps
    kAttachAsk,
    kAttachEnd,
    kRescan,   // a host
    kAdvance,  // the clock; a: milliseconds
    kQuiet,    // everything comes to rest, and is compared
  };

  Kind kind = Kind::kQuiet;
  std::string element;  // id of what it is about; empty where there is no such thing
  uint32_t a = 0, b = 0;
  std::string text;
  // Not 0: it happens before the so many-th request that the next step without this number sends,
  // in the middle of it. As text: "@3 pull h0-x000-d001".
  uint32_t inside = 0;

  friend bool operator==(const Step& x, const Step& y) {
    return x.kind == y.kind && x.element == y.element && x.a == y.a && x.b == y.b &&
           x.text == y.text && x.inside == y.inside;
  }
};

std::string ToString(const Step& step);
absl::StatusOr<Step> ParseStep(absl::string_view text);

// Does a step that happens to the fabric or one of its hosts. Errors: the fabric is not in the
// state for it, and nothing has changed; kUnimplemented of other steps.
absl::Status Perform(const Step& step, emulator::VirtualFabric& fabric);

// A storm as it can be done again: the fabric by its seed, and the steps.
struct Script {
  bool large = false;  // RandomLargeFabric() instead of RandomFabric()
  uint64_t fabric_seed = 1;
  std::vector<Step> steps;
};

// The line "fabric SEED" or "large-fabric SEED", then a step a line. '#' begins a comment.
std::string ToString(const Script& script);
absl::StatusOr<Script> ParseScript(absl::string_view text);

}  // namespace sasd::testing

#endif  // TESTS_SUPPORT_STEP_H_
