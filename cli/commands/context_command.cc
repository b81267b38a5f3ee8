#include "cli/commands/context_command.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace sasd::cli {

absl::Status RunListContexts(const ContextsPlace& place, std::ostream& out) {
  const absl::StatusOr<Contexts> contexts = ReadContexts(place);
  if (!contexts.ok()) return contexts.status();
  int width = 0;
  for (const NamedContext& context : contexts->all) {
    width = std::max(width, static_cast<int>(context.name.size()));
  }
  for (const NamedContext& context : contexts->all) {
    out << absl::StrFormat("%s %-*s  %s%s\n", context.name == contexts->current ? "*" : " ", width,
                           context.name, context.connection.address,
                           context.connection.tls() ? "  TLS" : "");
  }
  return absl::OkStatus();
}

absl::Status RunUseContext(const ContextsPlace& place, const std::string& name, std::ostream& out) {
  if (absl::Status s = UseContext(place, name); !s.ok()) return s;
  out << "context " << name << " is the current one in " << place.path << '\n';
  return absl::OkStatus();
}

absl::Status RunShowContext(const GivenConnection& given, std::ostream& out) {
  const absl::StatusOr<Connection> connection = ResolveConnection(given);
  if (!connection.ok()) return connection.status();
  const auto line = [&out](const char* label, const std::string& value) {
    if (!value.empty()) out << absl::StrFormat("%-16s %s\n", label, value);
  };
  line("address", connection->address);
  line("tls-ca", connection->tls_ca);
  line("tls-certificate", connection->tls_certificate);
  line("tls-key", connection->tls_key);
  line("tls-name", connection->tls_name);
  line("contexts in", given.place.path);
  return absl::OkStatus();
}

}  // namespace sasd::cli
