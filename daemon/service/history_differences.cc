#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "daemon/service/errors.h"
#include "daemon/service/event_encoder.h"
#include "daemon/service/history_calls.h"
#include "daemon/service/resource_text.h"
#include "daemon/service/watch_filter.h"
#include "daemon/watch/filter.h"
#include "rpc/page.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using sas::v1::Change;
using sas::v1::Resource;

constexpr int64_t kMaxEvents = 200'000;  // as history_service.proto documents
constexpr size_t kChunk = 1'000;
// Objects that are kept beside those of a page: some are as they were, and are not listed.
constexpr size_t kMoreFates = 1'000;
// Of an event, decoded at a time: a fraction of a millisecond.
constexpr size_t kDecodeBytes = 64 << 10;

// What became of one object.
struct Fate {
  Resource before;  // not set: it was not there
  Change last;
};

bool IsThere(const Resource& resource) {
  return resource.resource_case() != Resource::RESOURCE_NOT_SET;
}

// The net change. False: the object is as it was.
bool Net(const Fate& fate, Change* net) {
  const bool was = IsThere(fate.before);
  const bool is = fate.last.kind() != sas::v1::CHANGE_KIND_REMOVED;
  if (!was && !is) return false;
  *net->mutable_resource() = fate.last.resource();
  net->set_severity(fate.last.severity());
  if (!is) {
    *net = fate.last;
    return true;
  }
  if (!was) {
    net->set_kind(sas::v1::CHANGE_KIND_ADDED);
    return true;
  }
  net->set_kind(sas::v1::CHANGE_KIND_MODIFIED);
  const std::vector<std::string> fields = DifferingFields(fate.before, fate.last.resource());
  Resource* const previous = net->mutable_previous();
  *previous = fate.before;
  Message* const inner = MutableInnerOf(previous);
  for (int i = 0; i < inner->GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* const field = inner->GetDescriptor()->field(i);
    bool differs = false;
    for (const std::string& name : fields) differs = differs || name == field->name();
    if (!differs) inner->GetReflection()->ClearField(inner, field);
  }
  for (const std::string& name : fields) net->mutable_changed_fields()->add_paths(name);
  return !fields.empty();
}

// One call of GetDifferences.
class DifferencesCall {
 public:
  DifferencesCall(const sas::v1::GetDifferencesRequest& request, const HistoryContext& context,
                  sas::v1::GetDifferencesResponse* response)
      : request_(request), context_(context), response_(response) {}

  grpc::Status Run() {
    const BehindScope scope = {context_.topology, &context_.reader, context_.cancelled};
    if (grpc::Status s = ReadWatchFilter(request_.filter(), scope, &filter_); !s.ok()) return s;
    if (grpc::Status s = rpc::ReadPageSize(request_.page_size(), &page_size_); !s.ok()) return s;
    const absl::StatusOr<HistoryExtent> extent = context_.reader.Extent();
    if (!extent.ok()) return rpc::ToGrpc(extent.status());
    extent_ = *extent;
    if (grpc::Status s = FindSince(); !s.ok()) return s;
    if (since_ < extent_.begin) return RevisionCompacted(since_, extent_.begin);
    response_->set_since_revision(since_);
    response_->set_revision(until_ - 1);
    if (grpc::Status s = Fold(); !s.ok()) return s;
    return FillPage();
  }

 private:
  sas::v1::GetDifferencesRequest Identity() const {
    sas::v1::GetDifferencesRequest identity = request_;
    identity.clear_page_size();
    identity.clear_page_token();
    return identity;
  }

  grpc::Status FindSince() {
    until_ = extent_.newest + 1;
    if (!request_.page_token().empty()) return ReadToken();
    switch (request_.since_case()) {
      case sas::v1::GetDifferencesRequest::kRevision:
        since_ = request_.revision();
        if (since_ < 0) return rpc::BadField("revision", "a revision is not negative");
        if (since_ > extent_.newest) {
          return rpc::BadField(
              "revision", absl::StrCat("revision ", since_, " is not reached yet, the newest is ",
                                       extent_.newest));
        }
        return grpc::Status::OK;
      case sas::v1::GetDifferencesRequest::kTime:
        return FindTime(absl::FromUnixSeconds(request_.time().seconds()) +
                        absl::Nanoseconds(request_.time().nanos()));
      case sas::v1::GetDifferencesRequest::SINCE_NOT_SET:
        break;
    }
    return rpc::BadField("since", "it is not set; give a revision or a time");
  }

  // The last revision before `time`.
  grpc::Status FindTime(absl::Time time) {
    // What was before the first event of a history that is not whole, nobody knows.
    if (extent_.begin > 0 && time < extent_.oldest_time) {
      return HistoryBegins(extent_.oldest_time, extent_.begin);
    }
    HistoryQuery query;
    query.start = time;
    query.limit = 1;
    const absl::StatusOr<HistoryPage> page = context_.reader.Read(query, context_.cancelled);
    if (!page.ok()) return rpc::ToGrpc(page.status());
    since_ = page->events.empty() ? extent_.newest : page->events[0]->revision() - 1;
    return grpc::Status::OK;
  }

