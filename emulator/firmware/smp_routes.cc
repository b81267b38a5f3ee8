#include "emulator/firmware/smp_routes.h"

#include <algorithm>
#include <bitset>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "driver/wire/smp/smp_route.h"

namespace sasd::emulator {
namespace {

using mpi::SmpRequest;
using mpi::SmpResult;
using TableList = mpi::ReportExpanderRouteTableListResponse;

// Walks the expanders breadth first from `start`, without those in `seen`. `visit` gets each link
// that is up, and returns false to end the walk.
template <typename Visit>
void Walk(const FabricState& fabric, uint32_t start, absl::flat_hash_set<uint32_t> seen,
          Visit visit) {
  std::vector<uint32_t> todo = {start};
  seen.insert(start);
  for (size_t next = 0; next < todo.size(); ++next) {
    const NodeRef node{false, todo[next]};
    for (int i = 0; i < fabric.phy_count(node); ++i) {
      const PhyLink link = fabric.Link({node, static_cast<uint8_t>(i)});
      if (!link.up()) continue;
      if (!visit(link)) return;
      if (link.peer == PhyLink::Peer::kExpander && seen.insert(link.peer_index).second) {
        todo.push_back(link.peer_index);
      }
    }
  }
}

// The addresses that are reached over the expander `peer` of `expander`, each once.
std::vector<SasAddress> AddressesBehind(const FabricState& fabric, uint32_t expander,
                                        uint32_t peer) {
  std::vector<SasAddress> addresses;
  absl::flat_hash_set<SasAddress> seen = {fabric.expander(expander).address,
                                          fabric.expander(peer).address};
  Walk(fabric, peer, {expander}, [&](const PhyLink& link) {
    const SasAddress address = fabric.PeerAddress(link);
    if (seen.insert(address).second) addresses.push_back(address);
    return true;
  });
  return addresses;
}

// The expander at a table routed phy; kNoIndex: the phy has no routes.
uint32_t RoutedPeer(const FabricState& fabric, PhyRef phy) {
  const PhyLink link = fabric.Link(phy);
  const bool is_routed =
      fabric.routing(phy) == PhyRouting::kTable && link.peer == PhyLink::Peer::kExpander;
  return is_routed ? link.peer_index : kNoIndex;
}

struct Route {
  SasAddress address;
  std::bitset<256> phys;
};

struct RouteTable {
  std::vector<Route> routes;
  uint16_t change_count = 0;  // changes with any expander's that the phys route to
};

RouteTable TableOf(const FabricState& fabric, uint32_t expander) {
  RouteTable table;
  table.change_count = fabric.expander_change_count(expander);
  const NodeRef node{false, expander};
  std::vector<std::pair<uint32_t, std::bitset<256>>> ports;
  for (int i = 0; i < fabric.phy_count(node); ++i) {
    const uint32_t peer = RoutedPeer(fabric, {node, static_cast<uint8_t>(i)});
    if (peer == kNoIndex) continue;
    auto port = std::find_if(ports.begin(), ports.end(), [&](auto& p) { return p.first == peer; });
    if (port == ports.end()) port = ports.insert(port, {peer, {}});
    port->second.set(static_cast<size_t>(i));
  }
  absl::flat_hash_set<uint32_t> counted = {expander};
  const auto count = [&](uint32_t other) {
    if (!counted.insert(other).second) return;
    table.change_count =
        static_cast<uint16_t>(table.change_count + fabric.expander_change_count(other));
  };
  absl::flat_hash_map<SasAddress, size_t> positions;
  for (const auto& [peer, phys] : ports) {
    count(peer);
    Walk(fabric, peer, {expander}, [&](const PhyLink& link) {
      if (link.peer == PhyLink::Peer::kExpander) count(link.peer_index);
      return true;
    });
    for (SasAddress address : AddressesBehind(fabric, expander, peer)) {
      const auto [at, is_new] = positions.try_emplace(address, table.routes.size());
      if (is_new) table.routes.push_back({address, {}});
      table.routes[at->second].phys |= phys;
    }
  }
  return table;
}

}  // namespace

SmpAnswer ReportRouteInformation(const FabricState& fabric, PhyRef phy, const SmpRequest& request) {
  if (fabric.routing(phy) != PhyRouting::kTable || request.index >= kRouteIndexes) {
    return {mpi::EncodeSmpResult(request.function, SmpResult::kIndexDoesNotExist), {}};
  }
  mpi::ReportRouteInformationResponse response;
  response.change_count = fabric.expander_change_count(phy.node.index);
  response.index = request.index;
  response.phy = request.phy;
  response.disabled = true;
  const uint32_t peer = RoutedPeer(fabric, phy);
  if (peer != kNoIndex) {
    const auto addresses = AddressesBehind(fabric, phy.node.index, peer);
    response.disabled = request.index >= addresses.size();
    if (!response.disabled) response.routed_address = addresses[request.index];
  }
  return {mpi::EncodeReportRouteInformationResponse(response), {}};
}

SmpAnswer ReportExpanderRouteTableList(const FabricState& fabric, PhyRef phy,
                                       const SmpRequest& request) {
  const RouteTable table = TableOf(fabric, phy.node.index);
  if (request.index > 0 && request.index >= table.routes.size()) {
    return {mpi::EncodeSmpResult(request.function, SmpResult::kIndexDoesNotExist), {}};
  }
  const size_t allocated = 4 + size_t{4} * request.allocated_dwords;
  const size_t room = allocated < TableList::kHeaderSize
                          ? 0
                          : (allocated - TableList::kHeaderSize) / TableList::kRouteSize;
  const size_t count = std::min(
      {table.routes.size() - request.index, room, static_cast<size_t>(request.max_descriptors)});
  TableList response;
  response.change_count = fabric.expander_change_count(phy.node.index);
  response.table_change_count = table.change_count;
  response.first_index = request.index;
  response.last_index =
      static_cast<uint16_t>(count == 0 ? request.index : request.index + count - 1);
  response.first_phy = request.phy;
  for (size_t i = request.index; i < request.index + count; ++i) {
    TableList::Route route;
    route.address = table.routes[i].address;
    for (int bit = 0; bit < TableList::kPhys; ++bit) {
      const size_t at = static_cast<size_t>(phy.phy + bit);
      if (at < 256 && table.routes[i].phys.test(at)) route.phys |= uint64_t{1} << bit;
    }
    response.routes.push_back(route);
  }
  return {mpi::EncodeReportExpanderRouteTableListResponse(response), {}};
}

SasAddress NearestHost(const FabricState& fabric, uint32_t expander) {
  SasAddress host;
  Walk(fabric, expander, {}, [&](const PhyLink& link) {
    if (link.peer == PhyLink::Peer::kHost) host = fabric.PeerAddress(link);
    return host == SasAddress();
  });
  return host;
}

}  // namespace sasd::emulator
