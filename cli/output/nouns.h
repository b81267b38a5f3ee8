#ifndef CLI_OUTPUT_NOUNS_H_
#define CLI_OUTPUT_NOUNS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "sas/v1/resources.pb.h"

namespace sasd::cli {

// A kind of object, with the words that users type for it.
struct Noun {
  std::string plural;
  std::string singular;
  std::vector<std::string> aliases;
  sas::v1::ResourceKind kind;
  std::string help;
  // For logical units: the SPC peripheral device types that the noun selects; empty for all.
  std::vector<uint32_t> peripheral_types;
};

const std::vector<Noun>& AllNouns();

// Finds a noun by plural, singular or alias. Ignores case, and takes '_' for '-'. Error:
// kInvalidArgument names close nouns and all nouns.
absl::StatusOr<const Noun*> FindNoun(absl::string_view word);

// The noun for a resource or a kind: "device" for an end device, "drive" for a logical unit that is
// a disk.
const Noun& NounOf(const sas::v1::Resource& resource);
const Noun& NounOf(sas::v1::ResourceKind kind);

sas::v1::ResourceKind KindOf(const sas::v1::Resource& resource);

// Whether the noun "drive" selects it.
bool IsDrive(const sas::v1::LogicalUnit& unit);

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_NOUNS_H_
