#ifndef TESTS_LIFETIME_INTERLEAVING_H_
#define TESTS_LIFETIME_INTERLEAVING_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace sasd::lifetime {

// Threads of which one runs at a time, and who runs next is decided outside. A thread can be
// taken off at a point: where it is about to take a lock while it holds none, and wherever it calls
// Point() or WaitFor(). In between nobody sees what it does, as all that threads share is under
// locks or beyond the IOC's interface.
//
// That one thread runs between another's lock and a lock within it is left out: it takes neither
// the outer lock nor anything that the first one changed under it, so it could have run before.
//
// The locks are absl::Mutex, whose functions the linker replaces (--wrap, see BUILD): the code
// under test is the product's, unchanged. Only threads of Run() and only code within an Observed
// scope have points.
class Interleaving {
 public:
  struct Thread {
    std::string name;
    std::function<void()> body;
  };

  // Where the running thread is: the lock that it is about to take, or null elsewhere.
  struct Place {
    const void* lock = nullptr;
    const void* caller = nullptr;  // code address, for people
    const char* what = "";
  };

  class Decider {
   public:
    virtual ~Decider() = default;
    // Who goes on: one of the bits of `able`. `current` is at `place`; -1: it cannot go on.
    virtual int Choose(uint32_t able, int current, const Place& place) = 0;
    // Called at each point before Choose(); no lock is held by any thread.
    virtual void Check() = 0;
  };

  // Starts `threads` threads, which wait for work.
  explicit Interleaving(int threads);
  ~Interleaving();

  // Runs the bodies (as many as threads at most) until all have ended. If none can go on the
  // process ends with a message that says where each one waits.
  void Run(std::vector<Thread> threads, Decider& decider);

  // A point; does nothing in other threads. `what`: a literal.
  static void Point(const char* what);
  // The calling thread is not able to go on before `condition` holds, which depends on what other
  // threads of the same Run() do. In other threads: the condition must hold.
  static void WaitFor(const char* what, const std::function<bool()>& condition);

  // Code within has points, or has none.
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
