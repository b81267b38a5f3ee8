#include "emulator/fabric/fabric.h"

namespace sasd::emulator {

const char* ToString(ElementKind kind) {
  switch (kind) {
    case ElementKind::kHost:
      return "host";
    case ElementKind::kExpander:
      return "expander";
    case ElementKind::kDevice:
      return "device";
    case ElementKind::kEnclosure:
      return "enclosure";
  }
  return "element";
}

SasAddress StpAddress(SasAddress expander, uint8_t phy) {
  return SasAddress((expander.value() & ~uint64_t{0x7F}) + phy);
}

Bytes UnitNaa(SasAddress name, const DeviceModel& model, uint8_t lun) {
  constexpr size_t kRegistered = 8, kRegisteredExtended = 16, kLunAt = 9;
  constexpr uint8_t kExtendedNaa = 0x60;
  Bytes naa(kRegistered);
  StoreBe64(absl::MakeSpan(naa), 0, name.value());
  if (model.lun_count == 1) return naa;
  naa.resize(kRegisteredExtended);
  naa[0] = static_cast<uint8_t>(kExtendedNaa | (naa[0] & 0x0F));
  naa[kLunAt] = lun;
  return naa;
}

}  // namespace sasd::emulator
