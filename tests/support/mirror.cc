#include "tests/support/mirror.h"

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "client/resource_name.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace sasd::testing {
namespace {

using client::NameOf;

absl::Status Broken(absl::string_view what, absl::string_view name) {
  return absl::FailedPreconditionError(absl::StrCat(what, " ", name));
}

}  // namespace

uint64_t DigestOf(const google::protobuf::Message& message) {
  thread_local std::string bytes;
  bytes.clear();
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return absl::HashOf(bytes);
}

absl::Status Mirror::OnSnapshotBegin(int64_t /*revision*/) {
  digests_.clear();
  return absl::OkStatus();
}

absl::Status Mirror::OnResource(const sas::v1::Resource& resource) {
  if (digests_.emplace(absl::HashOf(NameOf(resource)), DigestOf(resource)).second) {
    return absl::OkStatus();
  }
  return Broken("resource is twice in a snapshot:", NameOf(resource));
}

absl::Status Mirror::OnEvent(const sas::v1::Event& event) {
  absl::Status s;
  if (event.has_gap()) s = Broken("a gap:", event.gap().ShortDebugString());
  for (const sas::v1::Change& change : event.changes()) s.Update(ApplyChange(change));
  if (s.ok()) return s;
  return absl::Status(s.code(), absl::StrCat(s.message(), " in revision ", event.revision(), " (",
                                             event.cause().text(), ")"));
}

absl::Status Mirror::ApplyChange(const sas::v1::Change& change) {
  const std::string& name = NameOf(change.resource());
  const uint64_t key = absl::HashOf(name);
  switch (change.kind()) {
    case sas::v1::CHANGE_KIND_ADDED:
      if (!digests_.emplace(key, DigestOf(change.resource())).second) {
        return Broken("ADDED an existing resource:", name);
      }
      return absl::OkStatus();
    case sas::v1::CHANGE_KIND_MODIFIED: {
      const auto at = digests_.find(key);
      if (at == digests_.end()) return Broken("MODIFIED a missing resource:", name);
      at->second = DigestOf(change.resource());
      return absl::OkStatus();
    }
    case sas::v1::CHANGE_KIND_REMOVED:
      if (digests_.erase(key) == 0) return Broken("REMOVED a missing resource:", name);
      return absl::OkStatus();
    default:
      return Broken("a change without a kind:", name);
  }
}

std::vector<std::string> Mirror::Differences(const Mirror& other, size_t limit) const {
  std::vector<std::string> differences;
  const auto add = [&](absl::string_view what, uint64_t key) {
    if (differences.size() < limit) differences.push_back(absl::StrCat(what, " ", absl::Hex(key)));
  };
  for (const auto& [key, digest] : digests_) {
    const auto at = other.digests_.find(key);
    if (at == other.digests_.end()) {
      add("only here:", key);
    } else if (at->second != digest) {
      add("differs:", key);
    }
  }
  for (const auto& [key, digest] : other.digests_) {
    if (!digests_.contains(key)) add("only there:", key);
  }
  return differences;
}

}  // namespace sasd::testing
