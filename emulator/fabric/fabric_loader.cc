#include "emulator/fabric/fabric_loader.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "driver/base/regular_file.h"
#include "emulator/fabric/fabric.pb.h"
#include "emulator/fabric/fabric_text.h"
#include "emulator/fabric/fabric_validate.h"
#include "emulator/fabric/shipped_fabrics.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/text_format.h"
#include "rpc/did_you_mean.h"

// In this file the plain names of elements (Host, Expander, ...) are the messages of fabric.proto;
// FabricSpec uses the names that end in "Spec".
namespace sasd::emulator {
namespace {

using google::protobuf::TextFormat;

// Of 200,000 devices that are each written out. The text form takes a multiple of that in memory.
constexpr size_t kMaxFabricBytes = 64 << 20;

class ErrorLines : public google::protobuf::io::ErrorCollector {
 public:
  explicit ErrorLines(absl::string_view origin) : origin_(origin) {}

  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    const std::string where =
        line < 0 ? std::string(origin_) : absl::StrCat(origin_, ":", line + 1, ":", column + 1);
    const bool unknown = absl::StrContains(message, "has no field named");
    lines_.push_back(absl::StrCat(where, ": ", message,
                                  unknown ? " (unknown field; emulator/fabric/fabric.proto has the"
                                            " list of fields)"
                                          : ""));
  }

  std::string Join() const { return absl::StrJoin(lines_, "\n"); }

 private:
  const absl::string_view origin_;
  std::vector<std::string> lines_;
};

// Makes a FabricSpec of a file's message: resolves references, fills in defaults, unrolls arrays.
// One use per object.
class Reader {
 public:
  Reader(const Fabric& file, const TextFormat::ParseInfoTree& tree, absl::string_view origin,
         size_t max_problems)
      : file_(file), tree_(tree), origin_(origin), max_problems_(max_problems) {}

  absl::StatusOr<FabricSpec> Read() {
    spec_.name = file_.name();
    spec_.description = file_.description();
    spec_.shared_identifiers = file_.shared_identifiers();
    for (int i = 0; i < file_.host_size(); ++i) ReadHost(file_.host(i), Place("host", i));
    for (int i = 0; i < file_.enclosure_size(); ++i) {
      ReadEnclosure(file_.enclosure(i), Place("enclosure", i));
    }
    for (int i = 0; i < file_.expander_size(); ++i) {
      ReadExpander(file_.expander(i), Place("expander", i));
    }
    for (int i = 0; i < file_.model_size(); ++i) ReadModel(file_.model(i), Place("model", i));
    for (int i = 0; i < file_.link_size(); ++i) ReadLink(file_.link(i), Place("link", i));
    for (int i = 0; i < file_.device_size(); ++i) ReadDevice(file_.device(i), Place("device", i));
    for (int i = 0; i < file_.device_array_size(); ++i) {
      ReadArray(file_.device_array(i), Place("device_array", i));
    }
    if (file_.host().empty()) {
      problems_.push_back(
          absl::StrCat(origin_, ": the fabric has no host; add one: host { id: ... }"));
    }
    if (!problems_.empty()) {
      return absl::InvalidArgumentError(absl::StrJoin(problems_, "\n"));
    }
    absl::Status valid =
        ValidateFabric(spec_,
                       {[this](ElementKind kind, uint32_t i) { return ElementPlace(kind, i); },
                        [this](uint32_t i) { return Text(link_at_[i]); }},
                       max_problems_);
    if (!valid.ok()) return valid;
    return std::move(spec_);
  }

 private:
  struct Where {
    int line = 0, column = 0;
  };

  Where Place(const char* field, int index) const {
    const auto at = tree_.GetLocation(Fabric::descriptor()->FindFieldByName(field), index);
    return {at.line + 1, at.column + 1};
  }

  std::string Text(Where at) const { return absl::StrCat(origin_, ":", at.line, ":", at.column); }

  std::string ElementPlace(ElementKind kind, uint32_t i) const {
    switch (kind) {
      case ElementKind::kHost:
        return Text(host_at_[i]);
      case ElementKind::kExpander:
        return Text(expander_at_[i]);
      case ElementKind::kEnclosure:
        return Text(enclosure_at_[i]);
      case ElementKind::kDevice:
        break;
    }
    return Text(device_at_[i]);
  }

