#ifndef CLI_SNAPSHOT_H_
#define CLI_SNAPSHOT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/context.h"
#include "sas/v1/resources.pb.h"

namespace sasd::cli {

// The topology at one revision, as far as a tree shows it. In the order of names.
struct Snapshot {
  int64_t revision = 0;
  std::vector<sas::v1::Host> hosts;
  std::vector<sas::v1::Port> ports;
  std::vector<sas::v1::Expander> expanders;
  std::vector<sas::v1::EndDevice> devices;
  std::vector<sas::v1::Enclosure> enclosures;
};

// Reads it through Watch, so that all of it is of one revision whatever happens meanwhile. `hosts`:
// resource names; empty for all. Errors as FromRpc().
absl::StatusOr<Snapshot> ReadSnapshot(const Context& context,
                                      const std::vector<std::string>& hosts);

}  // namespace sasd::cli

#endif  // CLI_SNAPSHOT_H_
