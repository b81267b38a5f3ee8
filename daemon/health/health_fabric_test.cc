// Health on virtual HBAs: what the operator of a real fabric would see. Two HBAs, two JBODs in a
// cascade (emulator/fabrics/demo.textproto).
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/backend/virtual_backend.h"
#include "daemon/health/fake_node.h"
#include "driver/base/clock.h"
#include "driver/observation/observation.h"
#include "emulator/emulator.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::health {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Matcher;
using ::testing::Not;

// Passes observations on, and says when there are new ones. Thread-safe, as far as the other is.
class AnnouncedSink : public ObservationSink {
 public:
  explicit AnnouncedSink(ObservationSink& sink) : sink_(sink) {}

  void Observe(ObservationBatch batch) override {
    sink_.Observe(std::move(batch));
    Announce();
  }
  void Flush() override { sink_.Flush(); }
  void SetPending(bool pending) override {
    sink_.SetPending(pending);
    Announce();
  }

  int64_t count() const {
    absl::MutexLock lock(&mu_);
    return count_;
  }
  // Waits until there were more than `count`. False: not in time.
  bool AwaitMoreThan(int64_t count, absl::Time deadline) const {
    absl::MutexLock lock(&mu_);
    const auto is_more = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return count_ > count; };
    return mu_.AwaitWithDeadline(absl::Condition(&is_more), deadline);
  }

 private:
  void Announce() {
    absl::MutexLock lock(&mu_);
    ++count_;
  }

  ObservationSink& sink_;
  mutable absl::Mutex mu_;
  int64_t count_ ABSL_GUARDED_BY(mu_) = 0;
};

class HealthFabricTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto backend = StartVirtualBackend("demo", 1, SystemClock(), sink_);
    ASSERT_TRUE(backend.ok()) << backend.status();
    backend_ = *std::move(backend);
    Settle();
    ASSERT_THAT(node_.Problems(), IsEmpty());
    ASSERT_EQ(node_.Status(), HealthStatus::kOk);
  }

  emulator::VirtualFabric& fabric() { return backend_->emulator().fabric(); }

  void Settle() {
    ASSERT_TRUE(Await([this](int64_t committed) {
      return committed > 0 && node_.registry.revision() == committed;
    })) << "not settled";
  }

  // Waits for the events that bring these findings about.
  void Expect(const Matcher<const std::vector<std::string>&>& problems) {
    (void)Await([&](int64_t) { return problems.Matches(node_.Problems()); });
    EXPECT_THAT(node_.Problems(), problems);
  }

  // Publishes what comes until the node is settled and the condition holds. `is_so` gets the
  // revision that was committed before. False: not within 30 s.
  bool Await(absl::FunctionRef<bool(int64_t)> is_so) {
    const absl::Time deadline = absl::Now() + absl::Seconds(30);
    for (;;) {
      const int64_t count = sink_.count();
      const int64_t committed = node_.registry.committed_revision();
      node_.Pump();
      if (node_.registry.Unsettled({}).empty() && is_so(committed)) return true;
      if (!sink_.AwaitMoreThan(count, deadline)) return false;
    }
  }

  FakeNode node_;
  AnnouncedSink sink_{node_.registry};
  std::unique_ptr<VirtualBackend> backend_;
};

TEST_F(HealthFabricTest, PoweredOffJbodIsOneCriticalFinding) {
  ASSERT_TRUE(fabric().SetEnclosurePower("jbod2", false).ok());
  Expect(ElementsAre(AllOf(HasSubstr("3 ENCLOSURE_MISSING"), HasSubstr("5000ccab03002100"),
                           HasSubstr("12 drives lost a path, 12 lost all"))));
  EXPECT_EQ(node_.Status(), HealthStatus::kCritical);
  EXPECT_THAT(node_.Consequences(), Contains("EXPANDER_MISSING by ENCLOSURE_MISSING").Times(2));
  EXPECT_THAT(node_.Consequences(), Contains("DRIVE_MISSING by ENCLOSURE_MISSING").Times(12));
  EXPECT_THAT(node_.Consequences(), Contains("PORT_LOST by ENCLOSURE_MISSING").Times(2));
  ASSERT_TRUE(fabric().SetEnclosurePower("jbod2", true).ok());
  Expect(IsEmpty());
  EXPECT_EQ(node_.Status(), HealthStatus::kOk);
}

TEST_F(HealthFabricTest, JbodBehindAPoweredOffJbodFollowsFromIt) {
  ASSERT_TRUE(fabric().SetEnclosurePower("jbod1", false).ok());
  Expect(ElementsAre(AllOf(HasSubstr("3 ENCLOSURE_MISSING"), HasSubstr("5000ccab03001100"),
                           HasSubstr("35 drives lost a path, 35 lost all"))));
  EXPECT_THAT(node_.Consequences(), Contains("ENCLOSURE_MISSING by ENCLOSURE_MISSING"));
  ASSERT_TRUE(fabric().SetEnclosurePower("jbod1", true).ok());
  Expect(IsEmpty());
}

