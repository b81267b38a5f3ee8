#include "emulator/fabric/virtual_fabric.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "emulator/fabric/fabric_text.h"

namespace sasd::emulator {
namespace {

absl::Status AlreadySo(ElementKind kind, const std::string& id, absl::string_view state) {
  return absl::FailedPreconditionError(
      absl::StrCat(ToString(kind), " \"", id, "\" is ", state, " already"));
}

// FNV-1a: gives the same value in every build, unlike absl::Hash.
uint64_t HashOf(absl::string_view text) {
  uint64_t hash = 0xCBF29CE484222325;
  for (unsigned char c : text) hash = (hash ^ c) * 0x100000001B3;
  return hash;
}

}  // namespace

VirtualFabric::VirtualFabric(FabricSpec spec)
    : members_(spec.hosts.size(), nullptr), state_(std::move(spec)), index_(state_.spec()) {}

void VirtualFabric::Join(uint32_t host, FabricMember& member) { members_[host] = &member; }

std::vector<ElementState> VirtualFabric::ListElements(absl::Span<const ElementKind> kinds) const {
  absl::ReaderMutexLock lock(&mu_);
  const FabricSpec& spec = state_.spec();
  const std::pair<ElementKind, size_t> all[] = {{ElementKind::kHost, spec.hosts.size()},
                                                {ElementKind::kExpander, spec.expanders.size()},
                                                {ElementKind::kEnclosure, spec.enclosures.size()},
                                                {ElementKind::kDevice, spec.devices.size()}};
  std::vector<ElementState> elements;
  for (const auto& [kind, count] : all) {
    if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) continue;
    for (uint32_t i = 0; i < count; ++i) elements.push_back(Describe({kind, i}));
  }
  return elements;
}

ElementState VirtualFabric::Describe(ElementRef element) const {
  const FabricSpec& spec = state_.spec();
  ElementState out;
  out.kind = element.kind;
  uint32_t enclosure = kNoIndex;
  out.state = "present";
  switch (element.kind) {
    case ElementKind::kHost:
      out.id = spec.hosts[element.index].id;
      out.addresses = {spec.hosts[element.index].address};
      break;
    case ElementKind::kExpander:
      out.id = spec.expanders[element.index].id;
      out.addresses = {spec.expanders[element.index].address};
      enclosure = spec.expanders[element.index].enclosure;
      if (!state_.expander_up(element.index)) out.state = "off";
      if (!state_.expander_present(element.index)) out.state = "lost";
      break;
    case ElementKind::kEnclosure:
      out.id = spec.enclosures[element.index].id;
      out.addresses = {spec.enclosures[element.index].logical_id};
      if (!state_.enclosure_on(element.index)) out.state = "off";
      break;
    case ElementKind::kDevice: {
      const DeviceSpec& device = spec.devices[element.index];
      out.id = device.id;
      for (int i = 0; i < device.port_count(); ++i) {
        out.addresses.push_back(device.ports[i].address);
      }
      enclosure = device.enclosure;
      if (enclosure != kNoIndex) out.slot = device.slot;
      if (!state_.device_up(element.index)) out.state = "off";
      if (!state_.device_present(element.index)) out.state = "pulled";
      break;
    }
  }
  if (enclosure != kNoIndex) out.enclosure = spec.enclosures[enclosure].id;
  return out;
}

absl::StatusOr<uint32_t> VirtualFabric::FindKind(absl::string_view element,
                                                 ElementKind kind) const {
  const absl::StatusOr<ElementRef> found = index_.Find(element);
  if (!found.ok()) return found.status();
  if (found->kind != kind) {
    return absl::InvalidArgumentError(absl::StrCat(
        "\"", element, "\" is of kind ", ToString(found->kind), ", not ", ToString(kind)));
  }
  return found->index;
}

absl::StatusOr<uint32_t> VirtualFabric::FindDrive(absl::string_view element) const {
  absl::StatusOr<uint32_t> device = FindKind(element, ElementKind::kDevice);
  if (device.ok() && state_.model_of(*device).type != DeviceModel::Type::kDisk) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", element, "\" is an enclosure's SES device, not a drive"));
  }
  return device;
}

absl::Status VirtualFabric::Pull(absl::string_view element) {
  std::vector<PhyRef> changed;
  {
    absl::MutexLock lock(&mu_);
    const absl::StatusOr<uint32_t> device = FindDrive(element);
    if (!device.ok()) return device.status();
    if (!state_.device_present(*device)) {
      return AlreadySo(ElementKind::kDevice, state_.device(*device).id, "pulled");
    }
    state_.SetDevicePresent(*device, false, changed);
  }
  Announce(changed);
  return absl::OkStatus();
}

