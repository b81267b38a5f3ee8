#include <stdlib.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "client/resource_name.h"
#include "daemon/registry/enclosure_copies.h"
#include "daemon/registry/fake_pump.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/restart_gate.h"
#include "daemon/service/change_encoder.h"
#include "daemon/service/convert.h"
#include "daemon/service/from_proto.h"
#include "driver/base/fake_clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sas/v1/events.pb.h"
#include "tests/support/random.h"

// Random worlds of two hosts that share enclosures and drives, seen by firmware and sysfs: no
// change without a change, and exact differences over a restart.
namespace sasd {
namespace {

using client::NameOf;
using ::testing::IsEmpty;
using testing::Random;

constexpr HostKey kHosts[] = {HostKey(SasAddress(0xA)), HostKey(SasAddress(0xB))};

// What the two sources can see of one host.
struct HostWorld {
  HostKey key;
  int epoch = 0;  // handles and names in the operating system belong to one boot
  struct Drive {
    uint64_t number;
    uint16_t slot;
    uint64_t enclosure;
    int serial;
    int behind;  // an expander, or -1: the host
    bool has_ses_slot;
  };
  std::vector<int> expanders;
  std::vector<Drive> drives;
  struct Cage {
    int slots;
    int behind;  // as of a drive: where its SES device is
  };
  std::map<uint64_t, Cage> enclosures;
  bool has_sysfs = true, has_firmware = true;
  bool labels = true;
  // sysfs lists the slots of enclosures: their number, and gaps between them.
  bool lists = false;
  int gap = 1;
  int first_label = 0;
  bool has_board = false;  // an enclosure that is the host itself
};

NodeKey Expander(HostKey host, int number) {
  return {host, SasAddress(0xE00 + static_cast<uint64_t>(number)), PhysicalPort(0)};
}
NodeKey Parent(HostKey host, int behind) {
  return behind < 0 ? NodeKey::Host(host) : Expander(host, behind);
}

std::vector<Observation> See(const HostWorld& world, Source source) {
  const bool sysfs = source == Source::kSysfs;
  const HostKey host = world.key;
  std::vector<Observation> seen;
  HostFacts facts;
  facts.key = host;
  facts.phy_count = 8;
  (sysfs ? facts.os_name : facts.board_name) = sysfs ? absl::StrCat("host", world.epoch) : "HBA";
  seen.push_back(facts);
  for (const int number : world.expanders) {
    ExpanderFacts expander;
    expander.key = Expander(host, number);
    expander.parent = NodeKey::Host(host);
    expander.phy_count = 24;
    expander.level = 1;
    if (sysfs) expander.os_name = absl::StrCat("expander-", world.epoch, ":", number);
    if (!sysfs) expander.handle = DevHandle(static_cast<uint16_t>(world.epoch * 100 + number));
    seen.push_back(expander);
    for (int lane = 0; lane < 2; ++lane) {
      PhyFacts phy;
      phy.key = {NodeKey::Host(host), PhyId(static_cast<uint8_t>(number * 2 + lane))};
      phy.attached = expander.key.address;
      phy.negotiated = LinkRate::k12Gbps;
      phy.hardware_max = LinkRate::k12Gbps;
      seen.push_back(phy);
    }
    if (sysfs) {
      PortFacts port;
      port.key = {NodeKey::Host(host), expander.key.address};
      port.os_name = absl::StrCat("port-", world.epoch, ":", number);
      port.width = 2;
      seen.push_back(port);
    }
  }
  for (const auto& [id, cage] : world.enclosures) {
    const NodeKey place = sysfs ? Parent(host, cage.behind) : NodeKey();
    EnclosureFacts enclosure;
    enclosure.key = EnclosureKey(id);
    enclosure.host = host;
    enclosure.place = place;
    enclosure.slot_count = static_cast<uint16_t>(cage.slots);
    if (sysfs) enclosure.os_name = absl::StrCat(world.epoch, ":0:0:0");
    enclosure.lists_slots = sysfs && world.labels && world.lists;
    if (enclosure.lists_slots) enclosure.start_slot = static_cast<uint16_t>(world.first_label);
    if (!sysfs) enclosure.handle = EnclosureHandle(static_cast<uint16_t>(world.epoch));
    seen.push_back(enclosure);
    if (!sysfs || !world.labels) continue;
    for (int number = 0; number < cage.slots; ++number) {
      SlotFacts slot;
      slot.key = {EnclosureKey(id), static_cast<uint16_t>(world.first_label + number * world.gap)};
      slot.label = absl::StrCat("Slot ", slot.key.slot);
      slot.place = place;
      seen.push_back(slot);
    }
  }
  const EnclosureKey board(0x80 + host.address.value());
  if (world.has_board) {
    EnclosureFacts enclosure;
    enclosure.key = board;
    enclosure.host = host;
    enclosure.is_host = true;
    if (!sysfs) enclosure.slot_count = 8;
    seen.push_back(enclosure);
  }
  for (const HostWorld::Drive& drive : world.drives) {
    EndDeviceFacts device;
    device.key = {host, SasAddress(0x100 * host.address.value() + drive.number), PhysicalPort(0)};
    device.parent = Parent(host, drive.behind);
    const bool on_board = world.has_board && drive.enclosure == 0x72;
    device.enclosure = on_board ? board : EnclosureKey(drive.enclosure);
    device.slot = drive.slot;
    if (drive.has_ses_slot) device.ses_slot = drive.slot;
    device.protocols.target = Protocols::kSsp;
    device.state = !sysfs && world.has_sysfs ? DeviceState::kDiscovered : DeviceState::kAttached;
    if (sysfs) device.os_name = absl::StrCat("end_device-", world.epoch, ":", drive.number);
    if (!sysfs) device.handle = DevHandle(static_cast<uint16_t>(world.epoch * 99 + drive.number));
    seen.push_back(device);
    PhyFacts phy;
    phy.key = {device.parent, PhyId(static_cast<uint8_t>(20 + drive.number))};
    phy.attached = device.key.address;
    phy.negotiated = LinkRate::k6Gbps;
    seen.push_back(phy);
    if (!sysfs && world.has_sysfs) continue;
    LogicalUnitFacts unit;
    unit.device = device.key;
    unit.wwid = absl::StrCat("naa.", drive.number, ".", drive.serial);
    unit.serial = absl::StrCat("S", drive.serial);
    unit.model = "M";
    if (sysfs)
      unit.block_device = absl::StrCat("sd", world.epoch, host.address.value(), drive.number);
    seen.push_back(unit);
    if (drive.number % 3 == 0) {
      unit.lun = uint64_t{1} << 48;
      unit.wwid += ".1";
      seen.push_back(unit);
    }
  }
  DiscoveryFacts discovery;
  discovery.host = host;
  discovery.state = DiscoveryState::kSettled;
  seen.push_back(discovery);
  return seen;
}

using World = std::vector<HostWorld>;

World RandomWorld(Random& random) {
  World world;
  for (const HostKey host : kHosts) {
    HostWorld one;
    one.key = host;
    one.has_firmware = !random.OneIn(4);
    one.has_sysfs = !one.has_firmware || !random.OneIn(4);
    one.labels = !random.OneIn(4);
    one.lists = random.OneIn(2);
    one.gap = random.OneIn(3) ? 2 : 1;
    one.first_label = random.OneIn(3) ? 1 : 0;
    one.has_board = random.OneIn(4);
    for (int number = 0; number < 3; ++number) {
      if (!random.OneIn(3)) one.expanders.push_back(number);
    }
    const auto behind = [&] {
      const bool direct = one.expanders.empty() || random.OneIn(3);
      return direct ? -1 : one.expanders[random.Below(one.expanders.size())];
    };
    for (uint64_t id = 0x70; id < 0x72; ++id) {
      if (!random.OneIn(4)) one.enclosures[id] = {random.OneIn(4) ? 6 : 4, behind()};
    }
    for (uint64_t number = 1; number <= 6; ++number) {
      if (random.OneIn(3)) continue;
      one.drives.push_back({number, static_cast<uint16_t>(random.Below(8)), 0x70 + random.Below(3),
                            static_cast<int>(random.Below(2)), behind(), random.OneIn(2)});
    }
    world.push_back(std::move(one));
  }
  return world;
}

World AfterBoot(World world) {
  for (HostWorld& host : world) ++host.epoch;
  return world;
}

struct Stored {
  sas::v1::Resource resource;
  bool present = true;
};
using State = std::map<std::string, Stored>;

// Applies events as a client does, and checks that each change is one.
class Client {
 public:
  explicit Client(State state = {}) : state_(std::move(state)) {}

