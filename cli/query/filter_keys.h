#ifndef CLI_QUERY_FILTER_KEYS_H_
#define CLI_QUERY_FILTER_KEYS_H_

#include <string>
#include <vector>

#include "sas/v1/resources.pb.h"

namespace sasd::cli {

// A condition that sasd itself applies.
struct FilterKey {
  std::string key;    // as it is typed
  std::string field;  // of the filter message
  // For a field that holds a resource's name: what it may name. The user may call that by anything.
  std::vector<sas::v1::ResourceKind> refers_to;
};

// What a kind's List request can be asked for; empty for hosts, whose request has no filter.
const std::vector<FilterKey>& FilterKeysOf(sas::v1::ResourceKind kind);

}  // namespace sasd::cli

#endif  // CLI_QUERY_FILTER_KEYS_H_
