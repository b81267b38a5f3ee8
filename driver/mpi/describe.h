#ifndef DRIVER_MPI_DESCRIBE_H_
#define DRIVER_MPI_DESCRIBE_H_

#include <string>

#include "driver/base/endian.h"

namespace sasd::mpi {

// One line for logs about a request or reply frame of any function, or of any bytes. Never empty.
// Pure, thread-safe.
//   "config read current SAS device page 0 address 0x2000000f"
//   "task management target reset handle 0x000f"
std::string DescribeRequest(ByteSpan frame);
//   "event notification: success, topology change list: host, phy 0 0x0009 added 12 Gbps"
//   "config: config: invalid page, read current SAS device page 0, 14 dwords"
std::string DescribeReply(ByteSpan frame);

}  // namespace sasd::mpi

#endif  // DRIVER_MPI_DESCRIBE_H_
