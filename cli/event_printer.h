#ifndef CLI_EVENT_PRINTER_H_
#define CLI_EVENT_PRINTER_H_

#include <cstdint>
#include <memory>
#include <ostream>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/paint.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::cli {

// Writes what a Watch stream, or the log, tells. Keeps nothing but what a line needs.
class EventPrinter {
 public:
  virtual ~EventPrinter() = default;
  virtual void Snapshot(const sas::v1::SnapshotChunk& chunk) = 0;
  virtual void Synced(const sas::v1::Synced& synced) = 0;
  virtual void Event(const sas::v1::Event& event) = 0;
  // The stream fell behind after `sent_revision` (0: not known) and its state is whole again at
  // `revision`. `why` is for the case that it did not just fall behind; else empty.
  virtual void Gap(int64_t sent_revision, int64_t revision, absl::string_view why) = 0;
};

// One line per change:
//   r42 02:11:09.123 - device 5000c500a7b26111  5000ccab.../4, sdb, SEAGATE ...  was attached  (phy
//   5 ...)
// The signs: + appeared, ~ changed (with the values before and after), - gone, = there already
// (snapshot), ! notice, * an event that changed nothing. Gaps stand out as "--- gap: ... ---".
std::unique_ptr<EventPrinter> NewEventLinePrinter(std::ostream& out, Paint paint);

// One JSON object a line: each event as protobuf's JSON has it (it has "revision"), and
// {"snapshot": {"revision", "resource"}}, {"synced": {"revision", "resumeToken"}} and
// {"gap": {"sentRevision", "revision", "reason"}}.
std::unique_ptr<EventPrinter> NewEventJsonlPrinter(std::ostream& out);

// The same as YAML documents.
std::unique_ptr<EventPrinter> NewEventYamlPrinter(std::ostream& out);

// By -o: "table" and "wide" are lines, "json" and "jsonl" one object a line, "yaml".
// kInvalidArgument for any other.
absl::StatusOr<std::unique_ptr<EventPrinter>> NewEventPrinter(absl::string_view output,
                                                              std::ostream& out, Paint paint);

}  // namespace sasd::cli

#endif  // CLI_EVENT_PRINTER_H_
