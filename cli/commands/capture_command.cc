#include "cli/commands/capture_command.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <sstream>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "cli/capture/disguise.h"
#include "cli/capture/sysfs_copy.h"
#include "cli/capture/tar_writer.h"
#include "cli/commands/doctor_command.h"
#include "cli/commands/events_command.h"
#include "cli/commands/health_command.h"
#include "cli/commands/node_command.h"
#include "rpc/version.h"

extern char** environ;  // NOLINT: of POSIX

namespace sasd::cli {
namespace {

constexpr int32_t kEvents = 10'000;

struct Part {
  std::string name;  // "doctor.json"
  std::string text;
};

// Runs a command of sasctl with its output into the part.
absl::Status Fill(const std::function<absl::Status(const Context&)>& run, const Context& context,
                  Part& part) {
  std::ostringstream text;
  const Context inner = {context.channel,  text,    context.err,   context.interrupt,
                         context.endpoint, Paint(), context.clock, Screen()};
  absl::Status status = run(inner);
  part.text = text.str();
  return status;
}

// What a program writes to its standard output. Error: kUnavailable if it does not start or fails.
absl::StatusOr<std::string> OutputOf(std::vector<std::string> words) {
  int pipes[2];
  if (pipe(pipes) != 0) return absl::ResourceExhaustedError(strerror(errno));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipes[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, pipes[0]);
  posix_spawn_file_actions_addclose(&actions, pipes[1]);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  const int error = posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipes[1]);
  std::string text;
  char buffer[1 << 14];
  for (ssize_t got = 1; error == 0 && got != 0;) {
    got = read(pipes[0], buffer, sizeof(buffer));
    if (got > 0) text.append(buffer, static_cast<size_t>(got));
    if (got < 0 && errno != EINTR) break;
  }
  close(pipes[0]);
  if (error != 0) {
    return absl::UnavailableError(absl::StrCat("cannot start ", words[0], ": ", strerror(error)));
  }
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return absl::UnavailableError(absl::StrCat(words[0], " failed"));
  }
  return text;
}

class Capture {
 public:
  Capture(const CaptureOptions& options, const Context& context)
      : options_(options), context_(context), now_(absl::Now()) {}

  absl::Status Run() {
    absl::StatusOr<SysfsCopy> copy = CopySysfs(options_.sysfs);
    if (!copy.ok()) return copy.status();
    for (const std::string& line : copy->unread) Miss(absl::StrCat("sysfs: ", line));
    if (copy->entries.empty()) {
      Miss(absl::StrCat("sysfs: no SAS or SCSI host in ", options_.sysfs, "/class"));
    }
    AskSasd();
    ReadLog();
    if (options_.anonymous) Anonymize(*copy);
    return Write(*copy);
  }

 private:
  void Miss(std::string what) { missing_.push_back(std::move(what)); }

  void Ask(const char* name, const std::function<absl::Status(const Context&)>& run) {
    Part part;
    part.name = name;
    const absl::Status status = Fill(run, context_, part);
    if (!status.ok()) Miss(absl::StrCat(name, ": ", std::string(status.message())));
    if (!part.text.empty()) parts_.push_back(std::move(part));
  }

  void AskSasd() {
    const auto ok = [](const absl::StatusOr<int>& code) { return code.status(); };
    Ask("doctor.json", [&](const Context& context) {
      DoctorOptions options;
      options.output = "json";
      return ok(RunDoctor(options, context));
    });
    Ask("health.json", [&](const Context& context) {
      HealthCommandOptions options;
      options.output = "json";
      options.all = true;
      return ok(RunHealth(options, context));
    });
    Ask("status.json", [](const Context& context) {
      StatusOptions options;
      options.output = "json";
      return RunStatus(options, context);
    });
    Ask("events.jsonl", [](const Context& context) {
      EventsOptions options;
      options.output = "jsonl";
      options.last = kEvents;
      return RunEvents(options, context);
    });
    if (!absl::StartsWith(context_.endpoint.address, "unix:")) {
      Miss(absl::StrCat("sysfs and log are of this machine, the rest is of the sasd at ",
                        context_.endpoint.address));
    }
  }

