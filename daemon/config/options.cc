#include "daemon/config/options.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "daemon/config/value_text.h"

namespace sasd::config {
namespace {

constexpr int64_t kDay = 86'400'000;  // in milliseconds
constexpr int64_t kLongest = 36'500 * kDay;
constexpr int64_t kMost = std::numeric_limits<int64_t>::max();

std::vector<Option> MakeOptions() {
  std::vector<Option> options;
  const auto add = [&options](Option option) -> Option& {
    options.push_back(std::move(option));
    return options.back();
  };
  const auto text = [&add](absl::string_view name, std::string Settings::*field, Reload reload,
                           absl::string_view help) -> Option& {
    return add({name, Type::kText, field, reload, help});
  };
  const auto list = [&add](absl::string_view name, std::vector<std::string> Settings::*field,
                           Reload reload, absl::string_view help) -> Option& {
    return add({name, Type::kList, field, reload, help});
  };
  const auto flag = [&add](absl::string_view name, bool Settings::*field, Reload reload,
                           absl::string_view help) -> Option& {
    return add({name, Type::kFlag, field, reload, help});
  };
  const auto number = [&add](absl::string_view name, Type type, int64_t Settings::*field,
                             int64_t min, int64_t max, Reload reload,
                             absl::string_view help) -> Option& {
    return add({name, type, field, reload, help, min, max});
  };
  const auto duration = [&add](absl::string_view name, absl::Duration Settings::*field, int64_t min,
                               int64_t max, Reload reload, absl::string_view help,
                               absl::string_view old_name, absl::Duration old_unit) -> Option& {
    Option& option = add({name, Type::kDuration, field, reload, help, min, max});
    option.old_name = old_name;
    option.old_unit = old_unit;
    return option;
  };
  using S = Settings;
  constexpr Reload kNow = Reload::kAtSighup, kRestart = Reload::kAtRestart;

  list("listen", &S::listen, kRestart,
       "Addresses to serve at: unix:PATH, or HOST:PORT on loopback, in plain. Sockets that systemd "
       "bound take their place")
      .group = "Where sasd serves";
  flag("insecure-listen", &S::insecure_listen, kRestart,
       "Let listen serve plain TCP to everybody who can reach the address");
  list("listen-tls", &S::listen_tls, kRestart,
       "Addresses to serve with TLS, to clients with a certificate: HOST:PORT");
  text("tls-certificate", &S::tls_certificate, kRestart,
       "File of the server's certificate, in PEM. sasd reads it again when it changes");
  text("tls-key", &S::tls_key, kRestart, "File of the key of this certificate, in PEM");
  text("tls-client-ca", &S::tls_client_ca, kRestart,
       "File of the CA that signs the certificates of clients, in PEM");

  list(
      "viewer", &S::viewer, kNow,
      "Who may read: user:NAME, group:NAME or certificate:PATTERN. Without a rule, a user whom the "
      "unix socket lets in is an operator, and a certificate has no role")
      .group = "Who may do what, and how much; see docs/security.md";
  list("operator", &S::operators, kNow, "Who may also dismiss and accept findings");
  list("admin", &S::admin, kNow, "Who may do everything. Root always is");
  list("limit", &S::limit, kNow,
       "Limits that differ from the default: NAME=NUMBER. `sasctl status -o json` shows all");

  Option& fabric = text("fabric", &S::fabric, kRestart,
                        "Serve virtual HBAs with this fabric: a shipped one, by its name; a "
                        ".textproto file; or synthetic:HOSTSxEXPANDERSxDEVICES");
  fabric.group = "What sasd serves; without a fabric and a sysfs-root: this machine";
  fabric.only_one_of = "backend";
  text("sysfs-root", &S::sysfs_root, kRestart,
       "Serve a Linux sysfs tree, a folder or a .tar.gz; read it at the start and at each SIGHUP")
      .only_one_of = "backend";
  number("seed", Type::kNumber, &S::seed, 0, kMost, kRestart,
         "Seed of the random choices of a virtual HBA");
  list("pci", &S::pci, kRestart,
       "HBAs that sasd drives itself, without the kernel's driver: PCI addresses, such as "
       "0000:03:00.0, that `sasd-hba take` has taken. Their disks are no block devices. Only for "
       "this machine");
  flag("control-nodes", &S::control_nodes, kRestart,
       "Also ask the firmware of mpt3sas' HBAs, through /dev/mpt3ctl and /dev/mpt2ctl. Only for "
       "this machine");
  duration("link-look", &S::link_look, 0, kDay, kNow,
           "Time between two looks at the link rates and port members of a host, whose changes the "
           "kernel does not announce; 0s: never. Only for this machine",
           "link-look-seconds", absl::Seconds(1));
  number("link-look-reads", Type::kNumber, &S::link_look_reads, 1, 1'000'000, kRestart,
         "Maximum number of phys and ports of a host per look; later looks take the rest");

  text("alias-file", &S::alias_file, kNow,
       "File of the aliases of hosts and enclosures; it wins over those of `sasctl alias`. Empty: "
       "/etc/sasd/aliases.toml, if it is there; with a fabric or a sysfs-root: none")
      .group = "Names; see docs/operations.md";

  duration(
      "attach-grace", &S::attach_grace, 0, kDay, kNow,
      "Grace period before health reports a device that only the firmware or only the OS knows",
      "attach-grace-seconds", absl::Seconds(1))
      .group = "Health";
  duration(
      "boot-grace", &S::boot_grace, 0, kDay, kRestart,
      "Time after the machine's boot in which a host that is missing after a restart may still "
      "come",
      "boot-grace-seconds", absl::Seconds(1));

  flag("journal", &S::journal, kRestart,
       "Keep a journal. Without it a restart forgets the history and the baseline")
      .group = "History";
  text("state-dir", &S::state_dir, kRestart,
       "Directory of the journal. Empty: $STATE_DIRECTORY or /var/lib/sasd; with a fabric or a "
       "sysfs-root: none");
  number("journal-bytes", Type::kBytes, &S::journal_bytes, int64_t{1} << 20, int64_t{1} << 40,
         kRestart, "Maximum size of the journal");
  duration("journal-age", &S::journal_age, kDay, kLongest, kRestart,
           "Maximum age of an event, as time that sasd ran", "journal-days", absl::Hours(24));
  flag("new-epoch", &S::new_epoch, kRestart,
       "Begin a new epoch: after a backup of the state directory was restored")
      .once = true;
  number("log-events", Type::kNumber, &S::log_events, 1, 100'000'000, kRestart,
         "Maximum number of events kept in memory for clients that resume");
  number("log-bytes", Type::kBytes, &S::log_bytes, int64_t{1} << 10, int64_t{1} << 40, kRestart,
         "Maximum size of these events");

  text("metrics-listen", &S::metrics_listen, kRestart,
       "Address to serve metrics at, over HTTP to everybody who reaches it: HOST:PORT on loopback, "
       "or unix:PATH. A socket that systemd bound with the name metrics takes its place. Empty: "
       "none")
      .group = "Metrics for Prometheus; see docs/metrics.md";
  flag("metrics-objects", &S::metrics_objects, kRestart,
       "Add two series for each drive to what metrics-listen serves");

  Option& level = add({"log-level", Type::kChoice, &S::log_level, kNow,
                       "Least severe message to log on standard error"});
  level.choices = {"debug", "info", "warning", "error", "off"};
  level.group = "The log";
  return options;
}

// TOML's basic strings: '"', '\\' and control characters are escaped, UTF-8 is as it is.
std::string Quoted(absl::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      absl::StrAppend(&out, "\\", std::string(1, c));
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      absl::StrAppend(&out, "\\u00", absl::Hex(static_cast<unsigned char>(c), absl::kZeroPad2));
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

absl::Status Expected(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("expected ", what));
}

}  // namespace

absl::Span<const Option> Options() {
  static const std::vector<Option>* const options = new std::vector<Option>(MakeOptions());
  return *options;
}

const Option* FindOption(absl::string_view name) {
  for (const Option& option : Options()) {
    if (option.name == name || (!name.empty() && option.old_name == name)) return &option;
  }
  return nullptr;
}

std::string EnvironmentName(const Option& option) {
  return absl::StrCat("SASD_",
                      absl::AsciiStrToUpper(absl::StrReplaceAll(option.name, {{"-", "_"}})));
}

absl::StatusOr<Value> ParseValue(const Option& option, absl::string_view text) {
  switch (option.type) {
    case Type::kText:
    case Type::kChoice:
      return CheckValue(option, std::string(text));
    case Type::kList:
      return CheckValue(
          option, std::vector<std::string>(absl::StrSplit(text, ',', absl::SkipWhitespace())));
    case Type::kFlag: {
      if (text == "true" || text == "false") return Value(text == "true");
      return Expected("true or false");
    }
    case Type::kNumber: {
      int64_t number = 0;
      if (!absl::SimpleAtoi(text, &number)) {
        return Expected(absl::StrCat("a whole number, ", RangeText(option)));
      }
      return CheckValue(option, number);
    }
    case Type::kBytes: {
      const absl::StatusOr<int64_t> bytes = ParseBytes(text);
      if (!bytes.ok()) return bytes.status();
      return CheckValue(option, *bytes);
    }
    case Type::kDuration: {
      const absl::StatusOr<absl::Duration> duration = ParseDuration(text);
      if (!duration.ok()) return duration.status();
      return CheckValue(option, *duration);
    }
  }
  return absl::InternalError("no such type");
}

absl::StatusOr<Value> ParseOldValue(const Option& option, absl::string_view text) {
  double number = 0;
  if (!absl::SimpleAtod(text, &number) || !std::isfinite(number) || number < 0) {
    return Expected("a number, not negative");
  }
  // A larger one is out of range anyhow, and does not fit.
  if (number > 1e12) return Expected(RangeText(option));
  // To whole milliseconds, as the new name has them.
  return CheckValue(option, absl::Milliseconds(static_cast<int64_t>(std::llround(
                                number * absl::ToDoubleMilliseconds(option.old_unit)))));
}

absl::StatusOr<Value> CheckValue(const Option& option, Value value) {
  ABSL_INTERNAL_CHECK(value.index() == option.field.index(), "the value has the option's type");
  if (const auto* text = std::get_if<std::string>(&value)) {
    if (option.type == Type::kChoice &&
        std::find(option.choices.begin(), option.choices.end(), *text) == option.choices.end()) {
      return Expected(RangeText(option));
    }
    if (text->find('\0') != text->npos) return Expected("text without a NUL");
  } else if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    for (const std::string& text : *list) {
      if (text.find('\0') != text.npos) return Expected("texts without a NUL");
      if (text.empty()) return Expected("texts that are not empty");
    }
  } else if (const auto* number = std::get_if<int64_t>(&value)) {
    if (*number < option.min || *number > option.max) return Expected(RangeText(option));
  } else if (const auto* duration = std::get_if<absl::Duration>(&value)) {
    if (*duration < absl::Milliseconds(option.min) || *duration > absl::Milliseconds(option.max)) {
      return Expected(RangeText(option));
    }
  }
  return value;
}

