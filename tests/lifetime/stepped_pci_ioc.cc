#include "tests/lifetime/stepped_pci_ioc.h"

#include <cstdlib>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "driver/wire/mpi/messages.h"

namespace sasd::lifetime {
namespace {

using transport::IocReply;
using transport::IocRequest;

// More steps than any reply needs: recoveries are retried.
constexpr int kMostSteps = 1'000;

class Within {
 public:
  explicit Within(int& depth) : depth_(depth) { ++depth_; }
  ~Within() { --depth_; }

 private:
  int& depth_;
};

}  // namespace

SteppedPciIoc::~SteppedPciIoc() { Stop(); }

std::unique_ptr<emulator::HbaFrontEnd> SteppedPciIoc::Plug(emulator::VirtualHba& hba, Clock& clock,
                                                           emulator::MpiGeneration generation) {
  return slot_.Plug(hba, clock, generation);
}

absl::Status SteppedPciIoc::Start(
    FakeClock& clock, size_t vectors,
    const std::function<std::unique_ptr<pci_ioc::PciBus>(std::unique_ptr<pci_ioc::PciBus>)>& wrap) {
  clock_ = &clock;
  pacer_ = std::make_unique<pci_ioc::FakePacer>(clock);
  auto made =
      std::make_unique<pci_ioc::FakeFrontEndBus>(slot_, pci_ioc::FakeFrontEndBus::Options());
  bus_ = made.get();
  std::unique_ptr<pci_ioc::PciBus> bus = std::move(made);
  if (wrap) bus = wrap(std::move(bus));
  pci_ioc::PciIocOptions options;
  options.threaded = false;
  options.vectors = vectors;
  options.pacer = pacer_.get();
  auto ioc = pci_ioc::PciIocTransport::Create(std::move(bus), clock, std::move(options));
  if (!ioc.ok()) return ioc.status();
  ioc_ = *std::move(ioc);
  return absl::OkStatus();
}

void SteppedPciIoc::Stop() {
  ioc_.reset();
  bus_ = nullptr;
  operational_ = false;
}

void SteppedPciIoc::RunStep() { ioc_->RunStep(absl::ZeroDuration()); }

void SteppedPciIoc::Deliver() {
  if (in_context()) return;
  do RunStep();
  while (HasNews());
  if (!IsLeftUnnoticed()) return;
  AdvanceToTheNextLook();
  RunStep();
}

bool SteppedPciIoc::IsLeftUnnoticed() {
  // The listener may have been removed, so it does not hear of every reset.
  const bool operates = operational_ && ioc_->stats().resets == resets_before_;
  return slot_.ioc_state() != (operates ? mpi::IocState::kOperational : mpi::IocState::kReady);
}

void SteppedPciIoc::AdvanceToTheNextLook() {
  clock_->Advance(pci_ioc::PciIocOptions().look_interval);
}

absl::Status SteppedPciIoc::Submit(const IocRequest& request, Completion done) {
  const auto function = mpi::DecodeFunction(request.frame);
  const bool begins = function.ok() && *function == mpi::Function::kIocInit;
  const bool ends = function.ok() && *function == mpi::Function::kMessageUnitReset;
  return ioc_->Submit(
      request, [this, begins, ends, done = std::move(done)](absl::StatusOr<IocReply> reply) {
        const Within context(depth_);
        const auto header = reply.ok() ? mpi::DecodeReplyHeader(reply->frame) : reply.status();
        if (header.ok() && header->status == mpi::IocStatus::kSuccess && (begins || ends)) {
          operational_ = begins;
          resets_before_ = ioc_->stats().resets;
        }
        done(std::move(reply));
      });
}

absl::StatusOr<IocReply> SteppedPciIoc::Execute(const IocRequest& request) {
  // The reply's data goes to the caller: the request ends before this returns.
  std::optional<absl::StatusOr<IocReply>> result;
  const absl::Status sent =
      Submit(request, [&result](absl::StatusOr<IocReply> reply) { result = std::move(reply); });
  if (!sent.ok()) return sent;
  for (int step = 0; !result.has_value() && step < kMostSteps; ++step) {
    if (step != 0) AdvanceToTheNextLook();
    RunStep();
  }
  if (!result.has_value()) abort();  // a request that neither a reply nor its timeout ends
  return *std::move(result);
}

void SteppedPciIoc::SetListener(transport::IocListener* listener) {
  // A call that is under way, which the transport waits for, still has its listener.
  if (listener != nullptr) listener_ = listener;
  ioc_->SetListener(listener == nullptr ? nullptr : this);
}

void SteppedPciIoc::OnEvent(const transport::EventArrival& event) {
  const Within context(depth_);
  listener_->OnEvent(event);
}
void SteppedPciIoc::OnEventsLost(uint32_t count) {
  const Within context(depth_);
  listener_->OnEventsLost(count);
}
void SteppedPciIoc::OnResetBegin() {
  const Within context(depth_);
  operational_ = false;
  listener_->OnResetBegin();
}
void SteppedPciIoc::OnReady() {
  const Within context(depth_);
  listener_->OnReady();
}
void SteppedPciIoc::OnDelivered(Caller caller) {
  const Within context(depth_);
  listener_->OnDelivered(caller);
}

std::string SteppedPciIoc::violations() {
  std::string lines = bus_ == nullptr ? "" : bus_->violations();
  const emulator::pci::DmaCounts counts = slot_.front_end().dma_counts();
  if (counts.not_mapped != 0) {
    absl::StrAppend(&lines, counts.not_mapped, " accesses outside of the arena\n");
  }
  return lines;
}

}  // namespace sasd::lifetime
