#ifndef DAEMON_SERVICE_CALLS_H_
#define DAEMON_SERVICE_CALLS_H_

#include <functional>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "daemon/service/call_holds.h"
#include "daemon/service/cancelled.h"
#include "daemon/service/request_limits.h"
#include "daemon/service/worker_pool.h"
#include "grpcpp/grpcpp.h"
#include "rpc/call_guard.h"
#include "rpc/limits.h"
#include "rpc/undecodable.h"

namespace sasd::service {

// A call that was let in.
struct AdmittedCall {
  rpc::Caller caller;
  // Whether the caller has gone or its deadline has passed: then the work is to end. Cheap enough
  // to be asked every hundred objects. On the pool it also lets other calls go on, and returns when
  // it is this one's turn again: never ask with a lock that others may want.
  std::function<bool()> cancelled;
  // On the pool: runs what waits for others, or what one thread at a time does for all, while other
  // calls go on.
  std::function<void(absl::FunctionRef<void()> wait)> apart;
};

// A service with some of gRPC's templates for methods on top (WithCallbackMethod_NAME for one that
// Calls::Answer() ends, WithRawCallbackMethod_NAME for one that Calls::Run() ends).
template <typename Service, template <typename> class... Methods>
struct WithMethods {
  using Type = Service;
};
template <typename Service, template <typename> class First, template <typename> class... Rest>
struct WithMethods<Service, First, Rest...> {
  using Type = First<typename WithMethods<Service, Rest...>::Type>;
};

// How every unary call of every service begins: its caller is let in, its request is within the
// limits, and it runs where it holds up nobody. Thread-safe.
class Calls {
 public:
  // Borrows all for its lifetime.
  Calls(rpc::CallGuard& guard, rpc::LimitBook& limits, WorkerPool& pool, CallHolds& holds)
      : guard_(guard), limits_(limits), pool_(pool), holds_(holds) {}

  // What every call must pass first; also of streams. `method` is "sas.v1.NodeService/GetNode".
  grpc::Status Admit(const grpc::ServerContextBase& context, absl::string_view method,
                     const google::protobuf::Message* request, rpc::Caller* caller) {
    if (grpc::Status s = guard_.Admit(context, method, caller); !s.ok()) return s;
    return request == nullptr ? grpc::Status::OK : CheckRequest(*request, limits_);
  }

  // Ends the call with `fill`(AdmittedCall), at once and in this thread: for what takes well under
  // a millisecond, whatever the request and the size of the node.
  template <typename Fill>
  grpc::ServerUnaryReactor* Answer(grpc::CallbackServerContext* context, absl::string_view method,
                                   const google::protobuf::Message* request, Fill fill) {
    const CallHolds::Scope scope(holds_, method);
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    AdmittedCall call;
    grpc::Status status = Admit(*context, method, request, &call.caller);
    call.cancelled = [context] { return context->IsCancelled(); };
    if (status.ok()) status = fill(call);
    reactor->Finish(status);
    return reactor;
  }

  // Ends the call with `fill`(AdmittedCall, Request, Response*) on the pool, where the peers take
  // turns. The pool also decodes the request and encodes the response: a large one takes tens of
  // milliseconds, and the few threads of gRPC are there for everybody. `method` is a literal.
  template <typename Request, typename Response, typename Fill>
  grpc::ServerUnaryReactor* Run(grpc::CallbackServerContext* context, absl::string_view method,
                                const grpc::ByteBuffer* request, grpc::ByteBuffer* response,
                                Fill fill) {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    AdmittedCall call;
    if (grpc::Status s = Admit(*context, method, nullptr, &call.caller); !s.ok()) {
      reactor->Finish(s);
      return reactor;
    }
    const std::string peer = call.caller.key;
    const WorkerPool::Verdict verdict =
        pool_.Run(peer, [&holds = holds_, &limits = limits_, method, context, request, response,
                         call = std::move(call), fill = std::move(fill),
                         reactor](WorkerPool::Turn& turn) mutable {
          call.cancelled = [context, &turn] {
            turn.Yield();
            return context->IsCancelled();
          };
          call.apart = [&turn](absl::FunctionRef<void()> wait) { turn.Apart(wait); };
          if (call.cancelled()) {
            reactor->Finish(CancelledStatus());
          } else {
            reactor->Finish(
                Fulfil<Request, Response>(method, *request, limits, call, fill, response));
          }
          // The services may end from here on, but not the pool, nor what it was made before.
          holds.Note(method, turn.Finish());
        });
    if (verdict != WorkerPool::Verdict::kRuns) reactor->Finish(Refused(verdict, peer, method));
    return reactor;
  }

  // The client has cancelled a stream that began at `begin` (of absl::Now()). Of other calls the
  // server notes it.
  void NoteCancelled(const grpc::CallbackServerContext& context, absl::Time begin) {
    if (absl::Now() - begin < rpc::CallGuard::kSoon) guard_.NoteAbandoned(context);
  }

  rpc::LimitBook& limits() { return limits_; }
  CallHolds& holds() { return holds_; }

 private:
  template <typename Request, typename Response, typename Fill>
  static grpc::Status Fulfil(absl::string_view method, const grpc::ByteBuffer& request,
                             rpc::LimitBook& limits, const AdmittedCall& call, const Fill& fill,
                             grpc::ByteBuffer* response) {
    Request decoded;
    grpc::ByteBuffer bytes(request);
    if (!grpc::SerializationTraits<Request>::Deserialize(&bytes, &decoded).ok()) {
      return rpc::Undecodable(method);
    }
    if (grpc::Status s = CheckRequest(decoded, limits); !s.ok()) return s;
    Response filled;
    if (grpc::Status s = fill(call, decoded, &filled); !s.ok()) return s;
    bool own_buffer = false;
    return grpc::SerializationTraits<Response>::Serialize(filled, response, &own_buffer);
  }

  grpc::Status Refused(WorkerPool::Verdict verdict, const std::string& peer,
                       absl::string_view method) {
    return limits_.Refuse(verdict == WorkerPool::Verdict::kTooManyWait
                              ? rpc::Limit::kWaitingCalls
                              : rpc::Limit::kWaitingCallsPerPeer,
                          absl::StrCat(method, " of ", peer, " would wait; try again later"));
  }

  rpc::CallGuard& guard_;
  rpc::LimitBook& limits_;
  WorkerPool& pool_;
  CallHolds& holds_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_CALLS_H_
