#ifndef DAEMON_PROCESS_WRITE_NOW_H_
#define DAEMON_PROCESS_WRITE_NOW_H_

#include <cstddef>

namespace sasd::process {

// Whether a line can be written to standard error at once: a full pipe takes none.
bool StandardErrorTakes();

// Writes the parts to standard error as one line of at most 1,023 characters, or nothing if that
// would wait. A null ends the list. Allocates nothing; for signal handlers, and where the log
// cannot help any more.
void WriteNow(const char* first, ...) __attribute__((sentinel));

// A number as text, in `buffer`. For WriteNow().
const char* Decimal(unsigned long long number, char (&buffer)[24]);

}  // namespace sasd::process

#endif  // DAEMON_PROCESS_WRITE_NOW_H_
