#include "emulator/firmware/make_truth.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace sasd::emulator {
namespace {

// Walks the links that are up, from the host outwards.
class Walk {
 public:
  Walk(const FabricState& fabric, const ReportedTopology& topology)
      : fabric_(fabric), topology_(topology) {}

  HostTruth Run() {
    const NodeRef host{true, topology_.host()};
    const HostSpec& spec = fabric_.host(host.index);
    truth_.id = spec.id;
    truth_.address = spec.address;
    truth_.handle = DevHandle(kHbaHandle);
    TruthEnclosure board;
    board.id = spec.id;
    board.logical_id = spec.enclosure_logical_id;
    board.handle = EnclosureHandle(kBoardEnclosure);
    board.slot_count = spec.phy_count;
    truth_.enclosures.push_back(std::move(board));
    seen_enclosures_.resize(fabric_.spec().enclosures.size());

    queue_.push_back({host, 0, PhysicalPort(0)});
    truth_.phys = VisitPhys(Step(queue_[0]));
    for (size_t i = 1; i < queue_.size(); ++i) {
      std::vector<TruthPhy> phys = VisitPhys(Step(queue_[i]));
      truth_.expanders[i - 1].phys = std::move(phys);
    }
    return std::move(truth_);
  }

 private:
  struct Step {
    NodeRef node;
    uint8_t level = 0;
    PhysicalPort port;
  };

  std::vector<TruthPhy> VisitPhys(const Step& at) {
    std::vector<TruthPhy> phys;
    for (int i = 0; i < fabric_.phy_count(at.node); ++i) {
      const PhyRef ref{at.node, static_cast<uint8_t>(i)};
      const PhyLink link = fabric_.Link(ref);
      TruthPhy phy;
      phy.phy = PhyId(ref.phy);
      phy.rate = link.rate;
      phy.is_virtual = fabric_.is_virtual(ref);
      phy.attached = fabric_.PeerAddress(link);
      if (link.node().valid()) phy.attached_phy = PhyId(link.peer_phy);
      phys.push_back(phy);
      const PhysicalPort port = at.level == 0 ? PhysicalPort(topology_.PortOf(ref.phy)) : at.port;
      if (link.peer == PhyLink::Peer::kDevice) VisitDevice(at, ref, link, port);
      if (link.peer == PhyLink::Peer::kExpander) VisitExpander(at, ref, link, port);
    }
    return phys;
  }

  void VisitExpander(const Step& at, PhyRef ref, const PhyLink& link, PhysicalPort port) {
    for (size_t i = 0; i < queue_.size(); ++i) {
      if (queue_[i].node != link.node()) continue;
      if (queue_[i].level == at.level + 1) {  // another lane; else the way back up
        truth_.expanders[i - 1].parent_phys.push_back(PhyId(ref.phy));
      }
      return;
    }
    const ExpanderSpec& spec = fabric_.expander(link.peer_index);
    TruthExpander expander;
    expander.id = spec.id;
    expander.address = spec.address;
    expander.parent = fabric_.address(at.node);
    expander.parent_phys.push_back(PhyId(ref.phy));
    expander.port = port;
    expander.handle = DevHandle(topology_.NodeHandle(link.node()));
    expander.level = static_cast<uint8_t>(at.level + 1);
    expander.enclosure = SeeEnclosure(spec.enclosure);
    expander.vendor = spec.vendor;
    expander.product = spec.product;
    expander.revision = spec.revision;
    truth_.expanders.push_back(std::move(expander));
    queue_.push_back({link.node(), static_cast<uint8_t>(at.level + 1), port});
  }

  void VisitDevice(const Step& at, PhyRef ref, const PhyLink& link, PhysicalPort port) {
    const DeviceSpec& spec = fabric_.device(link.peer_index);
    const DeviceModel& model = fabric_.model_of(link.peer_index);
    TruthDevice device;
    device.id = spec.id;
    device.address = spec.ports[link.peer_phy].address;
    device.parent = fabric_.address(at.node);
    device.parent_phy = PhyId(ref.phy);
    device.port = port;
    device.handle = DevHandle(topology_.DeviceHandle(fabric_, link.peer_index, link.peer_phy));
    device.rate = link.rate;
    device.sata = model.protocol == DeviceModel::Protocol::kSata;
    device.is_ses = model.type == DeviceModel::Type::kEnclosure;
    device.enclosure = SeeEnclosure(spec.enclosure);
    if (at.level == 0 && spec.enclosure == kNoIndex) {
      device.enclosure = truth_.enclosures[0].logical_id;
    }
    if (device.enclosure.value() != 0) device.slot = spec.slot;
    device.access_status = fabric_.device_access_status(link.peer_index);
    if (spec.enclosure != kNoIndex && fabric_.spec().enclosures[spec.enclosure].level_valid) {
      const EnclosureSpec& enclosure = fabric_.spec().enclosures[spec.enclosure];
      device.enclosure_level = enclosure.level;
      if (spec.connector != kNoConnector) {
        device.connector_name = enclosure.connectors[spec.connector];
      }
    }
    device.name = spec.name;
    device.vendor = model.vendor;
    device.model = model.product;
    device.serial = spec.serial;
    device.revision = model.revision;
    device.size_bytes = model.size_bytes;
    for (uint8_t lun = 0; lun < model.lun_count; ++lun) {
      const Bytes naa = UnitNaa(spec.name, model, lun);
      const absl::string_view bytes(reinterpret_cast<const char*>(naa.data()), naa.size());
      device.units.push_back({lun, absl::StrCat("naa.", absl::BytesToHexString(bytes))});
    }
    truth_.devices.push_back(std::move(device));
  }

  // Returns the logical id, and adds the enclosure to the truth.
  SasAddress SeeEnclosure(uint32_t index) {
    if (index == kNoIndex) return {};
    const EnclosureSpec& spec = fabric_.spec().enclosures[index];
    if (seen_enclosures_[index]) return spec.logical_id;
    seen_enclosures_[index] = true;
    TruthEnclosure enclosure;
    enclosure.id = spec.id;
    enclosure.logical_id = spec.logical_id;
    enclosure.handle = EnclosureHandle(topology_.EnclosureHandle(index));
    enclosure.slot_count = spec.slot_count;
    enclosure.start_slot = spec.start_slot;
    truth_.enclosures.push_back(std::move(enclosure));
    return spec.logical_id;
  }

  const FabricState& fabric_;
  const ReportedTopology& topology_;
  HostTruth truth_;
  std::vector<Step> queue_;  // the host, then the expanders in the order found
  std::vector<bool> seen_enclosures_;
};

}  // namespace

HostTruth MakeTruth(const FabricState& fabric, const ReportedTopology& topology) {
  return Walk(fabric, topology).Run();
}

}  // namespace sasd::emulator
