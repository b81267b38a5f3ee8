#include "daemon/service/snapshot_reader.h"

#include "daemon/service/convert.h"

namespace sasd::service {

// Appends resources of kind T until the chunk is full, `looks` are over, or the kind has come to
// its end.
template <typename T>
void SnapshotReader::Read(size_t max_resources, size_t& looks, sas::v1::SnapshotChunk* chunk) {
  const registry::CowMap<T>& map = topology_->collection<T>();
  const auto* last = std::get_if<std::shared_ptr<const T>>(&last_);
  auto it = last != nullptr && *last != nullptr ? map.UpperBound((*last)->key()) : map.begin();
  for (; it != map.end(); ++it, --looks) {
    if (static_cast<size_t>(chunk->resources_size()) >= max_resources || looks == 0) return;
    const registry::ResourceRef ref(*it);
    if (filter_.Passes(ref)) {
      ToProto(ref, chunk->add_resources());
    }
    last_ = ref;
  }
  ++kind_;
  last_ = registry::ResourceRef();
}

SnapshotReader::Found SnapshotReader::Next(size_t max_resources, size_t max_looks,
                                           sas::v1::SnapshotChunk* chunk) {
  using Reader = void (SnapshotReader::*)(size_t, size_t&, sas::v1::SnapshotChunk*);
  static constexpr Reader kReaders[kKinds] = {
      &SnapshotReader::Read<registry::Host>,        &SnapshotReader::Read<registry::Enclosure>,
      &SnapshotReader::Read<registry::Expander>,    &SnapshotReader::Read<registry::Phy>,
      &SnapshotReader::Read<registry::Port>,        &SnapshotReader::Read<registry::EndDevice>,
      &SnapshotReader::Read<registry::LogicalUnit>, &SnapshotReader::Read<registry::Slot>,
  };
  chunk->set_revision(revision());
  while (kind_ < kKinds && max_looks > 0 &&
         static_cast<size_t>(chunk->resources_size()) < max_resources) {
    (this->*kReaders[kind_])(max_resources, max_looks, chunk);
  }
  if (chunk->resources_size() > 0) return Found::kResources;
  return kind_ < kKinds ? Found::kNothingYet : Found::kEnd;
}

}  // namespace sasd::service
