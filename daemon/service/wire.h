#ifndef DAEMON_SERVICE_WIRE_H_
#define DAEMON_SERVICE_WIRE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message_lite.h"

// Puts together encoded messages (proto3 wire format).
namespace sasd::service {

// Appends the tag of a length-delimited field and its length.
void AppendTagAndLength(int field, size_t size, std::string& out);

// Appends a field that is a message, encoded already or not.
void AppendBytes(int field, absl::string_view message, std::string& out);
void AppendMessage(int field, const google::protobuf::MessageLite& message, std::string& out);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_WIRE_H_
