#ifndef DAEMON_REGISTRY_ALIASES_H_
#define DAEMON_REGISTRY_ALIASES_H_

#include "absl/container/btree_map.h"
#include "daemon/registry/resources.h"

namespace sasd::registry {

// The names that operators gave to hosts and enclosures, whether these are there or not. A value.
struct Aliases {
  absl::btree_map<HostKey, Text> hosts;
  absl::btree_map<EnclosureKey, Text> enclosures;

  // Empty: none.
  Text Of(const HostKey& host) const { return Find(hosts, host); }
  Text Of(EnclosureKey enclosure) const { return Find(enclosures, enclosure); }

  friend bool operator==(const Aliases& a, const Aliases& b) {
    return a.hosts == b.hosts && a.enclosures == b.enclosures;
  }

 private:
  template <typename Key>
  static Text Find(const absl::btree_map<Key, Text>& aliases, const Key& key) {
    const auto found = aliases.find(key);
    return found == aliases.end() ? Text() : found->second;
  }
};

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_ALIASES_H_
