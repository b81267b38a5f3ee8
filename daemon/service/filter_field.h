#ifndef DAEMON_SERVICE_FILTER_FIELD_H_
#define DAEMON_SERVICE_FILTER_FIELD_H_

#include <functional>
#include <string>

namespace sasd::service {

template <typename T>
using Predicate = std::function<bool(const T&)>;

// A field that conditions may name.
struct FilterField {
  std::string name;
  std::string type;       // for docs/filters.md: "text", "number", "`DeviceState`"
  bool ordered = false;   // whether it takes OPERATOR_LESS and so on
  std::string note = "";  // what a derived field is; empty for fields of the message
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_FILTER_FIELD_H_
