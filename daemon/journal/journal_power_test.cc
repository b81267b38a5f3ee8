// Kills and power losses at any write, below SQLite: what was visible is there with the same
// content, or lies in a declared gap.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>

#include "absl/strings/str_cat.h"
#include "daemon/journal/faulty_disk.h"
#include "daemon/journal/journal.h"
#include "daemon/journal/test_node.h"

namespace sasd::journal {
namespace {

struct Counts {
  int64_t kills = 0, losses = 0, events = 0, lost = 0, gaps = 0, epochs = 0, refused = 0;
};

// A node that writes at random, and is stopped at random operations of its disk.
class Life {
 public:
  Life(uint64_t seed, Counts* counts) : random_(seed), disk_(seed), counts_(*counts) {
    node_.options().vfs = disk_.vfs();
    node_.options().reserved_block = 300;
    node_.options().checkpoint_pages = 40;
    // Trimmed, so that the log and the free pages are used again and again.
    node_.options().max_bytes = 300'000;
  }

  void Run(int stops) {
    bool booted = true;
    for (int stop = 0; stop < stops && !testing::Test::HasFailure(); ++stop) {
      disk_.StopAfter(static_cast<int64_t>(Below(10) == 0 ? Below(30) : Below(3000)));
      if (Start(booted)) Work();
      node_.Kill();
      const bool power = Below(2) == 0;
      disk_.GoOn(power ? FaultyDisk::Kept::kSynced : FaultyDisk::Kept::kAll);
      ++(power ? counts_.losses : counts_.kills);
      power_lost_ = power_lost_ || power;
      // A power loss before the next start succeeded is still one.
      booted = power_lost_;
      if (Below(3) == 0 && Start(booted)) Check();
    }
  }

 private:
  struct Event {
    std::string payload;
    std::string object;
  };

  uint64_t Below(uint64_t bound) { return random_() % bound; }

  bool Start(bool booted) {
    absl::Status status = node_.Open(booted);
    if (!status.ok()) {
      EXPECT_TRUE(disk_.stopped()) << status;
      ++counts_.refused;
      return false;
    }
    power_lost_ = false;
    const Journal::Start& start = node_.journal().start();
    if (start.new_epoch) {
      // Only before anything was there to lose.
      EXPECT_EQ(synced_, 0) << (start.losses.empty() ? "" : start.losses[0]);
      ++counts_.epochs;
      epoch_base_ = start.next_revision - 1;
      visible_.clear();
      greatest_ = 0;
    }
    if (start.gap.has_value()) ++counts_.gaps;
    EXPECT_GT(start.next_revision, greatest_) << "a revision would get two contents";
    EXPECT_GE(node_.journal().last_revision(), synced_);
    return true;
  }

  void Work() {
    Check();
    while (!disk_.stopped() && !testing::Test::HasFailure()) {
      switch (Below(12)) {
        case 0:
        case 1:
          Maintain();
          break;
        case 2:
          WriteState();
          break;
        case 3:
          if (Below(8) == 0) Check();
          break;
        case 4:
          if (Below(10) != 0) break;
          Close();
          return;
        default:
          Append();
      }
    }
  }

