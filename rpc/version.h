#ifndef RPC_VERSION_H_
#define RPC_VERSION_H_

namespace sasd::rpc {

// The release of all programs: they are built and shipped together.
inline constexpr char kVersion[] = "0.1.0";

}  // namespace sasd::rpc

#endif  // RPC_VERSION_H_
