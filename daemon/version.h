#ifndef DAEMON_VERSION_H_
#define DAEMON_VERSION_H_

namespace sasd {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace sasd

#endif  // DAEMON_VERSION_H_
