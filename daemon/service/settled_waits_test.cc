#include "daemon/service/settled_waits.h"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "daemon/registry/fake_facts.h"
#include "daemon/registry/registry.h"
#include "daemon/watch/encoded_event.h"
#include "daemon/watch/publisher.h"
#include "daemon/watch/watch_log.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

using registry::HostOf;
using registry::kHostA;
using registry::kHostB;
using registry::Settled;

class NoBytes : public watch::RegistryEventEncoder {
 public:
  watch::EncodedBytes Encode(const registry::RegistryEvent& event) override {
    watch::EncodedBytes encoded;
    encoded.piece_ends.assign(event.changes.size() + event.notices.size(), 0);
    return encoded;
  }
};

class Waiter : public SettledWaiter {
 public:
  explicit Waiter(std::vector<registry::Host::Key> hosts) : hosts_(std::move(hosts)) {}
  const std::vector<registry::Host::Key>& hosts() const override {
    ++looks;
    return hosts_;
  }
  void OnSettled(const registry::Topology& topology) override {
    ++settled;
    revision = topology.revision();
  }

  mutable int looks = 0;  // how often anybody looked at its hosts
  int settled = 0;
  int64_t revision = 0;

 private:
  const std::vector<registry::Host::Key> hosts_;
};

class SettledWaitsTest : public ::testing::Test {
 protected:
  SettledWaitsTest() {
    Observe({HostOf(kHostA), Discovering(kHostA), HostOf(kHostB), Discovering(kHostB)});
  }

  static DiscoveryFacts Discovering(registry::Host::Key host) {
    DiscoveryFacts facts = Settled(host);
    facts.state = DiscoveryState::kInProgress;
    return facts;
  }

  void Observe(std::vector<Observation> observations, registry::Host::Key host = kHostA) {
    registry_.Observe(registry::Batch(std::move(observations), host));
    while (publisher_.PublishOnce()) {
    }
  }

  std::shared_ptr<Waiter> Add(std::vector<registry::Host::Key> hosts) {
    auto waiter = std::make_shared<Waiter>(std::move(hosts));
    EXPECT_TRUE(waits_->Add(waiter));
    return waiter;
  }

  // Runs what shall run soon.
  void RunSoon() {
    for (const auto& function : std::exchange(soon_, {})) function();
  }

  registry::Registry registry_{{"00000000000000aa", 0}};
  watch::WatchLog log_{registry_};
  NoBytes encoder_;
  watch::Publisher publisher_{log_, encoder_};
  std::vector<std::function<void()>> soon_;
  std::shared_ptr<SettledWaits> waits_ = std::make_shared<SettledWaits>(
      registry_, log_,
      [this](std::function<void()> function) { soon_.push_back(std::move(function)); });
};

TEST_F(SettledWaitsTest, WaiterLearnsThatItsHostSettled) {
  const auto waiter = Add({kHostA});
  Observe({Settled(kHostB)}, kHostB);
  RunSoon();
  EXPECT_EQ(waiter->settled, 0);
  Observe({Settled(kHostA)});
  RunSoon();
  EXPECT_EQ(waiter->settled, 1);
  EXPECT_EQ(waiter->revision, registry_.revision());
  EXPECT_EQ(waits_->size(), 0u);
}

TEST_F(SettledWaitsTest, WaiterForSeveralHostsWaitsForEach) {
  const auto waiter = Add({kHostA, kHostB}), all = Add({});
  Observe({Settled(kHostA)});
  RunSoon();
  EXPECT_EQ(waiter->settled + all->settled, 0);
  Observe({Discovering(kHostA)});
  Observe({Settled(kHostB)}, kHostB);
  RunSoon();
  EXPECT_EQ(waiter->settled + all->settled, 0) << "host A is not settled any more";
  Observe({Settled(kHostA)});
  RunSoon();
  EXPECT_EQ(waiter->settled, 1);
  EXPECT_EQ(all->settled, 1);
}

