#ifndef DAEMON_MEMORY_RESOURCE_CODEC_H_
#define DAEMON_MEMORY_RESOURCE_CODEC_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "daemon/health/store.h"
#include "daemon/registry/resources.h"

namespace sasd::memory {

// Resources as the API's names and messages: the stored form of what health remembers. Stateless,
// thread-safe.
class ResourceCodec : public health::ResourceCodec {
 public:
  std::string Name(const registry::ResourceId& id) const override;
  absl::StatusOr<registry::ResourceId> ParseName(absl::string_view name) const override;
  std::string Encode(const registry::ResourceRef& resource) const override;
  // Errors: kDataLoss for bytes that are no resource.
  absl::StatusOr<registry::ResourceRef> Decode(absl::string_view bytes) const override;
};

}  // namespace sasd::memory

#endif  // DAEMON_MEMORY_RESOURCE_CODEC_H_
