// Kills sasd with SIGKILL at random moments of a storm, starts it again on the same state
// directory, and proves what the journal promises (docs/memory.md):
//   - no revision ever has two contents;
//   - every jump of the counter is declared, and between jumps there is no hole;
//   - no event that a subscriber received is missing from ListEvents;
//   - every subscriber that resumes ends with the state of the node, and the node with the
//   fabric's.
//
// kill_storm --sasd PATH [--kills N] [--subscribers N] [--seed N] [--fabric F]
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iostream>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>  // NOLINT: the threads of this program
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "client/resource_name.h"
#include "client/watch_protocol.h"
#include "grpcpp/grpcpp.h"
#include "sas/emulator/v1/emulator_service.grpc.pb.h"
#include "sas/v1/history_service.grpc.pb.h"
#include "sas/v1/node_service.grpc.pb.h"
#include "sas/v1/topology_service.grpc.pb.h"
#include "sas/v1/watch_service.grpc.pb.h"
#include "tests/support/mirror.h"

namespace sasd::testing {
namespace {

using client::NameOf;

constexpr absl::Duration kStartTimeout = absl::Seconds(60);

struct Options {
  std::string sasd;
  std::string fabric = "judge";
  int kills = 50;
  int subscribers = 6;
  int compare_every = 100;  // kills
  uint32_t seed = 1;
};

// The content of a whole event: its parts are merged.
uint64_t ContentOf(sas::v1::Event event) {
  event.clear_continued();
  event.clear_resume_token();
  return DigestOf(event);
}

// What all subscribers and readings of all lives have seen, in one book. Thread-safe.
class Book {
 public:
  void Fail(std::string what) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (failures_.size() < 20) failures_.push_back(std::move(what));
    ++failure_count_;
  }

  void See(const sas::v1::Event& event) ABSL_LOCKS_EXCLUDED(mu_) {
    const uint64_t content = ContentOf(event);
    bool differs = false;
    {
      absl::MutexLock lock(&mu_);
      const auto [it, inserted] = contents_.try_emplace(event.revision(), content);
      differs = !inserted && it->second != content;
    }
    if (differs) {
      Fail(absl::StrCat("revision ", event.revision(), " has two contents, the second: ",
                        event.ShortDebugString().substr(0, 300)));
    }
  }

  absl::btree_map<int64_t, uint64_t> contents() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return contents_;
  }
  std::vector<std::string> failures() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return failures_;
  }
  int failure_count() const ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return failure_count_;
  }

 private:
  mutable absl::Mutex mu_;
  absl::btree_map<int64_t, uint64_t> contents_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> failures_ ABSL_GUARDED_BY(mu_);
  int failure_count_ ABSL_GUARDED_BY(mu_) = 0;
};

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 20);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

// A subscriber that lives through all lives of sasd: it resumes where it was. One thread reads.
class Subscriber : private client::WatchConsumer {
 public:
  Subscriber(std::string address, Book& book, int number)
      : address_(std::move(address)), book_(book), number_(number) {}

  // Opens a stream in a thread of its own. The stream ends with sasd, or by Stop().
  void Start() {
    context_ = std::make_unique<grpc::ClientContext>();
    context_->set_wait_for_ready(true);
    thread_ = std::thread([this] { Read(); });
  }
  void Stop() {
    context_->TryCancel();
    thread_.join();
  }
  // False at the timeout.
  bool WaitForRevision(int64_t revision, absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    const auto reached = [this, revision]()
                             ABSL_SHARED_LOCKS_REQUIRED(mu_) { return revision_ >= revision; };
    return mu_.AwaitWithTimeout(absl::Condition(&reached), timeout);
  }
  int resumes() const { return resumes_; }
  int64_t events() const { return events_; }
  int snapshots() const { return snapshots_; }
  // After Stop() or Join().
  const absl::flat_hash_map<std::string, uint64_t>& state() const { return state_; }

 private:
  void Fail(const std::string& what) {
    book_.Fail(absl::StrCat("subscriber ", number_, ": ", what));
  }

