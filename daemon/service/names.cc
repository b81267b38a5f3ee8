#include "daemon/service/names.h"

#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace sasd::service {
namespace {

using registry::Enclosure;
using registry::EndDevice;
using registry::Expander;
using registry::Host;
using registry::LogicalUnit;
using registry::LogicalUnitKey;
using registry::MakeId;
using registry::Phy;
using registry::Port;
using registry::ResourceId;
using registry::Slot;

constexpr absl::string_view kForms =
    "hosts/H, hosts/H/phys/N, hosts/H/ports/A, hosts/H/expanders/E, hosts/H/expanders/E/phys/N, "
    "hosts/H/expanders/E/ports/A, hosts/H/endDevices/D, logicalUnits/W, enclosures/I and "
    "enclosures/I/slots/N";

absl::Status BadName(absl::string_view name, absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", name, "\" is not ", what, "; names are ", kForms));
}

// An address, with "-pN" for a physical port other than 0.
std::string NodeSegment(const NodeKey& node) {
  return node.port == PhysicalPort(0) ? ToHex(node.address)
                                      : absl::StrCat(ToHex(node.address), "-p", node.port.value());
}

bool IsPlain(char c) {
  return absl::ascii_isalnum(static_cast<unsigned char>(c)) || absl::StrContains("._~-", c);
}

// Percent-encodes what may not stand in a name's segment: T10 identifiers have blanks and slashes.
std::string Escape(absl::string_view text) {
  std::string escaped;
  for (char c : text) {
    if (IsPlain(c)) {
      escaped.push_back(c);
    } else {
      absl::StrAppendFormat(&escaped, "%%%02X", static_cast<unsigned char>(c));
    }
  }
  return escaped;
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The inverse of Escape; nothing for another spelling.
std::optional<std::string> Unescape(absl::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = HexDigit(text[i + 1]), low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    plain.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  if (plain.empty() || Escape(plain) != text) return std::nullopt;
  return plain;
}

std::optional<SasAddress> ParseAddress(absl::string_view text) {
  if (text.size() != 16) return std::nullopt;
  absl::StatusOr<SasAddress> address = ParseSasAddress(text);
  if (!address.ok() || ToHex(*address) != text) return std::nullopt;
  return *address;
}

// A number without sign, blanks or leading zeroes.
template <typename Int>
std::optional<Int> ParseNumber(absl::string_view text) {
  uint32_t value = 0;
  if (!absl::SimpleAtoi(text, &value) || value > std::numeric_limits<Int>::max() ||
      absl::StrCat(value) != text) {
    return std::nullopt;
  }
  return static_cast<Int>(value);
}

std::optional<NodeKey> ParseNode(const HostKey& host, absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits("-p", 1));
  const std::optional<SasAddress> address = ParseAddress(parts.first);
  if (!address) return std::nullopt;
  NodeKey node{host, *address, PhysicalPort(0)};
  if (parts.first.size() == text.size()) return node;
  const std::optional<uint8_t> port = ParseNumber<uint8_t>(parts.second);
  if (!port || *port == 0) return std::nullopt;
  node.port = PhysicalPort(*port);
  return node;
}

// The phy or port of `owner`.
std::optional<ResourceId> ParseOwned(const NodeKey& owner, absl::string_view collection,
                                     absl::string_view id) {
  if (collection == "phys") {
    const std::optional<uint8_t> phy = ParseNumber<uint8_t>(id);
    if (phy) return MakeId<Phy>({owner, PhyId(*phy)});
  } else if (collection == "ports") {
    const std::optional<SasAddress> attached = ParseAddress(id);
    if (attached) return MakeId<Port>({owner, *attached});
  }
  return std::nullopt;
}

std::optional<ResourceId> ParseUnderHost(const std::vector<absl::string_view>& parts) {
  const std::optional<HostKey> host = ParseHostKey(parts[1]);
  if (!host) return std::nullopt;
  if (parts.size() == 2) return MakeId<Host>(*host);
  if (parts.size() == 4 && parts[2] != "expanders" && parts[2] != "endDevices") {
    return ParseOwned(NodeKey::Host(*host), parts[2], parts[3]);
  }
  if (parts.size() != 4 && parts.size() != 6) return std::nullopt;
  const std::optional<NodeKey> node = ParseNode(*host, parts[3]);
  if (!node) return std::nullopt;
  if (parts[2] == "expanders" && node->is_host()) return std::nullopt;
  if (parts.size() == 6) {
    if (parts[2] != "expanders") return std::nullopt;
    return ParseOwned(*node, parts[4], parts[5]);
  }
  return parts[2] == "expanders" ? MakeId<Expander>(*node) : MakeId<EndDevice>(*node);
}

// The copies of an identifier count from 0, and people from 1: "-2" is the second one.
std::optional<EnclosureKey> ParseEnclosure(absl::string_view text) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('-', 1));
  const std::optional<SasAddress> id = ParseAddress(parts.first);
  if (!id) return std::nullopt;
  if (parts.first.size() == text.size()) return EnclosureKey(id->value());
  const std::optional<uint8_t> number = ParseNumber<uint8_t>(parts.second);
  if (!number || *number < 2) return std::nullopt;
  return EnclosureKey(id->value(), static_cast<uint8_t>(*number - 1));
}

