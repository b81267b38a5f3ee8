#ifndef DAEMON_CONFIG_EXAMPLE_H_
#define DAEMON_CONFIG_EXAMPLE_H_

#include <string>

namespace sasd::config {

// The file that is shipped (packaging/sasd.toml): every option of the file with its help, range and
// names, and its default as a comment.
std::string ExampleFile();

}  // namespace sasd::config

#endif  // DAEMON_CONFIG_EXAMPLE_H_
