#include "tests/lifetime/interleaving.h"

#include <semaphore.h>

#include <cstdio>
#include <cstdlib>
#include <thread>  // NOLINT: owned threads
#include <utility>

#include "absl/synchronization/mutex.h"

namespace sasd::lifetime {
namespace {

class Semaphore {
 public:
  Semaphore() { sem_init(&semaphore_, 0, 0); }
  ~Semaphore() { sem_destroy(&semaphore_); }
  void Post() { sem_post(&semaphore_); }
  void Wait() {
    while (sem_wait(&semaphore_) != 0) {  // interrupted
    }
  }

 private:
  sem_t semaphore_;
};

}  // namespace

class Interleaving::Impl {
 public:
  explicit Impl(int threads) : slots_(threads) {
    for (int i = 0; i < threads; ++i) {
      slots_[i].thread = std::thread([this, i] { Serve(i); });
    }
  }

  ~Impl() {
    for (Slot& slot : slots_) slot.wake.Post();  // no body: the thread ends
    for (Slot& slot : slots_) slot.thread.join();
  }

  void Run(std::vector<Thread> threads, Decider& decider) {
    decider_ = &decider;
    for (size_t i = 0; i < threads.size(); ++i) {
      slots_[i].name = std::move(threads[i].name);
      slots_[i].body = std::move(threads[i].body);
      slots_[i].running = true;
    }
    Next(-1, {nullptr, nullptr, "begin"});
    all_ended_.Wait();
    decider_ = nullptr;
  }

  // The thread's own state.
  static inline thread_local Impl* run = nullptr;
  static inline thread_local int thread = -1;
  static inline thread_local bool is_observed = false;
  static inline thread_local int locks_held = 0;  // while observed

  // Thread `self` is at `place`. Returns when the thread may continue, with a `condition` not
  // before it holds.
  void At(int self, const Place& place, const std::function<bool()>* condition) {
    slots_[self].condition = condition;
    slots_[self].what = place.what;
    const int next = Next(self, place);
    if (next != self) slots_[self].wake.Wait();
    slots_[self].condition = nullptr;
  }

 private:
  struct Slot {
    std::thread thread;
    Semaphore wake;
    std::string name;
    std::function<void()> body;
    bool running = false;
    const std::function<bool()>* condition = nullptr;
    const char* what = "";
  };

  void Serve(int self);

  bool IsAble(const Slot& slot) const {
    return slot.running && (slot.condition == nullptr || (*slot.condition)());
  }

  // Lets the next thread run; -1 if all have ended. `current` is at `place`; -1: at none.
  int Next(int current, const Place& place) {
    const Observed unobserved(false);
    decider_->Check();
    uint32_t able = 0;
    bool running = false;
    for (size_t i = 0; i < slots_.size(); ++i) {
      running |= slots_[i].running;
      if (IsAble(slots_[i])) able |= 1u << i;
    }
    if (!running) {
      all_ended_.Post();
      return -1;
    }
    if (able == 0) Deadlock();
    const bool goes_on = current >= 0 && (able >> current & 1) != 0;
    const int next = decider_->Choose(able, goes_on ? current : -1, place);
    if (next != current) slots_[next].wake.Post();
    return next;
  }

  [[noreturn]] void Deadlock() const {
    fprintf(stderr, "No thread can continue:\n");
    for (const Slot& slot : slots_) {
      if (slot.running) fprintf(stderr, "  %s waits: %s\n", slot.name.c_str(), slot.what);
    }
    abort();
  }

  Decider* decider_ = nullptr;
  std::vector<Slot> slots_;
  Semaphore all_ended_;
};

void Interleaving::Impl::Serve(int self) {
  run = this;
  thread = self;
  Slot& slot = slots_[self];
  while (true) {
    slot.wake.Wait();
    if (slot.body == nullptr) return;
    std::exchange(slot.body, nullptr)();
    slot.running = false;
    Next(-1, {nullptr, nullptr, "end"});
  }
}

Interleaving::Interleaving(int threads) : impl_(std::make_unique<Impl>(threads)) {}

Interleaving::~Interleaving() = default;

void Interleaving::Run(std::vector<Thread> threads, Decider& decider) {
  impl_->Run(std::move(threads), decider);
}

void Interleaving::Point(const char* what) {
  if (!Impl::is_observed || Impl::locks_held > 0) return;
  Impl::run->At(Impl::thread, {nullptr, __builtin_return_address(0), what}, nullptr);
}

void Interleaving::WaitFor(const char* what, const std::function<bool()>& condition) {
  if (Impl::run != nullptr) {
    Impl::run->At(Impl::thread, {nullptr, __builtin_return_address(0), what}, &condition);
  } else if (!condition()) {
    fprintf(stderr, "No other thread can fulfil: %s\n", what);
    abort();
  }
}

bool Interleaving::InRun() { return Impl::run != nullptr; }

Interleaving::Observed::Observed(bool observed) : before_(Impl::is_observed) {
  Impl::is_observed = observed && Impl::run != nullptr;
}

Interleaving::Observed::~Observed() { Impl::is_observed = before_; }

struct LockHooks {
  using Impl = Interleaving::Impl;
  static void BeforeLock(const absl::Mutex* mutex, const void* caller) {
    if (!Impl::is_observed) return;
    if (Impl::locks_held == 0) Impl::run->At(Impl::thread, {mutex, caller, "lock"}, nullptr);
    ++Impl::locks_held;
  }
  static void BeforeUnlock() {
    if (Impl::is_observed) --Impl::locks_held;
  }
  static bool IsControlled() { return Impl::run != nullptr; }
};

}  // namespace sasd::lifetime

// The replacements of absl::Mutex' functions (linker option --wrap).
using sasd::lifetime::Interleaving;
using sasd::lifetime::LockHooks;

#define WRAPPED(name) __wrap__ZN4absl7debian35Mutex##name
#define REAL(name) __real__ZN4absl7debian35Mutex##name

extern "C" {
void REAL(4LockEv)(absl::Mutex* mutex);
void REAL(6UnlockEv)(absl::Mutex* mutex);
void REAL(10ReaderLockEv)(absl::Mutex* mutex);
void REAL(12ReaderUnlockEv)(absl::Mutex* mutex);
void REAL(5AwaitERKNS0_9ConditionE)(absl::Mutex* mutex, const absl::Condition& condition);

void WRAPPED(4LockEv)(absl::Mutex* mutex) {
  LockHooks::BeforeLock(mutex, __builtin_return_address(0));
  REAL(4LockEv)(mutex);
}

void WRAPPED(6UnlockEv)(absl::Mutex* mutex) {
  LockHooks::BeforeUnlock();
  REAL(6UnlockEv)(mutex);
}

void WRAPPED(10ReaderLockEv)(absl::Mutex* mutex) {
  LockHooks::BeforeLock(mutex, __builtin_return_address(0));
  REAL(10ReaderLockEv)(mutex);
}

void WRAPPED(12ReaderUnlockEv)(absl::Mutex* mutex) {
  LockHooks::BeforeUnlock();
  REAL(12ReaderUnlockEv)(mutex);
}

void WRAPPED(5AwaitERKNS0_9ConditionE)(absl::Mutex* mutex, const absl::Condition& condition) {
  if (!LockHooks::IsControlled()) return REAL(5AwaitERKNS0_9ConditionE)(mutex, condition);
  while (!condition.Eval()) {
    REAL(6UnlockEv)(mutex);
    Interleaving::WaitFor("Await", [&condition] { return condition.Eval(); });
    REAL(4LockEv)(mutex);
  }
}
}
