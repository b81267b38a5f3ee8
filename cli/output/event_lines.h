#ifndef CLI_OUTPUT_EVENT_LINES_H_
#define CLI_OUTPUT_EVENT_LINES_H_

#include <memory>
#include <ostream>
#include <string>

#include "cli/output/event_printer.h"
#include "cli/output/paint.h"
#include "cli/output/place_names.h"
#include "cli/output/wall_clock.h"
#include "sas/v1/events.pb.h"

namespace sasd::cli {

// Prints one line per change:
//   r42 02:11:09.123 - device 5000c500a7b26111  5000ccab.../4, sdb, SEAGATE ...  was attached  (phy
//   5 ...)
// The signs: + appeared, ~ changed (with the values before and after), - gone, = in the snapshot, !
// notice, @ what a client asked for, * an event that changed nothing. Gaps stand out as "--- gap:
// ... ---". The date precedes the time if it is not today. Colours show the severity that sasd
// gives: warnings are yellow, what is critical is red. Hosts and enclosures go by their aliases.
std::unique_ptr<EventPrinter> NewEventLinePrinter(std::ostream& out, Paint paint, WallClock clock,
                                                  PlaceNames places = {});

// One change, as in such a line: "~ port      5006.../5000...  4x 12G  width 3 -> 4".
std::string ChangeText(const sas::v1::Change& change, Paint paint);

// Whether a change is worth no line: it has only bookkeeping; of a slot, the hosts that see its
// enclosure, which has a line of its own; after a restart, what the restart has renamed.
bool IsSilentChange(const sas::v1::Change& change, const sas::v1::Cause& cause);

// Whether nothing but the device handle has changed. After a host reset this is true of every
// device.
bool OnlyHandleDiffers(const sas::v1::Change& change);

// "! warning 5000ccab0300113f: ..."; of a host or an enclosure "! warning host 500605b00ab01230:
// ...".
std::string NoticeText(const sas::v1::Notice& notice);

// "gap: 1 event lost on host X, ..." where the event marks lost events or a reset;
// empty for none. A gap of the history comes apart, as LossText().
std::string MarkText(const sas::v1::Event& event);

// "revisions 66 to 65536 are lost: the node lost power before the journal was on disk".
std::string LossText(const sas::v1::Gap& gap);

// `text` in the colour of the severity.
std::string PaintBySeverity(sas::v1::Severity severity, const std::string& text, Paint paint);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_EVENT_LINES_H_
