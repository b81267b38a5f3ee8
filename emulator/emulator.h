#ifndef EMULATOR_EMULATOR_H_
#define EMULATOR_EMULATOR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "driver/base/clock.h"
#include "emulator/emulated_transport.h"
#include "emulator/fabric/fabric.h"
#include "emulator/fabric/truth.h"
#include "emulator/fabric/virtual_fabric.h"
#include "emulator/firmware/virtual_hba.h"

namespace sasd::emulator {

struct EmulatorOptions {
  // Decides the renumbering of handles at resets; the fabric and the order of calls decide
  // everything else. The same seed, fabric and calls under the same clock give the same bytes.
  uint64_t seed = 1;
  // Makes the front end of host `host`, which connects itself to its HBA. The emulator owns it.
  // Empty: an EmulatedTransport for each host.
  std::function<std::unique_ptr<HbaFrontEnd>(VirtualHba& hba, uint32_t host)> make_front_end;
};

// A fabric with its virtual HBAs. Starts no thread. Thread-safe.
class Emulator {
 public:
  // `clock` outlives the emulator. Errors: kInvalidArgument if the fabric is not valid.
  static absl::StatusOr<std::unique_ptr<Emulator>> Create(FabricSpec fabric,
                                                          const EmulatorOptions& options,
                                                          Clock& clock);

  size_t host_count() const { return hbas_.size(); }
  // The host's id in the fabric.
  const std::string& HostId(size_t host) const { return host_ids_[host]; }

  // The HBA of host `host` (< host_count(), in the order of the file). The emulator owns it. With
  // EmulatorOptions::make_front_end there are none, and this must not be called.
  EmulatedTransport& transport(size_t host) { return *transports_[host]; }
  bool has_transports() const { return !transports_.empty(); }

  // The HBA itself, whatever its front end.
  VirtualHba& hba(size_t host) { return *hbas_[host]; }

  // The fault verbs.
  VirtualFabric& fabric() { return fabric_; }

  // What host `host` can reach now.
  HostTruth Truth(size_t host) const;

  // Runs what is due on all HBAs (report-missing delays, ends of faults). Returns the next deadline
  // (Clock::Monotonic()), or absl::InfiniteDuration() without one.
  absl::Duration RunTimers() ABSL_LOCKS_EXCLUDED(timer_mu_);

  // Waits until a deadline changes after the last RunTimers(), Wake() is called, or `timeout`
  // passes in real time. For the one thread that runs the timers.
  void AwaitTimers(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(timer_mu_);
  void Wake() ABSL_LOCKS_EXCLUDED(timer_mu_);

 private:
  Emulator(FabricSpec fabric, const EmulatorOptions& options, Clock& clock);

  bool HasChange() const ABSL_SHARED_LOCKS_REQUIRED(timer_mu_) { return timers_changed_; }

  VirtualFabric fabric_;
  std::vector<std::string> host_ids_;
  std::vector<std::unique_ptr<VirtualHba>> hbas_;
  std::vector<std::unique_ptr<EmulatedTransport>> transports_;  // without make_front_end
  std::vector<std::unique_ptr<HbaFrontEnd>> front_ends_;        // with make_front_end

  absl::Mutex timer_mu_;
  bool timers_changed_ ABSL_GUARDED_BY(timer_mu_) = false;
};

}  // namespace sasd::emulator

#endif  // EMULATOR_EMULATOR_H_
