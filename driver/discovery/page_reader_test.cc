#include "driver/discovery/page_reader.h"

#include <algorithm>

#include "driver/discovery/frame_sender.h"
#include "driver/transport/fake_ioc_transport.h"
#include "driver/wire/mpi/constants.h"
#include "gtest/gtest.h"

namespace sasd::discovery {
namespace {

// An IOC that answers reads of SAS phy page 0 with the first `size` bytes of a page.
class ShortIoc {
 public:
  explicit ShortIoc(size_t size) {
    ioc_.OnFunction(static_cast<uint8_t>(mpi::Function::kConfig),
                    [this, size](const transport::IocRequest& request) {
                      mpi::SasPhyPage0 phy;
                      phy.negotiated_rate = 0x0B;
                      const Bytes page = mpi::EncodeSasPhyPage0(phy);
                      mpi::ConfigReply config;
                      config.page = mpi::SasPhyPage0::kHeader;
                      config.page.dwords = static_cast<uint16_t>(page.size() / 4);
                      transport::IocReply reply;
                      reply.frame = mpi::EncodeConfigReply(config);
                      if (request.data_in.empty()) return reply;  // asks for the header
                      reply.data_in_size = std::min(size, request.data_in.size());
                      std::copy_n(page.begin(), reply.data_in_size, request.data_in.begin());
                      ++reads_;
                      return reply;
                    });
  }

  absl::StatusOr<mpi::SasPhyPage0> Read() { return reader_.SasPhy0(PhyId(0)); }
  int reads() const { return reads_; }

 private:
  transport::FakeIocTransport ioc_;
  PageReader reader_{ioc_, FrameSender(ioc_)};
  int reads_ = 0;
};

TEST(PageReaderTest, WholePageIsDecoded) {
  ShortIoc ioc(~size_t{0});
  const absl::StatusOr<mpi::SasPhyPage0> page = ioc.Read();
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->negotiated_rate, 0x0B);
  EXPECT_EQ(ioc.reads(), 1);
}

// The missing bytes are not taken for zeros.
TEST(PageReaderTest, ShortPageIsAnError) {
  for (const size_t size : {0, 8, 16}) {
    const absl::StatusOr<mpi::SasPhyPage0> page = ShortIoc(size).Read();
    EXPECT_EQ(page.status().code(), absl::StatusCode::kInvalidArgument) << size;
  }
}

}  // namespace
}  // namespace sasd::discovery
