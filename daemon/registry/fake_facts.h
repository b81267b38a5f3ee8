#ifndef DAEMON_REGISTRY_FAKE_FACTS_H_
#define DAEMON_REGISTRY_FAKE_FACTS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "driver/observation/observation.h"

// Facts as a driver reports them, for tests: hosts A and B, an expander E, an enclosure.
namespace sasd::registry {

inline constexpr HostKey kHostA(SasAddress(0xA)), kHostB(SasAddress(0xB));
inline constexpr SasAddress kExpander(0xE);
inline constexpr EnclosureKey kEnclosure(0x77);

inline HostFacts HostOf(HostKey host) {
  HostFacts facts;
  facts.key = host;
  facts.phy_count = 8;
  return facts;
}

inline DiscoveryFacts Settled(HostKey host) {
  DiscoveryFacts facts;
  facts.host = host;
  facts.state = DiscoveryState::kSettled;
  return facts;
}

// `attached_phy` -1: not known.
inline PhyFacts PhyTo(const NodeKey& owner, int phy, SasAddress attached, int attached_phy,
                      LinkRate rate, LinkRate maximum = LinkRate::k12Gbps) {
  PhyFacts facts;
  facts.key = {owner, PhyId(static_cast<uint8_t>(phy))};
  facts.negotiated = rate;
  facts.hardware_max = maximum;
  facts.attached = attached;
  if (attached_phy >= 0) facts.attached_phy = PhyId(static_cast<uint8_t>(attached_phy));
  return facts;
}

inline ExpanderFacts ExpanderOn(HostKey host) {
  ExpanderFacts facts;
  facts.key = {host, kExpander, PhysicalPort(0)};
  facts.parent = NodeKey::Host(host);
  facts.phy_count = 24;
  return facts;
}

// Attached to the host, in the slot of the last digit of its address.
inline EndDeviceFacts Drive(HostKey host, uint64_t address,
                            DeviceState state = DeviceState::kAttached) {
  EndDeviceFacts facts;
  facts.key = {host, SasAddress(address), PhysicalPort(0)};
  facts.parent = NodeKey::Host(host);
  facts.state = state;
  facts.protocols.target = Protocols::kSsp;
  facts.enclosure = kEnclosure;
  facts.slot = static_cast<uint16_t>(address & 0xF);
  return facts;
}

inline LogicalUnitFacts Unit(HostKey host, uint64_t address, const std::string& wwid) {
  LogicalUnitFacts facts;
  facts.device = {host, SasAddress(address), PhysicalPort(0)};
  facts.wwid = wwid;
  return facts;
}

inline ObservationBatch Batch(std::vector<Observation> observations, HostKey host = kHostA) {
  ObservationBatch batch;
  batch.host = host;
  batch.observations = std::move(observations);
  return batch;
}

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_FAKE_FACTS_H_
