#ifndef TESTS_LIFETIME_FACT_TEXT_H_
#define TESTS_LIFETIME_FACT_TEXT_H_

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "driver/base/strong_id.h"
#include "emulator/fabric/truth.h"

// The facts of a host's topology as lines of text. The same functions write a picture and the
// fabric's truth, so a difference is one of values.
namespace sasd::lifetime {

using FactTexts = std::set<std::string>;

std::string HostFact(SasAddress address);
std::string PhyFact(SasAddress owner, PhyId phy, LinkRate rate, SasAddress attached,
                    const std::optional<PhyId>& attached_phy);
std::string ExpanderFact(SasAddress address, PhysicalPort port, SasAddress parent, DevHandle handle,
                         int level, uint64_t enclosure, absl::string_view product);
std::string DeviceFact(SasAddress address, PhysicalPort port, SasAddress parent,
                       const std::optional<PhyId>& phy, DevHandle handle, uint64_t enclosure,
                       const std::optional<uint16_t>& slot, absl::string_view serial,
                       uint64_t size);
// Replaces the serial of a device that failed with this access status.
std::string FailingFact(uint8_t access_status);
std::string EnclosureFact(uint64_t id, int slots, int start);

// A phy that leads to another host, over a shared expander, shows nothing: a driver does not look
// for other hosts.
FactTexts FactsOf(const emulator::HostTruth& truth);

// The missing ("- ...") and the extra facts ("+ ..."), the two versions of a fact side by side; the
// first `limit` of them.
std::vector<std::string> DifferencesOf(const FactTexts& expected, const FactTexts& actual,
                                       size_t limit);

}  // namespace sasd::lifetime

#endif  // TESTS_LIFETIME_FACT_TEXT_H_
