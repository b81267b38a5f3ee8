#include "daemon/service/convert_scsi_hosts.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "daemon/service/convert.h"
#include "daemon/service/names.h"

namespace sasd::service {
namespace {

// The bounds that the API states.
constexpr size_t kMostHosts = 1024, kMostDevices = 4096;

void FillDevice(const ScsiDevice& device, sas::v1::ScsiDevice* out) {
  const LogicalUnitFacts& facts = device.facts;
  out->set_scsi_address(facts.scsi_address);
  out->set_block_device(facts.block_device);
  out->set_generic_device(facts.generic_device);
  out->set_peripheral_type(facts.peripheral_type);
  out->set_vendor(facts.vendor);
  out->set_model(facts.model);
  out->set_product_revision(facts.revision);
  out->set_serial(facts.serial);
  out->set_wwid(facts.wwid);
  out->set_size_bytes(facts.size_bytes);
  out->set_raid_level(device.raid_level);
  out->set_state(device.state);
  for (const Holder& holder : facts.holders) {
    sas::v1::Holder* held = out->add_holders();
    held->set_kind(ToProto(holder.kind));
    held->set_name(holder.name);
    held->set_block_device(holder.block_device);
  }
}

}  // namespace

sas::v1::ListScsiHostsResponse ToProto(const ScsiHosts& hosts, const registry::Topology& topology) {
  std::map<std::string, std::string> names;  // of the topology's hosts, by os_name
  for (const auto& host : topology.collection<registry::Host>()) {
    names[host->facts.os_name] = NameOf(registry::MakeId<registry::Host>(host->key()));
  }
  sas::v1::ListScsiHostsResponse response;
  size_t devices = 0;
  for (size_t i = 0; i < std::min(hosts.hosts.size(), kMostHosts); ++i) {
    const ScsiHost& host = hosts.hosts[i];
    sas::v1::ScsiHost* out = response.add_scsi_hosts();
    out->set_name(absl::StrCat("scsiHosts/", host.os_name));
    out->set_os_name(host.os_name);
    out->set_driver_name(host.driver_name);
    out->set_pci_address(host.pci_address);
    out->set_board_name(host.board_name);
    out->set_firmware_version(host.firmware_version);
    const auto name = names.find(host.os_name);
    if (host.has_sas_transport && name != names.end()) out->set_host(name->second);
    out->set_device_count(static_cast<int32_t>(host.devices.size()));
    for (size_t d = 0; d < host.devices.size() && devices < kMostDevices; ++d, ++devices) {
      FillDevice(host.devices[d], out->add_devices());
    }
  }
  return response;
}

}  // namespace sasd::service
