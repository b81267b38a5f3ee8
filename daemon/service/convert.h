#ifndef DAEMON_SERVICE_CONVERT_H_
#define DAEMON_SERVICE_CONVERT_H_

#include "absl/time/time.h"
#include "daemon/diagnosis/check.h"
#include "daemon/registry/registry_event.h"
#include "daemon/registry/resources.h"
#include "driver/observation/observation.h"
#include "google/protobuf/timestamp.pb.h"
#include "sas/v1/events.pb.h"
#include "sas/v1/node_service.pb.h"
#include "sas/v1/resources.pb.h"

// The registry's types as the API's messages: the one place where both are seen. Total: every value
// converts. Pure functions, thread-safe.
namespace sasd::service {

void SetTime(absl::Time time, google::protobuf::Timestamp* out);
sas::v1::LinkRate ToProto(LinkRate rate);
sas::v1::DeviceState ToProto(DeviceState state);
sas::v1::DiscoveryState ToProto(DiscoveryState state);
sas::v1::Routing ToProto(RoutingAttribute routing);
sas::v1::HolderKind ToProto(HolderKind kind);
// The numbers of sas.v1.Source are those of sasd::Source plus 1.
sas::v1::Source ToProto(Source source);
sas::v1::Severity ToProto(Notice::Severity severity);
sas::v1::CauseKind ToProto(CauseKind kind);

// Resources with all that is known (VIEW_FULL).
void ToProto(const registry::Host& host, sas::v1::Host* out);
void ToProto(const registry::Phy& phy, sas::v1::Phy* out);
void ToProto(const registry::Port& port, sas::v1::Port* out);
void ToProto(const registry::Expander& expander, sas::v1::Expander* out);
void ToProto(const registry::EndDevice& device, sas::v1::EndDevice* out);
void ToProto(const registry::LogicalUnit& unit, sas::v1::LogicalUnit* out);
void ToProto(const registry::Enclosure& enclosure, sas::v1::Enclosure* out);
void ToProto(const registry::Slot& slot, sas::v1::Slot* out);
// `ref` is not null.
void ToProto(const registry::ResourceRef& ref, sas::v1::Resource* out);

// Clears the fields that VIEW_BASIC leaves out: those marked FULL in resources.proto.
void TrimToBasic(sas::v1::Host* host);
void TrimToBasic(sas::v1::Phy* phy);
void TrimToBasic(sas::v1::Port* port);
void TrimToBasic(sas::v1::Expander* expander);
void TrimToBasic(sas::v1::EndDevice* device);
void TrimToBasic(sas::v1::LogicalUnit* unit);
void TrimToBasic(sas::v1::Enclosure* enclosure);
void TrimToBasic(sas::v1::Slot* slot);

sas::v1::Check ToProto(const DiagnosisCheck& check);

sas::v1::Notice ToProto(const registry::EventNotice& notice);
// An event without its changes and notices.
sas::v1::Event HeaderToProto(const registry::RegistryEvent& event, const std::string& resume_token);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_CONVERT_H_
