#ifndef DAEMON_PROCESS_FATAL_H_
#define DAEMON_PROCESS_FATAL_H_

namespace sasd::process {

// From now on no end of the process is silent. Each writes one line to standard error (WriteNow()):
// - operator new that gets no memory ends the process with kOutOfMemory;
// - an exception that nobody catches writes its text, and aborts;
// - abort(), also of a library, writes the limits of the address space and how much of it is used.
//   If less than kScarceBytes is left, or an allocation fails, memory is the cause: kOutOfMemory.
//   gRPC aborts without a word when malloc() returns null. Otherwise the process ends with SIGABRT.
// Call it once.
void ReportFatalErrors();

}  // namespace sasd::process

#endif  // DAEMON_PROCESS_FATAL_H_
