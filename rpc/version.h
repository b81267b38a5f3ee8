#ifndef RPC_VERSION_H_
#define RPC_VERSION_H_

namespace sasd {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace sasd

#endif  // RPC_VERSION_H_
