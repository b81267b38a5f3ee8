#include "rpc/limits.h"

#include <set>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::rpc {
namespace {

using testing::HasSubstr;

TEST(LimitsTest, EveryLimitHasItsPlaceNameAndRange) {
  std::set<std::string> names;
  for (size_t i = 0; i < kLimitCount; ++i) {
    const LimitInfo& info = AllLimits()[i];
    EXPECT_EQ(static_cast<size_t>(info.limit), i) << info.name;
    EXPECT_TRUE(names.emplace(info.name).second) << info.name;
    EXPECT_LE(info.minimum, info.value) << info.name;
    EXPECT_LE(info.value, info.maximum) << info.name;
    EXPECT_EQ(info.help.back(), '.') << info.name;
  }
}

TEST(LimitsTest, RefusalNamesTheLimitAndIsCounted) {
  LimitBook book;
  book.Set(Limit::kWatchesPerPeer, 7);
  const grpc::Status status = book.Refuse(Limit::kWatchesPerPeer, "one more Watch of uid 12");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(status.error_message(), "one more Watch of uid 12: the limit watches_per_peer is 7");
  EXPECT_THAT(status.error_details(), HasSubstr("LIMIT_EXCEEDED"));
  EXPECT_EQ(book.refused(Limit::kWatchesPerPeer), 1);
}

TEST(LimitsTest, ValueStaysInItsRange) {
  LimitBook book;
  book.Set(Limit::kConnections, -5);
  EXPECT_EQ(book.value(Limit::kConnections), InfoOf(Limit::kConnections).minimum);
}

TEST(LimitsTest, TextsAreReadOrRefused) {
  const auto limit = ParseLimit("watches=12");
  ASSERT_TRUE(limit.ok());
  EXPECT_EQ(*limit, std::make_pair(Limit::kWatches, int64_t{12}));
  EXPECT_THAT(std::string(ParseLimit("watchs=1").status().message()),
              HasSubstr("did you mean \"watches\""));
  for (const char* bad :
       {"watches=0", "watches=x", "watches", "watches=1=2", "descriptors=9", ""}) {
    EXPECT_FALSE(ParseLimit(bad).ok()) << bad;
  }
}

TEST(LimitsTest, SetAllBringsOthersBackToTheirDefaults) {
  LimitBook book;
  book.Set(Limit::kWatches, 5);
  book.SetAll({{Limit::kConnections, 7}});
  EXPECT_EQ(book.value(Limit::kConnections), 7);
  EXPECT_EQ(book.value(Limit::kWatches), InfoOf(Limit::kWatches).value);
}

TEST(PeerQuotaTest, PeersAreLimitedEachAndInAll) {
  LimitBook book;
  book.Set(Limit::kWatches, 4);
  book.Set(Limit::kWatchesPerPeer, 2);
  PeerQuota quota(book, Limit::kWatches, Limit::kWatchesPerPeer);
  EXPECT_EQ(quota.Take("a", false), std::nullopt);
  EXPECT_EQ(quota.Take("a", false), std::nullopt);
  EXPECT_EQ(quota.Take("a", false), Limit::kWatchesPerPeer);
  EXPECT_EQ(quota.Take("b", false), std::nullopt);
  EXPECT_EQ(quota.Take("c", false), Limit::kWatches) << "the last one is kept";
  EXPECT_EQ(quota.Take("root", true), std::nullopt);
  EXPECT_EQ(quota.Take("root", true), Limit::kWatches);
  quota.Release("a");
  EXPECT_EQ(quota.in_use(), 3);
  EXPECT_EQ(quota.Take("root", true), std::nullopt);
}

}  // namespace
}  // namespace sasd::rpc
