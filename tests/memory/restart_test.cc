#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/resource_name.h"
#include "daemon/registry/fake_pump.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/restart_gate.h"
#include "daemon/service/change_encoder.h"
#include "daemon/service/convert.h"
#include "daemon/service/from_proto.h"
#include "driver/base/clock.h"
#include "driver/base/fake_clock.h"
#include "driver/hba_driver.h"
#include "emulator/emulator.h"
#include "emulator/emulator_runner.h"
#include "emulator/fabric/fabric_loader.h"
#include "emulator/fabric/shipped_fabrics.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sas/v1/events.pb.h"
#include "sas/v1/resources.pb.h"
#include "tests/support/chaos.h"
#include "tests/support/random_fabric.h"

// What a restart of sasd makes of a fabric that has changed meanwhile. The state goes from one life
// to the next as messages, as through the journal.
namespace sasd {
namespace {

using client::NameOf;
using testing::Chaos;
using testing::ChaosShares;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using testing::Step;

constexpr absl::Duration kPatience = absl::Seconds(60);

// The fold of all changes: each object's last state, and whether it exists.
struct Stored {
  sas::v1::Resource resource;
  bool present = true;
};
using State = std::map<std::string, Stored>;

google::protobuf::Message* Inner(sas::v1::Resource& resource) {
  const auto* field = sas::v1::Resource::descriptor()->FindFieldByNumber(resource.resource_case());
  return resource.GetReflection()->MutableMessage(&resource, field);
}

void Clear(sas::v1::Resource& resource, const std::vector<std::string>& fields) {
  google::protobuf::Message* inner = Inner(resource);
  for (const std::string& name : fields) {
    const auto* field = inner->GetDescriptor()->FindFieldByName(name);
    if (field != nullptr) inner->GetReflection()->ClearField(inner, field);
  }
}

// Without times and what a registry remembers.
std::map<std::string, std::string> Present(const State& state) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, stored] : state) {
    if (!stored.present) continue;
    sas::v1::Resource resource = stored.resource;
    Clear(resource, {"revision", "update_time", "state_time", "widest_count", "fastest_link_rate",
                     "most_path_count", "lost_hosts"});
    texts[name] = resource.ShortDebugString();
  }
  return texts;
}

// One life of sasd.
class Life {
 public:
  Life(State before, int64_t revision) : state_(std::move(before)) {
    registry::Registry::Options options;
    options.epoch = "00000000000000aa";
    if (!state_.empty()) {
      service::StateReader reader;
      for (const auto& [name, stored] : state_) {
        const absl::Status status = reader.Add(stored.resource, stored.present);
        EXPECT_TRUE(status.ok()) << status;
      }
      absl::StatusOr<registry::Restored> restored = reader.Finish(revision);
      EXPECT_TRUE(restored.ok()) << restored.status();
      if (restored.ok()) options.restored = *std::move(restored);
    }
    const bool is_restart = options.restored.has_value();
    registry_ = std::make_unique<registry::Registry>(std::move(options));
    if (is_restart) {
      ExpectRestored();
      registry::RestartGate::Options gate;
      gate.grace_end = absl::ZeroDuration();
      gate_ = std::make_unique<registry::RestartGate>(*registry_, *registry_, clock_, gate);
    }
  }

  ObservationSink& sink() {
    if (gate_ != nullptr) return *gate_;
    return *registry_;
  }
  registry::RestartGate& gate() { return *gate_; }
  FakeClock& clock() { return clock_; }
  registry::Registry& registry() { return *registry_; }

  // Starts a driver on each host but `without`, waits for them and ends them.
  void See(emulator::Emulator& emulator, const std::set<size_t>& without = {}) {
    emulator::EmulatorRunner runner(emulator, SystemClock());
    std::vector<std::unique_ptr<HbaDriver>> drivers;
    for (size_t host = 0; host < emulator.host_count(); ++host) {
      if (without.count(host) > 0) continue;
      auto driver = HbaDriver::Start(emulator.transport(host), SystemClock(), sink());
      ASSERT_TRUE(driver.ok()) << driver.status();
      drivers.push_back(*std::move(driver));
    }
    for (auto& driver : drivers) {
      const absl::Status idle = driver->WaitIdle(kPatience);
      EXPECT_TRUE(idle.ok()) << idle;
    }
    if (gate_ != nullptr) gate_->OnFirstReading();
    drivers.clear();
    Collect();
  }

