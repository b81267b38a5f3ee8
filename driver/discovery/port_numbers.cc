#include "driver/discovery/port_numbers.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

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
  const PortNumbers& owner;
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
    if (at == of_address.end()) at = owner.NewNumber(key, of_address);
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

PortNumbers::Numbers::iterator PortNumbers::NewNumber(const NodeKey& key, Numbers& numbers) const {
  const auto root = roots_.find(key.port);
  if (keys_ != nullptr && root != roots_.end()) {
    const std::vector<std::string> paths = keys_->PathsOf(key.host, key.address);
    const std::string phy = absl::StrCat(root->second.value());
    for (size_t number = 0; number < paths.size(); ++number) {
      const std::pair<absl::string_view, absl::string_view> parts =
          absl::StrSplit(paths[number], absl::MaxSplits('.', 1));
      if (parts.first != phy) continue;
      if (number >= numbers.size()) numbers.resize(number + 1);
      if (!numbers[number]) return numbers.begin() + static_cast<ptrdiff_t>(number);
    }
  }
  const auto at = std::find(numbers.begin(), numbers.end(), std::nullopt);
  return at != numbers.end() ? at : numbers.insert(at, std::nullopt);
}

PhysicalPort PortNumbers::NumberAt(const Numbers& numbers, Numbers::const_iterator at) {
  return PhysicalPort(static_cast<uint8_t>(at - numbers.begin()));
}

void PortNumbers::Apply(std::vector<Observation>& observations) {
  if (numbering_ == PortNumbering::kFirmware) return;
  for (Observation& o : observations) std::visit(Departures{numbers_}, o);
  for (Observation& o : observations) std::visit(References{*this, numbers_}, o);
}

}  // namespace sasd::discovery
