#include "emulator/fabric/virtual_fabric.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "driver/base/fake_clock.h"
#include "driver/wire/mpi/messages.h"
#include "emulator/emulator.h"
#include "emulator/fabric/fabric_builder.h"
#include "emulator/fabric/fabric_loader.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

// The verbs on the demo fabric, judged by what each host can reach afterwards.
namespace sasd::emulator {
namespace {

using ::testing::HasSubstr;

constexpr char kDrive[] = "jbod1-disk03", kExpander[] = "jbod2-a";

class VirtualFabricTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const absl::StatusOr<FabricSpec> spec = LoadFabric("demo");
    ASSERT_TRUE(spec.ok()) << spec.status();
    auto emulator = Emulator::Create(*spec, {}, clock_);
    ASSERT_TRUE(emulator.ok()) << emulator.status();
    emulator_ = *std::move(emulator);
  }

  VirtualFabric& fabric() { return emulator_->fabric(); }

  // Which hosts reach the device: bit i for host i.
  int Paths(const std::string& id) const {
    int paths = 0;
    for (size_t host = 0; host < emulator_->host_count(); ++host) {
      if (Find(host, id).has_value()) paths |= 1 << host;
    }
    return paths;
  }
  std::optional<TruthDevice> Find(size_t host, const std::string& id) const {
    for (const TruthDevice& device : emulator_->Truth(host).devices) {
      if (device.id == id) return device;
    }
    return std::nullopt;
  }
  std::string StateOf(const std::string& id) {
    for (const ElementState& element : fabric().ListElements()) {
      if (element.id == id) return element.state;
    }
    return "(none)";
  }
  LinkRate RateOf(size_t host, uint8_t phy) const { return emulator_->Truth(host).phys[phy].rate; }

  FakeClock clock_;
  std::unique_ptr<Emulator> emulator_;
};

TEST_F(VirtualFabricTest, APulledDriveIsGoneOnBothPaths) {
  ASSERT_EQ(Paths(kDrive), 3);
  const TruthDevice before = *Find(0, kDrive);
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  EXPECT_EQ(Paths(kDrive), 0);
  EXPECT_EQ(StateOf(kDrive), "pulled");
  EXPECT_EQ(*fabric().Insert(kDrive), kDrive);
  EXPECT_EQ(Paths(kDrive), 3);
  EXPECT_EQ(Find(0, kDrive)->address, before.address);
  EXPECT_EQ(Find(0, kDrive)->serial, before.serial);
}

TEST_F(VirtualFabricTest, AReplacementHasItsOwnIdentity) {
  const TruthDevice before = *Find(0, kDrive);
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().Insert(kDrive, "NEW1").ok());
  const TruthDevice after = *Find(0, kDrive);
  EXPECT_EQ(after.serial, "NEW1");
  EXPECT_NE(after.name, before.name);
  EXPECT_NE(after.address, before.address);
  EXPECT_EQ(after.slot, before.slot);
  EXPECT_EQ(after.model, before.model);
  EXPECT_NE(Find(1, kDrive)->address, after.address) << "each port has its own";
  // The new address finds it, the old one nothing.
  EXPECT_EQ(fabric().Pull(ToHex(before.address)).code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(fabric().Pull(ToHex(after.address)).ok());
}

TEST_F(VirtualFabricTest, ElementsAreFoundByIdAddressAndSlot) {
  EXPECT_TRUE(fabric().Pull(ToHex(Find(1, kDrive)->address)).ok());
  EXPECT_EQ(Paths(kDrive), 0);
  EXPECT_EQ(*fabric().Insert("jbod1/3"), kDrive);
  EXPECT_EQ(Paths(kDrive), 3);
}

