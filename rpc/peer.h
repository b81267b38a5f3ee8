#ifndef RPC_PEER_H_
#define RPC_PEER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sasd::rpc {

// What a peer may do; each role includes those before it.
enum class Role : uint8_t { kNone, kViewer, kOperator, kAdmin };

// "viewer". For kNone: "none".
absl::string_view RoleName(Role role);

// The other end of a connection. A value.
struct Peer {
  enum class Kind : uint8_t {
    kUnknown,  // of a connection that has ended, or that no listener of ours accepted
    kSelf,     // this process
    kUnix,     // a process of this machine, by its credentials
    kTcp,      // anybody at an address: neither encrypted nor identified
    kTls,      // the holder of a certificate
  };

  Kind kind = Kind::kUnknown;
  uint64_t connection = 0;  // unique in this process; 0: unknown

  // kUnix: as the kernel recorded them when the peer connected (SO_PEERCRED and SO_PEERGROUPS,
  // unix(7)). What the process has become since does not matter.
  uint32_t uid = 0, gid = 0;
  int32_t pid = 0;
  std::vector<uint32_t> groups;  // the supplementary ones

  std::string address;                         // kTcp, kTls: numeric, without the port
  std::vector<std::string> certificate_names;  // kTls: subject alternative names, else the CN

  // Whether it has the slots that are kept for root (and for the process itself).
  bool privileged() const { return kind == Kind::kSelf || (kind == Kind::kUnix && uid == 0); }
};

// Whose connections and calls are counted together: "self", "uid 1000", "certificate
// monitor.example.org", "address 192.0.2.7".
std::string KeyOf(const Peer& peer);

// For logs: KeyOf() and what else is known ("uid 1000, pid 4711").
std::string Describe(const Peer& peer);

}  // namespace sasd::rpc

#endif  // RPC_PEER_H_
