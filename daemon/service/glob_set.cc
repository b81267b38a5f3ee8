#include "daemon/service/glob_set.h"

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "rpc/glob.h"

namespace sasd::service {
namespace {

// Whether a byte goes on with a character of UTF-8.
bool IsContinuation(size_t byte) { return (byte & 0xC0) == 0x80; }

}  // namespace

size_t GlobSet::NewState() {
  if (states_ % 64 == 0) {
    words_.emplace_back();
    words_.back().goes_on.fill(0);
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
    const uint64_t bit = uint64_t{1} << (state % 64);
    Word& word = words_[state / 64];
    const bool is_any = pattern[i] == '?';
    if (is_any) {
      word.goes_on_with_any |= bit;
      for (size_t byte = 0; byte < 256; ++byte) {
        if (!IsContinuation(byte)) word.goes_on[byte] |= bit;
      }
    } else {
      if (pattern[i] == '\\') ++i;
      word.goes_on[static_cast<uint8_t>(pattern[i])] |= bit;
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
    const bool any_byte = at == 0 && in_character;
    uint64_t carry = 0, alive = 0, is_decided = 0;
    for (size_t i = 0; i < words_.size(); ++i) {
      const Word& word = words_[i];
      const uint64_t now = states[i];
      const uint64_t moved =
          now & (word.goes_on[byte] | (any_byte ? word.goes_on_with_any : uint64_t{0}));
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
