#ifndef DAEMON_HEALTH_STORE_H_
#define DAEMON_HEALTH_STORE_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "daemon/registry/resources.h"

namespace sasd::health {

// Where health keeps what outlives a restart. Thread-safe. May block for a disk.
class Store {
 public:
  struct Edit {
    std::string collection, key;
    std::optional<std::string> value;  // nullopt: delete
  };
  using Values = std::vector<std::pair<std::string, std::string>>;  // key, value

  virtual ~Store() = default;
  // All or nothing; on the disk when it returns.
  virtual absl::Status Write(absl::Span<const Edit> edits) = 0;
  virtual absl::StatusOr<Values> Read(absl::string_view collection) = 0;
  // Whether there was a store and its content was lost. It stays so, across restarts, until
  // ClearLost().
  virtual bool was_lost() = 0;
  virtual absl::Status ClearLost() = 0;
};

// Resources as text and bytes. Thread-safe.
class ResourceCodec {
 public:
  virtual ~ResourceCodec() = default;
  virtual std::string Name(const registry::ResourceId& id) const = 0;
  virtual absl::StatusOr<registry::ResourceId> ParseName(absl::string_view name) const = 0;
  // `resource` is not null.
  virtual std::string Encode(const registry::ResourceRef& resource) const = 0;
  virtual absl::StatusOr<registry::ResourceRef> Decode(absl::string_view bytes) const = 0;
};

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_STORE_H_
