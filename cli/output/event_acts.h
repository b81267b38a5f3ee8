#ifndef CLI_OUTPUT_EVENT_ACTS_H_
#define CLI_OUTPUT_EVENT_ACTS_H_

#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "cli/output/place_names.h"
#include "sas/v1/events.pb.h"

namespace sasd::cli {

// One thing that happened: a drive was pulled, an expander is gone with all behind it. It stands
// for all changes of an event that follow from it.
struct Act {
  // What happened, for acts that may go on in the next event: to a drive, over another host; to a
  // host, an expander or an enclosure, with what is behind it. kUnit is another logical unit that
  // came, kPhys is links of one node that changed: both belong to the arrival or the loss of what
  // they lead to.
  enum class Kind {
    kOther,
    kLostPath,
    kRemoved,
    kGainedPath,
    kAdded,
    kArrived,
    kLeft,
    kUnit,
    kPhys
  };

  Kind kind = Kind::kOther;
  char sign = '~';   // + appeared, ~ changed, - gone, ! notice, @ call, * nothing of the rest
  std::string text;  // "drive ZA1 removed from JBOD24/3 (sdx)"
  std::string reason;
  sas::v1::Severity severity = sas::v1::SEVERITY_UNSPECIFIED;

  // Of an act on a drive:
  std::string unit;                // the resource name of the logical unit
  std::string subject;             // "drive ZA1"
  std::string place;               // "JBOD24/3 (sdx)"; may be empty
  std::vector<std::string> paths;  // the end devices whose paths it lost or gained
  int left = 0;                    // paths after it

  // Of kAdded, kGainedPath and kUnit: what the end devices hang at; empty where that is not known.
  std::vector<std::string> parents;
  // Of kPhys: their node, how many they are, the SAS addresses at the other ends (empty where they
  // are not known), and whether the links came up or went down.
  std::string owner;
  int64_t phy_count = 0;
  std::vector<std::string> peers;
  bool is_up = false, is_down = false;

  // Of kArrived and kLeft.
  struct Link {
    std::string owner, address;  // its upper end, the SAS address of the lower one
    int64_t width = 0;
  };
  struct Top {
    std::string name, parent, enclosure;  // resource names; of an enclosure only the first
    std::vector<Link> links;              // those that led to it, and to what it covers
    std::set<std::string> covers;         // it, and what came or went below it
    std::set<std::string> all, some;      // drives that lost or gained all paths, or some
    int64_t expanders = 0, slots = 0;     // that came or went with it, in acts of their own
  };
  Top top;
};

// The acts of an event, in order. Nothing for what is worth no line (bookkeeping, the start and end
// of a discovery).
std::vector<Act> ActsOf(const sas::v1::Event& event, const PlaceNames& places);

// More acts of one kind than this share a line.
inline constexpr size_t kMostApart = 3;

// One act for several of one kind, on drives. `alike`: at least one.
Act FoldActs(const std::vector<Act>& alike);

// One act from two in a row that are one: a drive that loses its paths one by one is pulled, a
// drive that comes behind a new expander comes with it. False if they are not one. `first` becomes
// the whole.
bool MergeActs(Act& first, const Act& next);

// "both paths", "all 3 paths"; empty for one.
std::string PathsText(size_t count);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_EVENT_ACTS_H_
