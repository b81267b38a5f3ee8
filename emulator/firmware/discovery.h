#ifndef EMULATOR_FIRMWARE_DISCOVERY_H_
#define EMULATOR_FIRMWARE_DISCOVERY_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "driver/wire/mpi/events.h"
#include "emulator/fabric/fabric_state.h"
#include "emulator/firmware/reported_topology.h"

namespace sasd::emulator {

// One run of the firmware's discovery: compares what the phys see now with what was reported of
// them, brings the reported topology up to date and makes the events that tell of it, in the order
// in which firmware sends them:
//   discovery started
//   lists of lost expanders, the deepest first, then the list of the node that lost them
//   enclosures that are gone
//   enclosures that are new, before the first list that belongs to them
//   the list of a node that gained something, then those of new expanders, breadth first
//   discovery completed
// A run that finds nothing new makes no events, unless it is a full one.
// Used once; borrows everything. Thread-compatible.
class Discovery {
 public:
  struct Options {
    absl::Duration now;                                   // Clock::Monotonic()
    absl::Duration missing_delay = absl::ZeroDuration();  // report-missing delay
    size_t max_entries = 0;                               // of one topology event; at least 1
    uint32_t status = 0;                                  // DiscoveryStatus bits to end with
  };

  Discovery(const FabricState& fabric, ReportedTopology& topology, const Options& options,
            std::vector<mpi::EventData>& events);

  // All phys of the HBA and of all that is found behind them. The first one since a reset tells of
  // the HBA's own phys and enclosure in any case.
  void RunFull();
  // Phys that may have changed; those of nodes that are not known are left alone.
  void Examine(absl::Span<const PhyRef> phys);
  // Reports as gone what has been missing for too long.
  void ExpireMissing();

  // DiscoveryStatus bits: the options' and those that were met.
  uint32_t status() const { return status_; }

 private:
  // An entry of a topology list to be.
  struct Change {
    uint8_t phy = 0;
    uint16_t handle = 0;
    uint8_t rate = 0;
    uint8_t previous_rate = 0;
    mpi::PhyReason reason = mpi::PhyReason::kNoChange;
  };
  // A topology list to be, with the enclosures to announce before it.
  struct List {
    uint16_t node = 0;
    bool whole = false;  // with all phys of the node, not only from the first to the last change
    mpi::ExpanderStatus status = mpi::ExpanderStatus::kResponding;
    std::vector<Change> changes;
    std::vector<uint16_t> new_enclosures;
  };

  void Begin();
  void Complete();

  // Examines `phys` (ascending) of a known node; tells the changes.
  void ExamineNode(uint16_t handle, const std::vector<uint8_t>& phys);
  bool IsObservable(uint16_t handle) const;
  bool Matches(const ReportedNode& node, uint16_t handle, const PhyLink& link) const;
  uint16_t ParentOf(const ReportedNode& node) const;

  void FindLosses(ReportedNode& node, const std::vector<uint8_t>& phys, List& list);
  void LosePhys(ReportedNode& node, uint16_t handle, const std::vector<Change>& lost, bool replaced,
                List& list);
  void Miss(uint16_t handle);
  void MissBelow(uint16_t expander);
  void Remove(uint16_t handle);
  void RemoveBelow(uint16_t expander);
  void Retire(uint16_t handle);

  void FindGains(ReportedNode& node, const std::vector<uint8_t>& phys, List& list);
  uint16_t KnownChild(const ReportedNode& node, uint8_t phy, const PhyLink& link) const;
  uint16_t Adopt(const ReportedNode& node, uint8_t phy, const PhyLink& link, List& list);
  HandleEntry EntryFor(const ReportedNode& node, uint8_t phy, const PhyLink& link) const;
  void Enclose(HandleEntry& entry, List& list);
  void Return(uint16_t handle);
  // Allocates handles for all that is behind the expanders in `adopted_`, then tells of them.
  void FinishAdopted();
  List Populate(uint16_t expander);

  // discovery_events.cc
  void Tell(const List& list);
  void TellEnclosure(uint16_t enclosure, uint32_t index, uint8_t reason);
  void TellGoneEnclosures();
  std::vector<Change> FillGaps(const ReportedNode& node, const List& list) const;
  mpi::TopologyChangeList ListHeader(const ReportedNode& node) const;

  const FabricState& fabric_;
  ReportedTopology& topology_;
  const Options options_;
  std::vector<mpi::EventData>& events_;
  uint32_t status_;
  bool begun_ = false;
  bool changed_ = false;
  std::vector<uint16_t> adopted_;   // new expanders whose phys are yet to be looked at
  std::vector<uint16_t> returned_;  // expanders that are back: all their phys are to be looked at
  std::vector<std::pair<uint16_t, uint32_t>> gone_enclosures_;  // handle, position in the fabric
};

}  // namespace sasd::emulator

#endif  // EMULATOR_FIRMWARE_DISCOVERY_H_
