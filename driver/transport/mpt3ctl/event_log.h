#ifndef DRIVER_TRANSPORT_MPT3CTL_EVENT_LOG_H_
#define DRIVER_TRANSPORT_MPT3CTL_EVENT_LOG_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "driver/base/endian.h"
#include "driver/transport/mpt3ctl/ctl_codec.h"

namespace sasd::mpt3ctl {

// A new item from a read of the log: an entry, or a gap before the next entry.
struct LogItem {
  // kGap only: entries that were overwritten before they were read; 0: unknown.
  enum class Kind : uint8_t { kEntry, kGap } kind = Kind::kEntry;
  uint32_t lost = 0;
  LogEntry entry;
};

// A reader's place in the driver's event log, a ring of kLogEntries entries (mpt3sas_ctl.c,
// mpt3sas_ctl_add_to_event_log). It does no I/O: the caller passes reports, which are whole reads
// of the ring.
//
// The driver writes an entry without a lock against readers. So the newest entry may be torn, and
// an entry that is being overwritten, too. An entry is valid once two consecutive reports agree on
// it. Entries come in the order of their contexts, a counter of 32 bits that wraps. (2^32 is no
// multiple of the ring's size: around the wrap 104 entries are overwritten later than others, so
// the missing contexts are the count of lost entries.)
//
// Thread-compatible.
class EventLog {
 public:
  // Starts behind the newest entry: older entries are not reported.
  void Start(ByteSpan report);
  bool started() const { return started_; }

  struct News {
    std::vector<LogItem> items;  // in order
    // Some entries were seen only once: read again.
    bool again = false;
  };
  // Call after Start(). Returns the new, valid items of `report` (kEventReportSize bytes).
  News Read(ByteSpan report);

 private:
  bool started_ = false;
  uint32_t next_ = 0;  // the context of the next entry
  Bytes last_;         // report
};

}  // namespace sasd::mpt3ctl

#endif  // DRIVER_TRANSPORT_MPT3CTL_EVENT_LOG_H_
