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

}  // namespace sasd::emulator
