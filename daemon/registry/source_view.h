#ifndef DAEMON_REGISTRY_SOURCE_VIEW_H_
#define DAEMON_REGISTRY_SOURCE_VIEW_H_

#include <optional>

#include "daemon/registry/resources.h"
#include "daemon/registry/source_table.h"

namespace sasd::registry {

// The resource as it would be if `source` were the only source: what that source reported, without
// what follows from other resources. nullopt where the source reported nothing. Pure.
std::optional<Host> OnlyFrom(const SourceTable& table, Source source, const Host& host);
std::optional<Phy> OnlyFrom(const SourceTable& table, Source source, const Phy& phy);
std::optional<Port> OnlyFrom(const SourceTable& table, Source source, const Port& port);
std::optional<Expander> OnlyFrom(const SourceTable& table, Source source, const Expander& expander);
std::optional<EndDevice> OnlyFrom(const SourceTable& table, Source source, const EndDevice& device);
std::optional<LogicalUnit> OnlyFrom(const SourceTable& table, Source source,
                                    const LogicalUnit& unit);
std::optional<Enclosure> OnlyFrom(const SourceTable& table, Source source,
                                  const Enclosure& enclosure);
std::optional<Slot> OnlyFrom(const SourceTable& table, Source source, const Slot& slot);

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_SOURCE_VIEW_H_
