#include "daemon/backend/sysfs_backend.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daemon/diagnosis/commands.h"
#include "daemon/diagnosis/scsi_host_check.h"
#include "driver/sysfs/file_io.h"
#include "driver/sysfs/sysfs_source.h"
#include "driver/sysfs/unpacked_tree.h"

namespace sasd {
namespace {

class SysfsBackend : public Backend {
 public:
  SysfsBackend(const std::string& path, sysfs::UnpackedTree tree)
      : description_(absl::StrCat("sysfs ", path)), tree_(std::move(tree)) {}

  absl::Status Start(Clock& clock, ObservationSink& sink, KeyAssignments* keys) {
    absl::StatusOr<std::unique_ptr<sysfs::SysfsSource>> source =
        sysfs::SysfsSource::Create(tree_.root(), io_, clock, sink, keys);
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
    absl::Status status = source_->Scan();
    absl::MutexLock shown_lock(&shown_mu_);
    scsi_hosts_ = source_->scsi_hosts();
    return status;
  }

  std::shared_ptr<const ScsiHosts> scsi_hosts() override ABSL_LOCKS_EXCLUDED(shown_mu_) {
    absl::MutexLock lock(&shown_mu_);
    return scsi_hosts_;
  }

  // A scan reports everything before it returns.
  absl::Status WaitIdle(absl::Duration) override { return absl::OkStatus(); }

  std::vector<DiagnosisCheck> Diagnose(const registry::Topology& topology) override {
    std::vector<DiagnosisCheck> checks = CheckScsiHosts(*scsi_hosts());
    checks.push_back(PassedCheck(
        "backend", absl::StrCat(description_,
                                ": not a live machine; sasd reads this tree at the start and at "
                                "each rescan; ",
                                topology.size(), " objects")));
    return checks;
  }

 private:
  const std::string description_;
  const sysfs::UnpackedTree tree_;
  sysfs::PosixFileIo io_;

  // Held while the tree is read, which serializes scans. Nothing else waits for it.
  absl::Mutex mu_;
  std::unique_ptr<sysfs::SysfsSource> source_ ABSL_GUARDED_BY(mu_);

  absl::Mutex shown_mu_;  // a leaf
  std::shared_ptr<const ScsiHosts> scsi_hosts_ ABSL_GUARDED_BY(shown_mu_) =
      std::make_shared<const ScsiHosts>();
};

}  // namespace

absl::StatusOr<std::unique_ptr<Backend>> StartSysfsBackend(const std::string& root, Clock& clock,
                                                           ObservationSink& sink,
                                                           KeyAssignments* keys) {
  absl::StatusOr<sysfs::UnpackedTree> tree = sysfs::UnpackedTree::Open(root);
  if (!tree.ok()) return tree.status();
  auto backend = std::make_unique<SysfsBackend>(root, *std::move(tree));
  if (absl::Status s = backend->Start(clock, sink, keys); !s.ok()) return s;
  return backend;
}

}  // namespace sasd
