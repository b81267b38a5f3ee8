#include "cli/commands/watch_command.h"

#include <functional>
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
#include "client/follower.h"
#include "client/watch_protocol.h"
#include "sas/v1/history_service.grpc.pb.h"
#include "sas/v1/watch_service.grpc.pb.h"

namespace sasd::cli {
namespace {

using sas::v1::HistoryService;

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
class WatchSession : private client::WatchConsumer {
 public:
  WatchSession(const WatchOptions& options, const Context& context,
               sas::v1::WatchService::StubInterface& stub, sas::v1::Filter filter,
               EventPrinter& printer, std::string token)
      : options_(options),
        context_(context),
        printer_(printer),
        follower_(stub, OptionsOf(std::move(filter), token), *this),
        token_(std::move(token)) {}

  absl::Status Run() {
    const Idler idler([this] { OnIdle(); });
    context_.interrupt.Watch([this] { follower_.Stop(); });
    const absl::Status status = follower_.Run();
    context_.interrupt.Watch({});
    if (ended_ || context_.interrupt.fired()) return absl::OkStatus();
    return Explain(status);
  }

  void PrintWhereToResume() const {
    if (token_.empty() || revision_ == 0) return;
    context_.err << "sasctl: at revision " << revision_ << "; resume with --from " << token_
                 << '\n';
  }

 private:
  client::FollowerOptions OptionsOf(sas::v1::Filter filter, std::string token) {
    client::FollowerOptions options;
    options.filter = std::move(filter);
    options.resume_token = std::move(token);
    options.skip_snapshot = !options_.snapshot;
    options.waits_for_sasd = false;
    options.may_reconnect = [this](const absl::Status& why) { return MayReconnect(why); };
    options.status_of = [this](const grpc::Status& end) { return FromRpc(end, context_.endpoint); };
    return options;
  }

  // Nothing has come for a while, or so it may be: what the printer holds is complete.
  void OnIdle() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (std::exchange(busy_, false)) return;
    printer_.Flush();
    if (!context_.Flush()) context_.interrupt.Fire();
  }

  // client::WatchConsumer.
  absl::Status OnSnapshotBegin(int64_t revision) override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    CloseGap(revision);
    snapshot_revision_ = revision;
    return absl::OkStatus();
  }

  absl::Status OnResource(const sas::v1::Resource& resource) override ABSL_LOCKS_EXCLUDED(mu_) {
    if (!options_.snapshot) return absl::OkStatus();
    absl::MutexLock lock(&mu_);
    busy_ = true;
    sas::v1::SnapshotChunk chunk;
    chunk.set_revision(snapshot_revision_);
    *chunk.add_resources() = resource;
    printer_.Snapshot(chunk);
    return absl::OkStatus();
  }

  absl::Status OnSynced(int64_t revision) override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    busy_ = true;
    CloseGap(revision);
    if (!options_.snapshot) return absl::OkStatus();
    sas::v1::Synced synced;
    synced.set_revision(revision);
    synced.set_resume_token(follower_.resume_token());
    printer_.Synced(synced);
    return absl::OkStatus();
  }

  absl::Status OnEvent(const sas::v1::Event& event) override ABSL_LOCKS_EXCLUDED(mu_) {
    if (ended_) return absl::OkStatus();
    absl::MutexLock lock(&mu_);
    busy_ = true;
    printer_.Event(event);
    token_ = event.resume_token();
    revision_ = event.revision();
    if (++events_ == options_.count) End();
    return absl::OkStatus();
  }

  absl::Status OnResync(int64_t sent_revision) override {
    in_gap_ = true;
    sent_revision_ = sent_revision;
    return absl::OkStatus();
  }

  void OnMessageEnd() override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    received_ = true;
    // A bookmark or SYNCED moved on. What comes after the last event is not ours.
    if (!ended_ && follower_.revision() > 0) {
      token_ = follower_.resume_token();
      revision_ = follower_.revision();
    }
    // The reader may have closed our output.
    if (!context_.Flush()) End();
  }

  void End() {
    ended_ = true;
    follower_.Stop();
  }

  void CloseGap(int64_t revision) {
    if (!in_gap_) return;
    printer_.Gap(sent_revision_, revision, gap_reason_);
    in_gap_ = false;
    gap_reason_.clear();
  }

  // After a lost connection the watch resumes. If sasd does not know the token any more, the watch
  // starts again and prints a gap.
  bool MayReconnect(const absl::Status& why) {
    if (!options_.reconnect || why.code() == absl::StatusCode::kResourceExhausted) return false;
    if (why.code() == absl::StatusCode::kOutOfRange) {
      in_gap_ = true;
      sent_revision_ = revision_;
      gap_reason_ = WhyNotResumed(why, revision_);
    }
    const bool received = std::exchange(received_, false);
    const bool received_before = std::exchange(received_before_, received);
    if (received || received_before) {
      context_.err << "sasctl: " << Explain(why).message() << "; reconnecting\n";
    }
    return true;
  }

  // Adds the address if the server ended the stream.
  absl::Status Explain(const absl::Status& status) const {
    if (!status.ok() && status.code() != absl::StatusCode::kCancelled) return status;
    return absl::UnavailableError(
        absl::StrCat("sasd at ", context_.endpoint.address, " ended the stream; is it stopping?"));
  }

  const WatchOptions& options_;
  const Context& context_;
  EventPrinter& printer_;
  client::Follower follower_;

  absl::Mutex mu_;                          // held while the printer prints
  bool busy_ ABSL_GUARDED_BY(mu_) = false;  // something came since the last look

  // Of the thread that reads. Where to resume: behind what was printed.
  std::string token_;
  int64_t revision_ = 0;
  int64_t snapshot_revision_ = 0;
  int64_t events_ = 0;
  bool received_ = false;         // this stream has sent a message
  bool received_before_ = false;  // so has the one before
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
  const auto stub = context.Stub<sas::v1::WatchService>();
  WatchSession session(options, context, *stub, *std::move(filter), **printer, *std::move(token));
  const absl::Status status = session.Run();
  (*printer)->Flush();
  context.out.flush();
  session.PrintWhereToResume();
  return status;
}

}  // namespace sasd::cli
