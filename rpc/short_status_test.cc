#include "rpc/short_status.h"

#include <map>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "rpc/status.h"

namespace sasd::rpc {
namespace {

TEST(ShortStatusTest, ShortOneStaysAsItIs) {
  const grpc::Status status = BadField("name", "\"x\" is no name");
  EXPECT_EQ(Shortened(status).error_message(), status.error_message());
  EXPECT_EQ(Shortened(status).error_details(), status.error_details());
}

std::string Repeat(const std::string& text, size_t bytes) {
  std::string out;
  while (out.size() < bytes) out += text;
  return out;
}

// A client's text takes one byte of the trailers for each of its own, or three.
TEST(ShortStatusTest, LongOneKeepsCodeBothEndsAndItsField) {
  for (const char* text : {"x", "\"", "%", "\x01", "\xc3\xa9", "\xf0\x9f\x92\xbe"}) {
    const grpc::Status status =
        BadField("filter.hosts[0]", absl::StrCat("\"", Repeat(text, 4'000), "\" is no host"));
    const grpc::Status shortened = Shortened(status);
    EXPECT_LE(StatusBytes(shortened), kMostStatusBytes) << text;
    EXPECT_EQ(shortened.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_TRUE(absl::StartsWith(shortened.error_message(),
                                 absl::StrCat("filter.hosts[0]: \"", text, text)))
        << shortened.error_message();
    EXPECT_TRUE(absl::EndsWith(shortened.error_message(), absl::StrCat(text, "\" is no host")));
    EXPECT_TRUE(absl::StrContains(shortened.error_message(), " bytes]"));
    google::rpc::Status details;
    ASSERT_TRUE(details.ParseFromString(shortened.error_details()));
    google::rpc::BadRequest request;
    ASSERT_EQ(details.details_size(), 1);
    ASSERT_TRUE(details.details(0).UnpackTo(&request));
    EXPECT_EQ(request.field_violations(0).field(), "filter.hosts[0]");
  }
}

TEST(ShortStatusTest, CharactersStayWhole) {
  // At any place of the cut.
  for (size_t i = 0; i < 8; ++i) {
    const grpc::Status status(grpc::StatusCode::NOT_FOUND,
                              std::string(i, 'x') + Repeat("\xf0\x9f\x92\xbe", 4'000));
    const std::string message = Shortened(status).error_message();
    const size_t cut = message.find('[');
    ASSERT_NE(cut, std::string::npos);
    EXPECT_EQ((cut - i) % 4, 0u) << i;
    EXPECT_EQ((message.size() - message.find(']') - 1) % 4, 0u) << i;
  }
}

TEST(ShortStatusTest, WhatDoesNotFitIsLeftOut) {
  std::map<std::string, std::string> metadata;
  for (int i = 0; i < 100; ++i) metadata[absl::StrCat("key", i)] = std::string(400, 'x');
  const grpc::Status shortened =
      Shortened(WithReason(grpc::StatusCode::FAILED_PRECONDITION, "m", "REASON", metadata));
  EXPECT_LE(StatusBytes(shortened), kMostStatusBytes);
  EXPECT_EQ(shortened.error_message(), "m");
}

}  // namespace
}  // namespace sasd::rpc
