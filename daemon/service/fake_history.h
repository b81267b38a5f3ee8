#ifndef DAEMON_SERVICE_FAKE_HISTORY_H_
#define DAEMON_SERVICE_FAKE_HISTORY_H_

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "daemon/service/event_decoder.h"
#include "daemon/service/history_reader.h"
#include "daemon/service/log_history.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "sas/v1/events.pb.h"

namespace sasd::service {

// A history out of events as they are written down, ascending by revision. Set it up before use.
class FakeHistory final : public HistoryReader {
 public:
  // `text`: a sas.v1.Event in text format.
  void Add(const std::string& text) {
    sas::v1::Event event;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &event)) << text;
    Add(event);
  }
  void Add(const sas::v1::Event& event) {
    const auto decoded = DecodeEvent(event.SerializeAsString());
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    events_.push_back(*decoded);
  }
  // Forgets all before this revision.
  void Trim(int64_t revision) {
    begin_ = revision - 1;
    events_.erase(std::remove_if(events_.begin(), events_.end(),
                                 [&](const auto& event) { return event->revision() < revision; }),
                  events_.end());
  }
  // Makes every later call fail.
  void Fail(absl::Status status) { failure_ = std::move(status); }

  absl::StatusOr<HistoryExtent> Extent() const override {
    if (!failure_.ok()) return failure_;
    HistoryExtent extent;
    extent.begin = begin_;
    extent.newest = events_.empty() ? begin_ : events_.back()->revision();
    extent.oldest = events_.empty() ? extent.newest + 1 : events_.front()->revision();
    if (!events_.empty()) extent.oldest_time = events_.front()->time();
    return extent;
  }
  absl::StatusOr<HistoryPage> Read(const HistoryQuery& query,
                                   Cancelled cancelled = NeverCancelled) const override {
    if (!failure_.ok()) return failure_;
    if (cancelled()) return WorkCancelled();
    return ReadEvents(events_, query);
  }
  absl::Status VisitRemoved(const std::function<void(const RemovedState&)>& visit,
                            Cancelled cancelled = NeverCancelled) const override {
    if (failure_.ok()) VisitRemovedIn(events_, visit, cancelled);
    return failure_.ok() && cancelled() ? WorkCancelled() : failure_;
  }

 private:
  int64_t begin_ = 0;
  std::vector<watch::EncodedEventPtr> events_;
  absl::Status failure_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_FAKE_HISTORY_H_
