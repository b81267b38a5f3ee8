// Measures the work of single calls on a node of about 100,000 drives, and what waiting calls cost
// the discovery. All in one process, without gRPC.
//
//   isolation_bench [--drives N] [--events N]
#include <stdlib.h>

#include <algorithm>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "daemon/health/examine.h"
#include "daemon/health/monitor.h"
#include "daemon/registry/registry.h"
#include "daemon/service/event_encoder.h"
#include "daemon/service/list_filters.h"
#include "daemon/service/list_page.h"
#include "daemon/service/resource_finder.h"
#include "daemon/service/settled_waits.h"
#include "daemon/service/spelling_index.h"
#include "daemon/watch/publisher.h"
#include "daemon/watch/watch_log.h"
#include "driver/base/clock.h"
#include "sas/v1/topology_service.pb.h"

namespace sasd::bench {
namespace {

using registry::EndDevice;

constexpr int kHosts = 4, kFanOut = 8, kDrivesOfExpander = 60;

void Require(bool ok, const std::string& what) {
  if (ok) return;
  std::cerr << "isolation_bench: " << what << "\n";
  exit(1);
}

absl::Duration Now() { return SystemClock().Monotonic(); }

template <typename Act>
absl::Duration TimeOf(Act act) {
  const absl::Duration begin = Now();
  act();
  return Now() - begin;
}

// The median of several.
template <typename Act>
absl::Duration MedianOf(int times, Act act) {
  std::vector<absl::Duration> all;
  for (int i = 0; i < times; ++i) all.push_back(TimeOf(act));
  std::nth_element(all.begin(), all.begin() + times / 2, all.end());
  return all[static_cast<size_t>(times / 2)];
}

void Print(const std::string& what, absl::Duration time) {
  std::cout << absl::StrFormat("%-64s %10.3f ms\n", what, absl::ToDoubleMilliseconds(time));
}

SasAddress HostAddress(int host) { return SasAddress(0x500605b000000000 + host); }

PhyFacts Link(const NodeKey& owner, int phy, SasAddress attached, int peer) {
  PhyFacts facts;
  facts.key = {owner, PhyId(static_cast<uint8_t>(phy))};
  facts.attached = attached;
  if (peer >= 0) facts.attached_phy = PhyId(static_cast<uint8_t>(peer));
  facts.negotiated = facts.hardware_max = LinkRate::k12Gbps;
  return facts;
}

// A node: each host has eight expanders, which lead to one enclosure of 60 drives after the other.
class Node {
 public:
  explicit Node(int drives) {
    const int enclosures = std::max(1, drives / (kHosts * kFanOut * kDrivesOfExpander));
    for (int h = 0; h < kHosts; ++h) {
      const HostKey host(HostAddress(h));
      HostFacts facts;
      facts.key = host;
      Observe(host, {facts});
      for (int e = 0; e < kFanOut; ++e) AddBranch(host, e, enclosures);
      DiscoveryFacts discovery;
      discovery.host = host;
      discovery.state = DiscoveryState::kSettled;
      Observe(host, {discovery});
    }
  }

  void Observe(HostKey host, std::vector<Observation> observations) {
    ObservationBatch batch;
    batch.host = host;
    batch.time = clock_.Now();
    batch.observations = std::move(observations);
    registry_.Observe(std::move(batch));
    while (publisher_.PublishOnce()) {
    }
  }

  // A drive changes its state.
  void Flip(int number) {
    EndDeviceFacts facts = drives_[static_cast<size_t>(number) % drives_.size()];
    facts.state = flipped_ ? DeviceState::kAttached : DeviceState::kBlocked;
    if (static_cast<size_t>(number) % drives_.size() == drives_.size() - 1) flipped_ = !flipped_;
    Observe(facts.key.host, {facts});
  }

  registry::Registry& registry() { return registry_; }
  watch::WatchLog& log() { return log_; }
  health::Monitor& monitor() { return monitor_; }
  const std::vector<EndDeviceFacts>& drives() const { return drives_; }
  static std::string SerialOf(size_t drive) { return absl::StrFormat("ZA1%06d", drive); }

 private:
  class Listener : public watch::CommitListener {
   public:
    explicit Listener(health::Monitor& monitor) : monitor_(monitor) {}
    void OnCommit(registry::RegistryEvent& event, const registry::Topology& after) override {
      monitor_.OnCommit(event, after);
    }

   private:
    health::Monitor& monitor_;
  };

  NodeKey NextNode(HostKey host) {
    return {host, SasAddress(0x5000c50000000000 + ++last_), PhysicalPort(0)};
  }

