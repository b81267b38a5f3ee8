// Options of the sanitizers, linked into every program with //bazel:absl. The sanitizers' runtimes
// define the names of these functions.

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  // Debian's libraries are not instrumented: a container passed from them looks overflown.
  return "detect_container_overflow=0:detect_stack_use_after_return=1:strict_init_order=1";
}
extern "C" const char* __ubsan_default_options();
extern "C" const char* __ubsan_default_options() { return "print_stacktrace=1"; }
#endif

#if __has_feature(thread_sanitizer)
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() {
  return "halt_on_error=1:second_deadlock_stack=1";
}
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  // Abseil recycles its thread identities in an order that tsan cannot see.
  return "race:NewThreadIdentity\n"
         "race:absl::lts_20220623::synchronization_internal\n";
}
#endif
#endif
