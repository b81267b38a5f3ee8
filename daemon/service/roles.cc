#include "daemon/service/roles.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace sasd::service {

using rpc::Role;

const std::vector<rpc::MethodRole>& MethodRoles() {
  static const auto* const kRoles = new std::vector<rpc::MethodRole>{
      {"sas.v1.AliasService/ListAliases", Role::kViewer},
      {"sas.v1.AliasService/SetAlias", Role::kOperator},
      {"sas.v1.AliasService/RemoveAlias", Role::kOperator},
      {"sas.v1.BaselineService/ListBaseline", Role::kViewer},
      {"sas.v1.BaselineService/AcceptBaseline", Role::kOperator},
      {"sas.v1.BaselineService/Dismiss", Role::kOperator},
      {"sas.v1.BaselineService/Undismiss", Role::kOperator},
      {"sas.v1.BaselineService/ListDismissals", Role::kViewer},
      {"sas.v1.HistoryService/ListEvents", Role::kViewer},
      {"sas.v1.HistoryService/GetTimeline", Role::kViewer},
      {"sas.v1.HistoryService/GetDifferences", Role::kViewer},
      {"sas.v1.MetricsService/GetMetrics", Role::kViewer},
      {"sas.v1.NodeService/GetNode", Role::kViewer},
      {"sas.v1.NodeService/ListFindings", Role::kViewer},
      {"sas.v1.NodeService/Diagnose", Role::kViewer},
      {"sas.v1.NodeService/ListScsiHosts", Role::kViewer},
      {"sas.v1.NodeService/WaitSettled", Role::kViewer},
      {"sas.v1.TopologyService/ListHosts", Role::kViewer},
      {"sas.v1.TopologyService/GetHost", Role::kViewer},
      {"sas.v1.TopologyService/ListPhys", Role::kViewer},
      {"sas.v1.TopologyService/GetPhy", Role::kViewer},
      {"sas.v1.TopologyService/ListPorts", Role::kViewer},
      {"sas.v1.TopologyService/GetPort", Role::kViewer},
      {"sas.v1.TopologyService/ListExpanders", Role::kViewer},
      {"sas.v1.TopologyService/GetExpander", Role::kViewer},
      {"sas.v1.TopologyService/ListEndDevices", Role::kViewer},
      {"sas.v1.TopologyService/GetEndDevice", Role::kViewer},
      {"sas.v1.TopologyService/ListLogicalUnits", Role::kViewer},
      {"sas.v1.TopologyService/GetLogicalUnit", Role::kViewer},
      {"sas.v1.TopologyService/ListEnclosures", Role::kViewer},
      {"sas.v1.TopologyService/GetEnclosure", Role::kViewer},
      {"sas.v1.TopologyService/ListSlots", Role::kViewer},
      {"sas.v1.TopologyService/GetSlot", Role::kViewer},
      {"sas.v1.TopologyService/FindResources", Role::kViewer},
      {"sas.v1.TopologyService/ListFieldSources", Role::kViewer},
      {"sas.v1.WatchService/Watch", Role::kViewer},
  };
  return *kRoles;
}

std::vector<rpc::MethodRole> RolesOf(absl::string_view service) {
  std::vector<rpc::MethodRole> out;
  const std::string prefix = absl::StrCat(service, "/");
  for (const rpc::MethodRole& each : MethodRoles()) {
    if (absl::StartsWith(each.first, prefix)) out.push_back(each);
  }
  return out;
}

std::vector<std::string> ChangesOf(absl::string_view service) {
  std::vector<std::string> out;
  for (const rpc::MethodRole& each : RolesOf(service)) {
    if (each.second > Role::kViewer) out.push_back(each.first);
  }
  return out;
}

}  // namespace sasd::service