TEST_F(HealthFabricTest, LostExpanderNamesItsPortAndCountsDrives) {
  ASSERT_TRUE(fabric().SetExpander("jbod1-b", false).ok());
  Expect(ElementsAre(AllOf(HasSubstr("3 EXPANDER_MISSING expander 5000ccab030011bf"),
                           HasSubstr("behind port of host 500605b00ab05670 (phys 0 to 3)"),
                           HasSubstr("31 drives lost a path, none lost all"))));
  EXPECT_THAT(node_.Consequences(), Contains("SINGLE_PATH by EXPANDER_MISSING").Times(31));
  EXPECT_THAT(node_.Consequences(), Each(HasSubstr("by EXPANDER_MISSING")));
  ASSERT_TRUE(fabric().SetExpander("jbod1-b", true).ok());
  Expect(IsEmpty());
}

TEST_F(HealthFabricTest, OneLaneOfFourWarnsAndFourAreCritical) {
  ASSERT_TRUE(fabric().SetPhy("hba1", 0, false).ok());
  Expect(ElementsAre(AllOf(HasSubstr("2 NARROW_PORT"), HasSubstr("3 of 4 phys"))));
  EXPECT_EQ(node_.Status(), HealthStatus::kWarning);
  for (uint32_t phy = 1; phy < 4; ++phy) ASSERT_TRUE(fabric().SetPhy("hba1", phy, false).ok());
  Expect(ElementsAre(AllOf(HasSubstr("3 EXPANDER_MISSING"), HasSubstr("phys 0 to 3"))));
  EXPECT_EQ(node_.Status(), HealthStatus::kCritical);
  EXPECT_THAT(node_.Consequences(), Contains("PORT_LOST by EXPANDER_MISSING"));
  ASSERT_TRUE(fabric().SetPhy("hba1", 0, true).ok());
  Expect(ElementsAre(AllOf(HasSubstr("2 NARROW_PORT"), HasSubstr("1 of 4 phys"))));
  for (uint32_t phy = 1; phy < 4; ++phy) ASSERT_TRUE(fabric().SetPhy("hba1", phy, true).ok());
  Expect(IsEmpty());
}

TEST_F(HealthFabricTest, PulledDualPortedDriveIsOneMissingDrive) {
  ASSERT_TRUE(fabric().Pull("jbod1/3").ok());
  Expect(ElementsAre(
      AllOf(HasSubstr("3 DRIVE_MISSING"), HasSubstr("in slot 3"), HasSubstr("not responding"))));
  EXPECT_THAT(node_.Consequences(),
              ElementsAre("PATH_MISSING by DRIVE_MISSING", "PATH_MISSING by DRIVE_MISSING"));
  ASSERT_TRUE(fabric().Insert("jbod1/3").ok());
  Expect(IsEmpty());
  EXPECT_THAT(node_.notices, IsEmpty());
}

TEST_F(HealthFabricTest, AnotherDriveInTheSlotReplacesTheMissingOne) {
  ASSERT_TRUE(fabric().Pull("jbod1/3").ok());
  Expect(ElementsAre(HasSubstr("3 DRIVE_MISSING")));
  ASSERT_TRUE(fabric().Insert("jbod1/3", "NEWSERIAL1").ok());
  Expect(IsEmpty());
  EXPECT_THAT(node_.notices, ElementsAre(AllOf(HasSubstr("DRIVE_REPLACED slot 3 of enclosure"),
                                               HasSubstr("was replaced by NEWSERIAL1"))));
}

TEST_F(HealthFabricTest, SataDriveIsReplacedAtTheSameAddress) {
  ASSERT_TRUE(fabric().Pull("jbod2/9").ok());
  Expect(ElementsAre(HasSubstr("3 DRIVE_MISSING")));
  ASSERT_TRUE(fabric().Insert("jbod2/9", "NEWSERIAL2").ok());
  Expect(IsEmpty());
  EXPECT_THAT(node_.notices, ElementsAre(HasSubstr("was replaced by NEWSERIAL2")));
}

TEST_F(HealthFabricTest, LostPathOfADriveIsAWarning) {
  // Phy 5 of jbod1-a leads to the drive in slot 5.
  ASSERT_TRUE(fabric().SetPhy("jbod1-a", 5, false).ok());
  Expect(ElementsAre(AllOf(HasSubstr("2 PATH_MISSING"), HasSubstr("host 500605b00ab01230"),
                           HasSubstr("port of expander 5000ccab0300113f (phy 5)"))));
  EXPECT_THAT(node_.Consequences(), ElementsAre("SINGLE_PATH by PATH_MISSING"));
  EXPECT_EQ(node_.Status(), HealthStatus::kWarning);
  ASSERT_TRUE(fabric().SetPhy("jbod1-b", 5, false).ok());
  Expect(ElementsAre(HasSubstr("3 DRIVE_MISSING")));
  EXPECT_THAT(node_.Consequences(), Not(Contains(HasSubstr("SINGLE_PATH"))));
  ASSERT_TRUE(fabric().SetPhy("jbod1-a", 5, true).ok());
  ASSERT_TRUE(fabric().SetPhy("jbod1-b", 5, true).ok());
  Expect(IsEmpty());
}

TEST_F(HealthFabricTest, ResetHostLosesNothing) {
  ASSERT_TRUE(fabric().ResetHost("hba0").ok());
  Expect(IsEmpty());
  EXPECT_THAT(node_.baseline.View().missing, IsEmpty());
}

}  // namespace
}  // namespace sasd::health
