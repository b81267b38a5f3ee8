#ifndef DAEMON_SERVICE_RESOURCE_TEXT_H_
#define DAEMON_SERVICE_RESOURCE_TEXT_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "sas/v1/events.pb.h"
#include "sas/v1/resources.pb.h"

// Messages of resources of any kind. Pure functions.
namespace sasd::service {

// The message in the resource; `resource` itself where none is set.
const google::protobuf::Message& InnerOf(const sas::v1::Resource& resource);
google::protobuf::Message* MutableInnerOf(sas::v1::Resource* resource);

// The resource name; empty where none is set.
const std::string& NameOf(const sas::v1::Resource& resource);

// A field as text for people: "attached", "12 Gbps", "2"; the elements of a repeated one with ", "
// between them. Empty where the field is unset, empty or not there.
std::string FieldText(const google::protobuf::Message& message, absl::string_view field);

// The state before a modification, exactly as it was. For a removal the last known state; for an
// addition nothing is set.
sas::v1::Resource StateBefore(const sas::v1::Change& change);

// The fields in which two states of one object differ, other than stamps (revision, update_time,
// state_time), in the order of the message.
std::vector<std::string> DifferingFields(const sas::v1::Resource& before,
                                         const sas::v1::Resource& after);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_RESOURCE_TEXT_H_