Value ValueOf(const Option& option, const Settings& settings) {
  return std::visit([&settings](auto field) { return Value(settings.*field); }, option.field);
}

void SetValue(const Option& option, const Value& value, Settings& settings) {
  std::visit(
      [&](auto field) {
        using Field = std::decay_t<decltype(settings.*field)>;
        settings.*field = std::get<Field>(value);
      },
      option.field);
}

std::string FileText(const Option& option, const Value& value) {
  switch (option.type) {
    case Type::kText:
    case Type::kChoice:
      return Quoted(std::get<std::string>(value));
    case Type::kList:
      return absl::StrCat("[",
                          absl::StrJoin(std::get<std::vector<std::string>>(value), ", ",
                                        [](std::string* out, absl::string_view text) {
                                          absl::StrAppend(out, Quoted(text));
                                        }),
                          "]");
    case Type::kFlag:
      return std::get<bool>(value) ? "true" : "false";
    case Type::kNumber:
      return absl::StrCat(std::get<int64_t>(value));
    case Type::kBytes:
      return absl::StrCat("\"", BytesText(std::get<int64_t>(value)), "\"");
    case Type::kDuration:
      return absl::StrCat("\"", DurationText(std::get<absl::Duration>(value)), "\"");
  }
  return "";
}

std::string RangeText(const Option& option) {
  switch (option.type) {
    case Type::kText:
    case Type::kList:
    case Type::kFlag:
      return "";
    case Type::kChoice: {
      const auto last = option.choices.end() - 1;
      return absl::StrCat(absl::StrJoin(option.choices.begin(), last, ", "), " or ", *last);
    }
    case Type::kNumber:
      return option.max == kMost ? absl::StrCat(option.min, " or more")
                                 : absl::StrCat(option.min, " to ", option.max);
    case Type::kBytes:
      return absl::StrCat(BytesText(option.min), " to ", BytesText(option.max));
    case Type::kDuration:
      return absl::StrCat(DurationText(absl::Milliseconds(option.min)), " to ",
                          DurationText(absl::Milliseconds(option.max)));
  }
  return "";
}

}  // namespace sasd::config
