#ifndef DAEMON_REGISTRY_SEVERITY_H_
#define DAEMON_REGISTRY_SEVERITY_H_

#include "daemon/registry/registry_event.h"
#include "driver/observation/observation.h"

// How severe an event is: the one rule, for the journal, for filters and for the colours of
// clients. It says what the event did; findings judge what is wrong now. Pure functions.
namespace sasd::registry {

// kCritical: an end device failed, or discovery of a host. kWarning: a host, expander, enclosure,
// end device or logical unit went away; a logical unit lost a path; a port lost a lane; a link got
// slower; the firmware waits for an end device. kInfo: all else. A phy or port that goes away is
// judged by what was behind it.
Notice::Severity SeverityOf(const Change& change);

// The most severe of its changes and notices. At least kWarning for lost events or a lost source, a
// host reset, an event after a jump of the revision, and a call that was refused.
Notice::Severity SeverityOf(const RegistryEvent& event);

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_SEVERITY_H_
