#ifndef CLI_OUTPUT_NODE_SUMMARY_H_
#define CLI_OUTPUT_NODE_SUMMARY_H_

#include <string>
#include <vector>

#include "cli/output/paint.h"
#include "cli/output/place_names.h"
#include "cli/output/screen.h"
#include "cli/output/tree_snapshot.h"
#include "sas/cli/v1/documents.pb.h"
#include "sas/v1/baseline_service.pb.h"
#include "sas/v1/node_service.pb.h"

namespace sasd::cli {

// What a summary is made of.
struct NodePicture {
  std::string node_name;
  TreeSnapshot topology;                        // hosts, ports, expanders, enclosures and units
  std::vector<sas::v1::BaselineEntry> missing;  // what belongs here and is missing
  sas::v1::ListFindingsResponse findings;       // root causes
  PlaceNames names;                             // aliases
};

// The node at a glance, in lines of at most about 120 columns, each with '\n':
//
//   vm: CRITICAL: 35 of 36 drives, 66 of 68 paths, 2 hosts, 4 expanders, 3 enclosures, 2 free slots
//
//   HOST              OS-NAME  BOARD       DISCOVERY  DRIVES  PATHS  LINKS  GBIT/S  FINDINGS
//   500605b00ab01230  -        SAS9300-8e  settled     34/35  34/35  4x12G      48  -
//
//   ENCLOSURE         MODEL       DRIVES  FREE  PATHS  LINKS      GBIT/S  FINDINGS
//   5000ccab03001100  SMC JBOD24   22/23     2  44/46  2 x 4x12G      96  1 critical
//
//   critical  DRIVE_MISSING  ...
//
// Drives and paths are "there/expected": what the baseline has. The links of an enclosure are the
// narrowest on the way from each host to it; those of a host are its ports. A host or an enclosure
// that is missing has a line, too. An enclosure without drives, slots and expanders
// (the one that a host is for itself) has none. At most `kMostFindings` findings are shown, the
// worst ones, and the number of all.
// A terminal gets tables that fit.
std::string SummaryText(const NodePicture& picture, const Paint& paint, const Screen& screen = {});

// The same for programs, with all findings.
sas::cli::v1::Summary SummaryDocument(const NodePicture& picture);

inline constexpr int kMostFindings = 10;

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_NODE_SUMMARY_H_
