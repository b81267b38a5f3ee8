#include "tests/lifetime/testbed.h"

#include <algorithm>
#include <thread>  // NOLINT: owned threads
#include <utility>

#include "absl/base/internal/raw_logging.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "driver/wire/mpi/messages.h"

namespace sasd::lifetime {
namespace {

using discovery::Attach;
using discovery::Hba;

}  // namespace

emulator::SyntheticFabricOptions SmallFabric() {
  emulator::SyntheticFabricOptions options;
  options.expanders_per_host = 1;
  options.devices_per_expander = 2;
  return options;
}

void MustReturn(const char* what, const std::function<void()>& f) {
  absl::Notification done;
  std::thread thread([&] {
    f();
    done.Notify();
  });
  if (!done.WaitForNotificationWithTimeout(absl::Seconds(30))) {
    ABSL_RAW_LOG(FATAL, "%s", what);
  }
  thread.join();
}

void Testbed::Create(const emulator::SyntheticFabricOptions& options) {
  CreateEmulator(options);
  CreateHba();
  ASSERT_TRUE(hba_->Start().ok());
  RunWorker();
  drive_ = Truth(kDrive);
  other_ = Truth(kOther);
}

void Testbed::CreateEmulator(const emulator::SyntheticFabricOptions& options) {
  StopHba();
  auto emulator = emulator::Emulator::Create(emulator::SyntheticFabric(options), {}, clock_);
  ASSERT_TRUE(emulator.ok()) << emulator.status();
  emulator_ = *std::move(emulator);
  const emulator::HostTruth truth = emulator_->Truth(0);
  host_ = HostKey(truth.address);
  host_id_ = truth.id;
}

void Testbed::CreateHba() {
  StopHba();
  ioc_ = std::make_unique<RecordingTransport>(transport());
  sink_ = std::make_unique<RecordingSink>();
  hba_ = std::make_unique<Hba>(*ioc_, clock_, *sink_, [](Hba::Caller) {});
}

void Testbed::StopHba() {
  if (hba_ == nullptr) return;
  EXPECT_EQ(devices().CheckInvariants(), "");
  hba_->Stop();
  EXPECT_EQ(hba_->live_objects(), 0u);
  EXPECT_EQ(sink_->illegal(), "");
  hba_.reset();
}

void Testbed::TearDown() { StopHba(); }

void Testbed::RunWorker() {
  while (hba_->RunWorkerStep()) {
  }
}

void Testbed::RunAttaches() {
  while (hba_->RunAttachStep()) {
  }
}

void Testbed::RunAll() {
  do RunWorker();
  while (hba_->RunAttachStep());
}

Attach Testbed::BeginAttachOf(absl::string_view id) {
  const NodeKey key = KeyOf(Truth(id));
  while (true) {
    std::optional<Attach> attach = hba_->attacher().Begin();
    EXPECT_TRUE(attach.has_value()) << id << " does not wait for its attach";
    if (!attach.has_value()) return {};
    if (attach->ticket.device->key() == key) return *std::move(attach);
    hba_->attacher().RunCommands(*attach);
    hba_->attacher().Complete(*std::move(attach));
  }
}

void Testbed::LoseAnEvent() {
  ASSERT_TRUE(fabric().InjectFault(host_id_, emulator::FaultKind::kEventLost, 1).ok());
  ASSERT_TRUE(fabric().InjectLogEntry(host_id_, 0, "this one is lost").ok());
  ASSERT_TRUE(fabric().InjectLogEntry(host_id_, 0, "and this one reveals that").ok());
}

void Testbed::RunWalkPastDevices() {
  bool reads_phys = false;
  transport().SetRequestHook(
      mpi::Function::kConfig, [&reads_phys](ByteSpan frame) -> std::optional<mpi::IocStatus> {
        const mpi::PageHeader page = mpi::DecodeConfigRequest(frame)->page;
        reads_phys |= page.ext_type == mpi::ExtPageType::kSasExpander && page.number == 1;
        return std::nullopt;
      });
  while (!reads_phys) ASSERT_TRUE(hba_->RunWorkerStep());
  transport().SetRequestHook(mpi::Function::kConfig, {});
}

emulator::TruthDevice Testbed::Truth(absl::string_view id) const {
  for (const emulator::TruthDevice& device : emulator_->Truth(0).devices) {
    if (device.id == id) return device;
  }
  ADD_FAILURE() << id << " does not exist";
  return {};
}

NodeKey Testbed::KeyOf(const emulator::TruthDevice& device) const {
  return {host_, device.address, device.port};
}

NodeKey Testbed::KeyOfExpander(absl::string_view id) const {
  for (const emulator::TruthExpander& expander : emulator_->Truth(0).expanders) {
    if (expander.id == id) return {host_, expander.address, expander.port};
  }
  ADD_FAILURE() << id << " does not exist";
  return {};
}

mpi::TopologyChangeList Testbed::ListOf(const emulator::TruthDevice& device,
                                        mpi::PhyReason reason) const {
  mpi::TopologyChangeList list;
  for (const emulator::TruthExpander& expander : emulator_->Truth(0).expanders) {
    if (expander.address != device.parent) continue;
    list.expander_handle = expander.handle;
    list.phy_count = static_cast<uint8_t>(expander.phys.size());
  }
  list.start_phy = device.parent_phy;
  list.status = mpi::ExpanderStatus::kResponding;
  list.entries.push_back({device.handle, LinkRate::k12Gbps, LinkRate::kUnknown, reason, false});
  return list;
}

size_t Testbed::BatchesOf(CauseKind kind) const {
  const std::vector<ObservationBatch> batches = sink_->batches();
  return std::count_if(batches.begin(), batches.end(),
                       [kind](const ObservationBatch& batch) { return batch.cause.kind == kind; });
}

std::optional<DeviceState> Testbed::StateOf(const emulator::TruthDevice& device) const {
  return sink_->StateOf(KeyOf(device));
}

std::vector<std::string> Testbed::Reported(const emulator::TruthDevice& device) const {
  return sink_->Of(KeyOf(device));
}

void Testbed::ExpectSettled() const {
  EXPECT_EQ(hba_->Unfinished(), "");
  EXPECT_EQ(devices().CheckInvariants(), "");
  EXPECT_EQ(sink_->Differences(emulator_->Truth(0)), "");
}

}  // namespace sasd::lifetime