std::optional<ResourceId> ParseUnderEnclosure(const std::vector<absl::string_view>& parts) {
  const std::optional<EnclosureKey> key = ParseEnclosure(parts[1]);
  if (!key) return std::nullopt;
  const EnclosureKey enclosure = *key;
  if (parts.size() == 2) return MakeId<Enclosure>(enclosure);
  if (parts.size() != 4 || parts[2] != "slots") return std::nullopt;
  const std::optional<uint16_t> slot = ParseNumber<uint16_t>(parts[3]);
  if (!slot) return std::nullopt;
  return MakeId<Slot>({enclosure, *slot});
}

}  // namespace

std::string HostName(const HostKey& host) { return absl::StrCat("hosts/", ToText(host)); }

std::string OwnerName(const NodeKey& owner) {
  if (owner.is_host()) return HostName(owner.host);
  return absl::StrCat(HostName(owner.host), "/expanders/", NodeSegment(owner));
}

std::string EndDeviceName(const NodeKey& device) {
  return absl::StrCat(HostName(device.host), "/endDevices/", NodeSegment(device));
}

std::string EnclosureName(EnclosureKey enclosure) {
  return absl::StrCat("enclosures/", ToText(enclosure));
}

std::string SlotName(const SlotKey& slot) {
  return absl::StrCat(EnclosureName(slot.enclosure), "/slots/", slot.slot);
}

std::string LogicalUnitName(const LogicalUnitKey& unit) {
  return absl::StrCat("logicalUnits/", Escape(unit.text().view()));
}

std::string NameOf(const ResourceId& id) {
  switch (registry::KindOf(id)) {
    case registry::ResourceKind::kHost:
      return HostName(std::get<registry::IndexOf<Host>()>(id));
    case registry::ResourceKind::kPhy: {
      const PhyKey& phy = std::get<registry::IndexOf<Phy>()>(id);
      return absl::StrCat(OwnerName(phy.owner), "/phys/", phy.phy.value());
    }
    case registry::ResourceKind::kPort: {
      const PortKey& port = std::get<registry::IndexOf<Port>()>(id);
      return absl::StrCat(OwnerName(port.owner), "/ports/", ToHex(port.attached));
    }
    case registry::ResourceKind::kExpander:
      return OwnerName(std::get<registry::IndexOf<Expander>()>(id));
    case registry::ResourceKind::kEndDevice:
      return EndDeviceName(std::get<registry::IndexOf<EndDevice>()>(id));
    case registry::ResourceKind::kLogicalUnit:
      return LogicalUnitName(std::get<registry::IndexOf<LogicalUnit>()>(id));
    case registry::ResourceKind::kEnclosure:
      return EnclosureName(std::get<registry::IndexOf<Enclosure>()>(id));
    case registry::ResourceKind::kSlot:
      return SlotName(std::get<registry::IndexOf<Slot>()>(id));
  }
  return "";
}

absl::StatusOr<ResourceId> ParseName(absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  std::optional<ResourceId> id;
  if (parts.size() >= 2 && parts[0] == "hosts") {
    id = ParseUnderHost(parts);
  } else if (parts.size() >= 2 && parts[0] == "enclosures") {
    id = ParseUnderEnclosure(parts);
  } else if (parts.size() == 2 && parts[0] == "logicalUnits") {
    const std::optional<std::string> unit = Unescape(parts[1]);
    if (unit) id = MakeId<LogicalUnit>(LogicalUnitKey(registry::Text(*unit)));
  }
  if (!id) return BadName(name, "a resource name");
  return *std::move(id);
}

absl::StatusOr<HostKey> ParseHostName(absl::string_view name) {
  const absl::StatusOr<ResourceId> id = ParseName(name);
  if (!id.ok() || registry::KindOf(*id) != registry::ResourceKind::kHost) {
    return BadName(name, "a host's name");
  }
  return std::get<registry::IndexOf<Host>()>(*id);
}

absl::StatusOr<NodeKey> ParseOwnerName(absl::string_view name) {
  const absl::StatusOr<ResourceId> id = ParseName(name);
  if (id.ok() && registry::KindOf(*id) == registry::ResourceKind::kHost) {
    return NodeKey::Host(std::get<registry::IndexOf<Host>()>(*id));
  }
  if (id.ok() && registry::KindOf(*id) == registry::ResourceKind::kExpander) {
    return std::get<registry::IndexOf<Expander>()>(*id);
  }
  return BadName(name, "a host's or an expander's name");
}

absl::StatusOr<EnclosureKey> ParseEnclosureName(absl::string_view name) {
  const absl::StatusOr<ResourceId> id = ParseName(name);
  if (!id.ok() || registry::KindOf(*id) != registry::ResourceKind::kEnclosure) {
    return BadName(name, "an enclosure's name");
  }
  return std::get<registry::IndexOf<Enclosure>()>(*id);
}

}  // namespace sasd::service
