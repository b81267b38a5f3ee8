#include "cli/query/contexts.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "rpc/did_you_mean.h"
#include "rpc/toml.h"

namespace sasd::cli {
namespace {

constexpr char kDefaultAddress[] = "unix:/run/sasd/sasd.sock";
constexpr char kCurrent[] = "current-context", kContexts[] = "contexts";
constexpr off_t kMaxBytes = 1 << 20;
// The most of a text of the file that an error repeats.
constexpr size_t kMostShown = 64;

struct Field {
  const char* key;
  std::string Connection::*value;
  bool is_path;
};
constexpr Field kFields[] = {
    {"address", &Connection::address, false},
    {"tls-ca", &Connection::tls_ca, true},
    {"tls-certificate", &Connection::tls_certificate, true},
    {"tls-key", &Connection::tls_key, true},
    {"tls-name", &Connection::tls_name, false},
};

absl::string_view View(std::string_view text) { return {text.data(), text.size()}; }

std::string Shown(absl::string_view text) {
  return absl::Utf8SafeCHexEscape(text.substr(0, kMostShown));
}

std::string Place(absl::string_view path, const toml::source_position& at) {
  return absl::StrCat(path, ":", at.line, ":", at.column);
}

class Reader {
 public:
  explicit Reader(absl::string_view path) : path_(path) {
    const size_t slash = path.rfind('/');
    if (slash != absl::string_view::npos) folder_ = std::string(path.substr(0, slash + 1));
    contexts_.path = std::string(path);
  }

  absl::StatusOr<Contexts> Read(const toml::table& table) {
    for (const auto& [key, node] : table) {
      if (key.str() == kCurrent) {
        ReadText(kCurrent, node, &contexts_.current);
        current_at_ = node.source().begin;
      } else if (key.str() == kContexts) {
        ReadContexts(node);
      } else {
        NoteUnknown(key, {kCurrent, kContexts});
      }
    }
    if (!contexts_.current.empty()) {
      const absl::StatusOr<NamedContext> current = contexts_.Find(contexts_.current);
      if (!current.ok()) Note(current_at_, current.status().message());
    }
    if (faults_.empty()) return std::move(contexts_);
    std::stable_sort(faults_.begin(), faults_.end(), [](const auto& a, const auto& b) {
      return std::pair(a.first.line, a.first.column) < std::pair(b.first.line, b.first.column);
    });
    return absl::InvalidArgumentError(absl::StrJoin(
        faults_, "\n",
        [](std::string* out, const auto& fault) { absl::StrAppend(out, fault.second); }));
  }

 private:
  void ReadContexts(const toml::node& node) {
    const toml::table* const table = node.as_table();
    if (table == nullptr)
      return Note(node.source().begin, "contexts: expected tables, such as [contexts.lab]");
    for (const auto& [key, value] : *table) {
      const toml::table* const fields = value.as_table();
      const absl::string_view name = View(key.str());
      if (fields == nullptr) {
        Note(key.source().begin,
             absl::StrCat("contexts.", Shown(name), ": expected a table: [contexts.NAME]"));
      } else if (name.empty() || absl::StartsWith(name, "-")) {
        Note(key.source().begin, "the name of a context is not empty and has no - in front");
      } else {
        ReadContext(name, key, *fields);
      }
    }
  }

  void ReadContext(absl::string_view name, const toml::key& place, const toml::table& fields) {
    NamedContext context;
    context.name = std::string(name);
    std::vector<std::string> known;
    for (const Field& field : kFields) known.emplace_back(field.key);
    for (const auto& [key, node] : fields) {
      const auto* const field =
          std::find_if(std::begin(kFields), std::end(kFields),
                       [&key = key](const Field& each) { return key.str() == each.key; });
      if (field == std::end(kFields)) {
        NoteUnknown(key, known);
        continue;
      }
      std::string& value = context.connection.*field->value;
      ReadText(field->key, node, &value);
      if (field->is_path && !value.empty() && value[0] != '/') value = folder_ + value;
    }
    if (context.connection.address.empty()) {
      Note(place.source().begin, absl::StrCat("context ", Shown(name), " has no address"));
    }
    contexts_.all.push_back(std::move(context));
  }

  void ReadText(absl::string_view key, const toml::node& node, std::string* out) {
    const auto text = node.value_exact<std::string_view>();
    if (!text || text->empty()) {
      return Note(node.source().begin, absl::StrCat(key, ": expected text in quotes"));
    }
    *out = std::string(*text);
  }

  void NoteUnknown(const toml::key& key, const std::vector<std::string>& known) {
    const absl::string_view name = View(key.str());
    Note(key.source().begin, absl::StrCat("unknown key \"", Shown(name), "\"",
                                          rpc::DidYouMean(name.substr(0, kMostShown), known)));
  }

  void Note(const toml::source_position& at, absl::string_view what) {
    faults_.emplace_back(at, absl::StrCat(Place(path_, at), ": ", what));
  }

  const absl::string_view path_;
  std::string folder_;  // with the slash
  Contexts contexts_;
  toml::source_position current_at_ = {};
  std::vector<std::pair<toml::source_position, std::string>> faults_;
};

absl::StatusOr<toml::table> Parse(absl::string_view text, absl::string_view path) {
  toml::parse_result parsed = toml::parse(std::string_view(text.data(), text.size()));
  if (parsed) return std::move(parsed).table();
  const toml::parse_error& error = parsed.error();
  return absl::InvalidArgumentError(
      absl::StrCat(Place(path, error.source().begin), ": ",
                   absl::Utf8SafeCHexEscape(View(error.description()))));
}

absl::Status FileError(const std::string& path) {
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot use ", path));
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return FileError(path);
  if (!S_ISREG(info.st_mode) || info.st_size > kMaxBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " is not a regular file of at most 1 MiB"));
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file.is_open() || errno != 0) return FileError(path);
  return text;
}

