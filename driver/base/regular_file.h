#ifndef DRIVER_BASE_REGULAR_FILE_H_
#define DRIVER_BASE_REGULAR_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace sasd {

// Reads a whole file that somebody named: a configuration, a fabric. It must be a regular file of
// at most `max_bytes`, so that reading ends: a FIFO or a terminal waits for a writer, and /dev/zero
// has no end. Never waits for another process. Errors name the path and what is wrong with it:
// kInvalidArgument for another kind of file and for a larger one; else that of the system call
// (kNotFound, kPermissionDenied, ...).
absl::StatusOr<std::string> ReadRegularFile(const std::string& path, size_t max_bytes);

}  // namespace sasd

#endif  // DRIVER_BASE_REGULAR_FILE_H_
