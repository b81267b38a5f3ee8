// SMP. Every decoder returns a value or an error for any input, and a decoded value encodes. An
// expander and a host answer any frame within the longest response. After its action, each still
// answers the next frame.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "driver/base/endian.h"
#include "driver/wire/smp/smp.h"
#include "driver/wire/smp/smp_discover.h"
#include "driver/wire/smp/smp_expander.h"
#include "driver/wire/smp/smp_phy.h"
#include "driver/wire/smp/smp_route.h"
#include "emulator/fabric/fabric_builder.h"
#include "emulator/fabric/fabric_state.h"
#include "emulator/firmware/smp_target.h"
#include "tests/fuzz/properties.h"

namespace sasd {
namespace {

// Checks a codec of responses by its name.
#define RESPONSE(name) \
  fuzz::CheckCodec(mpi::Decode##name##Response, mpi::Encode##name##Response, bytes, #name)

void DecodeRequest(ByteSpan frame) {
  fuzz::CheckTextCodec(mpi::DecodeSmpRequest, mpi::EncodeSmpRequest, frame, "SMP request");
}

void DecodeAll(ByteSpan bytes) {
  DecodeRequest(bytes);
  RESPONSE(ReportGeneral);
  RESPONSE(ReportManufacturer);
  RESPONSE(ReportSelfConfigurationStatus);
  RESPONSE(Discover);
  RESPONSE(DiscoverList);
  RESPONSE(ReportPhyErrorLog);
  RESPONSE(ReportPhySata);
  RESPONSE(ReportPhyEvent);
  RESPONSE(ReportRouteInformation);
  RESPONSE(ReportExpanderRouteTableList);
}

// The input is frames, each after a byte with its length.
void AskAll(ByteSpan bytes) {
  emulator::SyntheticFabricOptions options;
  options.expanders_per_host = 10;  // two levels of expanders
  options.devices_per_expander = 3;
  options.sata_every = 2;
  emulator::FabricState fabric(emulator::SyntheticFabric(options));
  while (!bytes.empty()) {
    const size_t size = std::min<size_t>(bytes[0], bytes.size() - 1);
    const ByteSpan frame = bytes.subspan(1, size);
    bytes.remove_prefix(1 + size);
    DecodeRequest(frame);
    for (const emulator::NodeRef node : {emulator::NodeRef{true, 0}, emulator::NodeRef{false, 0}}) {
      const emulator::SmpAnswer answer = AnswerSmp(fabric, node, frame);
      if (answer.response.size() < 4 || answer.response.size() > mpi::kMaxSmpResponse) std::abort();
      DecodeAll(answer.response);
      std::vector<emulator::PhyRef> changed;
      if (answer.action) fabric.Act(*answer.action, changed);
    }
  }
}

}  // namespace
}  // namespace sasd

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sasd::DecodeAll(sasd::ByteSpan(data, size));
  sasd::AskAll(sasd::ByteSpan(data, size));
  return 0;
}
