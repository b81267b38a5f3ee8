#ifndef EMULATOR_REBUILD_REBUILD_NOTES_H_
#define EMULATOR_REBUILD_REBUILD_NOTES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace sasd::emulator {

// Collects Rebuilt::notes. Not thread-safe.
class RebuildNotes {
 public:
  explicit RebuildNotes(std::vector<std::string>& lines) : lines_(lines) {}

  // `of`: the kernel's name of the object.
  template <typename... Parts>
  void Add(const std::string& of, const Parts&... parts) {
    lines_.push_back(absl::StrCat(of, ": ", parts...));
  }

  // The text, cut to what fits its field on the wire, with a note.
  std::string Fit(const std::string& of, const char* field, const std::string& text, size_t most) {
    if (text.size() <= most) return text;
    Add(of, field, " \"", text, "\" has ", text.size(), " characters; the fabric has the first ",
        most);
    return text.substr(0, most);
  }

 private:
  std::vector<std::string>& lines_;
};

}  // namespace sasd::emulator

#endif  // EMULATOR_REBUILD_REBUILD_NOTES_H_
