#ifndef EMULATOR_SERVICE_EMULATOR_SERVICE_H_
#define EMULATOR_SERVICE_EMULATOR_SERVICE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "emulator/fabric/virtual_fabric.h"
#include "grpcpp/grpcpp.h"
#include "rpc/access.h"
#include "rpc/call_guard.h"
#include "sas/emulator/v1/emulator_service.grpc.pb.h"

namespace sasd::emulator {

// sas.emulator.v1.EmulatorService: the verbs of a virtual fabric. A verb returns when the firmware
// of every HBA has noticed; Watch shows what the driver makes of it. A verb's events run through
// the driver in the calling thread, hence a synchronous service. Thread-safe.
class EmulatorService final : public sas::emulator::v1::EmulatorService::Service {
 public:
  // Borrows both for its lifetime.
  EmulatorService(emulator::VirtualFabric& fabric, rpc::CallGuard& guard)
      : fabric_(fabric), guard_(guard) {}

  // Each method needs the role operator: it changes the hardware, virtual as it is, or shows what
  // no client of a real node could see.
  static std::vector<rpc::MethodRole> Roles();
  // The methods that change the fabric: all but ListElements and GetHostTruth.
  static std::vector<std::string> Changes();

  grpc::Status ListElements(grpc::ServerContext* context,
                            const sas::emulator::v1::ListElementsRequest* request,
                            sas::emulator::v1::ListElementsResponse* response) override;
  grpc::Status Pull(grpc::ServerContext* context, const sas::emulator::v1::PullRequest* request,
                    sas::emulator::v1::PullResponse* response) override;
  grpc::Status Insert(grpc::ServerContext* context, const sas::emulator::v1::InsertRequest* request,
                      sas::emulator::v1::InsertResponse* response) override;
  grpc::Status SetAccessStatus(grpc::ServerContext* context,
                               const sas::emulator::v1::SetAccessStatusRequest* request,
                               sas::emulator::v1::SetAccessStatusResponse* response) override;
  grpc::Status SetPhy(grpc::ServerContext* context, const sas::emulator::v1::SetPhyRequest* request,
                      sas::emulator::v1::SetPhyResponse* response) override;
  grpc::Status FlapPhy(grpc::ServerContext* context,
                       const sas::emulator::v1::FlapPhyRequest* request,
                       sas::emulator::v1::FlapPhyResponse* response) override;
  grpc::Status SetExpander(grpc::ServerContext* context,
                           const sas::emulator::v1::SetExpanderRequest* request,
                           sas::emulator::v1::SetExpanderResponse* response) override;
  grpc::Status SetEnclosurePower(grpc::ServerContext* context,
                                 const sas::emulator::v1::SetEnclosurePowerRequest* request,
                                 sas::emulator::v1::SetEnclosurePowerResponse* response) override;
  grpc::Status ResetHost(grpc::ServerContext* context,
                         const sas::emulator::v1::ResetHostRequest* request,
                         sas::emulator::v1::ResetHostResponse* response) override;
  grpc::Status InjectDiscoveryError(
      grpc::ServerContext* context, const sas::emulator::v1::InjectDiscoveryErrorRequest* request,
      sas::emulator::v1::InjectDiscoveryErrorResponse* response) override;
  grpc::Status InjectFault(grpc::ServerContext* context,
                           const sas::emulator::v1::InjectFaultRequest* request,
                           sas::emulator::v1::InjectFaultResponse* response) override;
  grpc::Status InjectNotice(grpc::ServerContext* context,
                            const sas::emulator::v1::InjectNoticeRequest* request,
                            sas::emulator::v1::InjectNoticeResponse* response) override;
  grpc::Status GetHostTruth(grpc::ServerContext* context,
                            const sas::emulator::v1::GetHostTruthRequest* request,
                            sas::emulator::v1::GetHostTruthResponse* response) override;

 private:
  grpc::Status Admit(const grpc::ServerContext& context, absl::string_view method);

  emulator::VirtualFabric& fabric_;
  rpc::CallGuard& guard_;
};

}  // namespace sasd::emulator

#endif  // EMULATOR_SERVICE_EMULATOR_SERVICE_H_
