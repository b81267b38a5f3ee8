#ifndef DAEMON_REGISTRY_MERGE_H_
#define DAEMON_REGISTRY_MERGE_H_

#include <utility>

#include "daemon/registry/resources.h"

// One object told by two sources, and who is believed. Pure functions.
namespace sasd::registry {

// The rule, per field:
//   - the firmware's word holds where it has one (a field that is not empty, 0 or unknown);
//   - sysfs's word holds first for what the operating system names: os_name, scsi_address,
//     block_device, generic_device, holders, driver_name, pci_address;
//   - an end device's state is the firmware's; but where that is DISCOVERED or ATTACHING, to go on
//     is for the operating system, and the state is sysfs's, with ATTACHING for an end device that
//     has no SCSI device yet;
//   - discovery is as far as the least settled source.
// What each source told stays in `by_source`, so that a contradiction can be shown.
HostFacts Merge(const HostFacts& firmware, const HostFacts& sysfs);
PhyRecord Merge(const PhyRecord& firmware, const PhyRecord& sysfs);
ExpanderRecord Merge(const ExpanderRecord& firmware, const ExpanderRecord& sysfs);
EndDeviceRecord Merge(const EndDeviceRecord& firmware, const EndDeviceRecord& sysfs);
UnitRecord Merge(const UnitRecord& firmware, const UnitRecord& sysfs);
SlotRecord Merge(const SlotRecord& firmware, const SlotRecord& sysfs);
DiscoveryFacts Merge(const DiscoveryFacts& firmware, const DiscoveryFacts& sysfs);

// True where only `source`, or nobody, is in the set.
inline bool NobodyBut(SourceSet sources, Source source) {
  sources.Remove(source);
  return sources.empty();
}

inline Source Other(Source source) {
  return source == Source::kFirmware ? Source::kSysfs : Source::kFirmware;
}

// `source` tells `told` of an object of which `sources` have told `facts` (and `by_source`).
template <typename Facts>
void Tell(Source source, Facts told, Facts& facts, BySource<Facts>& by_source, SourceSet& sources) {
  if (NobodyBut(sources, source)) {
    facts = std::move(told);
  } else {
    std::array<Facts, 2> both;
    both[static_cast<size_t>(source)] = std::move(told);
    const Source other = Other(source);
    both[static_cast<size_t>(other)] =
        by_source ? (*by_source.get())[static_cast<size_t>(other)] : facts;
    facts = Merge(both[0], both[1]);
    by_source = BySource<Facts>(std::move(both));
  }
  sources.Add(source);
}

// `source` has it no more. Where sources.empty() then, nobody has.
template <typename Facts>
void Untell(Source source, Facts& facts, BySource<Facts>& by_source, SourceSet& sources) {
  if (!sources.Has(source)) return;
  sources.Remove(source);
  if (!by_source) return;
  facts = (*by_source.get())[static_cast<size_t>(Other(source))];
  by_source = BySource<Facts>();
}

// What `source` itself told last; null where it told nothing.
template <typename Facts>
const Facts* ToldBy(Source source, const Facts& facts, const BySource<Facts>& by_source,
                    SourceSet sources) {
  if (!sources.Has(source)) return nullptr;
  return by_source ? &(*by_source.get())[static_cast<size_t>(source)] : &facts;
}

// The compact forms. Texts that repeat from object to object share their characters in `pool`.
PhyRecord Compact(const PhyFacts& facts);
ExpanderRecord Compact(const ExpanderFacts& facts, TextPool& pool);
EndDeviceRecord Compact(const EndDeviceFacts& facts, TextPool& pool);
UnitRecord Compact(const LogicalUnitFacts& facts, TextPool& pool);
SlotRecord Compact(const SlotFacts& facts, TextPool& pool);

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_MERGE_H_
