#include "driver/transport/pci_ioc/system/pci_files.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace sasd::pci_ioc {
namespace {

bool IsHex(absl::string_view text, size_t least, size_t most) {
  return text.size() >= least && text.size() <= most &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

std::string FolderOf(absl::string_view address) {
  return absl::StrCat("/sys/bus/pci/devices/", address);
}

bool IsPciAddress(absl::string_view text) {
  const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::ByAnyChar(":."));
  return parts.size() == 4 && IsHex(parts[0], 4, 8) && IsHex(parts[1], 2, 2) &&
         IsHex(parts[2], 2, 2) && IsHex(parts[3], 1, 1) && parts[3][0] <= '7' &&
         text[text.size() - 2] == '.' && std::count(text.begin(), text.end(), ':') == 2;
}

std::string LinkOf(SystemCalls& calls, absl::string_view address, absl::string_view name) {
  std::string target;
  if (calls.ReadLink(absl::StrCat(FolderOf(address), "/", name), target) < 0) return "";
  return target.substr(target.rfind('/') + 1);  // npos + 1 is 0
}

absl::Status CheckDriver(SystemCalls& calls, absl::string_view address, absl::string_view driver) {
  if (!IsPciAddress(address)) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", address, "\" is not a PCI address; write it as 0000:03:00.0"));
  }
  std::vector<std::string> names;
  if (calls.List(FolderOf(address), names) < 0) {
    return absl::NotFoundError(absl::StrCat("there is no PCI function ", address));
  }
  const std::string bound = LinkOf(calls, address, "driver");
  if (bound == driver) return absl::OkStatus();
  const std::string state = bound.empty() ? "has no driver" : absl::StrCat("is bound to ", bound);
  return absl::FailedPreconditionError(
      absl::StrCat(address, " ", state, "; sasd needs ", driver, ": sasd-hba take ", address));
}

absl::StatusOr<PciFunction> ReadFunction(absl::string_view address, const ReadConfigFn& read) {
  PciFunction function;
  function.address = std::string(address);
  function.vendor_id = static_cast<uint16_t>(read(0x00, 2));
  function.device_id = static_cast<uint16_t>(read(0x02, 2));
  function.revision = static_cast<uint8_t>(read(0x08, 1));
  function.subsystem_vendor_id = static_cast<uint16_t>(read(0x2C, 2));
  function.subsystem_id = static_cast<uint16_t>(read(0x2E, 2));
  if (function.vendor_id == 0xFFFF) {
    return absl::NotFoundError(absl::StrCat(address, " does not answer"));
  }
  return function;
}

// PCI Local Bus 3.0, 6.2.5.1: bit 0 is I/O; bits 2:1 are 10b for 64 bits, which take two BARs.
std::optional<int> FirstMemoryBar(const ReadConfigFn& read) {
  for (int bar = 0; bar < 6; ++bar) {
    const uint32_t value = read(0x10 + 4 * static_cast<uint32_t>(bar), 4);
    if ((value & 0x1) != 0) continue;
    const bool wide = (value & 0x6) == 0x4;
    const uint32_t high = wide && bar < 5 ? read(0x14 + 4 * static_cast<uint32_t>(bar), 4) : 0;
    if ((value & ~0xFu) != 0 || high != 0) return bar;
    if (wide) ++bar;
  }
  return std::nullopt;
}

absl::Status CallError(int negative_errno, absl::string_view what) {
  return absl::ErrnoToStatus(-negative_errno, what);
}

}  // namespace sasd::pci_ioc
