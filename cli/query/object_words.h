#ifndef CLI_QUERY_OBJECT_WORDS_H_
#define CLI_QUERY_OBJECT_WORDS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/query/context.h"
#include "sas/v1/resources.pb.h"

// Words that a shell offers, as sasd knows them now. Each function makes few calls of one page, so
// that it takes no longer for 100,000 objects than for 100. Without an answer: none.
namespace sasd::cli {

// Names of objects that begin with `part`: aliases, OS names and addresses of hosts and expanders,
// models and identifiers of enclosures, serials and block devices of drives. `kinds`: empty for all
// of these.
std::vector<std::string> ObjectWords(const Context& context, absl::string_view part,
                                     const std::vector<sas::v1::ResourceKind>& kinds);

// Values of a text field, of the objects of one page, that begin with `part`.
std::vector<std::string> FieldWords(const Context& context, sas::v1::ResourceKind kind,
                                    const std::string& field, absl::string_view part);

// The aliases of hosts and enclosures, also of those that are gone.
std::vector<std::string> AliasWords(const Context& context);

// The elements of a virtual HBA's fabric.
std::vector<std::string> ElementWords(const Context& context);

}  // namespace sasd::cli

#endif  // CLI_QUERY_OBJECT_WORDS_H_
