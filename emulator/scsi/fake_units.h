#ifndef EMULATOR_SCSI_FAKE_UNITS_H_
#define EMULATOR_SCSI_FAKE_UNITS_H_

#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/str_format.h"
#include "absl/strings/string_view.h"
#include "driver/base/endian.h"
#include "driver/wire/test_bytes.h"
#include "emulator/fabric/fabric_loader.h"
#include "emulator/fabric/fabric_state.h"
#include "emulator/scsi/scsi_target.h"
#include "gtest/gtest.h"

namespace sasd::emulator::scsi {

using mpi::FromHex;

// The units of the fabric "judge", and commands to them in hexadecimal.
class UnitsTest : public testing::Test {
 protected:
  struct Answer {
    uint8_t status = 0;
    size_t transferred = 0;
    Bytes data;  // data received
    Bytes sense;
  };

  Unit Find(absl::string_view id, uint8_t port = 0) {
    const auto& devices = fabric_.spec().devices;
    for (uint32_t i = 0; i < devices.size(); ++i) {
      if (devices[i].id == id) return {fabric_, memory_, i, port};
    }
    ADD_FAILURE() << "no device " << id;
    return {fabric_, memory_, 0, 0};
  }

  static Answer Send(const Unit& unit, absl::string_view cdb, const Bytes& data_out = {},
                     size_t room = 4096, uint64_t lun = 0) {
    Bytes padded = FromHex(cdb);
    padded.resize(32);
    Answer answer;
    answer.data.assign(room, 0xEE);
    ScsiResult result = ExecuteScsi(unit, {lun, padded, data_out, absl::MakeSpan(answer.data)});
    answer.status = result.status;
    answer.transferred = result.transferred;
    if (data_out.empty()) answer.data.resize(result.transferred);
    answer.sense = std::move(result.sense);
    return answer;
  }

  // Sense key, code and qualifier in fixed format, as "05 24 00"; "good" without.
  static std::string SenseOf(const Answer& answer) {
    if (answer.status == 0) return answer.sense.empty() ? "good" : "good, with sense";
    if (answer.sense.size() != 18 || answer.sense[0] != 0x70) return "not in fixed format";
    return absl::StrFormat("%02x %02x %02x", answer.sense[2], answer.sense[12], answer.sense[13]);
  }

  // The drive has `count` logical units from now on.
  void SetLuns(absl::string_view id, uint8_t count) {
    FabricSpec spec = fabric_.spec();
    spec.models.push_back(Find(id).model());
    spec.models.back().lun_count = count;
    for (DeviceSpec& device : spec.devices) {
      if (device.id == id) device.model = static_cast<uint32_t>(spec.models.size() - 1);
    }
    fabric_ = FabricState(std::move(spec));
  }

  FabricState fabric_{*LoadFabric("judge")};
  UnitMemory memory_;
};

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_SCSI_FAKE_UNITS_H_
