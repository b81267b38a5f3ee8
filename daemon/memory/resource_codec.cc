#include "daemon/memory/resource_codec.h"

#include <memory>
#include <utility>

#include "daemon/service/convert.h"
#include "daemon/service/from_proto.h"
#include "daemon/service/names.h"
#include "sas/v1/resources.pb.h"

namespace sasd::memory {
namespace {

template <typename T>
absl::StatusOr<registry::ResourceRef> ToRef(absl::StatusOr<T> resource) {
  if (!resource.ok()) return absl::DataLossError(resource.status().message());
  return registry::ResourceRef(std::shared_ptr<const T>(std::make_shared<T>(*std::move(resource))));
}

}  // namespace

std::string ResourceCodec::Name(const registry::ResourceId& id) const {
  return service::NameOf(id);
}

absl::StatusOr<registry::ResourceId> ResourceCodec::ParseName(absl::string_view name) const {
  return service::ParseName(name);
}

std::string ResourceCodec::Encode(const registry::ResourceRef& resource) const {
  sas::v1::Resource message;
  service::ToProto(resource, &message);
  return message.SerializeAsString();
}

absl::StatusOr<registry::ResourceRef> ResourceCodec::Decode(absl::string_view bytes) const {
  sas::v1::Resource message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return absl::DataLossError("no resource");
  }
  switch (message.resource_case()) {
    case sas::v1::Resource::kHost:
      return ToRef(service::FromProto(message.host()));
    case sas::v1::Resource::kPhy:
      return ToRef(service::FromProto(message.phy()));
    case sas::v1::Resource::kPort:
      return ToRef(service::FromProto(message.port()));
    case sas::v1::Resource::kExpander:
      return ToRef(service::FromProto(message.expander()));
    case sas::v1::Resource::kEndDevice:
      return ToRef(service::FromProto(message.end_device()));
    case sas::v1::Resource::kLogicalUnit:
      return ToRef(service::FromProto(message.logical_unit()));
    case sas::v1::Resource::kEnclosure:
      return ToRef(service::FromProto(message.enclosure()));
    case sas::v1::Resource::kSlot:
      return ToRef(service::FromProto(message.slot()));
    case sas::v1::Resource::RESOURCE_NOT_SET:
      break;
  }
  return absl::DataLossError("a resource without a kind");
}

}  // namespace sasd::memory
