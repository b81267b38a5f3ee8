#include "daemon/service/glob_set.h"

#include <algorithm>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "rpc/glob.h"

namespace sasd::service {
namespace {

// Whether a byte goes on with a character of UTF-8.
bool IsContinuation(size_t byte) { return (byte & 0xC0) == 0x80; }

}  // namespace

void GlobSet::AddStep(uint8_t byte, size_t state) {
  const auto word = static_cast<uint16_t>(state / 64);
  const auto at = std::lower_bound(steps_.begin(), steps_.end(), std::pair(byte, word),
                                   [](const Step& step, const auto& wanted) {
                                     return std::pair(step.byte, step.word) < wanted;
                                   });
  const uint64_t bit = uint64_t{1} << (state % 64);
  if (at != steps_.end() && at->byte == byte && at->word == word) {
    at->goes_on |= bit;
  } else {
    steps_.insert(at, {byte, word, bit});
  }
}

size_t GlobSet::NewState() {
  if (states_ % 64 == 0) {
    words_.emplace_back();
  }
  return states_++;
}

absl::Status GlobSet::Add(absl::string_view pattern) {
  if (const absl::StatusOr<rpc::Glob> glob = rpc::Glob::Parse(pattern); !glob.ok()) {
    return glob.status();
  }
  size_t state = NewState();
  SetBit(&Word::begins, state);
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*') {
      SetBit(&Word::stays, state);
      continue;
    }
    const bool is_any = pattern[i] == '?';
    if (is_any) {
      SetBit(&Word::goes_on_with_any, state);
    } else {
      if (pattern[i] == '\\') ++i;
      AddStep(static_cast<uint8_t>(pattern[i]), state);
    }
    state = NewState();
    if (is_any) SetBit(&Word::stays_in_character, state);
  }
  SetBit(&Word::ends, state);
  return absl::OkStatus();
}

bool GlobSet::Matches(absl::string_view text) const {
  absl::InlinedVector<uint64_t, 8> states;
  for (const Word& word : words_) states.push_back(word.begins);
  for (size_t at = 0; at < text.size(); ++at) {
    const auto byte = static_cast<uint8_t>(text[at]);
    const bool in_character = IsContinuation(byte);
    // A text that begins within a character: the rest of it is one.
    const bool any_byte = at == 0 || !in_character;
    auto step =
        std::lower_bound(steps_.begin(), steps_.end(), byte,
                         [](const Step& each, uint8_t wanted) { return each.byte < wanted; });
    uint64_t carry = 0, alive = 0, is_decided = 0;
    for (size_t i = 0; i < words_.size(); ++i) {
      const Word& word = words_[i];
      const uint64_t now = states[i];
      uint64_t goes_on = any_byte ? word.goes_on_with_any : uint64_t{0};
      if (step != steps_.end() && step->byte == byte && step->word == i) {
        goes_on |= step->goes_on;
        ++step;
      }
      const uint64_t moved = now & goes_on;
      uint64_t next = (moved << 1) | carry | (now & word.stays);
      if (in_character) next |= now & word.stays_in_character;
      carry = moved >> 63;
      states[i] = next;
      alive |= next;
      is_decided |= next & word.stays & word.ends;
    }
    if (is_decided != 0) return true;
    if (alive == 0) return false;
  }
  for (size_t i = 0; i < words_.size(); ++i) {
    if ((states[i] & words_[i].ends) != 0) return true;
  }
  return false;
}

}  // namespace sasd::service
