// Every interleaving, within a bound, of the driver's worker and attacher with each other, with the
// interrupts of events, resets and gaps, and with the unload, on a small fabric. At each point the
// tables' invariants hold. In the end the reports equal the fabric, every reference was returned,
// and nothing is left after the stop. tests/lifetime/mutations.toml shows which bugs it finds.
#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "absl/base/config.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "tests/lifetime/explored_hba.h"
#include "tests/lifetime/explorer.h"
#include "tests/lifetime/testbed.h"

namespace sasd::lifetime {
namespace {

using Begin = ExploredHba::Begin;
using Path = ExploredHba::Path;
using Act = std::function<void(ExploredHba&)>;

constexpr char kHost[] = "h0";

// An action may fail because of what happened before it.
void Pull(ExploredHba& h) { h.fabric().Pull(kDrive).IgnoreError(); }
void Insert(ExploredHba& h) { h.fabric().Insert(kDrive).IgnoreError(); }
void PullOther(ExploredHba& h) { h.fabric().Pull(kOther).IgnoreError(); }
void InsertOther(ExploredHba& h) { h.fabric().Insert(kOther).IgnoreError(); }
void Replug(ExploredHba& h) {
  Pull(h);
  Insert(h);
}
void Replace(ExploredHba& h) {
  Pull(h);
  h.fabric().Insert(kDrive, "ANOTHER").IgnoreError();
}
// The other drive gets the first one's handle, and the first one returns.
void Exchange(ExploredHba& h) {
  Pull(h);
  PullOther(h);
  InsertOther(h);
  Insert(h);
}
// The other drive has the handle that the first one had for a moment.
void Overtake(ExploredHba& h) {
  Insert(h);
  Pull(h);
  InsertOther(h);
}
void LoseExpander(ExploredHba& h) { h.fabric().SetExpander(kExpander, false).IgnoreError(); }
void RegainExpander(ExploredHba& h) { h.fabric().SetExpander(kExpander, true).IgnoreError(); }
void Reset(ExploredHba& h) { h.fabric().ResetHost(kHost).IgnoreError(); }
void Rescan(ExploredHba& h) { h.hba().Rescan(); }
void PullUnnoticed(ExploredHba& h) {
  if (h.is_pci()) {  // an event that does not reach memory leaves no trace
    Pull(h);
    return Rescan(h);
  }
  h.fabric().InjectFault(kHost, emulator::FaultKind::kEventLost, 1).IgnoreError();
  Pull(h);
  h.fabric().InjectLogEntry(kHost, 0, "events were lost before this one").IgnoreError();
}
void PullAll(ExploredHba& h) {
  Pull(h);
  PullOther(h);
  h.Deliver();
  while (h.hba().RunWorkerStep()) {
  }
}
void InsertReordered(ExploredHba& h) {
  h.fabric().InjectFault(kHost, emulator::FaultKind::kEventsReordered, 1).IgnoreError();
  Overtake(h);
}
void PullReportedTwice(ExploredHba& h) {
  h.fabric().InjectFault(kHost, emulator::FaultKind::kEventDuplicated, 1).IgnoreError();
  Pull(h);
}
void Bounce(ExploredHba& h) {
  const uint32_t phy = h.emulator().Truth(0).devices.front().parent_phy.value();
  h.fabric().SetPhy(kExpander, phy, false).IgnoreError();
  h.fabric().SetPhy(kExpander, phy, true).IgnoreError();
}
void BeBusy(ExploredHba& h) {
  h.fabric().InjectDeviceStatus(kDrive, kResetBegins).IgnoreError();
  h.fabric().InjectDeviceStatus(kDrive, kResetEnds).IgnoreError();
}
void PassMissingDelay(ExploredHba& h) {
  h.clock().Advance(absl::Seconds(6));
  h.emulator().RunTimers();
}

struct Program {
  std::string name;
  Begin begin = Begin::kAttached;
  Act before = nullptr;  // happens before the driver looks
  ExploredHba::Threads threads;
  std::vector<ExploredHba::Actor> actors = {};
  int delay_s = 0;  // the report-missing delay
};

constexpr ExploredHba::Threads kNone{false, false, false}, kWorker{true, false, false},
    kAttacher{false, true, false}, kBoth{true, true, false}, kUnload{false, false, true},
    kUnloadWorker{true, false, true}, kUnloadAttacher{false, true, true},
    kUnloadAll{true, true, true};

const Begin kFresh = Begin::kDiscovered, kReady = Begin::kAttached;

std::ostream& operator<<(std::ostream& out, const Program& program) { return out << program.name; }

std::vector<Program> Pairs() {
  return {
      {"attach, drive pulled", kFresh, nullptr, kAttacher, {{"pull", Pull}}},
      {"attach, drive replugged", kFresh, nullptr, kAttacher, {{"replug", Replug}}},
      {"attach, drive replaced", kFresh, nullptr, kAttacher, {{"replace", Replace}}},
      {"attach, handles exchanged", kFresh, nullptr, kAttacher, {{"exchange", Exchange}}},
      {"attach, expander lost", kFresh, nullptr, kAttacher, {{"lose", LoseExpander}}},
      {"attach, drive busy", kFresh, nullptr, kAttacher, {{"busy", BeBusy}}},
      {"attach, reset", kFresh, nullptr, kAttacher, {{"reset", Reset}}},
      {"attach, unload", kFresh, nullptr, kUnloadAttacher},
      {"attach, worker removes the drive", kFresh, Pull, kBoth},
      {"attach, worker sees the drive replugged", kFresh, Replug, kBoth},
      {"attach, worker sees the drive replaced", kFresh, Replace, kBoth},
      {"attach, worker sees handles exchanged", kFresh, Exchange, kBoth},
      {"attach, worker removes the expander", kFresh, LoseExpander, kBoth},
      {"attach, worker walks", kFresh, PullUnnoticed, kBoth},
      {"attach, worker recovers from a reset", kFresh, Reset, kBoth},
      {"removal, insertion", kReady, Pull, kWorker, {{"insert", Insert}}},
      {"removal, doubled event", kReady, PullOther, kWorker, {{"pull", PullReportedTwice}}},
      {"empty slots, an insertion overtaken", kReady, PullAll, kWorker, {{"overtake", Overtake}}},
      {"empty slots, insertion reordered", kReady, PullAll, kWorker, {{"insert", InsertReordered}}},
      {"removal, expander lost", kReady, Pull, kWorker, {{"lose", LoseExpander}}},
      {"removal, reset", kReady, Pull, kWorker, {{"reset", Reset}}},
      {"removal, unload", kReady, Pull, kUnloadWorker},
      {"expander's removal, its return",
       kReady,
       LoseExpander,
       kWorker,
       {{"regain", RegainExpander}}},
      {"expander's addition, its loss",
       kReady,
       [](ExploredHba& h) {
         LoseExpander(h);
         h.Deliver();
         while (h.hba().RunWorkerStep()) {
         }
         RegainExpander(h);
       },
       kWorker,
       {{"lose", LoseExpander}}},
      {"walk, drive pulled", kReady, Rescan, kWorker, {{"pull", Pull}}},
      {"walk, drive replugged", kReady, Rescan, kWorker, {{"replug", Replug}}},
      {"walk, one more gap", kReady, Rescan, kWorker, {{"pull unnoticed", PullUnnoticed}}},
      {"walk, reset", kReady, PullUnnoticed, kWorker, {{"reset", Reset}}},
      {"walk, unload", kReady, PullUnnoticed, kUnloadWorker},
      {"recovery, drive pulled", kReady, Reset, kWorker, {{"pull", Pull}}},
      {"recovery, reset", kReady, Reset, kWorker, {{"reset", Reset}}},
      {"recovery, unload", kReady, Reset, kUnloadWorker},
      {"drive blocked, its end", kReady, Pull, kWorker, {{"delay passes", PassMissingDelay}}, 5},
      {"drive blocked, its return", kReady, Pull, kWorker, {{"insert", Insert}}, 5},
      {"links bounce", kReady, Bounce, kWorker, {{"bounce", Bounce}}},
      {"drives pulled, reset", kReady, nullptr, kNone, {{"pull", Pull}, {"reset", Reset}}},
      {"reset, reset", kReady, nullptr, kNone, {{"reset", Reset}, {"again", Reset}}},
      {"drive pulled, unload", kReady, nullptr, kUnload, {{"pull", Pull}}},
      {"reset, unload", kReady, nullptr, kUnload, {{"reset", Reset}}},
  };
}

std::vector<Program> Triples() {
  return {
      {"attach, worker, drive pulled", kFresh, nullptr, kBoth, {{"pull", Pull}}},
      {"attach, worker, drive replugged", kFresh, nullptr, kBoth, {{"replug", Replug}}},
      {"attach, worker, drive replaced", kFresh, nullptr, kBoth, {{"replace", Replace}}},
      {"attach, worker, handles exchanged", kFresh, nullptr, kBoth, {{"exchange", Exchange}}},
      {"attach, worker, reset", kFresh, Pull, kBoth, {{"reset", Reset}}},
      {"attach, worker, expander lost", kFresh, Pull, kBoth, {{"lose", LoseExpander}}},
      {"attach, walk, drive replugged", kFresh, Rescan, kBoth, {{"replug", Replug}}},
      {"attach, removal, unload", kFresh, Pull, kUnloadAll},
      {"attach, reset, unload", kFresh, nullptr, kUnloadAttacher, {{"reset", Reset}}},
      {"worker, drive pulled, reset", kReady, nullptr, kWorker, {{"pull", Pull}, {"reset", Reset}}},
      {"worker, drive pulled, unload", kReady, PullOther, kUnloadWorker, {{"pull", Pull}}},
      {"worker, reset, reset",
       kReady,
       PullUnnoticed,
       kWorker,
       {{"reset", Reset}, {"again", Reset}}},
      {"worker, reset, unload", kReady, Pull, kUnloadWorker, {{"reset", Reset}}},
  };
}

// The rules (tests/lifetime/rules.toml) that a program covers, by its name.
std::vector<std::string> RulesOf(const Program& program) {
  std::vector<std::string> rules = {"owned", "one-list", "removal", "no-lock", "events"};
  const auto about = [&](absl::string_view word) { return absl::StrContains(program.name, word); };
  if (program.threads.attacher) rules.insert(rules.end(), {"findable", "identity"});
  if (about("reset") || about("recover")) rules.push_back("reset");
  if (about("pull") || about("plugged") || about("removal")) rules.push_back("handshake");
  if (about("walk") || about("gap")) rules.push_back("gaps");
  return rules;
}

// The number of schedules per program, for docs/lifetime-evidence.md (tests/lifetime/report.py).
class Records {
 public:
  ~Records() {
    const char* folder = getenv("TEST_UNDECLARED_OUTPUTS_DIR");
    if (folder == nullptr || getenv("SASD_EXPLORE_PCI") != nullptr) return;
    std::ofstream(absl::StrCat(folder, "/explorer.json"))
        << "{\"programs\":[\n"
        << absl::StrJoin(lines_, ",\n") << "\n]}\n";
  }