  // Takes the events so far into the state.
  void Collect() {
    for (const registry::RegistryEventPtr& event : registry::PublishAll(*registry_)) {
      sas::v1::Event message = service::HeaderToProto(*event, "");
      for (const registry::Change& change : event->changes) {
        sas::v1::Change& encoded = *message.add_changes();
        ASSERT_TRUE(encoded.ParseFromString(service::EncodeChange(change)));
        const bool removed = encoded.kind() == sas::v1::CHANGE_KIND_REMOVED;
        if (encoded.kind() == sas::v1::CHANGE_KIND_MODIFIED) {
          EXPECT_FALSE(encoded.changed_fields().paths().empty()) << encoded.ShortDebugString();
        }
        state_[NameOf(encoded.resource())] = {encoded.resource(), !removed};
      }
      events_.push_back(std::move(message));
    }
  }

  const State& state() const { return state_; }
  const std::vector<sas::v1::Event>& events() const { return events_; }
  int64_t revision() const { return registry_->revision(); }

  // "+ name", "- name", "~ name field,field" of all events after the start, without the stale mark.
  std::vector<std::string> Lines() const {
    std::vector<std::string> lines;
    for (size_t i = 1; i < events_.size(); ++i) {
      for (const sas::v1::Change& change : events_[i].changes()) {
        const std::string& name = NameOf(change.resource());
        if (change.kind() == sas::v1::CHANGE_KIND_ADDED) {
          lines.push_back(absl::StrCat("+ ", name));
        } else if (change.kind() == sas::v1::CHANGE_KIND_REMOVED) {
          lines.push_back(absl::StrCat("- ", name));
        } else {
          std::string fields;
          for (const std::string& path : change.changed_fields().paths()) {
            absl::StrAppend(&fields, fields.empty() ? "" : ",", path);
          }
          if (change.resource().has_host() && fields == "discovery") continue;
          lines.push_back(absl::StrCat("~ ", name, " ", fields));
        }
      }
    }
    return lines;
  }

 private:
  // The registry shows exactly what was stored.
  void ExpectRestored() {
    std::map<std::string, std::string> shown, stored;
    registry_->Snapshot()->VisitAll([&](const registry::ResourceRef& ref) {
      sas::v1::Resource message;
      service::ToProto(ref, &message);
      shown[NameOf(message)] = message.SerializeAsString();
    });
    for (const auto& [name, one] : state_) {
      if (one.present) stored[name] = one.resource.SerializeAsString();
    }
    EXPECT_EQ(shown.size(), stored.size());
    EXPECT_TRUE(shown == stored);
  }

  FakeClock clock_;
  State state_;
  std::unique_ptr<registry::Registry> registry_;
  std::unique_ptr<registry::RestartGate> gate_;
  std::vector<sas::v1::Event> events_;
};

std::unique_ptr<emulator::Emulator> Make(const emulator::FabricSpec& fabric) {
  auto emulator = emulator::Emulator::Create(fabric, {}, SystemClock());
  EXPECT_TRUE(emulator.ok()) << emulator.status();
  return *std::move(emulator);
}

emulator::FabricSpec Shipped(const std::string& name) {
  auto fabric = emulator::LoadFabric(name);
  EXPECT_TRUE(fabric.ok()) << fabric.status();
  return *std::move(fabric);
}

// The first life sees the fabric, the second one sees it after `act`.
class RestartTest : public ::testing::Test {
 protected:
  template <typename Act>
  void Restart(const emulator::FabricSpec& fabric, Act act, const std::set<size_t>& without = {}) {
    {
      const auto emulator = Make(fabric);
      Life first({}, 0);
      first.See(*emulator);
      before_ = first.state();
      revision_ = first.revision();
    }
    const auto emulator = Make(fabric);
    act(emulator->fabric());
    second_ = std::make_unique<Life>(before_, revision_);
    second_->See(*emulator, without);
    // A first start sees the same.
    const auto again = Make(fabric);
    act(again->fabric());
    Life fresh({}, 0);
    fresh.See(*again, without);
    fresh_ = fresh.state();
    ExpectExactDifferences();
  }

  // The picture is that of a first start, and each change is a difference to the stored picture.
  void ExpectExactDifferences() {
    const auto now = Present(second_->state()), fresh = Present(fresh_), old = Present(before_);
    for (const auto& [name, text] : fresh) {
      const auto it = now.find(name);
      EXPECT_TRUE(it != now.end()) << name;
      if (it != now.end()) EXPECT_EQ(it->second, text);
    }
    EXPECT_EQ(now.size(), fresh.size());
    std::set<std::string> changed;
    for (size_t i = 1; i < second_->events().size(); ++i) {
      const sas::v1::Event& event = second_->events()[i];
      EXPECT_EQ(event.cause().kind(), sas::v1::CAUSE_KIND_RESTART) << event.ShortDebugString();
      for (const sas::v1::Change& change : event.changes()) {
        const std::string& name = NameOf(change.resource());
        if (change.kind() == sas::v1::CHANGE_KIND_ADDED) EXPECT_EQ(old.count(name), 0u) << name;
        if (change.kind() == sas::v1::CHANGE_KIND_REMOVED) EXPECT_EQ(now.count(name), 0u) << name;
        if (!change.resource().has_host()) changed.insert(name);
      }
    }
    for (const std::string& name : changed) {
      const auto x = old.find(name), y = now.find(name);
      const bool same = x != old.end() && y != now.end() && x->second == y->second;
      EXPECT_FALSE(same) << name << " flaps: " << y->second;
    }
    EXPECT_THAT(second_->gate().stale_hosts(), IsEmpty());
    EXPECT_THAT(second_->registry().Unsettled({}), IsEmpty());
  }

