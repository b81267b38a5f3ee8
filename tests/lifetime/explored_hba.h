#ifndef TESTS_LIFETIME_EXPLORED_HBA_H_
#define TESTS_LIFETIME_EXPLORED_HBA_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "driver/base/fake_clock.h"
#include "driver/discovery/hba.h"
#include "driver/transport/ioc_transport.h"
#include "emulator/emulator.h"
#include "emulator/fabric/fabric_builder.h"
#include "tests/lifetime/explorer.h"
#include "tests/lifetime/interleaving.h"
#include "tests/lifetime/recording_sink.h"
#include "tests/lifetime/stepped_pci_ioc.h"

namespace sasd::lifetime {

// An IOC whose driver is observed (Interleaving): its requests are points. The firmware's work is
// not interleaved with anything.
class ObservedTransport : public transport::IocTransport, private transport::IocListener {
 public:
  // `inner` outlives this. `pci`: it, if it is one whose steps a thread of the Run() does; the
  // transport's own locks are points then, and a request waits for that thread.
  explicit ObservedTransport(transport::IocTransport& inner, SteppedPciIoc* pci = nullptr)
      : inner_(inner), pci_(pci) {}

  transport::IocInfo Info() const override { return inner_.Info(); }
  absl::Status Submit(const transport::IocRequest& request, Completion done) override;
  absl::StatusOr<transport::IocReply> Execute(const transport::IocRequest& request) override;
  void SetListener(transport::IocListener* listener) override;
  absl::Status Reset() override;

 private:
  void OnEvent(const transport::EventArrival& event) override;
  void OnEventsLost(uint32_t count) override;
  void OnResetBegin() override;
  void OnReady() override;
  void OnDelivered(Caller caller) override;

  absl::StatusOr<transport::IocReply> ExecuteByThread(const transport::IocRequest& request);

  transport::IocTransport& inner_;
  SteppedPciIoc* const pci_;
  transport::IocListener* listener_ = nullptr;
};

// A virtual HBA and its driver. The worker, attacher, unload and other actions are threads of an
// Interleaving. Time stands still while they run. On Path::kPci the transport's context is one more
// thread, and the clock advances where it looks after an IOC that has left its operation.
class ExploredHba {
 public:
  enum class Begin {
    kDiscovered,  // the devices wait for their attach
    kAttached,
  };
  enum class Path {
    kInProcess,  // EmulatedTransport: events arrive where they are caused
    kPci,        // driver/transport/pci_ioc
  };
  ExploredHba(const emulator::SyntheticFabricOptions& fabric, Begin begin,
              Path path = Path::kInProcess);
  ~ExploredHba();

  emulator::VirtualFabric& fabric() { return emulator_->fabric(); }
  emulator::Emulator& emulator() { return *emulator_; }
  FakeClock& clock() { return clock_; }
  discovery::Hba& hba() { return hba_; }
  bool is_pci() const { return pci_ != nullptr; }
  // Outside of Run(): what the function has to say reaches the driver.
  void Deliver();
  // An action on the fabric or a call of the driver, in its own thread.
  struct Actor {
    std::string name;
    std::function<void(ExploredHba&)> act;
  };
  struct Threads {
    bool worker = true, attacher = true;
    bool unload = false;  // stops the driver after worker and attacher have ended
  };
  // Runs the threads and, unless unloaded, their remaining work. Returns the errors found at any
  // point or in the end; empty: none.
  std::string Run(Schedule& schedule, const Threads& threads, std::vector<Actor> actors);

 private:
  void RunWorker();
  void RunAttacher();
  void RunIoc();
  void Unload();
  // Whether the transport's thread has work.
  bool IocHasNews() const {
    return pci_ != nullptr && (pci_->HasNews() || pci_->IsLeftUnnoticed());
  }
  // Runs worker and attacher without interleaving until there is nothing left to do. Returns the
  // rest if that never happens.
  std::string Settle();
  std::string Judge();

  FakeClock clock_;
  std::unique_ptr<SteppedPciIoc> pci_;  // null: in-process
  std::unique_ptr<emulator::Emulator> emulator_;
  ObservedTransport ioc_;
  RecordingSink sink_;
  bool work_ = false;  // since the worker began its last step
  bool stopping_ = false;
  int acting_ = 0;  // actors that have not ended
  bool worker_ended_ = false, attacher_ended_ = false, unload_ended_ = false;
  discovery::Hba hba_;
};

}  // namespace sasd::lifetime

#endif  // TESTS_LIFETIME_EXPLORED_HBA_H_
