#include "cli/output/nouns.h"

#include <array>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "rpc/did_you_mean.h"

namespace sasd::cli {
namespace {

using sas::v1::RESOURCE_KIND_ENCLOSURE;
using sas::v1::RESOURCE_KIND_END_DEVICE;
using sas::v1::RESOURCE_KIND_EXPANDER;
using sas::v1::RESOURCE_KIND_HOST;
using sas::v1::RESOURCE_KIND_LOGICAL_UNIT;
using sas::v1::RESOURCE_KIND_PHY;
using sas::v1::RESOURCE_KIND_PORT;
using sas::v1::RESOURCE_KIND_SLOT;

// SPC-5: disk, rbc-disk, zbc-disk.
constexpr std::array<uint32_t, 3> kDriveTypes = {0x00, 0x0e, 0x14};

std::vector<Noun> MakeNouns() {
  return {
      {"hosts", "host", {"hba", "hbas"}, RESOURCE_KIND_HOST, "SAS host bus adapters", {}},
      {"phys", "phy", {}, RESOURCE_KIND_PHY, "phys of hosts and expanders", {}},
      {"ports", "port", {"links", "link"}, RESOURCE_KIND_PORT, "narrow and wide links", {}},
      {"expanders", "expander", {"exp"}, RESOURCE_KIND_EXPANDER, "expanders", {}},
      {"devices",
       "device",
       {"end-devices", "end-device", "enddevices", "enddevice", "targets", "target"},
       RESOURCE_KIND_END_DEVICE,
       "end devices: one path to a drive, or an enclosure's services",
       {}},
      {"drives",
       "drive",
       {"disks", "disk"},
       RESOURCE_KIND_LOGICAL_UNIT,
       "drives, each once with all its paths",
       {kDriveTypes.begin(), kDriveTypes.end()}},
      {"lus",
       "lu",
       {"logical-units", "logical-unit", "logicalunits", "logicalunit", "luns", "lun", "units",
        "unit"},
       RESOURCE_KIND_LOGICAL_UNIT,
       "logical units of any type",
       {}},
      {"enclosures",
       "enclosure",
       {"encl", "jbod", "jbods"},
       RESOURCE_KIND_ENCLOSURE,
       "enclosures",
       {}},
      {"slots",
       "slot",
       {"bays", "bay"},
       RESOURCE_KIND_SLOT,
       "slots of enclosures, also empty ones",
       {}},
  };
}

bool IsCalled(const Noun& noun, const std::string& word) {
  return noun.plural == word || noun.singular == word || absl::c_linear_search(noun.aliases, word);
}

}  // namespace

const std::vector<Noun>& AllNouns() {
  static const auto& nouns = *new std::vector<Noun>(MakeNouns());
  return nouns;
}

absl::StatusOr<const Noun*> FindNoun(absl::string_view word) {
  const std::string wanted = absl::StrReplaceAll(absl::AsciiStrToLower(word), {{"_", "-"}});
  std::vector<std::string> plurals, words;
  for (const Noun& noun : AllNouns()) {
    if (IsCalled(noun, wanted)) return &noun;
    plurals.push_back(noun.plural);
    words.push_back(noun.plural);
    words.insert(words.end(), noun.aliases.begin(), noun.aliases.end());
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown kind of object \"", word, "\"",
                                                 rpc::DidYouMean(word, words),
                                                 " (kinds: ", absl::StrJoin(plurals, ", "), ")"));
}

const Noun& NounOf(sas::v1::ResourceKind kind) {
  // Of the two nouns for logical units, the last one ("lu").
  const Noun* found = &AllNouns().front();
  for (const Noun& noun : AllNouns()) {
    if (noun.kind == kind) found = &noun;
  }
  return *found;
}

const Noun& NounOf(const sas::v1::Resource& resource) {
  const sas::v1::ResourceKind kind = KindOf(resource);
  for (const Noun& noun : AllNouns()) {
    if (noun.kind != kind) continue;
    if (noun.peripheral_types.empty() ||
        absl::c_linear_search(noun.peripheral_types, resource.logical_unit().peripheral_type())) {
      return noun;
    }
  }
  return NounOf(kind);
}

bool IsDrive(const sas::v1::LogicalUnit& unit) {
  return absl::c_linear_search(kDriveTypes, unit.peripheral_type());
}

sas::v1::ResourceKind KindOf(const sas::v1::Resource& resource) {
  return static_cast<sas::v1::ResourceKind>(resource.resource_case());
}

}  // namespace sasd::cli
