#include "rpc/access.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "rpc/status.h"

namespace sasd::rpc {
namespace {

bool Matches(const RoleRule& rule, const Peer& peer) {
  switch (rule.subject) {
    case RoleRule::Subject::kUser:
      return peer.kind == Peer::Kind::kUnix && peer.uid == rule.id;
    case RoleRule::Subject::kGroup:
      return peer.kind == Peer::Kind::kUnix &&
             (peer.gid == rule.id ||
              std::find(peer.groups.begin(), peer.groups.end(), rule.id) != peer.groups.end());
    case RoleRule::Subject::kCertificate:
      return peer.kind == Peer::Kind::kTls &&
             std::any_of(
                 peer.certificate_names.begin(), peer.certificate_names.end(),
                 [&rule](const std::string& name) { return rule.certificate.Matches(name); });
  }
  return false;
}

// "ipv4:192.0.2.7:4711" and "ipv6:%5B2001:db8::1%5D:4711" without scheme and port.
std::string AddressOf(absl::string_view peer) {
  if (!absl::ConsumePrefix(&peer, "ipv4:")) absl::ConsumePrefix(&peer, "ipv6:");
  peer = peer.substr(0, peer.rfind(':'));
  for (absl::string_view open : {"%5B", "["}) absl::ConsumePrefix(&peer, open);
  for (absl::string_view close : {"%5D", "]"}) absl::ConsumeSuffix(&peer, close);
  return std::string(peer);
}

std::vector<std::string> CertificateNames(const grpc::AuthContext& context) {
  std::vector<std::string> names;
  for (const char* property : {"x509_subject_alternative_name", "x509_common_name"}) {
    for (const grpc::string_ref& name : context.FindPropertyValues(property)) {
      names.emplace_back(name.data(), name.size());
    }
    if (!names.empty()) break;
  }
  return names;
}

}  // namespace

absl::StatusOr<RoleRule> ParseRoleRule(absl::string_view text, Role role) {
  RoleRule rule;
  rule.role = role;
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "certificate:") && !rest.empty()) {
    rule.subject = RoleRule::Subject::kCertificate;
    absl::StatusOr<Glob> glob = Glob::Parse(rest);
    if (!glob.ok()) return glob.status();
    rule.certificate = *std::move(glob);
    return rule;
  }
  const bool is_user = absl::ConsumePrefix(&rest, "user:");
  if ((!is_user && !absl::ConsumePrefix(&rest, "group:")) || rest.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", text, "\" names nobody: give user:NAME, group:NAME or certificate:PATTERN"));
  }
  rule.subject = is_user ? RoleRule::Subject::kUser : RoleRule::Subject::kGroup;
  if (absl::SimpleAtoi(rest, &rule.id)) return rule;
  const std::string name(rest);
  if (is_user) {
    const passwd* const user = getpwnam(name.c_str());
    if (user == nullptr) return absl::NotFoundError(absl::StrCat("there is no user ", name));
    rule.id = user->pw_uid;
  } else {
    const group* const found = getgrnam(name.c_str());
    if (found == nullptr) return absl::NotFoundError(absl::StrCat("there is no group ", name));
    rule.id = found->gr_gid;
  }
  return rule;
}

Role RoleOf(const AccessPolicy& policy, const Peer& peer) {
  if (peer.privileged()) return Role::kAdmin;
  if (peer.kind == Peer::Kind::kUnix && peer.uid == geteuid()) return Role::kAdmin;
  Role role = Role::kNone;
  bool matched = false;
  for (const RoleRule& rule : policy.rules) {
    if (!Matches(rule, peer)) continue;
    role = std::max(role, rule.role);
    matched = true;
  }
  if (matched) return role;
  switch (peer.kind) {
    case Peer::Kind::kUnix:
      return policy.of_unix;
    case Peer::Kind::kTcp:
      return policy.of_tcp;
    case Peer::Kind::kTls:
      return policy.of_tls;
    default:
      return Role::kNone;
  }
}

Access::Access(ConnectionTable& connections, LimitBook& limits, AccessPolicy policy, Audit audit)
    : connections_(connections),
      limits_(limits),
      audit_(std::move(audit)),
      policy_(std::move(policy)) {}

void Access::Add(const std::vector<MethodRole>& methods) {
  absl::MutexLock lock(&mu_);
  methods_.insert(methods.begin(), methods.end());
}

void Access::SetPolicy(AccessPolicy policy) {
  absl::MutexLock lock(&mu_);
  policy_ = std::move(policy);
}

Peer Access::PeerOf(const grpc::ServerContextBase& context) const {
  const std::string name = context.peer();
  if (absl::StartsWith(name, "fd:")) return connections_.Find(name);
  const std::shared_ptr<const grpc::AuthContext> auth = context.auth_context();
  Peer peer;
  if (auth == nullptr || !auth->IsPeerAuthenticated()) return peer;
  peer.kind = Peer::Kind::kTls;
  peer.address = AddressOf(name);
  peer.certificate_names = CertificateNames(*auth);
  return peer;
}

void Access::NoteAbandoned(const grpc::ServerContextBase& context) {
  const int64_t most = limits_.value(Limit::kAbandonedCalls);
  if (connections_.NoteAbandoned(context.peer(), most)) {
    limits_.CountRefusal(Limit::kAbandonedCalls);
  }
}

Caller Access::Identify(const grpc::ServerContextBase& context) {
  Caller found;
  found.peer = PeerOf(context);
  found.key = KeyOf(found.peer);
  absl::MutexLock lock(&mu_);
  found.role = RoleOf(policy_, found.peer);
  return found;
}

grpc::Status Access::Admit(const grpc::ServerContextBase& context, absl::string_view method,
                           Caller* caller) {
  Caller found = Identify(context);
  Role needed = Role::kNone;
  {
    absl::MutexLock lock(&mu_);
    if (const auto it = methods_.find(method); it != methods_.end()) needed = it->second;
  }
  const bool allowed = needed != Role::kNone && found.role >= needed;
  if (audit_) audit_(found, method, needed, allowed);
  grpc::Status status;
  if (found.peer.kind == Peer::Kind::kUnknown) {
    status = WithReason(grpc::StatusCode::UNAUTHENTICATED,
                        "nobody knows who called: the connection has ended; connect again",
                        "UNKNOWN_PEER", {{"method", std::string(method)}});
  } else if (needed == Role::kNone) {
    status = WithReason(grpc::StatusCode::PERMISSION_DENIED,
                        absl::StrCat(method, " is in no table of roles"), "NO_ROLE_GIVEN",
                        {{"method", std::string(method)}});
  } else if (!allowed) {
    status =
        WithReason(grpc::StatusCode::PERMISSION_DENIED,
                   absl::StrCat(method, " needs the role ", RoleName(needed), "; ", found.key,
                                " has ", found.role == Role::kNone ? "none" : RoleName(found.role),
                                "; see docs/security.md"),
                   "ROLE_REQUIRED",
                   {{"method", std::string(method)},
                    {"needed", std::string(RoleName(needed))},
                    {"role", std::string(RoleName(found.role))}});
  }
  if (caller != nullptr) *caller = std::move(found);
  return status;
}

}  // namespace sasd::rpc
