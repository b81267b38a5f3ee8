#include "daemon/journal/event_tail.h"

#include <atomic>
#include <cstring>
#include <limits>

#include "absl/memory/memory.h"
#include "daemon/journal/checksum.h"
#include "daemon/journal/varint.h"

namespace sasd::journal {
namespace {

constexpr char kMagic[] = "sasdtl01";
// In place of a piece's size: the ring goes on at its beginning.
constexpr uint32_t kSkip = std::numeric_limits<uint32_t>::max();

constexpr size_t Aligned(size_t size) { return (size + 7) & ~size_t{7}; }

void PutNumber(int64_t value, std::string* out) { PutVarint(static_cast<uint64_t>(value), out); }

void PutText(absl::string_view text, std::string* out) {
  PutVarint(text.size(), out);
  out->append(text.data(), text.size());
}

// Takes a row apart; once something is wrong, all that follows is.
class RowReader {
 public:
  explicit RowReader(absl::string_view bytes) : bytes_(bytes) {}

  int64_t Number() {
    uint64_t value = 0;
    ok_ = ok_ && GetVarint(&bytes_, &value);
    return ok_ ? static_cast<int64_t>(value) : 0;
  }
  uint8_t Byte() {
    const int64_t value = Number();
    ok_ = ok_ && value >= 0 && value <= std::numeric_limits<uint8_t>::max();
    return static_cast<uint8_t>(value);
  }
  std::string Text() {
    const auto size = static_cast<uint64_t>(Number());
    ok_ = ok_ && size <= bytes_.size();
    if (!ok_) return "";
    std::string text(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return text;
  }
  bool ok() const { return ok_; }
  bool at_end() const { return ok_ && bytes_.empty(); }

 private:
  absl::string_view bytes_;
  bool ok_ = true;
};

}  // namespace

std::string EncodeRow(const EventRow& row) {
  std::string out;
  out.reserve(row.payload.size() + 64 * (row.objects.size() + 1));
  for (int64_t number :
       {row.revision, row.previous_revision, row.unix_nanos, row.gap.first, row.gap.last,
        int64_t{row.cause}, int64_t{row.severity}, static_cast<int64_t>(row.gap.reason)})
    PutNumber(number, &out);
  PutVarint(row.objects.size(), &out);
  for (const ObjectChange& object : row.objects) {
    PutText(object.name, &out);
    PutNumber(object.kind, &out);
    PutNumber(object.change, &out);
  }
  PutText(row.payload, &out);
  return out;
}

bool DecodeRow(absl::string_view bytes, EventRow* row) {
  RowReader reader(bytes);
  *row = EventRow();
  for (int64_t* number :
       {&row->revision, &row->previous_revision, &row->unix_nanos, &row->gap.first, &row->gap.last})
    *number = reader.Number();
  row->cause = reader.Byte();
  row->severity = reader.Byte();
  const uint8_t reason = reader.Byte();
  if (reason > static_cast<uint8_t>(GapReason::kJournalDamaged)) return false;
  row->gap.reason = static_cast<GapReason>(reason);
  const auto objects = static_cast<uint64_t>(reader.Number());
  for (uint64_t i = 0; i < objects && reader.ok(); ++i) {
    ObjectChange object;
    object.name = reader.Text();
    object.kind = reader.Byte();
    object.change = reader.Byte();
    row->objects.push_back(std::move(object));
  }
  row->payload = reader.Text();
  return reader.at_end();
}

// Positions only grow; a position is at (position % bytes_) of the ring. What lies between `begin`
// and `end` is pieces.
struct EventTail::Layout {
  std::atomic<uint64_t> begin;
  std::atomic<uint64_t> end;
};

EventTail::EventTail(std::unique_ptr<SharedFile> file, size_t bytes)
    : file_(std::move(file)),
      layout_(*reinterpret_cast<Layout*>(file_->content())),
      ring_(file_->content() + sizeof(Layout)),
      bytes_(bytes) {}

absl::StatusOr<std::unique_ptr<EventTail>> EventTail::Open(const std::string& path,
                                                           absl::string_view id,
                                                           absl::string_view boot_id,
                                                           size_t bytes) {
  static_assert(std::atomic<uint64_t>::is_always_lock_free);
  absl::StatusOr<std::unique_ptr<SharedFile>> file =
      SharedFile::Open(path, sizeof(Layout) + bytes, kMagic, id, boot_id);
  if (!file.ok()) return file.status();
  return absl::WrapUnique(new EventTail(*std::move(file), bytes));
}

char* EventTail::At(uint64_t position) const { return ring_ + position % bytes_; }

uint64_t EventTail::PlaceFor(uint64_t position, size_t size) const {
  const size_t left = bytes_ - position % bytes_;
  return sizeof(Piece) + size <= left ? position : position + left;
}

EventTail::Left EventTail::ReadLeft() const {
  Left left;
  const uint64_t begin = layout_.begin.load(), end = layout_.end.load();
  if (begin >= end) return left;
  left.damaged = true;
  if (end - begin > bytes_ || begin % 8 != 0 || end % 8 != 0) return left;
  for (uint64_t at = begin; at < end;) {
    Piece piece;
    memcpy(&piece, At(at), sizeof(piece));
    const size_t room = bytes_ - at % bytes_;
    if (piece.size == kSkip) {
      at += room;
      continue;
    }
    const uint64_t next = at + sizeof(piece) + Aligned(piece.size);
    if (sizeof(piece) + size_t{piece.size} > room || next > end) return left;
    const absl::string_view bytes(At(at) + sizeof(piece), piece.size);
    EventRow row;
    if (Checksum({}, {bytes}) != piece.checksum || !DecodeRow(bytes, &row)) return left;
    left.rows.push_back(std::move(row));
    at = next;
  }
  left.damaged = false;
  return left;
}

void EventTail::Clear() {
  absl::MutexLock lock(&mu_);
  rows_.clear();
  MakeEmpty();
}

void EventTail::MakeEmpty() {
  // A kill between the two leaves the end before the beginning: empty, too.
  layout_.end.store(0);
  layout_.begin.store(0);
}

bool EventTail::Add(absl::Span<const EventRow> rows) {
  std::vector<std::string> encoded;
  encoded.reserve(rows.size());
  for (const EventRow& row : rows) encoded.push_back(EncodeRow(row));
  absl::MutexLock lock(&mu_);
  const uint64_t begin = layout_.begin.load(std::memory_order_relaxed);
  uint64_t end = layout_.end.load(std::memory_order_relaxed);
  uint64_t needed = end;
  for (const std::string& bytes : encoded) {
    if (bytes.size() > bytes_) return false;
    needed = PlaceFor(needed, bytes.size()) + sizeof(Piece) + Aligned(bytes.size());
  }
  if (needed - begin > bytes_) return false;
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string& bytes = encoded[i];
    const uint64_t place = PlaceFor(end, bytes.size());
    if (place != end) {
      const Piece skip = {kSkip, 0};
      memcpy(At(end), &skip, sizeof(skip));
    }
    const Piece piece = {static_cast<uint32_t>(bytes.size()), Checksum({}, {bytes})};
    memcpy(At(place), &piece, sizeof(piece));
    memcpy(At(place) + sizeof(piece), bytes.data(), bytes.size());
    end = place + sizeof(piece) + Aligned(bytes.size());
    rows_.emplace_back(rows[i].revision, end);
  }
  // A process that comes next sees all of them from here on.
  layout_.end.store(end, std::memory_order_release);
  return true;
}

void EventTail::Forget(int64_t revision) {
  absl::MutexLock lock(&mu_);
  uint64_t begin = 0;
  while (!rows_.empty() && rows_.front().first <= revision) {
    begin = rows_.front().second;
    rows_.pop_front();
  }
  if (begin == 0) return;
  if (!rows_.empty()) return layout_.begin.store(begin, std::memory_order_release);
  // It starts over, so that a quiet node touches few pages.
  MakeEmpty();
}

}  // namespace sasd::journal
