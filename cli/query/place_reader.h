#ifndef CLI_QUERY_PLACE_READER_H_
#define CLI_QUERY_PLACE_READER_H_

#include "cli/output/place_names.h"
#include "cli/query/context.h"

namespace sasd::cli {

// What people call the enclosures and hosts of the node. No names if sasd does not answer: they are
// a convenience.
PlaceNames ReadPlaceNames(const Context& context);

// Only the aliases, also those of hosts and enclosures that are gone.
PlaceNames ReadAliases(const Context& context);

}  // namespace sasd::cli

#endif  // CLI_QUERY_PLACE_READER_H_
