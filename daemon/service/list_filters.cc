#include "daemon/service/list_filters.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "daemon/service/convert.h"
#include "daemon/service/errors.h"
#include "daemon/service/names.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

using registry::Topology;

std::string KnownHosts(const Topology& topology) {
  std::vector<std::string> names;
  for (const auto& host : topology.collection<registry::Host>()) {
    names.push_back(HostName(host->key()));
  }
  return names.empty() ? "there is none" : absl::StrCat("there are ", absl::StrJoin(names, ", "));
}

template <typename V>
bool Contains(const V& values, const typename V::value_type& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// Builds a predicate condition by condition; keeps the first error.
template <typename T>
class Builder {
 public:
  explicit Builder(const Topology& topology) : topology_(topology) {}

  void Add(Predicate<T> condition) { conditions_.push_back(std::move(condition)); }

  // `host_of(resource)` says whether a resource belongs to one of the hosts.
  template <typename BelongsTo>
  void Hosts(const google::protobuf::RepeatedPtrField<std::string>& names, BelongsTo belongs_to) {
    if (names.empty()) return;
    std::vector<SasAddress> hosts;
    Note(ReadHosts(names, "filter.hosts", topology_, &hosts));
    Add([hosts, belongs_to](const T& t) { return belongs_to(t, hosts); });
  }

  template <typename KeyOf>
  void Owner(absl::string_view field, const std::string& name, KeyOf key_of) {
    if (name.empty()) return;
    const absl::StatusOr<NodeKey> owner = ParseOwnerName(name);
    if (!owner.ok()) return Note(rpc::BadField(field, owner.status().message()));
    Add([owner = *owner, key_of](const T& t) { return key_of(t) == owner; });
  }

  template <typename KeyOf>
  void InEnclosure(const std::string& name, KeyOf key_of) {
    if (name.empty()) return;
    const absl::StatusOr<EnclosureKey> enclosure = ParseEnclosureName(name);
    if (!enclosure.ok()) {
      return Note(rpc::BadField("filter.enclosure", enclosure.status().message()));
    }
    Add([enclosure = *enclosure, key_of](const T& t) { return key_of(t) == enclosure; });
  }

  template <typename TextOf>
  void Equals(const std::string& wanted, TextOf text_of) {
    if (wanted.empty()) return;
    Add([wanted, text_of](const T& t) { return absl::string_view(text_of(t)) == wanted; });
  }

  void CheckEnums(absl::string_view field, const google::protobuf::RepeatedField<int>& values,
                  bool (*is_valid)(int)) {
    for (int i = 0; i < values.size(); ++i) {
      if (values[i] == 0 || !is_valid(values[i])) {
        Note(rpc::BadField(absl::StrCat(field, "[", i, "]"),
                           absl::StrCat(values[i], " is none of the values of this enumeration")));
      }
    }
  }

  grpc::Status Finish(Predicate<T>* predicate) {
    *predicate = [conditions = std::move(conditions_)](const T& t) {
      return std::all_of(conditions.begin(), conditions.end(),
                         [&t](const Predicate<T>& condition) { return condition(t); });
    };
    return status_;
  }

 private:
  void Note(const grpc::Status& status) {
    if (status_.ok()) status_ = status;
  }

  const Topology& topology_;
  std::vector<Predicate<T>> conditions_;
  grpc::Status status_;
};

template <typename Hosts>
bool Intersects(const Hosts& own, const std::vector<SasAddress>& wanted) {
  return std::any_of(own.begin(), own.end(),
                     [&wanted](SasAddress host) { return Contains(wanted, host); });
}

absl::string_view UnitText(const registry::EndDevice& device,
                           registry::Text registry::UnitRecord::*member) {
  return device.units.empty() ? absl::string_view() : (device.first_unit()->facts.*member).view();
}

}  // namespace

