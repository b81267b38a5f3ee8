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

// The meaning of sysfs attributes' texts and of sysfs names (scsi_transport_sas.c, scsi_sysfs.c of
// Linux 6.1). Pure and total: any bytes give a value or "unknown".
namespace sasd::sysfs {

// The content up to the first NUL, without leading and trailing blanks and line ends.
absl::string_view Trimmed(absl::string_view content);

// As Trimmed(), with '?' for each byte that is not printable ASCII.
std::string PrintableText(absl::string_view content);

// The address in a text such as "0x500062b2047b51c4"; 0 for other texts ("", "none", NULs).
SasAddress AddressOf(absl::string_view content);

// A decimal number without a sign, or a hexadecimal number with "0x"; at most `limit`.
std::optional<uint64_t> NumberOf(absl::string_view content, uint64_t limit = UINT64_MAX);

// The rate of "12.0 Gbit", "Phy disabled", "Link Rate failed", "Spin-up hold"; kUnknown otherwise.
LinkRate LinkRateOf(absl::string_view content);

// "smp, stp, ssp" as bits of Protocols. Skips other words.
uint8_t ProtocolsOf(absl::string_view content);

// The state of an end device whose SCSI device says "running", "blocked", "offline", ...
// (scsi_device_state_name). An unknown word counts as attached, for the device exists.
DeviceState DeviceStateOf(absl::string_view content);

// A drive's place as hpsa and smartpqi report it in path_info.
struct PathPlace {
  std::string connector;       // "1I": the port of the controller; empty: not reported
  std::optional<uint8_t> box;  // the enclosure at that port; nullopt: not reported
  std::optional<uint8_t> bay;  // in the box
};

// The place in a text such as "[1:0:2:0]       Direct-Access PORT: 1I BOX: 1 BAY: 3 Active\n", one
// line per path (hpsa.c, path_info_show). Takes the line of the active path, or the first one.
// Nothing is set for other texts: RAID volumes have no place.
PathPlace PathPlaceOf(absl::string_view content);

// The place without its bay, for people: "PORT 1I BOX 1".
std::string BoxName(const PathPlace& place);

// Whether INQUIRY data has the bit ENCSERV (SPC, byte 6, bit 6): without it the ses driver makes no
// enclosure of the device (scsi_device_enclosure()). nullopt: the data is too short.
std::optional<bool> EnclosureServicesOf(absl::string_view inquiry);

// The LUN of a SCSI device's name "11:0:8:0" as the 8-byte LUN, big-endian (int_to_scsilun in
// scsi_common.c); nullopt for other names.
std::optional<uint64_t> LunOfScsiName(absl::string_view name);

// The part of a path after the last '/'; the whole path if it has none.
absl::string_view LastComponent(absl::string_view path);

// True for the name of a PCI function: "0000:03:00.0".
bool IsPciName(absl::string_view name);

// The number at the end of a sysfs name: 4 of "phy-11:0:4", 11 of "host11".
std::optional<uint64_t> TrailingNumber(absl::string_view name);

// Natural order: numbers at the same place of both names order by value, so "phy-1:4" is before
// "phy-1:10".
bool NaturalLess(absl::string_view a, absl::string_view b);

// A locally assigned address (NAA 3) for an object that reports none. The same text gives the same
// address. Different texts almost certainly give different ones.
SasAddress LocalAddress(absl::string_view text);

// The bytes of VPD page `page`, from its file's content. Undoes the changes that the recorder
// `ttar` makes to binary files (a NUL becomes "NULLBYTE", a byte that is not UTF-8 becomes U+FFFD).
// Restores the page code. Empty if another byte is lost for good.
Bytes VpdPageOf(absl::string_view content, uint8_t page);

}  // namespace sasd::sysfs

#endif  // DRIVER_SYSFS_ATTRIBUTE_TEXT_H_
