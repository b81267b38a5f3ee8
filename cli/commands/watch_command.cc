#include "cli/commands/watch_command.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <thread>  // NOLINT: one thread shows what is complete
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/base/thread_annotations.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "cli/output/event_output.h"
#include "cli/query/place_reader.h"
#include "cli/query/watch_filter.h"
#include "sas/v1/history_service.grpc.pb.h"
#include "sas/v1/watch_service.grpc.pb.h"

namespace sasd::cli {
namespace {

using sas::v1::HistoryService;
using sas::v1::WatchResponse;

constexpr absl::Duration kFirstBackoff = absl::Milliseconds(200),
                         kLongestBackoff = absl::Seconds(5);

// The resume token of the event with that revision.
absl::StatusOr<std::string> TokenOf(int64_t revision, const Context& context) {
  sas::v1::ListEventsRequest request;
  request.set_page_size(1);
  request.set_after_revision(revision - 1);
  auto response = context.Call(*context.Stub<sas::v1::HistoryService>(),
                               &HistoryService::StubInterface::ListEvents, request);
  const auto is_there = [&] {
    return response.ok() && !response->events().empty() &&
           response->events(0).revision() == revision;
  };
  while (is_there() && response->events(0).continued()) {  // the last part has the token
    request.set_page_token(response->next_page_token());
    response = context.Call(*context.Stub<sas::v1::HistoryService>(),
                            &HistoryService::StubInterface::ListEvents, request);
  }
  if (!response.ok()) return response.status();
  if (is_there()) return response->events(0).resume_token();
  return absl::OutOfRangeError(absl::StrCat(
      "revision ", revision, " is not in the log, which has ", response->oldest_revision(), " to ",
      response->newest_revision(), "; list it with `sasctl events`"));
}

absl::StatusOr<std::string> ResolveFrom(const std::string& from, const Context& context) {
  int64_t revision = 0;
  const bool is_number = !from.empty() && absl::c_all_of(from, absl::ascii_isdigit);
  if (!is_number || !absl::SimpleAtoi(from, &revision)) return from;
  if (revision == 0) {
    return absl::InvalidArgumentError(
        "--from 0: there is no revision 0; list the whole log with `sasctl events`");
  }
  return TokenOf(revision, context);
}

// Calls a function every so often in a thread of its own, until it is destroyed.
class Idler {
 public:
  explicit Idler(std::function<void()> call)
      : thread_([this, call = std::move(call)] {
          while (!stop_.WaitForNotificationWithTimeout(kIdle)) call();
        }) {}
  ~Idler() {
    stop_.Notify();
    thread_.join();
  }

 private:
  static constexpr absl::Duration kIdle = absl::Milliseconds(500);
  absl::Notification stop_;
  std::thread thread_;
};

// One run of `sasctl watch`: a stream, or several in turn after reconnecting.
class WatchSession {
 public:
  WatchSession(const WatchOptions& options, const Context& context, sas::v1::Filter filter,
               EventPrinter& printer, std::string token)
      : options_(options),
        context_(context),
        filter_(std::move(filter)),
        printer_(printer),
        token_(std::move(token)) {}

  absl::Status Run() {
    const Idler idler([this] { OnIdle(); });
    absl::Duration backoff = kFirstBackoff;
    for (;;) {
      const bool was_synced = synced_once_;
      synced_once_ = false;
      const absl::Status status = RunStream();
      if (ended_ || context_.interrupt.fired()) return absl::OkStatus();
      if (!options_.reconnect || !MayReconnect(status)) return Explain(status);
      if (synced_once_) backoff = kFirstBackoff;
      if (synced_once_ || was_synced) {
        context_.err << "sasctl: " << Explain(status).message() << "; reconnecting\n";
      }
      reconnecting_ = true;
      context_.interrupt.Sleep(backoff);
      backoff = std::min(2 * backoff, kLongestBackoff);
      if (context_.interrupt.fired()) return absl::OkStatus();
    }
  }

  void PrintWhereToResume() const {
    if (token_.empty() || revision_ == 0) return;
    context_.err << "sasctl: at revision " << revision_ << "; resume with --from " << token_
                 << '\n';
  }

