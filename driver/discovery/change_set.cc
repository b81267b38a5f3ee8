#include "driver/discovery/change_set.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "driver/discovery/facts.h"

namespace sasd::discovery {

void ChangeSet::Describe(absl::FunctionRef<std::string()> text) {
  if (line_count_++ < kLines) lines_.push_back(text());
}

void ChangeSet::DescribeFirst(std::string text) {
  ++line_count_;
  lines_.insert(lines_.begin(), std::move(text));
  if (lines_.size() > kLines) lines_.pop_back();
}

std::string ChangeSet::Text() const {
  std::string text = absl::StrJoin(lines_, "; ");
  if (line_count_ > lines_.size()) {
    absl::StrAppend(&text, "; and ", line_count_ - lines_.size(), " more");
  }
  return text;
}

class ChangeSet::Renderer {
 public:
  Renderer(device::NodeTable& nodes, device::DeviceTable& devices, HostKey host)
      : nodes_(nodes), devices_(devices), host_(host) {}

  void operator()(const Expander& entry) {
    if (nodes_.IsGone(*entry.node) || !FirstTime(entry.node.get(), kWhole)) return;
    nodes_.SetReported(*entry.node);
    out_.push_back(ExpanderFactsFrom(nodes_.View(*entry.node), entry.node->phy_count()));
  }
  void operator()(const Phy& entry) {
    if (nodes_.IsGone(*entry.node) || !FirstTime(entry.node.get(), entry.phy.value())) return;
    out_.push_back(PhyFactsFrom(entry.node->key(), entry.phy, nodes_.Phy(*entry.node, entry.phy)));
  }
  void operator()(const EndDevice& entry) {
    if (!FirstTime(entry.device.get(), kWhole)) return;
    const device::DeviceView view = devices_.SetReported(*entry.device);
    // The remover reports it.
    if (view.state == device::LifeState::kRemoving || view.state == device::LifeState::kGone) {
      return;
    }
    out_.push_back(EndDeviceFactsFrom(view));
  }
  void operator()(const Enclosure& entry) {
    if (nodes_.IsGone(*entry.enclosure) || !FirstTime(entry.enclosure.get(), kWhole)) return;
    nodes_.SetReported(*entry.enclosure);
    out_.push_back(EnclosureFactsFrom(host_, nodes_.View(*entry.enclosure)));
  }
  void operator()(const GoneObject& entry) {
    if (const auto* node = std::get_if<device::NodeRef>(&entry)) {
      if (nodes_.IsReported(**node)) out_.push_back(ExpanderGone{(*node)->key()});
    } else if (const auto* device = std::get_if<device::DeviceRef>(&entry)) {
      if (devices_.IsReported(**device)) out_.push_back(EndDeviceGone{(*device)->key()});
    } else if (const auto* enclosure = std::get_if<device::EnclosureRef>(&entry)) {
      if (nodes_.IsReported(**enclosure)) out_.push_back(EnclosureGone{(*enclosure)->key(), host_});
    }
  }
  void operator()(const LogicalUnit& entry) {
    const device::LifeState state = devices_.View(*entry.device).state;
    if (state == device::LifeState::kAttached || state == device::LifeState::kBlocked) {
      out_.push_back(entry.facts);
    }
  }
  void operator()(const Observation& entry) { out_.push_back(entry); }

  void Reserve(size_t size) {
    out_.reserve(size);
    if (size > 1) reported_.reserve(size);
  }
  std::vector<Observation> Take() { return std::move(out_); }

 private:
  static constexpr int kWhole = -1;

  bool FirstTime(const void* object, int part) { return reported_.emplace(object, part).second; }

  device::NodeTable& nodes_;
  device::DeviceTable& devices_;
  const HostKey host_;
  absl::flat_hash_set<std::pair<const void*, int>> reported_;
  std::vector<Observation> out_;
};

std::vector<Observation> ChangeSet::Render(device::NodeTable& nodes, device::DeviceTable& devices,
                                           HostKey host) const {
  Renderer renderer(nodes, devices, host);
  renderer.Reserve(entries_.size());
  for (const Entry& entry : entries_) std::visit(renderer, entry);
  return renderer.Take();
}

}  // namespace sasd::discovery
