// Measures the start of sasd with a journal of 1 GiB and a picture of 10,000 drives beside a start
// with an empty state directory, in turns: the time until it serves (READY). The node itself is an
// empty sysfs tree, so the difference is what sasd remembers. By hand:
//
//   bazel run -c opt //tests/bench:journal_start
//
// Exits with 1 where the full start takes a second more than the empty one (medians).
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "daemon/journal/journal.h"
#include "daemon/journal/state_store.h"
#include "driver/base/clock.h"
#include "sas/v1/events.pb.h"
#include "tests/bench/ready_socket.h"
#include "tests/bench/subprocess.h"
#include "tests/memory/event_path.h"

namespace sasd::bench {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kTimeout = absl::Seconds(60);

void Require(bool ok, const std::string& what) {
  if (ok) return;
  std::cerr << "journal_start: " << what << "\n";
  exit(1);
}

void Require(const absl::Status& status) { Require(status.ok(), status.ToString()); }

std::string MachineId() {
  std::string id;
  std::ifstream("/etc/machine-id") >> id;
  return id;
}

class Folder {
 public:
  explicit Folder(const std::string& parent) {
    std::string pattern = parent + "/journal_start.XXXXXX";
    Require(mkdtemp(pattern.data()) != nullptr, "cannot make a folder in " + parent);
    path_ = pattern;
  }
  ~Folder() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

// The picture, and an event of each drive, as sasd writes them.
void WritePicture(const std::string& directory, const std::string& source, int drives) {
  testing::EventPath path(directory, drives, MachineId(), source);
  for (int i = 0; i < drives; ++i) path.Change();
  path.pump().Flush();
  path.pump().AwaitPublished();
}

// More events of the same content, until the journal is as full as it gets.
int64_t Fill(const std::string& directory, const std::string& source, int64_t bytes) {
  auto state = journal::StateStore::Open({directory, MachineId(), source, false, ""});
  Require(state.status());
  journal::Journal::Options options;
  options.directory = directory;
  options.machine = MachineId();
  options.source = source;
  options.boot_id = "boot";
  options.mark_directory = directory;
  options.reserved_block = 50'000'000;
  auto opened = journal::Journal::Open(options, **state);
  Require(opened.status());
  journal::Journal& journal = **opened;
  // The newest events, of drives that have changed.
  auto page = journal.Read({.newest_first = true, .limit = 5000, .with_objects = true});
  Require(page.status());
  std::vector<std::pair<journal::EventRow, sas::v1::Event>> samples;
  for (journal::EventRow& row : page->rows) {
    sas::v1::Event event;
    Require(event.ParseFromString(row.payload), "an event is damaged");
    samples.emplace_back(std::move(row), std::move(event));
  }
  int64_t revision = journal.last_revision(), nanos = samples[0].first.unix_nanos;
  for (size_t next = 0; journal.stats().used_bytes < bytes;) {
    std::vector<journal::EventRow> rows;
    for (int i = 0; i < 1000; ++i) {
      auto& [sample, event] = samples[next++ % samples.size()];
      journal::EventRow& row = rows.emplace_back(sample);
      row.previous_revision = revision;
      row.revision = ++revision;
      row.unix_nanos = ++nanos;
      event.set_previous_revision(row.previous_revision);
      event.set_revision(row.revision);
      row.payload = event.SerializeAsString();
    }
    Require(journal.Append(rows));
  }
  Require(journal.FinishState(revision, std::nullopt));
  Require(journal.Maintain());
  Require(journal.Close());
  return revision;
}

absl::Duration Start(const std::string& sasd, const std::string& sysfs, const std::string& state,
                     const std::string& socket, const ReadySocket& ready) {
  ready.Drain();
  const absl::Duration begin = SystemClock().Monotonic();
  Subprocess process({sasd, "--log-level", "error", "--listen", "unix:" + socket, "--sysfs-root",
                      sysfs, "--state-dir", state});
  Require(ready.Await());
  return SystemClock().Monotonic() - begin;
}

double Median(std::vector<absl::Duration> times) {
  std::sort(times.begin(), times.end());
  return absl::ToDoubleMilliseconds(times[times.size() / 2]);
}

int Main(const std::string& sasd, const std::string& parent, int64_t bytes, int drives, int runs) {
  const Folder folder(parent);
  const std::string sysfs = folder / "sys", full = folder / "full";
  for (const char* name : {"sys", "sys/class", "sys/devices", "full"})
    fs::create_directory(folder / name);
  const std::string source = "sysfs " + sysfs;
  absl::Duration begin = SystemClock().Monotonic();
  WritePicture(full, source, drives);
  const int64_t events = Fill(full, source, bytes);
  std::cout << absl::StrFormat("%d drives, %d events, a journal of %.0f MB, made in %.0f s\n",
                               drives, events,
                               static_cast<double>(fs::file_size(full + "/journal.db")) / 1e6,
                               absl::ToDoubleSeconds(SystemClock().Monotonic() - begin));

  ReadySocket ready;
  Require(ready.Open(folder / "notify", kTimeout));
  std::vector<absl::Duration> with, without;
  for (int run = 0; run < runs; ++run) {
    const std::string empty = folder / absl::StrCat("empty", run);
    fs::create_directory(empty);
    without.push_back(Start(sasd, sysfs, empty, folder / "s", ready));
    with.push_back(Start(sasd, sysfs, full, folder / "s", ready));
  }
  const double difference = Median(with) - Median(without);
  std::cout << absl::StrFormat(
      "until sasd serves: with the journal %.0f ms (the first %.0f ms, the longest %.0f ms), with "
      "an "
      "empty state directory %.0f ms; medians of %d differ by %.0f ms\n",
      Median(with), absl::ToDoubleMilliseconds(with[0]),
      absl::ToDoubleMilliseconds(*std::max_element(with.begin(), with.end())), Median(without),
      runs, difference);
  return difference < 1000 ? 0 : 1;
}

}  // namespace
}  // namespace sasd::bench

int main(int argc, char** argv) {
  CLI::App app("The start of sasd with a large journal");
  std::string sasd, directory = "/var/tmp";
  // A little less than the limit, so that nothing is trimmed meanwhile.
  int64_t bytes = (int64_t{1} << 30) - (int64_t{8} << 20);
  int drives = 10'000, runs = 5;
  app.add_option("sasd", sasd, "The program")->required();
  app.add_option("--directory", directory, "Where to write; not a tmpfs");
  app.add_option("--bytes", bytes, "Of the journal");
  app.add_option("--drives", drives, "Of the picture");
  app.add_option("--runs", runs, "Starts of each kind");
  CLI11_PARSE(app, argc, argv);
  return sasd::bench::Main(sasd, directory, bytes, drives, runs);
}
