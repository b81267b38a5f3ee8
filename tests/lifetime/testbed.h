#ifndef TESTS_LIFETIME_TESTBED_H_
#define TESTS_LIFETIME_TESTBED_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "driver/base/fake_clock.h"
#include "driver/device/device_table.h"
#include "driver/discovery/attacher.h"
#include "driver/discovery/hba.h"
#include "driver/wire/mpi/events.h"
#include "emulator/emulator.h"
#include "emulator/fabric/fabric_builder.h"
#include "gtest/gtest.h"
#include "tests/lifetime/recording_sink.h"
#include "tests/lifetime/recording_transport.h"

namespace sasd::lifetime {

// The two drives of the small fabric; the first has the lower handle, and the firmware gives out
// the lowest free one. Their expander.
inline constexpr char kDrive[] = "h0-x000-d000", kOther[] = "h0-x000-d001", kExpander[] = "h0-x000";

// For InjectDeviceStatus(): the firmware's internal reset of a device begins, and ends
// (mpi2_ioc.h, MPI2_EVENT_SAS_DEV_STAT_RC_*).
inline constexpr uint8_t kResetBegins = 0x08, kResetEnds = 0x0e;

// One expander with the two drives and its SES device.
emulator::SyntheticFabricOptions SmallFabric();

// Calls `f` in a thread of its own; ends the program if it does not return (`what` says why not),
// as a thread that hangs cannot be cleared away.
void MustReturn(const char* what, const std::function<void()>& f);

// The driver's steps in orders chosen by the test, on the virtual HBA: one thread, and time stands
// still. At a test's end the tables must be sound, what was told legal, and every reference
// returned.
class Testbed : public ::testing::Test {
 protected:
  void SetUp() override { Create(SmallFabric()); }
  void TearDown() override;

  // The emulator with this fabric, and on it an HBA whose discovery is done: drives wait for their
  // attach.
  void Create(const emulator::SyntheticFabricOptions& options);
  // In two steps.
  void CreateEmulator(const emulator::SyntheticFabricOptions& options);
  void CreateHba();  // not started
  // Ends it: nothing of it may be left.
  void StopHba();

  void RunWorker();
  void RunAttaches();
  void RunAll();

  // Takes a drive for its attach, and lets it be the only one under way.
  discovery::Attach BeginAttachOf(absl::string_view id);
  discovery::Attach BeginAttachOfDrive() { return BeginAttachOf(kDrive); }

  // Two events, the first of which is lost: from here on the driver knows that it lost one.
  void LoseAnEvent();
  // Until a walk that is due has read all devices; it reads the phys after them.
  void RunWalkPastDevices();

  // As it is now; it must be there.
  emulator::TruthDevice Truth(absl::string_view id) const;
  NodeKey KeyOf(const emulator::TruthDevice& device) const;
  NodeKey KeyOfExpander(absl::string_view id) const;
  const std::string& host_id() const { return host_id_; }

  // A topology change list with one entry: the phy that leads to the device.
  mpi::TopologyChangeList ListOf(const emulator::TruthDevice& device, mpi::PhyReason reason) const;
  // How many batches of this kind were told, since records were cleared.
  size_t BatchesOf(CauseKind kind) const;

  std::optional<DeviceState> StateOf(const emulator::TruthDevice& device) const;
  std::vector<std::string> Told(const emulator::TruthDevice& device) const;
  std::optional<DeviceState> State() const { return StateOf(drive_); }

  // Nothing is under way, and what was told is what the host can reach.
  void ExpectSettled() const;

  emulator::VirtualFabric& fabric() { return emulator_->fabric(); }
  emulator::EmulatedTransport& transport() { return emulator_->transport(0); }
  const device::DeviceTable& devices() const { return hba_->devices(); }

  FakeClock clock_;
  std::unique_ptr<emulator::Emulator> emulator_;
  std::unique_ptr<RecordingTransport> ioc_;
  std::unique_ptr<RecordingSink> sink_;
  std::unique_ptr<discovery::Hba> hba_;
  emulator::TruthDevice drive_, other_;  // as they were at first

 private:
  SasAddress host_;
  std::string host_id_;
};

}  // namespace sasd::lifetime

#endif  // TESTS_LIFETIME_TESTBED_H_
