#include "driver/discovery/notices.h"

#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/discovery/facts.h"
#include "driver/wire/mpi/constants.h"

namespace sasd::discovery {
namespace {

using Severity = Notice::Severity;

class NoticeMaker {
 public:
  NoticeMaker(const device::NodeTable& nodes, const device::DeviceTable& devices)
      : nodes_(nodes), devices_(devices) {}

  std::optional<Notice> operator()(const mpi::DeviceStatusChange& e) const {
    const bool smart = e.reason == mpi::DeviceStatusReason::kSmartData;
    const bool bad = smart || e.reason == mpi::DeviceStatusReason::kUnsupported ||
                     e.reason == mpi::DeviceStatusReason::kSataInitFailure ||
                     e.reason == mpi::DeviceStatusReason::kExpanderReducedFunctionality;
    std::string text = absl::StrCat(Name(e.handle, e.address), ": ", mpi::ToString(e.reason));
    if (smart) absl::StrAppendFormat(&text, ", asc %02xh ascq %02xh", e.asc, e.ascq);
    return Make(bad ? Severity::kWarning : Severity::kInfo, e.handle, std::move(text));
  }
  std::optional<Notice> operator()(const mpi::DeviceDiscoveryError& e) const {
    const char* what = e.reason == mpi::DeviceDiscoveryError::kSmpTimeout  ? "SMP request timed out"
                       : e.reason == mpi::DeviceDiscoveryError::kSmpFailed ? "SMP request failed"
                                                                           : "failed";
    return Make(Severity::kWarning, e.handle,
                absl::StrCat("discovery of ", Name(e.handle, e.address), ": ", what));
  }
  std::optional<Notice> operator()(const mpi::BroadcastPrimitive& e) const {
    if (e.primitive != mpi::BroadcastPrimitive::kAsynchronousEvent) return std::nullopt;
    return Make(Severity::kInfo, DevHandle(0),
                absl::StrFormat("host phy %d: broadcast (asynchronous event)", e.phy.value()));
  }
  std::optional<Notice> operator()(const mpi::IrConfigurationChangeList& e) const {
    std::string text = "RAID configuration:";
    for (const auto& element : e.elements) {
      absl::StrAppend(&text, " ", IrReason(element.reason));
      if (element.volume_handle != DevHandle(0)) {
        absl::StrAppendFormat(&text, " volume 0x%04x", element.volume_handle.value());
      }
      if (element.disk_handle != DevHandle(0)) {
        absl::StrAppendFormat(&text, " disk %d (0x%04x)", element.disk_number,
                              element.disk_handle.value());
      }
    }
    return Make(Severity::kInfo, DevHandle(0), std::move(text));
  }
  std::optional<Notice> operator()(const mpi::IrVolume& e) const {
    return Make(Severity::kInfo, e.handle,
                absl::StrFormat("RAID volume 0x%04x: reason %d, 0x%x, was 0x%x", e.handle.value(),
                                e.reason, e.value, e.previous_value));
  }
  std::optional<Notice> operator()(const mpi::IrPhysicalDisk& e) const {
    return Make(Severity::kInfo, e.handle,
                absl::StrFormat("RAID disk %d (0x%04x): reason %d, 0x%x, was 0x%x", e.number,
                                e.handle.value(), e.reason, e.value, e.previous_value));
  }
  std::optional<Notice> operator()(const mpi::LogEntryAdded& e) const {
    return Make(
        Severity::kInfo, DevHandle(0),
        absl::StrFormat("firmware log entry %d, qualifier 0x%04x", e.sequence, e.qualifier));
  }
  std::optional<Notice> operator()(const mpi::TemperatureThreshold& e) const {
    return Make(e.status != 0 ? Severity::kCritical : Severity::kInfo, DevHandle(0),
                absl::StrFormat("temperature sensor %d: %d degrees Celsius, thresholds 0x%x "
                                "exceeded",
                                e.sensor, e.temperature, e.status & 0x0F));
  }
  std::optional<Notice> operator()(const mpi::ActiveCableException& e) const {
    const char* what = e.reason == 0   ? "not enough power"
                       : e.reason == 1 ? "present"
                       : e.reason == 2 ? "degraded: link slower than the cable allows"
                                       : "changed";
    return Make(e.reason == 1 ? Severity::kInfo : Severity::kWarning, DevHandle(0),
                absl::StrFormat("active cable at receptacle %d: %s", e.receptacle, what));
  }
  std::optional<Notice> operator()(const mpi::PhyCounter& e) const {
    return Make(Severity::kWarning, DevHandle(0),
                absl::StrFormat("host phy %d: counter 0x%02x at %d, threshold %d", e.phy.value(),
                                e.code, e.value, e.threshold));
  }
  std::optional<Notice> operator()(const mpi::HardResetReceived& e) const {
    return Make(Severity::kInfo, DevHandle(0),
                absl::StrFormat("port %d: hard reset received", e.port));
  }
  template <typename Other>
  std::optional<Notice> operator()(const Other&) const {
    return std::nullopt;
  }

 private:
  static const char* IrReason(uint8_t reason) {
    constexpr const char* kReasons[] = {
        "changed",  "added",          "removed",        "unchanged",    "hidden",
        "unhidden", "volume created", "volume deleted", "disk created", "disk deleted"};
    return reason < std::size(kReasons) ? kReasons[reason] : "changed";
  }

  std::string Name(DevHandle handle, SasAddress address) const {
    if (const device::DeviceRef device = devices_.FindByHandle(handle)) {
      return Describe(devices_.View(*device).info);
    }
    if (const device::NodeRef node = nodes_.FindByHandle(handle)) return Describe(node->key());
    if (address != SasAddress(0)) return "device " + ToHex(address);
    return absl::StrFormat("device handle 0x%04x", handle.value());
  }

  std::optional<Notice> Make(Severity severity, DevHandle handle, std::string text) const {
    Notice notice;
    notice.severity = severity;
    notice.text = std::move(text);
    if (const device::DeviceRef device = devices_.FindByHandle(handle)) {
      notice.subject = device->key();
    } else if (const device::NodeRef node = nodes_.FindByHandle(handle)) {
      notice.subject = node->key();
    } else if (const device::NodeRef host = nodes_.host()) {
      notice.subject = host->key();
    }
    return notice;
  }

  const device::NodeTable& nodes_;
  const device::DeviceTable& devices_;
};

}  // namespace

std::optional<Notice> NoticeFor(const mpi::EventData& event, const device::NodeTable& nodes,
                                const device::DeviceTable& devices) {
  return std::visit(NoticeMaker(nodes, devices), event);
}

}  // namespace sasd::discovery
