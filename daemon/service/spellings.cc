#include "daemon/service/spellings.h"

#include <algorithm>
#include <variant>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "daemon/service/names.h"

namespace sasd::service {
namespace {

class Collector {
 public:
  explicit Collector(absl::FunctionRef<void(absl::string_view)> visit) : visit_(visit) {}

  void Collect(const registry::Host& host) {
    Add(host.facts.key.address);
    if (host.facts.key.location.known()) Add(ToText(host.facts.key));
    Add(host.facts.os_name);
    Add(host.facts.pci_address);
    Add(host.alias);
  }
  void Collect(const registry::Phy& phy) { Add(phy.facts.os_name); }
  void Collect(const registry::Port& port) { Add(port.facts.os_name); }
  void Collect(const registry::Expander& expander) {
    Add(expander.facts.key.address);
    Add(expander.facts.os_name);
  }
  void Collect(const registry::EndDevice& device) {
    Add(device.facts.key.address);
    Add(device.facts.device_name);
    Add(device.facts.os_name);
    for (const registry::UnitPathPtr& path : device.units) {
      Add(path->facts);
      Add(path->facts.wwid);
    }
  }
  void Collect(const registry::LogicalUnit& unit) {
    Add(unit.wwid);
    Add(unit.serial);
    for (const registry::LogicalUnit::Path& path : unit.paths) Add(path.facts->facts);
  }
  void Collect(const registry::Enclosure& enclosure) {
    Add(SasAddress(enclosure.id.value()));
    if (enclosure.id.copy() != 0) Add(ToText(enclosure.id));
    Add(enclosure.os_name);
    Add(enclosure.model);
    Add(enclosure.alias);
  }
  void Collect(const registry::Slot&) {}

  void Collect(const sas::v1::Host& host) {
    Add(host.sas_address());
    Add(host.os_name());
    Add(host.pci_address());
    Add(host.alias());
  }
  void Collect(const sas::v1::Phy& phy) { Add(phy.os_name()); }
  void Collect(const sas::v1::Port& port) { Add(port.os_name()); }
  void Collect(const sas::v1::Expander& expander) {
    Add(expander.sas_address());
    Add(expander.os_name());
  }
  void Collect(const sas::v1::EndDevice& device) {
    Add(device.sas_address());
    Add(device.device_name());
    Add(device.os_name());
    Add(device.serial());
    for (const std::string& name : device.block_devices()) Add(name);
    Add(device.scsi_address());
    for (const std::string& unit : device.logical_units()) AddWwid(unit);
  }
  void Collect(const sas::v1::LogicalUnit& unit) {
    Add(unit.wwid());
    Add(unit.serial());
    for (const sas::v1::Path& path : unit.paths()) {
      Add(path.block_device());
      Add(path.generic_device());
      Add(path.scsi_address());
    }
  }
  void Collect(const sas::v1::Enclosure& enclosure) {
    Add(enclosure.logical_id());
    Add(enclosure.os_name());
    Add(enclosure.model());
    Add(enclosure.alias());
  }
  void Collect(const sas::v1::Slot&) {}

 private:
  void Add(absl::string_view text) {
    if (!text.empty()) visit_(text);
  }
  void Add(const std::string& text) { Add(absl::string_view(text)); }
  void Add(const registry::Text& text) { Add(text.view()); }
  void Add(SasAddress address) {
    if (address != SasAddress(0)) visit_(ToHex(address));
  }
  void Add(const registry::UnitRecord& unit) {
    Add(unit.serial);
    Add(unit.block_device);
    Add(unit.generic_device);
    Add(unit.scsi_address);
  }
  void AddWwid(absl::string_view unit_name) {
    const absl::StatusOr<registry::ResourceId> id = ParseName(unit_name);
    if (!id.ok() || registry::KindOf(*id) != registry::ResourceKind::kLogicalUnit) return;
    const auto& key = std::get<registry::IndexOf<registry::LogicalUnit>()>(*id);
    if (key.IsFallback() && key.IsPlain()) return;
    const absl::string_view wwid =
        absl::string_view(key.text()).substr(0, key.text().view().find('~'));
    Add(absl::StrReplaceAll(wwid, {{"%7E", "~"}, {"%25", "%"}}));
  }

