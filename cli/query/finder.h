#ifndef CLI_QUERY_FINDER_H_
#define CLI_QUERY_FINDER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/query/context.h"
#include "sas/v1/resources.pb.h"
#include "sas/v1/topology_service.pb.h"

namespace sasd::cli {

// Finds the object with the name `query`: a resource name, SAS address, WWN, serial, sdX, H:C:T:L,
// an enclosure's model, enclosure/slot, or a name that `sasctl tree` draws. `kinds`: empty for all
// kinds. If the query matches a drive, its paths and its slot, the result is the drive; for
// "enclosure/slot" it is the slot. Errors: kNotFound names the query and close names, or says when,
// where and why the object went, and sets `gone` (if not null); kFailedPrecondition lists several
// matches.
absl::StatusOr<sas::v1::Resource> FindOne(const Context& context, absl::string_view query,
                                          const std::vector<sas::v1::ResourceKind>& kinds,
                                          sas::v1::RemovedResource* gone = nullptr);

// The query without what the tree draws around a name and without "/dev/", as sasd takes it.
std::string PlainQuery(absl::string_view query);

// Where a drive is or was, as people call it: "JBOD24/3" if no other enclosure is of this model,
// else "5000ccab03001100/3". `enclosure`: its resource name; empty for none, as the result. Asks
// sasd.
std::string PlaceText(const Context& context, const std::string& enclosure, uint32_t slot);

// The resource name of FindOne(); `query` itself if it is a resource name.
absl::StatusOr<std::string> FindName(const Context& context, absl::string_view query,
                                     const std::vector<sas::v1::ResourceKind>& kinds);

// The resource names of all objects that `query` may mean, if they are of one kind: the enclosures
// of a model. Of several kinds, that of FindOne(). `query` itself if it is a resource name. Errors:
// as FindOne().
absl::StatusOr<std::vector<std::string>> FindNames(const Context& context, absl::string_view query,
                                                   const std::vector<sas::v1::ResourceKind>& kinds);

// FindOne() of all kinds, for what hangs below an object: a host or an expander if one is called
// so, though the enclosure that a host is for itself has the same address.
absl::StatusOr<sas::v1::Resource> FindNode(const Context& context, absl::string_view query);

}  // namespace sasd::cli

#endif  // CLI_QUERY_FINDER_H_