  void AddBranch(HostKey host, int lane, int enclosures) {
    const NodeKey root = NodeKey::Host(host), top = NextNode(host);
    ExpanderFacts facts;
    facts.key = top;
    facts.parent = root;
    Observe(host, {facts, Link(root, lane, top.address, 0), Link(top, 0, host.address, lane)});
    for (int i = 0; i < enclosures; ++i) AddEnclosure(host, top, i + 1);
  }

  void AddEnclosure(HostKey host, const NodeKey& top, int lane) {
    const NodeKey key = NextNode(host);
    std::vector<Observation> all;
    ExpanderFacts facts;
    facts.key = key;
    facts.parent = top;
    facts.enclosure = EnclosureKey(key.address.value());
    all.push_back(facts);
    all.push_back(Link(top, lane, key.address, 0));
    all.push_back(Link(key, 0, top.address, lane));
    for (int d = 0; d < kDrivesOfExpander; ++d) {
      EndDeviceFacts drive;
      drive.key = NextNode(host);
      drive.parent = key;
      drive.enclosure = facts.enclosure;
      drive.slot = static_cast<uint16_t>(d);
      drive.state = DeviceState::kAttached;
      drive.protocols.target = Protocols::kSsp;
      const size_t number = drives_.size();
      drive.os_name = absl::StrCat("end_device-1:", number);
      LogicalUnitFacts unit;
      unit.device = drive.key;
      unit.wwid = absl::StrFormat("naa.%016x", drive.key.address.value() + 0x1000000000);
      unit.serial = SerialOf(number);
      unit.vendor = "SEAGATE";
      unit.model = "ST16000NM004J";
      unit.block_device = absl::StrCat("sd", number);
      unit.generic_device = absl::StrCat("sg", number);
      unit.scsi_address = absl::StrCat("1:0:", number, ":0");
      all.push_back(drive);
      all.push_back(unit);
      all.push_back(Link(key, d + 1, drive.key.address, -1));
      drives_.push_back(std::move(drive));
    }
    Observe(host, std::move(all));
  }