 private:
  absl::Status RunStream() {
    sas::v1::WatchRequest request;
    request.set_resume_token(token_);
    *request.mutable_filter() = filter_;
    request.set_skip_snapshot(!options_.snapshot && token_.empty());
    grpc::ClientContext call;
    call.set_wait_for_ready(reconnecting_);  // else gRPC polls for sasd only every 5 s
    const auto stream = context_.Stub<sas::v1::WatchService>()->Watch(&call, request);
    context_.interrupt.Watch([&call] { call.TryCancel(); });
    WatchResponse response;
    while (!ended_ && stream->Read(&response)) {
      absl::MutexLock lock(&mu_);
      Handle(response);
    }
    if (ended_) call.TryCancel();
    context_.interrupt.Watch({});
    return FromRpc(stream->Finish(), context_.endpoint);
  }

  // Nothing has come for a while, or so it may be: what the printer holds is complete.
  void OnIdle() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (std::exchange(busy_, false)) return;
    printer_.Flush();
    if (!context_.Flush()) context_.interrupt.Fire();
  }

  void Handle(const WatchResponse& response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    synced_once_ = true;
    busy_ = true;
    if (response.has_snapshot()) Snapshot(response.snapshot());
    if (response.has_synced()) {
      Position(response.synced());
      CloseGap(revision_);
      if (options_.snapshot) printer_.Synced(response.synced());
    }
    if (response.has_bookmark()) Position(response.bookmark());
    if (response.has_resync()) {
      in_gap_ = true;
      sent_revision_ = response.resync().sent_revision();
    }
    for (const sas::v1::Event& event : response.events().events()) {
      if (ended_) break;
      printer_.Event(event);
      if (event.continued()) continue;
      Position(event);
      ended_ = ++events_ == options_.count;
    }
    // The reader has closed our output.
    if (!context_.Flush()) ended_ = true;
  }

  void Snapshot(const sas::v1::SnapshotChunk& chunk) {
    CloseGap(chunk.revision());
    if (options_.snapshot) printer_.Snapshot(chunk);
  }

  void CloseGap(int64_t revision) {
    if (!in_gap_) return;
    printer_.Gap(sent_revision_, revision, gap_reason_);
    in_gap_ = false;
    gap_reason_.clear();
  }

  template <typename T>
  void Position(const T& part) {
    if (!part.resume_token().empty()) token_ = part.resume_token();
    revision_ = part.revision();
  }

  // Whether to connect again. After a lost connection the watch resumes. If sasd does not know the
  // token any more, the watch starts again and prints a gap.
  bool MayReconnect(const absl::Status& status) {
    if (status.code() == absl::StatusCode::kOutOfRange && !token_.empty() && revision_ > 0) {
      in_gap_ = true;
      sent_revision_ = revision_;
      gap_reason_ = WhyNotResumed(status, revision_);
      token_.clear();
      return true;
    }
    // kCancelled: the call met a server that was ending (gRPC gives such a call no other status).
    return status.ok() || status.code() == absl::StatusCode::kUnavailable ||
           status.code() == absl::StatusCode::kCancelled;
  }

  // Adds the address if the server ended the stream.
  absl::Status Explain(const absl::Status& status) const {
    if (!status.ok() && status.code() != absl::StatusCode::kCancelled) return status;
    return absl::UnavailableError(
        absl::StrCat("sasd at ", context_.endpoint.address, " ended the stream; is it stopping?"));
  }

  const WatchOptions& options_;
  const Context& context_;
  const sas::v1::Filter filter_;
  EventPrinter& printer_;

  absl::Mutex mu_;                          // held while the printer prints
  bool busy_ ABSL_GUARDED_BY(mu_) = false;  // something came since the last look

  // Of the thread that reads.
  std::string token_;
  int64_t revision_ = 0;
  int64_t events_ = 0;
  bool synced_once_ = false;  // this stream has sent a response
  bool reconnecting_ = false;
  bool ended_ = false;
  bool in_gap_ = false;
  int64_t sent_revision_ = 0;
  std::string gap_reason_;
};

}  // namespace

absl::Status RunWatch(const WatchOptions& options, const Context& context) {
  if (const auto form = NewEventPrinter(options.output, context.out, EventStyle()); !form.ok()) {
    return form.status();
  }
  auto filter = ParseWatchFilter(options.filters, context);
  if (!filter.ok()) return filter.status();
  auto token = ResolveFrom(options.from, context);
  if (!token.ok()) return token.status();
  auto printer = NewEventPrinter(
      options.output, context.out,
      {context.paint, context.clock, options.verbose, ReadPlaceNames(context), context.screen});
  WatchSession session(options, context, *std::move(filter), **printer, *std::move(token));
  const absl::Status status = session.Run();
  (*printer)->Flush();
  context.out.flush();
  session.PrintWhereToResume();
  return status;
}

}  // namespace sasd::cli
