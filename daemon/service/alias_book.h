#ifndef DAEMON_SERVICE_ALIAS_BOOK_H_
#define DAEMON_SERVICE_ALIAS_BOOK_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "daemon/registry/aliases.h"
#include "daemon/registry/registry.h"
#include "daemon/registry/topology.h"
#include "grpcpp/support/status.h"

namespace sasd::service {

// Whether people may call something so: 1 to 64 letters, digits, '-', '_' and '.', the first a
// letter or digit; no number, no three or more hexadecimal digits alone (the end of an address), no
// name that the kernel gives. Error: kInvalidArgument naming the text and what is wrong.
absl::Status CheckAlias(absl::string_view alias);

// An alias in the file of aliases.
struct GivenAlias {
  std::string resource;  // the name of a host or an enclosure
  std::string alias;
  std::string place;  // for people: "/etc/sasd/aliases.toml:3:1"
};

// What operators call hosts and enclosures, and what the registry shows of that. Thread-safe. Its
// changes wait for the disk.
class AliasBook {
 public:
  // Aliases that were set, and those of the file, are each at most so many.
  static constexpr size_t kMost = 1'000;

  struct Entry {
    registry::ResourceId resource;
    std::string alias;
    bool in_file = false;
    std::string refusal;  // why the resource does not have it; empty: it has it
    std::string author;   // "uid 1000"; empty in the file
    absl::Time set_time = absl::InfinitePast();
  };

  // A row of the store: a resource's name, and its alias with author and time.
  using Row = std::pair<std::string, std::string>;
  // Puts a value in place of that of its key, or deletes it, before it returns.
  using Keep =
      std::function<absl::Status(const std::string& key, const std::optional<std::string>& value)>;

  // With the rows that were kept. `keep` may be empty: nothing outlives the process.
  explicit AliasBook(absl::Span<const Row> kept = {}, Keep keep = nullptr);

  // The keys of rows that make no sense.
  const std::vector<std::string>& unreadable() const { return unreadable_; }

  // Whether SetFile() can take the file. Errors: those of SetFile().
  static absl::Status CheckFile(const std::vector<GivenAlias>& file) {
    return ParseFile(file).status();
  }

  // Those that hold; before the first SetFile(), those that hold if no object is called so.
  registry::Aliases Held() const ABSL_LOCKS_EXCLUDED(mu_);

  // Replaces the aliases of the file, and gives the registry what holds now. An alias that is also
  // the name of an object is refused (Entry::refusal). Error: kInvalidArgument, a line
  // for each fault at its place; then nothing changes.
  absl::Status SetFile(const std::vector<GivenAlias>& file, registry::Registry& registry,
                       absl::Time now) ABSL_LOCKS_EXCLUDED(verbs_mu_, mu_);

  struct Changed {
    Entry entry;
    int64_t revision = 0;  // committed, at which the change is
  };
  // Errors: those of AliasService.SetAlias and RemoveAlias.
  grpc::Status Set(const registry::ResourceId& resource, const std::string& alias,
                   const std::string& author, registry::Registry& registry, absl::Time now,
                   Changed* changed) ABSL_LOCKS_EXCLUDED(verbs_mu_, mu_);
  // `query`: what the caller calls the resource. Where the file names it, too, what was set goes
  // only by its own name.
  grpc::Status Remove(const registry::ResourceId& resource, absl::string_view query,
                      const std::string& author, registry::Registry& registry, absl::Time now,
                      Changed* changed) ABSL_LOCKS_EXCLUDED(verbs_mu_, mu_);

  // By resource; of one resource, that of the file first.
  std::vector<Entry> List() const ABSL_LOCKS_EXCLUDED(mu_);
  // The resource that was given this alias; nullopt: none was. Ignores the case of letters.
  std::optional<registry::ResourceId> Find(absl::string_view alias) const ABSL_LOCKS_EXCLUDED(mu_);
  // The resource that has this alias, or had it when it was last there. Ignores the case of
  // letters.
  std::optional<registry::ResourceId> HolderOf(absl::string_view alias) const
      ABSL_LOCKS_EXCLUDED(mu_);

 private:
  using Entries = absl::btree_map<registry::ResourceId, Entry>;

  static absl::StatusOr<Entries> ParseFile(const std::vector<GivenAlias>& file);
  // Sets the refusals, and gives the registry what holds.
  int64_t Apply(Cause cause, registry::Registry& registry, absl::Time now)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(verbs_mu_) ABSL_LOCKS_EXCLUDED(mu_);
  void Refuse(const registry::Topology& topology) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  registry::Aliases Holding() const ABSL_SHARED_LOCKS_REQUIRED(mu_);

  const Keep keep_;
  std::vector<std::string> unreadable_;             // constant
  absl::Mutex verbs_mu_ ABSL_ACQUIRED_BEFORE(mu_);  // one change at a time; held during `keep_`
  mutable absl::Mutex mu_;
  Entries set_ ABSL_GUARDED_BY(mu_), file_ ABSL_GUARDED_BY(mu_);
};

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_ALIAS_BOOK_H_
