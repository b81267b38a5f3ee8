#ifndef EMULATOR_FIRMWARE_DISCOVERY_RUN_H_
#define EMULATOR_FIRMWARE_DISCOVERY_RUN_H_

#include <cstdint>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "driver/wire/mpi/events.h"
#include "emulator/fabric/fabric_state.h"
#include "emulator/firmware/reported_topology.h"

namespace sasd::emulator {

// One run of the firmware's discovery. It compares what the phys see now with what was reported of
// them, updates the reported topology, and makes the events of the changes in the order in which
// firmware sends them:
//   discovery started
//   lists of lost expanders, the outermost first, then the list of the node that lost them
//   (the kernel removes what is behind an expander with it; some firmware sends the deepest first)
//   enclosures that are gone
//   enclosures that are new, before the first list that belongs to them
//   the list of a node that gained something, then those of new expanders, breadth first
//   discovery completed
// A run without changes makes no events, unless it is a full run. Used once; borrows everything.
// Thread-compatible.
class DiscoveryRun {
 public:
  struct Options {
    absl::Duration now;                                   // Clock::Monotonic()
    absl::Duration missing_delay = absl::ZeroDuration();  // report-missing delay
    size_t max_entries = 0;                               // of one topology event; at least 1
    uint32_t status = 0;                                  // DiscoveryStatus bits to end with
    bool deepest_first = false;                           // the order of lost expanders' lists
  };

  DiscoveryRun(const FabricState& fabric, ReportedTopology& topology, const Options& options,
               std::vector<mpi::EventData>& events);

  // Examines all phys of the HBA and of every node found behind them. The first full run since a
  // reset always reports the HBA's own phys and enclosure.
  void RunFull();
  // Examines phys that may have changed. Phys of unknown nodes are ignored.
  void Examine(absl::Span<const PhyRef> phys);
  // Reports devices as gone whose report-missing delay has passed.
  void ExpireMissing();

  // DiscoveryStatus bits: those of the options and those that this run has set.
  uint32_t status() const { return status_; }

 private:
  // An entry of a topology list.
  struct Change {
    uint8_t phy = 0;
    uint16_t handle = 0;
    uint8_t rate = 0;
    uint8_t previous_rate = 0;
    mpi::PhyReason reason = mpi::PhyReason::kNoChange;
  };
  // A topology list and the new enclosures to announce before it.
  struct List {
    uint16_t node = 0;
    bool whole = false;  // with all phys of the node, not only from the first to the last change
    mpi::ExpanderStatus status = mpi::ExpanderStatus::kResponding;
    std::vector<Change> changes;
    std::vector<uint16_t> new_enclosures;
  };

  void Begin();
  void Complete();

  // Examines `phys` (ascending) of a known node and reports the changes.
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
  // Allocates handles for everything behind the expanders in `adopted_`, then reports it.
  void FinishAdopted();
  List Populate(uint16_t expander);

  // discovery_events.cc
  void Report(const List& list);
  void ReportEnclosure(uint16_t enclosure, uint32_t index, uint8_t reason);
  void ReportGoneEnclosures();
  std::vector<Change> FillGaps(const ReportedNode& node, const List& list) const;
  mpi::TopologyChangeList ListHeader(const ReportedNode& node) const;

  const FabricState& fabric_;
  ReportedTopology& topology_;
  const Options options_;
  std::vector<mpi::EventData>& events_;
  uint32_t status_;
  bool begun_ = false;
  bool changed_ = false;
  std::vector<uint16_t> adopted_;   // new expanders whose phys are to be examined
  std::vector<uint16_t> returned_;  // expanders that are back; all their phys are to be examined
  std::vector<std::pair<uint16_t, uint32_t>> gone_enclosures_;  // handle, position in the fabric
};

}  // namespace sasd::emulator

#endif  // EMULATOR_FIRMWARE_DISCOVERY_RUN_H_
