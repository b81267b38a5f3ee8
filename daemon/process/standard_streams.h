#ifndef DAEMON_PROCESS_STANDARD_STREAMS_H_
#define DAEMON_PROCESS_STANDARD_STREAMS_H_

namespace sasd::process {

// A program that links this opens /dev/null for each of the descriptors 0, 1 and 2 that is closed,
// before any initializer of a library runs. Without it the next file or socket that a library opens
// would be one of them, and every log line would go there. False: it could not.
bool StandardStreamsAreOpen();

}  // namespace sasd::process

#endif  // DAEMON_PROCESS_STANDARD_STREAMS_H_
