#include "driver/transport/pci_ioc/system/mapped_registers.h"

#include <setjmp.h>
#include <signal.h>
#include <ucontext.h>

#include <atomic>

namespace sasd::pci_ioc {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "registers are little-endian");

// The access that this thread makes now. The handler runs in the thread that made it.
struct Access {
  const uint8_t* begin = nullptr;
  const uint8_t* end = nullptr;
  sigjmp_buf retreat;
};
thread_local Access* current_access = nullptr;

struct sigaction previous_action;

void OnBusError(int signal, siginfo_t* info, void* context) {
  Access* const access = current_access;
  const auto* const at = static_cast<const uint8_t*>(info->si_addr);
  if (access != nullptr && at >= access->begin && at < access->end) {
    // The jump leaves the mask of the handler, in which a second bus error would end the process.
    pthread_sigmask(SIG_SETMASK, &static_cast<const ucontext_t*>(context)->uc_sigmask, nullptr);
    siglongjmp(access->retreat, 1);
  }
  if ((previous_action.sa_flags & SA_SIGINFO) != 0) {
    previous_action.sa_sigaction(signal, info, context);
  } else if (previous_action.sa_handler != SIG_DFL && previous_action.sa_handler != SIG_IGN) {
    previous_action.sa_handler(signal);
  } else {
    sigaction(signal, &previous_action, nullptr);  // the access repeats, and ends the process
  }
}

bool InstallHandler() {
  struct sigaction action = {};
  action.sa_sigaction = OnBusError;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  return sigaction(SIGBUS, &action, &previous_action) == 0;
}

// Calls access(), with a retreat to `failed` if the memory has no page.
template <typename T, typename F>
T Guarded(const uint8_t* at, T failed, F access) {
  Access guard;
  guard.begin = at;
  guard.end = at + sizeof(uint64_t);
  T result = failed;
  if (sigsetjmp(guard.retreat, 0) == 0) {
    current_access = &guard;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    result = access();
    std::atomic_signal_fence(std::memory_order_seq_cst);
  } else {
    result = failed;
  }
  current_access = nullptr;
  return result;
}

template <typename T>
bool Store(uint8_t* at, T value) {
  return Guarded(at, false, [at, value] {
    std::atomic_thread_fence(std::memory_order_seq_cst);
    *static_cast<volatile T*>(static_cast<void*>(at)) = value;
    return true;
  });
}

}  // namespace

MappedRegisters::MappedRegisters(MutableByteSpan memory) : memory_(memory) {
  static const bool installed = InstallHandler();
  (void)installed;
}

uint32_t MappedRegisters::Read32(uint32_t offset) const {
  if (!Holds(offset, sizeof(uint32_t))) return ~uint32_t{0};
  const uint8_t* const at = memory_.data() + offset;
  return Guarded(at, ~uint32_t{0}, [at] {
    const uint32_t value = *static_cast<const volatile uint32_t*>(static_cast<const void*>(at));
    std::atomic_thread_fence(std::memory_order_seq_cst);
    return value;
  });
}

void MappedRegisters::Write32(uint32_t offset, uint32_t value) {
  if (Holds(offset, sizeof(value))) Store(memory_.data() + offset, value);
}

void MappedRegisters::Write64(uint32_t offset, uint64_t value) {
  if (Holds(offset, sizeof(value))) Store(memory_.data() + offset, value);
}

}  // namespace sasd::pci_ioc
