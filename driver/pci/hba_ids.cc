#include "driver/pci/hba_ids.h"

namespace sasd::pci {
namespace {

constexpr absl::string_view kNone = "";
constexpr absl::string_view kSwitch = "it is the management port of a PCIe switch, not a SAS HBA";
constexpr absl::string_view kWarpDrive = "it is a WarpDrive: a disk of its own, not a SAS HBA";
// MPI26_MFGPAGE_DEVID_INVALID*: mpt3sas refuses these, too.
constexpr absl::string_view kTampered = "its chip reports that its firmware is invalid or tampered";

constexpr HbaId kIds[] = {
    {0x1000, 0x0070, "SAS2004", kNone},
    {0x1000, 0x0072, "SAS2008", kNone},
    {0x1000, 0x0074, "SAS2108", kNone},
    {0x1000, 0x0076, "SAS2108", kNone},
    {0x1000, 0x0077, "SAS2108", kNone},
    {0x1000, 0x0064, "SAS2116", kNone},
    {0x1000, 0x0065, "SAS2116", kNone},
    {0x1000, 0x0080, "SAS2208", kNone},
    {0x1000, 0x0081, "SAS2208", kNone},
    {0x1000, 0x0082, "SAS2208", kNone},
    {0x1000, 0x0083, "SAS2208", kNone},
    {0x1000, 0x0084, "SAS2208", kNone},
    {0x1000, 0x0085, "SAS2208", kNone},
    {0x1000, 0x0086, "SAS2308", kNone},
    {0x1000, 0x0087, "SAS2308", kNone},
    {0x1000, 0x006E, "SAS2308", kNone},
    {0x1000, 0x02B0, "Switch MPI endpoint", kSwitch},
    {0x1000, 0x02B1, "Switch MPI endpoint", kSwitch},
    {0x1000, 0x007E, "SSS6200", kWarpDrive},
    {0x1000, 0x0096, "SAS3004", kNone},
    {0x1000, 0x0097, "SAS3008", kNone},
    {0x1000, 0x0090, "SAS3108", kNone},
    {0x1000, 0x0091, "SAS3108", kNone},
    {0x1000, 0x0094, "SAS3108", kNone},
    {0x1000, 0x0095, "SAS3108", kNone},
    {0x1000, 0x00C9, "SAS3216", kNone},
    {0x1000, 0x00C4, "SAS3224", kNone},
    {0x1000, 0x00C5, "SAS3316", kNone},
    {0x1000, 0x00C6, "SAS3316", kNone},
    {0x1000, 0x00C7, "SAS3316", kNone},
    {0x1000, 0x00C8, "SAS3316", kNone},
    {0x1000, 0x00C0, "SAS3324", kNone},
    {0x1000, 0x00C1, "SAS3324", kNone},
    {0x1000, 0x00C2, "SAS3324", kNone},
    {0x1000, 0x00C3, "SAS3324", kNone},
    {0x1000, 0x00AD, "SAS3508", kNone},
    {0x1000, 0x00AE, "SAS3508", kNone},
    {0x1000, 0x00AF, "SAS3408", kNone},
    {0x1000, 0x00AA, "SAS3516", kNone},
    {0x1000, 0x00AB, "SAS3516", kNone},
    {0x1000, 0x00AC, "SAS3416", kNone},
    {0x1000, 0x00D1, "SAS3616", kNone},
    {0x1000, 0x00E1, "SAS3916", kNone},
    {0x1000, 0x00E2, "SAS3916", kNone},
    {0x1000, 0x00E0, "SAS3916", kTampered},
    {0x1000, 0x00E3, "SAS3916", kTampered},
    {0x1000, 0x00B2, "Atlas PCIe switch", kSwitch},
    {0x1000, 0x00E5, "SAS3816", kNone},
    {0x1000, 0x00E6, "SAS3816", kNone},
    {0x117C, 0x00E6, "SAS3816", kNone},
    {0x1000, 0x00E4, "SAS3816", kTampered},
    {0x1000, 0x00E7, "SAS3816", kTampered},
};

}  // namespace

absl::Span<const HbaId> HbaIds() { return kIds; }

const HbaId* FindHbaId(uint16_t vendor, uint16_t device) {
  for (const HbaId& id : kIds) {
    if (id.vendor == vendor && id.device == device) return &id;
  }
  return nullptr;
}

}  // namespace sasd::pci
