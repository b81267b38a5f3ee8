#ifndef TESTS_LIFETIME_EXPLORER_H_
#define TESTS_LIFETIME_EXPLORER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/lifetime/interleaving.h"

namespace sasd::lifetime {

// One schedule of a program, as it runs.
class Schedule {
 public:
  virtual ~Schedule() = default;

  // Runs threads until all have ended; once per schedule. `object` and `size`: the memory that
  // keeps its place relative to its locks from schedule to schedule. `check`, at each point: what
  // is wrong, or empty.
  virtual void Run(std::vector<Interleaving::Thread> threads, const void* object, size_t size,
                   const std::function<std::string()>& check) = 0;
};

// Tries every schedule of a program with at most so many preemptions: thread switches away from a
// thread that could have gone on. (Switches where the running thread ends or waits are free.)
//
// Preempting a thread at a lock that no other thread ever takes is left out: what it does under it
// commutes with everything. Which locks these are is learned on the way, and the search begins anew
// when one turns out to be shared.
struct ExploreOptions {
  int preemptions = 2;
  uint64_t most_schedules = UINT64_MAX;
};

struct ExploreReport {
  uint64_t schedules = 0;
  bool complete = false;  // all of them, up to the first failure
  size_t longest = 0;     // points of the longest schedule
  std::string failure;    // of the first schedule that failed, with that schedule; empty: none did
};

// `program` builds everything anew, calls Schedule::Run once, and returns what was wrong, or
// nothing. It does the same each time but for the order of its threads; that is checked.
ExploreReport Explore(const ExploreOptions& options,
                      const std::function<std::string(Schedule&)>& program);

}  // namespace sasd::lifetime

#endif  // TESTS_LIFETIME_EXPLORER_H_