  void Read() {
    auto stub = sas::v1::WatchService::NewStub(Connect(address_));
    sas::v1::WatchRequest request;
    request.set_resume_token(protocol_.resume_token());
    if (!request.resume_token().empty()) ++resumes_;
    auto reader = stub->Watch(context_.get(), request);
    sas::v1::WatchResponse response;
    while (reader->Read(&response)) {
      if (absl::Status s = protocol_.Apply(response, *this); !s.ok()) {
        Fail(std::string(s.message()));
        protocol_.StartOver();
        context_->TryCancel();
      }
      absl::MutexLock lock(&mu_);
      revision_ = protocol_.revision();
    }
    protocol_.Disconnected();
    const grpc::Status status = reader->Finish();
    const auto code = status.error_code();
    if (code == grpc::StatusCode::OUT_OF_RANGE || code == grpc::StatusCode::INVALID_ARGUMENT) {
      Fail(absl::StrCat("resume at ", protocol_.revision(), ": ", status.error_message()));
      protocol_.StartOver();
    }
  }

  absl::Status OnSnapshotBegin(int64_t /*revision*/) override {
    state_.clear();
    ++snapshots_;
    return absl::OkStatus();
  }
  absl::Status OnResource(const sas::v1::Resource& resource) override {
    state_[NameOf(resource)] = DigestOf(resource);
    return absl::OkStatus();
  }
  absl::Status OnEvent(const sas::v1::Event& event) override {
    book_.See(event);
    ++events_;
    for (const sas::v1::Change& change : event.changes()) {
      const std::string& name = NameOf(change.resource());
      const bool there = state_.contains(name);
      if ((change.kind() == sas::v1::CHANGE_KIND_ADDED) == there) {
        return absl::FailedPreconditionError(
            absl::StrCat(sas::v1::ChangeKind_Name(change.kind()), " ", name, " in revision ",
                         event.revision(), ", which was ", there ? "there" : "not there"));
      }
      if (change.kind() == sas::v1::CHANGE_KIND_REMOVED) {
        state_.erase(name);
      } else {
        state_[name] = DigestOf(change.resource());
      }
    }
    return absl::OkStatus();
  }
  absl::Status OnResync(int64_t sent_revision) override {
    return absl::FailedPreconditionError(
        absl::StrCat("RESYNC after ", sent_revision, ", though it reads all the time"));
  }

  const std::string address_;
  Book& book_;
  const int number_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::thread thread_;
  mutable absl::Mutex mu_;
  int64_t revision_ ABSL_GUARDED_BY(mu_) = 0;
  client::WatchProtocol protocol_;  // the reading thread's, like what follows
  absl::flat_hash_map<std::string, uint64_t> state_;
  int resumes_ = 0, snapshots_ = 0;
  int64_t events_ = 0;
};