  // The token: "SINCE.REVISION.NAME".
  grpc::Status ReadToken() {
    const sas::v1::GetDifferencesRequest identity = Identity();
    std::string text;
    if (grpc::Status s = rpc::ReadPageToken(request_.page_token(), &identity, &text); !s.ok()) {
      return s;
    }
    const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits('.', 2));
    if (parts.size() != 3 || !absl::SimpleAtoi(parts[0], &since_) ||
        !absl::SimpleAtoi(parts[1], &until_) || since_ < 0 || until_ < 1) {
      return rpc::BadField("page_token", absl::StrCat("\"", request_.page_token(),
                                                      "\" is not from an earlier page"));
    }
    last_name_ = parts[2];
    return grpc::Status::OK;
  }

  grpc::Status Fold() {
    HistoryQuery query;
    query.after = since_;
    query.until = until_;
    query.limit = kChunk;
    int64_t count = 0;
    while (true) {
      if (context_.cancelled()) return CancelledStatus();
      const absl::StatusOr<HistoryPage> page = context_.reader.Read(query, context_.cancelled);
      if (!page.ok()) return rpc::ToGrpc(page.status());
      for (const watch::EncodedEventPtr& event : page->events) {
        if (++count > kMaxEvents) return TooManyEvents(kMaxEvents);
        FoldEvent(event);
        if (context_.cancelled()) return CancelledStatus();
      }
      for (const HistoryGap& gap : page->gaps) {
        sas::v1::Gap* const out = response_->add_gaps();
        out->set_first_revision(gap.first);
        out->set_last_revision(gap.last);
        out->set_reason(static_cast<sas::v1::GapReason>(gap.reason));
      }
      if (page->done) return grpc::Status::OK;
      query.after = page->position;
    }
  }

  void FoldEvent(const watch::EncodedEventPtr& encoded) {
    const auto selection = watch::Select(encoded, filter_, context_.cancelled);
    if (!selection.has_value()) return;
    EventParts parts(*selection);
    while (!parts.done()) {
      sas::v1::Event event;
      event.ParseFromString(parts.Next(kDecodeBytes));
      for (const Change& change : event.changes()) {
        if (is_cancelled_()) return;
        FoldChange(change);
      }
    }
  }

  // Keeps the first names behind the page before, and no more than a page can be made of.
  void FoldChange(const Change& change) {
    const std::string& name = NameOf(change.resource());
    if (name <= last_name_ || (!last_fate_.empty() && name > last_fate_)) return;
    const auto [it, is_new] = fates_.try_emplace(name);
    if (is_new) it->second.before = StateBefore(change);
    it->second.last = change;
    if (fates_.size() <= page_size_ + kMoreFates) return;
    fates_.erase(std::prev(fates_.end()));
    last_fate_ = std::prev(fates_.end())->first;
  }

  void SetToken(const std::string& last) {
    const sas::v1::GetDifferencesRequest identity = Identity();
    response_->set_next_page_token(
        rpc::MakePageToken(absl::StrCat(since_, ".", until_, ".", last), &identity));
  }

  grpc::Status FillPage() {
    size_t bytes = 0;
    std::string last;
    for (const auto& [name, fate] : fates_) {
      if (is_cancelled_()) return CancelledStatus();
      Change net;
      if (!Net(fate, &net)) continue;
      const size_t size = net.ByteSizeLong();
      const bool full = static_cast<size_t>(response_->changes_size()) == page_size_ ||
                        (bytes > 0 && bytes + size > kPartBytes);
      if (full) {
        SetToken(last);
        return grpc::Status::OK;
      }
      bytes += size;
      last = name;
      *response_->add_changes() = std::move(net);
    }
    // There are more names than were kept; the page may even be empty.
    if (!last_fate_.empty()) SetToken(last_fate_);
    return grpc::Status::OK;
  }

  const sas::v1::GetDifferencesRequest& request_;
  const HistoryContext& context_;
  sas::v1::GetDifferencesResponse* const response_;

  CancelledCheck is_cancelled_{context_.cancelled};
  watch::Filter filter_;
  size_t page_size_ = 0;
  HistoryExtent extent_;
  int64_t since_ = 0, until_ = 0;
  std::string last_name_;  // the page before ended with it
  absl::btree_map<std::string, Fate> fates_;
  std::string last_fate_;  // names behind it were left out; empty: none was
};

}  // namespace

grpc::Status GetDifferences(const sas::v1::GetDifferencesRequest& request,
                            const HistoryContext& context,
                            sas::v1::GetDifferencesResponse* response) {
  return DifferencesCall(request, context, response).Run();
}

}  // namespace sasd::service
