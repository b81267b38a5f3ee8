#ifndef CLI_QUERY_CONTEXTS_H_
#define CLI_QUERY_CONTEXTS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/query/connection.h"

// Named contexts: how to reach the sasd of a node, kept in a file.
//
//   current-context = "lab"
//   [contexts.lab]
//   address = "node1.example.org:7000"
//   tls-ca = "ca.pem"              # beside this file, unless the path is absolute
//   tls-certificate = "client.pem"
//   tls-key = "client.key"
//   tls-name = "node1"             # only if sasd's certificate has not the host of the address
namespace sasd::cli {

struct NamedContext {
  std::string name;
  Connection connection;  // has an address
};

struct Contexts {
  std::string path;               // of the file
  std::string current;            // empty: none
  std::vector<NamedContext> all;  // by name

  // Errors: kNotFound, with close names.
  absl::StatusOr<NamedContext> Find(absl::string_view name) const;
};

// Where the contexts are, and what the environment says.
struct ContextsPlace {
  std::string path;       // of the file; empty: nowhere
  bool is_given = false;  // somebody named the path ($SASCTL_CONFIG), so the file must be there
  std::string chosen;     // $SASCTL_CONTEXT; empty: none
};

// Reads a text in TOML 1.0. `path` is for the places, and for the paths of files. Errors:
// kInvalidArgument, a line for each fault in the order of the text, as PATH:LINE:COLUMN: what is
// wrong. A key that is not known is a fault.
absl::StatusOr<Contexts> ParseContexts(absl::string_view text, absl::string_view path);

// Reads the file; none if there is no file and `place.is_given` is false. Errors: also kNotFound,
// and kInvalidArgument for what is no regular file or has over 1 MiB.
absl::StatusOr<Contexts> ReadContexts(const ContextsPlace& place);

// Writes another current context into the file and leaves all else as it is, comments included. The
// file is replaced in one step. Errors: those of ReadContexts(), kNotFound for an unknown name,
// kUnavailable if the file cannot be written.
absl::Status UseContext(const ContextsPlace& place, absl::string_view name);

// What decides the connection: the first that is given of
//   1. --addr, with the TLS files of the environment ($SASD_TLS_*);
//   2. --context;
//   3. $SASD_ADDR, with $SASD_TLS_*;
//   4. $SASCTL_CONTEXT;
//   5. the current context of the file;
//   6. the socket of this node, with $SASD_TLS_*.
// A --tls-* option replaces its value in each of them. The file is read for 2, 4 and 5 only.
// Errors: those of ReadContexts() and Contexts::Find(); kInvalidArgument for 1 and 2 together.
struct GivenConnection {
  Connection options;      // of the command line; empty texts are not given
  std::string context;     // --context
  Connection environment;  // $SASD_ADDR, $SASD_TLS_*
  ContextsPlace place;
};
absl::StatusOr<Connection> ResolveConnection(const GivenConnection& given);

}  // namespace sasd::cli

#endif  // CLI_QUERY_CONTEXTS_H_
