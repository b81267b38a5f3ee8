#ifndef DAEMON_REGISTRY_FAKE_SOURCES_H_
#define DAEMON_REGISTRY_FAKE_SOURCES_H_

#include "daemon/registry/source_table.h"

namespace sasd::registry {

// A source that sasd does not have: an enclosure that reports fields.
inline constexpr Source kFakeSource = static_cast<Source>(2);

// The table of sasd with kFakeSource as a third source, for tests. It only adds fields. Of an end
// device it is asked first for connector_name, between the others for device_name, last for
// enclosure_level, and it reports ses_slot; of a logical unit it is asked first for the model; of
// an enclosure, a port and a slot for the name in the operating system. It is asked for nothing
// else.
inline const SourceTable& ThreeSources() {
  static const SourceTable* const table = [] {
    constexpr Source kFirmware = Source::kFirmware, kSysfs = Source::kSysfs;
    auto* made = new SourceTable(NodeSources());
    made->AddSource({kFakeSource, "FAKE", "the fake source", SourceRole::kFields});
    const SourceOrder first = {kFakeSource, kFirmware, kSysfs};
    made->SetOrder(ResourceKind::kEndDevice, "connector_name", first);
    made->SetOrder(ResourceKind::kEndDevice, "device_name", {kFirmware, kFakeSource, kSysfs});
    made->SetOrder(ResourceKind::kEndDevice, "enclosure_level", {kFirmware, kSysfs, kFakeSource});
    made->SetOrder(ResourceKind::kEndDevice, "ses_slot", {kFirmware, kSysfs, kFakeSource});
    made->SetOrder(ResourceKind::kLogicalUnit, "model", first);
    for (const ResourceKind kind :
         {ResourceKind::kEnclosure, ResourceKind::kPort, ResourceKind::kSlot}) {
      made->SetOrder(kind, "os_name", first);
    }
    return made;
  }();
  return *table;
}

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_FAKE_SOURCES_H_
