#ifndef CLI_QUERY_LISTER_H_
#define CLI_QUERY_LISTER_H_

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "cli/query/context.h"
#include "google/protobuf/message.h"
#include "sas/v1/filter.pb.h"
#include "sas/v1/resources.pb.h"
#include "sas/v1/topology_service.pb.h"

namespace sasd::cli {

// Takes a page of resources, which are valid until it returns. Returns false to end the listing.
using TakePage = std::function<bool(const std::vector<const google::protobuf::Message*>&)>;

// Lists the resources of a kind page by page, holding one page in memory. Errors: as FromRpc().
absl::Status ListPages(const Context& context, sas::v1::ResourceKind kind,
                       const sas::v1::Filter& filter, sas::v1::View view, const TakePage& take);

}  // namespace sasd::cli

#endif  // CLI_QUERY_LISTER_H_
