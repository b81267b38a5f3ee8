#include "driver/discovery/port_numbers.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace sasd::discovery {

// Runs before References, because a node may move to another port within one batch.
struct PortNumbers::Departures {
  absl::flat_hash_map<SasAddress, Numbers>& numbers;

  void operator()(HostGone&) { numbers.clear(); }
  void operator()(ExpanderGone& gone) { Free(gone.key); }
  void operator()(EndDeviceGone& gone) { Free(gone.key); }
  template <typename T>
  void operator()(T&) {}

  void Free(NodeKey& key) {
    const auto found = numbers.find(key.address);
    const PhysicalPort port = std::exchange(key.port, PhysicalPort(0));
    if (found == numbers.end()) return;
    Numbers& of_address = found->second;
    const auto at = std::find(of_address.begin(), of_address.end(), port);
    if (at == of_address.end()) return;
    key.port = NumberAt(of_address, at);
    at->reset();
    const bool used = std::any_of(of_address.begin(), of_address.end(),
                                  [](const auto& number) { return number.has_value(); });
    if (!used) numbers.erase(found);
  }
};

struct PortNumbers::References {
  absl::flat_hash_map<SasAddress, Numbers>& numbers;

  void operator()(PhyFacts& facts) { Refer(facts.key.owner); }
  void operator()(PortFacts& facts) { Refer(facts.key.owner); }
  void operator()(ExpanderFacts& facts) { Name(facts); }
  void operator()(EndDeviceFacts& facts) { Name(facts); }
  void operator()(LogicalUnitFacts& facts) { Refer(facts.device); }
  void operator()(LogicalUnitGone& gone) { Refer(gone.device); }
  void operator()(Notice& notice) { Refer(notice.subject); }
  template <typename T>
  void operator()(T&) {}

  template <typename Facts>
  void Name(Facts& facts) {
    Number(facts.key);
    Refer(facts.parent);
  }

  // Of a reported node: gives it a number if it has none.
  void Number(NodeKey& key) {
    Numbers& of_address = numbers[key.address];
    auto at = std::find(of_address.begin(), of_address.end(), key.port);
    if (at == of_address.end()) at = std::find(of_address.begin(), of_address.end(), std::nullopt);
    if (at == of_address.end()) at = of_address.insert(at, std::nullopt);
    *at = key.port;
    key.port = NumberAt(of_address, at);
  }

  // Of a reference to a node. A node that was never reported gets number 0.
  void Refer(NodeKey& key) {
    const PhysicalPort port = std::exchange(key.port, PhysicalPort(0));
    const auto found = numbers.find(key.address);
    if (key.is_host() || found == numbers.end()) return;
    const auto at = std::find(found->second.begin(), found->second.end(), port);
    if (at != found->second.end()) key.port = NumberAt(found->second, at);
  }
};

PhysicalPort PortNumbers::NumberAt(const Numbers& numbers, Numbers::const_iterator at) {
  return PhysicalPort(static_cast<uint8_t>(at - numbers.begin()));
}

void PortNumbers::Apply(std::vector<Observation>& observations) {
  if (numbering_ == PortNumbering::kFirmware) return;
  for (Observation& o : observations) std::visit(Departures{numbers_}, o);
  for (Observation& o : observations) std::visit(References{numbers_}, o);
}

}  // namespace sasd::discovery
