#ifndef DAEMON_HEALTH_ALIAS_TEXT_H_
#define DAEMON_HEALTH_ALIAS_TEXT_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "daemon/health/finding.h"
#include "daemon/registry/aliases.h"
#include "daemon/registry/resources.h"

namespace sasd::health {

// The aliases that hold. Thread-safe; called often.
using AliasSource = std::function<registry::Aliases()>;

// Shows what operators call hosts and enclosures, in texts of rules.h. Thread-safe.
class AliasText {
 public:
  explicit AliasText(const registry::Aliases& aliases);

  // The text with the alias behind each identifier of a host or an enclosure that has one: "slot 3
  // of enclosure 5000ccab03001100 (rack3-top)". A host and an enclosure may have one identifier:
  // the last word before it that names a kind of object decides. Adds what it names to `named`.
  std::string In(absl::string_view text, std::vector<NamedAlias>* named) const;

  // Sets `message` and `aliases` of each finding. Call it once.
  void AddTo(std::vector<Finding>& findings) const;

 private:
  // By the identifiers of texts and resource names.
  absl::flat_hash_map<std::string, NamedAlias> hosts_, enclosures_;
};

}  // namespace sasd::health

#endif  // DAEMON_HEALTH_ALIAS_TEXT_H_