absl::StatusOr<std::string> VirtualFabric::Insert(absl::string_view element,
                                                  absl::string_view replacement_serial) {
  std::vector<PhyRef> changed;
  std::string id;
  {
    absl::MutexLock lock(&mu_);
    const absl::StatusOr<uint32_t> device = FindDrive(element);
    if (!device.ok()) return device.status();
    id = state_.device(*device).id;
    if (state_.device_present(*device)) return AlreadySo(ElementKind::kDevice, id, "in its slot");
    if (replacement_serial.size() > 20) {
      return absl::InvalidArgumentError(absl::StrCat("serial \"", replacement_serial, "\" has ",
                                                     replacement_serial.size(),
                                                     " characters; at most 20 fit"));
    }
    if (!replacement_serial.empty()) Replace(*device, replacement_serial);
    state_.SetDevicePresent(*device, true, changed);
  }
  Announce(changed);
  return id;
}

// The new world wide name keeps the vendor's part (NAA and company id) of the old one.
void VirtualFabric::Replace(uint32_t device, absl::string_view serial) {
  constexpr uint64_t kVendorMask = 0xFFFFFFF000000000;
  const DeviceSpec& spec = state_.device(device);
  const bool sata = state_.model_of(device).protocol == DeviceModel::Protocol::kSata;
  uint64_t hash = HashOf(serial);
  SasAddress name;
  do {
    name = SasAddress((spec.name.value() & kVendorMask) | (hash & ~kVendorMask & ~uint64_t{3}));
    hash = hash * 0x5851F42D4C957F2D + 1;
  } while (index_.HasAddress(SasAddress(name.value() + 1)) ||
           index_.HasAddress(SasAddress(name.value() + 2)));
  SasAddress addresses[2] = {spec.ports[0].address, spec.ports[1].address};
  for (int port = 0; !sata && port < spec.port_count(); ++port) {
    addresses[port] = SasAddress(name.value() + 1 + port);
    index_.ReplaceAddress(spec.ports[port].address, addresses[port], device);
  }
  state_.ReplaceDevice(device, std::string(serial), name, addresses);
}

absl::Status VirtualFabric::SetAccessStatus(absl::string_view element, uint8_t status) {
  absl::MutexLock lock(&mu_);
  const absl::StatusOr<uint32_t> device = FindDrive(element);
  if (!device.ok()) return device.status();
  if (state_.device_access_status(*device) == status) {
    return AlreadySo(ElementKind::kDevice, state_.device(*device).id,
                     status == 0 ? "usable" : "failing with that status");
  }
  state_.SetDeviceAccessStatus(*device, status);
  return absl::OkStatus();
}

absl::Status VirtualFabric::SetPhy(absl::string_view element, uint32_t phy, bool up, double gbps) {
  LinkRate limit = LinkRate::k22_5Gbps;
  if (up && gbps != 0) {
    const absl::StatusOr<LinkRate> rate = RateFromGbps(gbps);
    if (!rate.ok()) return rate.status();
    limit = *rate;
  }
  std::vector<PhyRef> changed;
  {
    absl::MutexLock lock(&mu_);
    const absl::StatusOr<ElementRef> found = index_.Find(element);
    if (!found.ok()) return found.status();
    if (found->kind != ElementKind::kHost && found->kind != ElementKind::kExpander) {
      return absl::InvalidArgumentError(absl::StrCat("\"", element, "\" is of kind ",
                                                     ToString(found->kind),
                                                     "; phys belong to hosts and expanders"));
    }
    const NodeRef node{found->kind == ElementKind::kHost, found->index};
    if (phy >= static_cast<uint32_t>(state_.phy_count(node))) {
      return absl::InvalidArgumentError(absl::StrCat("phy ", phy, " is out of range: \"", element,
                                                     "\" has ", state_.phy_count(node), " (0 to ",
                                                     state_.phy_count(node) - 1, ")"));
    }
    const PhyRef at{node, static_cast<uint8_t>(phy)};
    if (!up && state_.disabled(at)) {
      return absl::FailedPreconditionError(
          absl::StrCat("phy ", phy, " of \"", element, "\" is down already"));
    }
    if (up && !state_.disabled(at) && state_.phy_limit(at) == limit) {
      return absl::FailedPreconditionError(
          absl::StrCat("phy ", phy, " of \"", element, "\" is up already, with that rate"));
    }
    if (up) state_.SetPhyLimit(at, limit, changed);
    state_.SetPhyDisabled(at, !up, changed);
  }
  Announce(changed);
  return absl::OkStatus();
}

absl::Status VirtualFabric::SetExpander(absl::string_view element, bool present) {
  std::vector<PhyRef> changed;
  {
    absl::MutexLock lock(&mu_);
    const absl::StatusOr<uint32_t> expander = FindKind(element, ElementKind::kExpander);
    if (!expander.ok()) return expander.status();
    if (state_.expander_present(*expander) == present) {
      return AlreadySo(ElementKind::kExpander, state_.expander(*expander).id,
                       present ? "present" : "lost");
    }
    state_.SetExpanderPresent(*expander, present, changed);
  }
  Announce(changed);
  return absl::OkStatus();
}

