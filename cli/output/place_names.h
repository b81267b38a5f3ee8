#ifndef CLI_OUTPUT_PLACE_NAMES_H_
#define CLI_OUTPUT_PLACE_NAMES_H_

#include <cstdint>
#include <map>
#include <string>

#include "sas/v1/resources.pb.h"

namespace sasd::cli {

// What people call enclosures: by an alias, by a model that only one enclosure has, else by the
// identifier. A value type.
class PlaceNames {
 public:
  void Add(const sas::v1::Enclosure& enclosure);
  void Remove(const std::string& enclosure);

  // "JBOD24", or "5000ccab03001100". `enclosure`: a resource name.
  std::string Enclosure(const std::string& enclosure) const;
  // "JBOD24/3"; empty for no enclosure.
  std::string Slot(const std::string& enclosure, uint32_t slot) const;

 private:
  struct Names {
    std::string alias, model;
  };
  std::map<std::string, Names> enclosures_;
};

}  // namespace sasd::cli

#endif  // CLI_OUTPUT_PLACE_NAMES_H_
