#ifndef DAEMON_SERVICE_FROM_PROTO_H_
#define DAEMON_SERVICE_FROM_PROTO_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "daemon/registry/resources.h"
#include "daemon/registry/restored.h"
#include "daemon/registry/source_table.h"
#include "sas/v1/resources.pb.h"

// The API's messages as the registry's types: the inverse of convert.h on all that clients see.
// Total: bytes from a disk become a value or an error. Pure functions, thread-safe.
namespace sasd::service {

// ToProto() of the result is the message again, if ToProto() made it. What the message does not
// carry is empty. Errors: kInvalidArgument naming the resource, the field and its value.
absl::StatusOr<registry::Host> FromProto(const sas::v1::Host& message);
absl::StatusOr<registry::Phy> FromProto(const sas::v1::Phy& message);
absl::StatusOr<registry::Port> FromProto(const sas::v1::Port& message);
absl::StatusOr<registry::Expander> FromProto(const sas::v1::Expander& message);
// Its units are stand-ins, with their places in the list as LUNs (registry::RestoredBuilder).
absl::StatusOr<registry::EndDevice> FromProto(const sas::v1::EndDevice& message);
absl::StatusOr<registry::LogicalUnit> FromProto(const sas::v1::LogicalUnit& message);
absl::StatusOr<registry::Enclosure> FromProto(const sas::v1::Enclosure& message);
// The units of its first occupant are stand-ins for those of all.
absl::StatusOr<registry::Slot> FromProto(const sas::v1::Slot& message);

// Makes the picture that a registry starts from out of the stored resources. Not thread-safe.
class StateReader {
 public:
  // Borrows the table for its lifetime.
  explicit StateReader(const registry::SourceTable& table = registry::NodeSources())
      : builder_(table) {}

  // A resource, and whether it exists: a port that does not exist still has its best width and
  // rate. In any order, each resource once. Errors: those of FromProto.
  absl::Status Add(const sas::v1::Resource& message, bool present);

  // The picture at `revision`. Call it once. Errors: kDataLoss where the resources contradict each
  // other.
  absl::StatusOr<registry::Restored> Finish(int64_t revision);

 private:
  registry::RestoredBuilder builder_;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_FROM_PROTO_H_
