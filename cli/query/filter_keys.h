#ifndef CLI_QUERY_FILTER_KEYS_H_
#define CLI_QUERY_FILTER_KEYS_H_

#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "sas/v1/filter.pb.h"
#include "sas/v1/resources.pb.h"

namespace sasd::cli {

// A filter that sasd itself applies.
struct FilterKey {
  // How users write the values.
  enum class Form {
    kText,       // with globs
    kReference,  // any name that FindNames() accepts
    kAddress,    // hexadecimal, with globs
    kEnum,       // a value of `type`, in short: "blocked", "12G"; link rates also "6" with an order
    kBool,       // "yes", "no"
    kNumber,     // decimal, or hexadecimal with "0x"
    kPeripheralType,  // a number, or "disk"
    kSize,            // with an order only: "14TB"
    kCount,           // with an order only: a number
  };

  std::string key;  // as users type it
  // Of sas.v1.Condition. "hosts" of a kind without this field: Filter.hosts; "behind":
  // Filter.behind.
  std::string field;
  Form form = Form::kText;
  // For kReference: the kinds that the field may refer to; for "behind": that come first.
  std::vector<sas::v1::ResourceKind> refers_to = {};
  const google::protobuf::EnumDescriptor* type = nullptr;
  // The one operator of a key such as "min-width", written "min-width=4"; else unspecified.
  sas::v1::Operator fixed = sas::v1::OPERATOR_UNSPECIFIED;
  // Whether a column of the same key shows the field. Such keys are listed with the columns.
  bool is_column = false;
};

// The filter keys of a kind.
const std::vector<FilterKey>& FilterKeysOf(sas::v1::ResourceKind kind);

}  // namespace sasd::cli

#endif  // CLI_QUERY_FILTER_KEYS_H_
