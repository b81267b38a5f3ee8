// The journal against bare SQLite: throughput, latency of a commit, size, and the time to open and
// to search a large journal. By hand:
//
//   bazel run -c opt //tests/bench:journal_bench -- --events 10000000 --open-bytes 1073741824
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/journal/journal.h"
#include "daemon/journal/sqlite.h"
#include "daemon/journal/state_store.h"

namespace sasd::journal {
namespace {

constexpr int kDrives = 1000;

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << "error: " << status << "\n";
  std::exit(1);
}

std::string Drive(int64_t number) { return absl::StrFormat("drives/5000c500%08x", number); }

// Events as a node has them: most are about a drive, its path and phy; contents of 150 to 450
// bytes.
class Source {
 public:
  EventRow Next() {
    EventRow row;
    row.revision = ++revision_;
    row.previous_revision = row.revision - 1;
    row.unix_nanos = 1'700'000'000'000'000'000 + row.revision * 1'000'000;
    row.cause = static_cast<uint8_t>(1 + random_() % 12);
    row.severity = random_() % 100 == 0 ? 3 : 1;
    const auto drive = static_cast<int64_t>(random_() % kDrives);
    const std::string host = absl::StrCat("hosts/500605b00000000", drive % 8);
    row.objects = {{Drive(drive), 6, 2},
                   {absl::StrCat(host, "/endDevices/5000c500", drive), 5, 2},
                   {absl::StrCat(host, "/phys/", drive % 64), 3, 2}};
    row.payload.resize(150 + random_() % 300);
    for (char& byte : row.payload) byte = static_cast<char>('a' + random_() % 26);
    return row;
  }
  std::vector<EventRow> Batch(int size) {
    std::vector<EventRow> rows;
    rows.reserve(static_cast<size_t>(size));
    for (int i = 0; i < size; ++i) rows.push_back(Next());
    return rows;
  }

 private:
  std::mt19937_64 random_{1};
  int64_t revision_ = 0;
};

class Directory {
 public:
  explicit Directory(const std::string& parent) {
    std::string pattern = parent + "/journal_bench.XXXXXX";
    if (mkdtemp(pattern.data()) == nullptr)
      Check(absl::ErrnoToStatus(errno, parent + ": cannot make a directory"));
    path_ = pattern;
  }
  ~Directory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Node {
  explicit Node(const std::string& directory, int64_t max_bytes = int64_t{1} << 50) {
    auto opened = StateStore::Open({directory, "m", "live", false, ""});
    Check(opened.status());
    state = *std::move(opened);
    Journal::Options options;
    options.directory = directory;
    options.machine = "m";
    options.source = "live";
    options.boot_id = "boot";
    options.fresh_epoch = "epoch";
    options.mark_directory = directory;
    options.max_bytes = max_bytes;
    options.reserved_block = 50'000'000;
    auto made = Journal::Open(options, *state);
    Check(made.status());
    journal = *std::move(made);
  }
  std::unique_ptr<StateStore> state;
  std::unique_ptr<Journal> journal;
};

// Bare SQLite: the contents of the events in one table by revision, in the same transactions, with
// prepared statements, a write-ahead log, no sync and SQLite's own checkpoints: the least that
// keeps them. It has no index by object, no checksums, no objects of an event, and syncs nothing.
class Bare {
 public:
  explicit Bare(const std::string& directory) {
    auto db = Database::Open(directory + "/bare.db", {.create = true});
    Check(db.status());
    db_ = *std::move(db);
    Check(
        db_.Exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384;"
                 "CREATE TABLE events(revision INTEGER PRIMARY KEY, nanos INTEGER, bits INTEGER,"
                 "  payload BLOB)"));
    for (const auto& [statement, sql] : std::initializer_list<std::pair<Statement*, const char*>>{
             {&begin_, "BEGIN IMMEDIATE"},
             {&event_, "INSERT INTO events VALUES(?, ?, ?, ?)"},
             {&commit_, "COMMIT"}}) {
      auto prepared = db_.Prepare(sql);
      Check(prepared.status());
      *statement = *std::move(prepared);
    }
  }
  void Append(const std::vector<EventRow>& rows) {
    Check(begin_.Run());
    for (const EventRow& row : rows) {
      Check(event_.Bind(1, row.revision)
                .Bind(2, row.unix_nanos)
                .Bind(3, EventBits(row.cause, row.severity, 0))
                .BindBlob(4, row.payload)
                .Run());
    }
    Check(commit_.Run());
  }

 private:
  Database db_;
  Statement begin_, event_, commit_;
};

absl::Duration ThreadTime() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return absl::DurationFromTimespec(time);
}

double Seconds(absl::Duration d) { return absl::ToDoubleSeconds(d); }

std::string Micros(absl::Duration d) {
  return absl::StrFormat("%.0f us", absl::ToDoubleMicroseconds(d));
}

absl::Duration Percentile(std::vector<absl::Duration>& times, double part) {
  std::sort(times.begin(), times.end());
  return times[std::min(times.size() - 1,
                        static_cast<size_t>(static_cast<double>(times.size()) * part))];
}

