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

  // Runs threads until all have ended; call once per schedule. `object` and `size`: the memory that
  // keeps its place relative to its locks from schedule to schedule. `check` runs at each point and
  // returns an error, or an empty text.
  virtual void Run(std::vector<Interleaving::Thread> threads, const void* object, size_t size,
                   const std::function<std::string()>& check) = 0;
};

// Tries every schedule of a program with at most so many preemptions: thread switches away from a
// thread that could have gone on. (Switches where the running thread ends or waits are free.)
//
// The search leaves out preemptions at a lock that no other thread takes: the work under that lock
// commutes with everything. It learns on the way which locks these are, and restarts when one turns
// out to be shared.
struct ExploreOptions {
  int preemptions = 2;
  uint64_t most_schedules = UINT64_MAX;
};

struct ExploreReport {
  uint64_t schedules = 0;
  bool complete = false;  // all schedules ran, up to the first failure
  size_t longest = 0;     // points of the longest schedule
  std::string failure;    // the first failure, with its schedule; empty: none
};

// `program` builds its objects, calls Schedule::Run once, and returns an error or an empty text.
// Apart from the order of its threads it must do the same each time; Explore() checks that.
ExploreReport Explore(const ExploreOptions& options,
                      const std::function<std::string(Schedule&)>& program);

}  // namespace sasd::lifetime

#endif  // TESTS_LIFETIME_EXPLORER_H_
