#ifndef TESTS_LIFETIME_STEPPED_PCI_IOC_H_
#define TESTS_LIFETIME_STEPPED_PCI_IOC_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "driver/base/clock.h"
#include "driver/base/fake_clock.h"
#include "driver/transport/ioc_transport.h"
#include "driver/transport/pci_ioc/fake_front_end_bus.h"
#include "driver/transport/pci_ioc/fake_pacer.h"
#include "driver/transport/pci_ioc/pci_bus.h"
#include "driver/transport/pci_ioc/pci_ioc_transport.h"
#include "driver/wire/mpi/messages.h"
#include "emulator/fabric/fabric.h"
#include "emulator/firmware/virtual_hba.h"

namespace sasd::lifetime {

// A virtual HBA in a slot, driven as a PCI function without a thread. The transport's work happens
// in steps, by the test's own calls, and time is a FakeClock's. Thread-compatible.
class SteppedPciIoc : public transport::IocTransport, private transport::IocListener {
 public:
  ~SteppedPciIoc() override;

  // For EmulatorOptions::make_front_end; call it once. This object outlives the emulator's use.
  std::unique_ptr<emulator::HbaFrontEnd> Plug(emulator::VirtualHba& hba, Clock& clock,
                                              emulator::MpiGeneration generation);
  // Opens the function with so many vectors and takes the IOC to READY. `wrap`, if not null, puts
  // its own bus around the slot's. Borrows the clock.
  absl::Status Start(
      FakeClock& clock, size_t vectors,
      const std::function<std::unique_ptr<pci_ioc::PciBus>(std::unique_ptr<pci_ioc::PciBus>)>&
          wrap = nullptr);
  // Hands the IOC back. Start() may follow.
  void Stop();

  // Runs steps until the function has nothing new. An IOC that has stopped to operate is noticed,
  // as one second later in real time, which the clock advances.
  void Deliver();

  // IocTransport. Execute() runs steps. A reply that does not come with a step comes never, or
  // with the recovery of the IOC: the clock advances to the next look at it.
  transport::IocInfo Info() const override { return ioc_->Info(); }
  absl::Status Submit(const transport::IocRequest& request, Completion done) override;
  absl::StatusOr<transport::IocReply> Execute(const transport::IocRequest& request) override;
  void SetListener(transport::IocListener* listener) override;
  absl::Status Reset() override { return ioc_->Reset(); }

  // True within a call of the listener or a completion: the transport's own context, which must not
  // run steps.
  bool in_context() const { return depth_ != 0; }
  // Whether the function calls, or somebody wants a step.
  bool HasNews() const { return bus_->HasNews(); }
  // Whether the IOC is in another state than the transport knows: its next look finds out.
  bool IsLeftUnnoticed();
  void AdvanceToTheNextLook();
  void RunStep();

  pci_ioc::PciIocTransport& ioc() { return *ioc_; }
  pci_ioc::FakeSlot& slot() { return slot_; }
  // Accesses to memory that is not the arena's, and bus master where it must not be; empty: none.
  std::string violations();

 private:
  void OnEvent(const transport::EventArrival& event) override;
  void OnEventsLost(uint32_t count) override;
  void OnResetBegin() override;
  void OnReady() override;
  void OnDelivered(Caller caller) override;

  pci_ioc::FakeSlot slot_;
  FakeClock* clock_ = nullptr;
  std::unique_ptr<pci_ioc::FakePacer> pacer_;
  pci_ioc::FakeFrontEndBus* bus_ = nullptr;  // the transport's
  transport::IocListener* listener_ = nullptr;
  int depth_ = 0;
  // As the transport knows: it operates, if no reset came after so many.
  bool operational_ = false;
  uint64_t resets_before_ = 0;
  std::unique_ptr<pci_ioc::PciIocTransport> ioc_;
};

}  // namespace sasd::lifetime

#endif  // TESTS_LIFETIME_STEPPED_PCI_IOC_H_
