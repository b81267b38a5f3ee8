#ifndef CLI_OUTPUT_CAUSE_TEXT_H_
#define CLI_OUTPUT_CAUSE_TEXT_H_

#include <string>

#include "sas/v1/events.pb.h"

// Why something happened, for people. Pure functions.
namespace sasd::cli {

// The text of the cause, or its kind.
std::string CauseText(const sas::v1::Cause& cause);

// The reason for one change: the clause of the cause that names its object, else the first clause.
std::string ReasonFor(const sas::v1::Change& change, const sas::v1::Cause& cause);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_CAUSE_TEXT_H_