grpc::Status ReadHosts(const google::protobuf::RepeatedPtrField<std::string>& names,
                       absl::string_view field, const Topology& topology,
                       std::vector<SasAddress>* hosts) {
  for (int i = 0; i < names.size(); ++i) {
    const std::string path = absl::StrCat(field, "[", i, "]");
    const absl::StatusOr<SasAddress> host = ParseHostName(names[i]);
    if (!host.ok()) return rpc::BadField(path, host.status().message());
    if (topology.collection<registry::Host>().Find(*host) == nullptr) {
      return rpc::BadField(path,
                           absl::StrCat("\"", names[i], "\" is not there; ", KnownHosts(topology)));
    }
    hosts->push_back(*host);
  }
  return grpc::Status::OK;
}

grpc::Status ReadFilter(const sas::v1::PhyFilter& filter, const Topology& topology,
                        Predicate<registry::Phy>* predicate) {
  using T = registry::Phy;
  Builder<T> builder(topology);
  builder.Hosts(filter.hosts(), [](const T& phy, const std::vector<SasAddress>& hosts) {
    return Contains(hosts, phy.facts.key.owner.host);
  });
  builder.Owner("filter.owner", filter.owner(), [](const T& phy) { return phy.facts.key.owner; });
  builder.CheckEnums("filter.link_rates", filter.link_rates(), &sas::v1::LinkRate_IsValid);
  if (!filter.link_rates().empty()) {
    const std::vector<int> rates(filter.link_rates().begin(), filter.link_rates().end());
    builder.Add([rates](const T& phy) { return Contains(rates, ToProto(phy.facts.negotiated)); });
  }
  if (filter.has_attached()) {
    builder.Add([wanted = filter.attached()](const T& phy) {
      return (phy.facts.attached != SasAddress(0)) == wanted;
    });
  }
  return builder.Finish(predicate);
}

grpc::Status ReadFilter(const sas::v1::PortFilter& filter, const Topology& topology,
                        Predicate<registry::Port>* predicate) {
  using T = registry::Port;
  Builder<T> builder(topology);
  builder.Hosts(filter.hosts(), [](const T& port, const std::vector<SasAddress>& hosts) {
    return Contains(hosts, port.id.owner.host);
  });
  builder.Owner("filter.owner", filter.owner(), [](const T& port) { return port.id.owner; });
  builder.Add([least = filter.minimum_width()](const T& port) { return port.width >= least; });
  return builder.Finish(predicate);
}

grpc::Status ReadFilter(const sas::v1::ExpanderFilter& filter, const Topology& topology,
                        Predicate<registry::Expander>* predicate) {
  using T = registry::Expander;
  Builder<T> builder(topology);
  builder.Hosts(filter.hosts(), [](const T& expander, const std::vector<SasAddress>& hosts) {
    return Contains(hosts, expander.facts.key.host);
  });
  builder.Owner("filter.parent", filter.parent(),
                [](const T& expander) { return expander.facts.parent; });
  builder.InEnclosure(filter.enclosure(),
                      [](const T& expander) { return expander.facts.enclosure; });
  return builder.Finish(predicate);
}