  void Apply(const registry::RegistryEvent& event) {
    for (const registry::Change& change : event.changes) {
      sas::v1::Change encoded;
      ASSERT_TRUE(encoded.ParseFromString(service::EncodeChange(change)));
      const std::string& name = NameOf(encoded.resource());
      const bool known = state_.count(name) > 0 && state_[name].present;
      switch (encoded.kind()) {
        case sas::v1::CHANGE_KIND_ADDED:
          EXPECT_FALSE(known) << name;
          break;
        case sas::v1::CHANGE_KIND_MODIFIED:
          EXPECT_TRUE(known) << name;
          EXPECT_FALSE(encoded.changed_fields().paths().empty()) << encoded.ShortDebugString();
          break;
        default:
          EXPECT_TRUE(known) << name;
      }
      changes_.push_back(encoded);
      state_[name] = {encoded.resource(), encoded.kind() != sas::v1::CHANGE_KIND_REMOVED};
    }
  }
  void Drain(registry::Registry& registry) {
    for (const registry::RegistryEventPtr& event : registry::PublishAll(registry)) Apply(*event);
  }

  const State& state() const { return state_; }
  // Without those of hosts.
  std::vector<std::string> TakeChanges() {
    std::vector<std::string> texts;
    for (const sas::v1::Change& change : changes_) {
      if (change.resource().has_host()) continue;
      texts.push_back(absl::StrCat(sas::v1::ChangeKind_Name(change.kind()), " ",
                                   NameOf(change.resource()), " ",
                                   change.changed_fields().ShortDebugString(), " was ",
                                   change.previous().ShortDebugString()));
    }
    changes_.clear();
    return texts;
  }

