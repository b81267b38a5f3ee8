#include "daemon/service/event_encoder.h"

#include <cstdint>
#include <vector>

#include "daemon/service/convert.h"
#include "daemon/watch/resume_token.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::service {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;

// Appends the tag of a length-delimited field and a length.
void AppendTagAndLength(int field, size_t size, std::string& out) {
  uint8_t buffer[16];
  uint8_t* end = CodedOutputStream::WriteVarint32ToArray(
      WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED), buffer);
  end = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(size), end);
  out.append(reinterpret_cast<const char*>(buffer), static_cast<size_t>(end - buffer));
}

void AppendMessage(int field, const google::protobuf::MessageLite& message, std::string& out) {
  AppendTagAndLength(field, message.ByteSizeLong(), out);
  message.AppendToString(&out);
}

}  // namespace

watch::EncodedBytes EventEncoder::Encode(const registry::Event& event) {
  std::string body =
      HeaderToProto(event, watch::EncodeResumeToken(epoch_, event.revision)).SerializeAsString();
  const size_t header_size = body.size();
  std::vector<uint32_t> ends;
  ends.reserve(event.changes.size() + event.notices.size());
  for (const registry::Change& change : event.changes) {
    AppendMessage(sas::v1::Event::kChangesFieldNumber, ToProto(change), body);
    ends.push_back(static_cast<uint32_t>(body.size()));
  }
  for (const registry::EventNotice& notice : event.notices) {
    AppendMessage(sas::v1::Event::kNoticesFieldNumber, ToProto(notice), body);
    ends.push_back(static_cast<uint32_t>(body.size()));
  }
  watch::EncodedBytes encoded;
  encoded.bytes = EventFrame(body.size());
  encoded.frame_size = static_cast<uint32_t>(encoded.bytes.size());
  encoded.header_size = static_cast<uint32_t>(header_size);
  encoded.bytes += body;
  for (uint32_t& end : ends) end += encoded.frame_size;
  encoded.piece_ends = std::move(ends);
  return encoded;
}

std::string EventFrame(size_t size) {
  std::string frame;
  AppendTagAndLength(sas::v1::WatchResponse::kEventsFieldNumber, size, frame);
  return frame;
}

std::string SelectedEvent(const watch::Selection& selection) {
  if (selection.whole) return std::string(selection.event->body());
  std::string event(selection.event->header());
  for (uint32_t piece : selection.pieces) {
    const absl::string_view bytes = selection.event->piece_bytes(piece);
    event.append(bytes.data(), bytes.size());
  }
  return event;
}

}  // namespace sasd::service
