#include "daemon/service/change_encoder.h"

#include <cstdint>
#include <variant>
#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/registry/severity.h"
#include "daemon/service/convert.h"
#include "daemon/service/wire.h"
#include "google/protobuf/arena.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::service {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::internal::WireFormatLite;

// Most resources need no more than this while they are encoded.
constexpr size_t kArenaBlock = 4096, kUsualFields = 32;

// A field of an encoded message: all its elements with their tags. C++ encodes fields in the order
// of their numbers.
struct EncodedField {
  int number;
  absl::string_view bytes;
};

std::vector<EncodedField> FieldsOf(absl::string_view message) {
  std::vector<EncodedField> fields;
  fields.reserve(kUsualFields);
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(message.data()),
                                            static_cast<int>(message.size()));
  size_t begin = 0;
  while (const uint32_t tag = in.ReadTag()) {
    if (!WireFormatLite::SkipField(&in, tag)) break;  // not in our own encodings
    const int number = WireFormatLite::GetTagFieldNumber(tag);
    const size_t end = static_cast<size_t>(in.CurrentPosition());
    if (fields.empty() || fields.back().number != number) fields.push_back({number, {}});
    const size_t start = begin - fields.back().bytes.size();
    fields.back().bytes = message.substr(start, end - start);
    begin = end;
  }
  return fields;
}

// The encoding of a resource, and where in it the message of its kind is.
struct EncodedResource {
  explicit EncodedResource(const registry::ResourceRef& resource) {
    char block[kArenaBlock];
    google::protobuf::ArenaOptions options;
    options.initial_block = block;
    options.initial_block_size = sizeof block;
    google::protobuf::Arena arena(options);
    auto* const message = google::protobuf::Arena::CreateMessage<sas::v1::Resource>(&arena);
    ToProto(resource, message);
    kind = message->resource_case();
    message->AppendToString(&bytes);
    google::protobuf::io::CodedInputStream in(reinterpret_cast<const uint8_t*>(bytes.data()),
                                              static_cast<int>(bytes.size()));
    uint32_t size = 0;
    if (in.ReadTag() != 0 && in.ReadVarint32(&size)) {
      inner = absl::string_view(bytes).substr(static_cast<size_t>(in.CurrentPosition()), size);
    }
  }

  int kind = 0;  // field number in sas.v1.Resource
  std::string bytes;
  absl::string_view inner;
};

const Descriptor& KindOf(const EncodedResource& resource) {
  return *sas::v1::Resource::descriptor()->FindFieldByNumber(resource.kind)->message_type();
}

// Fields that change with every change.
bool IsStamp(absl::string_view field) {
  return field == "name" || field == "revision" || field == "update_time";
}

void AppendModification(const registry::Change& change, const EncodedResource& after,
                        std::string& out) {
  const EncodedResource before(change.before);
  const std::vector<EncodedField> old_fields = FieldsOf(before.inner);
  const std::vector<EncodedField> new_fields = FieldsOf(after.inner);
  const Descriptor& descriptor = KindOf(after);
  google::protobuf::FieldMask mask;
  std::string previous;
  auto old_field = old_fields.begin();
  auto new_field = new_fields.begin();
  while (old_field != old_fields.end() || new_field != new_fields.end()) {
    const bool has_old = new_field == new_fields.end() ||
                         (old_field != old_fields.end() && old_field->number <= new_field->number);
    const bool has_new = old_field == old_fields.end() ||
                         (new_field != new_fields.end() && new_field->number <= old_field->number);
    const int number = has_old ? old_field->number : new_field->number;
    const std::string& name = descriptor.FindFieldByNumber(number)->name();
    const bool same = has_old && has_new && old_field->bytes == new_field->bytes;
    if (!same && !IsStamp(name)) {
      mask.add_paths(name);
      if (has_old) previous.append(old_field->bytes.data(), old_field->bytes.size());
    }
    if (has_old) ++old_field;
    if (has_new) ++new_field;
  }
  AppendMessage(sas::v1::Change::kChangedFieldsFieldNumber, mask, out);
  std::string resource;
  AppendBytes(before.kind, previous, resource);
  AppendBytes(sas::v1::Change::kPreviousFieldNumber, resource, out);
}

// When the state before came about.
void SetPreviousStamp(const registry::Change& change, sas::v1::Change& out) {
  const registry::Stamp stamp =
      std::visit([](const auto& resource) { return resource->stamp; }, change.before);
  out.set_previous_revision(stamp.revision);
  SetTime(stamp.time(), out.mutable_previous_update_time());
}

// A removed end device is reported as gone, with the state that it was in.
std::string EncodeGone(sas::v1::Change change) {
  sas::v1::EndDevice* const device = change.mutable_resource()->mutable_end_device();
  change.mutable_previous()->mutable_end_device()->set_state(device->state());
  device->set_state(sas::v1::DEVICE_STATE_GONE);
  return change.SerializeAsString();
}

}  // namespace

std::string EncodeChange(const registry::Change& change) {
  sas::v1::Change head;
  head.set_kind(
      static_cast<sas::v1::ChangeKind>(change.kind()));  // the numbers are equal (event.h)
  head.set_severity(ToProto(registry::SeverityOf(change)));
  const bool removed = change.kind() == registry::ChangeKind::kRemoved;
  if (removed && change.resource_kind() == registry::ResourceKind::kEndDevice) {
    ToProto(change.resource(), head.mutable_resource());
    return EncodeGone(std::move(head));
  }
  if (change.kind() == registry::ChangeKind::kModified) SetPreviousStamp(change, head);
  std::string out = head.SerializeAsString();
  const EncodedResource resource(change.resource());
  AppendBytes(sas::v1::Change::kResourceFieldNumber, resource.bytes, out);
  if (change.kind() == registry::ChangeKind::kModified) AppendModification(change, resource, out);
  return out;
}

}  // namespace sasd::service
