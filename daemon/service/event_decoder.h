#ifndef DAEMON_SERVICE_EVENT_DECODER_H_
#define DAEMON_SERVICE_EVENT_DECODER_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/watch/encoded_event.h"

namespace sasd::service {

// The event that `bytes` (an encoded sas.v1.Event, of EventEncoder or any other) stands for, to be
// filtered and sent as those of the log are: it has the frame that EventEncoder gives it. Total.
// Errors: kDataLoss for bytes that are no event. Thread-safe.
absl::StatusOr<watch::EncodedEventPtr> DecodeEvent(absl::string_view bytes);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_EVENT_DECODER_H_
