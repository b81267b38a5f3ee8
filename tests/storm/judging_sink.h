#ifndef TESTS_STORM_JUDGING_SINK_H_
#define TESTS_STORM_JUDGING_SINK_H_

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <variant>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "driver/observation/observation.h"
#include "tests/lifetime/picture.h"

namespace sasd::testing {

// Checks that each observation of one host's driver is legal, and passes it on. Thread-safe, except
// for digest().
class JudgingSink : public ObservationSink {
 public:
  // `next` and `log` outlive this. `log`, if not null, gets a line for each batch.
  explicit JudgingSink(ObservationSink& next, std::ostream* log = nullptr)
      : next_(next), log_(log) {}

  void Observe(ObservationBatch batch) override {
    if (log_ != nullptr) *log_ << "    " << batch.cause.text << "\n";
    Digest(absl::StrCat(batch.cause.text, " ", batch.observations.size()));
    for (const Observation& observation : batch.observations) {
      const std::string text = Text(observation);
      Digest(text);
      if (log_ != nullptr && !text.empty()) *log_ << "        " << text << "\n";
    }
    {
      absl::MutexLock lock(&mu_);
      picture_.Take(batch);
    }
    next_.Observe(std::move(batch));
  }
  void Flush() override { next_.Flush(); }
  void SetPending(bool pending) override { next_.SetPending(pending); }

  // The illegal observations, a line each; empty: none.
  std::string illegal() const {
    absl::MutexLock lock(&mu_);
    return picture_.illegal();
  }
  // A digest of all observations so far. Call it only while nothing observes.
  uint64_t digest() const { return digest_; }

 private:
  // Devices and expanders that come or go; empty for other observations.
  static std::string Text(const Observation& observation) {
    if (const auto* device = std::get_if<EndDeviceFacts>(&observation)) {
      return absl::StrCat("device ", ToHex(device->key.address), " handle ", device->handle.value(),
                          " ", lifetime::ToString(device->state));
    }
    if (const auto* gone = std::get_if<EndDeviceGone>(&observation)) {
      return absl::StrCat("device ", ToHex(gone->key.address), " gone");
    }
    if (const auto* expander = std::get_if<ExpanderFacts>(&observation)) {
      return absl::StrCat("expander ", ToHex(expander->key.address), " handle ",
                          expander->handle.value(), " under ", ToHex(expander->parent.address));
    }
    if (const auto* gone = std::get_if<ExpanderGone>(&observation)) {
      return absl::StrCat("expander ", ToHex(gone->key.address), " gone");
    }
    return "";
  }

  // FNV-1a. A driver sends one batch at a time.
  void Digest(absl::string_view text) {
    for (unsigned char byte : text) digest_ = (digest_ ^ byte) * 0x100000001b3;
  }

  ObservationSink& next_;
  std::ostream* const log_;
  mutable absl::Mutex mu_;
  lifetime::Picture picture_ ABSL_GUARDED_BY(mu_);
  uint64_t digest_ = 0xcbf29ce484222325;
};

}  // namespace sasd::testing

#endif  // TESTS_STORM_JUDGING_SINK_H_
