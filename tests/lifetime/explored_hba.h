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

namespace sasd::lifetime {

// An IOC whose driver is observed (Interleaving): its requests are points. The firmware's work is
// not interleaved with anything.
class ObservedTransport : public transport::IocTransport, private transport::IocListener {
 public:
  // `inner` outlives this.
  explicit ObservedTransport(transport::IocTransport& inner) : inner_(inner) {}

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

  transport::IocTransport& inner_;
  transport::IocListener* listener_ = nullptr;
};

// A virtual HBA and its driver. The worker, attacher, unload and other actions are threads of an
// Interleaving. Time stands still while they run.
class ExploredHba {
 public:
  enum class Begin {
    kDiscovered,  // the devices wait for their attach
    kAttached,
  };
  ExploredHba(const emulator::SyntheticFabricOptions& fabric, Begin begin);

  emulator::VirtualFabric& fabric() { return emulator_->fabric(); }
  emulator::Emulator& emulator() { return *emulator_; }
  FakeClock& clock() { return clock_; }
  discovery::Hba& hba() { return hba_; }
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
  void Unload();
  // Runs worker and attacher without interleaving until there is nothing left to do. Returns the
  // rest if that never happens.
  std::string Settle();
  std::string Judge();

  FakeClock clock_;
  std::unique_ptr<emulator::Emulator> emulator_;
  ObservedTransport ioc_;
  RecordingSink sink_;
  bool work_ = false;  // since the worker began its last step
  bool stopping_ = false;
  int acting_ = 0;  // actors that have not ended
  bool worker_ended_ = false, attacher_ended_ = false;
  discovery::Hba hba_;
};

}  // namespace sasd::lifetime

#endif  // TESTS_LIFETIME_EXPLORED_HBA_H_
