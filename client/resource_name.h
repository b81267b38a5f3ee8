#ifndef CLIENT_RESOURCE_NAME_H_
#define CLIENT_RESOURCE_NAME_H_

#include <string>

#include "sas/v1/resources.pb.h"

namespace sasd::client {

// The name of the resource that is set; empty if none is. Borrowed from `resource`.
const std::string& NameOf(const sas::v1::Resource& resource);

}  // namespace sasd::client

#endif  // CLIENT_RESOURCE_NAME_H_
