#ifndef DAEMON_REGISTRY_SOURCE_TABLE_DOC_H_
#define DAEMON_REGISTRY_SOURCE_TABLE_DOC_H_

#include <string>

#include "daemon/registry/source_table.h"

namespace sasd::registry {

// docs/sources.md: the table of sources as Markdown.
std::string SourceTableDoc(const SourceTable& table);

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_SOURCE_TABLE_DOC_H_
