#include "daemon/process/address_space.h"

#include <sys/resource.h>

#include <iostream>

namespace sasd::process {

bool AddressSpaceSuffices() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return true;
  if (limit.rlim_cur >= kLeastAddressSpace) return true;
  std::cerr << "sasd: out of memory: the limit (RLIMIT_AS) is " << (limit.rlim_cur >> 20)
            << " MiB; sasd needs at least " << (kLeastAddressSpace >> 20)
            << " MiB of address space; raise it (ulimit -v), or limit memory with MemoryMax= of "
               "systemd\n";
  return false;
}

}  // namespace sasd::process
