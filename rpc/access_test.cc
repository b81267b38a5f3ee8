#include "rpc/access.h"

#include <unistd.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::rpc {
namespace {

using testing::HasSubstr;

Peer Unix(uint32_t uid, uint32_t gid = 100, std::vector<uint32_t> groups = {}) {
  Peer peer;
  peer.kind = Peer::Kind::kUnix;
  peer.uid = uid;
  peer.gid = gid;
  peer.groups = std::move(groups);
  return peer;
}

Peer Tls(std::vector<std::string> names) {
  Peer peer;
  peer.kind = Peer::Kind::kTls;
  peer.address = "192.0.2.7";
  peer.certificate_names = std::move(names);
  return peer;
}

RoleRule Rule(const std::string& text, Role role) {
  absl::StatusOr<RoleRule> rule = ParseRoleRule(text, role);
  EXPECT_TRUE(rule.ok()) << rule.status();
  return *std::move(rule);
}

TEST(AccessTest, ListenerGivesTheRoleOfUnknownPeers) {
  const AccessPolicy policy;
  EXPECT_EQ(RoleOf(policy, Unix(4711)), Role::kOperator);
  Peer tcp;
  tcp.kind = Peer::Kind::kTcp;
  EXPECT_EQ(RoleOf(policy, tcp), Role::kViewer);
  EXPECT_EQ(RoleOf(policy, Tls({"node.example.org"})), Role::kNone);
  EXPECT_EQ(RoleOf(policy, Peer()), Role::kNone);
}

TEST(AccessTest, RootAndTheProcessItselfAreAdmin) {
  AccessPolicy policy;
  policy.rules.push_back(Rule("user:0", Role::kViewer));
  EXPECT_EQ(RoleOf(policy, Unix(0)), Role::kAdmin);
  EXPECT_EQ(RoleOf(policy, Unix(geteuid())), Role::kAdmin);
  Peer self;
  self.kind = Peer::Kind::kSelf;
  EXPECT_EQ(RoleOf(policy, self), Role::kAdmin);
}

TEST(AccessTest, HighestMatchingRuleCounts) {
  AccessPolicy policy;
  policy.rules.push_back(Rule("user:4711", Role::kViewer));
  policy.rules.push_back(Rule("group:77", Role::kAdmin));
  policy.rules.push_back(Rule("certificate:*.monitor.example.org", Role::kViewer));
  EXPECT_EQ(RoleOf(policy, Unix(4711)), Role::kViewer) << "a rule may take from the default";
  EXPECT_EQ(RoleOf(policy, Unix(4711, 77)), Role::kAdmin);
  EXPECT_EQ(RoleOf(policy, Unix(4711, 1, {5, 77})), Role::kAdmin);
  EXPECT_EQ(RoleOf(policy, Tls({"a.monitor.example.org"})), Role::kViewer);
  EXPECT_EQ(RoleOf(policy, Tls({"x", "a.monitor.example.org"})), Role::kViewer);
  EXPECT_EQ(RoleOf(policy, Tls({"monitor.example.org"})), Role::kNone);
}

TEST(AccessTest, RulesAreReadOrRefused) {
  EXPECT_EQ(Rule("user:root", Role::kViewer).id, 0u);
  EXPECT_EQ(Rule("group:root", Role::kViewer).id, 0u);
  for (const char* bad : {"", "root", "user:", "group:", "certificate:", "uid:3"}) {
    EXPECT_EQ(ParseRoleRule(bad, Role::kViewer).status().code(), absl::StatusCode::kInvalidArgument)
        << bad;
  }
  EXPECT_EQ(ParseRoleRule("user:no-such-user", Role::kViewer).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(AccessTest, PeersAreNamedByWhatIdentifiesThem) {
  EXPECT_EQ(KeyOf(Unix(4711)), "uid 4711");
  EXPECT_EQ(KeyOf(Tls({"a.example.org", "b"})), "certificate a.example.org");
  EXPECT_THAT(Describe(Tls({"a"})), HasSubstr("192.0.2.7"));
}

}  // namespace
}  // namespace sasd::rpc
