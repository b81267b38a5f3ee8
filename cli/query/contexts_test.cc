#include "cli/query/contexts.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr char kText[] = R"(# My nodes.
current-context = "lab"   # for now
[contexts.lab]
address = "node1:7000"
tls-ca = "ca.pem"
tls-certificate = "/etc/client.pem"
tls-key = "client.key"
tls-name = "node1.example.org"
[contexts.local]
address = "unix:/run/sasd/sasd.sock"
)";

std::string Error(absl::string_view text) {
  const auto contexts = ParseContexts(text, "/c/config.toml");
  EXPECT_FALSE(contexts.ok()) << text;
  return std::string(contexts.status().message());
}

TEST(ParseContextsTest, PathsAreBesideTheFile) {
  const auto contexts = ParseContexts(kText, "/c/config.toml");
  ASSERT_TRUE(contexts.ok()) << contexts.status();
  EXPECT_EQ(contexts->current, "lab");
  ASSERT_THAT(contexts->all, SizeIs(2));
  const Connection& lab = contexts->all[0].connection;
  EXPECT_EQ(lab.address, "node1:7000");
  EXPECT_EQ(lab.tls_ca, "/c/ca.pem");
  EXPECT_EQ(lab.tls_certificate, "/etc/client.pem");
  EXPECT_EQ(lab.tls_key, "/c/client.key");
  EXPECT_EQ(lab.tls_name, "node1.example.org");
  EXPECT_FALSE(contexts->all[1].connection.tls());
}

TEST(ParseContextsTest, FaultsHaveLineAndColumn) {
  EXPECT_EQ(
      Error("curent-context = \"lab\""),
      "/c/config.toml:1:1: unknown key \"curent-context\"; did you mean \"current-context\"?");
  EXPECT_EQ(Error("[contexts.lab]\naddress = \"a:1\"\n  tls_ca = \"x\"\n"),
            "/c/config.toml:3:3: unknown key \"tls_ca\"; did you mean \"tls-ca\"?");
  EXPECT_EQ(Error("[contexts.lab]\naddress = 7000"),
            "/c/config.toml:1:11: context lab has no address\n"
            "/c/config.toml:2:11: address: expected text in quotes");
  EXPECT_EQ(Error("[contexts.lab]\ntls-ca = \"x\""),
            "/c/config.toml:1:11: context lab has no address");
  EXPECT_THAT(Error("current-context = \"lap\"\n[contexts.lab]\naddress = \"a:1\"\n"),
              HasSubstr("/c/config.toml:1:19: no context \"lap\""));
  EXPECT_THAT(Error("[contexts.lab\n"), HasSubstr("/c/config.toml:1:"));
  EXPECT_THAT(Error("contexts = 5"), HasSubstr("/c/config.toml:1:12: contexts: expected tables"));
  EXPECT_THAT(Error("[contexts]\nlab = 5"), HasSubstr("expected a table: [contexts.NAME]"));
}

class ContextsFileTest : public testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/tmp/sasctl-contexts.XXXXXX";
    ASSERT_NE(mkdtemp(folder), nullptr);
    folder_ = folder;
    place_.path = folder_ + "/config.toml";
    std::ofstream(place_.path) << kText;
  }
  void TearDown() override {
    EXPECT_EQ(system(absl::StrCat("rm -r ", folder_).c_str()), 0);  // NOLINT: no user input
  }

  std::string Text() {
    std::ifstream file(place_.path);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  // The address, or the error.
  std::string Resolved(GivenConnection given) {
    given.place = place_;
    const auto connection = ResolveConnection(given);
    return connection.ok() ? connection->address : std::string(connection.status().message());
  }

  std::string folder_;
  ContextsPlace place_;
};

TEST_F(ContextsFileTest, UseLeavesCommentsAsTheyAre) {
  ASSERT_TRUE(UseContext(place_, "local").ok());
  EXPECT_THAT(Text(), HasSubstr("# My nodes.\ncurrent-context = \"local\"   # for now\n[contexts"));
  EXPECT_EQ(ReadContexts(place_)->current, "local");
  EXPECT_EQ(UseContext(place_, "labb").code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadContexts(place_)->current, "local");
}

TEST_F(ContextsFileTest, UseAddsAMissingCurrentContext) {
  std::ofstream(place_.path) << "[contexts.a]\naddress = \"a:1\"\n";
  ASSERT_TRUE(UseContext(place_, "a").ok());
  EXPECT_EQ(Text(), "current-context = \"a\"\n[contexts.a]\naddress = \"a:1\"\n");
}

TEST_F(ContextsFileTest, UseKeepsModeAndLink) {
  ASSERT_EQ(chmod(place_.path.c_str(), 0640), 0);
  const std::string link = folder_ + "/link";
  ASSERT_EQ(symlink(place_.path.c_str(), link.c_str()), 0);
  ContextsPlace place = place_;
  place.path = link;
  ASSERT_TRUE(UseContext(place, "local").ok());
  struct stat info;
  ASSERT_EQ(lstat(link.c_str(), &info), 0);
  EXPECT_TRUE(S_ISLNK(info.st_mode));
  ASSERT_EQ(stat(link.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0640u);
}

TEST_F(ContextsFileTest, MissingFileCountsOnlyIfItIsGiven) {
  place_.path = folder_ + "/none";
  EXPECT_THAT(ReadContexts(place_)->all, IsEmpty());
  EXPECT_EQ(Resolved({}), "unix:/run/sasd/sasd.sock");
  place_.is_given = true;
  EXPECT_EQ(ReadContexts(place_).status().code(), absl::StatusCode::kNotFound);
  place_.path = "/dev/zero";
  EXPECT_EQ(ReadContexts(place_).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(ContextsFileTest, NearerWordDecidesTheConnection) {
  GivenConnection given;
  EXPECT_EQ(Resolved(given), "node1:7000") << "the current context of the file";
  place_.chosen = "local";
  EXPECT_EQ(Resolved(given), "unix:/run/sasd/sasd.sock") << "$SASCTL_CONTEXT";
  given.environment.address = "env:1";
  EXPECT_EQ(Resolved(given), "env:1") << "$SASD_ADDR";
  given.context = "lab";
  EXPECT_EQ(Resolved(given), "node1:7000") << "--context";
  given.options.address = "option:1";
  EXPECT_EQ(Resolved(given), "give either --addr or --context, not both");
  given.context.clear();
  EXPECT_EQ(Resolved(given), "option:1") << "--addr";
  given.options.address.clear();
  given.context = "lap";
  EXPECT_THAT(Resolved(given), HasSubstr("did you mean \"lab\"?"));
}

TEST_F(ContextsFileTest, ContextBringsItsOwnTlsFiles) {
  GivenConnection given;
  given.place = place_;
  given.context = "lab";
  given.environment.tls_ca = "/env/ca.pem";
  given.options.tls_key = "/option/key";
  const auto connection = ResolveConnection(given);
  ASSERT_TRUE(connection.ok()) << connection.status();
  EXPECT_EQ(connection->tls_ca, folder_ + "/ca.pem");
  EXPECT_EQ(connection->tls_key, "/option/key");
}

TEST_F(ContextsFileTest, BrokenFileIsNotReadWithoutNeed) {
  std::ofstream(place_.path) << "x = 1";
  GivenConnection given;
  EXPECT_THAT(Resolved(given), HasSubstr("unknown key"));
  given.environment.address = "env:1";
  EXPECT_EQ(Resolved(given), "env:1");
}

}  // namespace
}  // namespace sasd::cli
