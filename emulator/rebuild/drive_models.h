#ifndef EMULATOR_REBUILD_DRIVE_MODELS_H_
#define EMULATOR_REBUILD_DRIVE_MODELS_H_

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "driver/base/link_rate.h"
#include "driver/base/sas_address.h"
#include "driver/observation/observation.h"
#include "emulator/fabric/fabric.pb.h"
#include "emulator/rebuild/rebuild_notes.h"

namespace sasd::emulator {

bool IsSata(const EndDeviceFacts& facts);

// The device's name in the unit's wwid.
std::optional<SasAddress> UnitName(const LogicalUnitFacts& unit);

// Notes that the virtual unit has another wwid than the tree shows.
void NoteWwid(const EndDeviceFacts& facts, const LogicalUnitFacts& unit,
              const std::string& virtual_wwid, RebuildNotes& notes);

// Makes the models of a fabric's drives: one of what is the same. Not thread-safe.
class DriveModels {
 public:
  // Adds to Fabric.model. Borrows both.
  DriveModels(Fabric& fabric, RebuildNotes& notes) : fabric_(fabric), notes_(notes) {}

  // The id of the model of a drive with these units, this link rate and this name.
  std::string IdOf(const EndDeviceFacts& facts, const std::vector<const LogicalUnitFacts*>& units,
                   LinkRate rate, SasAddress name);

 private:
  void SetUnits(const EndDeviceFacts& facts, const std::vector<const LogicalUnitFacts*>& units,
                SasAddress name, Model& model);
  void SetRate(const EndDeviceFacts& facts, LinkRate rate, Model& model);
  std::string Intern(Model model);

  Fabric& fabric_;
  RebuildNotes& notes_;
  std::map<std::string, std::string> known_;  // the message without id: the id
  std::set<std::string> ids_;
};

}  // namespace sasd::emulator

#endif  // EMULATOR_REBUILD_DRIVE_MODELS_H_
