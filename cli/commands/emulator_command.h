#ifndef CLI_COMMANDS_EMULATOR_COMMAND_H_
#define CLI_COMMANDS_EMULATOR_COMMAND_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "cli/query/context.h"

// Verbs for the virtual HBA. An element is named by its id in the fabric, its SAS address, or
// enclosure/slot. Errors: as FromRpc(); kFailedPrecondition if sasd has no virtual HBA.
namespace sasd::cli {

struct ElementsOptions {
  std::vector<std::string> kinds;  // "host", "expander", "device", "enclosure"; empty for all
  std::string output = "table";
  bool headers = true;
};
absl::Status RunElements(const ElementsOptions& options, const Context& context);

absl::Status RunPull(const std::string& element, const Context& context);
// `replacement_serial`: empty to insert the drive that was pulled.
absl::Status RunInsert(const std::string& element, const std::string& replacement_serial,
                       const Context& context);
// `state`: "up" or "down". `gbps`: Gbit/s, 0 for the fastest.
absl::Status RunSetPhy(const std::string& element, uint32_t phy, const std::string& state,
                       double gbps, const Context& context);
// `state`: "lose" or "regain".
absl::Status RunSetExpander(const std::string& element, const std::string& state,
                            const Context& context);
// `state`: "on" or "off".
absl::Status RunSetPower(const std::string& enclosure, const std::string& state,
                         const Context& context);
absl::Status RunReset(const std::string& host, const Context& context);
absl::Status RunDiscoveryError(const std::string& element, uint32_t status, const Context& context);

struct FlapOptions {
  std::string element;
  uint32_t phy = 0;
  uint32_t count = 10;
  absl::Duration interval = absl::Milliseconds(100);
};
absl::Status RunFlap(const FlapOptions& options, const Context& context);

struct FaultOptions {
  std::string host;
  std::string kind;  // "page-read-fails", "event-lost", ...
  uint32_t count = 1;
  absl::Duration delay;
};
absl::Status RunFault(const FaultOptions& options, const Context& context);

}  // namespace sasd::cli

#endif  // CLI_COMMANDS_EMULATOR_COMMAND_H_
