#ifndef EMULATOR_FABRIC_FABRIC_STATE_H_
#define EMULATOR_FABRIC_FABRIC_STATE_H_

#include <algorithm>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "emulator/fabric/fabric.h"

namespace sasd::emulator {

// The other end of a phy's link, as the phy sees it.
struct PhyLink {
  enum class Peer : uint8_t { kNone, kHost, kExpander, kDevice };

  LinkRate rate = LinkRate::kUnknown;
  Peer peer = Peer::kNone;  // kNone unless up()
  uint8_t peer_phy = 0;     // of a device: the number of its port
  uint32_t peer_index = kNoIndex;

  bool up() const { return IsLinkUp(rate); }
  // The other end if it is a host or expander; else invalid.
  NodeRef node() const {
    if (peer != Peer::kHost && peer != Peer::kExpander) return {};
    return {peer == Peer::kHost, peer_index};
  }
};

// The counters of a phy's error log (SPL-4, REPORT PHY ERROR LOG).
struct PhyErrors {
  uint32_t invalid_dwords = 0;
  uint32_t disparity_errors = 0;
  uint32_t loss_of_sync = 0;
  uint32_t reset_problems = 0;
};

// Operations on a phy, by SMP PHY CONTROL or SAS IO UNIT CONTROL. kNop only programs rates.
enum class PhyActionKind : uint8_t { kNop, kLinkReset, kHardReset, kDisable, kClearErrorLog };

// A request to a host or expander to act on one of its phys. Programmed rates take effect at the
// phy's next reset; kUnknown leaves them unchanged.
struct PhyAction {
  PhyRef phy;
  PhyActionKind operation = PhyActionKind::kLinkReset;
  LinkRate programmed_min = LinkRate::kUnknown, programmed_max = LinkRate::kUnknown;
};

// The configurable times of an expander (SPL-4, CONFIGURE GENERAL).
struct ExpanderTimes {
  uint16_t ssp_connect_time_100us = 0;
  uint16_t stp_bus_inactivity_100us = 0;
  uint16_t stp_connect_time_100us = 0;
  uint16_t nexus_loss_ms = 2000;
  uint16_t stp_reject_to_open_10us = 0;
  uint8_t open_delay_100ns = 0;
  uint8_t reduced_function_100ms = 0;
  uint8_t power_done_s = 0;
};
struct ExpanderAction {
  uint32_t expander = kNoIndex;
  ExpanderTimes times;
};

using FabricAction = std::variant<PhyAction, ExpanderAction>;

// The fabric's present state: which elements are plugged in, powered and enabled. Answers what each
// phy sees, and applies changes. Each change appends the phys whose link may have changed; its cost
// is proportional to their number. Thread-compatible. Knows nothing of firmware and MPI.
class FabricState {
 public:
  // `spec` is valid (ValidateFabric).
  explicit FabricState(FabricSpec spec);

  // As built, with the present serials, names and addresses of replaced drives.
  const FabricSpec& spec() const { return spec_; }
  const HostSpec& host(uint32_t i) const { return spec_.hosts[i]; }
  const ExpanderSpec& expander(uint32_t i) const { return spec_.expanders[i]; }
  const DeviceSpec& device(uint32_t i) const { return spec_.devices[i]; }
  const DeviceModel& model_of(uint32_t device) const {
    return spec_.models[spec_.devices[device].model];
  }

  int phy_count(NodeRef node) const;
  SasAddress address(NodeRef node) const;

  PhyLink Link(PhyRef phy) const;
  // What is cabled to a phy, whether or not the link is up (the rate is kUnknown).
  PhyLink Cabled(PhyRef phy) const;
  // The address at the other end of `link`; 0 if the link is down.
  SasAddress PeerAddress(const PhyLink& link) const;

  bool disabled(PhyRef phy) const { return At(phy).disabled; }
  LinkRate hardware_min(PhyRef phy) const { return At(phy).hardware_min; }
  LinkRate hardware_max(PhyRef phy) const { return At(phy).hardware_max; }
  LinkRate programmed_min(PhyRef phy) const { return At(phy).programmed_min; }
  // The most that a setting allows and the hardware has.
  LinkRate programmed_max(PhyRef phy) const {
    return std::min(At(phy).programmed_max, At(phy).hardware_max);
  }
  // Of SetPhyLimit(), or as built. Above that of the hardware: no limit.
  LinkRate phy_limit(PhyRef phy) const { return At(phy).programmed_max; }
  bool is_virtual(PhyRef phy) const { return At(phy).is_virtual; }
  PhyRouting routing(PhyRef phy) const { return At(phy).routing; }
  uint8_t change_count(PhyRef phy) const { return At(phy).change_count; }
  uint16_t expander_change_count(uint32_t expander) const { return expanders_[expander].changes; }
  PhyErrors errors(PhyRef phy) const;
  const ExpanderTimes& times(uint32_t expander) const { return expanders_[expander].times; }

