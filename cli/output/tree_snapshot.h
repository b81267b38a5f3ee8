#ifndef CLI_OUTPUT_TREE_SNAPSHOT_H_
#define CLI_OUTPUT_TREE_SNAPSHOT_H_

#include <cstdint>
#include <vector>

#include "sas/v1/resources.pb.h"

namespace sasd::cli {

// The topology at one revision, as far as a reader asked for it. In the order of resource names.
struct TreeSnapshot {
  int64_t revision = 0;
  std::vector<sas::v1::Host> hosts;
  std::vector<sas::v1::Port> ports;
  std::vector<sas::v1::Expander> expanders;
  std::vector<sas::v1::EndDevice> devices;
  std::vector<sas::v1::Enclosure> enclosures;
  std::vector<sas::v1::LogicalUnit> units;
};

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_TREE_SNAPSHOT_H_
