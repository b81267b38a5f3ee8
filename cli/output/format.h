#ifndef CLI_OUTPUT_FORMAT_H_
#define CLI_OUTPUT_FORMAT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/output/wall_clock.h"
#include "client/resource_name.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "sas/v1/resources.pb.h"

// Values of the API as text for people. Pure functions.
namespace sasd::cli {

// "12G" or "1.5G"; a word such as "disabled" if there is no link; empty if unspecified.
std::string ShortRate(sas::v1::LinkRate rate);

// An enum value without the prefix of its type, in lower case: "attached" for
// DEVICE_STATE_ATTACHED, "in-progress" for DISCOVERY_STATE_IN_PROGRESS. Empty for UNSPECIFIED. The
// number for a value that this sasctl does not know.
std::string ShortEnum(const google::protobuf::EnumDescriptor& type, int number);

template <typename Enum>
std::string EnumText(Enum value) {
  return ShortEnum(*google::protobuf::GetEnumDescriptor<Enum>(), value);
}

// "8.0TB", in decimal units; empty for 0.
std::string ShortSize(uint64_t bytes);

// "24 objects", "1 object". Adds an "s" to any other number than 1.
std::string CountText(int64_t count, absl::string_view what);

// "disk", "enclosure", ...; "type 7" for one without a usual name (SPC peripheral device types).
std::string PeripheralName(uint32_t type);

// The last part of a resource name: "5000..." for "hosts/5006.../expanders/5000...". A phy or slot
// has a number within its owner: "5000.../4". A port gives "5000.../5001...".
std::string ShortName(absl::string_view name);

// The last collection of a resource name: "phys" for "hosts/X/phys/3".
absl::string_view CollectionOf(absl::string_view name);

// "02:11:09.123"; with the date, "2026-11-24 02:11:09.123", if that is not today.
std::string EventTime(const google::protobuf::Timestamp& time, const WallClock& clock);
// "2026-11-24 02:11:09", in the zone of the clock.
std::string DateAndSecond(const google::protobuf::Timestamp& time, const WallClock& clock);
// "2026-11-24 02:11:09.123", local time; empty if unset.
std::string DateTime(const google::protobuf::Timestamp& time);

// "0x0012"; empty for 0.
std::string HandleText(uint32_t handle);

// A field as text, by its path in snake case: "state", "discovery.state". Empty if the field is not
// set or does not exist.
std::string FieldText(const google::protobuf::Message& message, absl::string_view path);

// Of all logical units. An older sasd fills in the first one only.
std::vector<std::string> BlockDevicesOf(const sas::v1::EndDevice& device);
std::vector<std::string> LogicalUnitsOf(const sas::v1::Slot& slot);
std::vector<std::string> SerialsOf(const sas::v1::Slot& slot);

// The message inside the resource, or null.
const google::protobuf::Message* Inner(const sas::v1::Resource& resource);
// The resource name; empty if not set.
using client::NameOf;  // of a sas::v1::Resource
std::string NameOf(const google::protobuf::Message& resource);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_FORMAT_H_
