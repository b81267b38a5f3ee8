#ifndef DAEMON_SERVICE_NAMES_H_
#define DAEMON_SERVICE_NAMES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/registry/resources.h"
#include "driver/observation/keys.h"

// Resource names (AIP-122), as proto/sas/v1/resources.proto describes them, and the registry's
// typed keys. Total and strict: a name has one spelling, and each key one name. Pure functions.
namespace sasd::service {

// "hosts/500605b00ab01234", or "hosts/500605b00ab01234-0000.82.00.0" (HostLocation::ToText()).
std::string HostName(const HostKey& host);
// A host, or an expander: "hosts/500605b00ab01234/expanders/500304800175f0bf".
std::string OwnerName(const NodeKey& owner);
std::string EndDeviceName(const NodeKey& device);
// "enclosures/500304800175f0bf"; "enclosures/500304800175f0bf-2" for the second one with this
// logical identifier.
std::string EnclosureName(EnclosureKey enclosure);
std::string SlotName(const SlotKey& slot);
std::string LogicalUnitName(const registry::LogicalUnitKey& unit);
std::string NameOf(const registry::ResourceId& id);

// Errors: kInvalidArgument naming the text and the forms there are.
absl::StatusOr<registry::ResourceId> ParseName(absl::string_view name);
absl::StatusOr<HostKey> ParseHostName(absl::string_view name);
// A host's or an expander's name.
absl::StatusOr<NodeKey> ParseOwnerName(absl::string_view name);
absl::StatusOr<EnclosureKey> ParseEnclosureName(absl::string_view name);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_NAMES_H_
