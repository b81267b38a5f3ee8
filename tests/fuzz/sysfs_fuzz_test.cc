// Texts of sysfs and of uevents. Parsers accept any text, and texts for people are printable. A
// boot log of any text gives a machine or an error.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "driver/sysfs/attribute_text.h"
#include "driver/sysfs/real_layouts.h"
#include "driver/sysfs/sysfs_root.h"
#include "driver/sysfs/uevent.h"
#include "tests/fuzz/properties.h"

namespace sasd::sysfs {
namespace {

using fuzz::Check;

void CheckTexts(absl::string_view text) {
  const std::string printable = PrintableText(text);
  Check(std::all_of(printable.begin(), printable.end(), absl::ascii_isprint),
        "a printable text has no other characters");
  Check(PrintableText(printable) == printable, "a printable text stays as it is");
  Check(Trimmed(Trimmed(text)) == Trimmed(text), "a trimmed text stays as it is");
  if (const auto number = NumberOf(text)) {
    Check(NumberOf(absl::StrCat(*number)) == number, "a number survives its decimal text");
    Check(AddressOf(text).value() == *number, "an address is a number");
    Check(!NumberOf(text, 255) || *number <= 255, "a number is within its limit");
  }
  Check(!ToString(LinkRateOf(text)).empty(), "a rate has a text");
  (void)ProtocolsOf(text);
  (void)DeviceStateOf(text);
  (void)LunOfScsiName(text);
  (void)TrailingNumber(text);
  Check(!IsPciName(text) || text.size() >= 12,
        "the name of a PCI function has at least 12 characters");
  Check(!absl::StrContains(LastComponent(text), '/'), "a last component has no slash");
  Check(LocalAddress(text).value() >> 60 == 3, "a local address is of NAA 3");
  for (uint8_t page : {0x80, 0x83}) {
    Check(VpdPageOf(text, page).size() <= text.size(), "a VPD page is no longer than its file");
  }
}

// NaturalLess is a strict weak order, here of the three thirds of the text.
void CheckOrder(absl::string_view text) {
  const size_t third = text.size() / 3;
  const absl::string_view a = text.substr(0, third), b = text.substr(third, third),
                          c = text.substr(2 * third);
  Check(!NaturalLess(a, a), "nothing is less than itself");
  Check(!(NaturalLess(a, b) && NaturalLess(b, a)), "less is antisymmetric");
  Check(a == b || NaturalLess(a, b) || NaturalLess(b, a), "of two names, one is less");
  Check(!(NaturalLess(a, b) && NaturalLess(b, c)) || NaturalLess(a, c), "less is transitive");
}

void CheckLink(absl::string_view target) {
  const auto path = ResolveLink("class/sas_host", target);
  if (!path) return;
  for (absl::string_view name : absl::StrSplit(*path, '/')) {
    Check(name != ".." && name != ".", "a link does not leave the tree");
  }
  Check(!absl::StartsWith(*path, "/"), "a link leads below the root");
}

// The input is three lines: action, subsystem and path. It ends at a NUL, as libudev splits it.
void CheckUevent(absl::string_view text) {
  const std::vector<std::string> lines =
      absl::StrSplit(text.substr(0, text.find('\0')), absl::MaxSplits('\n', 2));
  if (lines.size() < 3) return;
  const Uevent uevent = {lines[0], lines[2], lines[1]};
  const UeventScope scope = ScopeOf(uevent);
  const bool named =
      scope.kind == UeventScope::Kind::kHost || scope.kind == UeventScope::Kind::kHolder;
  Check(named != scope.name.empty(), "only hosts and holders have a name");
  Check(absl::StrContains(uevent.devpath, scope.name), "a scope's name is part of the path");
  Check(!absl::StrContains(scope.name, '/'), "a name is one component");
  Check(!Describe(uevent).empty(), "a uevent has a text");
  Check(RankOf(uevent) >= 0, "a uevent has a rank");
}

void CheckBootLog(absl::string_view text) {
  const auto machine = MachineOfBootLog(std::string(text));
  if (!machine.ok()) return fuzz::CheckError(machine.status());
  Check(machine->size() == 1, "a boot log has one host");
}

}  // namespace
}  // namespace sasd::sysfs

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text = sasd::fuzz::TextOf({data, size});
  sasd::sysfs::CheckTexts(text);
  sasd::sysfs::CheckOrder(text);
  sasd::sysfs::CheckLink(text);
  sasd::sysfs::CheckUevent(text);
  sasd::sysfs::CheckBootLog(text);
  return 0;
}