  void Append() {
    std::vector<EventRow> rows;
    const int count = static_cast<int>(1 + Below(8));
    for (int i = 0; i < count; ++i) {
      const std::string object = absl::StrCat("object ", Below(20));
      std::string payload = absl::StrCat("content ", random_(), " ");
      payload.append(Below(20) == 0 ? Below(20'000) : Below(400), 'x');
      EventRow row = node_.Next(std::move(payload), {{object, 1, 2}});
      if (i > 0) {
        row.revision += i;
        row.previous_revision = row.revision - 1;
        row.gap = Gap();
      }
      rows.push_back(std::move(row));
    }
    for (const EventRow& row : rows) attempts_[row.revision].push_back(row.payload);
    if (!node_.journal().Append(rows).ok()) return;
    for (const EventRow& row : rows) {
      EXPECT_GT(row.revision, greatest_) << "two contents";
      visible_[row.revision] = {row.payload, row.objects[0].name};
      greatest_ = row.revision;
      ++counts_.events;
    }
  }

  void Maintain() {
    const int64_t last = visible_.empty() ? 0 : visible_.rbegin()->first;
    if (node_.journal().Maintain().ok()) synced_ = last;
  }

  // Of the objects since the last one: their newest events.
  void WriteState() {
    if (visible_.empty()) return;
    std::map<std::string, int64_t> newest;
    for (const auto& [revision, event] : visible_) {
      if (revision > node_.journal().state_revision()) newest[event.object] = revision;
    }
    std::vector<StateRow> rows;
    for (const auto& [object, revision] : newest)
      rows.push_back({object, 1, true, revision, visible_[revision].payload});
    if (!node_.journal().WriteState(rows).ok()) return;
    node_.journal().FinishState(node_.journal().last_revision(), std::nullopt).IgnoreError();
  }

  void Close() {
    const int64_t last = visible_.empty() ? 0 : visible_.rbegin()->first;
    if (node_.journal().Close().ok()) synced_ = last;
  }

  void Check() {
    absl::StatusOr<Page> page = node_.ReadAll({.with_objects = true});
    if (!page.ok()) {
      EXPECT_TRUE(disk_.stopped()) << page.status();
      return;
    }
    std::map<int64_t, const EventRow*> rows;
    for (const EventRow& row : page->rows) rows[row.revision] = &row;
    const auto in_gap = [&](int64_t revision) {
      return std::any_of(page->gaps.begin(), page->gaps.end(),
                         [&](const Gap& gap) { return gap.Contains(revision); });
    };
    // What was visible is there, as it was, or is declared lost; and it stays as it is.
    for (auto it = visible_.begin(); it != visible_.end();) {
      const auto& [revision, event] = *it;
      if (revision <= page->trimmed) {
        it = visible_.erase(it);
        continue;
      }
      auto row = rows.find(revision);
      if (row == rows.end()) {
        EXPECT_TRUE(in_gap(revision)) << revision << " is lost, and not declared";
        EXPECT_GT(revision, synced_) << "it was synced";
        EXPECT_EQ(FindGap(revision), true);
        ++counts_.lost;
        it = visible_.erase(it);
        continue;
      }
      EXPECT_TRUE(row->second->payload == event.payload) << revision;
      ++it;
    }
    // What was never acknowledged, and is there all the same, is as it was meant. Nobody saw it
    // before; from now on it is visible.
    int64_t last = std::max(page->trimmed, epoch_base_);
    const int64_t before_first = last;
    for (const auto& [revision, row] : rows) {
      const std::vector<std::string>& attempts = attempts_[revision];
      EXPECT_NE(std::find(attempts.begin(), attempts.end(), row->payload), attempts.end());
      EXPECT_FALSE(in_gap(revision)) << revision << " is there, and declared lost";
      for (int64_t hole = last + 1; hole < revision; ++hole)
        EXPECT_TRUE(in_gap(hole)) << hole << " lacks, and is not declared";
      if (last != before_first) EXPECT_EQ(row->previous_revision, last);
      last = revision;
      ASSERT_EQ(row->objects.size(), 1u);
      visible_[revision] = {row->payload, row->objects[0].name};
      greatest_ = std::max(greatest_, revision);
    }
    CheckState(rows);
    CheckSearch(rows);
  }

  bool FindGap(int64_t revision) {
    absl::StatusOr<std::optional<Gap>> gap = node_.journal().FindGap(revision);
    return gap.ok() && gap->has_value();
  }

  // The stored state and the events after it make the last content of each object.
  void CheckState(const std::map<int64_t, const EventRow*>& rows) {
    std::map<std::string, std::string> state;
    absl::StatusOr<int64_t> damaged =
        node_.journal().VisitState([&](const StateRow& row) { state[row.name] = row.resource; });
    if (!damaged.ok()) {
      EXPECT_TRUE(disk_.stopped()) << damaged.status();
      return;
    }
    EXPECT_EQ(*damaged, 0);
    std::map<std::string, std::string> expected;
    for (const auto& [revision, row] : rows) {
      expected[row->objects[0].name] = row->payload;
      if (revision > node_.journal().state_revision()) state[row->objects[0].name] = row->payload;
    }
    for (const auto& [object, payload] : expected) EXPECT_TRUE(state[object] == payload) << object;
  }

  void CheckSearch(const std::map<int64_t, const EventRow*>& rows) {
    const std::string object = absl::StrCat("object ", Below(20));
    absl::StatusOr<Page> page = node_.ReadAll({.newest_first = true, .objects = {object}});
    if (!page.ok()) {
      EXPECT_TRUE(disk_.stopped()) << page.status();
      return;
    }
    std::vector<int64_t> found;
    for (const EventRow& row : page->rows) found.push_back(row.revision);
    std::vector<int64_t> expected;
    for (auto it = rows.rbegin(); it != rows.rend(); ++it) {
      if (it->second->objects[0].name == object) expected.push_back(it->first);
    }
    EXPECT_EQ(found, expected);
  }

  std::mt19937_64 random_;
  FaultyDisk disk_;
  TestNode node_;
  Counts& counts_;
  bool power_lost_ = true;
  int64_t synced_ = 0;    // all visible revisions up to this one are on the disk
  int64_t greatest_ = 0;  // that was ever visible
  // Revisions up to it belong to earlier epochs: a start that was cut short may have reserved them.
  int64_t epoch_base_ = 0;
  std::map<int64_t, Event> visible_;
  std::map<int64_t, std::vector<std::string>> attempts_;
};

TEST(JournalPowerTest, EveryLostRevisionLiesInADeclaredGap) {
  const char* long_run = std::getenv("JOURNAL_LIVES");
  const int lives = long_run != nullptr ? std::atoi(long_run) : 8;
  Counts counts;
  for (int life = 1; life <= lives && !testing::Test::HasFailure(); ++life) {
    SCOPED_TRACE(absl::StrCat("seed ", life));
    Life(static_cast<uint64_t>(life), &counts).Run(30);
  }
  std::cout << lives << " nodes: " << counts.losses << " power losses, " << counts.kills
            << " kills (" << counts.refused << " during a start); " << counts.events
            << " visible events, " << counts.lost << " of them lost, all in declared gaps; "
            << counts.gaps << " starts with a gap, " << counts.epochs << " new epochs\n";
  EXPECT_GT(counts.lost, 0) << "the power losses took nothing: the test proves nothing";
  EXPECT_GT(counts.refused, 0);
}

// The first start makes the files. It is stopped at each operation of the disk in turn.
TEST(JournalPowerTest, FirstStartCutShortAnywhereIsRepeated) {
  int cut_short = 0;
  for (FaultyDisk::Kept kept : {FaultyDisk::Kept::kAll, FaultyDisk::Kept::kSynced}) {
    for (uint64_t seed = 1; seed <= (kept == FaultyDisk::Kept::kAll ? 1 : 3); ++seed) {
      for (int64_t operations = 0;; ++operations) {
        SCOPED_TRACE(absl::StrCat("after ", operations, " operations, seed ", seed));
        FaultyDisk disk(seed);
        TestNode node;
        node.options().vfs = disk.vfs();
        disk.StopAfter(operations);
        const bool first = node.Open(true).ok();
        if (!first) ++cut_short;
        node.Kill();
        disk.GoOn(kept);
        const absl::Status second = node.Open(kept == FaultyDisk::Kept::kSynced);
        EXPECT_TRUE(second.ok()) << second;
        if (first) break;
      }
    }
  }
  EXPECT_GT(cut_short, 100);
}

}  // namespace
}  // namespace sasd::journal
