#ifndef CLI_CAPTURE_DISGUISE_H_
#define CLI_CAPTURE_DISGUISE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/capture/sysfs_copy.h"

namespace sasd::cli {

// Replaces what identifies one machine and its parts: world wide names and SAS addresses, serial
// numbers, names of device-mapper devices, the node's name. The same one becomes the same other one
// everywhere, so a tree keeps its shape.
//
// Of a world wide name the vendor (NAA and OUI) and the low 8 bits stay: names that differ little,
// such as the ports of one drive, go on differing by as much. A serial number becomes one of the
// same length. Not thread-safe.
class Disguise {
 public:
  // Learns the serial numbers (vpd_pg80) of the tree, then replaces in all files, links and paths.
  // Of INQUIRY data it keeps the standard 36 bytes, of page 83h the designators of binary names.
  void Apply(SysfsCopy& copy);

  // Learns the values of "serial" and "serial_number" in JSON, and the name of the node.
  void LearnJson(absl::string_view json);
  void LearnNode(absl::string_view name);

  // The text with every name replaced: 16 and 32 hexadecimal digits that are world wide names, and
  // the learned words of at least 4 characters.
  std::string Text(absl::string_view text);

 private:
  std::string WorldWideName(absl::string_view digits);
  std::string Serial(const std::string& serial);
  void Learn(absl::string_view word);
  void NoteOdd(const std::string& word);
  const std::string* WordAt(absl::string_view text, size_t at) const;
  std::string Page80(const std::string& page);
  std::string Page83(const std::string& page);

  std::map<std::string, std::string> blocks_;  // the 14 high digits of names
  std::map<std::string, std::string> words_;   // serial numbers and other words
  std::vector<std::string> odd_words_;        // those with other characters than letters and digits
  std::map<std::string, std::string> tails_;  // the last 16 digits of names of 32
  std::map<std::string, std::string> mappers_;  // names and uuids of device-mapper
};

}  // namespace sasd::cli

#endif  // CLI_CAPTURE_DISGUISE_H_
