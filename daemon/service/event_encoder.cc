#include "daemon/service/event_encoder.h"

#include <cstdint>
#include <vector>

#include "daemon/service/change_encoder.h"
#include "daemon/service/convert.h"
#include "daemon/service/wire.h"
#include "daemon/watch/resume_token.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::service {

watch::EncodedBytes EventEncoder::Encode(const registry::RegistryEvent& event) {
  std::string body =
      HeaderToProto(event, watch::EncodeResumeToken(epoch_, event.revision)).SerializeAsString();
  const size_t header_size = body.size();
  std::vector<uint32_t> ends;
  ends.reserve(event.changes.size() + event.notices.size());
  for (const registry::Change& change : event.changes) {
    AppendBytes(sas::v1::Event::kChangesFieldNumber, EncodeChange(change), body);
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

std::string BatchFrame(size_t size) {
  std::string frame;
  AppendTagAndLength(sas::v1::WatchResponse::kEventsFieldNumber, size, frame);
  return frame;
}

std::string EventFrame(size_t size) {
  std::string frame;
  AppendTagAndLength(sas::v1::EventBatch::kEventsFieldNumber, size, frame);
  return frame;
}

EventParts::EventParts(watch::Selection selection, size_t first)
    : selection_(std::move(selection)),
      count_(selection_.whole ? selection_.event->piece_count() : selection_.parts.size()),
      next_(0) {
  while (next_ < count_ && PieceAt(next_) < first) ++next_;
}

std::string EventParts::Next(size_t max_bytes) {
  std::string part(selection_.event->header());
  for (const size_t begin = next_; !done(); ++next_) {
    const absl::string_view bytes = BytesAt(next_);
    if (next_ > begin && part.size() + bytes.size() > max_bytes) break;
    part.append(bytes.data(), bytes.size());
  }
  if (!done()) {  // of a field that comes twice the last one counts
    sas::v1::Event mark;
    mark.set_continued(true);
    mark.AppendToString(&part);
    AppendBytes(sas::v1::Event::kResumeTokenFieldNumber, "", part);
  }
  return part;
}

}  // namespace sasd::service