TEST_F(SettledWaitsTest, SettledHostsAreAnsweredAtOnce) {
  Observe({Settled(kHostA)});
  EXPECT_EQ(Add({kHostA})->settled, 1);
  EXPECT_EQ(waits_->size(), 0u);
  EXPECT_EQ(log_.stats().subscribers, 0);
}

TEST_F(SettledWaitsTest, AHostThatIsGoneHoldsUpOnlyThoseThatNameIt) {
  const auto named = Add({kHostB}), all = Add({});
  Observe({Settled(kHostA)});
  Observe({HostGone{kHostB}}, kHostB);
  RunSoon();
  EXPECT_EQ(named->settled, 0);
  EXPECT_EQ(all->settled, 1);
}

TEST_F(SettledWaitsTest, UeventsThatArePendingAreWaitedFor) {
  registry_.SetPending(true);
  Observe({Settled(kHostA), Settled(kHostB)});
  const auto waiter = Add({kHostA});
  EXPECT_EQ(waiter->settled, 0);
  registry_.SetPending(false);
  log_.WakeAll();  // as the pump does
  RunSoon();
  EXPECT_EQ(waiter->settled, 1);
}

TEST_F(SettledWaitsTest, EventsOfADiscoveryLookAtNoWaiter) {
  std::vector<std::shared_ptr<Waiter>> waiters;
  for (int i = 0; i < 1000; ++i) waiters.push_back(Add({kHostA}));
  EXPECT_EQ(log_.stats().subscribers, 1) << "one for all";
  for (const auto& waiter : waiters) waiter->looks = 0;
  for (uint64_t i = 0; i < 100; ++i) Observe({registry::Drive(kHostA, 0x100 + i)});
  for (const auto& waiter : waiters) ASSERT_EQ(waiter->looks, 0);
  Observe({Settled(kHostA)});
  EXPECT_EQ(soon_.size(), 1u) << "all are answered elsewhere, at once";
  for (const auto& waiter : waiters) ASSERT_EQ(waiter->settled, 0);
  RunSoon();
  for (const auto& waiter : waiters) ASSERT_EQ(waiter->settled, 1);
}

TEST_F(SettledWaitsTest, RemovedWaitersAreForgotten) {
  const auto kept = Add({kHostA}), removed = Add({kHostA}), of_all = Add({});
  waits_->Remove(removed.get());
  waits_->Remove(of_all.get());
  waits_->Remove(of_all.get());
  EXPECT_EQ(removed.use_count(), 1);
  Observe({Settled(kHostA), Settled(kHostB)});
  RunSoon();
  EXPECT_EQ(kept->settled, 1);
  EXPECT_EQ(removed->settled + of_all->settled, 0);
  EXPECT_EQ(log_.stats().subscribers, 0);
}

TEST_F(SettledWaitsTest, WaitersOfALaterDiscoveryAreAnsweredToo) {
  const auto first = Add({kHostA});
  Observe({Settled(kHostA)});
  Observe({Discovering(kHostA)});
  const auto second = Add({kHostA});
  Observe({Settled(kHostA)});
  EXPECT_EQ(soon_.size(), 1u) << "the function that runs takes them along";
  RunSoon();
  EXPECT_EQ(first->settled, 1);
  EXPECT_EQ(second->settled, 1);
  EXPECT_LT(first->revision, second->revision);
  Observe({Discovering(kHostA)});
  const auto third = Add({kHostA});
  Observe({Settled(kHostA)});
  RunSoon();
  EXPECT_EQ(third->settled, 1);
}

TEST_F(SettledWaitsTest, ClosedTakesNoMore) {
  const auto waiter = Add({kHostA});
  EXPECT_EQ(waits_->Close().size(), 1u);
  EXPECT_FALSE(waits_->Add(std::make_shared<Waiter>(std::vector<registry::Host::Key>{})));
  waits_->Remove(waiter.get());
}

}  // namespace
}  // namespace sasd::service
