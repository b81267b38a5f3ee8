// Makes every openat() of a program slow, as a sysfs whose driver waits for its HBA. Preloaded
// (LD_PRELOAD) by edge_test.py; SLOW_FILES_MS is the time that each takes.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

int openat(int at, const char* path, int flags, ...) {
  static int (*next)(int, const char*, int, ...);
  const char* const slow = getenv("SLOW_FILES_MS");
  if (next == NULL) next = (int (*)(int, const char*, int, ...))dlsym(RTLD_NEXT, "openat");
  mode_t mode = 0;
  if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  if (slow != NULL) {
    const long ms = atol(slow);
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
  }
  return next(at, path, flags, mode);
}
