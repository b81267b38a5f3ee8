#include "driver/transport/counting_transport.h"

#include "driver/transport/fake_ioc_transport.h"
#include "gtest/gtest.h"

namespace sasd::transport {
namespace {

Bytes Frame(uint8_t first, uint8_t function) { return {first, 0, 0, function}; }

TEST(CountingTransportTest, CountsByFunctionAndConfigAction) {
  FakeIocTransport fake;
  CountingTransport counting(fake);
  for (const Bytes& frame : {Frame(0, 0x04), Frame(1, 0x04), Frame(6, 0x04), Frame(2, 0x04),
                             Frame(0, 0x1A), Frame(0, 0x00), Frame(0, 0x01), Frame(0, 0x03)}) {
    ASSERT_TRUE(counting.Execute({frame, {}, {}}).ok());
  }
  const RequestCounts counts = counting.counts();
  EXPECT_EQ(counts.page_headers, 1u);
  EXPECT_EQ(counts.page_reads, 2u);
  EXPECT_EQ(counts.smp, 1u);
  EXPECT_EQ(counts.scsi, 1u);
  EXPECT_EQ(counts.task_management, 1u);
  EXPECT_EQ(counts.other, 2u);  // the write and IOC FACTS
}

TEST(CountingTransportTest, RefusedRequestsDoNotCount) {
  FakeIocTransport fake;
  CountingTransport counting(fake);
  fake.set_free_frames(0);
  const Bytes frame = Frame(1, 0x04);
  EXPECT_FALSE(counting.Submit({frame, {}, {}}, [](auto) {}).ok());
  EXPECT_FALSE(counting.Execute({frame, {}, {}}).ok());
  EXPECT_EQ(counting.counts().page_reads, 0u);
}

}  // namespace
}  // namespace sasd::transport