absl::Status VirtualFabric::SetEnclosurePower(absl::string_view element, bool on) {
  std::vector<PhyRef> changed;
  {
    absl::MutexLock lock(&mu_);
    const absl::StatusOr<uint32_t> enclosure = FindKind(element, ElementKind::kEnclosure);
    if (!enclosure.ok()) return enclosure.status();
    if (state_.enclosure_on(*enclosure) == on) {
      return AlreadySo(ElementKind::kEnclosure, state_.spec().enclosures[*enclosure].id,
                       on ? "on" : "off");
    }
    state_.SetEnclosureOn(*enclosure, on, changed);
  }
  Announce(changed);
  return absl::OkStatus();
}

void VirtualFabric::Act(const FabricAction& action) {
  std::vector<PhyRef> changed;
  {
    absl::MutexLock lock(&mu_);
    state_.Act(action, changed);
  }
  Announce(changed);
}

absl::StatusOr<FabricMember*> VirtualFabric::FindHost(absl::string_view host) const {
  absl::ReaderMutexLock lock(&mu_);
  const absl::StatusOr<uint32_t> index = FindKind(host, ElementKind::kHost);
  if (!index.ok()) return index.status();
  return members_[*index];
}

absl::Status VirtualFabric::ResetHost(absl::string_view host) {
  const absl::StatusOr<FabricMember*> member = FindHost(host);
  return member.ok() ? (*member)->OnReset() : member.status();
}

absl::Status VirtualFabric::InjectFault(absl::string_view host, FaultKind kind, uint32_t count,
                                        absl::Duration delay) {
  const absl::StatusOr<FabricMember*> member = FindHost(host);
  if (!member.ok()) return member.status();
  (*member)->OnFault(kind, std::max(count, 1u), delay);
  return absl::OkStatus();
}

absl::Status VirtualFabric::InjectDiscoveryError(absl::string_view element,
                                                 uint32_t discovery_status) {
  DiscoveryErrorNotice notice;
  notice.discovery_status = discovery_status;
  {
    absl::ReaderMutexLock lock(&mu_);
    const absl::StatusOr<ElementRef> found = index_.Find(element);
    if (!found.ok()) return found.status();
    if (found->kind == ElementKind::kEnclosure) {
      return absl::InvalidArgumentError(
          absl::StrCat("\"", element, "\" is an enclosure; name a host, expander or device"));
    }
    notice.element = *found;
  }
  Notify(notice);
  return absl::OkStatus();
}

absl::Status VirtualFabric::InjectDeviceStatus(absl::string_view device, uint8_t reason,
                                               uint8_t asc, uint8_t ascq) {
  DeviceStatusNotice notice;
  notice.reason = reason;
  notice.asc = asc;
  notice.ascq = ascq;
  {
    absl::ReaderMutexLock lock(&mu_);
    const absl::StatusOr<uint32_t> found = FindKind(device, ElementKind::kDevice);
    if (!found.ok()) return found.status();
    notice.device = *found;
  }
  Notify(notice);
  return absl::OkStatus();
}

absl::Status VirtualFabric::InjectTemperature(absl::string_view host, uint8_t sensor,
                                              uint16_t celsius) {
  return NotifyHost(host, TemperatureNotice{sensor, celsius});
}

absl::Status VirtualFabric::InjectLogEntry(absl::string_view host, uint16_t qualifier,
                                           absl::string_view text) {
  return NotifyHost(host, LogEntryNotice{qualifier, std::string(text)});
}

absl::Status VirtualFabric::InjectBroadcast(absl::string_view host, uint8_t phy,
                                            uint8_t primitive) {
  return NotifyHost(host, BroadcastNotice{phy, primitive});
}

absl::StatusOr<HostTruth> VirtualFabric::GetHostTruth(absl::string_view host) const {
  const absl::StatusOr<FabricMember*> member = FindHost(host);
  if (!member.ok()) return member.status();
  return (*member)->Truth();
}

void VirtualFabric::Announce(const std::vector<PhyRef>& changed) {
  if (changed.empty()) return;
  for (FabricMember* member : members_) member->OnPhysChanged(changed);
}

void VirtualFabric::Notify(const FirmwareNotice& notice) {
  for (FabricMember* member : members_) member->OnNotice(notice);
}

absl::Status VirtualFabric::NotifyHost(absl::string_view host, const FirmwareNotice& notice) {
  const absl::StatusOr<FabricMember*> member = FindHost(host);
  if (!member.ok()) return member.status();
  (*member)->OnNotice(notice);
  return absl::OkStatus();
}

}  // namespace sasd::emulator
