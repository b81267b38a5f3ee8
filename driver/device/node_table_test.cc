#include "driver/device/node_table.h"

#include "gtest/gtest.h"

namespace sasd::device {
namespace {

constexpr HostKey kHost(SasAddress(0x500605b000000001));

class NodeTableTest : public ::testing::Test {
 protected:
  NodeTableTest() { host_ = nodes_.SetHost(kHost, 8); }

  ExpanderInfo Info(uint64_t address, uint16_t handle, const NodeKey& parent) const {
    ExpanderInfo info;
    info.key = {kHost, SasAddress(address), PhysicalPort(0)};
    info.parent = parent;
    info.handle = DevHandle(handle);
    return info;
  }
  EnclosureInfo Enclosure(uint64_t key, uint16_t handle) const {
    EnclosureInfo info;
    info.key = EnclosureKey(key);
    info.handle = EnclosureHandle(handle);
    return info;
  }

  LiveCount live_;
  NodeTable nodes_{live_};
  NodeRef host_;
};

TEST_F(NodeTableTest, ExpandersAreFoundByKeyHandleAndParent) {
  const NodeRef expander = *nodes_.AddExpander(Info(0x10, 9, host_->key()), 4);
  EXPECT_EQ(nodes_.Find(expander->key()), expander);
  EXPECT_EQ(nodes_.FindByHandle(DevHandle(9)), expander);
  EXPECT_EQ(nodes_.ExpandersOf(host_->key()), std::vector<NodeRef>{expander});
  EXPECT_EQ(nodes_.AddExpander(Info(0x10, 10, host_->key()), 4).status().code(),
            absl::StatusCode::kAlreadyExists);
}

TEST_F(NodeTableTest, RemovedExpanderStaysReadableToItsHolder) {
  const NodeRef expander = *nodes_.AddExpander(Info(0x10, 9, host_->key()), 4);
  EXPECT_TRUE(nodes_.RemoveExpander(*expander));
  EXPECT_FALSE(nodes_.RemoveExpander(*expander));
  EXPECT_TRUE(nodes_.IsGone(*expander));
  EXPECT_EQ(nodes_.View(*expander).handle, DevHandle(9));
  EXPECT_EQ(nodes_.FindByHandle(DevHandle(9)), nullptr);
}

TEST_F(NodeTableTest, EveryExpanderLookupHoldsAReference) {
  const ExpanderInfo info = Info(0x10, 9, host_->key());
  const size_t before = live_.count();
  const auto find = [&](int how) {
    if (how == 0) return nodes_.Find(info.key);
    if (how == 1) return nodes_.FindByHandle(info.handle);
    return how == 2 ? nodes_.ExpandersOf(host_->key()).at(0) : nodes_.Expanders().at(0);
  };
  for (int how = 0; how < 4; ++how) {
    ASSERT_TRUE(nodes_.AddExpander(info, 4).ok());
    NodeRef found = find(how);
    EXPECT_TRUE(nodes_.RemoveExpander(*found));
    EXPECT_EQ(live_.count(), before + 1) << how;
    found.reset();
    EXPECT_EQ(live_.count(), before);
  }
}

TEST_F(NodeTableTest, ResetVoidsExpanderHandlesButNotTheHosts) {
  const NodeRef expander = *nodes_.AddExpander(Info(0x10, 9, host_->key()), 4);
  nodes_.ForgetHandles();
  EXPECT_EQ(nodes_.FindByHandle(DevHandle(9)), nullptr);
  EXPECT_EQ(nodes_.FindByHandle(DevHandle(1)), host_);
  nodes_.UpdateExpander(*expander, Info(0x10, 12, host_->key()));
  EXPECT_EQ(nodes_.FindByHandle(DevHandle(12)), expander);
}

TEST_F(NodeTableTest, SetPhyReturnsWhetherReportedFieldsChanged) {
  PhyRecord record;
  record.negotiated = LinkRate::k12Gbps;
  record.attached = SasAddress(0x20);
  record.attached_handle = DevHandle(5);
  EXPECT_TRUE(nodes_.SetPhy(*host_, PhyId(3), record));
  record.attached_handle = DevHandle(6);  // not reported
  EXPECT_FALSE(nodes_.SetPhy(*host_, PhyId(3), record));
  EXPECT_EQ(nodes_.PhysWithHandle(*host_, DevHandle(6)), std::vector<PhyId>{PhyId(3)});
  EXPECT_EQ(nodes_.PhysAttachedTo(*host_, SasAddress(0x20)), std::vector<PhyId>{PhyId(3)});
}

TEST_F(NodeTableTest, EnclosureGoesWithItsLastHandle) {
  bool changed = false;
  const EnclosureRef enclosure = nodes_.PutEnclosure(Enclosure(0x77, 2), changed);
  EXPECT_TRUE(changed);
  nodes_.PutEnclosure(Enclosure(0x77, 3), changed);
  nodes_.PutEnclosure(Enclosure(0x77, 3), changed);  // reported twice
  EXPECT_EQ(nodes_.RemoveEnclosure(EnclosureHandle(2)), nullptr);
  EXPECT_EQ(nodes_.FindEnclosure(EnclosureHandle(3)), enclosure);
  EXPECT_EQ(nodes_.RemoveEnclosure(EnclosureHandle(3)), enclosure);
  EXPECT_EQ(nodes_.FindEnclosure(EnclosureKey(0x77)), nullptr);
}

TEST_F(NodeTableTest, ClearFreesEverything) {
  (void)*nodes_.AddExpander(Info(0x10, 9, host_->key()), 4);
  bool changed = false;
  nodes_.PutEnclosure(Enclosure(0x77, 2), changed);
  host_.reset();
  nodes_.Clear();
  EXPECT_EQ(live_.count(), 0u);
}

}  // namespace
}  // namespace sasd::device
