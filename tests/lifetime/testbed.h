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

// The two drives of the small fabric and their expander. The first drive has the lower handle; the
// firmware gives out the lowest free handle.
inline constexpr char kDrive[] = "h0-x000-d000", kOther[] = "h0-x000-d001", kExpander[] = "h0-x000";

// For InjectDeviceStatus(): the firmware's internal reset of a device begins, and ends
// (mpi2_ioc.h, MPI2_EVENT_SAS_DEV_STAT_RC_*).
inline constexpr uint8_t kResetBegins = 0x08, kResetEnds = 0x0e;

// One expander with the two drives and its SES device.
emulator::SyntheticFabricOptions SmallFabric();

// Calls `f` in its own thread. Ends the program with `what` if `f` does not return, because a
// hanging thread cannot be cleaned up.
void MustReturn(const char* what, const std::function<void()>& f);

// The test chooses the order of the driver's steps, on the virtual HBA: one thread, and time stands
// still. At the end of a test the tables must be sound, the reports legal, and every reference
// returned.
class Testbed : public ::testing::Test {
 protected:
  void SetUp() override { Create(SmallFabric()); }
  void TearDown() override;

  // Makes the emulator with this fabric and an HBA on it that has finished discovery: drives wait
  // for their attach.
  void Create(const emulator::SyntheticFabricOptions& options);
  // The same in two steps.
  void CreateEmulator(const emulator::SyntheticFabricOptions& options);
  void CreateHba();  // not started
  // Stops the HBA; nothing of it may be left.
  void StopHba();

  void RunWorker();
  void RunAttaches();
  void RunAll();

  // Takes a drive for its attach, and lets it be the only one under way.
  discovery::Attach BeginAttachOf(absl::string_view id);
  discovery::Attach BeginAttachOfDrive() { return BeginAttachOf(kDrive); }

  // Raises two events and loses the first: the driver knows then that it lost one.
  void LoseAnEvent();
  // Runs the worker until a due walk has read all devices; it reads the phys after them.
  void RunWalkPastDevices();

  // The current truth of a device, which must exist.
  emulator::TruthDevice Truth(absl::string_view id) const;
  NodeKey KeyOf(const emulator::TruthDevice& device) const;
  NodeKey KeyOfExpander(absl::string_view id) const;
  const std::string& host_id() const { return host_id_; }

  // A topology change list with one entry: the phy that leads to the device.
  mpi::TopologyChangeList ListOf(const emulator::TruthDevice& device, mpi::PhyReason reason) const;
  // The number of batches with this cause since records were cleared.
  size_t BatchesOf(CauseKind kind) const;

  std::optional<DeviceState> StateOf(const emulator::TruthDevice& device) const;
  std::vector<std::string> Reported(const emulator::TruthDevice& device) const;
  std::optional<DeviceState> State() const { return StateOf(drive_); }

  // Expects that no work is unfinished and that the reports equal what the host can reach.
  void ExpectSettled() const;

  emulator::VirtualFabric& fabric() { return emulator_->fabric(); }
  emulator::EmulatedTransport& transport() { return emulator_->transport(0); }
  const device::DeviceTable& devices() const { return hba_->devices(); }

  FakeClock clock_;
  std::unique_ptr<emulator::Emulator> emulator_;
  std::unique_ptr<RecordingTransport> ioc_;
  std::unique_ptr<RecordingSink> sink_;
  std::unique_ptr<discovery::Hba> hba_;
  emulator::TruthDevice drive_, other_;  // as at the beginning

 private:
  HostKey host_;
  std::string host_id_;
};

}  // namespace sasd::lifetime

#endif  // TESTS_LIFETIME_TESTBED_H_
