#include "emulator/service/emulator_service.h"

#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "driver/base/link_rate.h"
#include "emulator/service/truth_convert.h"
#include "google/protobuf/descriptor.h"
#include "rpc/page.h"
#include "rpc/status.h"

namespace sasd::emulator {
namespace {

using emulator::ElementKind;

constexpr char kService[] = "sas.emulator.v1.EmulatorService";

std::optional<ElementKind> FromProto(sas::emulator::v1::ElementKind kind) {
  switch (kind) {
    case sas::emulator::v1::ELEMENT_KIND_HOST:
      return ElementKind::kHost;
    case sas::emulator::v1::ELEMENT_KIND_EXPANDER:
      return ElementKind::kExpander;
    case sas::emulator::v1::ELEMENT_KIND_DEVICE:
      return ElementKind::kDevice;
    case sas::emulator::v1::ELEMENT_KIND_ENCLOSURE:
      return ElementKind::kEnclosure;
    default:
      return std::nullopt;
  }
}

sas::emulator::v1::ElementKind ToProto(ElementKind kind) {
  switch (kind) {
    case ElementKind::kHost:
      return sas::emulator::v1::ELEMENT_KIND_HOST;
    case ElementKind::kExpander:
      return sas::emulator::v1::ELEMENT_KIND_EXPANDER;
    case ElementKind::kDevice:
      return sas::emulator::v1::ELEMENT_KIND_DEVICE;
    case ElementKind::kEnclosure:
      return sas::emulator::v1::ELEMENT_KIND_ENCLOSURE;
  }
  return sas::emulator::v1::ELEMENT_KIND_UNSPECIFIED;
}

std::optional<emulator::FaultKind> FromProto(sas::emulator::v1::FaultKind kind) {
  switch (kind) {
    case sas::emulator::v1::FAULT_KIND_PAGE_READ_FAILS:
      return emulator::FaultKind::kPageReadFails;
    case sas::emulator::v1::FAULT_KIND_SMP_TIMEOUT:
      return emulator::FaultKind::kSmpTimeout;
    case sas::emulator::v1::FAULT_KIND_EVENT_LOST:
      return emulator::FaultKind::kEventLost;
    case sas::emulator::v1::FAULT_KIND_EVENT_DUPLICATED:
      return emulator::FaultKind::kEventDuplicated;
    case sas::emulator::v1::FAULT_KIND_EVENT_TRUNCATED:
      return emulator::FaultKind::kEventTruncated;
    case sas::emulator::v1::FAULT_KIND_EVENTS_REORDERED:
      return emulator::FaultKind::kEventsReordered;
    case sas::emulator::v1::FAULT_KIND_IOC_FAULT:
      return emulator::FaultKind::kIocFault;
    default:
      return std::nullopt;
  }
}

// A call of FlapPhy holds a thread: it has this many flaps, and lasts this long, at most.
constexpr int32_t kMaxFlaps = 1'000'000;
constexpr absl::Duration kMaxFlapTime = absl::Minutes(10);
// A synchronous call cannot wait for its cancellation, so it looks this often.
constexpr absl::Duration kCancellationLook = absl::Milliseconds(20);

// Sleeps so long, or until the call is cancelled.
void Sleep(absl::Duration time, grpc::ServerContext* context) {
  for (absl::Duration left = time; left > absl::ZeroDuration() && !context->IsCancelled();
       left -= kCancellationLook) {
    absl::SleepFor(std::min(left, kCancellationLook));
  }
}

// The same error for all verbs: each needs an element to act on.
template <typename Request>
grpc::Status CheckElement(const Request& request) {
  if (!request.element().empty()) return grpc::Status::OK;
  return rpc::BadField("element", "it is empty; `sasctl emulator list` shows the elements");
}

absl::Duration ToDuration(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

grpc::Status CheckBelow(uint32_t value, uint32_t limit, const char* field) {
  if (value < limit) return grpc::Status::OK;
  return rpc::BadField(field, absl::StrCat(value, " is too large; at most ", limit - 1));
}

// The first error of some checks; OK if none failed.
grpc::Status FirstError(std::initializer_list<grpc::Status> checks) {
  for (const grpc::Status& status : checks) {
    if (!status.ok()) return status;
  }
  return grpc::Status::OK;
}

void Fill(const emulator::ElementState& element, sas::emulator::v1::Element* out) {
  out->set_id(element.id);
  out->set_kind(ToProto(element.kind));
  for (SasAddress address : element.addresses) out->add_sas_addresses(ToHex(address));
  out->set_state(element.state);
  out->set_enclosure(element.enclosure);
  if (element.slot.has_value()) out->set_slot(*element.slot);
}

}  // namespace

std::vector<rpc::MethodRole> EmulatorService::Roles() {
  std::vector<rpc::MethodRole> roles;
  const google::protobuf::ServiceDescriptor* const service =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(kService);
  for (int i = 0; i < service->method_count(); ++i) {
    roles.emplace_back(absl::StrCat(kService, "/", service->method(i)->name()),
                       rpc::Role::kOperator);
  }
  return roles;
}

std::vector<std::string> EmulatorService::Changes() {
  std::vector<std::string> changes;
  for (const rpc::MethodRole& each : Roles()) {
    const absl::string_view verb = absl::string_view(each.first).substr(each.first.find('/') + 1);
    if (verb != "ListElements" && verb != "GetHostTruth") changes.push_back(each.first);
  }
  return changes;
}

grpc::Status EmulatorService::Admit(const grpc::ServerContext& context, absl::string_view method) {
  return guard_.Admit(context, absl::StrCat(kService, "/", method), nullptr);
}

grpc::Status EmulatorService::ListElements(grpc::ServerContext* context,
                                           const sas::emulator::v1::ListElementsRequest* request,
                                           sas::emulator::v1::ListElementsResponse* response) {
  if (grpc::Status s = Admit(*context, "ListElements"); !s.ok()) return s;
  std::vector<ElementKind> kinds;
  for (int i = 0; i < request->kinds_size(); ++i) {
    const std::optional<ElementKind> kind = FromProto(request->kinds(i));
    if (!kind.has_value()) {
      return rpc::BadField(absl::StrCat("kinds[", i, "]"),
                           absl::StrCat(request->kinds(i), " is no kind of element"));
    }
    kinds.push_back(*kind);
  }
  size_t page_size = 0;
  if (grpc::Status s = rpc::ReadPageSize(request->page_size(), &page_size); !s.ok()) return s;
  sas::emulator::v1::ListElementsRequest filter;  // what every page of one listing shares
  *filter.mutable_kinds() = request->kinds();
  const std::vector<ElementState> elements = fabric_.ListElements(kinds);
  auto it = elements.begin();
  if (!request->page_token().empty()) {
    std::string last;
    if (grpc::Status s = rpc::ReadPageToken(request->page_token(), &filter, &last); !s.ok()) {
      return s;
    }
    it = std::find_if(elements.begin(), elements.end(),
                      [&last](const ElementState& element) { return element.id == last; });
    if (it == elements.end()) {
      return rpc::BadField("page_token", absl::StrCat("there is no element \"", last, "\""));
    }
    ++it;
  }
  for (; it != elements.end() && static_cast<size_t>(response->elements_size()) < page_size; ++it) {
    Fill(*it, response->add_elements());
  }
  if (it != elements.end()) {
    response->set_next_page_token(rpc::MakePageToken(std::prev(it)->id, &filter));
  }
  response->set_total_size(static_cast<int32_t>(elements.size()));
  return grpc::Status::OK;
}

grpc::Status EmulatorService::Pull(grpc::ServerContext* context,
                                   const sas::emulator::v1::PullRequest* request,
                                   sas::emulator::v1::PullResponse*) {
  if (grpc::Status s = Admit(*context, "Pull"); !s.ok()) return s;
  if (grpc::Status s = CheckElement(*request); !s.ok()) return s;
  return rpc::ToGrpc(fabric_.Pull(request->element()));
}

grpc::Status EmulatorService::Insert(grpc::ServerContext* context,
                                     const sas::emulator::v1::InsertRequest* request,
                                     sas::emulator::v1::InsertResponse* response) {
  if (grpc::Status s = Admit(*context, "Insert"); !s.ok()) return s;
  if (grpc::Status s = CheckElement(*request); !s.ok()) return s;
  const absl::StatusOr<std::string> id =
      fabric_.Insert(request->element(), request->replacement_serial());
  if (!id.ok()) return rpc::ToGrpc(id.status());
  response->set_element(*id);
  return grpc::Status::OK;
}

grpc::Status EmulatorService::SetAccessStatus(
    grpc::ServerContext* context, const sas::emulator::v1::SetAccessStatusRequest* request,
    sas::emulator::v1::SetAccessStatusResponse*) {
  if (grpc::Status s = Admit(*context, "SetAccessStatus"); !s.ok()) return s;
  if (grpc::Status s = CheckElement(*request); !s.ok()) return s;
  if (grpc::Status s = CheckBelow(request->access_status(), 256, "access_status"); !s.ok())
    return s;
  return rpc::ToGrpc(fabric_.SetAccessStatus(request->element(), request->access_status()));
}

grpc::Status EmulatorService::SetPhy(grpc::ServerContext* context,
                                     const sas::emulator::v1::SetPhyRequest* request,
                                     sas::emulator::v1::SetPhyResponse*) {
  if (grpc::Status s = Admit(*context, "SetPhy"); !s.ok()) return s;
  if (grpc::Status s = CheckElement(*request); !s.ok()) return s;
  const LinkRate rate = LinkRateFromNibble(static_cast<uint8_t>(request->link_rate()));
  if (request->link_rate() != sas::v1::LINK_RATE_UNSPECIFIED &&
      (!sas::v1::LinkRate_IsValid(request->link_rate()) || !IsLinkUp(rate))) {
    return rpc::BadField("link_rate", absl::StrCat(request->link_rate(),
                                                   " is no rate in Gbit/s; give LINK_RATE_1_5_GBPS "
                                                   "or faster, or none for the fastest"));
  }
  return rpc::ToGrpc(fabric_.SetPhy(request->element(), request->phy(), request->up(), Gbps(rate)));
}

grpc::Status EmulatorService::FlapPhy(grpc::ServerContext* context,
                                      const sas::emulator::v1::FlapPhyRequest* request,
                                      sas::emulator::v1::FlapPhyResponse*) {
  if (grpc::Status s = Admit(*context, "FlapPhy"); !s.ok()) return s;
  if (grpc::Status s = CheckElement(*request); !s.ok()) return s;
  const absl::Duration interval = ToDuration(request->interval());
  if (interval < absl::ZeroDuration() || interval > absl::Seconds(1)) {
    return rpc::BadField(
        "interval", absl::StrCat(absl::FormatDuration(interval), " is not between 0 and a second"));
  }
  if (request->count() < 0) return rpc::BadField("count", "a count is not negative");
  const absl::Duration length = 2 * int64_t{request->count()} * interval;
  if (request->count() > kMaxFlaps || length > kMaxFlapTime) {
    return rpc::BadField(
        "count", absl::StrCat(request->count(), " flaps of ", absl::FormatDuration(2 * interval),
                              " are too many; at most ", kMaxFlaps, ", and ",
                              absl::FormatDuration(kMaxFlapTime), " in all"));
  }
  bool up = true;
  for (int64_t change = 0; change < int64_t{2} * request->count(); ++change) {
    if (context->IsCancelled() && up) break;
    up = !up;
    if (absl::Status s = fabric_.SetPhy(request->element(), request->phy(), up); !s.ok()) {
      return rpc::ToGrpc(s);
    }
    Sleep(interval, context);
  }
  if (context->IsCancelled()) return {grpc::StatusCode::CANCELLED, "the call was cancelled"};
  return grpc::Status::OK;
}

grpc::Status EmulatorService::SetExpander(grpc::ServerContext* context,
                                          const sas::emulator::v1::SetExpanderRequest* request,
                                          sas::emulator::v1::SetExpanderResponse*) {
  if (grpc::Status s = Admit(*context, "SetExpander"); !s.ok()) return s;
  if (grpc::Status s = CheckElement(*request); !s.ok()) return s;
  return rpc::ToGrpc(fabric_.SetExpander(request->element(), request->present()));
}

grpc::Status EmulatorService::SetEnclosurePower(
    grpc::ServerContext* context, const sas::emulator::v1::SetEnclosurePowerRequest* request,
    sas::emulator::v1::SetEnclosurePowerResponse*) {
  if (grpc::Status s = Admit(*context, "SetEnclosurePower"); !s.ok()) return s;
  if (grpc::Status s = CheckElement(*request); !s.ok()) return s;
  return rpc::ToGrpc(fabric_.SetEnclosurePower(request->element(), request->on()));
}

grpc::Status EmulatorService::ResetHost(grpc::ServerContext* context,
                                        const sas::emulator::v1::ResetHostRequest* request,
                                        sas::emulator::v1::ResetHostResponse*) {
  if (grpc::Status s = Admit(*context, "ResetHost"); !s.ok()) return s;
  if (grpc::Status s = CheckElement(*request); !s.ok()) return s;
  return rpc::ToGrpc(fabric_.ResetHost(request->element()));
}

grpc::Status EmulatorService::InjectDiscoveryError(
    grpc::ServerContext* context, const sas::emulator::v1::InjectDiscoveryErrorRequest* request,
    sas::emulator::v1::InjectDiscoveryErrorResponse*) {
  if (grpc::Status s = Admit(*context, "InjectDiscoveryError"); !s.ok()) return s;
  if (grpc::Status s = CheckElement(*request); !s.ok()) return s;
  if (request->discovery_status() == 0) {
    return rpc::BadField("discovery_status", "0 is no error; for example 0x10 is an SMP timeout");
  }
  return rpc::ToGrpc(fabric_.InjectDiscoveryError(request->element(), request->discovery_status()));
}

grpc::Status EmulatorService::InjectFault(grpc::ServerContext* context,
                                          const sas::emulator::v1::InjectFaultRequest* request,
                                          sas::emulator::v1::InjectFaultResponse*) {
  if (grpc::Status s = Admit(*context, "InjectFault"); !s.ok()) return s;
  if (grpc::Status s = CheckElement(*request); !s.ok()) return s;
  const std::optional<emulator::FaultKind> kind = FromProto(request->kind());
  if (!kind.has_value()) {
    return rpc::BadField("kind", absl::StrCat(request->kind(), " is no kind of fault"));
  }
  const absl::Duration delay = ToDuration(request->delay());
  if (delay < absl::ZeroDuration()) return rpc::BadField("delay", "a delay is not negative");
  if (request->count() < 0) return rpc::BadField("count", "a count is not negative");
  const uint32_t count = request->count() == 0 ? 1 : static_cast<uint32_t>(request->count());
  return rpc::ToGrpc(fabric_.InjectFault(request->element(), *kind, count, delay));
}

grpc::Status EmulatorService::InjectNotice(grpc::ServerContext* context,
                                           const sas::emulator::v1::InjectNoticeRequest* request,
                                           sas::emulator::v1::InjectNoticeResponse*) {
  if (grpc::Status s = Admit(*context, "InjectNotice"); !s.ok()) return s;
  using Request = sas::emulator::v1::InjectNoticeRequest;
  if (grpc::Status s = CheckElement(*request); !s.ok()) return s;
  switch (request->notice_case()) {
    case Request::kDeviceStatus: {
      const sas::emulator::v1::DeviceStatusNotice& n = request->device_status();
      if (grpc::Status s = FirstError({CheckBelow(n.reason(), 256, "device_status.reason"),
                                       CheckBelow(n.asc(), 256, "device_status.asc"),
                                       CheckBelow(n.ascq(), 256, "device_status.ascq")});
          !s.ok()) {
        return s;
      }
      return rpc::ToGrpc(
          fabric_.InjectDeviceStatus(request->element(), n.reason(), n.asc(), n.ascq()));
    }
    case Request::kTemperature: {
      const sas::emulator::v1::TemperatureNotice& n = request->temperature();
      if (grpc::Status s = FirstError({CheckBelow(n.sensor(), 256, "temperature.sensor"),
                                       CheckBelow(n.celsius(), 65536, "temperature.celsius")});
          !s.ok()) {
        return s;
      }
      return rpc::ToGrpc(fabric_.InjectTemperature(request->element(), n.sensor(), n.celsius()));
    }
    case Request::kLogEntry: {
      const sas::emulator::v1::LogEntryNotice& n = request->log_entry();
      if (grpc::Status s = CheckBelow(n.qualifier(), 65536, "log_entry.qualifier"); !s.ok()) {
        return s;
      }
      return rpc::ToGrpc(fabric_.InjectLogEntry(request->element(), n.qualifier(), n.text()));
    }
    case Request::kBroadcast: {
      const sas::emulator::v1::BroadcastNotice& n = request->broadcast();
      if (grpc::Status s = FirstError({CheckBelow(n.phy(), 256, "broadcast.phy"),
                                       CheckBelow(n.primitive(), 256, "broadcast.primitive")});
          !s.ok()) {
        return s;
      }
      return rpc::ToGrpc(fabric_.InjectBroadcast(request->element(), n.phy(), n.primitive()));
    }
    case Request::NOTICE_NOT_SET:
      break;
  }
  return rpc::BadField("notice", "it is not set; for example temperature {sensor: 0 celsius: 70}");
}

grpc::Status EmulatorService::GetHostTruth(grpc::ServerContext* context,
                                           const sas::emulator::v1::GetHostTruthRequest* request,
                                           sas::emulator::v1::GetHostTruthResponse* response) {
  if (grpc::Status s = Admit(*context, "GetHostTruth"); !s.ok()) return s;
  if (grpc::Status s = CheckElement(*request); !s.ok()) return s;
  const absl::StatusOr<emulator::HostTruth> truth = fabric_.GetHostTruth(request->element());
  if (!truth.ok()) return rpc::ToGrpc(truth.status());
  *response->mutable_truth() = ToProto(*truth);
  return grpc::Status::OK;
}

}  // namespace sasd::emulator
