#include "daemon/journal/test_node.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/journal/sqlite.h"

namespace sasd::journal {

TestNode::TestNode() {
  std::string pattern = testing::TempDir() + "/node.XXXXXX";
  options_.directory = mkdtemp(pattern.data());
  options_.machine = "m1";
  options_.source = "live";
  options_.boot_id = "boot";
  options_.mark_directory = options_.directory + "/mark";
  options_.maintenance_thread = false;
  std::filesystem::create_directory(options_.mark_directory);
}

TestNode::~TestNode() {
  Kill();
  std::filesystem::remove_all(directory());
}

absl::Status TestNode::Open(bool booted) {
  Kill();
  ++starts_;
  if (booted) options_.boot_id = absl::StrCat("boot", starts_);
  auto state = StateStore::Open(
      {directory(), options_.machine, options_.source, options_.new_epoch, options_.vfs});
  if (!state.ok()) return state.status();
  options_.fresh_epoch = absl::StrCat("epoch", starts_);
  auto journal = Journal::Open(options_, **state);
  if (!journal.ok()) return journal.status();
  state_ = *std::move(state);
  journal_ = *std::move(journal);
  return absl::OkStatus();
}

void TestNode::Kill() {
  journal_ = nullptr;
  state_ = nullptr;
}

void TestNode::FoldLog() {
  Kill();
  auto db = Database::Open(path(), {});
  ASSERT_TRUE(db.ok()) << db.status();
  ASSERT_TRUE(db->Exec("PRAGMA wal_checkpoint(TRUNCATE)").ok());
}

EventRow TestNode::Next(std::string payload, std::vector<ObjectChange> objects) {
  EventRow row;
  row.revision = journal_->last_revision() + 1;
  row.previous_revision = row.revision - 1;
  row.unix_nanos = row.revision * 1000;
  row.cause = 1;
  row.severity = row.revision % 10 == 0 ? 2 : 1;
  row.payload = std::move(payload);
  row.objects = std::move(objects);
  if (journal_->start().gap.has_value() && row.revision == journal_->start().next_revision) {
    row.gap = *journal_->start().gap;
    row.previous_revision = row.gap.first - 1;
  }
  return row;
}

absl::StatusOr<Page> TestNode::ReadAll(Query query) {
  Page all;
  for (;;) {
    absl::StatusOr<Page> page = journal_->Read(query);
    if (!page.ok()) return page;
    for (EventRow& row : page->rows) all.rows.push_back(std::move(row));
    for (const Gap& gap : page->gaps) all.gaps.push_back(gap);
    all.oldest = page->oldest;
    all.trimmed = page->trimmed;
    if (!page->more) return all;
    (query.newest_first ? query.until : query.after) = page->next;
  }
}

}  // namespace sasd::journal
