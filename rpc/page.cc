#include "rpc/page.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "rpc/status.h"

namespace sasd::rpc {
namespace {

constexpr size_t kCheckSize = 8;

// FNV-1a over the name, the filter's type and its content: not a secret, only a guard against a
// token of another listing.
std::string Check(absl::string_view last_name, const google::protobuf::Message* filter) {
  std::string text(last_name);
  if (filter != nullptr) {
    absl::StrAppend(&text, "\n", filter->GetTypeName(), "\n");
    google::protobuf::io::StringOutputStream stream(&text);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    filter->SerializeToCodedStream(&coded);
  }
  uint32_t check = 0x811c9dc5;
  for (unsigned char c : text) check = (check ^ c) * 0x01000193;
  return absl::StrFormat("%08x", check);
}

}  // namespace

grpc::Status ReadPageSize(int32_t requested, size_t* page_size) {
  if (requested < 0) {
    return BadField("page_size", absl::StrCat(requested, " is negative; 1 to ", kMaximumPageSize,
                                              ", or 0 for ", kDefaultPageSize));
  }
  *page_size = requested == 0 ? kDefaultPageSize
                              : std::min(static_cast<size_t>(requested), kMaximumPageSize);
  return grpc::Status::OK;
}

std::string MakePageToken(absl::string_view last_name, const google::protobuf::Message* filter) {
  return absl::WebSafeBase64Escape(absl::StrCat(Check(last_name, filter), last_name));
}

grpc::Status ReadPageToken(absl::string_view token, const google::protobuf::Message* filter,
                           std::string* last_name) {
  std::string text;
  if (!absl::WebSafeBase64Unescape(token, &text) || text.size() < kCheckSize) {
    return BadField("page_token", absl::StrCat("\"", token, "\" is not from an earlier page"));
  }
  *last_name = text.substr(kCheckSize);
  if (Check(*last_name, filter) != text.substr(0, kCheckSize)) {
    return BadField("page_token",
                    "it is of a listing with another filter; list anew without a page token");
  }
  return grpc::Status::OK;
}

}  // namespace sasd::rpc
