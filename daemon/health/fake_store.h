#ifndef DAEMON_HEALTH_FAKE_STORE_H_
#define DAEMON_HEALTH_FAKE_STORE_H_

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "daemon/health/store.h"

namespace sasd::health {

// A store in memory. Thread-safe.
class FakeStore : public Store {
 public:
  absl::Status Write(absl::Span<const Edit> edits) override {
    if (on_write) on_write();
    absl::MutexLock lock(&mu_);
    if (!error_.ok()) return error_;
    for (const Edit& edit : edits) {
      auto& collection = collections_[edit.collection];
      if (edit.value.has_value()) {
        collection[edit.key] = *edit.value;
      } else {
        collection.erase(edit.key);
      }
    }
    return absl::OkStatus();
  }
  absl::StatusOr<Values> Read(absl::string_view collection) override {
    absl::MutexLock lock(&mu_);
    const auto& values = collections_[std::string(collection)];
    return Values(values.begin(), values.end());
  }
  bool was_lost() override {
    absl::MutexLock lock(&mu_);
    return lost_;
  }
  absl::Status ClearLost() override {
    absl::MutexLock lock(&mu_);
    lost_ = false;
    return absl::OkStatus();
  }

  void Lose() {
    absl::MutexLock lock(&mu_);
    lost_ = true;
    collections_.clear();
  }
  // Writes fail from now on.
  void Fail(absl::Status error) {
    absl::MutexLock lock(&mu_);
    error_ = std::move(error);
  }

  std::function<void()> on_write;  // called at each write, if set; set it before others write

 private:
  absl::Mutex mu_;
  std::map<std::string, std::map<std::string, std::string>> collections_ ABSL_GUARDED_BY(mu_);
  bool lost_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status error_ ABSL_GUARDED_BY(mu_);
};

// Keeps resources in memory and gives out their numbers. Thread-safe.
class FakeCodec : public ResourceCodec {
 public:
  std::string Name(const registry::ResourceId& id) const override {
    absl::MutexLock lock(&mu_);
    const auto [it, is_new] = numbers_.try_emplace(id, ids_.size());
    if (is_new) ids_.push_back(id);
    return absl::StrCat(it->second);
  }
  absl::StatusOr<registry::ResourceId> ParseName(absl::string_view name) const override {
    size_t number = 0;
    if (!absl::SimpleAtoi(name, &number)) return absl::InvalidArgumentError("no number");
    absl::MutexLock lock(&mu_);
    if (number >= ids_.size()) return absl::InvalidArgumentError("no such number");
    return ids_[number];
  }
  std::string Encode(const registry::ResourceRef& resource) const override {
    absl::MutexLock lock(&mu_);
    resources_.push_back(resource);
    return absl::StrCat(resources_.size() - 1);
  }
  absl::StatusOr<registry::ResourceRef> Decode(absl::string_view bytes) const override {
    size_t number = 0;
    absl::MutexLock lock(&mu_);
    if (!absl::SimpleAtoi(bytes, &number) || number >= resources_.size()) {
      return absl::DataLossError("no such resource");
    }
    return resources_[number];
  }

 private:
  mutable absl::Mutex mu_;
  mutable std::map<registry::ResourceId, size_t> numbers_ ABSL_GUARDED_BY(mu_);
  mutable std::vector<registry::ResourceId> ids_ ABSL_GUARDED_BY(mu_);
  mutable std::vector<registry::ResourceRef> resources_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_FAKE_STORE_H_
