#ifndef DAEMON_SERVICE_CHANGE_ENCODER_H_
#define DAEMON_SERVICE_CHANGE_ENCODER_H_

#include <string>

#include "daemon/registry/registry_event.h"

namespace sasd::service {

// The encoded sas.v1.Change: of a modification with the names of the fields that changed and what
// they were before. Those that say when a resource changed (revision, update_time) are not among
// them; what they were before are fields of the change. Thread-safe.
//
// Made of bytes, as every event is encoded on the way to its subscribers: two encodings of a
// resource are compared field by field, each a run of bytes.
std::string EncodeChange(const registry::Change& change);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_CHANGE_ENCODER_H_
