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

// When to look at the tree. All durations are of Clock::Monotonic().
struct FollowerOptions {
  // Uevents of one host are told together once none has come for `quiet_time`, or after
  // `longest_wait`.
  absl::Duration quiet_time = absl::Milliseconds(100);
  absl::Duration longest_wait = absl::Seconds(1);
  // So long after the last of them is told, the host is looked at once more: the kernel removes
  // folders a moment after the uevent, and a slot's link to its device comes without one. 0: not.
  absl::Duration settle_time = absl::Seconds(2);
  // How often a host's links (LookAtLinks()) are looked at; 0: never.
  absl::Duration look_interval = absl::Seconds(60);
  // At most so many phys and ports a look, the rest with the next ones. About 10 us each.
  size_t look_reads = 1000;
  // Hosts whose firmware tells of its links itself, so that looking is not needed. Empty: none.
  std::function<bool(SasAddress)> has_control_node;
};

struct FollowerStats {
  uint64_t uevents = 0;      // received
  uint64_t ignored = 0;      // of which concern no SAS object
  uint64_t gaps = 0;         // declared
  uint64_t lost_events = 0;  // as far as known
  uint64_t tree_scans = 0;   // of the whole tree
  uint64_t host_scans = 0;   // of one host
  uint64_t link_looks = 0;
};

// Makes uevents into readings of the tree. A uevent is taken as a hint where to look and never as
// a fact, so that what is told is what the kernel shows, in whatever order and however often
// uevents come. One host is read where the path names it, the whole tree where it does not (see
// ScopeOf()) or uevents were lost; in the latter case the cause is kResync.
//
// A reading takes at most a fifth of the time, unless it takes longer than a second or so: the next
// one is never put off by more than five seconds. One that fails is made again, as one of the whole
// tree, after a delay that doubles from one second to a minute.
//
// Driven from outside: Note() what comes, RunDue() at NextDue(). Not thread-safe. Borrows `source`
// and `clock` for its lifetime.
class SysfsFollower {
 public:
  SysfsFollower(SysfsSource& source, Clock& clock, FollowerOptions options);

  // Reads the whole tree now; `cause` as for SysfsSource::Scan(). Everything noted is told with it.
  absl::Status ScanTree(const Cause& cause);

  void Note(const Uevent& uevent);

  // Uevents were lost; `lost_events` as UeventSource::Gap tells it.
  void NoteGap(uint32_t lost_events);

  // When RunDue() has something to do; infinite if never. May be in the past.
  absl::Duration NextDue() const;

  // Does what is due: what was noted and has gone quiet, later looks, looks at links. An error is
  // that of a reading, which will be made again.
  absl::Status RunDue();

  // Tells all that was noted, gone quiet or not. Errors as RunDue().
  absl::Status TellNow();

  // has_control_node answers otherwise now: looks at links are planned anew.
  void PlanLooks() { PlanLinkLooks(clock_.Monotonic()); }

  // Whether something noted is not told yet.
  bool pending() const { return tree_.has_value() || !hosts_.empty(); }

  const FollowerStats& stats() const { return stats_; }

 private:
  // Uevents that are not told yet, of a host or the tree.
  struct Burst {
    absl::Duration first;         // when it began
    absl::Duration last = first;  // when the newest came
    uint64_t count = 0;
    int rank = 0;
    std::string text = {};  // of the one with the lowest rank
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
  absl::Status TellTree(const Cause& cause);
  absl::Status TellHosts(absl::Duration now);
  std::vector<std::string> HostsOf(const std::string& name);
  absl::Status TellHost(const std::string& os_name, const Cause& cause);
  void Retry();
  bool IsKnown(const std::string& os_name) const;

  void PlanLaterLook(const std::string& os_name, const std::string& text);
  absl::Status LookAgain(absl::Duration now);
  void PlanLinkLooks(absl::Duration now);
  absl::Status LookAtLinks(absl::Duration now);

  SysfsSource& source_;
  Clock& clock_;
  const FollowerOptions options_;

  bool gap_ = false;                               // then there is a tree_
  uint64_t lost_ = 0;                              // with it
  std::optional<Burst> tree_;                      // why the whole tree is to be read
  absl::flat_hash_map<std::string, Burst> hosts_;  // by os_name, or by what holds disks of some
  // Looks once more, by os_name; "": at the whole tree.
  absl::flat_hash_map<std::string, LaterLook> later_;
  absl::flat_hash_map<std::string, LinkState> links_;  // by os_name
  absl::Duration not_before_;                          // of any reading
  absl::Duration retry_delay_;                         // 0: the last reading was fine
  FollowerStats stats_;
};

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_SYSFS_FOLLOWER_H_
