#ifndef DAEMON_DIAGNOSIS_MACHINE_READER_H_
#define DAEMON_DIAGNOSIS_MACHINE_READER_H_

#include <string>

#include "daemon/diagnosis/machine.h"
#include "driver/sysfs/file_io.h"

namespace sasd {

// Where to look. Tests use trees of their own.
struct MachinePlaces {
  std::string sysfs = "/sys";
  std::string dev = "/dev";
  std::string proc = "/proc";
  std::string run = "/run";
  std::string etc = "/etc";
};

// Reads the machine's properties: sysfs through `io`, and files that the kernel answers from
// memory. Opens no device and asks no name service, so it does not block. Leaves empty what it
// cannot read. Thread-safe.
MachineFacts ReadMachine(const MachinePlaces& places, sysfs::FileIo& io);

}  // namespace sasd

#endif  // DAEMON_DIAGNOSIS_MACHINE_READER_H_
