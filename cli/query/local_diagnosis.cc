#include "cli/query/local_diagnosis.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "cli/query/rpc_error.h"

namespace sasd::cli {
namespace {

namespace fs = std::filesystem;
using sas::v1::Check;

constexpr char kServiceAddress[] = "unix:/run/sasd/sasd.sock";
constexpr char kSeeWhy[] = "systemctl status sasd; journalctl -u sasd -n 20 --no-pager";

Check Make(sas::v1::CheckStatus status, absl::string_view reason, absl::string_view subject,
           absl::string_view message, absl::string_view remedy = "",
           absl::string_view command = "") {
  Check check;
  check.set_status(status);
  check.set_reason(std::string(reason));
  check.set_subject(std::string(subject));
  check.set_message(std::string(message));
  check.set_remedy(std::string(remedy));
  check.set_command(std::string(command));
  return check;
}

Check BrokenCheck(absl::string_view reason, absl::string_view subject, absl::string_view message,
                  absl::string_view remedy, absl::string_view command = "") {
  return Make(sas::v1::CHECK_STATUS_BROKEN, reason, subject, message, remedy, command);
}

Check PassedCheck(absl::string_view subject, absl::string_view message) {
  return Make(sas::v1::CHECK_STATUS_OK, "", subject, message);
}

std::string FileText(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

bool Exists(const std::string& path) {
  struct stat info;
  return lstat(path.c_str(), &info) == 0;
}

std::string UserName(uid_t uid) {
  const passwd* const entry = getpwuid(uid);
  return entry == nullptr ? absl::StrCat(uid) : entry->pw_name;
}

std::string GroupName(gid_t gid) {
  const group* const entry = getgrgid(gid);
  return entry == nullptr ? absl::StrCat(gid) : entry->gr_name;
}

// "root:sasd 0660"
std::string Permissions(const struct stat& info) {
  return absl::StrFormat("%s:%s %04o", UserName(info.st_uid), GroupName(info.st_gid),
                         info.st_mode & 07777);
}

// Whether the group database lists the user. Membership takes effect at the next login.
bool IsMember(gid_t gid, const std::string& user) {
  const group* const entry = getgrgid(gid);
  if (entry == nullptr) return false;
  for (char** member = entry->gr_mem; *member != nullptr; ++member) {
    if (user == *member) return true;
  }
  return false;
}

// ------------------------------------------------------------------------------------ the socket

// This user may not open `path`, which has the permissions `info`.
Check ForbiddenCheck(const std::string& path, const struct stat& info, const std::string& address) {
  const std::string user = UserName(geteuid());
  const std::string message =
      absl::StrCat(user, " may not open ", path, " (", Permissions(info), ")");
  const std::string group = GroupName(info.st_gid);
  if (info.st_gid == 0 || (info.st_mode & 0060) == 0) {
    return BrokenCheck("SOCKET_FORBIDDEN", "socket", message,
                       "Run sasctl as root; as a service, sasd gives the socket to the group sasd",
                       absl::StrCat("sudo sasctl --addr ", address, " doctor"));
  }
  if (IsMember(info.st_gid, user)) {
    return BrokenCheck(
        "SOCKET_FORBIDDEN", "socket",
        absl::StrCat(message, "; the user joined the group ", group, " after this login"),
        "Log in again, or enter the group in this shell", absl::StrCat("newgrp ", group));
  }
  return BrokenCheck("SOCKET_FORBIDDEN", "socket", message,
                     absl::StrCat("Join the group ", group, ", then log in again"),
                     absl::StrCat("sudo usermod -aG ", group, " ", user));
}

// The first folder above `path` that this user cannot enter; empty if there is none.
std::string ClosedFolder(const std::string& path) {
  std::string folder;
  for (const fs::path& part : fs::path(path).parent_path()) {
    folder = (fs::path(folder) / part).string();
    if (faccessat(AT_FDCWD, folder.c_str(), X_OK, AT_EACCESS) != 0 && errno == EACCES) {
      return folder;
    }
  }
  return "";
}

Check CheckSocket(const std::string& path, const std::string& address, const absl::Status& error) {
  struct stat info;
  if (const std::string folder = ClosedFolder(path); !folder.empty()) {
    if (stat(folder.c_str(), &info) == 0) return ForbiddenCheck(folder, info, address);
  }
  if (stat(path.c_str(), &info) != 0) {
    return BrokenCheck(
        "NO_SOCKET", "socket",
        absl::StrCat("there is no socket ", path, ": sasd does not run, or serves elsewhere"),
        "Start sasd, or give its address with --addr or SASD_ADDR");
  }
  if (!S_ISSOCK(info.st_mode)) {
    return BrokenCheck("NO_SOCKET", "socket", absl::StrCat(path, " is not a socket"),
                       "Give the address of sasd with --addr or SASD_ADDR");
  }
  switch (const int problem = ConnectErrno(path)) {
    case 0:
      break;
    case EACCES:
    case EPERM:
      return ForbiddenCheck(path, info, address);
    case ECONNREFUSED:
      return BrokenCheck("SOCKET_LEFT_BEHIND", "socket",
                         absl::StrCat("nothing listens on ", path, ": sasd has stopped"),
                         "Start it again; its log shows why it stopped");
    default:
      return BrokenCheck("NO_SOCKET", "socket", absl::StrCat(path, ": ", strerror(problem)),
                         "Give the address of sasd with --addr or SASD_ADDR");
  }
  return absl::IsDeadlineExceeded(error)
             ? BrokenCheck("NO_ANSWER", "socket",
                           absl::StrCat(path, " accepts connections but does not answer in time: ",
                                        error.message()),
                           "Read its log; if that shows nothing, restart it", kSeeWhy)
             : BrokenCheck("NO_ANSWER", "socket",
                           absl::StrCat(path, " accepts connections, but the call failed: ",
                                        error.message()),
                           "Make sure that sasd serves there; read its log", kSeeWhy);
}

// ------------------------------------------------------------------------ the service, processes

struct Process {
  int pid = 0;
  std::string address;  // where it serves; empty if a configuration file decides
};

// Whether the service's configuration may set the address.
bool ConfigurationListens(const std::string& root) {
  for (const absl::string_view line :
       absl::StrSplit(FileText(root + "/etc/sasd/sasd.toml"), '\n')) {
    if (absl::StartsWith(absl::StripLeadingAsciiWhitespace(line), "listen")) return true;
  }
  return false;
}

// The --listen address of a command line, whose words are separated by NULs. `by_default`: that
// without the option.
std::string ListenAddress(const std::string& command_line, const std::string& by_default) {
  std::string address = by_default;
  const std::vector<std::string> words = absl::StrSplit(command_line, '\0');
  for (size_t i = 0; i < words.size(); ++i) {
    absl::string_view word = words[i];
    if (absl::StartsWith(word, "--config")) address.clear();
    if (word == "--listen" && i + 1 < words.size()) return words[i + 1];
    if (absl::ConsumePrefix(&word, "--listen=")) return std::string(word);
  }
  return address;
}

// The processes of sasd that this user can see.
std::vector<Process> FindProcesses(const std::string& root) {
  std::vector<Process> processes;
  const std::string by_default = ConfigurationListens(root) ? "" : kServiceAddress;
  std::error_code error;
  for (fs::directory_iterator it(root + "/proc", error), end; !error && it != end;
       it.increment(error)) {
    Process process;
    const std::string folder = it->path().string();
    if (!absl::SimpleAtoi(it->path().filename().string(), &process.pid)) continue;
    if (absl::StripAsciiWhitespace(FileText(folder + "/comm")) != "sasd") continue;
    process.address = ListenAddress(FileText(folder + "/cmdline"), by_default);
    processes.push_back(std::move(process));
  }
  return processes;
}

bool HasUnit(const std::string& root) {
  const char* const folders[] = {"/etc/systemd/system", "/run/systemd/system",
                                 "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
                                 "/lib/systemd/system"};
  return std::any_of(std::begin(folders), std::end(folders), [&](const char* folder) {
    return Exists(absl::StrCat(root, folder, "/sasd.service"));
  });
}

Check CheckService(const std::string& address, const std::string& root) {
  std::string by_hand = absl::StrCat("sasd --listen ", address);
  if (address == kServiceAddress) by_hand.insert(0, "mkdir -p /run/sasd && ");
  if (!Exists(root + "/run/systemd/system")) {
    return BrokenCheck("NOT_RUNNING", "service",
                       "sasd does not run, and there is no systemd to start it", "Start it by hand",
                       by_hand);
  }
  if (!HasUnit(root)) {
    return BrokenCheck("NOT_INSTALLED", "service",
                       "sasd does not run, and is not installed as a service (no sasd.service)",
                       "Install it (packaging/install.sh in its source), or start it by hand",
                       by_hand);
  }
  return BrokenCheck("NOT_RUNNING", "service", "sasd does not run", "Start its service",
                     absl::StrCat("systemctl start sasd || { ", kSeeWhy, "; }"));
}

// Checks whether a process serves at the address.
std::vector<Check> CheckProcesses(const std::string& address, const std::string& root) {
  const std::vector<Process> processes = FindProcesses(root);
  if (processes.empty()) return {CheckService(address, root)};
  std::vector<Check> checks;
  for (const Process& process : processes) {
    const std::string who = absl::StrCat("sasd runs (pid ", process.pid, ")");
    if (process.address.empty()) {
      checks.push_back(PassedCheck(
          "service", absl::StrCat(who,
                                  " and serves at the address in its configuration (--config, or "
                                  "/etc/sasd/sasd.toml)")));
    } else if (process.address == address) {
      checks.push_back(PassedCheck("service", absl::StrCat(who, " and serves at ", address)));
    } else {
      checks.push_back(
          BrokenCheck("OTHER_ADDRESS", "address",
                      absl::StrCat(who, " and serves at ", process.address, ", not at ", address),
                      "Use that address (or set SASD_ADDR)",
                      absl::StrCat("sasctl --addr ", process.address, " doctor")));
    }
  }
  return checks;
}

bool IsThisMachine(absl::string_view host) {
  return host.empty() || host == "localhost" || absl::StartsWith(host, "127.") || host == "[::1]" ||
         host == "0.0.0.0" || host == "[::]";
}

// The part before ":PORT", without a "dns:///" prefix.
std::string HostOf(absl::string_view address) {
  absl::ConsumePrefix(&address, "dns:///");
  absl::ConsumePrefix(&address, "dns:");
  return std::string(address.substr(0, address.rfind(':')));
}

}  // namespace

std::vector<Check> DiagnoseLocally(const std::string& address, const absl::Status& error,
                                   const std::string& root) {
  absl::string_view path = address;
  if (absl::ConsumePrefix(&path, "unix:")) {
    absl::ConsumePrefix(&path, "//");
    Check socket = CheckSocket(std::string(path), address, error);
    // The socket explains enough: sasd runs.
    if (socket.reason() == "SOCKET_FORBIDDEN" || socket.reason() == "NO_ANSWER") return {socket};
    std::vector<Check> checks = CheckProcesses(address, root);
    checks.push_back(std::move(socket));
    return checks;
  }
  if (!absl::StrContains(address, ':')) {
    return {BrokenCheck("NO_ADDRESS", "address",
                        absl::StrCat("\"", address, "\" is not an address"),
                        "Give unix:PATH or HOST:PORT with --addr or SASD_ADDR",
                        absl::StrCat("sasctl --addr ", kServiceAddress, " doctor"))};
  }
  Check unreachable = BrokenCheck("UNREACHABLE", "address", error.message(), "");
  const std::string host = HostOf(address);
  if (!IsThisMachine(host)) {
    unreachable.set_remedy("This is another machine: check there that sasd serves at this port");
    unreachable.set_command(absl::StrCat("ssh ", host, " sasctl doctor"));
    return {unreachable};
  }
  std::vector<Check> checks = CheckProcesses(address, root);
  checks.push_back(std::move(unreachable));
  return checks;
}

}  // namespace sasd::cli
