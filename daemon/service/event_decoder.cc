#include "daemon/service/event_decoder.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "daemon/service/convert.h"
#include "daemon/service/event_encoder.h"
#include "daemon/service/event_view.h"
#include "daemon/service/names.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "sas/v1/events.pb.h"

namespace sasd::service {
namespace {

using google::protobuf::internal::WireFormatLite;
using sas::v1::Resource;

registry::ResourceKind KindOfName(absl::string_view name) {
  const absl::StatusOr<registry::ResourceId> id = ParseName(name);
  return id.ok() ? registry::KindOf(*id) : registry::ResourceKind::kEndDevice;
}

// The inverse of ToProto; what this sasd does not know is a scan.
CauseKind CauseOf(sas::v1::CauseKind proto) {
  for (int i = 0; i <= static_cast<int>(kLastCauseKind); ++i) {
    const auto kind = static_cast<CauseKind>(i);
    if (ToProto(kind) == proto) return kind;
  }
  return CauseKind::kScan;
}

absl::Status Broken(const char* what) {
  return absl::DataLossError(absl::StrCat("the bytes are no event: ", what));
}

// A change or a notice, with its tag.
struct Field {
  bool is_change;
  absl::string_view bytes;
};

// Cuts the bytes into the fields of the header and the pieces, in the order of the fields.
bool Cut(absl::string_view bytes, std::string& header, std::vector<Field>& pieces) {
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                                            static_cast<int>(bytes.size()));
  int begin = 0;
  while (const uint32_t tag = in.ReadTag()) {
    if (!WireFormatLite::SkipField(&in, tag)) return false;
    const int end = in.CurrentPosition();
    const absl::string_view field =
        bytes.substr(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
    const int number = WireFormatLite::GetTagFieldNumber(tag);
    const bool is_change = number == sas::v1::Event::kChangesFieldNumber;
    if (is_change || number == sas::v1::Event::kNoticesFieldNumber) {
      pieces.push_back({is_change, field});
    } else {
      header.append(field.data(), field.size());
    }
    begin = end;
  }
  return in.ConsumedEntireMessage() && static_cast<size_t>(begin) == bytes.size();
}

watch::EncodedEvent::Head HeadOf(const sas::v1::Event& event) {
  watch::EncodedEvent::Head head;
  head.revision = event.revision();
  head.previous_revision = event.previous_revision();
  head.time =
      absl::FromUnixSeconds(event.time().seconds()) + absl::Nanoseconds(event.time().nanos());
  head.arrival = absl::Nanoseconds(event.arrival_monotonic_time_ns());
  head.host = HostIn(event.cause().host()).value_or(HostKey());
  head.cause = CauseOf(event.cause().kind());
  if (event.severity() > sas::v1::SEVERITY_INFO) {
    head.severity = event.severity() >= sas::v1::SEVERITY_CRITICAL ? Notice::Severity::kCritical
                                                                   : Notice::Severity::kWarning;
  }
  return head;
}

}  // namespace

absl::StatusOr<watch::EncodedEventPtr> DecodeEvent(absl::string_view bytes) {
  std::string header;
  std::vector<Field> fields;
  sas::v1::Event event;
  if (!Cut(bytes, header, fields)) return Broken("a field is cut off");
  if (!event.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return Broken("a change or notice cannot be read");
  }
  if (event.revision() <= 0) return Broken("it has no revision");
  const watch::EncodedEvent::Head head = HeadOf(event);
  // Header and pieces are all of the bytes, in another order at most.
  std::string all = EventFrame(bytes.size());
  const auto frame_size = static_cast<uint32_t>(all.size());
  const auto header_size = static_cast<uint32_t>(header.size());
  all.reserve(all.size() + bytes.size());
  all += header;
  std::vector<watch::EncodedEvent::Piece> pieces;
  pieces.reserve(fields.size());
  int changes = 0, notices = 0;
  for (const Field& field : fields) {
    if (field.is_change ? changes == event.changes_size() : notices == event.notices_size()) {
      return Broken("a change or notice is of another type");
    }
    watch::EncodedEvent::Piece piece{};
    piece.begin = static_cast<uint32_t>(all.size());
    all.append(field.bytes.data(), field.bytes.size());
    piece.end = static_cast<uint32_t>(all.size());
    if (field.is_change) {
      const sas::v1::Change& change = event.changes(changes++);
      if (change.resource().resource_case() == Resource::RESOURCE_NOT_SET) {
        return Broken("a change has no resource");
      }
      Describe(change, &piece);
    } else {
      const sas::v1::Notice& notice = event.notices(notices++);
      piece.kind = KindOfName(notice.resource());
      if (const auto host = HostIn(notice.resource())) piece.hosts_after.push_back(*host);
      piece.hosts_before = piece.hosts_after;
    }
    pieces.push_back(std::move(piece));
  }
  return std::make_shared<const watch::EncodedEvent>(head, frame_size, header_size, std::move(all),
                                                     std::move(pieces));
}

}  // namespace sasd::service
