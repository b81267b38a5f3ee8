#ifndef DAEMON_SERVICE_SHOWN_FIELDS_H_
#define DAEMON_SERVICE_SHOWN_FIELDS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

// Reads fields of messages for conditions. Pure functions.
namespace sasd::service::filters {

// Where the message of a kind shows a field: the fields from the outermost message inwards. On the
// way may be repeated messages.
using MessagePath = std::vector<const google::protobuf::FieldDescriptor*>;

// Calls the visitor for each element of a text until it returns true, and returns whether it did.
bool AnyShownText(const google::protobuf::Message& message, const MessagePath& path,
                  absl::FunctionRef<bool(absl::string_view)> visit);
// A number, or how many elements a field has. None where it is unset.
std::optional<uint64_t> ShownNumber(const google::protobuf::Message& message,
                                    const MessagePath& path);
// The elements of an enumeration as a bit set. Values that this sasd does not know have no bit.
uint32_t ShownBits(const google::protobuf::Message& message, const MessagePath& path);
// A bool, or whether a text is not empty.
bool ShownBool(const google::protobuf::Message& message, const MessagePath& path);

}  // namespace sasd::service::filters

#endif  // DAEMON_SERVICE_SHOWN_FIELDS_H_
