#ifndef EMULATOR_FIRMWARE_REPORTED_TOPOLOGY_H_
#define EMULATOR_FIRMWARE_REPORTED_TOPOLOGY_H_

#include <cstdint>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "emulator/fabric/fabric_state.h"
#include "emulator/firmware/handle_table.h"

namespace sasd::emulator {

constexpr uint16_t kHbaHandle = 1;
// The enclosure that the board itself forms. It always exists.
constexpr uint16_t kBoardEnclosure = 1;

// What the firmware last knew of a phy. A `handle` with a rate that is not up: the device is
// missing, within its report-missing delay.
struct ReportedPhy {
  uint16_t handle = 0;
  uint8_t rate = 0;  // as on the wire (LinkRate)
  uint8_t change_count = 0;

  bool up() const { return IsLinkUp(static_cast<LinkRate>(rate)); }
};

// The HBA or an expander as the firmware knows it.
struct ReportedNode {
  NodeRef ref;
  uint16_t handle = 0;
  uint8_t level = 0;  // 0: the HBA
  std::vector<ReportedPhy> phys;
};

struct ReportedEnclosure {
  uint32_t index = kNoIndex;  // in the fabric; kNoIndex: the board's
  uint32_t users = 0;         // devices and expanders in it that are alive
  uint16_t sep_handle = 0;    // its SES device; 0: none
};

// One HBA's picture of the fabric: handles, nodes with their phys, enclosures, and missing devices.
// The HBA's pages show it, and its events report changes of it. Thread-compatible.
class ReportedTopology {
 public:
  ReportedTopology(const FabricState& fabric, uint32_t host);

  uint32_t host() const { return host_; }
  HandleTable& handles() { return handles_; }
  const HandleTable& handles() const { return handles_; }

  // The HBA (handle 1) or an expander; nullptr for any other handle.
  ReportedNode* Node(uint16_t handle);
  const ReportedNode* Node(uint16_t handle) const;
  // The handle of a host or expander of the fabric as a node; 0: not known.
  uint16_t NodeHandle(NodeRef ref) const;
  // Makes the node of an allocated expander handle; DropNode() removes it.
  ReportedNode& AddNode(uint16_t handle, NodeRef ref, uint8_t level, int phy_count);
  void DropNode(uint16_t handle);
  // Handles of all nodes, ascending.
  std::vector<uint16_t> NodeHandles() const;

  // False until the first discovery since the reset has run.
  bool discovered() const { return discovered_; }
  void set_discovered() { discovered_ = true; }

  // The HBA's physical port that phy `phy` belongs to.
  uint8_t PortOf(uint8_t phy) const { return ports_[phy]; }

  // The alive handle of a device's (or another host's) port; 0: not known.
  uint16_t DeviceHandle(const FabricState& fabric, uint32_t device, int port) const;

  // By enclosure handle.
  const std::map<uint16_t, ReportedEnclosure>& enclosures() const { return enclosures_; }
  // The handle of enclosure `index`; 0: not known.
  uint16_t EnclosureHandle(uint32_t index) const;
  // Adds a user of the enclosure. `is_new`: it was not known before.
  uint16_t UseEnclosure(uint32_t index, bool& is_new);
  void SetSep(uint16_t enclosure, uint16_t handle) { enclosures_[enclosure].sep_handle = handle; }
  // Removes a user. True if it was the last one; the handle is free then.
  bool LeaveEnclosure(uint16_t enclosure);

  // A missing device has a deadline. Its removal is reported then, unless it comes back before.
  void SetMissing(uint16_t handle, absl::Duration deadline);
  bool ClearMissing(uint16_t handle);  // false: had no deadline
  bool IsMissing(uint16_t handle) const { return missing_.count(handle) != 0; }
  absl::Duration NextDeadline() const;
  // Takes out one handle whose deadline is `now` or earlier; 0: none.
  uint16_t TakeExpired(absl::Duration now);

  // Forgets everything but the HBA. `seed` shuffles the handles for the next discovery.
  void Reset(uint64_t seed);

 private:
  void NumberPorts(const FabricState& fabric);

  const uint32_t host_;
  HandleTable handles_;
  std::vector<uint8_t> ports_;  // by phy
  std::map<uint16_t, ReportedNode> nodes_;
  std::vector<uint16_t> expander_handles_;   // by position in the fabric; 0: not known
  std::vector<uint16_t> enclosure_handles_;  // by position in the fabric; 0: not known
  std::map<uint16_t, ReportedEnclosure> enclosures_;
  uint16_t first_enclosure_ = kBoardEnclosure + 1;
  bool discovered_ = false;
  std::map<uint16_t, absl::Duration> missing_;
  std::set<std::pair<absl::Duration, uint16_t>> deadlines_;
};

}  // namespace sasd::emulator

#endif  // EMULATOR_FIRMWARE_REPORTED_TOPOLOGY_H_
