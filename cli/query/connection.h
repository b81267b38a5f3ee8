#ifndef CLI_QUERY_CONNECTION_H_
#define CLI_QUERY_CONNECTION_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "grpcpp/security/credentials.h"

namespace sasd::cli {

// How to reach a sasd.
struct Connection {
  std::string address;  // unix:PATH, or HOST:PORT
  // The files of TLS, in PEM. All empty: plain.
  std::string tls_ca;           // who signed the certificate of sasd
  std::string tls_certificate;  // our own, which gives the role
  std::string tls_key;
  std::string tls_name;  // the name in sasd's certificate, if not the host of `address`

  bool tls() const { return !tls_ca.empty() || !tls_certificate.empty() || !tls_key.empty(); }
};

// The credentials of a connection. Errors: kInvalidArgument if a file of TLS is missing from the
// options, or the address is a unix socket; kNotFound if one cannot be read.
absl::StatusOr<std::shared_ptr<grpc::ChannelCredentials>> MakeCredentials(
    const Connection& connection);

}  // namespace sasd::cli

#endif  // CLI_QUERY_CONNECTION_H_
