#include "driver/transport/mpt3ctl/ctl_poller.h"

#include <algorithm>
#include <utility>

#include "driver/transport/mpt3ctl/ctl_errors.h"

namespace sasd::mpt3ctl {
namespace {

// The time that one watcher may delay the others: it may be waiting for a command.
constexpr absl::Duration kLongestLook = absl::Milliseconds(20);

}  // namespace

absl::Duration PollPace::Next(bool readable, bool news) {
  if (!readable || news) {
    pause_ = absl::ZeroDuration();
  } else {
    pause_ = std::clamp(2 * pause_, kFirst, kLast);
  }
  return pause_;
}

CtlPoller::CtlPoller(CtlNodes& nodes) : nodes_(nodes), thread_(&CtlPoller::Run, this) {}

CtlPoller::~CtlPoller() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  nodes_.Interrupt();
  thread_.join();
  absl::MutexLock lock(&mu_);
  for (const auto& [path, descriptor] : descriptors_) nodes_.Close(descriptor);
}

absl::Status CtlPoller::Add(const std::string& path, CtlWatcher& watcher) {
  bool open = false;
  {
    absl::MutexLock lock(&mu_);
    open = descriptors_.count(path) > 0;
  }
  int descriptor = -1;
  if (!open) {
    descriptor = nodes_.Open(path.c_str());
    if (descriptor < 0) return StatusOfErrno(CtlCall::kOpen, -descriptor, path);
  }
  bool superfluous = false;
  {
    absl::MutexLock lock(&mu_);
    if (descriptor >= 0) superfluous = !descriptors_.emplace(path, descriptor).second;
    watchers_.emplace(&watcher, Watched());
  }
  if (superfluous) nodes_.Close(descriptor);
  nodes_.Interrupt();  // for the new node
  return absl::OkStatus();
}

void CtlPoller::Remove(CtlWatcher& watcher) {
  absl::MutexLock lock(&mu_);
  watchers_.erase(&watcher);
  const auto not_called = [this, &watcher]()
                              ABSL_SHARED_LOCKS_REQUIRED(mu_) { return calling_ != &watcher; };
  mu_.Await(absl::Condition(&not_called));
}

void CtlPoller::Looked(CtlWatcher& watcher, bool news) {
  absl::MutexLock lock(&mu_);
  if (news) news_ = true;
  const auto it = watchers_.find(&watcher);
  if (it != watchers_.end()) it->second.looking = false;
}

bool CtlPoller::NobodyLooks() const {
  return stopping_ || std::none_of(watchers_.begin(), watchers_.end(),
                                   [](const auto& watcher) { return watcher.second.looking; });
}

std::vector<int> CtlPoller::AwaitNodes() {
  absl::MutexLock lock(&mu_);
  mu_.Await(absl::Condition(this, &CtlPoller::HasWork));
  std::vector<int> descriptors;
  if (stopping_) return descriptors;
  for (const auto& [path, descriptor] : descriptors_) descriptors.push_back(descriptor);
  return descriptors;
}

void CtlPoller::LookEverywhere() {
  std::vector<CtlWatcher*> watchers;
  {
    absl::MutexLock lock(&mu_);
    for (auto& [watcher, watched] : watchers_) {
      if (!std::exchange(watched.looking, true)) watchers.push_back(watcher);
    }
  }
  for (CtlWatcher* watcher : watchers) {
    {
      absl::MutexLock lock(&mu_);
      if (watchers_.count(watcher) == 0) continue;
      calling_ = watcher;
    }
    watcher->Look();
    absl::MutexLock lock(&mu_);
    calling_ = nullptr;
  }
  absl::MutexLock lock(&mu_);
  mu_.AwaitWithTimeout(absl::Condition(this, &CtlPoller::NobodyLooks), kLongestLook);
}

void CtlPoller::Pause(bool readable) {
  absl::MutexLock lock(&mu_);
  const absl::Duration pause = pace_.Next(readable, std::exchange(news_, false));
  if (pause > absl::ZeroDuration()) {
    mu_.AwaitWithTimeout(absl::Condition(&stopping_), pause);
  }
}

void CtlPoller::Run() {
  while (true) {
    const std::vector<int> descriptors = AwaitNodes();
    if (descriptors.empty()) return;
    const int polled = nodes_.Poll(descriptors, kPeriod);
    LookEverywhere();
    // Also after an error of poll: no spinning.
    Pause(polled != 0);
  }
}

}  // namespace sasd::mpt3ctl
