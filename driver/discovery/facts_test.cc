#include "driver/discovery/facts.h"

#include "driver/wire/mpi/constants.h"
#include "driver/wire/mpi/pages.h"
#include "gtest/gtest.h"

namespace sasd::discovery {
namespace {

// A phy of an expander with a link at 6 Gbit/s.
mpi::ExpanderPage1 LinkTo(uint32_t device_info, uint16_t handle) {
  mpi::ExpanderPage1 page;
  page.negotiated_rate = 0xAA;
  page.attached_device_info = device_info;
  page.attached_handle = DevHandle(handle);
  return page;
}

TEST(FactsTest, LinkToNothingIsKnownFromThePage) {
  EXPECT_TRUE(PhyRecordFrom(LinkTo(mpi::device_info::kNoDevice, 0)).nothing_attached);
  // Another initiator has a type and no handle. A drive may have no handle yet.
  const uint32_t initiator = mpi::device_info::kEndDevice | mpi::device_info::kSspInitiator;
  EXPECT_FALSE(PhyRecordFrom(LinkTo(initiator, 0)).nothing_attached);
  EXPECT_FALSE(PhyRecordFrom(LinkTo(mpi::device_info::kEdgeExpander, 9)).nothing_attached);
  EXPECT_FALSE(PhyRecordFrom(LinkTo(mpi::device_info::kNoDevice, 9)).nothing_attached);
  mpi::ExpanderPage1 down = LinkTo(mpi::device_info::kNoDevice, 0);
  down.negotiated_rate = 0x11;
  EXPECT_FALSE(PhyRecordFrom(down).nothing_attached);
}

// The page has no type of what is there: it may be another initiator.
TEST(FactsTest, LinkOfTheHostLeadsToNothingWithoutAHandle) {
  mpi::SasPhyPage0 page;
  page.negotiated_rate = 0xAA;
  EXPECT_TRUE(PhyRecordFrom(page).nothing_attached);
  page.attached_handle = DevHandle(9);
  EXPECT_FALSE(PhyRecordFrom(page).nothing_attached);
  page.attached_handle = DevHandle(0);
  page.negotiated_rate = 0x11;
  EXPECT_FALSE(PhyRecordFrom(page).nothing_attached);
}

}  // namespace
}  // namespace sasd::discovery
