#include "driver/observation/keys.h"

#include "absl/strings/str_cat.h"

namespace sasd {

std::string ToText(EnclosureKey enclosure) {
  const std::string id = ToHex(SasAddress(enclosure.value()));
  return enclosure.copy() == 0 ? id : absl::StrCat(id, "-", enclosure.copy() + 1);
}

}  // namespace sasd
