#ifndef RPC_CERTIFICATE_FILE_H_
#define RPC_CERTIFICATE_FILE_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace sasd::rpc {

// What a certificate says of itself. A value.
struct CertificateInfo {
  std::string subject;    // as RFC 2253 writes it: "CN=node.example.org,O=Example"
  absl::Time begin, end;  // valid from `begin` on, until `end` (RFC 5280, 4.1.2.5)
};

// The certificates of a text in PEM, in its order; other blocks, such as keys, are left out.
// Errors: kInvalidArgument if there is none, or if one cannot be decoded. Pure.
absl::StatusOr<std::vector<CertificateInfo>> ParseCertificates(absl::string_view pem);

// Those of a file. Errors: also those of ReadRegularFile(). Thread-safe.
absl::StatusOr<std::vector<CertificateInfo>> ReadCertificateFile(const std::string& path);

}  // namespace sasd::rpc

#endif  // RPC_CERTIFICATE_FILE_H_
