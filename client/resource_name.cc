#include "client/resource_name.h"

namespace sasd::client {

const std::string& NameOf(const sas::v1::Resource& resource) {
  switch (resource.resource_case()) {
    case sas::v1::Resource::kHost:
      return resource.host().name();
    case sas::v1::Resource::kPhy:
      return resource.phy().name();
    case sas::v1::Resource::kPort:
      return resource.port().name();
    case sas::v1::Resource::kExpander:
      return resource.expander().name();
    case sas::v1::Resource::kEndDevice:
      return resource.end_device().name();
    case sas::v1::Resource::kLogicalUnit:
      return resource.logical_unit().name();
    case sas::v1::Resource::kEnclosure:
      return resource.enclosure().name();
    case sas::v1::Resource::kSlot:
      return resource.slot().name();
    case sas::v1::Resource::RESOURCE_NOT_SET:
      break;
  }
  static const std::string* const kNone = new std::string;
  return *kNone;
}

}  // namespace sasd::client
