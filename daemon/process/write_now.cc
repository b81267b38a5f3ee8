#include "daemon/process/write_now.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstring>

namespace sasd::process {

bool StandardErrorTakes() {
  pollfd fd = {STDERR_FILENO, POLLOUT, 0};
  // A pipe that takes a page takes our line. A file and a terminal take it always.
  return poll(&fd, 1, 0) == 1 && (fd.revents & POLLOUT) != 0;
}

void WriteNow(const char* first, ...) {
  const int saved = errno;
  char line[1024];
  size_t size = 0;
  va_list parts;
  va_start(parts, first);
  for (const char* part = first; part != nullptr; part = va_arg(parts, const char*)) {
    const size_t length = std::min(strlen(part), sizeof(line) - 1 - size);
    memcpy(line + size, part, length);
    size += length;
  }
  va_end(parts);
  line[size++] = '\n';
  if (StandardErrorTakes()) {
    const ssize_t written = write(STDERR_FILENO, line, size);
    (void)written;  // there is nowhere else to report to
  }
  errno = saved;
}

const char* Decimal(unsigned long long number, char (&buffer)[24]) {
  char* at = buffer + sizeof(buffer);
  *--at = '\0';
  do {
    *--at = static_cast<char>('0' + number % 10);
    number /= 10;
  } while (number != 0);
  return at;
}

}  // namespace sasd::process
