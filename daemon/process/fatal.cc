#include "daemon/process/fatal.h"

#include <cxxabi.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <new>
#include <typeinfo>

#include "daemon/process/exit_codes.h"
#include "daemon/process/write_now.h"

namespace sasd::process {
namespace {

using Number = unsigned long long;

// What a thread's stack takes (8 MiB), twice: with less left, grpc::ThreadManager::Initialize()
// gets no thread and aborts, which is how gRPC 1.51 ends under RLIMIT_AS.
constexpr size_t kScarceBytes = 16 << 20;
constexpr Number kMiB = 1 << 20;

// The size of the address space, in bytes; 0: unknown. Only system calls: for a signal handler.
Number AddressSpace() {
  const int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  char text[64];
  const ssize_t size = read(fd, text, sizeof(text));
  close(fd);
  Number pages = 0;
  for (ssize_t i = 0; i < size && text[i] >= '0' && text[i] <= '9'; ++i) {
    pages = pages * 10 + static_cast<Number>(text[i] - '0');
  }
  return pages * static_cast<Number>(sysconf(_SC_PAGESIZE));
}

bool MemoryIsScarce() {
  void* const probe =
      mmap(nullptr, kScarceBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) return true;
  munmap(probe, kScarceBytes);
  return false;
}

void WriteOutOfMemory(const char* who) {
  rlimit limit = {};
  char used[24], most[24];
  const bool limited = getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  WriteNow("sasd: out of memory: ", who, "; ", Decimal(AddressSpace() / kMiB, used),
           " MiB of address space are in use", limited ? ", and the limit (RLIMIT_AS) is " : "",
           limited ? Decimal(limit.rlim_cur / kMiB, most) : "", limited ? " MiB" : "",
           "; sasd ends", nullptr);
}

void OnNoMemory() {
  WriteOutOfMemory("an allocation failed");
  // What anybody saw is in the journal: written before visible.
  _exit(kOutOfMemory);
}

void OnAbort(int, siginfo_t* info, void*) {
  char sender[24];
  if (info->si_code == SI_USER && info->si_pid != getpid()) {
    WriteNow("sasd: SIGABRT from process ", Decimal(static_cast<Number>(info->si_pid), sender),
             " (systemd sends it when the watchdog's time is over)", nullptr);
  } else if (MemoryIsScarce()) {
    WriteOutOfMemory("a library aborted");
    _exit(kOutOfMemory);
  } else {
    WriteNow("sasd: aborted: a bug in sasd or in a library; please report it", nullptr);
  }
  raise(SIGABRT);  // comes when this returns, with the default action
}

[[noreturn]] void OnTerminate() {
  const std::type_info* const type = abi::__cxa_current_exception_type();
  const char* text = "";
  if (type != nullptr) {
    try {
      throw;
    } catch (const std::exception& error) {
      text = error.what();
    } catch (...) {
    }
  }
  WriteNow("sasd: ", type == nullptr ? "std::terminate" : "an uncaught exception: ",
           type == nullptr ? "" : type->name(), *text != '\0' ? ": " : "", text, nullptr);
  abort();
}

}  // namespace

void ReportFatalErrors() {
  std::set_new_handler(OnNoMemory);
  std::set_terminate(OnTerminate);
  struct sigaction action = {};
  action.sa_sigaction = OnAbort;
  // Once: what aborts inside the handler ends the process.
  action.sa_flags = static_cast<int>(SA_SIGINFO | SA_RESETHAND);
  sigaction(SIGABRT, &action, nullptr);
}

}  // namespace sasd::process
