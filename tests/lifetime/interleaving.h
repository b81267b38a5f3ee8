#ifndef TESTS_LIFETIME_INTERLEAVING_H_
#define TESTS_LIFETIME_INTERLEAVING_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sasd::lifetime {

// Threads of which one runs at a time; a Decider chooses the next one. A thread can be preempted at
// a point: before it takes a lock while it holds none, and in Point() and WaitFor(). Between points
// no other thread sees its work, because all shared data are under locks or behind the IOC's
// interface.
//
// A thread is not preempted before a nested lock: another thread that ran there could take neither
// the outer lock nor the data changed under it, so it could have run before.
//
// The locks are absl::Mutex; the linker replaces its functions (--wrap, see BUILD), so the code
// under test is the product's, unchanged. Points exist only in threads of Run() and only in code
// within an Observed scope.
class Interleaving {
 public:
  struct Thread {
    std::string name;
    std::function<void()> body;
  };

  // The place of the running thread: the lock that it is about to take; null elsewhere.
  struct Place {
    const void* lock = nullptr;
    const void* caller = nullptr;  // code address, for people
    const char* what = "";
  };

  class Decider {
   public:
    virtual ~Decider() = default;
    // Returns the next thread: one of the bits of `able`. `current` is at `place`; -1: it cannot
    // continue.
    virtual int Choose(uint32_t able, int current, const Place& place) = 0;
    // Called at each point before Choose(); no lock is held by any thread.
    virtual void Check() = 0;
  };

  // Starts `threads` threads, which wait for work.
  explicit Interleaving(int threads);
  ~Interleaving();

  // Runs the bodies (at most one per thread) until all have ended. If none can continue, the
  // process ends with a message that shows where each one waits.
  void Run(std::vector<Thread> threads, Decider& decider);

  // A point; no effect in other threads. `what`: a literal.
  static void Point(const char* what);
  // The calling thread cannot continue before `condition` holds; `condition` depends on other
  // threads of the same Run(). In other threads the condition must hold already.
  static void WaitFor(const char* what, const std::function<bool()>& condition);

  // Whether the calling thread is one of a Run().
  static bool InRun();

  // Code within this scope has points, or has none.
  class Observed {
   public:
    explicit Observed(bool observed);
    ~Observed();

   private:
    bool before_;
  };

 private:
  class Impl;
  friend struct LockHooks;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sasd::lifetime

#endif  // TESTS_LIFETIME_INTERLEAVING_H_