  bool expander_up(uint32_t i) const;
  bool expander_present(uint32_t i) const { return expanders_[i].present; }
  bool device_up(uint32_t i) const;
  bool device_present(uint32_t i) const { return devices_[i].present; }
  // The number of drives that were in this device's place before.
  uint8_t device_generation(uint32_t i) const { return devices_[i].generation; }
  // Why the device cannot be used (MPI 2.x AccessStatus); 0: it can.
  uint8_t device_access_status(uint32_t i) const { return devices_[i].access_status; }
  bool enclosure_on(uint32_t i) const { return enclosures_[i].on; }
  // The devices in the slots of enclosure `i`, from its start slot; kNoIndex: no device is defined
  // for the slot.
  const std::vector<uint32_t>& slots(uint32_t i) const { return enclosures_[i].slots; }

  void SetDevicePresent(uint32_t i, bool present, std::vector<PhyRef>& changed);
  void SetDeviceAccessStatus(uint32_t i, uint8_t status) { devices_[i].access_status = status; }
  // Replaces device `i` by another drive of the same model.
  void ReplaceDevice(uint32_t i, const std::string& serial, SasAddress name,
                     const SasAddress (&addresses)[2]);
  void SetPhyDisabled(PhyRef phy, bool disabled, std::vector<PhyRef>& changed);
  void SetPhyLimit(PhyRef phy, LinkRate limit, std::vector<PhyRef>& changed);
  void SetExpanderPresent(uint32_t i, bool present, std::vector<PhyRef>& changed);
  void SetEnclosureOn(uint32_t i, bool on, std::vector<PhyRef>& changed);
  void Act(const FabricAction& action, std::vector<PhyRef>& changed);

 private:
  struct Phy {
    uint32_t peer_index = kNoIndex;
    PhyLink::Peer peer = PhyLink::Peer::kNone;
    uint8_t peer_phy = 0;
    LinkRate cable = LinkRate::k22_5Gbps;
    LinkRate hardware_min = LinkRate::k1_5Gbps, hardware_max = LinkRate::k12Gbps;
    LinkRate programmed_min = LinkRate::k1_5Gbps, programmed_max = LinkRate::k22_5Gbps;
    LinkRate min = LinkRate::k1_5Gbps, max = LinkRate::k22_5Gbps;  // since the last reset
    PhyRouting routing = PhyRouting::kDirect;
    uint8_t change_count = 0;
    bool disabled = false;
    bool is_virtual = false;
  };
  struct Expander {
    uint32_t first_phy = 0;  // in phys_
    uint16_t changes = 1;
    bool present = true;
    ExpanderTimes times;
  };
  struct Device {
    bool present = true;
    uint8_t generation = 0;
    uint8_t access_status = 0;
  };
  struct Enclosure {
    bool on = true;
    std::vector<uint32_t> expanders;
    std::vector<uint32_t> devices;
    std::vector<uint32_t> slots;
  };

  uint32_t PhyIndex(PhyRef phy) const;
  const Phy& At(PhyRef phy) const { return phys_[PhyIndex(phy)]; }
  Phy& At(PhyRef phy) { return phys_[PhyIndex(phy)]; }
  bool PeerUp(const Phy& phy) const;
  void ControlPhy(const PhyAction& action, std::vector<PhyRef>& changed);

  void PlacePhys();
  void SetRates(uint32_t first_phy, int count, LinkRate highest,
                const std::vector<PhyRates>& given);
  void PlugLinks();
  void PlugDevices();
  void FillEnclosures();
  void DeriveRouting();
  void RouteFrom(uint32_t expander, NodeRef from, std::vector<bool>& seen);
  PhyRouting RoutingOf(uint32_t expander, int phy, NodeRef parent) const;

  // Adds a changed phy and, if the other end is a host or expander, the phy there.
  void Touch(PhyRef phy, std::vector<PhyRef>& changed);
  void TouchOne(PhyRef phy, std::vector<PhyRef>& changed);
  void TouchAll(NodeRef node, std::vector<PhyRef>& changed);

  FabricSpec spec_;
  std::vector<uint32_t> host_first_phy_;
  std::vector<Phy> phys_;  // of all hosts, then of all expanders
  std::vector<Expander> expanders_;
  std::vector<Device> devices_;
  std::vector<Enclosure> enclosures_;
  absl::flat_hash_map<uint32_t, PhyErrors> errors_;  // by position in phys_; absent: all zero
};

}  // namespace sasd::emulator

#endif  // EMULATOR_FABRIC_FABRIC_STATE_H_
