#ifndef DRIVER_SYSFS_SYSFS_FOLLOWER_H_
#define DRIVER_SYSFS_SYSFS_FOLLOWER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "driver/base/sas_address.h"
#include "driver/sysfs/sysfs_source.h"
#include "driver/sysfs/uevent.h"

namespace sasd::sysfs {

// When the follower reads the tree. All durations are of Clock::Monotonic().
struct FollowerOptions {
  // The uevents of one host lead to one reading, once none has come for `quiet_time`, or after
  // `longest_wait`.
  absl::Duration quiet_time = absl::Milliseconds(100);
  absl::Duration longest_wait = absl::Seconds(1);
  // This long after the last such reading, the host is read once more: the kernel removes folders a
  // moment after the uevent, and adds a slot's link to its device without a uevent. 0: never.
  absl::Duration settle_time = absl::Seconds(2);
  // The interval of looks at a host's links (LookAtLinks()); 0: never.
  absl::Duration look_interval = absl::Seconds(60);
  // The limit of phys and ports per look; later looks take the rest. About 10 us each.
  size_t look_reads = 1000;
  // True for hosts whose firmware reports its links itself, and so needs no looks. Empty: none.
  std::function<bool(const HostKey&)> has_control_node;
};

struct FollowerStats {
  uint64_t uevents = 0;      // received
  uint64_t ignored = 0;      // of these, the ones that concern no SAS object
  uint64_t gaps = 0;         // declared
  uint64_t lost_events = 0;  // as far as is known
  uint64_t tree_scans = 0;   // of the whole tree
  uint64_t host_scans = 0;   // of one host
  uint64_t link_looks = 0;
};

// Turns uevents into readings of the tree. A uevent is only a hint where to look, never a fact. So
// the follower reports what the kernel shows, in any order and with any repetition of uevents. If
// the path names a host, it reads that host. If not (see ScopeOf()), or if uevents were lost, it
// reads the whole tree. After a loss the cause is kResync.
//
// Readings take at most a fifth of the time, but the rest after a reading is never longer than five
// seconds: readings of more than about a second take a larger share. The follower repeats a failed
// reading, as one of the whole tree, after a delay that doubles from one second to a minute.
//
// The caller drives it: it calls Note() for each uevent, and RunDue() at NextDue(). Not
// thread-safe. Borrows `source` and `clock` for its lifetime.
class SysfsFollower {
 public:
  SysfsFollower(SysfsSource& source, Clock& clock, FollowerOptions options);

  // Reads the whole tree now, which covers everything noted. `cause` as for SysfsSource::Scan().
  absl::Status ScanTree(const Cause& cause);

  void Note(const Uevent& uevent);

  // Notes that uevents were lost; `lost_events` as in UeventSource::Gap.
  void NoteGap(uint32_t lost_events);

  // The time when RunDue() has work; infinite if never. May be in the past.
  absl::Duration NextDue() const;

  // Does the due work: readings for bursts that have gone quiet, second looks, looks at links. An
  // error is that of a reading, which the follower will repeat.
  absl::Status RunDue();

  // Reads and reports everything noted, quiet or not. Errors as RunDue().
  absl::Status ReportNow();

  // Looks at the links of each host have this interval from now on; 0: never.
  void SetLookInterval(absl::Duration interval);

  // Plans the looks at links anew, after the answer of has_control_node has changed.
  void PlanLooks() { PlanLinkLooks(clock_.Monotonic()); }

  // True while something noted is not yet reported.
  bool pending() const { return tree_.has_value() || !hosts_.empty(); }

  const FollowerStats& stats() const { return stats_; }

 private:
  // The uevents of a host or the tree that are not yet reported.
  struct Burst {
    absl::Duration first;         // when it began
    absl::Duration last = first;  // when the newest came
    uint64_t count = 0;
    int rank = 0;
    std::string text = {};  // of the uevent with the lowest rank
  };
  struct LaterLook {
    absl::Duration due;
    std::string text;
  };
  struct LinkState {
    absl::Duration due;
    size_t next = 0;
  };

  void Add(const Uevent& uevent, absl::Duration now, Burst& burst);
  Burst& TreeBurst(absl::Duration now);
  Burst Everything() const;
  absl::Duration DueOf(const Burst& burst) const;
  absl::Status Timed(absl::FunctionRef<absl::Status()> readings);

  static Cause CauseOf(const Burst& burst);
  Cause CauseOfGap() const;
  absl::Status ReportTree(const Cause& cause);
  absl::Status ReportHosts(absl::Duration now);
  std::vector<std::string> HostsOf(const std::string& name);
  absl::Status ReportHost(const std::string& os_name, const Cause& cause);
  void Retry();
  bool IsKnown(const std::string& os_name) const;

  void PlanLaterLook(const std::string& os_name, const std::string& text);
  absl::Status LookAgain(absl::Duration now);
  void PlanLinkLooks(absl::Duration now);
  absl::Status LookAtLinks(absl::Duration now);

  SysfsSource& source_;
  Clock& clock_;
  FollowerOptions options_;

  bool gap_ = false;                               // implies tree_
  uint64_t lost_ = 0;                              // uevents in that gap
  std::optional<Burst> tree_;                      // the reason to read the whole tree
  absl::flat_hash_map<std::string, Burst> hosts_;  // by os_name, or by a holder's name
  // Second looks, by os_name; "": at the whole tree.
  absl::flat_hash_map<std::string, LaterLook> later_;
  absl::flat_hash_map<std::string, LinkState> links_;  // by os_name
  absl::Duration not_before_;                          // of any reading
  absl::Duration retry_delay_;                         // 0: the last reading succeeded
  FollowerStats stats_;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_SYSFS_FOLLOWER_H_
