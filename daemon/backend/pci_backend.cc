#include "daemon/backend/pci_backend.h"

#include <sys/resource.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "daemon/diagnosis/pci_hba_check.h"
#include "driver/observation/host_key.h"
#include "driver/pci/disk_users.h"
#include "driver/pci/pci_hbas.h"
#include "driver/transport/pci_ioc/system/posix_system_calls.h"
#include "driver/transport/pci_ioc/uio/uio_bus.h"
#include "driver/transport/pci_ioc/vfio/vfio_bus.h"

namespace sasd {
namespace {

constexpr char kUio[] = "uio_pci_generic";

// Passes all on. Something is pending while either of its two sides says so. Thread-safe.
class PendingSink : public ObservationSink {
 public:
  explicit PendingSink(ObservationSink& next) : next_(next) {}

  void Observe(ObservationBatch batch) override { next_.Observe(std::move(batch)); }
  void Flush() override { next_.Flush(); }
  void SetPending(bool pending) override { Set(&PendingSink::of_live_, pending); }
  void SetPciPending(bool pending) { Set(&PendingSink::of_pci_, pending); }

 private:
  void Set(bool PendingSink::*side, bool pending) ABSL_LOCKS_EXCLUDED(mu_) {
    // Held over the call, so that the last value is the newest. The sink does not call back.
    absl::MutexLock lock(&mu_);
    const bool before = of_live_ || of_pci_;
    this->*side = pending;
    if (before != (of_live_ || of_pci_)) next_.SetPending(!before);
  }

  ObservationSink& next_;
  absl::Mutex mu_;
  bool of_live_ ABSL_GUARDED_BY(mu_) = false;
  bool of_pci_ ABSL_GUARDED_BY(mu_) = false;
};

uint64_t MemlockLimit() {
  rlimit limit = {};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  return limit.rlim_cur;
}

class PciBackend : public Backend {
 public:
  PciBackend(PciBackendOptions options, Clock& clock, ObservationSink& sink, KeyAssignments& keys)
      : options_(std::move(options)), clock_(clock), sink_(sink) {
    options_.link.keys = &keys;
    options_.link.on_change = [this] { ShowPending(); };
    if (options_.files == nullptr) options_.files = std::make_shared<pci::MachineFiles>();
    options_.link.is_present = [files = options_.files](const std::string& address) {
      return pci::FindHba(*files, address).has_value();
    };
  }

  ~PciBackend() override {
    for (const auto& link : links_) link->End();  // all at once
    links_.clear();
  }

  absl::Status Start(const LiveStarter& start_live) {
    sink_.SetPciPending(true);
    // Before the first scan of sysfs, which does not name these HBAs.
    for (const std::string& address : options_.addresses) {
      options_.link.keys->SetOccupied(HostLocation::OfPci(address),
                                      options_.link.is_present(address));
    }
    auto live = start_live(sink_);
    if (!live.ok()) return live.status();
    live_ = *std::move(live);
    description_ =
        absl::StrCat(live_->description(), "; PCI ", absl::StrJoin(options_.addresses, ", "));
    for (const std::string& address : options_.addresses) {
      links_.push_back(std::make_unique<PciLink>(address, clock_, sink_, options_.link));
    }
    {
      absl::MutexLock lock(&mu_);
      started_ = true;
    }
    ShowPending();
    return absl::OkStatus();
  }

  const std::string& description() const override { return description_; }

  std::vector<rpc::ServedService> services(rpc::CallGuard& guard) override {
    return live_->services(guard);
  }

  absl::Status Rescan() override {
    for (const auto& link : links_) {
      link->Retry();
      if (const auto driver = link->driver(); driver != nullptr) driver->Rescan();
    }
    return live_->Rescan();
  }

  absl::Status WaitIdle(absl::Duration timeout) override {
    const absl::Time deadline = absl::Now() + timeout;
    if (absl::Status s = live_->WaitIdle(timeout); !s.ok()) return s;
    for (const auto& link : links_) {
      if (!link->AwaitConnection(deadline)) {
        return absl::DeadlineExceededError(
            absl::StrCat("the IOC of PCI ", link->address(), " is not up yet"));
      }
      const auto driver = link->driver();
      if (driver == nullptr) continue;
      if (absl::Status s = driver->WaitIdle(deadline - absl::Now()); !s.ok()) return s;
    }
    return absl::OkStatus();
  }

