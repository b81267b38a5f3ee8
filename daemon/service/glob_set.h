#ifndef DAEMON_SERVICE_GLOB_SET_H_
#define DAEMON_SERVICE_GLOB_SET_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace sasd::service {

// Matches a text with many patterns at once, each as rpc::Glob has them. One automaton of a bit per
// byte of the patterns: a text takes (its length) * (bytes of all patterns / 64) steps at most,
// whatever the patterns are. It takes about 16 bytes of memory for each byte of the patterns at
// most, since a subscriber keeps it. Texts and patterns are UTF-8. Thread-safe while it is not
// changed.
class GlobSet {
 public:
  // Error: that of rpc::Glob::Parse().
  absl::Status Add(absl::string_view pattern);

  bool empty() const { return words_.empty(); }
  // Whether any of the patterns matches the whole text.
  bool Matches(absl::string_view text) const;

 private:
  // The states of 64 places in the patterns. State i: all before place i has matched. A text goes
  // on from a state to the next one, or stays.
  struct Word {
    uint64_t goes_on_with_any = 0;    // at a "?"
    uint64_t stays = 0;               // at a "*"
    uint64_t stays_in_character = 0;  // behind a "?": with the rest of a character of many bytes
    uint64_t begins = 0, ends = 0;
  };
  // The states of a word that go on with a byte.
  struct Step {
    uint8_t byte = 0;
    uint16_t word = 0;
    uint64_t goes_on = 0;
  };

  void SetBit(uint64_t Word::*member, size_t state) {
    words_[state / 64].*member |= uint64_t{1} << (state % 64);
  }
  void AddStep(uint8_t byte, size_t state);
  // The next state; grows the words.
  size_t NewState();

  std::vector<Word> words_;
  std::vector<Step> steps_;  // by byte, then by word
  size_t states_ = 0;
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_GLOB_SET_H_