// One life of sasd.
class Life {
 public:
  Life(const Options& options, const std::string& folder) : address_("unix:" + folder + "/s") {
    const std::vector<std::string> argv = {
        options.sasd,      "--fabric",     options.fabric, "--state-dir",
        folder + "/state", "--listen",     address_,       "--log-level",
        "error",           "--log-events", "2000"};
    pid_ = fork();
    if (pid_ != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::vector<char*> arguments;
    for (const std::string& argument : argv) {
      arguments.push_back(const_cast<char*>(argument.c_str()));
    }
    arguments.push_back(nullptr);
    execv(arguments[0], arguments.data());
    perror(arguments[0]);
    _exit(127);
  }
  ~Life() { End(SIGTERM); }

  // Waits until sasd answers. False: it has ended.
  bool WaitForAnswer() {
    auto stub = sas::v1::NodeService::NewStub(Connect(address_));
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    context.set_deadline(absl::ToChronoTime(absl::Now() + kStartTimeout));
    sas::v1::GetNodeResponse response;
    const bool answered = stub->GetNode(&context, {}, &response).ok();
    if (answered) epoch_ = response.epoch();
    return answered;
  }
  const std::string& epoch() const { return epoch_; }

  void End(int signal) {
    if (pid_ <= 0) return;
    kill(pid_, signal);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  const std::string address_;
  std::string epoch_;
  pid_t pid_ = -1;
};

// Acts on the fabric until it is stopped.
class Storm {
 public:
  Storm(const std::string& address, uint32_t seed)
      : stub_(sas::emulator::v1::EmulatorService::NewStub(Connect(address))), random_(seed) {
    thread_ = std::thread([this] { Run(); });
  }
  ~Storm() {
    stop_.store(true);
    thread_.join();
  }

 private:
  template <typename Request, typename Response>
  bool Call(grpc::Status (sas::emulator::v1::EmulatorService::StubInterface::*method)(
                grpc::ClientContext*, const Request&, Response*),
            const Request& request) {
    grpc::ClientContext context;
    Response response;
    const grpc::Status status = (stub_.get()->*method)(&context, request, &response);
    return status.ok() || status.error_code() == grpc::StatusCode::FAILED_PRECONDITION;
  }

  std::vector<sas::emulator::v1::Element> List() {
    std::vector<sas::emulator::v1::Element> all;
    sas::emulator::v1::ListElementsRequest request;
    request.set_page_size(1000);
    // sasd has answered: to wait until it is ready would be to wait for one that was killed.
    grpc::ClientContext context;
    sas::emulator::v1::ListElementsResponse response;
    if (stub_->ListElements(&context, request, &response).ok()) {
      all.assign(response.elements().begin(), response.elements().end());
    }
    return all;
  }

  void Run() {
    using Service = sas::emulator::v1::EmulatorService::StubInterface;
    std::vector<std::string> devices, expanders;
    for (const auto& element : List()) {
      if (element.kind() == sas::emulator::v1::ELEMENT_KIND_DEVICE) devices.push_back(element.id());
      if (element.kind() == sas::emulator::v1::ELEMENT_KIND_EXPANDER) {
        expanders.push_back(element.id());
      }
    }
    if (devices.empty()) return;
    bool alive = true;
    while (alive && !stop_.load()) {
      const uint32_t dice = random_() % 100;
      if (dice < 8 && !expanders.empty()) {
        sas::emulator::v1::SetExpanderRequest request;
        request.set_element(expanders[random_() % expanders.size()]);
        request.set_present(random_() % 2 == 0);
        alive = Call(&Service::SetExpander, request);
      } else if (dice < 55) {
        sas::emulator::v1::PullRequest request;
        request.set_element(devices[random_() % devices.size()]);
        alive = Call(&Service::Pull, request);
      } else {
        sas::emulator::v1::InsertRequest request;
        request.set_element(devices[random_() % devices.size()]);
        alive = Call(&Service::Insert, request);
      }
    }
  }

  std::unique_ptr<sas::emulator::v1::EmulatorService::StubInterface> stub_;
  std::mt19937 random_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

bool WaitSettled(const std::string& address, int64_t* revision, Book& book) {
  auto stub = sas::v1::NodeService::NewStub(Connect(address));
  grpc::ClientContext context;
  context.set_wait_for_ready(true);
  context.set_deadline(absl::ToChronoTime(absl::Now() + kStartTimeout));
  sas::v1::WaitSettledResponse response;
  const grpc::Status status = stub->WaitSettled(&context, {}, &response);
  if (!status.ok()) book.Fail(absl::StrCat("not settled: ", status.error_message()));
  *revision = response.revision();
  return status.ok();
}

// The addresses of the end devices that the fabric has, and those that sasd shows.
void CompareWithFabric(const std::string& address, Book& book) {
  auto emulator = sas::emulator::v1::EmulatorService::NewStub(Connect(address));
  auto topology = sas::v1::TopologyService::NewStub(Connect(address));
  std::multiset<std::string> truth, shown;
  sas::v1::ListHostsResponse hosts;
  {
    grpc::ClientContext context;
    sas::v1::ListHostsRequest request;
    request.set_page_size(1000);
    topology->ListHosts(&context, request, &hosts);
  }
  for (const sas::v1::Host& host : hosts.hosts()) {
    grpc::ClientContext context;
    sas::emulator::v1::GetHostTruthRequest request;
    request.set_element(host.sas_address());
    sas::emulator::v1::GetHostTruthResponse response;
    const grpc::Status status = emulator->GetHostTruth(&context, request, &response);
    if (!status.ok()) book.Fail(absl::StrCat("no truth: ", status.error_message()));
    for (const auto& device : response.truth().devices()) {
      truth.insert(host.sas_address() + "/" + device.sas_address());
    }
  }
  std::string page;
  do {
    grpc::ClientContext context;
    sas::v1::ListEndDevicesRequest request;
    request.set_page_size(1000);
    request.set_page_token(page);
    sas::v1::ListEndDevicesResponse response;
    if (!topology->ListEndDevices(&context, request, &response).ok()) return book.Fail("no list");
    for (const sas::v1::EndDevice& device : response.end_devices()) {
      shown.insert(device.host().substr(6) + "/" + device.sas_address());
    }
    page = response.next_page_token();
  } while (!page.empty());
  if (truth != shown || truth.empty()) {
    book.Fail(absl::StrCat("the fabric has ", truth.size(), " end devices, sasd shows ",
                           shown.size(), " (or others)"));
  }
}

// A new client's state.
absl::flat_hash_map<std::string, uint64_t> FreshState(const std::string& address, Book& book) {
  Subscriber fresh(address, book, -1);
  fresh.Start();
  int64_t revision = 0;
  WaitSettled(address, &revision, book);
  if (!fresh.WaitForRevision(revision, kStartTimeout)) book.Fail("a new client gets no state");
  fresh.Stop();
  return fresh.state();
}

struct Listed {
  int64_t events = 0;
  int64_t jumps = 0;  // each is declared, or a failure
};

// Reads the whole history; every event that somebody saw must be there, with the same content.
Listed CompareHistory(const std::string& address, Book& book) {
  auto stub = sas::v1::HistoryService::NewStub(Connect(address));
  std::set<int64_t> listed;
  int64_t jumps = 0;
  sas::v1::Event whole;
  int64_t last = -1;
  std::string page;
  do {
    grpc::ClientContext context;
    sas::v1::ListEventsRequest request;
    request.set_page_size(1000);
    request.set_page_token(page);
    sas::v1::ListEventsResponse response;
    const grpc::Status status = stub->ListEvents(&context, request, &response);
    if (!status.ok()) {
      book.Fail(absl::StrCat("ListEvents: ", status.error_message()));
      break;
    }
    for (const sas::v1::Event& part : response.events()) {
      if (whole.revision() == part.revision()) {
        whole.mutable_changes()->MergeFrom(part.changes());
        whole.mutable_notices()->MergeFrom(part.notices());
      } else {
        whole = part;
      }
      if (part.continued()) continue;
      if (last >= 0) {
        const absl::Status follows = client::CheckFollows(whole, last);
        if (!follows.ok()) book.Fail(absl::StrCat("ListEvents: ", follows.message()));
        if (whole.revision() != last + 1) ++jumps;
      }
      last = whole.revision();
      listed.insert(last);
      book.See(whole);
      whole.Clear();
    }
    page = response.next_page_token();
  } while (!page.empty());
  for (const auto& [revision, content] : book.contents()) {
    if (listed.count(revision) == 0) {
      book.Fail(absl::StrCat("revision ", revision, " was received, ListEvents does not have it"));
    }
  }
  return {static_cast<int64_t>(listed.size()), jumps};
}

using Subscribers = std::vector<std::unique_ptr<Subscriber>>;

// What all comparisons found.
struct Compared {
  int64_t newest = 0;  // the newest revision
  Listed listed;
  int states = 0;  // of subscribers, resource by resource
};

// Starts sasd once more, without a storm, and compares everything: the node with the fabric, the
// history with what was received, each subscriber's state with a new one's.
void Compare(const Options& options, const std::string& folder, const Subscribers& subscribers,
             Book& book, Compared& compared) {
  const std::string address = "unix:" + folder + "/s";
  Life life(options, folder);
  for (const auto& subscriber : subscribers) subscriber->Start();
  if (!life.WaitForAnswer()) book.Fail("sasd does not start");
  if (!WaitSettled(address, &compared.newest, book)) {
    for (const auto& subscriber : subscribers) subscriber->Stop();
    return;
  }
  CompareWithFabric(address, book);
  compared.listed = CompareHistory(address, book);
  const auto fresh = FreshState(address, book);
  for (const auto& subscriber : subscribers) {
    if (!subscriber->WaitForRevision(compared.newest, kStartTimeout)) {
      book.Fail("a subscriber does not come to the newest revision");
    }
    subscriber->Stop();
    ++compared.states;
    if (subscriber->state() != fresh) {
      book.Fail(absl::StrCat("a subscriber ends with ", subscriber->state().size(),
                             " resources, a new one has ", fresh.size(), " (or others)"));
    }
  }
}

int Run(const Options& options) {
  char folder_name[] = "/tmp/sasd-kills.XXXXXX";
  if (mkdtemp(folder_name) == nullptr) {
    perror("mkdtemp");
    return 1;
  }
  const std::string folder = folder_name, address = "unix:" + folder + "/s";
  std::filesystem::create_directory(folder + "/state");
  std::cout << "seed " << options.seed << ", " << folder << std::endl;
  std::mt19937 random(options.seed);
  Book book;
  Subscribers subscribers;
  for (int i = 0; i < options.subscribers; ++i) {
    subscribers.push_back(std::make_unique<Subscriber>(address, book, i));
  }
  std::string epoch;
  Compared compared;
  int early = 0, done = 0;
  for (; done < options.kills && book.failure_count() == 0; ++done) {
    if (done > 0 && done % options.compare_every == 0) {
      Compare(options, folder, subscribers, book, compared);
      std::cout << done << " kills, newest revision " << compared.newest << std::endl;
    }
    Life life(options, folder);
    for (const auto& subscriber : subscribers) subscriber->Start();
    // One kill in four comes during the start, before sasd has compared or answered.
    if (random() % 4 == 0) {
      absl::SleepFor(absl::Milliseconds(random() % 120));
      ++early;
    } else if (life.WaitForAnswer()) {
      if (epoch.empty()) epoch = life.epoch();
      if (life.epoch() != epoch) book.Fail("the epoch changed");
      const Storm storm(address, random());
      absl::SleepFor(absl::Milliseconds(random() % 250));
      life.End(SIGKILL);
    } else {
      book.Fail("sasd does not start");
    }
    life.End(SIGKILL);
    for (const auto& subscriber : subscribers) subscriber->Stop();
  }

  Compare(options, folder, subscribers, book, compared);

  int64_t events = 0;
  int resumes = 0, snapshots = 0;
  for (const auto& subscriber : subscribers) {
    events += subscriber->events();
    resumes += subscriber->resumes();
    snapshots += subscriber->snapshots();
  }
  for (const std::string& failure : book.failures()) std::cout << "FAILED: " << failure << "\n";
  std::cout << done << " kills (" << early << " during the start), " << subscribers.size()
            << " subscribers, " << resumes << " resumes, " << snapshots << " snapshots\n"
            << events << " events received, " << book.contents().size()
            << " revisions seen, newest " << compared.newest << ", " << compared.listed.events
            << " in ListEvents, " << compared.listed.jumps << " jumps, each declared\n"
            << compared.states << " states of subscribers compared, " << book.failure_count()
            << " failures" << std::endl;
  if (book.failure_count() > 0) return 1;
  std::filesystem::remove_all(folder);
  return 0;
}

}  // namespace
}  // namespace sasd::testing

int main(int argc, char** argv) {
  sasd::testing::Options options;
  CLI::App app("Kills sasd in a storm, again and again, and checks what its journal promises.");
  app.add_option("--sasd", options.sasd, "The program")->required();
  app.add_option("--fabric", options.fabric, "Its fabric")->capture_default_str();
  app.add_option("--kills", options.kills, "Number of kills")->capture_default_str();
  app.add_option("--subscribers", options.subscribers, "Number of subscribers")
      ->capture_default_str();
  app.add_option("--compare-every", options.compare_every, "Kills between two comparisons")
      ->capture_default_str();
  app.add_option("--seed", options.seed, "Seed of the random choices")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  return sasd::testing::Run(options);
}
