#ifndef CLI_OUTPUT_DESCRIBE_H_
#define CLI_OUTPUT_DESCRIBE_H_

#include <string>

#include "sas/v1/resources.pb.h"

namespace sasd::cli {

// One line about an object, for lists of candidates and event lines: "5000.../4, sdb,
// SEAGATE ST8000NM0075 ZA1234".
std::string DescribeResource(const sas::v1::Resource& resource);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_DESCRIBE_H_
