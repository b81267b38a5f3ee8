#ifndef CLI_OUTPUT_FINDING_LINES_H_
#define CLI_OUTPUT_FINDING_LINES_H_

#include <string>
#include <vector>

#include "cli/output/paint.h"
#include "sas/v1/node_service.pb.h"

// What is wrong, as text for people. Pure functions.
namespace sasd::cli {

// One line for each finding, without '\n': severity, reason and message, in columns. What follows
// from another finding is indented. Critical ones are red, warnings yellow, dismissed ones green.
std::vector<std::string> FindingLines(const std::vector<const sas::v1::Finding*>& findings,
                                      const Paint& paint);

// Whether the finding counts for the status: nobody has dismissed it.
bool Counts(const sas::v1::Finding& finding);

// "OK", "WARNING", "CRITICAL" or "UNKNOWN", in its colour. A sasd that gives no status has that of
// its worst finding.
std::string StatusWord(const sas::v1::ListFindingsResponse& response, const Paint& paint);

// What sasd says; of one that says nothing, the worst finding.
sas::v1::HealthStatus StatusOf(const sas::v1::ListFindingsResponse& response);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_FINDING_LINES_H_
