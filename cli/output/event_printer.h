#ifndef CLI_OUTPUT_EVENT_PRINTER_H_
#define CLI_OUTPUT_EVENT_PRINTER_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::cli {

// Prints the items of a Watch stream or of the log.
class EventPrinter {
 public:
  virtual ~EventPrinter() = default;
  virtual void Snapshot(const sas::v1::SnapshotChunk& chunk) = 0;
  virtual void Synced(const sas::v1::Synced& synced) = 0;
  virtual void Event(const sas::v1::Event& event) = 0;
  // Events that are lost to the history. An event with a gap of its own prints that itself.
  virtual void Lost(const sas::v1::Gap& gap) = 0;
  // Prints what it holds back for a moment, because the next event may belong to it. Call it after
  // the last item, and when none has come for a while.
  virtual void Flush() {}
  // The stream fell behind after `sent_revision` (0: unknown), and is complete again at `revision`.
  // `why`: another reason for the gap; empty if the stream fell behind.
  virtual void Gap(int64_t sent_revision, int64_t revision, absl::string_view why) = 0;
};

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_EVENT_PRINTER_H_