  // The HBAs that sasd drives keep no module of the kernel's driver in use.
  void Release() override { live_->Release(); }
  void SetLookInterval(absl::Duration interval) override { live_->SetLookInterval(interval); }
  std::shared_ptr<const ScsiHosts> scsi_hosts() override { return live_->scsi_hosts(); }

  // What the kernel's driver has is seen through sysfs: that is no loss.
  std::vector<UndrivenHba> undriven_hbas() override {
    std::vector<UndrivenHba> undriven;
    for (const auto& link : links_) {
      const PciLinkState state = link->state();
      if (state.kind == PciLinkState::Kind::kConnected) continue;
      const auto hba = pci::FindHba(*options_.files, state.address);
      if (hba.has_value() && hba->driver == "mpt3sas") continue;
      const bool starting = state.kind == PciLinkState::Kind::kConnecting;
      undriven.push_back({state.address, hba.has_value(), starting,
                          starting ? "sasd brings it up" : std::string(state.error.message())});
    }
    return undriven;
  }

  std::vector<DiagnosisCheck> Diagnose(const registry::Topology& topology) override {
    std::vector<DiagnosisCheck> checks = live_->Diagnose(topology);
    // It takes a function of vfio-pci for that of a virtual machine.
    std::set<std::string> subjects;
    for (const std::string& address : options_.addresses) {
      subjects.insert(absl::StrCat("PCI ", address));
    }
    checks.erase(std::remove_if(checks.begin(), checks.end(),
                                [&](const DiagnosisCheck& check) {
                                  return subjects.count(check.subject) != 0;
                                }),
                 checks.end());
    for (const auto& link : links_) {
      PciHbaFacts facts;
      facts.link = link->state();
      facts.hba = pci::FindHba(*options_.files, link->address());
      facts.memlock_bytes = MemlockLimit();
      facts.hba_count = links_.size();
      if (facts.hba.has_value() && !facts.hba->is_taken()) {
        facts.users = pci::FindDiskUsers(*options_.files, link->address(), pci::Claims::kNotTried);
      }
      for (DiagnosisCheck& check : CheckPciHba(facts)) checks.push_back(std::move(check));
    }
    return checks;
  }

 private:
  void ShowPending() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (!started_ || settled_) return;
    const bool connecting = std::any_of(links_.begin(), links_.end(), [](const auto& link) {
      return link->state().kind == PciLinkState::Kind::kConnecting;
    });
    if (connecting) return;
    settled_ = true;
    sink_.SetPciPending(false);
  }

  PciBackendOptions options_;  // constant after the constructor
  Clock& clock_;
  PendingSink sink_;
  // Constant after Start().
  std::string description_;
  std::unique_ptr<Backend> live_;

  absl::Mutex mu_;
  bool started_ ABSL_GUARDED_BY(mu_) = false;
  bool settled_ ABSL_GUARDED_BY(mu_) = false;  // each link has connected or failed once

  std::vector<std::unique_ptr<PciLink>> links_;  // constant after Start()
};

}  // namespace

PciBackendOptions PciHbasOf(std::vector<std::string> addresses) {
  PciBackendOptions options;
  options.addresses = std::move(addresses);
  const auto calls = std::make_shared<pci_ioc::PosixSystemCalls>();
  const auto files = std::make_shared<pci::MachineFiles>();
  options.files = files;
  options.link.driver_of = [files](const std::string& address) {
    return pci::BaseName(files->LinkOf(pci::FunctionFolder(address) + "/driver"));
  };
  options.link.open =
      [calls, driver_of = options.link.driver_of](
          const std::string& address) -> absl::StatusOr<std::unique_ptr<pci_ioc::PciBus>> {
    if (driver_of(address) == kUio) return pci_ioc::UioBus::Open(*calls, address);
    return pci_ioc::VfioBus::Open(*calls, address);
  };
  return options;
}

absl::StatusOr<std::unique_ptr<Backend>> StartPciBackend(PciBackendOptions options,
                                                         const LiveStarter& start_live,
                                                         Clock& clock, ObservationSink& sink,
                                                         KeyAssignments& keys) {
  std::set<std::string> seen;
  for (const std::string& address : options.addresses) {
    if (!HostLocation::OfPci(address).known()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--pci \"", address, "\" is no PCI address; write it as 0000:03:00.0"));
    }
    if (!seen.insert(address).second) {
      return absl::InvalidArgumentError(absl::StrCat("--pci ", address, " stands twice"));
    }
  }
  auto backend = std::make_unique<PciBackend>(std::move(options), clock, sink, keys);
  if (absl::Status s = backend->Start(start_live); !s.ok()) return s;
  return backend;
}

}  // namespace sasd
