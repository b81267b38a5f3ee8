// Writes the journal of this release into a directory, for testdata/<schema>/. Run it once for a
// schema, when it is released:
//
//   bazel run //daemon/journal:write_release_journal -- $PWD/daemon/journal/testdata/1
#include <filesystem>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/journal/journal.h"
#include "daemon/journal/sqlite.h"
#include "daemon/journal/state_store.h"

namespace sasd::journal {
namespace {

absl::Status Write(const std::string& directory) {
  auto state = StateStore::Open({directory, "release machine", "live", false, ""});
  if (!state.ok()) return state.status();
  Journal::Options options;
  options.directory = directory;
  options.machine = "release machine";
  options.source = "live";
  options.boot_id = "release boot";
  options.fresh_epoch = "release epoch";
  options.mark_directory = directory;
  options.maintenance_thread = false;
  auto journal = Journal::Open(options, **state);
  if (!journal.ok()) return journal.status();
  for (int64_t r = 1; r <= 20; ++r) {
    EventRow row;
    // 6 to 9 were published from memory.
    row.revision = r <= 5 ? r : r + 4;
    row.previous_revision = r == 6 ? 5 : row.revision - 1;
    if (r == 6) row.gap = {6, 9, GapReason::kJournalStalled};
    row.unix_nanos = r * 1'000'000'000;
    row.cause = static_cast<uint8_t>(r % 5);
    row.severity = static_cast<uint8_t>(r % 4);
    row.payload = absl::StrCat("event ", row.revision);
    row.objects = {{absl::StrCat("drives/", r % 3), 6, 2}, {"hosts/a", 1, kNoticeAbout}};
    if (absl::Status status = (*journal)->Append({row}); !status.ok()) return status;
  }
  absl::Status status = (*journal)->WriteState({{"drives/0", 6, true, 22, "drive 0"},
                                                {"drives/1", 6, false, 23, "drive 1"},
                                                {"hosts/a", 1, true, 24, "host"}});
  status.Update((*journal)->FinishState(24, std::nullopt));
  const StateStore::Edit edits[] = {{"baseline", "drives/0", "known"},
                                    {"dismissals", "drives/1", "planned"}};
  status.Update((*state)->Write(edits));
  status.Update((*journal)->Maintain());
  status.Update((*journal)->Close());
  if (!status.ok()) return status;
  *journal = nullptr;
  *state = nullptr;
  // One file each.
  for (const char* name : {"/journal.db", "/state.db"}) {
    auto db = Database::Open(directory + name, {});
    if (!db.ok()) return db.status();
    status.Update(db->Exec("PRAGMA wal_checkpoint(TRUNCATE)"));
  }
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    if (entry.path().extension() != ".db") std::filesystem::remove(entry.path());
  }
  return status;
}

}  // namespace
}  // namespace sasd::journal

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_release_journal DIRECTORY\n";
    return 2;
  }
  absl::Status status = sasd::journal::Write(argv[1]);
  if (!status.ok()) std::cerr << "error: " << status << "\n";
  return status.ok() ? 0 : 1;
}