  void Add(const Program& program, int preemptions, const ExploreReport& report) {
    std::cout << program.name << ": " << report.schedules << " schedules, all with up to "
              << preemptions << " preemptions, of up to " << report.longest << " points\n";
    lines_.push_back(absl::StrCat("{\"name\":\"", program.name, "\",\"preemptions\":", preemptions,
                                  ",\"schedules\":", report.schedules, ",\"rules\":[\"",
                                  absl::StrJoin(RulesOf(program), "\",\""), "\"]}"));
  }

 private:
  std::vector<std::string> lines_;
};

Records& AllRecords() {
  static Records records;
  return records;
}

// The driver has its HBA as a PCI function (driver/transport/pci_ioc), whose transport is one more
// thread.
bool OnPci() { return getenv("SASD_EXPLORE_PCI") != nullptr; }

// In the long run: the most schedules to try for one more preemption; four times as many in a whole
// run (./test --whole).
uint64_t MostSchedules() {
  const char* most = getenv("SASD_MOST_SCHEDULES");
  if (most == nullptr) return 0;
  return strtoull(most, nullptr, 10) * (getenv("SASD_WHOLE") == nullptr ? 1 : 4);
}

ExploreReport ExplorePreempting(const Program& program, int preemptions, uint64_t most) {
  ExploreOptions options;
  options.preemptions = preemptions;
  options.most_schedules = most;
  emulator::SyntheticFabricOptions fabric = SmallFabric();
  fabric.ses = false;
  fabric.report_missing_delay_s = static_cast<uint16_t>(program.delay_s);
  return Explore(options, [&](Schedule& schedule) {
    ExploredHba hba(fabric, program.begin, OnPci() ? Path::kPci : Path::kInProcess);
    if (program.before != nullptr) program.before(hba);
    return hba.Run(schedule, program.threads, program.actors);
  });
}

// On a PCI function each request waits for the transport's thread, so that programs of two busy
// threads have too many schedules: the first ones run, in the long run with a preemption.
void ExpectNothingWrongOnPci(const Program& program) {
  const uint64_t most = std::max<uint64_t>(MostSchedules(), 40);
  const int preemptions = MostSchedules() == 0 ? 0 : 1;
  const ExploreReport report = ExplorePreempting(program, preemptions, most);
  EXPECT_EQ(report.failure, "") << "after " << report.schedules << " schedules";
  std::cout << program.name << ": " << report.schedules << " schedules, "
            << (report.complete ? "all" : "the first ones") << " with up to " << preemptions
            << " preemptions, of up to " << report.longest << " points\n";
}

// Every schedule with up to `preemptions`, and more as far as MostSchedules() allows.
void ExpectNothingWrong(const Program& program, int preemptions) {
  if (OnPci()) return ExpectNothingWrongOnPci(program);
  ExploreReport report = ExplorePreempting(program, preemptions, UINT64_MAX);
  for (int more = preemptions + 1; report.failure.empty() && MostSchedules() != 0; ++more) {
    const ExploreReport next = ExplorePreempting(program, more, MostSchedules());
    EXPECT_EQ(next.failure, "") << "after " << next.schedules << " schedules";
    if (!next.complete || next.schedules == report.schedules) break;
    report = next;
    preemptions = more;
  }
  EXPECT_EQ(report.failure, "") << "after " << report.schedules << " schedules";
  AllRecords().Add(program, preemptions, report);
}

std::string NameOf(const testing::TestParamInfo<Program>& info) {
  std::string name;
  bool upper = true;
  for (const char c : info.param.name) {
    if (isalnum(c) == 0) {
      upper = true;
    } else {
      name += static_cast<char>(upper ? toupper(c) : c);
      upper = false;
    }
  }
  return name;
}

// AddressSanitizer detects uses after free: fewer preemptions suffice.
#if defined(ABSL_HAVE_ADDRESS_SANITIZER)
constexpr int kPreemptionsOfPairs = 1, kPreemptionsOfTriples = 0;
#else
constexpr int kPreemptionsOfPairs = 2, kPreemptionsOfTriples = 1;
#endif

class Pair : public testing::TestWithParam<Program> {};
TEST_P(Pair, EverySchedule) { ExpectNothingWrong(GetParam(), kPreemptionsOfPairs); }
INSTANTIATE_TEST_SUITE_P(Interleavings, Pair, testing::ValuesIn(Pairs()), NameOf);

class Triple : public testing::TestWithParam<Program> {};
TEST_P(Triple, EverySchedule) { ExpectNothingWrong(GetParam(), kPreemptionsOfTriples); }
INSTANTIATE_TEST_SUITE_P(Interleavings, Triple, testing::ValuesIn(Triples()), NameOf);

}  // namespace
}  // namespace sasd::lifetime