grpc::Status ReadFilter(const sas::v1::EndDeviceFilter& filter, const Topology& topology,
                        Predicate<registry::EndDevice>* predicate) {
  using T = registry::EndDevice;
  using registry::UnitRecord;
  Builder<T> builder(topology);
  builder.Hosts(filter.hosts(), [](const T& device, const std::vector<SasAddress>& hosts) {
    return Contains(hosts, device.facts.key.host);
  });
  builder.Owner("filter.parent", filter.parent(),
                [](const T& device) { return device.facts.parent; });
  builder.InEnclosure(filter.enclosure(), [](const T& device) { return device.facts.enclosure; });
  builder.CheckEnums("filter.states", filter.states(), &sas::v1::DeviceState_IsValid);
  if (!filter.states().empty()) {
    const std::vector<int> states(filter.states().begin(), filter.states().end());
    builder.Add(
        [states](const T& device) { return Contains(states, ToProto(device.facts.state)); });
  }
  builder.CheckEnums("filter.target_protocols", filter.target_protocols(),
                     &sas::v1::Protocol_IsValid);
  if (!filter.target_protocols().empty()) {
    uint8_t bits = 0;
    for (int protocol : filter.target_protocols()) {
      if (protocol == sas::v1::PROTOCOL_SSP) bits |= Protocols::kSsp;
      if (protocol == sas::v1::PROTOCOL_STP) bits |= Protocols::kStp;
      if (protocol == sas::v1::PROTOCOL_SMP) bits |= Protocols::kSmp;
      if (protocol == sas::v1::PROTOCOL_SATA) bits |= Protocols::kSata;
    }
    builder.Add([bits](const T& device) { return (device.facts.protocols.target & bits) != 0; });
  }
  builder.Equals(filter.vendor(), [](const T& d) { return UnitText(d, &UnitRecord::vendor); });
  builder.Equals(filter.model(), [](const T& d) { return UnitText(d, &UnitRecord::model); });
  builder.Equals(filter.serial(), [](const T& d) { return UnitText(d, &UnitRecord::serial); });
  builder.Equals(filter.block_device(),
                 [](const T& d) { return UnitText(d, &UnitRecord::block_device); });
  return builder.Finish(predicate);
}

grpc::Status ReadFilter(const sas::v1::LogicalUnitFilter& filter, const Topology& topology,
                        Predicate<registry::LogicalUnit>* predicate) {
  using T = registry::LogicalUnit;
  Builder<T> builder(topology);
  builder.Hosts(filter.hosts(), [](const T& unit, const std::vector<SasAddress>& hosts) {
    return std::any_of(unit.paths.begin(), unit.paths.end(),
                       [&hosts](const T::Path& path) { return Contains(hosts, path.device.host); });
  });
  builder.InEnclosure(filter.enclosure(), [](const T& unit) { return unit.enclosure; });
  if (!filter.peripheral_types().empty()) {
    const std::vector<uint32_t> types(filter.peripheral_types().begin(),
                                      filter.peripheral_types().end());
    builder.Add([types](const T& unit) { return Contains(types, unit.peripheral_type); });
  }
  builder.Equals(filter.vendor(), [](const T& unit) { return unit.vendor.view(); });
  builder.Equals(filter.model(), [](const T& unit) { return unit.model.view(); });
  builder.Equals(filter.serial(), [](const T& unit) { return unit.serial.view(); });
  if (!filter.block_device().empty()) {
    builder.Add([wanted = filter.block_device()](const T& unit) {
      return std::any_of(unit.paths.begin(), unit.paths.end(), [&wanted](const T::Path& path) {
        return path.facts->facts.block_device == wanted;
      });
    });
  }
  if (filter.maximum_path_count() != 0) {
    builder.Add(
        [most = filter.maximum_path_count()](const T& unit) { return unit.paths.size() <= most; });
  }
  return builder.Finish(predicate);
}

grpc::Status ReadFilter(const sas::v1::EnclosureFilter& filter, const Topology& topology,
                        Predicate<registry::Enclosure>* predicate) {
  using T = registry::Enclosure;
  Builder<T> builder(topology);
  builder.Hosts(filter.hosts(), [](const T& enclosure, const std::vector<SasAddress>& hosts) {
    return Intersects(enclosure.hosts, hosts);
  });
  builder.Equals(filter.vendor(), [](const T& enclosure) { return enclosure.vendor.view(); });
  builder.Equals(filter.model(), [](const T& enclosure) { return enclosure.model.view(); });
  return builder.Finish(predicate);
}

grpc::Status ReadFilter(const sas::v1::SlotFilter& filter, const Topology& topology,
                        Predicate<registry::Slot>* predicate) {
  using T = registry::Slot;
  Builder<T> builder(topology);
  builder.InEnclosure(filter.enclosure(), [](const T& slot) { return slot.id.enclosure; });
  if (filter.has_occupied()) {
    builder.Add([wanted = filter.occupied()](const T& slot) { return slot.occupied() == wanted; });
  }
  return builder.Finish(predicate);
}

}  // namespace sasd::service