  void Problem(Where at, absl::string_view what) {
    problems_.push_back(absl::StrCat(Text(at), ": ", what));
  }

  // Returns the value, or notes a problem and returns a default.
  template <typename T>
  T Get(absl::StatusOr<T> value, Where at, absl::string_view what) {
    if (value.ok()) return *std::move(value);
    Problem(at, absl::StrCat(what, ": ", value.status().message()));
    return T();
  }

  SasAddress Address(const std::string& text, Where at, absl::string_view what) {
    return Get(ParseSasAddress(text), at, what);
  }

  LinkRate Rate(double gbps, LinkRate fallback, Where at, absl::string_view what) {
    return gbps == 0 ? fallback : Get(RateFromGbps(gbps), at, what);
  }

  // The text form accepts any number as an enumeration's value.
  void OneOf(bool is_valid, int value, Where at, absl::string_view what) {
    if (!is_valid) {
      Problem(at, absl::StrCat(what, ": ", value, " is not a value of this enumeration"));
    }
  }

  // Narrows a number. Only its range is checked here.
  uint32_t InRange(uint32_t value, uint32_t low, uint32_t high, Where at, absl::string_view what) {
    if (value >= low && value <= high) return value;
    Problem(at, absl::StrCat(what, ": ", value, " is out of range; ", low, " to ", high));
    return low;
  }

  template <typename Map>
  uint32_t Find(const Map& map, const std::string& id, const char* kind, Where at,
                absl::string_view what) {
    const auto it = map.find(id);
    if (it != map.end()) return it->second;
    std::vector<std::string> names;
    for (const auto& [name, index] : map) names.push_back(name);
    std::sort(names.begin(), names.end());
    Problem(at, absl::StrCat(what, ": there is no ", kind, " \"", id, "\"",
                             rpc::DidYouMean(id, names)));
    return kNoIndex;
  }

  NodeRef Node(const std::string& id, Where at, absl::string_view what) {
    const auto host = hosts_.find(id);
    if (host != hosts_.end()) return {true, host->second};
    const auto expander = expanders_.find(id);
    if (expander != expanders_.end()) return {false, expander->second};
    std::vector<std::string> names;
    for (const auto& [name, index] : hosts_) names.push_back(name);
    for (const auto& [name, index] : expanders_) names.push_back(name);
    std::sort(names.begin(), names.end());
    Problem(at, absl::StrCat(what, ": there is no host or expander \"", id, "\"",
                             rpc::DidYouMean(id, names)));
    return {};
  }

  // The phys [first, end) of a range of a node with `count` phys; none if it is not one.
  template <typename Range>
  std::pair<uint32_t, uint32_t> Phys(const Range& range, uint8_t count, Where at,
                                     const std::string& what) {
    const uint32_t last = InRange(range.last_phy(), 0, count - 1, at, what + " last_phy");
    if (range.first_phy() <= last) return {range.first_phy(), last + 1};
    Problem(at, absl::StrCat(what, ": first_phy ", range.first_phy(), " is after last_phy ", last));
    return {0, 0};
  }

  std::vector<PhyRates> Rates(const google::protobuf::RepeatedPtrField<RateRange>& file,
                              uint8_t count, LinkRate highest, Where at, const std::string& of) {
    std::vector<PhyRates> rates;
    const std::string what = of + " phy_rates";
    for (const RateRange& range : file) {
      PhyRates usual;
      usual.hardware_max = highest;
      rates.resize(count, usual);
      PhyRates given;
      given.hardware_min = Rate(range.hardware_min_gbps(), LinkRate::k1_5Gbps, at, what);
      given.hardware_max = Rate(range.hardware_max_gbps(), highest, at, what);
      given.programmed_min = Rate(range.programmed_min_gbps(), given.hardware_min, at, what);
      given.programmed_max = Rate(range.programmed_max_gbps(), LinkRate::k22_5Gbps, at, what);
      const auto [first, end] = Phys(range, count, at, what);
      std::fill(rates.begin() + first, rates.begin() + end, given);
    }
    return rates;
  }