// Rounds of both in turn, so that what else the machine does meets both.
void Throughput(const std::string& parent, int events, int batch) {
  absl::Duration journal_time, bare_time, journal_cpu, bare_cpu;
  std::vector<absl::Duration> commits, bare_commits;
  Directory directory(parent), bare_directory(parent);
  Node node(directory.path());
  Bare bare(bare_directory.path());
  Source source;
  for (int done = 0; done < events; done += batch) {
    const std::vector<EventRow> rows = source.Batch(batch);
    absl::Time begin = absl::Now();
    absl::Duration cpu = ThreadTime();
    Check(node.journal->Append(rows));
    commits.push_back(absl::Now() - begin);
    journal_time += commits.back();
    journal_cpu += ThreadTime() - cpu;
    begin = absl::Now();
    cpu = ThreadTime();
    bare.Append(rows);
    bare_commits.push_back(absl::Now() - begin);
    bare_time += bare_commits.back();
    bare_cpu += ThreadTime() - cpu;
  }
  std::cout << absl::StrFormat(
      "batches of %4d: journal %7.0f events/s, bare SQLite %7.0f, ratio %.2f (of CPU time %.2f); "
      "commit p50 %s p99 %s longest %s, bare p50 %s p99 %s longest %s\n",
      batch, events / Seconds(journal_time), events / Seconds(bare_time),
      absl::FDivDuration(bare_time, journal_time), absl::FDivDuration(bare_cpu, journal_cpu),
      Micros(Percentile(commits, 0.5)), Micros(Percentile(commits, 0.99)),
      Micros(Percentile(commits, 1)), Micros(Percentile(bare_commits, 0.5)),
      Micros(Percentile(bare_commits, 0.99)), Micros(Percentile(bare_commits, 1)));
}

void LargeEvent(const std::string& parent) {
  Directory directory(parent);
  Node node(directory.path());
  for (int64_t revision = 1; revision <= 2; ++revision) {
    EventRow row;
    row.revision = revision;
    row.previous_revision = revision - 1;
    row.payload.assign(20 << 20, 'x');
    for (int i = 0; i < 100'000; ++i)
      row.objects.push_back({absl::StrCat("hosts/500605b000000001/phys/", i), 3, 1});
    const absl::Time begin = absl::Now();
    const absl::Duration cpu = ThreadTime();
    Check(node.journal->Append({row}));
    std::cout << absl::StrFormat(
        "an event with 100,000 %s objects and 20 MB: %.0f ms, %.0f ms of CPU\n",
        revision == 1 ? "new" : "known", absl::ToDoubleMilliseconds(absl::Now() - begin),
        absl::ToDoubleMilliseconds(ThreadTime() - cpu));
  }
}

void Large(const std::string& parent, int64_t events, int64_t open_bytes) {
  Directory directory(parent);
  int64_t payload = 0;
  {
    Node node(directory.path());
    Source source;
    const absl::Time begin = absl::Now();
    for (int64_t done = 0; done < events || (open_bytes > 0 && done % 100'000 == 0 &&
                                             node.journal->stats().used_bytes < open_bytes);
         done += 1000) {
      const std::vector<EventRow> rows = source.Batch(1000);
      for (const EventRow& row : rows) payload += static_cast<int64_t>(row.payload.size());
      Check(node.journal->Append(rows));
    }
    const Journal::Stats stats = node.journal->stats();
    events = stats.events;
    std::cout << absl::StrFormat("%d events in %.1f s\n", events, Seconds(absl::Now() - begin));
    Check(node.journal->Maintain());
    Check(node.journal->Close());
  }
  const double bytes =
      static_cast<double>(std::filesystem::file_size(directory.path() + "/journal.db"));
  const double each = bytes / static_cast<double>(events);
  std::cout << absl::StrFormat(
      "bytes per event: %.0f, of them contents %.0f; 90 days of 1,000 drives with 500 events a "
      "day: "
      "%.1f MB\n",
      each, static_cast<double>(payload) / static_cast<double>(events), each * 90 * 500 / 1e6);

  absl::Time begin = absl::Now();
  Node node(directory.path());
  std::cout << absl::StrFormat("opening %.0f MB: %.1f ms\n", bytes / 1e6,
                               absl::ToDoubleMilliseconds(absl::Now() - begin));
  std::vector<absl::Duration> times;
  size_t found = 0;
  for (int64_t drive = 0; drive < 20; ++drive) {
    begin = absl::Now();
    auto page =
        node.journal->Read({.newest_first = true, .limit = 100, .objects = {Drive(drive * 37)}});
    times.push_back(absl::Now() - begin);
    Check(page.status());
    found += page->rows.size();
  }
  std::cout << absl::StrFormat(
      "first page of one drive's history (100 of about %d): %.1f ms for the first drive, p50 %.1f "
      "ms, longest %.1f ms; %d rows\n",
      events / kDrives, absl::ToDoubleMilliseconds(times[0]),
      absl::ToDoubleMilliseconds(Percentile(times, 0.5)),
      absl::ToDoubleMilliseconds(Percentile(times, 1)), found);
  begin = absl::Now();
  auto page = node.journal->Read({.newest_first = true, .limit = 100, .minimum_severity = 3});
  Check(page.status());
  std::cout << absl::StrFormat("the newest 100 alarms of all objects: %.1f ms, %d rows\n",
                               absl::ToDoubleMilliseconds(absl::Now() - begin), page->rows.size());
}

}  // namespace
}  // namespace sasd::journal

int main(int argc, char** argv) {
  CLI::App app("The journal against bare SQLite");
  std::string directory = "/var/tmp";
  int64_t events = 300'000;
  int64_t open_bytes = 0;
  int rounds = 20'000;
  app.add_option("--directory", directory, "Where to write; not a tmpfs");
  app.add_option("--events", events, "Events of the large journal");
  app.add_option("--open-bytes", open_bytes, "Fill the large journal to so many bytes");
  app.add_option("--throughput-events", rounds, "Events of each throughput measurement");
  CLI11_PARSE(app, argc, argv);
  if (rounds > 0)
    for (int batch : {1, 10, 100, 1000}) sasd::journal::Throughput(directory, rounds, batch);
  sasd::journal::LargeEvent(directory);
  if (events > 0) sasd::journal::Large(directory, events, open_bytes);
}
