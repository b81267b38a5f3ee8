#include "rpc/short_status.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace sasd::rpc {
namespace {

constexpr size_t kMostMessageBytes = 1'200, kMostDetailBytes = 500;

// HTTP/2 takes printable ASCII as it is, but for "%" (gRPC's protocol, "Percent-Encoded").
size_t EncodedBytes(char c) { return c >= 0x20 && c <= 0x7e && c != '%' ? 1 : 3; }

size_t EncodedBytes(absl::string_view text) {
  size_t bytes = 0;
  for (const char c : text) bytes += EncodedBytes(c);
  return bytes;
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// How much of the text fits into so many bytes, from its begin on or up to its end. It ends and
// begins between characters.
size_t Prefix(absl::string_view text, size_t most) {
  size_t size = 0;
  while (size < text.size() && EncodedBytes(text[size]) <= most) most -= EncodedBytes(text[size++]);
  while (size > 0 && size < text.size() && IsContinuation(text[size])) --size;
  return size;
}

size_t Suffix(absl::string_view text, size_t most) {
  size_t size = 0;
  while (size < text.size() && EncodedBytes(text[text.size() - size - 1]) <= most) {
    most -= EncodedBytes(text[text.size() - size - 1]);
    ++size;
  }
  while (size > 0 && IsContinuation(text[text.size() - size])) --size;
  return size;
}

std::string Shorten(absl::string_view text, size_t most) {
  if (EncodedBytes(text) <= most) return std::string(text);
  const size_t head = Prefix(text, most / 2), tail = Suffix(text, most / 2 - 40);
  return absl::StrCat(text.substr(0, head), "[", text.size() - head - tail, " bytes]",
                      text.substr(text.size() - tail));
}

void ShortenField(std::string* text) { *text = Shorten(*text, kMostDetailBytes); }

// False: a detail of another kind.
bool ShortenDetail(google::protobuf::Any* any) {
  if (google::rpc::BadRequest request; any->UnpackTo(&request)) {
    for (auto& violation : *request.mutable_field_violations()) {
      ShortenField(violation.mutable_field());
      ShortenField(violation.mutable_description());
    }
    any->PackFrom(request);
    return true;
  }
  if (google::rpc::ErrorInfo info; any->UnpackTo(&info)) {
    for (auto& each : *info.mutable_metadata()) ShortenField(&each.second);
    any->PackFrom(info);
    return true;
  }
  if (google::rpc::ResourceInfo info; any->UnpackTo(&info)) {
    for (std::string* text :
         {info.mutable_resource_name(), info.mutable_owner(), info.mutable_description()}) {
      ShortenField(text);
    }
    any->PackFrom(info);
    return true;
  }
  return false;
}

}  // namespace

size_t StatusBytes(const grpc::Status& status) {
  return EncodedBytes(status.error_message()) + (status.error_details().size() + 2) / 3 * 4;
}

grpc::Status Shortened(const grpc::Status& status) {
  if (StatusBytes(status) <= kMostStatusBytes) return status;
  const std::string message = Shorten(status.error_message(), kMostMessageBytes);
  google::rpc::Status details;
  if (status.error_details().empty() || !details.ParseFromString(status.error_details())) {
    return {status.error_code(), message};
  }
  details.set_message(Shorten(status.error_message(), kMostDetailBytes));
  auto& all = *details.mutable_details();
  all.erase(std::remove_if(all.begin(), all.end(), [](auto& any) { return !ShortenDetail(&any); }),
            all.end());
  grpc::Status shortened(status.error_code(), message, details.SerializeAsString());
  while (StatusBytes(shortened) > kMostStatusBytes && !all.empty()) {
    all.RemoveLast();
    shortened = grpc::Status(status.error_code(), message, details.SerializeAsString());
  }
  return shortened;
}

}  // namespace sasd::rpc
