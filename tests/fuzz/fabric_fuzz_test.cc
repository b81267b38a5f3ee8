// A fabric file. Any text gives a fabric or an error that names the file. An accepted fabric is
// valid, its links have two ends, its elements are found by their ids, and an HBA starts on it.
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "driver/base/fake_clock.h"
#include "emulator/emulator.h"
#include "emulator/fabric/element_index.h"
#include "emulator/fabric/fabric_loader.h"
#include "emulator/fabric/fabric_state.h"
#include "emulator/fabric/fabric_text.h"
#include "emulator/fabric/fabric_validate.h"
#include "tests/fuzz/properties.h"

namespace sasd::emulator {
namespace {

using fuzz::Check;

// A larger fabric is slow and reaches no other code.
constexpr size_t kMaxDevices = 64;

void CheckLinks(const FabricState& state, NodeRef node) {
  for (int phy = 0; phy < state.phy_count(node); ++phy) {
    const PhyRef at = {node, static_cast<uint8_t>(phy)};
    const PhyLink link = state.Link(at);
    if (!link.node().valid()) continue;
    const PhyLink back = state.Link({link.node(), link.peer_phy});
    Check(back.node() == node && back.peer_phy == at.phy, "a link has two ends");
    Check(back.rate == link.rate, "both ends have one rate");
  }
}

void CheckElements(const FabricSpec& spec, absl::string_view text) {
  const ElementIndex index(spec);
  for (uint32_t i = 0; i < spec.hosts.size(); ++i) {
    const auto found = index.Find(spec.hosts[i].id);
    Check(found.ok() && found->kind == ElementKind::kHost && found->index == i,
          "a host is found by its id");
  }
  for (uint32_t i = 0; i < spec.devices.size(); ++i) {
    const auto found = index.Find(spec.devices[i].id);
    Check(found.ok() && found->kind == ElementKind::kDevice && found->index == i,
          "a device is found by its id");
  }
  for (uint32_t i = 0; i < spec.enclosures.size(); ++i) {
    (void)index.Find(spec.enclosures[i].id + "/0");
  }
  const auto found = index.Find(text.substr(0, 32));
  if (!found.ok()) fuzz::CheckError(found.status());
}

void CheckFabric(absl::string_view text) {
  constexpr char kOrigin[] = "fuzz.textproto";
  auto spec = ParseFabric(text, kOrigin);
  if (!spec.ok()) {
    return Check(absl::StrContains(spec.status().message(), kOrigin), "an error names the file");
  }
  Check(ValidateFabric(*spec).ok(), "an accepted fabric is valid");
  for (const ExpanderSpec& expander : spec->expanders) {
    for (PhyRouting routing : expander.routing) {
      Check(routing <= PhyRouting::kTable, "a phy's routing is a known value");
    }
  }
  if (spec->devices.size() > kMaxDevices) return;
  CheckElements(*spec, text);
  const FabricState state(*spec);
  for (uint32_t i = 0; i < spec->hosts.size(); ++i) CheckLinks(state, {true, i});
  for (uint32_t i = 0; i < spec->expanders.size(); ++i) CheckLinks(state, {false, i});
  FakeClock clock;
  const size_t hosts = spec->hosts.size();
  auto emulator = Emulator::Create(*std::move(spec), {}, clock);
  Check(emulator.ok(), "an HBA starts on the fabric");
  for (size_t i = 0; i < hosts; ++i) {
    Check((*emulator)->Truth(i).devices.size() <= 2 * kMaxDevices,
          "an HBA has at most twice the limit of devices");
  }
}

// Texts inside a fabric file. The input is a number of two bytes, then a pattern or size.
void CheckTexts(ByteSpan bytes) {
  if (bytes.size() < 2) return;
  const uint32_t number = LoadLe16(bytes, 0);
  const absl::string_view text = fuzz::TextOf(bytes.subspan(2));
  const auto expanded = ExpandPattern(text, number);
  if (expanded.ok())
    Check(expanded->size() <= text.size() + 20, "a pattern grows by at most 20 characters");
  if (!expanded.ok()) fuzz::CheckError(expanded.status());
  const uint32_t block = 1 + number % 8192;
  const auto size = ParseSize(text, block);
  if (size.ok()) Check(*size % block == 0, "a size is a multiple of the block");
  if (!size.ok()) fuzz::CheckError(size.status());
  (void)RateFromGbps(number / 10.0);
}

}  // namespace
}  // namespace sasd::emulator

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  sasd::emulator::CheckFabric(sasd::fuzz::TextOf({data, size}));
  sasd::emulator::CheckTexts({data, size});
  return 0;
}