  std::vector<std::string> Lines(const std::string& part) const {
    std::vector<std::string> lines;
    for (const std::string& line : second_->Lines()) {
      if (absl::StrContains(line, part)) lines.push_back(line);
    }
    return lines;
  }

  State before_, fresh_;
  int64_t revision_ = 0;
  std::unique_ptr<Life> second_;
};

TEST_F(RestartTest, NothingChangesWhereNothingHasChanged) {
  for (const emulator::ShippedFabric& fabric : emulator::ShippedFabrics()) {
    SCOPED_TRACE(std::string(fabric.name));
    Restart(Shipped(std::string(fabric.name)), [](emulator::VirtualFabric&) {});
    EXPECT_THAT(second_->Lines(), IsEmpty());
    const sas::v1::Event& start = second_->events()[0];
    EXPECT_EQ(start.cause().kind(), sas::v1::CAUSE_KIND_RESTART);
    EXPECT_EQ(start.previous_revision(), revision_);
    for (const sas::v1::Change& change : start.changes()) {
      EXPECT_TRUE(change.resource().host().discovery().stale());
    }
  }
}

TEST_F(RestartTest, RandomChangesAreReportedExactly) {
  int different = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    const emulator::FabricSpec fabric = testing::RandomFabric(seed);
    ChaosShares shares;
    shares.firmware = 0;
    shares.expander = shares.enclosure = 100;
    Chaos chaos(seed, shares, fabric);
    const std::vector<Step> steps = chaos.Take(1 + seed % 7);
    Restart(fabric, [&steps](emulator::VirtualFabric& world) {
      for (const Step& step : steps) Perform(step, world).IgnoreError();
    });
    if (HasFailure()) break;
    different += second_->Lines().empty() ? 0 : 1;
  }
  EXPECT_GT(different, 20) << "most steps change something";
}

TEST_F(RestartTest, SwappedDriveIsTheOnlyDifference) {
  Restart(testing::RandomFabric(3), [](emulator::VirtualFabric& world) {
    for (const emulator::ElementState& element : world.ListElements()) {
      if (element.kind != emulator::ElementKind::kDevice) continue;
      if (!world.Pull(element.id).ok()) continue;
      EXPECT_TRUE(world.Insert(element.id, "NEWSERIAL").ok());
      break;
    }
  });
  EXPECT_THAT(Lines("+ logicalUnits/"), SizeIs(1));
  EXPECT_THAT(Lines("- logicalUnits/"), SizeIs(1));
  EXPECT_THAT(Lines("/endDevices/"), Not(IsEmpty()));
  EXPECT_THAT(Lines("~ logicalUnits/"), IsEmpty());
}

TEST_F(RestartTest, MissingHostIsRemovedWithItsPaths) {
  Restart(Shipped("judge"), [](emulator::VirtualFabric&) {}, /*without=*/{0});
  EXPECT_THAT(Lines("- hosts/500605b0"), Not(IsEmpty()));
  EXPECT_THAT(Lines("+ "), IsEmpty());
}

// A port that was lost while sasd ran keeps its best width over the restart.
TEST_F(RestartTest, BestWidthsAndPathsSurvive) {
  const emulator::FabricSpec fabric = Shipped("judge");
  Restart(fabric, [](emulator::VirtualFabric& world) {
    EXPECT_TRUE(world.SetExpander("jbod1-b", false).ok());
  });
  int lost = 0;
  for (const auto& [name, stored] : second_->state()) {
    if (stored.resource.has_logical_unit() && stored.present) {
      const sas::v1::LogicalUnit& unit = stored.resource.logical_unit();
      if (unit.paths_size() < unit.most_path_count()) {
        ++lost;
        EXPECT_THAT(unit.lost_hosts(), Not(IsEmpty())) << name;
      }
    }
  }
  EXPECT_GT(lost, 0);
  // It returns while sasd is down again: the port is as wide as ever, and knows it.
  Life third(second_->state(), second_->revision());
  const auto emulator = Make(fabric);
  third.See(*emulator);
  const auto widest = [](const State& state) {
    std::map<std::string, int> all;
    for (const auto& [name, stored] : state) {
      if (stored.resource.has_port()) all[name] = stored.resource.port().widest_count();
    }
    return all;
  };
  EXPECT_EQ(widest(third.state()), widest(before_));
}

}  // namespace
}  // namespace sasd