  void ReadHost(const Host& file, Where at) {
    const std::string what = absl::StrCat("host \"", file.id(), "\"");
    HostSpec host;
    host.id = file.id();
    host.address = Address(file.address(), at, what + " address");
    host.board_name = file.board();
    host.chip_name = file.chip();
    host.board_assembly = file.assembly();
    host.firmware_version = file.firmware().empty() ? "16.00.10.00" : file.firmware();
    host.pci_address = file.pci();
    OneOf(Mpi_IsValid(file.mpi()), file.mpi(), at, what + " mpi");
    host.generation = file.mpi() == MPI_2_0   ? MpiGeneration::k2_0
                      : file.mpi() == MPI_2_6 ? MpiGeneration::k2_6
                                              : MpiGeneration::k2_5;
    if (file.phys() != 0) host.phy_count = InRange(file.phys(), 1, 32, at, what + " phys");
    host.max_rate = Rate(file.rate_gbps(), LinkRate::k12Gbps, at, what);
    if (file.max_handle() != 0) {
      host.max_dev_handle = InRange(file.max_handle(), 2, 0xFFF0, at, what + " max_handle");
    }
    if (file.request_credit() != 0) {
      host.request_credit = InRange(file.request_credit(), 1, 0xFFFF, at, what + " request_credit");
    }
    if (file.reply_frame_dwords() != 0) {
      host.reply_frame_dwords =
          InRange(file.reply_frame_dwords(), 16, 255, at, what + " reply_frame_dwords");
    }
    // SAS IO unit page 1: 7 bits, in seconds or in units of 16 s.
    host.report_missing_delay_s =
        InRange(file.report_missing_delay_s(), 0, 127 * 16, at, what + " report_missing_delay_s");
    host.io_missing_delay_s =
        InRange(file.io_missing_delay_s(), 0, 255, at, what + " io_missing_delay_s");
    host.phy_rates = Rates(file.phy_rates(), host.phy_count, host.max_rate, at, what);
    host.port_per_link = file.port_per_link();
    host.removes_deepest_first = file.removes_deepest_first();
    host.enclosure_logical_id = file.enclosure_logical_id().empty()
                                    ? SasAddress(host.address.value() & ~uint64_t{0xF})
                                    : Address(file.enclosure_logical_id(), at, what);
    hosts_.emplace(host.id, spec_.hosts.size());
    spec_.hosts.push_back(std::move(host));
    host_at_.push_back(at);
  }

  void ReadEnclosure(const Enclosure& file, Where at) {
    const std::string what = absl::StrCat("enclosure \"", file.id(), "\"");
    EnclosureSpec enclosure;
    enclosure.id = file.id();
    enclosure.logical_id = Address(file.logical_id(), at, what + " logical_id");
    enclosure.slot_count = InRange(file.slots(), 0, 0x4000, at, what + " slots");
    enclosure.start_slot = InRange(file.start_slot(), 0, 0x4000, at, what + " start_slot");
    enclosure.level_valid = file.has_level();
    enclosure.level = InRange(file.level(), 0, 255, at, what + " level");
    enclosure.connectors.assign(file.connector().begin(), file.connector().end());
    enclosures_.emplace(enclosure.id, spec_.enclosures.size());
    spec_.enclosures.push_back(std::move(enclosure));
    enclosure_at_.push_back(at);
  }

  void ReadExpander(const Expander& file, Where at) {
    const std::string what = absl::StrCat("expander \"", file.id(), "\"");
    ExpanderSpec expander;
    expander.id = file.id();
    expander.address = Address(file.address(), at, what + " address");
    expander.phy_count = InRange(file.phys(), 1, 254, at, what + " phys");
    expander.max_rate = Rate(file.rate_gbps(), LinkRate::k12Gbps, at, what);
    if (!file.enclosure().empty()) {
      expander.enclosure = Find(enclosures_, file.enclosure(), "enclosure", at, what);
    }
    expander.vendor = file.vendor();
    expander.product = file.product();
    expander.revision = file.revision();
    expander.component_vendor = file.component_vendor();
    expander.component_id = InRange(file.component_id(), 0, 0xFFFF, at, what + " component_id");
    expander.component_revision =
        InRange(file.component_revision(), 0, 0xFF, at, what + " component_revision");
    ReadRouting(file, at, expander);
    expander.phy_rates = Rates(file.phy_rates(), expander.phy_count, expander.max_rate, at, what);
    const uint32_t index = spec_.expanders.size();
    expanders_.emplace(expander.id, index);
    spec_.expanders.push_back(std::move(expander));
    expander_at_.push_back(at);
    if (file.has_ses()) ReadSes(file, index, at);
  }

