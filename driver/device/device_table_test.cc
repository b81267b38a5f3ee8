#include "driver/device/device_table.h"

#include <optional>

#include "absl/time/time.h"
#include "gtest/gtest.h"

namespace sasd::device {
namespace {

using AttachEnd = DeviceTable::AttachEnd;

constexpr HostKey kHost(SasAddress(0x500605b000000001));
constexpr SasAddress kExpander(0x5003048000000001);

DeviceInfo Info(uint64_t address, uint16_t handle) {
  DeviceInfo info;
  info.key = {kHost, SasAddress(address), PhysicalPort(0)};
  info.parent = {kHost, kExpander, PhysicalPort(0)};
  info.handle = DevHandle(handle);
  return info;
}

class DeviceTableTest : public ::testing::Test {
 protected:
  ~DeviceTableTest() override { EXPECT_EQ(table_.CheckInvariants(), ""); }

  DeviceRef Add(uint64_t address, uint16_t handle) {
    const DeviceRef device = *table_.Add(Info(address, handle));
    table_.SetReported(*device);
    return device;
  }
  DeviceRef AddAttached(uint64_t address, uint16_t handle) {
    const DeviceRef device = Add(address, handle);
    EXPECT_EQ(table_.CompleteAttach(*Take()), AttachEnd::kDone);
    return device;
  }
  std::optional<DeviceTable::AttachTicket> Take() {
    return table_.TakeForAttach(absl::ZeroDuration());
  }
  LifeState StateOf(const DeviceRef& device) { return table_.View(*device).state; }
  void Remove(const DeviceRef& device) {
    EXPECT_TRUE(table_.BeginRemoval(*device));
    EXPECT_TRUE(table_.FinishRemoval(*device));
  }

