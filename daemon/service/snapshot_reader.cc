#include "daemon/service/snapshot_reader.h"

#include "daemon/service/convert.h"

namespace sasd::service {

// Appends resources of kind T until the chunk is full or the kind has come to its end.
template <typename T>
void SnapshotReader::Read(size_t max_resources, sas::v1::SnapshotChunk* chunk) {
  const registry::CowMap<T>& map = topology_->collection<T>();
  const auto* last = std::get_if<std::shared_ptr<const T>>(&last_);
  auto it = last != nullptr && *last != nullptr ? map.UpperBound((*last)->key()) : map.begin();
  for (; it != map.end(); ++it) {
    if (static_cast<size_t>(chunk->resources_size()) >= max_resources) return;
    const registry::ResourceRef ref(*it);
    if (filter_.Passes(ref)) {
      ToProto(ref, chunk->add_resources());
    }
    last_ = ref;
  }
  ++kind_;
  last_ = registry::ResourceRef();
}

bool SnapshotReader::Next(size_t max_resources, sas::v1::SnapshotChunk* chunk) {
  using Reader = void (SnapshotReader::*)(size_t, sas::v1::SnapshotChunk*);
  static constexpr Reader kReaders[kKinds] = {
      &SnapshotReader::Read<registry::Host>,        &SnapshotReader::Read<registry::Enclosure>,
      &SnapshotReader::Read<registry::Expander>,    &SnapshotReader::Read<registry::Phy>,
      &SnapshotReader::Read<registry::Port>,        &SnapshotReader::Read<registry::EndDevice>,
      &SnapshotReader::Read<registry::LogicalUnit>, &SnapshotReader::Read<registry::Slot>,
  };
  chunk->set_revision(revision());
  while (kind_ < kKinds && static_cast<size_t>(chunk->resources_size()) < max_resources) {
    (this->*kReaders[kind_])(max_resources, chunk);
  }
  return chunk->resources_size() > 0;
}

}  // namespace sasd::service