 private:
  State state_;
  std::vector<sas::v1::Change> changes_;
};

void Show(const HostWorld& host, Source source, ObservationSink& sink) {
  if (source == Source::kFirmware ? !host.has_firmware : !host.has_sysfs) return;
  ObservationBatch batch;
  batch.source = source;
  batch.host = host.key;
  batch.observations = See(host, source);
  sink.Observe(std::move(batch));
}

void ShowAll(const World& world, Random& random, ObservationSink& sink) {
  std::vector<std::pair<const HostWorld*, Source>> order;
  for (const HostWorld& host : world) {
    for (const Source source : {Source::kFirmware, Source::kSysfs})
      order.emplace_back(&host, source);
  }
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
  for (const auto& [host, source] : order) Show(*host, source, sink);
}

// `kept`, if not null, gets which of several enclosures with one identifier has which name.
registry::Registry::Options First(registry::EnclosureCopies* kept = nullptr) {
  registry::Registry::Options options;
  options.epoch = "00000000000000aa";
  if (kept == nullptr) return options;
  options.keep_enclosures = [kept](absl::Span<const registry::EnclosureCopies::Row> rows) {
    for (const auto& [key, value] : rows) EXPECT_TRUE(kept->Load(key, value));
  };
  return options;
}

std::unique_ptr<registry::Registry> Restore(const State& state, int64_t revision,
                                            registry::EnclosureCopies copies,
                                            registry::EnclosureCopies* kept = nullptr) {
  service::StateReader reader;
  for (const auto& [name, stored] : state) {
    EXPECT_TRUE(reader.Add(stored.resource, stored.present).ok());
  }
  registry::Registry::Options options = First(kept);
  options.enclosure_copies = std::move(copies);
  absl::StatusOr<registry::Restored> restored = reader.Finish(revision);
  EXPECT_TRUE(restored.ok()) << restored.status();
  if (restored.ok()) options.restored = *std::move(restored);
  return std::make_unique<registry::Registry>(std::move(options));
}

// Without times, sources of the enclosures that only their members name, and memory.
std::map<std::string, std::string> Picture(const State& state) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, stored] : state) {
    if (!stored.present) continue;
    sas::v1::Resource resource = stored.resource;
    const auto* kind = sas::v1::Resource::descriptor()->FindFieldByNumber(resource.resource_case());
    auto* inner = resource.GetReflection()->MutableMessage(&resource, kind);
    for (const char* field : {"revision", "update_time", "state_time", "widest_count",
                              "fastest_link_rate", "most_path_count", "lost_hosts"}) {
      const auto* f = inner->GetDescriptor()->FindFieldByName(field);
      if (f != nullptr) inner->GetReflection()->ClearField(inner, f);
    }
    texts[name] = resource.ShortDebugString();
  }
  return texts;
}