TEST_F(VirtualFabricTest, AVerbRefusesTheWrongKind) {
  const absl::Status pull = fabric().Pull(kExpander);
  EXPECT_EQ(pull.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(pull.message()), HasSubstr("expander"));
  EXPECT_EQ(fabric().SetExpander(kDrive, false).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(fabric().SetPhy(kDrive, 0, false).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(fabric().Pull("jbod1-a-ses").code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(VirtualFabricTest, AnUnknownElementNamesSimilarOnes) {
  const absl::Status status = fabric().Pull("jbod1-disk99");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("did you mean"));
}

TEST_F(VirtualFabricTest, AStateSetTwiceIsAFailedPrecondition) {
  EXPECT_EQ(fabric().Insert(kDrive).status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  EXPECT_EQ(fabric().Pull(kDrive).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(fabric().SetExpander(kExpander, true).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(fabric().SetEnclosurePower("jbod1", true).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(fabric().SetPhy("hba0", 0, true).code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(VirtualFabricTest, ALaneGoesDownAndComesUpSlower) {
  ASSERT_EQ(RateOf(0, 1), LinkRate::k12Gbps);
  ASSERT_TRUE(fabric().SetPhy("hba0", 1, false).ok());
  EXPECT_EQ(RateOf(0, 1), LinkRate::kDisabled);
  EXPECT_EQ(RateOf(0, 0), LinkRate::k12Gbps);
  EXPECT_EQ(Paths(kDrive), 3) << "three lanes are left";
  ASSERT_TRUE(fabric().SetPhy("hba0", 1, true, 6).ok());
  EXPECT_EQ(RateOf(0, 1), LinkRate::k6Gbps);
  ASSERT_TRUE(fabric().SetPhy("hba0", 1, true).ok());
  EXPECT_EQ(RateOf(0, 1), LinkRate::k12Gbps);
  EXPECT_EQ(fabric().SetPhy("hba0", 8, false).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(fabric().SetPhy("hba0", 1, true, 5).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(VirtualFabricTest, ThePathEndsWithTheLastLane) {
  for (uint32_t phy = 0; phy < 4; ++phy) ASSERT_TRUE(fabric().SetPhy("hba0", phy, false).ok());
  EXPECT_EQ(Paths(kDrive), 2);
  EXPECT_TRUE(emulator_->Truth(0).expanders.empty());
}

TEST_F(VirtualFabricTest, ALostExpanderEndsItsPath) {
  ASSERT_EQ(emulator_->Truth(0).expanders.size(), 2u);
  ASSERT_TRUE(fabric().SetExpander(kExpander, false).ok());
  EXPECT_EQ(emulator_->Truth(0).expanders.size(), 1u);
  EXPECT_EQ(emulator_->Truth(1).expanders.size(), 2u);
  EXPECT_EQ(Paths("jbod2-disk00"), 2);
  EXPECT_EQ(StateOf(kExpander), "lost");
  ASSERT_TRUE(fabric().SetExpander(kExpander, true).ok());
  EXPECT_EQ(Paths("jbod2-disk00"), 3);
}

TEST_F(VirtualFabricTest, AnEnclosureWithoutPowerIsOff) {
  ASSERT_TRUE(fabric().SetEnclosurePower("jbod1", false).ok());
  EXPECT_TRUE(emulator_->Truth(0).expanders.empty()) << "jbod2 hangs behind it";
  EXPECT_EQ(Paths(kDrive), 0);
  EXPECT_EQ(StateOf("jbod1"), "off");
  EXPECT_EQ(StateOf(kDrive), "off");
  // A drive can be pulled meanwhile; it is not there when the power comes back.
  ASSERT_TRUE(fabric().Pull(kDrive).ok());
  ASSERT_TRUE(fabric().SetEnclosurePower("jbod1", true).ok());
  EXPECT_EQ(Paths(kDrive), 0);
  EXPECT_EQ(Paths("jbod1-disk04"), 3);
}

TEST_F(VirtualFabricTest, ListsTheRequestedKinds) {
  const ElementKind kinds[] = {ElementKind::kExpander};
  for (const ElementState& element : fabric().ListElements(kinds)) {
    EXPECT_EQ(element.kind, ElementKind::kExpander);
  }
  EXPECT_EQ(fabric().ListElements(kinds).size(), 4u);
  EXPECT_GT(fabric().ListElements().size(), 40u);
}

// Found by a stepwise storm: the list of elements behind such an expander had no end.
TEST_F(VirtualFabricTest, AnEmptyExpanderCanBeLost) {
  SyntheticFabricOptions options;
  options.expanders_per_host = 1;
  options.devices_per_expander = 0;
  options.ses = false;
  options.report_missing_delay_s = 1;
  auto emulator = Emulator::Create(SyntheticFabric(options), {}, clock_);
  ASSERT_TRUE(emulator.ok()) << emulator.status();
  emulator_ = *std::move(emulator);
  // The firmware discovers it.
  transport::IocTransport& ioc = emulator_->transport(0);
  for (const Bytes& frame : {mpi::EncodeIocInitRequest({}), mpi::EncodeEventNotificationRequest({}),
                             mpi::EncodePortEnableRequest()}) {
    transport::IocRequest request;
    request.frame = frame;
    ASSERT_TRUE(ioc.Execute(request).ok());
  }
  ASSERT_NE(emulator_->Truth(0).expanders.at(0).handle, DevHandle(0));
  ASSERT_TRUE(fabric().SetExpander("h0-x000", false).ok());
  EXPECT_TRUE(emulator_->Truth(0).expanders.empty());
}

}  // namespace
}  // namespace sasd::emulator
