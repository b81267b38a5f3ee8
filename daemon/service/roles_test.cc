#include "daemon/service/roles.h"

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "sas/v1/alias_service.pb.h"
#include "sas/v1/baseline_service.pb.h"
#include "sas/v1/history_service.pb.h"
#include "sas/v1/metrics_service.pb.h"
#include "sas/v1/node_service.pb.h"
#include "sas/v1/topology_service.pb.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::service {
namespace {

using rpc::Role;
using testing::UnorderedElementsAre;

// The methods of every service that these files define.
std::set<std::string> AllMethods() {
  std::set<std::string> methods;
  for (const google::protobuf::Descriptor* message :
       {sas::v1::ListAliasesRequest::descriptor(), sas::v1::ListBaselineRequest::descriptor(),
        sas::v1::ListEventsRequest::descriptor(), sas::v1::GetNodeRequest::descriptor(),
        sas::v1::ListHostsRequest::descriptor(), sas::v1::WatchRequest::descriptor(),
        sas::v1::GetMetricsRequest::descriptor()}) {
    const google::protobuf::FileDescriptor& file = *message->file();
    for (int i = 0; i < file.service_count(); ++i) {
      for (int j = 0; j < file.service(i)->method_count(); ++j) {
        methods.insert(
            absl::StrCat(file.service(i)->full_name(), "/", file.service(i)->method(j)->name()));
      }
    }
  }
  return methods;
}

TEST(RolesTest, TableHasEachMethodOnce) {
  std::set<std::string> table;
  for (const rpc::MethodRole& each : MethodRoles()) {
    EXPECT_TRUE(table.insert(each.first).second) << each.first;
    EXPECT_NE(each.second, Role::kNone) << each.first;
  }
  EXPECT_EQ(table, AllMethods());
}

TEST(RolesTest, OnlyReadsNeedNoMoreThanViewer) {
  for (const rpc::MethodRole& each : MethodRoles()) {
    const std::string verb = each.first.substr(each.first.find('/') + 1);
    const bool reads = verb.rfind("List", 0) == 0 || verb.rfind("Get", 0) == 0 ||
                       verb.rfind("Find", 0) == 0 || verb == "Watch" || verb == "WaitSettled" ||
                       verb == "Diagnose";
    EXPECT_EQ(each.second == Role::kViewer, reads) << each.first;
  }
}

TEST(RolesTest, WhatIsNoReadIsInTheAudit) {
  EXPECT_THAT(
      ChangesOf("sas.v1.BaselineService"),
      UnorderedElementsAre("sas.v1.BaselineService/AcceptBaseline",
                           "sas.v1.BaselineService/Dismiss", "sas.v1.BaselineService/Undismiss"));
  EXPECT_THAT(ChangesOf("sas.v1.NodeService"), testing::IsEmpty());
}

TEST(RolesTest, ServiceHasItsOwnMethods) {
  EXPECT_THAT(RolesOf("sas.v1.WatchService"),
              UnorderedElementsAre(rpc::MethodRole("sas.v1.WatchService/Watch", Role::kViewer)));
}

}  // namespace
}  // namespace sasd::service
