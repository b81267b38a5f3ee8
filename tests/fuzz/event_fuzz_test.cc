// Events that are read back from the journal. Any bytes give an event or kDataLoss. An event has
// the bytes that it was read from, cut into header and pieces that are events themselves.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/service/event_decoder.h"
#include "google/protobuf/stubs/logging.h"
#include "sas/v1/events.pb.h"
#include "tests/fuzz/properties.h"

namespace sasd {
namespace {

using fuzz::Check;

void CheckEvent(absl::string_view bytes) {
  const absl::StatusOr<watch::EncodedEventPtr> decoded = service::DecodeEvent(bytes);
  if (!decoded.ok()) {
    Check(absl::IsDataLoss(decoded.status()), "bytes that are no event are lost data");
    Check(!decoded.status().message().empty(), "an error has a message");
    return;
  }
  const watch::EncodedEvent& event = **decoded;
  sas::v1::Event message;
  Check(message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())),
        "what decodes is a message");
  Check(event.revision() == message.revision(), "it has the revision of the message");
  Check(event.piece_count() == static_cast<size_t>(message.changes_size()) +
                                   static_cast<size_t>(message.notices_size()),
        "a piece per change and notice");
  std::string whole(event.header());
  for (size_t i = 0; i < event.piece_count(); ++i) {
    const std::string one = absl::StrCat(event.header(), event.piece_bytes(i));
    sas::v1::Event part;
    Check(part.ParseFromString(one) && part.changes_size() + part.notices_size() == 1 &&
              part.revision() == message.revision(),
          "header and piece are an event");
    absl::StrAppend(&whole, event.piece_bytes(i));
  }
  const absl::StatusOr<watch::EncodedEventPtr> again = service::DecodeEvent(whole);
  Check(again.ok() && (*again)->all() == event.all(), "its own bytes give it again");
  sas::v1::Event same;
  Check(same.ParseFromString(whole) && same.SerializeAsString() == message.SerializeAsString(),
        "nothing is lost");
}

}  // namespace
}  // namespace sasd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  google::protobuf::SetLogHandler(nullptr);
  static google::protobuf::LogSilencer silencer;
  sasd::CheckEvent({reinterpret_cast<const char*>(data), size});
  return 0;
}
