#ifndef EMULATOR_SCSI_SES_ELEMENTS_H_
#define EMULATOR_SCSI_SES_ELEMENTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "driver/base/endian.h"
#include "emulator/scsi/unit.h"

namespace sasd::emulator::scsi {

// SES-3, table "element type codes".
enum class ElementType : uint8_t {
  kPowerSupply = 0x02,
  kCooling = 0x03,
  kTemperature = 0x04,
  kElectronics = 0x07,
  kEnclosure = 0x0E,
  kSlot = 0x17,
  kExpander = 0x18,
  kConnector = 0x19,
};

// All elements of a type, in the order of the configuration page.
struct ElementGroup {
  ElementType type;
  uint8_t count;
  const char* text;  // of the type
};

// The elements of an SES device's enclosure, as its process sees them. Borrows the unit.
class SesElements {
 public:
  explicit SesElements(const Unit& unit);

  const std::vector<ElementGroup>& groups() const { return groups_; }
  const EnclosureSpec& enclosure() const { return unit_.fabric.spec().enclosures[index_]; }
  uint32_t enclosure_index() const { return index_; }
  uint8_t process_count() const { return processes_; }
  uint8_t own_process() const { return own_process_; }

  // `i`: the element's number in its group.
  std::string Descriptor(ElementType type, int i) const;
  Bytes Status(ElementType type, int i) const;      // 4 bytes
  Bytes Thresholds(ElementType type, int i) const;  // 4 bytes

  // The device in a slot, if the process can see it; else kNoIndex.
  uint32_t DeviceIn(int slot) const;
  // Additional element status descriptors, protocol SAS, behind their first four bytes.
  Bytes SlotPhys(int slot) const;
  Bytes ExpanderPhys(int i) const;

 private:
  bool OnThisSide(NodeRef node) const;
  void FindExpanders();
  void FindProcesses();
  uint8_t ConnectorOf(NodeRef peer) const;
  uint8_t SlotElementOf(uint32_t device) const;

  const Unit& unit_;
  const uint32_t index_;
  std::vector<uint32_t> expanders_;  // that the process's expander can reach
  uint8_t processes_ = 0;
  uint8_t own_process_ = 0;
  std::vector<ElementGroup> groups_;
};

}  // namespace sasd::emulator::scsi

#endif  // EMULATOR_SCSI_SES_ELEMENTS_H_
