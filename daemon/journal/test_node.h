#ifndef DAEMON_JOURNAL_TEST_NODE_H_
#define DAEMON_JOURNAL_TEST_NODE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/journal/journal.h"
#include "daemon/journal/state_store.h"

namespace sasd::journal {

// A state directory, and the journal and state in it, for tests. Maintenance is by hand.
class TestNode {
 public:
  TestNode();
  ~TestNode();
  TestNode(const TestNode&) = delete;
  TestNode& operator=(const TestNode&) = delete;

  Journal::Options& options() { return options_; }
  const std::string& directory() const { return options_.directory; }
  std::string path() const { return directory() + "/journal.db"; }

  // Opens it, again if it is open. After a boot, with another boot id.
  absl::Status Open(bool booted = false);
  // As a kill leaves it.
  void Kill();
  // Kills it, and copies the log back into the database.
  void FoldLog();
  // The next event after `last_revision`, with the gap of the start if it is the first.
  EventRow Next(std::string payload, std::vector<ObjectChange> objects = {});
  // All pages of the query, as one.
  absl::StatusOr<Page> ReadAll(Query query);

  Journal& journal() { return *journal_; }
  StateStore& state() { return *state_; }
  bool open() const { return journal_ != nullptr; }

 private:
  Journal::Options options_;
  int starts_ = 0;
  std::unique_ptr<StateStore> state_;
  std::unique_ptr<Journal> journal_;
};

}  // namespace sasd::journal

#endif  // DAEMON_JOURNAL_TEST_NODE_H_
