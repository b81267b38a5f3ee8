#include "daemon/service/behind_states.h"

#include <algorithm>
#include <variant>

#include "absl/hash/hash.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "daemon/service/convert.h"
#include "daemon/service/names.h"
#include "daemon/service/resource_text.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

using registry::ResourceKind;
using registry::Topology;

std::string NameOrEmpty(EnclosureKey enclosure) {
  return enclosure == EnclosureKey(0) ? "" : EnclosureName(enclosure);
}

// "hosts/X" of "hosts/X/expanders/Y".
std::string HostOf(const std::string& owner) { return owner.substr(0, owner.find('/', 6)); }

template <typename Names, typename Set>
bool AnyOf(const Names& names, const Set& set) {
  return std::any_of(names.begin(), names.end(),
                     [&set](const std::string& name) { return set.contains(name); });
}

const sas::v1::Resource* Find(const std::vector<sas::v1::Resource>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&name](const sas::v1::Resource& each) {
    return NameOf(each) == name;
  });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

grpc::Status BehindStates::Make(const google::protobuf::RepeatedPtrField<std::string>& names,
                                absl::string_view field, const Topology& topology,
                                const std::vector<sas::v1::Resource>* removed,
                                std::shared_ptr<BehindStates>* behind, Cancelled cancelled) {
  auto made = std::make_shared<BehindStates>();
  const std::vector<sas::v1::Resource> none;
  if (removed == nullptr) {
    removed = &none;
    for (const std::string& name : names) {
      if (absl::StartsWith(name, "hosts/")) made->may_be_.insert(HostOf(name));
    }
  }
  for (int i = 0; i < names.size(); ++i) {
    const std::string path = absl::StrCat(field, "[", i, "]");
    grpc::Status status = made->AddRoot(names[i], path, topology, *removed);
    if (!status.ok()) return status;
  }
  if (!made->Learn(topology, *removed, cancelled)) return CancelledStatus();
  *behind = std::move(made);
  return grpc::Status::OK;
}

grpc::Status BehindStates::AddRoot(const std::string& name, const std::string& path,
                                   const Topology& topology,
                                   const std::vector<sas::v1::Resource>& removed) {
  const absl::StatusOr<registry::ResourceId> id = ParseName(name);
  if (!id.ok()) return rpc::BadField(path, id.status().message());
  const registry::ResourceRef there = topology.Get(*id);
  const grpc::Status is_not_there =
      rpc::BadField(path, absl::StrCat("\"", name, "\" is not there"));
  switch (registry::KindOf(*id)) {
    case ResourceKind::kHost:
      hosts_.insert(name);
      break;
    case ResourceKind::kExpander:
      named_expanders_.insert(name);
      break;
    case ResourceKind::kEndDevice:
      named_devices_.insert(name);
      break;
    case ResourceKind::kEnclosure:
      whole_.insert(name);
      break;
    case ResourceKind::kSlot:
      slots_.insert(name);
      if (const auto slot =
              topology.Get<registry::Slot>(std::get<registry::IndexOf<registry::Slot>()>(*id))) {
        for (const auto& occupant : slot->occupants)
          named_devices_.insert(EndDeviceName(occupant.device));
      }
      break;
    case ResourceKind::kLogicalUnit: {
      sas::v1::Resource unit;
      if (!registry::IsNull(there)) {
        ToProto(there, &unit);
      } else if (const sas::v1::Resource* gone = Find(removed, name)) {
        unit = *gone;
      } else {
        return is_not_there;
      }
      for (const auto& way : unit.logical_unit().paths()) named_devices_.insert(way.end_device());
      break;
    }
    case ResourceKind::kPort:
      if (registry::IsNull(there)) return is_not_there;
      AddLink(*std::get<std::shared_ptr<const registry::Port>>(there), topology);
      break;
    case ResourceKind::kPhy: {
      if (registry::IsNull(there)) return is_not_there;
      const auto& phy = *std::get<std::shared_ptr<const registry::Phy>>(there);
      const registry::Port* const port = topology.PortTo(phy.facts.key.owner, phy.facts.attached);
      if (port != nullptr) AddLink(*port, topology);
      break;
    }
  }
  return grpc::Status::OK;
}

// As Behind: what is beyond the link, seen from the host.
void BehindStates::AddLink(const registry::Port& port, const Topology& topology) {
  using Kind = registry::AttachedNode::Kind;
  if (port.attached.kind == Kind::kEndDevice) {
    named_devices_.insert(EndDeviceName(port.attached_key()));
    return;
  }
  if (port.attached.kind == Kind::kExpander) {
    const auto* beyond = topology.collection<registry::Expander>().Find(port.attached_key());
    if (beyond != nullptr && beyond->facts.parent == port.id.owner) {
      named_expanders_.insert(OwnerName(beyond->key()));
      return;
    }
  }
  const auto* own = topology.collection<registry::Expander>().Find(port.id.owner);
  if (own != nullptr && port.attached.kind != Kind::kUnknown) {
    named_expanders_.insert(OwnerName(own->key()));
  }
}

