#include "daemon/service/wire.h"

#include <cstdint>

#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

namespace sasd::service {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;

void AppendTagAndLength(int field, size_t size, std::string& out) {
  uint8_t buffer[16];
  uint8_t* end = CodedOutputStream::WriteVarint32ToArray(
      WireFormatLite::MakeTag(field, WireFormatLite::WIRETYPE_LENGTH_DELIMITED), buffer);
  end = CodedOutputStream::WriteVarint32ToArray(static_cast<uint32_t>(size), end);
  out.append(reinterpret_cast<const char*>(buffer), static_cast<size_t>(end - buffer));
}

void AppendBytes(int field, absl::string_view message, std::string& out) {
  AppendTagAndLength(field, message.size(), out);
  out.append(message.data(), message.size());
}

void AppendMessage(int field, const google::protobuf::MessageLite& message, std::string& out) {
  AppendTagAndLength(field, message.ByteSizeLong(), out);
  message.AppendToString(&out);
}

}  // namespace sasd::service
