#ifndef CLI_OUTPUT_PLACE_NAMES_H_
#define CLI_OUTPUT_PLACE_NAMES_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "sas/v1/events.pb.h"
#include "sas/v1/resources.pb.h"

namespace sasd::cli {

// What people call enclosures and hosts: by an alias; an enclosure by a model that only one has;
// else by the identifier. A value type.
class PlaceNames {
 public:
  void Add(const sas::v1::Enclosure& enclosure);
  void Add(const sas::v1::Host& host) { AddAlias(host.name(), host.alias()); }
  // Of a host or an enclosure, by its resource name. Empty: it has none.
  void AddAlias(const std::string& resource, const std::string& alias);
  // The hosts and enclosures that an event shows. One that is gone keeps its name, for what goes
  // with it.
  void Learn(const sas::v1::Event& event);

  // "rack3-top", "JBOD24", or "5000ccab03001100". `enclosure`: a resource name.
  std::string Enclosure(const std::string& enclosure) const;
  // "JBOD24/3"; empty for no enclosure.
  std::string Slot(const std::string& enclosure, uint32_t slot) const;
  // The alias of a host or an enclosure, or the last part of its resource name.
  std::string AliasOrId(const std::string& resource) const;

  // A cell of a table that shows objects of a kind by their identifiers, comma-separated: with the
  // aliases of those that have one.
  std::string InCell(sas::v1::ResourceKind kind, const std::string& cell) const;
  // A line for people about an event, with aliases in place of the identifiers of hosts and
  // enclosures: "host 500605b00ab01234" is "host rack3-a", "phy 500605b00ab01234/2" is "phy
  // rack3-a/2", and "5000ccab03001100/3" is "rack3-top/3". A host and an enclosure may have one
  // identifier: words such as "host" before it decide.
  std::string InText(const std::string& text) const;

 private:
  struct Names {
    std::string alias, model;
  };
  // Null where it has none. `id`: the last part of its resource name.
  const std::string* AliasOf(absl::string_view collection, absl::string_view id) const;

  std::map<std::string, Names> enclosures_;
  std::map<std::string, std::string> aliases_;  // by resource name
};

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_PLACE_NAMES_H_
