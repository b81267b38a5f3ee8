#ifndef DAEMON_SERVICE_FILTER_MATCHERS_H_
#define DAEMON_SERVICE_FILTER_MATCHERS_H_

#include <string>
#include <utility>
#include <variant>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "daemon/registry/resources.h"
#include "daemon/service/filter_values.h"
#include "daemon/service/glob_set.h"
#include "daemon/service/names.h"
#include "grpcpp/support/status.h"
#include "rpc/glob.h"
#include "rpc/status.h"
#include "sas/v1/filter.pb.h"

// The values of a condition on a text or a name, compiled: a match costs the same for one value as
// for many, apart from the bound of GlobSet. Thread-safe once they have read the condition.
namespace sasd::service::filters {

// Accepts any of some texts.
class TextMatcher {
 public:
  grpc::Status Read(const sas::v1::Condition& condition, const std::string& path) {
    for (int i = 0; i < condition.values_size(); ++i) {
      absl::StatusOr<rpc::Glob> glob = rpc::Glob::Parse(condition.values(i));
      if (!glob.ok()) return rpc::BadField(ValuePath(path, i), glob.status().message());
      if (glob->is_plain()) {
        plain_.insert(glob->plain());
      } else if (absl::Status added = globs_.Add(condition.values(i)); !added.ok()) {
        return rpc::BadField(ValuePath(path, i), added.message());
      }
    }
    return grpc::Status::OK;
  }

  bool MatchesShown(absl::string_view text) const { return Matches(text); }
  bool Matches(absl::string_view text) const {
    return plain_.contains(text) || (!globs_.empty() && globs_.Matches(text));
  }

 private:
  absl::flat_hash_set<std::string> plain_;
  GlobSet globs_;
};

// Accepts any of some keys, which values name. Only a glob needs a key's text.
template <typename Codec>
class KeyMatcher {
 public:
  using Key = typename Codec::Key;

  grpc::Status Read(const sas::v1::Condition& condition, const std::string& path) {
    for (int i = 0; i < condition.values_size(); ++i) {
      absl::StatusOr<rpc::Glob> glob = rpc::Glob::Parse(condition.values(i));
      if (!glob.ok()) return rpc::BadField(ValuePath(path, i), glob.status().message());
      if (!glob->is_plain()) {
        const absl::Status added = globs_.Add(condition.values(i));
        if (!added.ok()) return rpc::BadField(ValuePath(path, i), added.message());
        continue;
      }
      absl::StatusOr<Key> key = Codec::Parse(glob->plain());
      if (!key.ok()) return rpc::BadField(ValuePath(path, i), key.status().message());
      shown_.insert(Codec::Print(*key));
      keys_.insert(*std::move(key));
    }
    return grpc::Status::OK;
  }

  // A key as a message shows it.
  bool MatchesShown(absl::string_view text) const {
    const absl::string_view key = Codec::KeyIn(text);
    return shown_.contains(key) || (!globs_.empty() && globs_.Matches(key));
  }

  bool Matches(const Key& key) const {
    return keys_.contains(key) || (!globs_.empty() && globs_.Matches(Codec::Print(key)));
  }

 private:
  absl::flat_hash_set<Key> keys_;
  absl::flat_hash_set<std::string> shown_;  // the keys as messages show them
  GlobSet globs_;
};

// A codec reads and prints keys as the API shows them. An empty text is no object, where a field
// may refer to none. KeyIn() is the key's text in a field of a message.
struct WholeText {
  static absl::string_view KeyIn(absl::string_view text) { return text; }
};

struct HostCodec {
  using Key = HostKey;
  // The host in the name of anything on it: "hosts/H/expanders/E".
  static absl::string_view KeyIn(absl::string_view text) {
    const size_t first = text.find('/');
    return first == text.npos ? text : text.substr(0, text.find('/', first + 1));
  }
  static absl::StatusOr<Key> Parse(absl::string_view text) { return ParseHostName(text); }
  static std::string Print(const Key& key) { return HostName(key); }
};

struct OwnerCodec : WholeText {
  using Key = NodeKey;
  static absl::StatusOr<Key> Parse(absl::string_view text) { return ParseOwnerName(text); }
  static std::string Print(const Key& key) { return OwnerName(key); }
};

struct EnclosureCodec : WholeText {
  using Key = EnclosureKey;
  static absl::StatusOr<Key> Parse(absl::string_view text) {
    if (text.empty()) return Key(0);
    return ParseEnclosureName(text);
  }
  static std::string Print(Key key) { return key == Key(0) ? "" : EnclosureName(key); }
};

struct AddressCodec : WholeText {
  using Key = SasAddress;
  static absl::StatusOr<Key> Parse(absl::string_view text) {
    if (text.empty()) return Key(0);
    return ParseSasAddress(text);
  }
  static std::string Print(Key key) { return key == Key(0) ? "" : ToHex(key); }
};

// The names of resources of kind T.
template <typename T>
struct NameCodec : WholeText {
  using Key = typename T::Key;
  static absl::StatusOr<Key> Parse(absl::string_view text) {
    const absl::StatusOr<registry::ResourceId> id = ParseName(text);
    if (!id.ok()) return id.status();
    const auto* key = std::get_if<registry::IndexOf<T>()>(&*id);
    if (key != nullptr) return *key;
    return absl::InvalidArgumentError(
        absl::StrCat("\"", text, "\" names another kind of resource"));
  }
  static std::string Print(const Key& key) { return NameOf(registry::MakeId<T>(key)); }
};

struct LogicalUnitCodec : NameCodec<registry::LogicalUnit> {
  static absl::StatusOr<Key> Parse(absl::string_view text) {
    if (text.empty()) return Key();
    return NameCodec::Parse(text);
  }
  static std::string Print(const Key& key) {
    return key.text().empty() ? "" : LogicalUnitName(key);
  }
};

}  // namespace sasd::service::filters

#endif  // DAEMON_SERVICE_FILTER_MATCHERS_H_