registry::RestartGate::Options NoGrace() {
  registry::RestartGate::Options options;
  options.grace_end = absl::ZeroDuration();
  return options;
}

// The worlds of a test: the seeds from 1 to its own count, or those that TWO_SOURCES_SEEDS names
// ("1000" or "904-904").
std::pair<uint64_t, uint64_t> Seeds(uint64_t count) {
  const char* const text = getenv("TWO_SOURCES_SEEDS");
  if (text == nullptr) return {1, count};
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, '-');
  const uint64_t first = strtoull(parts.first.c_str(), nullptr, 10);
  if (parts.second.empty()) return {1, first};
  return {first, strtoull(parts.second.c_str(), nullptr, 10)};
}

class TwoSourcesTest : public ::testing::Test {
 protected:
  FakeClock clock_;
};

TEST_F(TwoSourcesTest, EachModificationNamesAField) {
  const auto [first_seed, last_seed] = Seeds(100);
  for (uint64_t seed = first_seed; seed <= last_seed; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    registry::Registry registry(First());
    Client client;
    for (int round = 0; round < 4; ++round) {
      ShowAll(RandomWorld(random), random, registry);
      if (random.OneIn(2)) {
        ObservationBatch gone;
        gone.host = kHosts[random.Below(2)];
        gone.source = random.OneIn(2) ? Source::kFirmware : Source::kSysfs;
        gone.observations.push_back(HostGone{gone.host});
        registry.Observe(std::move(gone));
      }
      client.Drain(registry);
      if (HasFailure()) return;
    }
  }
}

TEST_F(TwoSourcesTest, SameWorldAfterARestartIsNoChange) {
  int shared = 0;
  const auto [first_seed, last_seed] = Seeds(600);
  for (uint64_t seed = first_seed; seed <= last_seed; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    const World world = RandomWorld(random);
    registry::EnclosureCopies copies;
    registry::Registry first(First(&copies));
    Client client;
    ShowAll(world, random, first);
    client.Drain(first);
    shared += copies.SharedIds().empty() ? 0 : 1;
    const auto second = Restore(client.state(), first.revision(), copies);
    registry::RestartGate gate(*second, *second, clock_, NoGrace());
    client.Drain(*second);
    client.TakeChanges();
    ShowAll(world, random, gate);
    client.Drain(*second);
    EXPECT_THAT(client.TakeChanges(), IsEmpty());
    EXPECT_THAT(gate.stale_hosts(), IsEmpty());
    if (HasFailure()) return;
  }
  EXPECT_GT(shared, 100) << "enclosures with one identifier";
}

bool IsSeparation(const registry::RegistryEvent& event) {
  return absl::StrContains(event.cause.text, "several enclosures");
}

// Several cages with one logical identifier, each reached by up to three hosts. Its first drive is
// reached over all of its nodes, the others over some of them, under any slot number. Of a drive,
// number / 8 is the cage.
World RandomCages(Random& random, size_t* cages) {
  World world;
  const size_t hosts = 1 + random.Below(3);
  for (size_t i = 0; i < hosts; ++i) {
    HostWorld one;
    one.key = HostKey(SasAddress(0xA + i));
    one.has_firmware = !random.OneIn(4);
    one.has_sysfs = !one.has_firmware || !random.OneIn(4);
    one.lists = random.OneIn(2);
    world.push_back(std::move(one));
  }
  *cages = 2 + random.Below(3);
  for (size_t cage = 0; cage < *cages; ++cage) {
    const size_t owner = random.Below(hosts);
    const uint64_t drives = 1 + random.Below(4);
    for (size_t i = 0; i < hosts; ++i) {
      if (i != owner && random.OneIn(4)) continue;
      HostWorld& host = world[i];
      const int behind = cage == 0 && random.OneIn(2) ? -1 : static_cast<int>(cage);
      if (behind >= 0) host.expanders.push_back(behind);
      if (host.enclosures.empty() || random.OneIn(2)) host.enclosures[0x70] = {6, behind};
      const bool reverse = random.OneIn(3);
      for (uint64_t drive = 0; drive < drives; ++drive) {
        if (drive > 0 && random.OneIn(3)) continue;
        const uint64_t number = 8 * cage + drive;
        const uint64_t slot = reverse && drive > 0 ? 6 - drive : drive;
        host.drives.push_back({number, static_cast<uint16_t>(slot), 0x70, static_cast<int>(number),
                               behind, random.OneIn(2)});
      }
    }
  }
  return world;
}