  void ReadLog() {
    const absl::StatusOr<std::string> log =
        OutputOf({"journalctl", "--unit=sasd", "--unit=sasd-hba", "--no-pager", "--quiet",
                  "--lines=5000", "--output=short-iso"});
    if (!log.ok()) {
      Miss(absl::StrCat("log.txt: ", std::string(log.status().message())));
    } else if (log->empty()) {
      Miss(
          "log.txt: journalctl shows no line of sasd (the groups systemd-journal and adm may "
          "read it)");
    } else {
      parts_.push_back({"log.txt", *log});
    }
  }

  static std::string NodeName() {
    utsname name = {};
    return uname(&name) == 0 ? name.nodename : "node";
  }

  void Anonymize(SysfsCopy& copy) {
    Disguise disguise;
    disguise.LearnNode(NodeName());
    for (const Part& part : parts_) disguise.LearnJson(part.text);
    disguise.Apply(copy);
    for (Part& part : parts_) part.text = disguise.Text(part.text);
    for (std::string& line : missing_) line = disguise.Text(line);
  }

  std::string About() const {
    std::string text = absl::StrCat(
        "sasctl ", rpc::kVersion, ", captured ",
        absl::FormatTime(absl::RFC3339_sec, now_, absl::UTCTimeZone()),
        options_.anonymous ? ", world wide names and serial numbers replaced\n" : "\n");
    utsname system = {};
    if (uname(&system) == 0) {
      absl::StrAppend(&text, system.sysname, " ", system.release, " ", system.machine, "\n");
    }
    absl::StrAppend(&text,
                    "\nsys/ is a part of this machine's sysfs: `sasd --sysfs-root FILE` serves it, "
                    "`sashba from-tree FILE` makes virtual HBAs of it.\n",
                    missing_.empty() ? "" : "\nNot in here:\n");
    for (const std::string& line : missing_) absl::StrAppend(&text, "- ", line, "\n");
    return text;
  }

  absl::Status Write(const SysfsCopy& copy) {
    const std::string path =
        !options_.output.empty()
            ? options_.output
            : absl::StrCat("sas-capture-", options_.anonymous ? "node" : NodeName(), "-",
                           absl::FormatTime("%Y%m%dT%H%M%SZ", now_, absl::UTCTimeZone()),
                           ".tar.gz");
    const auto writer = TarWriter::Create(path, now_);
    if (!writer.ok()) return writer.status();
    (*writer)->AddFile("capture.txt", About());
    for (const Part& part : parts_) (*writer)->AddFile(part.name, part.text);
    for (const CopiedEntry& entry : copy.entries) {
      const std::string inside = absl::StrCat("sys/", entry.path);
      switch (entry.kind) {
        case CopiedEntry::Kind::kFile:
          (*writer)->AddFile(inside, entry.content);
          break;
        case CopiedEntry::Kind::kLink:
          (*writer)->AddLink(inside, entry.content);
          break;
        case CopiedEntry::Kind::kFolder:
          (*writer)->AddFolder(inside);
          break;
      }
    }
    if (absl::Status s = (*writer)->Finish(); !s.ok()) return s;
    for (const std::string& line : missing_)
      context_.err << "sasctl: not captured: " << line << "\n";
    context_.out << path << "\n";
    return absl::OkStatus();
  }

  const CaptureOptions& options_;
  const Context& context_;
  const absl::Time now_;
  std::vector<Part> parts_;
  std::vector<std::string> missing_;
};

}  // namespace

absl::Status RunCapture(const CaptureOptions& options, const Context& context) {
  return Capture(options, context).Run();
}

}  // namespace sasd::cli
