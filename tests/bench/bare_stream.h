#ifndef TESTS_BENCH_BARE_STREAM_H_
#define TESTS_BENCH_BARE_STREAM_H_

#include <memory>
#include <string>

#include "grpcpp/impl/service_type.h"

namespace sasd::bench {

// The floor: a gRPC server that does nothing but write given bytes to every open stream, through
// the generic callback service, each stream with one write in flight and a queue behind it.
// Thread-safe.
class BareStreamServer {
 public:
  static constexpr char kMethod[] = "/sasd.bench.Bare/Stream";

  // Serves `trigger`, too, which it borrows for its lifetime.
  BareStreamServer(const std::string& address, grpc::Service& trigger);
  ~BareStreamServer();

  // Sends `message` on every stream. All streams share its bytes.
  void Broadcast(const std::string& message);

 private:
  class Service;
  struct Impl;

  std::unique_ptr<Impl> impl_;
};

}  // namespace sasd::bench

#endif  // TESTS_BENCH_BARE_STREAM_H_