// Each cage is an enclosure, with all paths to its drives.
void ExpectCages(const registry::Topology& topology, size_t cages) {
  EXPECT_EQ(topology.collection<registry::Enclosure>().size(), cages);
  std::map<uint64_t, std::set<uint8_t>> copies;  // by cage
  std::set<uint8_t> all;
  for (const auto& device : topology.collection<registry::EndDevice>()) {
    const uint64_t cage = device->facts.key.address.value() % 0x100 / 8;
    copies[cage].insert(device->facts.enclosure.copy());
    all.insert(device->facts.enclosure.copy());
  }
  for (const auto& [cage, of_it] : copies) EXPECT_EQ(of_it.size(), 1u) << "cage " << cage;
  EXPECT_EQ(all.size(), cages);
}

// A power loss may take the event that took them apart, and which of them has which name.
TEST_F(TwoSourcesTest, EnclosuresAreTakenApartAgainIfTheirNamesAreLost) {
  int of_several_hosts = 0;
  const auto [first_seed, last_seed] = Seeds(300);
  for (uint64_t seed = first_seed; seed <= last_seed; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    size_t cages = 0;
    const World world = RandomCages(random, &cages);
    of_several_hosts += world.size() > 1 ? 1 : 0;
    registry::EnclosureCopies copies;
    registry::Registry first(First(&copies));
    Client client;
    ShowAll(world, random, first);
    std::vector<registry::RegistryEventPtr> events = registry::PublishAll(first);
    ExpectCages(*first.Snapshot(), cages);
    while (random.OneIn(2) && !events.empty() && IsSeparation(*events.back())) events.pop_back();
    for (const registry::RegistryEventPtr& event : events) client.Apply(*event);
    const auto second = Restore(client.state(), first.revision(), registry::EnclosureCopies());
    registry::RestartGate gate(*second, *second, clock_, NoGrace());
    ShowAll(world, random, gate);
    client.Drain(*second);
    ExpectCages(*second->Snapshot(), cages);
    if (HasFailure()) return;
  }
  EXPECT_GT(of_several_hosts, 0);
}

TEST_F(TwoSourcesTest, OtherWorldAfterARestartIsSeenAsAFirstStartSeesIt) {
  int compared = 0, shared = 0;
  const auto [first_seed, last_seed] = Seeds(300);
  for (uint64_t seed = first_seed; seed <= last_seed; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    registry::EnclosureCopies copies;
    registry::Registry first(First(&copies));
    Client client;
    ShowAll(RandomWorld(random), random, first);
    client.Drain(first);
    World world = AfterBoot(RandomWorld(random));
    const auto second = Restore(client.state(), first.revision(), copies, &copies);
    registry::RestartGate gate(*second, *second, clock_, NoGrace());
    const uint64_t order = random.Next();
    Random shuffle(order), again(order);
    ShowAll(world, shuffle, gate);
    clock_.Advance(absl::Minutes(1));
    gate.OnFirstReading();
    client.Drain(*second);
    EXPECT_THAT(gate.stale_hosts(), IsEmpty());
    // Which of two enclosures has the plain name depends on what came before.
    registry::EnclosureCopies more;
    registry::Registry::Options options = First(&more);
    options.enclosure_copies = copies;
    registry::Registry fresh(std::move(options));
    Client expected;
    ShowAll(world, again, fresh);
    // A drive that has lost a path since is no proof that there are two enclosures.
    if (!more.SharedIds().empty()) continue;
    ++compared;
    shared += copies.SharedIds().empty() ? 0 : 1;
    expected.Drain(fresh);
    const auto now = Picture(client.state()), wanted = Picture(expected.state());
    for (const auto& [name, text] : wanted) {
      EXPECT_EQ(now.count(name), 1u) << name;
      if (now.count(name) > 0) EXPECT_EQ(now.at(name), text);
    }
    EXPECT_EQ(now.size(), wanted.size());
    if (HasFailure()) return;
  }
  EXPECT_GT(compared, 150);
  EXPECT_GT(shared, 100) << "enclosures with one identifier";
}

}  // namespace
}  // namespace sasd
