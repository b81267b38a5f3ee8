#ifndef EMULATOR_FABRIC_ELEMENT_INDEX_H_
#define EMULATOR_FABRIC_ELEMENT_INDEX_H_

#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "driver/base/sas_address.h"
#include "emulator/fabric/fabric.h"

namespace sasd::emulator {

struct ElementRef {
  ElementKind kind = ElementKind::kDevice;
  uint32_t index = 0;
};

// Finds elements by id, SAS address or logical id, or "enclosure/slot". Thread-compatible.
class ElementIndex {
 public:
  // Borrows the ids in `spec`, which must not move.
  explicit ElementIndex(const FabricSpec& spec);

  // Errors: kNotFound with the element's name and similar ones.
  absl::StatusOr<ElementRef> Find(absl::string_view element) const;

  bool HasAddress(SasAddress address) const { return by_address_.contains(address); }
  // The device has a new address.
  void ReplaceAddress(SasAddress before, SasAddress after, uint32_t device);

 private:
  absl::StatusOr<ElementRef> FindSlot(absl::string_view enclosure, absl::string_view slot,
                                      absl::string_view whole) const;
  absl::Status NotFound(absl::string_view element) const;

  const FabricSpec& spec_;
  absl::flat_hash_map<absl::string_view, ElementRef> by_id_;
  absl::flat_hash_map<SasAddress, ElementRef> by_address_;
};

}  // namespace sasd::emulator

#endif  // EMULATOR_FABRIC_ELEMENT_INDEX_H_
