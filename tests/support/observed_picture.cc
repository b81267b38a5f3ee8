#include "tests/support/observed_picture.h"

#include <algorithm>
#include <iterator>
#include <variant>

#include "absl/strings/str_cat.h"

namespace sasd {
namespace {

constexpr absl::Duration kTimeout = absl::Minutes(1);

}  // namespace

std::string Sizes(const Picture& picture) {
  return absl::StrCat(picture.hosts.size(), " hosts, ", picture.expanders.size(), " expanders, ",
                      picture.devices.size(), " devices, ", picture.units.size(), " units, ",
                      picture.phys.size(), " phys, ", picture.enclosures.size(), " enclosures");
}

Picture TopologyOf(Picture picture) {
  picture.hosts.clear();
  picture.units.clear();
  for (auto& [key, device] : picture.devices) device.state = DeviceState::kDiscovered;
  return picture;
}

void ObservedPicture::Observe(ObservationBatch batch) {
  absl::MutexLock lock(&mu_);
  resyncs_ += batch.cause.kind == CauseKind::kResync;
  for (Observation& observation : batch.observations) Add(observation);
}

Picture ObservedPicture::picture() const {
  absl::MutexLock lock(&mu_);
  return picture_;
}

DiscoveryFacts ObservedPicture::discovery() const {
  absl::MutexLock lock(&mu_);
  return discovery_;
}

int ObservedPicture::resyncs() const {
  absl::MutexLock lock(&mu_);
  return resyncs_;
}

std::vector<std::string> ObservedPicture::notices() const {
  absl::MutexLock lock(&mu_);
  return notices_;
}

bool ObservedPicture::AwaitDevices(size_t count) {
  absl::MutexLock lock(&mu_);
  const auto there = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return picture_.devices.size() == count &&
           std::all_of(picture_.devices.begin(), picture_.devices.end(), [](const auto& entry) {
             return entry.second.state == DeviceState::kAttached;
           });
  };
  return mu_.AwaitWithTimeout(absl::Condition(&there), kTimeout);
}

bool ObservedPicture::AwaitReset(uint32_t count) {
  absl::MutexLock lock(&mu_);
  const auto over = [this, count]() ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return discovery_.reset_count >= count && discovery_.state == DiscoveryState::kSettled;
  };
  return mu_.AwaitWithTimeout(absl::Condition(&over), kTimeout);
}

bool ObservedPicture::AwaitTopology(const Picture& wanted) {
  absl::MutexLock lock(&mu_);
  const auto equal = [this, &wanted]()
                         ABSL_SHARED_LOCKS_REQUIRED(mu_) { return TopologyOf(picture_) == wanted; };
  return mu_.AwaitWithTimeout(absl::Condition(&equal), kTimeout);
}

bool ObservedPicture::AwaitNotice() {
  absl::MutexLock lock(&mu_);
  const auto any = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return !notices_.empty(); };
  return mu_.AwaitWithTimeout(absl::Condition(&any), kTimeout);
}

bool ObservedPicture::AwaitResync() {
  absl::MutexLock lock(&mu_);
  const auto any = [this]() ABSL_SHARED_LOCKS_REQUIRED(mu_) { return resyncs_ != 0; };
  return mu_.AwaitWithTimeout(absl::Condition(&any), kTimeout);
}

void ObservedPicture::Add(Observation& observation) {
  if (auto* host = std::get_if<HostFacts>(&observation)) {
    picture_.hosts[host->key] = std::move(*host);
  } else if (auto* device = std::get_if<EndDeviceFacts>(&observation)) {
    picture_.devices[device->key] = std::move(*device);
  } else if (const auto* gone = std::get_if<EndDeviceGone>(&observation)) {
    picture_.devices.erase(gone->key);
  } else if (auto* unit = std::get_if<LogicalUnitFacts>(&observation)) {
    picture_.units[{unit->device, unit->lun}] = std::move(*unit);
  } else if (const auto* no_unit = std::get_if<LogicalUnitGone>(&observation)) {
    picture_.units.erase({no_unit->device, no_unit->lun});
  } else if (auto* expander = std::get_if<ExpanderFacts>(&observation)) {
    picture_.expanders[expander->key] = std::move(*expander);
  } else if (const auto* lost = std::get_if<ExpanderGone>(&observation)) {
    picture_.expanders.erase(lost->key);
    for (auto it = picture_.phys.begin(); it != picture_.phys.end();) {
      it = it->first.owner == lost->key ? picture_.phys.erase(it) : std::next(it);
    }
  } else if (auto* phy = std::get_if<PhyFacts>(&observation)) {
    picture_.phys[phy->key] = std::move(*phy);
  } else if (auto* enclosure = std::get_if<EnclosureFacts>(&observation)) {
    picture_.enclosures[enclosure->key] = std::move(*enclosure);
  } else if (const auto* off = std::get_if<EnclosureGone>(&observation)) {
    picture_.enclosures.erase(off->key);
  } else if (const auto* discovery = std::get_if<DiscoveryFacts>(&observation)) {
    discovery_ = *discovery;
  } else if (const auto* notice = std::get_if<Notice>(&observation)) {
    notices_.push_back(notice->text);
  }
}

}  // namespace sasd
