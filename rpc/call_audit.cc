#include "rpc/call_audit.h"

#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/byte_buffer.h"

namespace sasd::rpc {
namespace {

using grpc::experimental::InterceptionHookPoints;

// The text of a larger request takes longer than it is worth.
constexpr size_t kMostPrinted = 16 << 10;

std::string TextOf(const google::protobuf::MessageLite& request) {
  const auto* const message = dynamic_cast<const google::protobuf::Message*>(&request);
  const size_t size = request.ByteSizeLong();
  if (message == nullptr || size > kMostPrinted) return absl::StrCat(size, " bytes");
  std::string text = message->ShortDebugString();  // escapes what is not ASCII
  if (text.size() > kMostAudited) text = absl::StrCat(text.substr(0, kMostAudited - 3), "...");
  return text;
}

// The request of `method`; only its size, if it cannot be decoded.
std::string TextOf(const grpc::ByteBuffer& bytes, const std::string& method) {
  const std::string size = absl::StrCat(bytes.Length(), " bytes");
  if (bytes.Length() > kMostPrinted) return size;
  const google::protobuf::MethodDescriptor* const descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(
          absl::StrReplaceAll(method, {{"/", "."}}));
  if (descriptor == nullptr) return size;
  const std::unique_ptr<google::protobuf::Message> message(
      google::protobuf::MessageFactory::generated_factory()
          ->GetPrototype(descriptor->input_type())
          ->New());
  grpc::ByteBuffer copy(bytes);
  using Traits = grpc::SerializationTraits<google::protobuf::Message>;
  return Traits::Deserialize(&copy, message.get()).ok() ? TextOf(*message) : size;
}

class Interceptor final : public grpc::experimental::Interceptor {
 public:
  Interceptor(Access& access, absl::string_view method, RequestForm form,
              grpc::ServerContextBase& context, const CallAudit& audit)
      : access_(access), form_(form), context_(context), audit_(audit) {
    call_.method = std::string(method);
  }

  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_INITIAL_METADATA)) {
      Identify();
    }
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::POST_RECV_MESSAGE)) {
      Identify();
      const void* const request = methods->GetRecvMessage();
      if (request == nullptr) {
        // It could not be decoded.
      } else if (form_ == RequestForm::kBytes) {
        call_.request = TextOf(*static_cast<const grpc::ByteBuffer*>(request), call_.method);
      } else {
        // The generated code of a service gives requests as MessageLite.
        call_.request = TextOf(*static_cast<const google::protobuf::MessageLite*>(request));
      }
    }
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      Identify();
      call_.status = methods->GetSendStatus();
      audit_(call_);
    }
    methods->Proceed();
  }

 private:
  // As early as possible: a connection that has ended has no peer any more.
  void Identify() {
    if (std::exchange(identified_, true)) return;
    call_.caller = access_.Identify(context_);
  }

  Access& access_;
  const RequestForm form_;
  grpc::ServerContextBase& context_;
  const CallAudit& audit_;
  AuditedCall call_;
  bool identified_ = false;
};

class Factory final : public grpc::experimental::ServerInterceptorFactoryInterface {
 public:
  Factory(Access& access, absl::flat_hash_map<std::string, RequestForm> methods, CallAudit audit)
      : access_(access), methods_(std::move(methods)), audit_(std::move(audit)) {}

  // Null: the call has none.
  grpc::experimental::Interceptor* CreateServerInterceptor(
      grpc::experimental::ServerRpcInfo* info) override {
    const absl::string_view method = absl::StripPrefix(info->method(), "/");
    const auto it = methods_.find(method);
    if (it == methods_.end()) return nullptr;
    return new Interceptor(access_, method, it->second, *info->server_context(), audit_);
  }

 private:
  Access& access_;
  const absl::flat_hash_map<std::string, RequestForm> methods_;
  const CallAudit audit_;
};

}  // namespace

std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> AuditInterceptor(
    Access& access, absl::flat_hash_map<std::string, RequestForm> methods, CallAudit audit) {
  return std::make_unique<Factory>(access, std::move(methods), std::move(audit));
}

}  // namespace sasd::rpc
