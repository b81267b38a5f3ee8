#ifndef CLI_OUTPUT_FORMAT_H_
#define CLI_OUTPUT_FORMAT_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "sas/v1/resources.pb.h"

// How values of the API are written for people. Pure functions.
namespace sasd::cli {

// "12G", "1.5G"; in words where there is no link ("disabled"); empty if unspecified.
std::string ShortRate(sas::v1::LinkRate rate);

// A value of an enum without its type's prefix, in lower case: DEVICE_STATE_ATTACHED is "attached",
// DISCOVERY_STATE_IN_PROGRESS "in-progress". Empty for UNSPECIFIED; the number for one that this
// sasctl does not know.
std::string ShortEnum(const google::protobuf::EnumDescriptor& type, int number);

template <typename Enum>
std::string EnumText(Enum value) {
  return ShortEnum(*google::protobuf::GetEnumDescriptor<Enum>(), value);
}

// "8.0TB", decimal as drives are sold; empty for 0.
std::string ShortSize(uint64_t bytes);

// "disk", "enclosure", ...; "type 7" for one without a usual name (SPC peripheral device types).
std::string PeripheralName(uint32_t type);

// The last part of a resource name: "hosts/5006.../expanders/5000..." gives "5000...". Of an
// object that is numbered within its owner (a phy or slot) "5000.../4"; of a port
// "5000.../5001...".
std::string ShortName(absl::string_view name);

// The collection in which a resource name ends: "hosts/X/phys/3" gives "phys".
absl::string_view CollectionOf(absl::string_view name);

// "02:11:09.123", local time.
std::string ClockTime(const google::protobuf::Timestamp& time);
// "2026-11-24 02:11:09.123", local time; empty if unset.
std::string DateTime(const google::protobuf::Timestamp& time);

// "0x0012"; empty for 0.
std::string HandleText(uint32_t handle);

// A field by its path in snake case ("state", "discovery.state") as text; empty where it is not set
// or does not exist.
std::string FieldText(const google::protobuf::Message& message, absl::string_view path);

// The message that is set in the resource, or null.
const google::protobuf::Message* Inner(const sas::v1::Resource& resource);
// Its name; empty if none is set.
std::string NameOf(const sas::v1::Resource& resource);
std::string NameOf(const google::protobuf::Message& resource);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_FORMAT_H_