// Replaces the file in one step, with the mode that it has.
absl::Status WriteFile(const std::string& path, const std::string& text) {
  struct stat info;
  if (stat(path.c_str(), &info) != 0) return FileError(path);
  std::string other = path + ".XXXXXX";
  const int fd = mkostemp(other.data(), O_CLOEXEC);
  if (fd < 0) return FileError(other);
  size_t written = 0;
  while (written < text.size()) {
    const ssize_t count = write(fd, text.data() + written, text.size() - written);
    if (count <= 0) break;
    written += static_cast<size_t>(count);
  }
  absl::Status status;
  if (written < text.size() || fchmod(fd, info.st_mode & 07777) != 0 || fsync(fd) != 0) {
    status = FileError(other);
  }
  close(fd);
  if (status.ok() && rename(other.c_str(), path.c_str()) != 0) status = FileError(path);
  if (!status.ok()) unlink(other.c_str());
  return status;
}

// The text with `name` as its current context. `node`: the value now; null: there is none.
std::string WithCurrent(const std::string& text, const toml::node* node, absl::string_view name) {
  const std::string line = absl::StrCat(kCurrent, " = \"", absl::CHexEscape(name), "\"");
  if (node == nullptr) return absl::StrCat(line, "\n", text);
  std::vector<std::string> lines = absl::StrSplit(text, '\n');
  const toml::source_region& at = node->source();
  std::string& old = lines[at.begin.line - 1];
  // The key may stand in quotes, and a comment behind the value: neither is touched. Columns count
  // characters, and before the value of this key all are of one byte.
  const size_t begin = at.begin.column - 1;
  const size_t end = at.end.line == at.begin.line ? at.end.column - 1 : old.size();
  old = absl::StrCat(old.substr(0, begin), "\"", absl::CHexEscape(name), "\"",
                     old.substr(std::min(end, old.size())));
  return absl::StrJoin(lines, "\n");
}

}  // namespace

absl::StatusOr<NamedContext> Contexts::Find(absl::string_view name) const {
  std::vector<std::string> names;
  for (const NamedContext& context : all) {
    if (context.name == name) return context;
    names.push_back(context.name);
  }
  return absl::NotFoundError(absl::StrCat("no context \"", Shown(name), "\" in ", path,
                                          rpc::DidYouMean(name.substr(0, kMostShown), names)));
}

absl::StatusOr<Contexts> ParseContexts(absl::string_view text, absl::string_view path) {
  const absl::StatusOr<toml::table> table = Parse(text, path);
  if (!table.ok()) return table.status();
  return Reader(path).Read(*table);
}

absl::StatusOr<Contexts> ReadContexts(const ContextsPlace& place) {
  Contexts none;
  none.path = place.path;
  if (place.path.empty()) return none;
  const absl::StatusOr<std::string> text = ReadFile(place.path);
  if (absl::IsNotFound(text.status()) && !place.is_given) return none;
  if (!text.ok()) return text.status();
  return ParseContexts(*text, place.path);
}

absl::Status UseContext(const ContextsPlace& place, absl::string_view name) {
  const absl::StatusOr<Contexts> contexts = ReadContexts(place);
  if (!contexts.ok()) return contexts.status();
  if (const auto found = contexts->Find(name); !found.ok()) return found.status();
  char* const real = realpath(place.path.c_str(), nullptr);  // a link stays one
  if (real == nullptr) return FileError(place.path);
  const std::string path = real;
  free(real);
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!text.ok()) return text.status();
  const absl::StatusOr<toml::table> table = Parse(*text, path);
  if (!table.ok()) return table.status();
  const std::string changed = WithCurrent(*text, table->get(kCurrent), name);
  // Never a file that the next start refuses.
  const absl::StatusOr<Contexts> check = ParseContexts(changed, path);
  if (!check.ok() || check->current != name) {
    return absl::UnimplementedError(absl::StrCat("cannot change ", kCurrent, " in ", path,
                                                 "; write ", kCurrent, " = \"", Shown(name), "\""));
  }
  return WriteFile(path, changed);
}

absl::StatusOr<Connection> ResolveConnection(const GivenConnection& given) {
  Connection connection = given.environment;
  const bool by_option = !given.options.address.empty();
  if (by_option && !given.context.empty()) {
    return absl::InvalidArgumentError("give either --addr or --context, not both");
  }
  std::string name = given.context;
  bool wants_file = !by_option && !name.empty();
  if (!by_option && name.empty() && given.environment.address.empty()) {
    name = given.place.chosen;
    wants_file = true;
  }
  if (wants_file) {
    const absl::StatusOr<Contexts> contexts = ReadContexts(given.place);
    if (!contexts.ok()) return contexts.status();
    if (name.empty()) name = contexts->current;
    if (!name.empty()) {
      const absl::StatusOr<NamedContext> context = contexts->Find(name);
      if (!context.ok()) return context.status();
      connection = context->connection;
    }
  }
  for (const Field& field : kFields) {
    const std::string& option = given.options.*field.value;
    if (!option.empty()) connection.*field.value = option;
  }
  if (connection.address.empty()) connection.address = kDefaultAddress;
  return connection;
}

}  // namespace sasd::cli
