#include "tests/memory/event_path.h"

#include <cstdlib>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "daemon/registry/fake_facts.h"

namespace sasd::testing {
namespace {

constexpr char kEpoch[] = "00000000000000aa";

void Check(const absl::Status& status) {
  if (status.ok()) return;
  std::cerr << "event path: " << status << "\n";
  std::exit(1);
}

std::unique_ptr<journal::StateStore> OpenState(const std::string& directory,
                                               const std::string& machine,
                                               const std::string& source) {
  if (directory.empty()) return nullptr;
  auto state = journal::StateStore::Open({directory, machine, source, false, ""});
  Check(state.status());
  return *std::move(state);
}

std::unique_ptr<journal::Journal> OpenJournal(const std::string& directory,
                                              const std::string& machine, const std::string& source,
                                              journal::StateStore* state) {
  if (directory.empty()) return nullptr;
  journal::Journal::Options options;
  options.directory = directory;
  options.machine = machine;
  options.source = source;
  options.boot_id = "boot";
  options.fresh_epoch = kEpoch;
  options.mark_directory = directory;
  auto journal = journal::Journal::Open(options, *state);
  Check(journal.status());
  return *std::move(journal);
}

registry::Registry::Options RegistryOptions() {
  registry::Registry::Options options;
  options.epoch = kEpoch;
  return options;
}

watch::WatchLog::Options LogOptions(watch::EventArchive* archive) {
  watch::WatchLog::Options options;
  options.archive = archive;
  return options;
}

EndDeviceFacts DriveFacts(int64_t number, DeviceState state) {
  EndDeviceFacts facts =
      registry::Drive(registry::kHostA, 0x5000c500'00000000 + static_cast<uint64_t>(number), state);
  facts.enclosure = EnclosureKey(0x5000'0000'0000'0000 + static_cast<uint64_t>(number) / 100);
  facts.slot = static_cast<uint16_t>(number % 100);
  return facts;
}

}  // namespace

EventPath::EventPath(const std::string& directory, int drives, const std::string& machine,
                     const std::string& source)
    : state_(OpenState(directory, machine, source)),
      journal_(OpenJournal(directory, machine, source, state_.get())),
      recorder_(journal_ == nullptr ? nullptr : std::make_unique<memory::Recorder>(*journal_)),
      registry_(RegistryOptions()),
      encoder_(kEpoch),
      archive_(journal_ == nullptr ? nullptr
                                   : std::make_unique<service::JournalArchive>(*journal_)),
      log_(registry_, LogOptions(archive_.get())),
      publisher_(log_, encoder_, {}, recorder_.get()),
      pump_(std::make_unique<watch::Pump>(publisher_)),
      drives_(drives) {
  std::vector<Observation> facts = {registry::HostOf(registry::kHostA)};
  for (int i = 0; i < drives; ++i) {
    facts.emplace_back(DriveFacts(i, DeviceState::kAttached));
    LogicalUnitFacts unit;
    unit.device = DriveFacts(i, DeviceState::kAttached).key;
    unit.wwid = absl::StrCat("naa.5000c500", absl::Hex(i, absl::kZeroPad8));
    unit.vendor = "SEAGATE";
    unit.model = "ST16000NM002G";
    unit.serial = absl::StrCat("ZL2", absl::Hex(i, absl::kZeroPad5));
    facts.emplace_back(std::move(unit));
  }
  pump_->Observe(registry::Batch(std::move(facts)));
  pump_->AwaitPublished();
}

EventPath::~EventPath() {
  pump_ = nullptr;
  recorder_ = nullptr;
  if (journal_ != nullptr) Check(journal_->Close());
}

void EventPath::Change() {
  // Each drive in turn, in steps that scatter them; the next round changes it back.
  const int64_t drive = changes_ * 7 % drives_;
  const bool blocked = changes_ / drives_ % 2 == 0;
  ++changes_;
  pump_->Observe(registry::Batch(
      {DriveFacts(drive, blocked ? DeviceState::kBlocked : DeviceState::kAttached)}));
}

class PathSubscriber::Listener : public watch::WakeListener {
 public:
  void OnReady() override {
    absl::MutexLock lock(&mu_);
    ready_ = true;
  }
  void Stop() {
    absl::MutexLock lock(&mu_);
    stop_ = true;
  }
  // False: it is stopped.
  bool Wait() {
    absl::MutexLock lock(&mu_);
    const auto is_due = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return ready_ || stop_; };
    mu_.Await(absl::Condition(&is_due));
    ready_ = false;
    return !stop_;
  }

 private:
  absl::Mutex mu_;
  bool ready_ ABSL_GUARDED_BY(mu_) = false;
  bool stop_ ABSL_GUARDED_BY(mu_) = false;
};

PathSubscriber::PathSubscriber(EventPath& path,
                               std::function<void(const watch::EncodedEvent&)> on_event)
    : on_event_(std::move(on_event)),
      listener_(std::make_shared<Listener>()),
      cursor_(path.log().Subscribe(listener_)),
      thread_([this] { Run(); }) {}

PathSubscriber::~PathSubscriber() {
  listener_->Stop();
  thread_.join();
}

void PathSubscriber::Run() {
  constexpr size_t kMostEvents = 1'000, kMostBytes = 1 << 20;
  using State = watch::Cursor::Batch::State;
  for (;;) {
    watch::Cursor::Batch batch = cursor_->Next(kMostEvents, kMostBytes);
    if (batch.state == State::kArchived) batch = cursor_->NextArchived(kMostEvents, kMostBytes);
    for (const watch::Selection& selection : batch.events) on_event_(*selection.event);
    {
      absl::MutexLock lock(&mu_);
      revision_ = cursor_->position();
      fell_behind_ = batch.state == State::kFellBehind;
      if (fell_behind_) return;
    }
    if (batch.state == State::kAtEnd && !listener_->Wait()) return;
  }
}

bool PathSubscriber::Await(int64_t revision, absl::Duration timeout) {
  absl::MutexLock lock(&mu_);
  const auto is_there = [this, revision]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return revision_ >= revision || fell_behind_;
  };
  mu_.AwaitWithTimeout(absl::Condition(&is_there), timeout);
  return revision_ >= revision;
}

}  // namespace sasd::testing
