#include "daemon/service/list_page.h"

#include <set>
#include <string>

#include "daemon/registry/fake_facts.h"
#include "daemon/registry/fake_pump.h"
#include "gtest/gtest.h"
#include "sas/v1/topology_service.pb.h"

namespace sasd::service {
namespace {

using registry::EndDevice;
using registry::kHostA;

constexpr int kDrives = 3'200;  // 200 for each of 16 slots

class ListPageTest : public ::testing::Test {
 protected:
  ListPageTest() {
    std::vector<Observation> all = {registry::HostOf(kHostA)};
    for (uint64_t i = 0; i < kDrives; ++i) all.push_back(registry::Drive(kHostA, 0x10000 + i));
    registry_.Observe(registry::Batch(std::move(all)));
    sas::v1::Condition& even = *request_.mutable_filter()->add_conditions();
    even.set_field("slot");
    even.set_operator_(sas::v1::OPERATOR_LESS);
    even.add_values("8");
  }

  grpc::Status List(sas::v1::ListEndDevicesResponse* response,
                    Cancelled cancelled = NeverCancelled) {
    response->Clear();
    Predicate<EndDevice> matches;
    grpc::Status status = ReadFilter(request_.filter(), *registry_.Snapshot(), &matches);
    if (!status.ok()) return status;
    const Predicate<EndDevice> counted = [&](const EndDevice& device) {
      ++matched_;
      return matches(device);
    };
    return ListPage<EndDevice>(
        *registry_.Snapshot(), request_, &request_.filter(), counted, response,
        [](auto* r) { return r->add_end_devices(); }, cancelled);
  }

  registry::SelfPublishingRegistry registry_{registry::Registry::Options{"00000000000000aa"}};
  sas::v1::ListEndDevicesRequest request_;
  int matched_ = 0;
};

TEST_F(ListPageTest, PagesHaveEachMatchOnceAndTheTotal) {
  request_.set_page_size(400);
  std::set<std::string> names;
  sas::v1::ListEndDevicesResponse response;
  for (int page = 0; page < 4; ++page) {
    ASSERT_TRUE(List(&response).ok());
    EXPECT_EQ(response.total_size(), kDrives / 2);
    for (const auto& device : response.end_devices()) {
      EXPECT_TRUE(names.insert(device.name()).second);
      EXPECT_LT(device.slot(), 8u);
    }
    request_.set_page_token(response.next_page_token());
  }
  EXPECT_EQ(names.size(), kDrives / 2u);
  EXPECT_EQ(response.next_page_token(), "");
}

TEST_F(ListPageTest, APageMatchesEachResourceOnce) {
  request_.set_page_size(10);
  sas::v1::ListEndDevicesResponse response;
  ASSERT_TRUE(List(&response).ok());
  EXPECT_EQ(matched_, kDrives);
}

TEST_F(ListPageTest, APageOfAllLooksAtNoMoreThanThePage) {
  request_.clear_filter();
  request_.set_page_size(10);
  sas::v1::ListEndDevicesResponse response;
  ASSERT_TRUE(List(&response).ok());
  EXPECT_EQ(response.end_devices_size(), 10);
  EXPECT_EQ(response.total_size(), kDrives);
  EXPECT_EQ(matched_, 0);
  EXPECT_NE(response.next_page_token(), "");
}

TEST_F(ListPageTest, CancelledListEndsWithinAThousandObjects) {
  sas::v1::ListEndDevicesResponse response;
  const grpc::Status status = List(&response, [] { return true; });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::CANCELLED);
  EXPECT_LE(matched_, 1'000);
}

}  // namespace
}  // namespace sasd::service