  void ReadRouting(const Expander& file, Where at, ExpanderSpec& expander) {
    for (const RoutingRange& range : file.routing()) {
      const std::string what = absl::StrCat("expander \"", file.id(), "\" routing");
      OneOf(Routing_IsValid(range.attribute()), range.attribute(), at, what + " attribute");
      expander.routing.resize(expander.phy_count, PhyRouting::kAuto);
      const auto [first, end] = Phys(range, expander.phy_count, at, what);
      for (uint32_t phy = first; phy < end; ++phy) {
        expander.routing[phy] = static_cast<PhyRouting>(range.attribute());
      }
    }
  }

  void ReadSes(const Expander& file, uint32_t index, Where at) {
    const Ses& ses = file.ses();
    const ExpanderSpec& expander = spec_.expanders[index];
    const Enclosure* const enclosure =
        expander.enclosure == kNoIndex ? nullptr : &file_.enclosure(expander.enclosure);
    const auto first_of = [](const std::string& a, const std::string& b, const std::string& c) {
      return !a.empty() ? a : !b.empty() ? b : c;
    };
    const std::string none;
    DeviceModel model;
    model.type = DeviceModel::Type::kEnclosure;
    model.vendor = first_of(ses.vendor(), enclosure ? enclosure->vendor() : none, expander.vendor);
    model.product =
        first_of(ses.product(), enclosure ? enclosure->product() : none, expander.product);
    model.revision =
        first_of(ses.revision(), enclosure ? enclosure->revision() : none, expander.revision);

    DeviceSpec device;
    device.id = ses.id().empty() ? absl::StrCat(file.id(), "-ses") : ses.id();
    const std::string what = absl::StrCat("SES device \"", device.id, "\"");
    model.max_rate = Rate(ses.rate_gbps(), expander.max_rate, at, what);
    device.serial = ses.serial();
    DeviceSpec::Port& port = device.ports[0];
    port.at.node = {false, index};
    port.at.phy = ses.has_phy() ? InRange(ses.phy(), 0, 253, at, what + " phy")
                                : static_cast<uint8_t>(expander.phy_count - 1);
    port.address = ses.address().empty() ? SasAddress(expander.address.value() - 2)
                                         : Address(ses.address(), at, what + " address");
    device.name = ses.wwn().empty() ? port.address : Address(ses.wwn(), at, what + " wwn");
    device.model = Intern(model);
    device.enclosure = expander.enclosure;
    if (device.enclosure != kNoIndex) {  // real firmware counts it after the last bay
      const EnclosureSpec& in = spec_.enclosures[device.enclosure];
      device.slot = in.start_slot + in.slot_count;
    }
    if (ses.has_slot()) device.slot = InRange(ses.slot(), 0, 0x7FFF, at, what + " slot");
    AddDevice(std::move(device), at);
  }

  uint32_t Intern(const DeviceModel& model) {
    const auto it = std::find(spec_.models.begin(), spec_.models.end(), model);
    const auto index = static_cast<uint32_t>(it - spec_.models.begin());
    if (it == spec_.models.end()) spec_.models.push_back(model);
    return index;
  }

  void ReadModel(const Model& file, Where at) {
    const std::string what = absl::StrCat("model \"", file.id(), "\"");
    DeviceModel model;
    OneOf(Protocol_IsValid(file.protocol()), file.protocol(), at, what + " protocol");
    const bool sata = file.protocol() == SATA;
    model.protocol = sata ? DeviceModel::Protocol::kSata : DeviceModel::Protocol::kSsp;
    model.vendor = file.vendor().empty() && sata ? "ATA" : file.vendor();
    model.product = file.product();
    model.revision = file.revision();
    if (file.block_size() != 0) {
      model.block_size = InRange(file.block_size(), 512, 8192, at, what + " block_size");
    }
    model.size_bytes = Get(ParseSize(file.size(), model.block_size), at, what);
    model.max_rate = Rate(file.rate_gbps(), sata ? LinkRate::k6Gbps : LinkRate::k12Gbps, at, what);
    model.solid_state = file.ssd();
    if (file.luns() != 0) model.lun_count = InRange(file.luns(), 1, kMaxLuns, at, what + " luns");
    if (sata && file.luns() > 1) {
      Problem(at, absl::StrCat(what, ": a SATA drive has one logical unit; leave out luns"));
    }
    if (!models_.emplace(file.id(), Intern(model)).second) {
      Problem(at, absl::StrCat(what, ": the id is in use already by another model; change one"));
    }
  }

