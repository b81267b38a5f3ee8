#include "daemon/journal/journal_row.h"

#include "daemon/journal/checksum.h"
#include "daemon/journal/varint.h"

namespace sasd::journal {

std::string EncodeObjects(const std::vector<ObjectBits>& objects) {
  std::string out;
  out.reserve(objects.size() * 3);
  int64_t last = 0;
  for (const ObjectBits& object : objects) {
    PutVarint(static_cast<uint64_t>(object.id - last), &out);
    out.push_back(static_cast<char>(object.changes));
    last = object.id;
  }
  return out;
}

bool DecodeObjects(absl::string_view bytes, std::vector<ObjectBits>* objects) {
  objects->clear();
  uint64_t last = 0;
  while (!bytes.empty()) {
    uint64_t delta = 0;
    if (!GetVarint(&bytes, &delta) || bytes.empty()) return false;
    last += delta;
    objects->push_back({static_cast<int64_t>(last), static_cast<uint8_t>(bytes.front())});
    bytes.remove_prefix(1);
  }
  return true;
}

int64_t EventBits(uint8_t cause, uint8_t severity, uint8_t changes) {
  return int64_t{cause} | int64_t{severity} << 6 | int64_t{changes} << 10;
}

uint32_t EventChecksum(int64_t revision, int64_t previous, int64_t nanos, int64_t bits,
                       absl::string_view objects, absl::string_view payload) {
  return Checksum({revision, previous, nanos, bits}, {objects, payload});
}

uint32_t StateChecksum(const StateRow& row) {
  return Checksum({row.kind, row.present, row.revision}, {row.name, row.resource});
}

}  // namespace sasd::journal
