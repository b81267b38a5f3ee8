#ifndef DRIVER_MPI_TEXT_H_
#define DRIVER_MPI_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "driver/base/endian.h"

namespace sasd::mpi {

// A text field of `size` bytes at `at` (which are there): up to the first NUL, without unprintable
// characters and trailing blanks.
std::string LoadText(ByteSpan bytes, size_t at, size_t size);

// Stores what fits of `text`, the rest filled with `pad`.
void StoreText(absl::string_view text, MutableByteSpan bytes, size_t at, size_t size,
               char pad = '\0');

}  // namespace sasd::mpi

#endif  // DRIVER_MPI_TEXT_H_