  void ReadLink(const Link& file, Where at) {
    const std::string what = absl::StrCat("link \"", file.a(), "\" to \"", file.b(), "\"");
    const uint32_t width = InRange(file.width() == 0 ? 1 : file.width(), 1, 64, at, what);
    const NodeRef a = Node(file.a(), at, what), b = Node(file.b(), at, what);
    const LinkRate rate = Rate(file.rate_gbps(), LinkRate::k22_5Gbps, at, what);
    if (!a.valid() || !b.valid()) return;
    for (uint32_t lane = 0; lane < width; ++lane) {
      LinkSpec link;
      link.a = {a, static_cast<uint8_t>(std::min(file.a_phy() + lane, 255u))};
      link.b = {b, static_cast<uint8_t>(std::min(file.b_phy() + lane, 255u))};
      link.max_rate = rate;
      spec_.links.push_back(link);
      link_at_.push_back(at);
    }
  }

  // Fills in the fields that a single device and an array's device share. `n` counts from 0 within
  // the array.
  template <typename Message>
  void FillDevice(const Message& file, uint32_t n, uint64_t name, DeviceSpec& device, Where at,
                  const std::string& what) {
    device.model = Find(models_, file.model(), "model", at, what);
    if (device.model == kNoIndex) return;
    device.name = SasAddress(name);
    if (file.port_size() < 1 || file.port_size() > 2) {
      Problem(at, absl::StrCat(what, ": it has ", file.port_size(), " ports; give it one or two"));
      return;
    }
    for (int i = 0; i < file.port_size(); ++i) {
      FillPort(file.port(i), i, n, device, at, what);
    }
    const NodeRef node = device.ports[0].at.node;
    if (!file.enclosure().empty()) {
      device.enclosure = Find(enclosures_, file.enclosure(), "enclosure", at, what);
    } else if (node.valid() && !node.is_host) {
      device.enclosure = spec_.expanders[node.index].enclosure;
    }
    if (!file.connector().empty() && device.enclosure != kNoIndex) {
      const auto& names = spec_.enclosures[device.enclosure].connectors;
      const auto it = std::find(names.begin(), names.end(), file.connector());
      if (it == names.end()) {
        Problem(at, absl::StrCat(what, ": its enclosure has no connector \"", file.connector(),
                                 "\"; add connector: \"", file.connector(), "\" to it"));
      } else {
        device.connector = static_cast<uint8_t>(it - names.begin());
      }
    }
  }

  void FillPort(const Port& file, int number, uint32_t n, DeviceSpec& device, Where at,
                const std::string& what) {
    DeviceSpec::Port& port = device.ports[number];
    port.at.node = Node(file.at(), at, what);
    if (!port.at.node.valid()) return;
    const uint32_t step = file.phy_step() == 0 ? 1 : file.phy_step();
    port.at.phy = static_cast<uint8_t>(std::min<uint64_t>(file.phy() + uint64_t{step} * n, 255));
    const bool sata = spec_.models[device.model].protocol == DeviceModel::Protocol::kSata;
    if (!file.address().empty()) {
      port.address = SasAddress(Address(file.address(), at, what + " port address").value() + n);
    } else if (!sata) {
      port.address = SasAddress(device.name.value() + 1 + number);
    } else if (port.at.node.is_host) {  // every HBA numbers its SATA drives so
      port.address = SasAddress(0x4433221100000000 | uint64_t{port.at.phy} << 24);
    } else {
      port.address = StpAddress(spec_.expanders[port.at.node.index].address, port.at.phy);
    }
  }

