#include "tests/lifetime/explorer.h"

#include <algorithm>
#include <bitset>
#include <cstdio>
#include <map>
#include <utility>

#include "absl/debugging/symbolize.h"
#include "absl/strings/str_cat.h"

// With AddressSanitizer: called before it ends the process.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace sasd::lifetime {
namespace {

constexpr int kMostThreads = 6;
// The most points of one schedule; more means a thread that polls forever.
constexpr size_t kMostPoints = 100'000;

// A lock, named by its offset in the object; all locks elsewhere share one name.
using LockId = ptrdiff_t;
constexpr LockId kElsewhere = -1;

// A point where several threads can run.
struct Decision {
  uint32_t able = 0;     // for the check that the program repeats itself
  uint32_t untried = 0;  // threads still to try after `chosen`
  int chosen = 0;
};

struct Step {
  int thread = 0;
  Interleaving::Place place;
};

class Search : public Schedule, private Interleaving::Decider {
 public:
  explicit Search(const ExploreOptions& options) : options_(options), threads_(kMostThreads) {}

  ExploreReport Explore(const std::function<std::string(Schedule&)>& program) {
    running_search = this;
    if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(PrintRunning);
    do {
      Begin();
      wrong_ = program(*this);
      if (wrong_.empty()) wrong_ = std::exchange(found_, "");
      ++report_.schedules;
      report_.longest = std::max(report_.longest, points_);
      if (!wrong_.empty()) report_.failure = absl::StrCat(wrong_, "\n", Text());
      report_.complete = !report_.failure.empty() || !Advance();
    } while (!report_.complete && report_.schedules < options_.most_schedules);
    running_search = nullptr;
    return report_;
  }

  void Run(std::vector<Interleaving::Thread> threads, const void* object, size_t size,
           const std::function<std::string()>& check) override {
    begin_ = static_cast<const char*>(object);
    end_ = begin_ + size;
    check_ = &check;
    names_.clear();
    for (const Interleaving::Thread& thread : threads) names_.push_back(thread.name);
    threads_.Run(std::move(threads), *this);
    check_ = nullptr;
  }

 private:
  static inline Search* running_search = nullptr;
  static void PrintRunning() {
    if (running_search != nullptr) fputs(running_search->Text().c_str(), stderr);
  }

  void Begin() {
    at_ = points_ = 0;
    preemptions_ = 0;
    last_ = -1;
    steps_.clear();
    found_.clear();
  }

  // Moves to the next schedule; false if all have run.
  bool Advance() {
    if (std::exchange(learned_, false)) {
      decisions_.clear();
      report_.schedules = 0;
      return true;
    }
    while (!decisions_.empty() && decisions_.back().untried == 0) decisions_.pop_back();
    if (decisions_.empty()) return false;
    Decision& last = decisions_.back();
    last.chosen = __builtin_ctz(last.untried);
    last.untried &= last.untried - 1;
    return true;
  }

  void Check() override {
    if (!found_.empty()) return;
    found_ = (*check_)();
  }

  LockId IdOf(const void* lock) const {
    const char* place = static_cast<const char*>(lock);
    return place >= begin_ && place < end_ ? place - begin_ : kElsewhere;
  }

  // Notes that a thread takes a lock. True if other threads take it, too.
  bool IsShared(int thread, const void* lock) {
    const LockId id = IdOf(lock);
    if (id == kElsewhere) return true;
    std::bitset<kMostThreads>& takers = takers_[id];
    const bool was_shared = takers.count() > 1;
    takers.set(thread);
    // The preemptions left out before must be tried now.
    if (!was_shared && takers.count() > 1) learned_ = true;
    return takers.count() > 1;
  }

  int Choose(uint32_t able, int current, const Interleaving::Place& place) override {
    if (++points_ > kMostPoints) EndlessSchedule();
    const bool shared = current < 0 || place.lock == nullptr || IsShared(current, place.lock);
    const bool may_switch = shared && (current < 0 || preemptions_ < options_.preemptions);
    int chosen = current;
    if (may_switch && (able & (able - 1)) != 0) {
      chosen = Decide(able, current);
    } else if (current < 0) {
      chosen = __builtin_ctz(able);
    }
    if (current >= 0 && chosen != current) ++preemptions_;
    if (chosen != last_) steps_.push_back({chosen, place});
    last_ = chosen;
    return chosen;
  }

  int Decide(uint32_t able, int current) {
    if (at_ == decisions_.size()) {
      Decision decision;
      decision.able = able;
      decision.chosen = current >= 0 ? current : __builtin_ctz(able);
      decision.untried = able & ~(1u << decision.chosen);
      decisions_.push_back(decision);
    }
    const Decision& decision = decisions_[at_++];
    if (decision.able != able && found_.empty()) {
      found_ = "the program does not repeat under the same schedule";
    }
    return (able >> decision.chosen & 1) != 0 ? decision.chosen : __builtin_ctz(able);
  }

  [[noreturn]] void EndlessSchedule() const {
    fprintf(stderr, "The schedule does not end:\n%s", Text().c_str());
    abort();
  }

  // The thread switches of the schedule, one per line.
  std::string Text() const {
    std::string text = "schedule:\n";
    for (const Step& step : steps_) {
      char symbol[256] = "";
      if (step.place.caller != nullptr) {
        absl::Symbolize(step.place.caller, symbol, sizeof(symbol));
      }
      absl::StrAppend(&text, "  ", names_[step.thread], " runs; the one before is at ",
                      step.place.what, " ", symbol, "\n");
    }
    return text;
  }

  const ExploreOptions options_;
  Interleaving threads_;
  ExploreReport report_;
  std::map<LockId, std::bitset<kMostThreads>> takers_;
  bool learned_ = false;
  std::vector<Decision> decisions_;

  // State of the running schedule.
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
  const std::function<std::string()>* check_ = nullptr;
  std::vector<std::string> names_;
  size_t at_ = 0, points_ = 0;
  int preemptions_ = 0;
  int last_ = -1;
  std::vector<Step> steps_;
  std::string found_, wrong_;
};

}  // namespace

ExploreReport Explore(const ExploreOptions& options,
                      const std::function<std::string(Schedule&)>& program) {
  return Search(options).Explore(program);
}

}  // namespace sasd::lifetime
