#include "daemon/backend/sysfs_backend.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daemon/diagnosis/commands.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/sysfs_source.h"

namespace sasd {
namespace {

class SysfsBackend : public Backend {
 public:
  explicit SysfsBackend(const std::string& root) : description_(absl::StrCat("sysfs ", root)) {}

  absl::Status Start(const std::string& root, Clock& clock, ObservationSink& sink,
                     KeyAssignments* keys) {
    absl::StatusOr<std::unique_ptr<sysfs::SysfsSource>> source =
        sysfs::SysfsSource::Create(root, io_, clock, sink, keys);
    if (!source.ok()) return source.status();
    {
      absl::MutexLock lock(&mu_);
      source_ = *std::move(source);
    }
    return Rescan();
  }

  const std::string& description() const override { return description_; }

  absl::Status Rescan() override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    return source_->Scan();
  }

  // A scan reports everything before it returns.
  absl::Status WaitIdle(absl::Duration) override { return absl::OkStatus(); }

  std::vector<DiagnosisCheck> Diagnose(const registry::Topology& topology) override {
    return {PassedCheck(
        "backend", absl::StrCat(description_,
                                ": not a live machine; sasd reads this tree at the start and at "
                                "each rescan; ",
                                topology.size(), " objects"))};
  }

 private:
  const std::string description_;
  sysfs::PosixFileIo io_;

  // Held while the tree is read, which serializes scans. Nothing else waits for it.
  absl::Mutex mu_;
  std::unique_ptr<sysfs::SysfsSource> source_ ABSL_GUARDED_BY(mu_);
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> StartSysfsBackend(const std::string& root, Clock& clock,
                                                           ObservationSink& sink,
                                                           KeyAssignments* keys) {
  auto backend = std::make_unique<SysfsBackend>(root);
  if (absl::Status s = backend->Start(root, clock, sink, keys); !s.ok()) return s;
  return backend;
}

}  // namespace sasd
