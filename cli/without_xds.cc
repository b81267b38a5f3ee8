// A client of a named address needs no xDS. gRPC has one function that registers all of it, and
// with it two of the five megabytes that gRPC takes in a program that links it statically. This one
// takes its place, and does what gRPC's own does where it is built with GRPC_NO_XDS: nothing. If a
// later gRPC names it otherwise, the program links as before and is larger; tests/packaging sees
// that.
namespace grpc_core {

class CoreConfiguration {
 public:
  class Builder;
};

void RegisterExtraFilters(CoreConfiguration::Builder* /*builder*/) {}  // NOLINT

}  // namespace grpc_core