  Clock& clock_ = SystemClock();
  registry::Registry registry_{registry::Registry::Options{"00000000000000aa"}};
  watch::WatchLog log_{registry_};
  service::EventEncoder encoder_{registry_.epoch()};
  health::Monitor monitor_{health::Monitor::Options{}, registry_, clock_};
  Listener listener_{monitor_};
  watch::Publisher publisher_{log_, encoder_, {&listener_}};
  std::vector<EndDeviceFacts> drives_;
  uint64_t last_ = 0;
  bool flipped_ = false;
};

void List(Node& node, const sas::v1::ListEndDevicesRequest& request) {
  const auto topology = node.registry().Snapshot();
  sas::v1::ListEndDevicesResponse response;
  service::Predicate<EndDevice> matches;
  Require(service::ReadFilter(request.filter(), *topology, &matches).ok(), "the filter");
  Require(service::ListPage<EndDevice>(*topology, request, &request.filter(), matches, &response,
                                       [](auto* r) { return r->add_end_devices(); })
              .ok(),
          "the list");
}

void MeasureLists(Node& node) {
  sas::v1::ListEndDevicesRequest one, many, patterns;
  const auto add = [](sas::v1::ListEndDevicesRequest& request) {
    sas::v1::Condition* condition = request.mutable_filter()->add_conditions();
    condition->set_field("serial");
    condition->set_operator_(sas::v1::OPERATOR_NOT_EQUAL);
    return condition;
  };
  for (auto* request : {&one, &many, &patterns}) request->set_page_size(1);
  add(one)->add_values("none");
  for (int c = 0; c < 4; ++c) {
    sas::v1::Condition* condition = add(many);
    for (int i = 0; i < 250; ++i) condition->add_values(absl::StrCat("none", 250 * c + i));
  }
  sas::v1::Condition* condition = add(patterns);
  for (int i = 0; i < 128; ++i) {
    condition->add_values(absl::StrFormat("*0*0*0*0*0*0*0*0*0*0*0*0*0*%05d", i));
  }
  Print("list, a filter of 1 value", MedianOf(9, [&] { List(node, one); }));
  Print("list, a filter of 1,000 values", MedianOf(9, [&] { List(node, many); }));
  Print("list, a filter of 128 patterns with 4 kB together",
        MedianOf(5, [&] { List(node, patterns); }));
}

void MeasureFinds(Node& node) {
  const auto topology = node.registry().Snapshot();
  service::ResourceFinder finder(node.registry());
  const std::string serial = Node::SerialOf(node.drives().size() / 2);
  const auto find = [&](const std::string& query, bool is_there) {
    Require(finder.Find(node.registry().Snapshot(), query, {}).resources.empty() != is_there,
            query);
  };
  Print("find a serial number, without the index",
        MedianOf(3, [&] { service::FindResources(*topology, serial, {}); }));
  service::SpellingIndex index;
  Print("make the index", TimeOf([&] { index.MoveTo(topology); }));
  find(serial, true);  // the finder's own thread makes its index
  while (!finder.has_index()) finder.Step(Now());
  Print(absl::StrCat("find a serial number, with the index of ", index.size(), " spellings"),
        MedianOf(101, [&] { find(serial, true); }));
  Print("find sdX", MedianOf(101, [&] { find("sd4711", true); }));
  Print("find an H:C:T:L", MedianOf(101, [&] { find("1:0:4711:0", true); }));
  int number = 0;
  Print("find a serial number after each event", MedianOf(101, [&] {
          find(serial, true);
          node.Flip(++number);
        }));
  Print("find nothing, with suggestions", MedianOf(5, [&] { find("ZA199999x", false); }));
}

void MeasureFindings(Node& node) {
  const health::BaselineView baseline = node.monitor().baseline().View();
  Clock& clock = SystemClock();
  Print("examine all", MedianOf(3, [&] {
          health::Examine(*node.registry().Snapshot(), baseline, {}, {clock.Now()});
        }));
  Print("the first report", TimeOf([&] { node.monitor().Current(); }));
  Print("a report of a quiet node", MedianOf(101, [&] { node.monitor().Current(); }));
  int number = 0;
  std::vector<absl::Duration> times;
  for (int i = 0; i < 101; ++i) {
    node.Flip(1'000 + ++number);
    times.push_back(TimeOf([&] { node.monitor().Current(); }));
  }
  std::sort(times.begin(), times.end());
  Print("a report after an event", times[50]);
  Print("a report after an event, the slowest of 101", times.back());
}

class Waiter : public service::SettledWaiter {
 public:
  explicit Waiter(registry::Host::Key host) : hosts_({host}) {}
  const std::vector<registry::Host::Key>& hosts() const override { return hosts_; }
  void OnSettled(const registry::Topology&) override {}

 private:
  const std::vector<registry::Host::Key> hosts_;
};

void MeasureWaits(Node& node, int events) {
  constexpr int kWaits = 5'000, kRounds = 9;
  const HostKey host(HostAddress(0));
  DiscoveryFacts discovery;
  discovery.host = host;
  discovery.state = DiscoveryState::kInProgress;
  node.Observe(host, {discovery});
  const auto waits = std::make_shared<service::SettledWaits>(
      node.registry(), node.log(), [](const std::function<void()>& function) { function(); });
  std::vector<std::shared_ptr<Waiter>> waiters;
  for (int i = 0; i < kWaits; ++i) waiters.push_back(std::make_shared<Waiter>(host));
  int number = 0;
  const auto discover = [&] {
    for (int i = 0; i < events; ++i) node.Flip(++number);
  };
  discover();
  std::vector<double> ratios;
  absl::Duration end;
  for (int round = 0; round < kRounds; ++round) {
    const absl::Duration without = TimeOf(discover);
    for (const auto& waiter : waiters) Require(waits->Add(waiter), "a wait");
    Require(waits->size() == kWaits, "the waits");
    const absl::Duration with = TimeOf(discover);
    end = TimeOf([&] {
      for (const auto& waiter : waiters) waits->Remove(waiter.get());
    });
    ratios.push_back(absl::FDivDuration(with, without));
    if (round == 0) Print(absl::StrCat(events, " events without a wait"), without);
  }
  std::sort(ratios.begin(), ratios.end());
  std::cout << absl::StrFormat("%-64s %10.3f (median of %d; at most 1.1)\n",
                               "events beside 5,000 waits, to those without", ratios[kRounds / 2],
                               kRounds);
  Print("end 5,000 waits", end);
}

int Main(int argc, char** argv) {
  int drives = 100'000, events = 5'000;
  CLI::App app("Measures single calls on a large node");
  app.add_option("--drives", drives, "The drives of the node");
  app.add_option("--events", events, "The events of a discovery");
  CLI11_PARSE(app, argc, argv);
  Node node(drives);
  std::cout << node.drives().size() << " drives, " << node.registry().Snapshot()->size()
            << " resources\n";
  MeasureLists(node);
  MeasureFinds(node);
  MeasureFindings(node);
  MeasureWaits(node, events);
  return 0;
}

}  // namespace
}  // namespace sasd::bench

int main(int argc, char** argv) { return sasd::bench::Main(argc, argv); }
