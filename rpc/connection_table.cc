#include "rpc/connection_table.h"

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace sasd::rpc {

void ConnectionTable::Set(int number, Peer peer) {
  absl::MutexLock lock(&mu_);
  peers_[number] = std::move(peer);
}

void ConnectionTable::Remove(int number) {
  absl::MutexLock lock(&mu_);
  peers_.erase(number);
}

Peer ConnectionTable::Find(absl::string_view name) const {
  int number = -1;
  if (!absl::ConsumePrefix(&name, "fd:") || !absl::SimpleAtoi(name, &number)) return {};
  absl::MutexLock lock(&mu_);
  const auto it = peers_.find(number);
  return it == peers_.end() ? Peer() : it->second;
}

}  // namespace sasd::rpc
