#include "rpc/peer.h"

#include "absl/strings/str_cat.h"

namespace sasd::rpc {

absl::string_view RoleName(Role role) {
  switch (role) {
    case Role::kNone:
      return "none";
    case Role::kViewer:
      return "viewer";
    case Role::kOperator:
      return "operator";
    case Role::kAdmin:
      return "admin";
  }
  return "none";
}

std::string KeyOf(const Peer& peer) {
  switch (peer.kind) {
    case Peer::Kind::kUnknown:
      return "unknown";
    case Peer::Kind::kSelf:
      return "self";
    case Peer::Kind::kUnix:
      return absl::StrCat("uid ", peer.uid);
    case Peer::Kind::kTcp:
      return absl::StrCat("address ", peer.address);
    case Peer::Kind::kTls:
      if (peer.certificate_names.empty()) return absl::StrCat("address ", peer.address);
      return absl::StrCat("certificate ", peer.certificate_names.front());
  }
  return "unknown";
}

std::string Describe(const Peer& peer) {
  switch (peer.kind) {
    case Peer::Kind::kUnix:
      return absl::StrCat(KeyOf(peer), ", pid ", peer.pid);
    case Peer::Kind::kTls:
      if (!peer.certificate_names.empty()) {
        return absl::StrCat(KeyOf(peer), " at ", peer.address);
      }
      return KeyOf(peer);
    default:
      return KeyOf(peer);
  }
}

}  // namespace sasd::rpc
