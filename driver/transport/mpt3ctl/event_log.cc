#include "driver/transport/mpt3ctl/event_log.h"

#include <algorithm>

namespace sasd::mpt3ctl {
namespace {

struct Slot {
  uint32_t distance;  // from the reader's place to its context
  size_t index;
};

// The context in a slot; nullopt if it holds no entry, or one that belongs to another slot.
std::optional<uint32_t> ContextOf(ByteSpan report, size_t slot) {
  const ByteSpan entry = LogSlot(report, slot);
  const uint32_t context = LoadLe32(entry, 0x04);
  if (LoadLe32(entry, 0x00) == 0 || context % kLogEntries != slot) return std::nullopt;
  return context;
}

// Contexts are compared as serial numbers: the later one is at most half of all numbers ahead.
bool IsAhead(uint32_t context, uint32_t of) { return static_cast<int32_t>(context - of) >= 0; }

// The context after the newest; 0 if the log is empty.
uint32_t EndOf(ByteSpan report) {
  std::optional<uint32_t> newest;
  for (size_t slot = 0; slot < kLogEntries; ++slot) {
    const std::optional<uint32_t> context = ContextOf(report, slot);
    if (context && (!newest || IsAhead(*context, *newest))) newest = context;
  }
  return newest ? *newest + 1 : 0;
}

LogItem Gap(uint32_t lost) {
  LogItem gap;
  gap.kind = LogItem::Kind::kGap;
  gap.lost = lost;
  return gap;
}

}  // namespace

void EventLog::Start(ByteSpan report) {
  started_ = true;
  next_ = EndOf(report);
  last_.assign(report.begin(), report.end());
}

EventLog::News EventLog::Read(ByteSpan report) {
  std::vector<Slot> slots;
  for (size_t slot = 0; slot < kLogEntries; ++slot) {
    const std::optional<uint32_t> context = ContextOf(report, slot);
    if (context && IsAhead(*context, next_)) slots.push_back({*context - next_, slot});
  }
  std::sort(slots.begin(), slots.end(),
            [](const Slot& a, const Slot& b) { return a.distance < b.distance; });
  News news;
  const uint32_t begin = next_;
  for (const Slot& slot : slots) {
    const ByteSpan entry = LogSlot(report, slot.index);
    if (entry != LogSlot(last_, slot.index)) {
      news.again = true;
      break;
    }
    const uint32_t missing = begin + slot.distance - next_;
    if (missing > 0) news.items.push_back(Gap(missing));
    LogItem item;
    item.entry = *DecodeLogEntry(entry);
    news.items.push_back(std::move(item));
    next_ = begin + slot.distance + 1;
  }
  // A log that ends before this place is a new one: the driver has started again.
  if (slots.empty() && EndOf(report) != next_) {
    news.items.push_back(Gap(0));
    next_ = EndOf(report);
  }
  last_.assign(report.begin(), report.end());
  return news;
}

}  // namespace sasd::mpt3ctl
