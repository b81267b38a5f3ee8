#include "tests/support/mirror.h"

#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"

namespace sasd::testing {
namespace {

absl::Status Broken(absl::string_view what, absl::string_view name) {
  return absl::FailedPreconditionError(absl::StrCat(what, " ", name));
}

}  // namespace

const std::string& NameOf(const sas::v1::Resource& resource) {
  switch (resource.resource_case()) {
    case sas::v1::Resource::kHost:
      return resource.host().name();
    case sas::v1::Resource::kPhy:
      return resource.phy().name();
    case sas::v1::Resource::kPort:
      return resource.port().name();
    case sas::v1::Resource::kExpander:
      return resource.expander().name();
    case sas::v1::Resource::kEndDevice:
      return resource.end_device().name();
    case sas::v1::Resource::kLogicalUnit:
      return resource.logical_unit().name();
    case sas::v1::Resource::kEnclosure:
      return resource.enclosure().name();
    case sas::v1::Resource::kSlot:
      return resource.slot().name();
    case sas::v1::Resource::RESOURCE_NOT_SET:
      break;
  }
  static const std::string* const kNone = new std::string;
  return *kNone;
}

absl::Status Mirror::Apply(const sas::v1::WatchResponse& response) {
  if (response.has_resync()) {
    synced_ = false;
    snapshot_revision_ = 0;
    ++resyncs_;
  }
  if (response.has_snapshot()) {
    if (absl::Status s = ApplySnapshot(response.snapshot()); !s.ok()) return s;
  }
  for (const sas::v1::Event& event : response.events().events()) {
    if (absl::Status s = ApplyEvent(event); !s.ok()) return s;
  }
  if (response.has_synced()) {
    const int64_t revision = response.synced().revision();
    if (snapshot_revision_ != 0 && revision != snapshot_revision_) {
      return Broken("SYNCED at another revision than the snapshot:", absl::StrCat(revision));
    }
    if (snapshot_revision_ == 0 && revision != revision_) {
      return Broken("SYNCED of a resumed stream at",
                    absl::StrCat(revision, ", events reach ", revision_));
    }
    snapshot_revision_ = 0;
    synced_ = true;
    revision_ = revision;
    resume_token_ = response.synced().resume_token();
  }
  if (response.has_bookmark()) {
    if (response.bookmark().revision() < revision_) {
      return Broken("a bookmark went back to", absl::StrCat(response.bookmark().revision()));
    }
    revision_ = response.bookmark().revision();
    resume_token_ = response.bookmark().resume_token();
  }
  return absl::OkStatus();
}

uint64_t Mirror::Digest(const sas::v1::Resource& resource) {
  bytes_.clear();
  google::protobuf::io::StringOutputStream stream(&bytes_);
  google::protobuf::io::CodedOutputStream coded(&stream);
  coded.SetSerializationDeterministic(true);
  resource.SerializeToCodedStream(&coded);
  coded.Trim();
  return absl::HashOf(bytes_);
}

absl::Status Mirror::ApplySnapshot(const sas::v1::SnapshotChunk& chunk) {
  if (synced_) return Broken("a snapshot after SYNCED at revision", absl::StrCat(chunk.revision()));
  if (snapshot_revision_ == 0) {
    digests_.clear();
    snapshot_revision_ = chunk.revision();
  }
  if (chunk.revision() != snapshot_revision_) {
    return Broken("a snapshot with two revisions:", absl::StrCat(chunk.revision()));
  }
  for (const sas::v1::Resource& resource : chunk.resources()) {
    if (!digests_.emplace(absl::HashOf(NameOf(resource)), Digest(resource)).second) {
      return Broken("resource is twice in a snapshot:", NameOf(resource));
    }
  }
  return absl::OkStatus();
}

absl::Status Mirror::ApplyEvent(const sas::v1::Event& event) {
  if (snapshot_revision_ != 0)
    return Broken("an event within a snapshot:", absl::StrCat(event.revision()));
  if (event.revision() != revision_ + 1) {
    return Broken("revision", absl::StrCat(event.revision(), " after ", revision_));
  }
  if (event.previous_revision() != revision_) {
    return Broken("an event after revision",
                  absl::StrCat(event.previous_revision(), ", this is at ", revision_));
  }
  if (event.continued() != event.resume_token().empty()) {
    return Broken("a resume token before the end of an event, or none at its end:",
                  event.resume_token());
  }
  if (event.continued()) {
    parts_.MergeFrom(event.changes());
    return absl::OkStatus();
  }
  absl::Status s = ApplyChanges(std::exchange(parts_, {}));
  if (s.ok()) s = ApplyChanges(event.changes());
  if (!s.ok()) {
    return absl::Status(s.code(), absl::StrCat(s.message(), " in revision ", event.revision(), " (",
                                               event.cause().text(), ")"));
  }
  revision_ = event.revision();
  resume_token_ = event.resume_token();
  return absl::OkStatus();
}

absl::Status Mirror::ApplyChanges(
    const google::protobuf::RepeatedPtrField<sas::v1::Change>& changes) {
  for (const sas::v1::Change& change : changes) {
    if (absl::Status s = ApplyChange(change); !s.ok()) return s;
  }
  return absl::OkStatus();
}

absl::Status Mirror::ApplyChange(const sas::v1::Change& change) {
  const std::string& name = NameOf(change.resource());
  const uint64_t key = absl::HashOf(name);
  switch (change.kind()) {
    case sas::v1::CHANGE_KIND_ADDED:
      if (!digests_.emplace(key, Digest(change.resource())).second) {
        return Broken("ADDED an existing resource:", name);
      }
      return absl::OkStatus();
    case sas::v1::CHANGE_KIND_MODIFIED: {
      const auto at = digests_.find(key);
      if (at == digests_.end()) return Broken("MODIFIED a missing resource:", name);
      at->second = Digest(change.resource());
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
