#ifndef EMULATOR_PCI_INTERRUPTS_H_
#define EMULATOR_PCI_INTERRUPTS_H_

#include <cstdint>

namespace sasd::emulator::pci {

// Where one function's interrupts go. Thread-safe; all but AwaitLine() return at once.
class Interrupts {
 public:
  virtual ~Interrupts() = default;

  // A message-signalled interrupt: a store to the platform's interrupt controller.
  virtual void SendMessage(uint64_t address, uint32_t data) = 0;

  // The level of INTA. Levels take effect in the order of the calls.
  virtual void SetLine(bool level) = 0;
  // Waits until the levels set so far have taken effect.
  virtual void AwaitLine() = 0;
};

}  // namespace sasd::emulator::pci

#endif  // EMULATOR_PCI_INTERRUPTS_H_
