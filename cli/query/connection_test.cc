#include "cli/query/connection.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using testing::HasSubstr;

TEST(ConnectionTest, WithoutFilesIsPlain) {
  Connection connection;
  connection.address = "unix:/run/sasd/sasd.sock";
  EXPECT_TRUE(MakeCredentials(connection).ok());
}

TEST(ConnectionTest, MissingFileIsNamed) {
  Connection connection;
  connection.address = "node:7000";
  connection.tls_ca = "/dev/null";
  EXPECT_THAT(std::string(MakeCredentials(connection).status().message()),
              HasSubstr("--tls-certificate is missing"));
  connection.tls_certificate = "/no/such/file";
  connection.tls_key = "/dev/null";
  EXPECT_EQ(MakeCredentials(connection).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(MakeCredentials(connection).status().message()),
              HasSubstr("--tls-certificate /no/such/file: No such file"));
}

TEST(ConnectionTest, UnixSocketSpeaksNoTls) {
  Connection connection;
  connection.address = "unix:/run/sasd/sasd.sock";
  connection.tls_ca = "/dev/null";
  EXPECT_EQ(MakeCredentials(connection).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sasd::cli
