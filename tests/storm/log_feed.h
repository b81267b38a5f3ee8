#ifndef TESTS_STORM_LOG_FEED_H_
#define TESTS_STORM_LOG_FEED_H_

#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "daemon/service/snapshot_reader.h"
#include "daemon/watch/watch_log.h"
#include "tests/storm/storm.h"

namespace sasd::testing {

// A Watch stream without gRPC, so that ThreadSanitizer checks everything beneath it. It has the
// cursor, snapshot reader and bytes that daemon/service uses.
class LogFeed : public Feed {
 public:
  // The log outlives the feed.
  static std::unique_ptr<Feed> Open(watch::WatchLog& log, const std::string& resume_token);

  bool Read(sas::v1::WatchResponse* response) override;
  void Cancel() override { wake_->Cancel(); }
  std::string error() override { return error_; }

 private:
  // Lives as long as the log may call it.
  class Wake : public watch::WakeListener {
   public:
    void OnReady() override ABSL_LOCKS_EXCLUDED(mu_);
    void Cancel() ABSL_LOCKS_EXCLUDED(mu_);
    bool cancelled() const ABSL_LOCKS_EXCLUDED(mu_);
    // Waits for OnReady() or Cancel().
    void Await() ABSL_LOCKS_EXCLUDED(mu_);

   private:
    mutable absl::Mutex mu_;
    bool ready_ ABSL_GUARDED_BY(mu_) = false;
    bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  };

  explicit LogFeed(watch::WatchLog& log) : log_(log) {}

  void BeginSnapshot();
  void SetSynced(sas::v1::WatchResponse* response);

  watch::WatchLog& log_;
  const std::shared_ptr<Wake> wake_ = std::make_shared<Wake>();
  std::unique_ptr<watch::Cursor> cursor_;
  std::optional<service::SnapshotReader> snapshot_;
  bool synced_ = false;
  std::string error_;
};

}  // namespace sasd::testing

#endif  // TESTS_STORM_LOG_FEED_H_