  const absl::FunctionRef<void(absl::string_view)> visit_;
};

// Appends the spellings that it is called with.
auto AppendTo(std::vector<std::string>& all) {
  return [&all](absl::string_view text) { all.emplace_back(text); };
}

}  // namespace

void VisitSpellings(const registry::ResourceRef& ref,
                    absl::FunctionRef<void(absl::string_view)> visit) {
  Collector collector(visit);
  std::visit([&collector](const auto& resource) { collector.Collect(*resource); }, ref);
}

std::vector<std::string> SpellingsOf(const registry::ResourceRef& ref) {
  std::vector<std::string> all;
  VisitSpellings(ref, AppendTo(all));
  return all;
}

std::vector<std::string> SpellingsOf(const sas::v1::Resource& resource) {
  std::vector<std::string> all;
  const auto append = AppendTo(all);
  Collector collector(append);
  switch (resource.resource_case()) {
    case sas::v1::Resource::kHost:
      collector.Collect(resource.host());
      break;
    case sas::v1::Resource::kPhy:
      collector.Collect(resource.phy());
      break;
    case sas::v1::Resource::kPort:
      collector.Collect(resource.port());
      break;
    case sas::v1::Resource::kExpander:
      collector.Collect(resource.expander());
      break;
    case sas::v1::Resource::kEndDevice:
      collector.Collect(resource.end_device());
      break;
    case sas::v1::Resource::kLogicalUnit:
      collector.Collect(resource.logical_unit());
      break;
    case sas::v1::Resource::kEnclosure:
      collector.Collect(resource.enclosure());
      break;
    case sas::v1::Resource::kSlot:
      collector.Collect(resource.slot());
      break;
    case sas::v1::Resource::RESOURCE_NOT_SET:
      break;
  }
  return all;
}

SpellingMatcher::SpellingMatcher(absl::string_view query) {
  const std::string text = absl::AsciiStrToLower(absl::StripAsciiWhitespace(query));
  absl::string_view rest = text;
  absl::ConsumePrefix(&rest, "/dev/");
  absl::ConsumePrefix(&rest, "disk/by-id/");
  wanted_.emplace_back(rest);
  absl::string_view wwn = rest;
  for (absl::string_view prefix : {"wwn-", "scsi-3", "naa.", "eui.", "0x"}) {
    absl::ConsumePrefix(&wwn, prefix);
  }
  std::string bare(wwn);
  if (const absl::StatusOr<SasAddress> address = ParseSasAddress(wwn);
      address.ok() && bare.size() >= 16) {
    bare = ToHex(*address);
  }
  if (bare != rest) wanted_.push_back(bare);
  if (!absl::StartsWith(bare, "naa.")) wanted_.push_back(absl::StrCat("naa.", bare));
  wanted_.push_back(absl::StrCat("eui.", bare));
}

bool SpellingMatcher::Matches(const std::vector<std::string>& spellings) const {
  return std::any_of(wanted_.begin(), wanted_.end(), [&spellings](const std::string& text) {
    return std::any_of(spellings.begin(), spellings.end(), [&text](const std::string& spelling) {
      return absl::EqualsIgnoreCase(spelling, text);
    });
  });
}

bool SpellingMatcher::Matches(const registry::ResourceRef& ref) const {
  bool matches = false;
  VisitSpellings(ref, [&](absl::string_view spelling) {
    matches =
        matches || std::any_of(wanted_.begin(), wanted_.end(), [spelling](const std::string& text) {
          return absl::EqualsIgnoreCase(spelling, text);
        });
  });
  return matches;
}

bool ParseSlotQuery(absl::string_view query, SlotQuery* slot) {
  const std::string text = absl::AsciiStrToLower(query);
  const size_t slash = text.rfind('/');
  uint32_t number = 0;
  if (slash == std::string::npos || !absl::SimpleAtoi(text.substr(slash + 1), &number) ||
      number > 0xFFFF) {
    return false;
  }
  *slot = {text.substr(0, slash), static_cast<uint16_t>(number)};
  return true;
}

bool MeansEnclosure(absl::string_view query, absl::string_view logical_id, absl::string_view model,
                    absl::string_view alias) {
  absl::ConsumePrefix(&query, "0x");
  absl::ConsumePrefix(&query, "enclosures/");
  return (query.size() >= 3 && absl::EndsWith(logical_id, query)) ||
         (!model.empty() && absl::EqualsIgnoreCase(model, query)) ||
         (!alias.empty() && absl::EqualsIgnoreCase(alias, query));
}

}  // namespace sasd::service
