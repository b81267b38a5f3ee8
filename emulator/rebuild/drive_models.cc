#include "emulator/rebuild/drive_models.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "driver/base/endian.h"
#include "emulator/fabric/fabric.h"

namespace sasd::emulator {

bool IsSata(const EndDeviceFacts& facts) {
  const uint8_t target = facts.protocols.target;
  return (target & (Protocols::kSata | Protocols::kStp)) != 0 && (target & Protocols::kSsp) == 0;
}

std::optional<SasAddress> UnitName(const LogicalUnitFacts& unit) {
  std::string hex(absl::StripPrefix(unit.wwid, "naa."));
  // Several units: NAA 6, the rest of the device's name, the LUN (UnitNaa()).
  if (hex.size() == 32 && hex[0] == '6') hex = "5" + hex.substr(1, 15);
  const absl::StatusOr<SasAddress> name = ParseSasAddress(hex);
  if (!name.ok() || hex.size() != 16) return std::nullopt;
  return *name;
}

void NoteWwid(const EndDeviceFacts& facts, const LogicalUnitFacts& unit,
              const std::string& virtual_wwid, RebuildNotes& notes) {
  const std::string& shown = unit.wwid.empty() ? unit.rejected_wwid : unit.wwid;
  if (shown == virtual_wwid) return;
  notes.Add(facts.os_name, "unit ", unit.scsi_address, " has ",
            shown.empty() ? "no wwid" : absl::StrCat("the wwid \"", shown, "\""),
            "; the virtual one has ", virtual_wwid);
}

std::string DriveModels::IdOf(const EndDeviceFacts& facts,
                              const std::vector<const LogicalUnitFacts*>& units, LinkRate rate,
                              SasAddress name) {
  const bool sata = IsSata(facts);
  Model model;
  model.set_protocol(sata ? SATA : SAS);
  SetUnits(facts, units, name, model);
  if (!units.empty()) {
    const LogicalUnitFacts& unit = *units[0];
    const std::string vendor = notes_.Fit(facts.os_name, "vendor", unit.vendor, 8);
    if (!sata || vendor != "ATA") model.set_vendor(vendor);
    model.set_product(notes_.Fit(facts.os_name, "model", unit.model, 16));
    model.set_revision(notes_.Fit(facts.os_name, "revision", unit.revision, 4));
  }
  SetRate(facts, rate, model);
  return Intern(std::move(model));
}

// The size, and the number of units.
void DriveModels::SetUnits(const EndDeviceFacts& facts,
                           const std::vector<const LogicalUnitFacts*>& units, SasAddress name,
                           Model& model) {
  DeviceModel virtual_model;
  uint64_t size = 0;
  for (const LogicalUnitFacts* unit : units) {
    const uint64_t lun = unit->lun >> 48;
    if (lun >= kMaxLuns || (model.protocol() == SATA && lun > 0) || unit->lun != lun << 48) {
      notes_.Add(facts.os_name, "unit ", unit->scsi_address,
                 " has a LUN that a fabric cannot have");
      continue;
    }
    virtual_model.lun_count =
        std::max<uint8_t>(virtual_model.lun_count, static_cast<uint8_t>(lun + 1));
    if (size != 0 && unit->size_bytes != size) {
      notes_.Add(facts.os_name, "unit ", unit->scsi_address, " has ", unit->size_bytes,
                 " bytes; the fabric has the ", size, " of the first unit");
    }
    if (size == 0) size = unit->size_bytes;
  }
  for (const LogicalUnitFacts* unit : units) {
    const Bytes naa = UnitNaa(name, virtual_model, static_cast<uint8_t>(unit->lun >> 48));
    std::string hex;
    for (const uint8_t byte : naa) absl::StrAppend(&hex, absl::Hex(byte, absl::kZeroPad2));
    NoteWwid(facts, *unit, absl::StrCat("naa.", hex), notes_);
  }
  if (size == 0) {
    notes_.Add(facts.os_name, "the tree does not show its size; the fabric has 1 GB");
    size = 1'000'000'000 / 512 * 512;
  }
  model.set_size(absl::StrCat(size));
  if (virtual_model.lun_count > 1) model.set_luns(virtual_model.lun_count);
}

void DriveModels::SetRate(const EndDeviceFacts& facts, LinkRate rate, Model& model) {
  const LinkRate usual = model.protocol() == SATA ? LinkRate::k6Gbps : LinkRate::k12Gbps;
  if (!IsLinkUp(rate)) {
    notes_.Add(facts.os_name, "the tree does not show its link rate; the virtual drive has up to ",
               std::string(ToString(usual)));
  } else if (rate != usual) {
    model.set_rate_gbps(Gbps(rate));
  }
}

std::string DriveModels::Intern(Model model) {
  const std::string text = model.SerializeAsString();
  const auto known = known_.find(text);
  if (known != known_.end()) return known->second;
  std::string id;
  for (const char c : model.product()) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(c))) id.push_back(c);
    if (c == ' ' && !id.empty() && id.back() != '-') id.push_back('-');
  }
  if (id.empty()) id = "drive";
  std::string unique = id;
  for (int n = 2; !ids_.insert(unique).second; ++n) unique = absl::StrCat(id, "-", n);
  model.set_id(unique);
  *fabric_.add_model() = std::move(model);
  known_[text] = unique;
  return unique;
}

}  // namespace sasd::emulator
