#include "rpc/connection_table.h"

#include <poll.h>
#include <sys/socket.h>

#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/strip.h"

namespace sasd::rpc {
namespace {

// The N of "fd:N".
std::optional<int> DescriptorOf(absl::string_view name) {
  int number = -1;
  if (!absl::ConsumePrefix(&name, "fd:") || !absl::SimpleAtoi(name, &number)) return std::nullopt;
  return number;
}

bool IsClosedByPeer(int number) {
  pollfd look = {number, POLLRDHUP, 0};
  return poll(&look, 1, 0) != 0;  // POLLERR, POLLHUP and POLLNVAL need not be asked for
}

}  // namespace

void ConnectionTable::Set(int number, Peer peer, std::string name) {
  absl::MutexLock lock(&mu_);
  if (!name.empty()) numbers_[name] = number;
  Entry entry;
  entry.peer = std::move(peer);
  entry.name = std::move(name);
  entries_[number] = std::move(entry);
}

void ConnectionTable::Remove(int number) {
  absl::MutexLock lock(&mu_);
  const auto entry = entries_.find(number);
  if (entry == entries_.end()) return;
  const auto named = numbers_.find(entry->second.name);
  if (named != numbers_.end() && named->second == number) numbers_.erase(named);
  entries_.erase(entry);
}

Peer ConnectionTable::Find(absl::string_view name) const {
  const std::optional<int> number = DescriptorOf(name);
  if (!number.has_value()) return {};
  absl::MutexLock lock(&mu_);
  const auto it = entries_.find(*number);
  return it == entries_.end() ? Peer() : it->second.peer;
}

std::optional<int> ConnectionTable::NumberOf(absl::string_view name) const {
  if (const std::optional<int> number = DescriptorOf(name)) return number;
  const auto it = numbers_.find(name);
  return it == numbers_.end() ? std::nullopt : std::optional<int>(it->second);
}

bool ConnectionTable::NoteAbandoned(absl::string_view name, int64_t most) {
  const absl::Duration now = clock_.Monotonic();
  absl::MutexLock lock(&mu_);
  const std::optional<int> number = NumberOf(name);
  const auto it = number.has_value() ? entries_.find(*number) : entries_.end();
  if (it == entries_.end() || IsClosedByPeer(it->first)) return false;
  Entry& entry = it->second;
  if (now - entry.second >= absl::Seconds(1)) {
    entry.second = now;
    entry.abandoned = 0;
  }
  if (++entry.abandoned <= most || entry.ended) return false;
  entry.ended = true;
  absl::erase_if(barred_, [now](const auto& barred) { return barred.second <= now; });
  barred_[Describe(entry.peer)] = now + kBarred;
  // The number is the connection's, or nobody's, as long as the entry is there.
  shutdown(it->first, SHUT_RDWR);
  return true;
}

bool ConnectionTable::IsBarred(const Peer& peer) {
  absl::MutexLock lock(&mu_);
  if (barred_.empty()) return false;
  const auto it = barred_.find(Describe(peer));
  return it != barred_.end() && clock_.Monotonic() < it->second;
}

}  // namespace sasd::rpc