  LiveCount live_;
  DeviceTable table_{live_, /*attaches=*/true};
};

TEST_F(DeviceTableTest, DeviceIsFoundInEveryLivingState) {
  const DeviceRef device = Add(0x10, 7);
  EXPECT_EQ(table_.FindByHandle(DevHandle(7)), device);
  const auto ticket = Take();
  EXPECT_EQ(StateOf(device), LifeState::kAttaching);
  EXPECT_EQ(table_.Find(device->key()), device);
  EXPECT_EQ(table_.init_size(), 1u) << "it stays on the list until the attach has ended";
  EXPECT_EQ(table_.CompleteAttach(*ticket), AttachEnd::kDone);
  EXPECT_EQ(table_.Find(device->key()), device);
  EXPECT_EQ(table_.init_size(), 0u);
  EXPECT_TRUE(table_.BeginRemoval(*device));
  EXPECT_EQ(table_.Find(device->key()), device);
  EXPECT_TRUE(table_.FinishRemoval(*device));
  EXPECT_EQ(table_.Find(device->key()), nullptr);
  EXPECT_EQ(table_.FindByHandle(DevHandle(7)), nullptr);
}

TEST_F(DeviceTableTest, ReferenceOutlivesRemoval) {
  DeviceRef device = Add(0x10, 7);
  Remove(device);
  EXPECT_EQ(live_.count(), 1u);
  EXPECT_EQ(table_.View(*device).info.key.address, SasAddress(0x10));
  EXPECT_EQ(StateOf(device), LifeState::kGone);
  device.reset();
  EXPECT_EQ(live_.count(), 0u);
}

TEST_F(DeviceTableTest, EveryDeviceLookupHoldsAReference) {
  const auto lookups = {
      +[](const DeviceTable& t) { return t.Find(Info(0x10, 7).key); },
      +[](const DeviceTable& t) { return t.FindByHandle(DevHandle(7)); },
      +[](const DeviceTable& t) {
        return t.FindBySlot({EnclosureKey(0), 0});
      },
      +[](const DeviceTable& t) { return t.ChildrenOf(Info(0x10, 7).parent).at(0); },
      +[](const DeviceTable& t) { return t.NotFound(1).at(0); },
  };
  for (const auto& lookup : lookups) {
    Add(0x10, 7);
    DeviceRef found = lookup(table_);
    Remove(found);
    EXPECT_EQ(live_.count(), 1u);
    found.reset();
    EXPECT_EQ(live_.count(), 0u);
    EXPECT_TRUE(table_.ChildrenOf(Info(0x10, 7).parent).empty());
  }
}

// The kernel's scan chose its next device before it had enabled the current one.
TEST_F(DeviceTableTest, NextDeviceIsChosenWhenTaken) {
  Add(0x10, 7);
  Add(0x20, 8);
  const DeviceRef last = Add(0x30, 9);
  const auto first = Take();
  Remove(table_.FindByHandle(DevHandle(8)));
  EXPECT_EQ(live_.count(), 2u);
  EXPECT_EQ(Take()->device, last);
}

TEST_F(DeviceTableTest, AttachHoldsAReference) {
  Add(0x10, 7);
  const auto ticket = Take();
  Remove(table_.FindByHandle(DevHandle(7)));
  EXPECT_EQ(live_.count(), 1u);
  EXPECT_EQ(table_.FailAttach(*ticket, "no"), AttachEnd::kRemoved);
}

TEST_F(DeviceTableTest, RemovalDuringAttachWins) {
  const DeviceRef device = Add(0x10, 7);
  const auto ticket = Take();
  Remove(device);
  EXPECT_EQ(table_.CompleteAttach(*ticket), AttachEnd::kRemoved);
  EXPECT_EQ(StateOf(device), LifeState::kGone);
  EXPECT_EQ(table_.active_size(), 0u);
}

TEST_F(DeviceTableTest, RemovalHappensOnce) {
  const DeviceRef device = AddAttached(0x10, 7);
  EXPECT_TRUE(table_.BeginRemoval(*device));
  EXPECT_FALSE(table_.BeginRemoval(*device));
  EXPECT_TRUE(table_.FinishRemoval(*device));
  EXPECT_FALSE(table_.FinishRemoval(*device));
}

TEST_F(DeviceTableTest, GoneDeviceIsNeverResurrected) {
  const DeviceRef device = AddAttached(0x10, 7);
  Remove(device);
  EXPECT_FALSE(table_.Block(*device));
  EXPECT_FALSE(table_.Unblock(*device));
  EXPECT_FALSE(table_.Retry(*device));
  EXPECT_FALSE(table_.Fail(*device, "no"));
  EXPECT_FALSE(table_.Update(*device, Info(0x10, 8)));
  EXPECT_EQ(StateOf(device), LifeState::kGone);
  EXPECT_EQ(table_.FindByHandle(DevHandle(8)), nullptr);
}

TEST_F(DeviceTableTest, ReturningAddressIsANewObject) {
  const DeviceRef first = AddAttached(0x10, 7);
  Remove(first);
  const DeviceRef second = Add(0x10, 7);
  EXPECT_NE(first, second);
  EXPECT_EQ(table_.FindByHandle(DevHandle(7)), second);
  EXPECT_EQ(StateOf(first), LifeState::kGone);
}

TEST_F(DeviceTableTest, OldAttachCannotEndTheNextDevices) {
  Add(0x10, 7);
  const auto old_attach = Take();
  Remove(table_.FindByHandle(DevHandle(7)));
  const DeviceRef next = Add(0x20, 7);
  const auto attach = Take();
  EXPECT_EQ(table_.CompleteAttach(*old_attach), AttachEnd::kRemoved);
  EXPECT_EQ(StateOf(next), LifeState::kAttaching);
  EXPECT_EQ(table_.CompleteAttach(*attach), AttachEnd::kDone);
}

TEST_F(DeviceTableTest, AddressIsUnique) {
  Add(0x10, 7);
  EXPECT_EQ(table_.Add(Info(0x10, 8)).status().code(), absl::StatusCode::kAlreadyExists);
}

// Found by a storm: the driver asked for a serial by a handle that the drive had lost.
TEST_F(DeviceTableTest, ReusedHandleLeavesItsOldDevice) {
  const DeviceRef old_one = Add(0x10, 7);
  const DeviceRef new_one = Add(0x20, 7);
  EXPECT_EQ(table_.FindByHandle(DevHandle(7)), new_one);
  EXPECT_EQ(table_.View(*old_one).info.handle, DevHandle(0));
  EXPECT_EQ(Take()->device, new_one);
  EXPECT_EQ(Take(), std::nullopt) << "without a handle there is nothing to talk to";
}

TEST_F(DeviceTableTest, AttachUnderOldHandleIsRepeated) {
  const DeviceRef device = Add(0x10, 7);
  const auto ticket = Take();
  EXPECT_TRUE(table_.Update(*device, Info(0x10, 9)));
  EXPECT_EQ(table_.CompleteAttach(*ticket), AttachEnd::kRetry);
  EXPECT_EQ(StateOf(device), LifeState::kDiscovered);
  EXPECT_EQ(Take()->handle, DevHandle(9));
}

TEST_F(DeviceTableTest, ResetVoidsHandlesAndPausesAttaching) {
  const DeviceRef waiting = Add(0x10, 7);
  const auto in_flight = Take();
  const DeviceRef other = Add(0x20, 8);
  const uint32_t before = table_.epoch();
  table_.ForgetHandles();
  EXPECT_EQ(table_.FindByHandle(DevHandle(7)), nullptr);
  EXPECT_EQ(table_.CompleteAttach(*in_flight), AttachEnd::kRetry);
  // The walk gives new handles; the numbers may be the old ones of others.
  EXPECT_TRUE(table_.Update(*other, Info(0x20, 7)));
  EXPECT_EQ(Take(), std::nullopt) << "paused";
  table_.ResumeAttach(before);
  EXPECT_EQ(Take(), std::nullopt) << "another reset began after `before` was read";
  table_.ResumeAttach(table_.epoch());
  EXPECT_EQ(Take()->device, other);
  EXPECT_EQ(Take(), std::nullopt);
  EXPECT_TRUE(table_.Update(*waiting, Info(0x10, 8)));
  EXPECT_EQ(Take()->device, waiting);
}

TEST_F(DeviceTableTest, UnblockedDeviceReturnsToItsState) {
  const DeviceRef device = AddAttached(0x10, 7);
  EXPECT_TRUE(table_.Block(*device));
  EXPECT_FALSE(table_.Block(*device));
  EXPECT_TRUE(table_.Unblock(*device));
  EXPECT_EQ(StateOf(device), LifeState::kAttached);
}

TEST_F(DeviceTableTest, AttachingDeviceIsNotBlocked) {
  const DeviceRef device = Add(0x10, 7);
  const auto ticket = Take();
  EXPECT_FALSE(table_.Block(*device));
  EXPECT_EQ(table_.CompleteAttach(*ticket), AttachEnd::kDone);
}

TEST_F(DeviceTableTest, DeferredDeviceIsTakenWhenDue) {
  const DeviceRef device = Add(0x10, 7);
  EXPECT_EQ(table_.DeferAttach(*Take(), absl::Seconds(1), /*count_failure=*/true),
            AttachEnd::kDone);
  EXPECT_EQ(table_.attach_failures(*device), 1);
  EXPECT_EQ(table_.NextAttachDue(), absl::Seconds(1));
  EXPECT_EQ(Take(), std::nullopt);
  EXPECT_TRUE(table_.TakeForAttach(absl::Seconds(1)).has_value());
}

TEST_F(DeviceTableTest, RetryOverridesFailureOfRunningAttach) {
  const DeviceRef device = Add(0x10, 7);
  const auto ticket = Take();
  EXPECT_FALSE(table_.Retry(*device));
  EXPECT_EQ(table_.FailAttach(*ticket, "older than the news"), AttachEnd::kRetry);
  EXPECT_EQ(StateOf(device), LifeState::kDiscovered);
  EXPECT_EQ(table_.FailAttach(*Take(), "still"), AttachEnd::kDone);
  EXPECT_EQ(StateOf(device), LifeState::kFailed);
  EXPECT_TRUE(table_.Retry(*device));
  EXPECT_EQ(table_.CompleteAttach(*Take()), AttachEnd::kDone);
}

TEST_F(DeviceTableTest, RetryKeepsASuccessfulAttach) {
  const DeviceRef device = Add(0x10, 7);
  const auto ticket = Take();
  table_.Retry(*device);
  EXPECT_EQ(table_.CompleteAttach(*ticket), AttachEnd::kDone);
  EXPECT_FALSE(table_.Retry(*device));
  EXPECT_EQ(StateOf(device), LifeState::kAttached);
}

TEST_F(DeviceTableTest, RetryMakesDeferredDeviceDue) {
  const DeviceRef device = Add(0x10, 7);
  table_.DeferAttach(*Take(), absl::Seconds(1), /*count_failure=*/true);
  EXPECT_FALSE(table_.Retry(*device));
  EXPECT_EQ(table_.attach_failures(*device), 0);
  EXPECT_TRUE(Take().has_value());
}

TEST_F(DeviceTableTest, EarlierAttachCannotEndTheNext) {
  const DeviceRef device = Add(0x10, 7);
  const auto first = Take();
  EXPECT_TRUE(table_.Fail(*device, "it does not come up"));
  EXPECT_TRUE(table_.Retry(*device));
  const auto second = Take();
  EXPECT_EQ(table_.FailAttach(*first, "late"), AttachEnd::kRemoved);
  EXPECT_EQ(table_.DeferAttach(*first, absl::Seconds(1), true), AttachEnd::kRemoved);
  EXPECT_EQ(table_.CompleteAttach(*second), AttachEnd::kDone);
}

TEST_F(DeviceTableTest, HandshakeStartsOnce) {
  const DeviceRef device = AddAttached(0x10, 7);
  EXPECT_TRUE(table_.StartHandshake(*device));
  EXPECT_FALSE(table_.StartHandshake(*device));
}

TEST_F(DeviceTableTest, DeviceIsAttachedOnlyAfterItsReport) {
  const DeviceRef device = *table_.Add(Info(0x10, 7));
  EXPECT_EQ(table_.attaches_pending(), 1u);
  EXPECT_FALSE(Take().has_value());
  table_.SetReported(*device);
  table_.SetReported(*device);  // in every batch that reports it
  EXPECT_TRUE(Take().has_value());
  EXPECT_FALSE(Take().has_value());
}

TEST_F(DeviceTableTest, ReusedHandleIsGivenBackAgain) {
  const DeviceRef device = AddAttached(0x10, 7);
  table_.HandleIsReused(DevHandle(7));  // no effect before it is given back
  EXPECT_TRUE(table_.StartHandshake(*device));
  table_.HandleIsReused(DevHandle(7));
  EXPECT_TRUE(table_.StartHandshake(*device));
  EXPECT_FALSE(table_.StartHandshake(*device));
}

TEST_F(DeviceTableTest, PageOlderThanHandshakeAddsGivenBackDevice) {
  const uint64_t before = table_.handshakes();
  EXPECT_TRUE(table_.StartHandshake(DevHandle(7)));  // no device has it
  const DeviceRef late = *table_.Add(Info(0x10, 7), "", before);
  table_.SetReported(*late);
  EXPECT_TRUE(table_.View(*late).given_back);
  EXPECT_FALSE(Take().has_value());
  EXPECT_FALSE(table_.StartHandshake(DevHandle(7)));  // it is under way
  EXPECT_EQ(table_.CheckInvariants(), "");

  table_.BeginRemoval(*late);
  table_.FinishRemoval(*late);
  const DeviceRef next = *table_.Add(Info(0x10, 7), "", table_.handshakes());
  EXPECT_FALSE(table_.View(*next).given_back);
}

TEST_F(DeviceTableTest, HandleWithoutDeviceIsGivenBackOnce) {
  EXPECT_TRUE(table_.StartHandshake(DevHandle(7)));
  EXPECT_FALSE(table_.StartHandshake(DevHandle(7)));
  EXPECT_TRUE(table_.StartHandshake(DevHandle(8)));
  table_.HandleIsReused(DevHandle(7));
  EXPECT_TRUE(table_.StartHandshake(DevHandle(7)));
  EXPECT_FALSE(table_.StartHandshake(DevHandle(7)));
  table_.AnyHandleMayBeReused();
  EXPECT_TRUE(table_.StartHandshake(DevHandle(7)));
  EXPECT_TRUE(table_.StartHandshake(DevHandle(8)));
}

TEST_F(DeviceTableTest, UpdateOlderThanHandshakeIsGivenBack) {
  const DeviceRef device = Add(0x10, 7);
  const uint64_t before = table_.handshakes();
  table_.StartHandshake(DevHandle(8));
  table_.HandleIsReused(DevHandle(8));
  EXPECT_TRUE(table_.Update(*device, Info(0x10, 8), before));
  EXPECT_TRUE(table_.View(*device).given_back);
  EXPECT_TRUE(table_.StartHandshake(DevHandle(8)));  // of its next owner
  EXPECT_EQ(table_.CheckInvariants(), "");
}

TEST_F(DeviceTableTest, GivenBackHandleAttachesNothing) {
  const DeviceRef waiting = Add(0x10, 7), attaching = Add(0x20, 8);
  const auto other = Take(), ticket = Take();
  ASSERT_EQ(ticket->device, attaching);
  table_.DeferAttach(*other, absl::ZeroDuration(), /*count_failure=*/false);
  table_.StartHandshake(*waiting);
  table_.StartHandshake(*attaching);
  EXPECT_EQ(table_.CompleteAttach(*ticket), AttachEnd::kRetry);
  EXPECT_FALSE(Take().has_value());
  EXPECT_EQ(table_.CheckInvariants(), "");
}

TEST_F(DeviceTableTest, WalkListsWhatItDidNotFind) {
  const DeviceRef found = AddAttached(0x10, 7), missing = AddAttached(0x20, 8);
  table_.MarkFound(*found, 3);
  const auto not_found = table_.NotFound(3);
  ASSERT_EQ(not_found.size(), 1u);
  EXPECT_EQ(not_found[0], missing);
}

TEST_F(DeviceTableTest, DevicesOfAnotherDriverAreNotOffered) {
  DeviceTable table(live_, /*attaches=*/false);
  const DeviceRef device = *table.Add(Info(0x10, 7));
  EXPECT_EQ(table.TakeForAttach(absl::ZeroDuration()), std::nullopt);
  EXPECT_EQ(table.attaches_pending(), 0u);
  EXPECT_TRUE(table.Block(*device));
  EXPECT_TRUE(table.Unblock(*device));
  EXPECT_EQ(table.View(*device).state, LifeState::kDiscovered);
}

}  // namespace
}  // namespace sasd::device
