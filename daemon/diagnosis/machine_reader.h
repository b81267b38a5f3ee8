#ifndef DAEMON_DIAGNOSIS_MACHINE_READER_H_
#define DAEMON_DIAGNOSIS_MACHINE_READER_H_

#include <string>

#include "daemon/diagnosis/machine.h"
#include "driver/sysfs/file_io.h"

namespace sasd {

// Where to look; tests have trees of their own.
struct MachinePlaces {
  std::string sysfs = "/sys";
  std::string dev = "/dev";
  std::string proc = "/proc";
  std::string run = "/run";
  std::string etc = "/etc";
};

// Looks at the machine: sysfs through `io`, and files that the kernel answers from memory. No
// device is opened and no name service asked, so that it does not block. What cannot be read is
// left empty. Thread-safe.
MachineFacts ReadMachine(const MachinePlaces& places, sysfs::FileIo& io);

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_MACHINE_READER_H_
