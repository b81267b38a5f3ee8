#ifndef DAEMON_SERVICE_SPELLINGS_H_
#define DAEMON_SERVICE_SPELLINGS_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"
#include "daemon/registry/resources.h"
#include "sas/v1/resources.pb.h"

// What people call an object, other than by its resource name: of objects that are there, and of
// the stored states of those that are gone. Pure functions.
namespace sasd::service {

// "5000c500a7b26111", "ZA1ABCDE", "sdb", "11:0:0:0", "expander-11:0", ... `ref` is not null.
std::vector<std::string> SpellingsOf(const registry::ResourceRef& ref);
// Calls `visit` for each of them.
void VisitSpellings(const registry::ResourceRef& ref,
                    absl::FunctionRef<void(absl::string_view)> visit);
// The same of a message. A test keeps the two alike.
std::vector<std::string> SpellingsOf(const sas::v1::Resource& resource);

// Compares spellings with what somebody typed. Ignores case, "/dev/", "/dev/disk/by-id/", and the
// prefixes of WWNs.
class SpellingMatcher {
 public:
  explicit SpellingMatcher(absl::string_view query);

  // The query, lower-case and without folders.
  const std::string& text() const { return wanted_.front(); }
  // All spellings that match, lower-case.
  const std::vector<std::string>& wanted() const { return wanted_; }
  bool Matches(const std::vector<std::string>& spellings) const;
  bool Matches(const registry::ResourceRef& ref) const;

 private:
  std::vector<std::string> wanted_;
};

// "enclosure/slot", as typed.
struct SlotQuery {
  std::string enclosure;  // lower-case
  uint16_t slot = 0;
};

// False if the query has not that form.
bool ParseSlotQuery(absl::string_view query, SlotQuery* slot);

// Whether a query means an enclosure: by its identifier (16 hexadecimal digits), the end of that,
// its model or its alias.
bool MeansEnclosure(absl::string_view query, absl::string_view logical_id, absl::string_view model,
                    absl::string_view alias);

}  // namespace sasd::service

#endif  // DAEMON_SERVICE_SPELLINGS_H_
