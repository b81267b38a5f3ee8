#ifndef CLI_NOUNS_H_
#define CLI_NOUNS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "sas/v1/resources.pb.h"

namespace sasd::cli {

// A condition that sasd itself applies.
struct FilterKey {
  std::string key;    // as it is typed
  std::string field;  // of the filter message
  // For a field that holds a resource's name: what it may name. The user may call that by anything.
  std::vector<sas::v1::ResourceKind> refers_to;
};

// A kind of object as people type it.
struct Noun {
  std::string plural;
  std::string singular;
  std::vector<std::string> aliases;
  sas::v1::ResourceKind kind;
  std::string help;
  std::vector<FilterKey> filter_keys;
  // Only logical units of these SPC peripheral device types; empty for all.
  std::vector<uint32_t> peripheral_types;
};

const std::vector<Noun>& AllNouns();

// By plural, singular or alias ('_' as '-', any case). kInvalidArgument names what is close and all
// there are.
absl::StatusOr<const Noun*> FindNoun(absl::string_view word);

// The noun that names a kind for people: "device" for an end device, "drive" for a logical unit
// that is a disk.
const Noun& NounOf(const sas::v1::Resource& resource);
const Noun& NounOf(sas::v1::ResourceKind kind);

sas::v1::ResourceKind KindOf(const sas::v1::Resource& resource);

}  // namespace sasd::cli

#endif  // CLI_NOUNS_H_