bool BehindStates::Learn(const Topology& topology, const std::vector<sas::v1::Resource>& removed,
                         Cancelled cancelled) {
  CancelledCheck is_cancelled(cancelled);
  // An expander may come before its parent: repeat until nothing is new.
  for (size_t before = 0, after = 1; before != after;) {
    before = expanders_.size();
    for (const auto& expander : topology.collection<registry::Expander>()) {
      if (is_cancelled()) return false;
      const registry::ExpanderRecord& facts = expander->facts;
      HasExpander(OwnerName(facts.key), HostName(facts.key.host), OwnerName(facts.parent),
                  NameOrEmpty(facts.enclosure));
    }
    for (const sas::v1::Resource& gone : removed) {
      if (is_cancelled()) return false;
      const sas::v1::Expander& facts = gone.expander();
      if (!gone.has_expander()) continue;
      HasExpander(facts.name(), facts.host(), facts.parent(), facts.enclosure());
    }
    after = expanders_.size();
  }
  for (const auto& device : topology.collection<registry::EndDevice>()) {
    if (is_cancelled()) return false;
    const registry::EndDeviceRecord& facts = device->facts;
    HasDevice(EndDeviceName(facts.key), HostName(facts.key.host), OwnerName(facts.parent),
              NameOrEmpty(facts.enclosure));
  }
  for (const sas::v1::Resource& gone : removed) {
    const sas::v1::EndDevice& facts = gone.end_device();
    if (gone.has_end_device()) {
      HasDevice(facts.name(), facts.host(), facts.parent(), facts.enclosure());
    }
  }
  return true;
}

bool BehindStates::HasExpander(const std::string& name, const std::string& host,
                               const std::string& parent, const std::string& enclosure) {
  const bool has = named_expanders_.contains(name) || hosts_.contains(host) ||
                   expanders_.contains(parent) || whole_.contains(enclosure);
  if (has) {
    expanders_.insert(name);
  } else {
    expanders_.erase(name);
  }
  return has;
}

bool BehindStates::HasDevice(const std::string& name, const std::string& host,
                             const std::string& parent, const std::string& enclosure) {
  const bool has = named_devices_.contains(name) || hosts_.contains(host) ||
                   expanders_.contains(parent) || whole_.contains(enclosure);
  if (has) {
    devices_.insert(name);
  } else {
    devices_.erase(name);
    if (may_be_.contains(host)) elsewhere_.insert(absl::Hash<std::string>()(name));
  }
  return has;
}

bool BehindStates::IsOfNode(const std::string& owner) const {
  return expanders_.contains(owner) || hosts_.contains(HostOf(owner));
}

bool BehindStates::HasPath(const std::string& end_device) const {
  if (devices_.contains(end_device) || named_devices_.contains(end_device)) return true;
  return !may_be_.empty() && may_be_.contains(HostOf(end_device)) &&
         !elsewhere_.contains(absl::Hash<std::string>()(end_device));
}

bool BehindStates::Has(const sas::v1::LogicalUnit& unit) const {
  return whole_.contains(unit.enclosure()) ||
         std::any_of(unit.paths().begin(), unit.paths().end(), [this](const sas::v1::Path& path) {
           return HasPath(path.end_device()) || hosts_.contains(path.host());
         });
}

bool BehindStates::Has(const sas::v1::Enclosure& enclosure) const {
  return whole_.contains(enclosure.name()) || AnyOf(enclosure.hosts(), hosts_) ||
         AnyOf(enclosure.expanders(), expanders_) ||
         std::any_of(enclosure.ses_devices().begin(), enclosure.ses_devices().end(),
                     [this](const std::string& device) { return HasPath(device); });
}

bool BehindStates::Has(const sas::v1::Slot& slot) const {
  return whole_.contains(slot.enclosure()) || slots_.contains(slot.name()) ||
         AnyOf(slot.hosts(), hosts_) ||
         std::any_of(slot.end_devices().begin(), slot.end_devices().end(),
                     [this](const std::string& device) { return HasPath(device); });
}

bool BehindStates::Passes(const registry::ResourceRef& resource) {
  sas::v1::Resource message;
  ToProto(resource, &message);
  return Passes(registry::KindOf(resource), InnerOf(message));
}

bool BehindStates::Passes(ResourceKind kind, const google::protobuf::Message& state) {
  absl::MutexLock lock(&mu_);
  switch (kind) {
    case ResourceKind::kHost:
      return hosts_.contains(static_cast<const sas::v1::Host&>(state).name());
    case ResourceKind::kPhy:
      return Has(static_cast<const sas::v1::Phy&>(state));
    case ResourceKind::kPort:
      return Has(static_cast<const sas::v1::Port&>(state));
    case ResourceKind::kExpander: {
      const auto& expander = static_cast<const sas::v1::Expander&>(state);
      return HasExpander(expander.name(), expander.host(), expander.parent(), expander.enclosure());
    }
    case ResourceKind::kEndDevice: {
      const auto& device = static_cast<const sas::v1::EndDevice&>(state);
      return HasDevice(device.name(), device.host(), device.parent(), device.enclosure());
    }
    case ResourceKind::kLogicalUnit:
      return Has(static_cast<const sas::v1::LogicalUnit&>(state));
    case ResourceKind::kEnclosure:
      return Has(static_cast<const sas::v1::Enclosure&>(state));
    case ResourceKind::kSlot:
      return Has(static_cast<const sas::v1::Slot&>(state));
  }
  return false;
}

}  // namespace sasd::service
