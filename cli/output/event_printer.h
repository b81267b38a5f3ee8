#ifndef CLI_OUTPUT_EVENT_PRINTER_H_
#define CLI_OUTPUT_EVENT_PRINTER_H_

#include <cstdint>

#include "absl/strings/string_view.h"
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

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_EVENT_PRINTER_H_
