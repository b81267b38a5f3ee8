#include "driver/wire/scsi/default_identifiers.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace sasd::mpi {
namespace {

constexpr DefaultIdentifier kIdentifiers[] = {
    {"naa.5000000000000001", "SATA drives behind a USB enclosure, each with its own serial number",
     "https://github.com/lxc/incus-os/issues/1145"},
    {"naa.0000000000000000", "virtual and cheap disks without a name",
     "https://github.com/harvester/harvester/issues/6604"},
    {"eui.8ce38e0000000000", "all logical units of a KIOXIA THGJFJT1E45BATPC",
     "https://github.com/opensvc/multipath-tools/issues/142"},
};

constexpr DefaultIdentifier kSerials[] = {
    {"0123456789ABCDEF", "JMicron SATA bridges, for each of their disks",
     "https://github.com/openmediavault/openmediavault/issues/665"},
};

}  // namespace

absl::Span<const DefaultIdentifier> DefaultIdentifiers() { return kIdentifiers; }
absl::Span<const DefaultIdentifier> DefaultSerials() { return kSerials; }

bool IsDefaultIdentifier(absl::string_view id) {
  return std::any_of(std::begin(kIdentifiers), std::end(kIdentifiers),
                     [id](const DefaultIdentifier& known) { return known.id == id; });
}

bool IsDefaultSerial(absl::string_view serial) {
  const absl::string_view text = absl::StripAsciiWhitespace(serial);
  return std::any_of(
      std::begin(kSerials), std::end(kSerials),
      [text](const DefaultIdentifier& known) { return absl::EqualsIgnoreCase(known.id, text); });
}

}  // namespace sasd::mpi
