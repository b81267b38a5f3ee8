#ifndef DAEMON_JOURNAL_JOURNAL_ROW_H_
#define DAEMON_JOURNAL_JOURNAL_ROW_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace sasd::journal {

// The numbers of sas.v1.GapReason.
enum class GapReason : uint8_t {
  kNone = 0,
  kPowerLoss = 1,
  kJournalStalled = 2,
  kJournalDamaged = 3,
};

// Revisions whose events are lost, from first to last. last == 0: none.
struct Gap {
  int64_t first = 0;
  int64_t last = 0;
  GapReason reason = GapReason::kNone;

  bool any() const { return last != 0; }
  bool Contains(int64_t revision) const { return first <= revision && revision <= last; }
  friend bool operator==(const Gap& a, const Gap& b) {
    return a.first == b.first && a.last == b.last && a.reason == b.reason;
  }
};

// That an event is about an object.
struct ObjectChange {
  std::string name;    // the resource name
  uint8_t kind = 0;    // the number of sas.v1.ResourceKind
  uint8_t change = 0;  // the number of sas.v1.ChangeKind, or kNoticeAbout; at most 7
};
constexpr uint8_t kNoticeAbout = 4;

// An event.
struct EventRow {
  int64_t revision = 0;           // from 1
  int64_t previous_revision = 0;  // revision - 1, except after a jump
  int64_t unix_nanos = 0;         // when; the wall clock
  uint8_t cause = 0;              // the number of sas.v1.CauseKind; at most 62
  uint8_t severity = 0;           // the number of sas.v1.Severity; greater is worse
  Gap gap;                        // ends at revision - 1
  std::vector<ObjectChange> objects;
  std::string payload;  // the encoded sas.v1.Event
};

// The last known content of an object.
struct StateRow {
  std::string name;
  uint8_t kind = 0;
  bool present = true;   // false: gone; the content is that of before
  int64_t revision = 0;  // of the event that made it so
  std::string resource;  // the encoded sas.v1.Resource
};

// What is stored as one column of an event: ids of objects, ascending, each with the bits
// 1 << change.
struct ObjectBits {
  int64_t id = 0;
  uint8_t changes = 0;
};
std::string EncodeObjects(const std::vector<ObjectBits>& objects);
// False: the bytes are damaged.
bool DecodeObjects(absl::string_view bytes, std::vector<ObjectBits>* objects);

// Cause and severity of an event as one column; an object's row has the changes as well.
int64_t EventBits(uint8_t cause, uint8_t severity, uint8_t changes);
inline uint8_t CauseOf(int64_t bits) { return bits & 0x3f; }
inline uint8_t SeverityOf(int64_t bits) { return bits >> 6 & 0xf; }
inline uint8_t ChangesOf(int64_t bits) { return bits >> 10 & 0xff; }

// Of the whole row of an event, as stored.
uint32_t EventChecksum(int64_t revision, int64_t previous, int64_t nanos, int64_t bits,
                       absl::string_view objects, absl::string_view payload);
uint32_t StateChecksum(const StateRow& row);

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_JOURNAL_ROW_H_
