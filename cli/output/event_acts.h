#ifndef CLI_OUTPUT_EVENT_ACTS_H_
#define CLI_OUTPUT_EVENT_ACTS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "cli/output/place_names.h"
#include "sas/v1/events.pb.h"

namespace sasd::cli {

// One thing that happened: a drive was pulled, an expander is gone with all behind it. It stands
// for all changes of an event that follow from it.
struct Act {
  // What happened to a drive, for acts that may go on in the next event, over another host.
  enum class Kind { kOther, kLostPath, kRemoved, kGainedPath, kAdded };

  Kind kind = Kind::kOther;
  char sign = '~';   // + appeared, ~ changed, - gone, ! notice, @ call, * nothing of the rest
  std::string text;  // "drive ZA1 removed from JBOD24/3 (sdx)"
  std::string reason;
  sas::v1::Severity severity = sas::v1::SEVERITY_UNSPECIFIED;

  // Unless the kind is kOther:
  std::string unit;                // the resource name of the logical unit
  std::string subject;             // "drive ZA1"
  std::string place;               // "JBOD24/3 (sdx)"; may be empty
  std::vector<std::string> paths;  // the end devices whose paths it lost or gained
  int left = 0;                    // paths after it
};

// The acts of an event, in order. Nothing for what is worth no line (bookkeeping, the start and end
// of a discovery).
std::vector<Act> ActsOf(const sas::v1::Event& event, const PlaceNames& places);

// More acts of one kind than this share a line.
inline constexpr size_t kMostApart = 3;

// One act for several of one kind, on drives. `alike`: at least one.
Act FoldActs(const std::vector<Act>& alike);

// One act from two in a row that are one: a drive that loses its paths one by one is pulled. False
// if they are not one. `first` becomes the whole.
bool MergeActs(Act& first, const Act& next);

// "both paths", "all 3 paths"; empty for one.
std::string PathsText(size_t count);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_EVENT_ACTS_H_
