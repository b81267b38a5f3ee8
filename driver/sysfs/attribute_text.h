#ifndef DRIVER_SYSFS_ATTRIBUTE_TEXT_H_
#define DRIVER_SYSFS_ATTRIBUTE_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"
#include "driver/base/endian.h"
#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "driver/observation/observation.h"

// What the text of sysfs attributes and names means (scsi_transport_sas.c, scsi_sysfs.c of Linux
// 6.1). Pure and total: any bytes give a value or "unknown".
namespace sasd::sysfs {

// The content up to the first NUL without blanks and line ends around it.
absl::string_view Trimmed(absl::string_view content);

// Trimmed, each byte that is not printable ASCII replaced by '?'.
std::string PrintableText(absl::string_view content);

// "0x500062b2047b51c4"; 0 if it is no address ("", "none", NULs).
SasAddress AddressOf(absl::string_view content);

// A decimal number without sign, or a hexadecimal one with "0x", of at most `limit`.
std::optional<uint64_t> NumberOf(absl::string_view content, uint64_t limit = UINT64_MAX);

// "12.0 Gbit", "Phy disabled", "Link Rate failed", "Spin-up hold"; kUnknown otherwise.
LinkRate LinkRateOf(absl::string_view content);

// "smp, stp, ssp" as bits of Protocols; words that are none are skipped.
uint8_t ProtocolsOf(absl::string_view content);

// The state of an end device whose SCSI device says "running", "blocked", "offline", ...
// (scsi_device_state_name). An unknown word counts as attached: the device is there.
DeviceState DeviceStateOf(absl::string_view content);

// The LUN of a SCSI device's name "11:0:8:0" as the 8-byte LUN, big-endian (int_to_scsilun in
// scsi_common.c); nullopt if it is no such name.
std::optional<uint64_t> LunOfScsiName(absl::string_view name);

// What follows the last '/' of a path; all of it if there is none.
absl::string_view LastComponent(absl::string_view path);

// True for a PCI function's name: "0000:03:00.0".
bool IsPciName(absl::string_view name);

// The number at the end of a sysfs name: 4 of "phy-11:0:4", 11 of "host11".
std::optional<uint64_t> TrailingNumber(absl::string_view name);

// Order by value where both names have a number at the same place: "phy-1:4" before "phy-1:10".
bool NaturalLess(absl::string_view a, absl::string_view b);

// A locally assigned address (NAA 3) that stands for an object that tells none: the same for the
// same text, and as good as certainly another for another.
SasAddress LocalAddress(absl::string_view text);

// The bytes of a VPD page `page` as read from its file. Undoes what the recorder `ttar` does to
// binary files (a NUL becomes "NULLBYTE", a byte that is not UTF-8 becomes U+FFFD). The page code
// is restored; empty if another byte is lost for good.
Bytes VpdPageOf(absl::string_view content, uint8_t page);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_ATTRIBUTE_TEXT_H_