  void ReadDevice(const Device& file, Where at) {
    const std::string what = absl::StrCat("device \"", file.id(), "\"");
    DeviceSpec device;
    device.id = file.id();
    device.serial = file.serial();
    device.slot = InRange(file.slot(), 0, 0x7FFF, at, what + " slot");
    device.absent = file.pulled();
    FillDevice(file, 0, Address(file.wwn(), at, what + " wwn").value(), device, at, what);
    AddDevice(std::move(device), at);
  }

  void ReadArray(const DeviceArray& file, Where at) {
    const std::string what = absl::StrCat("device_array \"", file.id(), "\"");
    const uint64_t first = Address(file.wwn(), at, what + " wwn").value();
    const uint32_t step = file.wwn_step() == 0 ? 4 : file.wwn_step();
    const size_t problems = problems_.size();
    const auto holds = [](const auto& slots, uint32_t slot) {
      return std::find(slots.begin(), slots.end(), slot) != slots.end();
    };
    for (uint32_t n = 0; n < InRange(file.count(), 1, 0x4000, at, what + " count"); ++n) {
      if (problems_.size() > problems) return;  // the others have the same problem
      const uint32_t slot = file.first_slot() + n;
      if (holds(file.skip_slot(), slot)) continue;
      DeviceSpec device;
      device.id = Get(ExpandPattern(file.id(), slot), at, what + " id");
      device.serial = Get(ExpandPattern(file.serial(), slot), at, what + " serial");
      device.slot = InRange(slot, 0, 0x7FFF, at, what + " slot");
      device.absent = holds(file.pulled_slot(), slot);
      FillDevice(file, n, first + uint64_t{step} * n, device, at, what);
      AddDevice(std::move(device), at);
    }
  }

  void AddDevice(DeviceSpec device, Where at) {
    spec_.devices.push_back(std::move(device));
    device_at_.push_back(at);
  }

  const Fabric& file_;
  const TextFormat::ParseInfoTree& tree_;
  const absl::string_view origin_;
  const size_t max_problems_;
  FabricSpec spec_;
  std::vector<std::string> problems_;
  absl::flat_hash_map<std::string, uint32_t> hosts_, expanders_, enclosures_, models_;
  std::vector<Where> host_at_, expander_at_, enclosure_at_, device_at_, link_at_;
};

}  // namespace

absl::StatusOr<FabricSpec> ParseFabric(absl::string_view text, absl::string_view origin,
                                       size_t max_problems) {
  ErrorLines errors(origin);
  TextFormat::ParseInfoTree tree;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&errors);
  parser.WriteLocationsTo(&tree);
  Fabric file;
  if (!parser.ParseFromString(std::string(text), &file)) {
    return absl::InvalidArgumentError(errors.Join());
  }
  return Reader(file, tree, origin, max_problems).Read();
}

absl::StatusOr<FabricSpec> LoadFabric(absl::string_view name_or_path, size_t max_problems) {
  const std::vector<ShippedFabric> shipped = ShippedFabrics();
  for (const ShippedFabric& fabric : shipped) {
    if (fabric.name == name_or_path) {
      return ParseFabric(fabric.text, absl::StrCat(fabric.name, ".textproto"), max_problems);
    }
  }
  std::vector<std::string> names;
  for (const ShippedFabric& fabric : shipped) names.emplace_back(fabric.name);
  const std::string path(name_or_path);
  const bool is_path = absl::StrContains(path, '/') || absl::EndsWith(path, ".textproto");
  const std::string hint =
      absl::StrCat(rpc::DidYouMean(path, names), " (shipped: ", absl::StrJoin(names, ", "),
                   "; or the path of a .textproto file)");
  if (!is_path) {
    return absl::NotFoundError(absl::StrCat("there is no shipped fabric \"", path, "\"", hint));
  }
  const absl::StatusOr<std::string> text = ReadRegularFile(path, kMaxFabricBytes);
  if (absl::IsInvalidArgument(text.status())) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot read the fabric file ", text.status().message()));
  }
  if (!text.ok()) {
    return absl::NotFoundError(absl::StrCat("cannot read the fabric file \"", path, "\"", hint));
  }
  return ParseFabric(*text, path, max_problems);
}

}  // namespace sasd::emulator
