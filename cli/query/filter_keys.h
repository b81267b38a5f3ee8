#ifndef CLI_QUERY_FILTER_KEYS_H_
#define CLI_QUERY_FILTER_KEYS_H_

#include <string>
#include <vector>

#include "sas/v1/resources.pb.h"

namespace sasd::cli {

// A filter that sasd itself applies.
struct FilterKey {
  std::string key;    // as users type it
  std::string field;  // of the filter message
  // Kinds that the field may refer to, if it holds a resource name. Users may then give any name
  // that FindName() accepts.
  std::vector<sas::v1::ResourceKind> refers_to;
};

// The filter keys of a kind's List request; none for hosts, whose request has no filter.
const std::vector<FilterKey>& FilterKeysOf(sas::v1::ResourceKind kind);

}  // namespace sasd::cli

#endif  // CLI_QUERY_FILTER_KEYS_H_
