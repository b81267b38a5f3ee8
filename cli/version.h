#ifndef CLI_VERSION_H_
#define CLI_VERSION_H_

namespace sasd::cli {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace sasd::cli

#endif  // CLI_VERSION_H_
