#ifndef TESTS_BENCH_BARE_STREAM_H_
#define TESTS_BENCH_BARE_STREAM_H_

#include <memory>
#include <string>

#include "grpcpp/impl/service_type.h"

namespace sasd::bench {

// The baseline: a gRPC server that only writes given bytes to every open stream, with the generic
// callback service. Each stream has one write in flight and a queue behind it. Thread-safe.
class BareStreamServer {
 public:
  static constexpr char kMethod[] = "/sasd.bench.Bare/Stream";

  // Serves `trigger`, too. `trigger` outlives this.
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
