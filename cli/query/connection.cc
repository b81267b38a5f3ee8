#include "cli/query/connection.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sasd::cli {
namespace {

absl::StatusOr<std::string> ReadFile(const std::string& path, const char* option) {
  if (path.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "TLS needs --tls-ca, --tls-certificate and --tls-key; ", option, " is missing"));
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  // A folder opens, and does not read.
  if (!file.is_open() || errno != 0) {
    return absl::NotFoundError(absl::StrCat(option, " ", path, ": ", strerror(errno)));
  }
  return text;
}

}  // namespace

absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(
    const Connection& connection) {
  if (!connection.tls()) return grpc::InsecureChannelCredentials();
  if (absl::StartsWith(connection.address, "unix:")) {
    return absl::InvalidArgumentError(
        absl::StrCat("a unix socket (", connection.address,
                     ") speaks no TLS; leave out the TLS options, or give "
                     "HOST:PORT with --addr"));
  }
  const absl::StatusOr<std::string> ca = ReadFile(connection.tls_ca, "--tls-ca");
  if (!ca.ok()) return ca.status();
  const absl::StatusOr<std::string> certificate =
      ReadFile(connection.tls_certificate, "--tls-certificate");
  if (!certificate.ok()) return certificate.status();
  const absl::StatusOr<std::string> key = ReadFile(connection.tls_key, "--tls-key");
  if (!key.ok()) return key.status();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = *ca;
  options.pem_cert_chain = *certificate;
  options.pem_private_key = *key;
  return grpc::SslCredentials(options);
}

}  // namespace sasd::cli
