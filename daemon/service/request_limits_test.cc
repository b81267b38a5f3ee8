#include "daemon/service/request_limits.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sas/v1/topology_service.pb.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::service {
namespace {

using testing::HasSubstr;

class RequestLimitsTest : public testing::Test {
 protected:
  RequestLimitsTest() {
    limits_.Set(rpc::Limit::kRepeatedValues, 100);
    limits_.Set(rpc::Limit::kTextBytes, 64);
  }

  rpc::LimitBook limits_;
};

TEST_F(RequestLimitsTest, RepeatedFieldIsBoundedAtAnyDepth) {
  sas::v1::ListEndDevicesRequest request;
  sas::v1::Condition* const condition = request.mutable_filter()->add_conditions();
  for (int i = 0; i < 100; ++i) condition->add_values("ATTACHED");
  EXPECT_TRUE(CheckRequest(request, limits_).ok());
  condition->add_values("ATTACHED");
  const grpc::Status status = CheckRequest(request, limits_);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "values has 101 values: the limit repeated_values is 100");
  EXPECT_EQ(limits_.refused(rpc::Limit::kRepeatedValues), 1);
}

TEST_F(RequestLimitsTest, TextIsBoundedAlsoInARepeatedField) {
  sas::v1::FindResourcesRequest find;
  find.set_query(std::string(64, 'x'));
  EXPECT_TRUE(CheckRequest(find, limits_).ok());
  find.set_query(std::string(65, 'x'));
  EXPECT_THAT(CheckRequest(find, limits_).error_message(), HasSubstr("text_bytes is 64"));
  sas::v1::WatchRequest watch;
  watch.mutable_filter()->add_hosts("hosts/1");
  EXPECT_TRUE(CheckRequest(watch, limits_).ok());
  watch.mutable_filter()->add_hosts(std::string(65, 'x'));
  EXPECT_THAT(CheckRequest(watch, limits_).error_message(), HasSubstr("hosts has 65 bytes"));
}

}  // namespace
}  // namespace sasd::service
