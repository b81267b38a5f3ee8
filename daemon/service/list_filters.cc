#include "daemon/service/list_filters.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/internal/raw_logging.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/types/span.h"
#include "daemon/service/convert.h"
#include "daemon/service/filter_bounds.h"
#include "daemon/service/names.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "rpc/did_you_mean.h"
#include "rpc/glob.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using registry::Topology;
using sas::v1::Condition;
using sas::v1::Operator;

std::string KnownHosts(const Topology& topology) {
  std::vector<std::string> names;
  for (const auto& host : topology.collection<registry::Host>()) {
    names.push_back(HostName(host->key()));
  }
  return names.empty() ? "there is none" : absl::StrCat("there are ", absl::StrJoin(names, ", "));
}

template <typename V>
bool Contains(const V& values, const typename V::value_type& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

// ------------------------------------------------------------------------ Conditions, any kind

std::string ValuePath(const std::string& path, int i) {
  return absl::StrCat(path, ".values[", i, "]");
}

bool IsOrder(Operator op) { return op >= sas::v1::OPERATOR_LESS; }

bool IsNegated(const Condition& condition) {
  return condition.operator_() == sas::v1::OPERATOR_NOT_EQUAL;
}

std::string OperatorNames(bool ordered) {
  const EnumDescriptor& type = *sas::v1::Operator_descriptor();
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) {
    const int number = type.value(i)->number();
    if (number == 0 || (!ordered && IsOrder(static_cast<Operator>(number)))) continue;
    names.push_back(type.value(i)->name());
  }
  return absl::StrJoin(names, ", ");
}

// Whether the operator exists, fits the field, and has as many values as it takes.
grpc::Status CheckOperator(const Condition& condition, const FilterField& field,
                           const std::string& path) {
  const Operator op = condition.operator_();
  if (op == sas::v1::OPERATOR_UNSPECIFIED || !sas::v1::Operator_IsValid(op) ||
      (IsOrder(op) && !field.ordered)) {
    return rpc::BadField(absl::StrCat(path, ".operator"),
                         absl::StrCat("\"", field.name, "\" takes ", OperatorNames(field.ordered)));
  }
  if (condition.values().empty()) {
    return rpc::BadField(absl::StrCat(path, ".values"), "it is empty; give at least one value");
  }
  if (IsOrder(op) && condition.values_size() != 1) {
    return rpc::BadField(absl::StrCat(path, ".values"),
                         absl::StrCat("it has ", condition.values_size(), " elements; ",
                                      sas::v1::Operator_Name(op), " takes one"));
  }
  return grpc::Status::OK;
}

bool Holds(Operator op, uint64_t a, uint64_t b) {
  switch (op) {
    case sas::v1::OPERATOR_LESS:
      return a < b;
    case sas::v1::OPERATOR_LESS_OR_EQUAL:
      return a <= b;
    case sas::v1::OPERATOR_GREATER:
      return a > b;
    case sas::v1::OPERATOR_GREATER_OR_EQUAL:
      return a >= b;
    default:
      return a == b;
  }
}

grpc::Status ReadNumbers(const Condition& condition, const std::string& path,
                         std::vector<uint64_t>* numbers) {
  for (int i = 0; i < condition.values_size(); ++i) {
    uint64_t number = 0;
    if (!absl::SimpleAtoi(condition.values(i), &number)) {
      return rpc::BadField(ValuePath(path, i),
                           absl::StrCat("\"", condition.values(i), "\" is not a number of 0 to ",
                                        std::numeric_limits<uint64_t>::max()));
    }
    numbers->push_back(number);
  }
  return grpc::Status::OK;
}

grpc::Status ReadBools(const Condition& condition, const std::string& path, bool* accepts_false,
                       bool* accepts_true) {
  for (int i = 0; i < condition.values_size(); ++i) {
    const std::string& value = condition.values(i);
    if (value != "true" && value != "false") {
      return rpc::BadField(ValuePath(path, i),
                           absl::StrCat("\"", value, "\" is not \"true\" or \"false\""));
    }
    (value == "true" ? *accepts_true : *accepts_false) = true;
  }
  return grpc::Status::OK;
}

// "DEVICE_STATE_" of DEVICE_STATE_UNSPECIFIED.
absl::string_view PrefixOf(const EnumDescriptor& type) {
  return absl::StripSuffix(type.FindValueByNumber(0)->name(), "UNSPECIFIED");
}

// The values of the enumeration without their prefix, except UNSPECIFIED.
std::vector<std::string> ShortNames(const EnumDescriptor& type) {
  std::vector<std::string> names;
  for (int i = 0; i < type.value_count(); ++i) {
    if (type.value(i)->number() == 0) continue;
    names.emplace_back(absl::StripPrefix(type.value(i)->name(), PrefixOf(type)));
  }
  return names;
}

grpc::Status ReadEnum(const std::string& path, const EnumDescriptor& type, const std::string& value,
                      int* number) {
  const auto* found = type.FindValueByName(value);
  if (found == nullptr) found = type.FindValueByName(absl::StrCat(PrefixOf(type), value));
  if (found == nullptr || found->number() == 0) {
    const std::vector<std::string> names = ShortNames(type);
    return rpc::BadField(path, absl::StrCat("\"", value, "\" is not a value of ", type.name(),
                                            rpc::DidYouMean(value, names),
                                            " (values: ", absl::StrJoin(names, ", "), ")"));
  }
  *number = found->number();
  return grpc::Status::OK;
}

constexpr uint32_t Bit(int number) { return uint32_t{1} << number; }

// The values as a bit set.
grpc::Status ReadEnums(const Condition& condition, const std::string& path,
                       const EnumDescriptor& type, uint32_t* bits) {
  for (int i = 0; i < condition.values_size(); ++i) {
    int number = 0;
    grpc::Status status = ReadEnum(ValuePath(path, i), type, condition.values(i), &number);
    if (!status.ok()) return status;
    *bits |= Bit(number);
  }
  return grpc::Status::OK;
}

// The rates that pass the condition, as a bit set. Only rates at which a link is up have an order.
grpc::Status ReadRates(const Condition& condition, const std::string& path, uint32_t* bits) {
  grpc::Status status = ReadEnums(condition, path, *sas::v1::LinkRate_descriptor(), bits);
  if (!status.ok()) return status;
  if (IsNegated(condition)) *bits = ~*bits;
  if (!IsOrder(condition.operator_())) return grpc::Status::OK;
  uint32_t passing = 0;
  constexpr int kSlowest = sas::v1::LINK_RATE_1_5_GBPS;
  if (*bits < Bit(kSlowest)) {
    return rpc::BadField(ValuePath(path, 0), absl::StrCat("\"", condition.values(0),
                                                          "\" is not a speed; speeds are 1_5_GBPS, "
                                                          "3_GBPS, 6_GBPS, 12_GBPS, 22_5_GBPS"));
  }
  for (int rate = kSlowest; rate <= sas::v1::LinkRate_MAX; ++rate) {
    if (Holds(condition.operator_(), Bit(rate), *bits)) passing |= Bit(rate);
  }
  *bits = passing;
  return grpc::Status::OK;
}

// Accepts any of some texts.
class TextMatcher {
 public:
  grpc::Status Read(const Condition& condition, const std::string& path) {
    for (int i = 0; i < condition.values_size(); ++i) {
      absl::StatusOr<rpc::Glob> glob = rpc::Glob::Parse(condition.values(i));
      if (!glob.ok()) return rpc::BadField(ValuePath(path, i), glob.status().message());
      if (glob->is_plain()) {
        plain_.push_back(glob->plain());
      } else {
        globs_.push_back(*std::move(glob));
      }
    }
    std::sort(plain_.begin(), plain_.end());
    return grpc::Status::OK;
  }

  bool MatchesShown(absl::string_view text) const { return Matches(text); }
  bool Matches(absl::string_view text) const {
    return std::binary_search(plain_.begin(), plain_.end(), text) ||
           std::any_of(globs_.begin(), globs_.end(),
                       [text](const rpc::Glob& glob) { return glob.Matches(text); });
  }

 private:
  std::vector<std::string> plain_;  // ascending
  std::vector<rpc::Glob> globs_;
};

// Accepts any of some keys, which values name. Only a glob needs a key's text.
template <typename Codec>
class KeyMatcher {
 public:
  using Key = typename Codec::Key;

  grpc::Status Read(const Condition& condition, const std::string& path) {
    for (int i = 0; i < condition.values_size(); ++i) {
      absl::StatusOr<rpc::Glob> glob = rpc::Glob::Parse(condition.values(i));
      if (!glob.ok()) return rpc::BadField(ValuePath(path, i), glob.status().message());
      if (!glob->is_plain()) {
        globs_.push_back(*std::move(glob));
        continue;
      }
      absl::StatusOr<Key> key = Codec::Parse(glob->plain());
      if (!key.ok()) return rpc::BadField(ValuePath(path, i), key.status().message());
      shown_.push_back(Codec::Print(*key));
      keys_.push_back(*std::move(key));
    }
    std::sort(keys_.begin(), keys_.end());
    std::sort(shown_.begin(), shown_.end());
    return grpc::Status::OK;
  }

  // A key as a message shows it.
  bool MatchesShown(absl::string_view text) const {
    const absl::string_view key = Codec::KeyIn(text);
    return std::binary_search(shown_.begin(), shown_.end(), key) ||
           std::any_of(globs_.begin(), globs_.end(),
                       [key](const rpc::Glob& glob) { return glob.Matches(key); });
  }

  bool Matches(const Key& key) const {
    if (std::binary_search(keys_.begin(), keys_.end(), key)) return true;
    if (globs_.empty()) return false;
    const std::string text = Codec::Print(key);
    return std::any_of(globs_.begin(), globs_.end(),
                       [&text](const rpc::Glob& glob) { return glob.Matches(text); });
  }

 private:
  std::vector<Key> keys_;           // ascending
  std::vector<std::string> shown_;  // the keys as messages show them; ascending
  std::vector<rpc::Glob> globs_;
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

// -------------------------------------------------------------------------------------- Fields

// Where the message of a kind shows a field: the fields from the outermost message inwards. On the
// way may be repeated messages.
using MessagePath = std::vector<const FieldDescriptor*>;

// A condition for resources of the registry, and for their messages. Both decide equally.
template <typename T>
struct Compiled {
  Predicate<T> resource;
  Predicate<Message> message;
};

template <typename T>
struct Field {
  FilterField about;
  // Compiles a condition that CheckOperator() accepts. `path` is the condition's.
  std::function<grpc::Status(const Condition& condition, const std::string& path,
                             const MessagePath& shown, Compiled<T>* compiled)>
      compile;
  // Of a derived field: the field of the message that shows it, "paths.host".
  std::string shown = "";
  MessagePath message_path = {};  // the same, resolved
};

// Calls the visitor for each message that has the last field of the path until it returns true, and
// returns whether it did.
bool AnyParent(const Message& message, absl::Span<const FieldDescriptor* const> path,
               absl::FunctionRef<bool(const Message&, const FieldDescriptor&)> visit) {
  const FieldDescriptor& field = *path.front();
  if (path.size() == 1) return visit(message, field);
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  if (!field.is_repeated()) {
    return AnyParent(reflection.GetMessage(message, &field), path.subspan(1), visit);
  }
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    if (AnyParent(reflection.GetRepeatedMessage(message, &field, i), path.subspan(1), visit)) {
      return true;
    }
  }
  return false;
}

// The same for each element of a text.
bool AnyShownText(const Message& message, const MessagePath& path,
                  absl::FunctionRef<bool(absl::string_view)> visit) {
  return AnyParent(message, path, [visit](const Message& parent, const FieldDescriptor& field) {
    const google::protobuf::Reflection& reflection = *parent.GetReflection();
    std::string scratch;
    if (!field.is_repeated()) return visit(reflection.GetStringReference(parent, &field, &scratch));
    for (int i = 0; i < reflection.FieldSize(parent, &field); ++i) {
      if (visit(reflection.GetRepeatedStringReference(parent, &field, i, &scratch))) return true;
    }
    return false;
  });
}

// A number, or how many elements a field has. None where it is unset.
std::optional<uint64_t> ShownNumber(const Message& message, const MessagePath& path) {
  std::optional<uint64_t> number;
  AnyParent(message, path, [&number](const Message& parent, const FieldDescriptor& field) {
    const google::protobuf::Reflection& reflection = *parent.GetReflection();
    if (field.is_repeated()) {
      number = static_cast<uint64_t>(reflection.FieldSize(parent, &field));
      return true;
    }
    if (field.has_presence() && !reflection.HasField(parent, &field)) return true;
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_INT32:
        number = static_cast<uint64_t>(reflection.GetInt32(parent, &field));
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        number = static_cast<uint64_t>(reflection.GetInt64(parent, &field));
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        number = reflection.GetUInt32(parent, &field);
        break;
      default:
        number = reflection.GetUInt64(parent, &field);
    }
    return true;
  });
  return number;
}

// The elements of an enumeration as a bit set. Values that this sasd does not know have no bit.
uint32_t ShownBits(const Message& message, const MessagePath& path) {
  uint32_t bits = 0;
  const auto add = [&bits](int number) {
    if (number >= 0 && number < 32) bits |= Bit(number);
  };
  AnyParent(message, path, [&add](const Message& parent, const FieldDescriptor& field) {
    const google::protobuf::Reflection& reflection = *parent.GetReflection();
    if (!field.is_repeated()) {
      add(reflection.GetEnumValue(parent, &field));
      return false;
    }
    for (int i = 0; i < reflection.FieldSize(parent, &field); ++i) {
      add(reflection.GetRepeatedEnumValue(parent, &field, i));
    }
    return false;
  });
  return bits;
}

// A bool, or whether a text is not empty.
bool ShownBool(const Message& message, const MessagePath& path) {
  return AnyParent(message, path, [](const Message& parent, const FieldDescriptor& field) {
    const google::protobuf::Reflection& reflection = *parent.GetReflection();
    if (field.cpp_type() == FieldDescriptor::CPPTYPE_BOOL)
      return reflection.GetBool(parent, &field);
    std::string scratch;
    return !reflection.GetStringReference(parent, &field, &scratch).empty();
  });
}

// Calls the visitor for the elements of a field until it returns true, and returns whether it did.
template <typename T, typename V>
using AnyOf = bool (*)(const T&, absl::FunctionRef<bool(const V&)>);

// A matcher that has read the condition.
template <typename Matcher>
grpc::Status NewMatcher(const Condition& condition, const std::string& path,
                        std::shared_ptr<const Matcher>* matcher) {
  auto made = std::make_shared<Matcher>();
  grpc::Status status = made->Read(condition, path);
  *matcher = std::move(made);
  return status;
}

template <typename Matcher>
Predicate<Message> MatchesShown(std::shared_ptr<const Matcher> matcher, bool negated,
                                const MessagePath& shown) {
  return [matcher = std::move(matcher), negated, shown](const Message& message) {
    return AnyShownText(message, shown, [&matcher](absl::string_view text) {
             return matcher->MatchesShown(text);
           }) != negated;
  };
}

// A field that `get` returns and the matcher accepts.
template <typename T, typename Matcher, typename Get>
Field<T> Matched(FilterField about, Get get) {
  return {std::move(about), [get](const Condition& condition, const std::string& path,
                                  const MessagePath& shown, Compiled<T>* compiled) {
            std::shared_ptr<const Matcher> matcher;
            grpc::Status status = NewMatcher(condition, path, &matcher);
            compiled->resource = [get, matcher, negated = IsNegated(condition)](const T& t) {
              return matcher->Matches(get(t)) != negated;
            };
            compiled->message = MatchesShown(matcher, IsNegated(condition), shown);
            return status;
          }};
}

// The same for a field with several elements.
template <typename T, typename Matcher, typename V>
Field<T> MatchedAny(FilterField about, AnyOf<T, V> any_of) {
  return {std::move(about), [any_of](const Condition& condition, const std::string& path,
                                     const MessagePath& shown, Compiled<T>* compiled) {
            std::shared_ptr<const Matcher> matcher;
            grpc::Status status = NewMatcher(condition, path, &matcher);
            compiled->resource = [any_of, matcher, negated = IsNegated(condition)](const T& t) {
              return any_of(t, [&matcher](const V& v) { return matcher->Matches(v); }) != negated;
            };
            compiled->message = MatchesShown(matcher, IsNegated(condition), shown);
            return status;
          }};
}

template <typename T>
Field<T> Text(const char* name, absl::string_view (*get)(const T&)) {
  return Matched<T, TextMatcher>({name, "text"}, get);
}

// A text that is made for each resource.
template <typename T>
Field<T> MadeText(const char* name, std::string (*get)(const T&)) {
  return Matched<T, TextMatcher>({name, "text"}, get);
}

template <typename T>
Field<T> Texts(const char* name, AnyOf<T, absl::string_view> any_of) {
  return MatchedAny<T, TextMatcher>({name, "texts"}, any_of);
}

template <typename T, typename Codec>
Field<T> Name(const char* name, typename Codec::Key (*get)(const T&)) {
  return Matched<T, KeyMatcher<Codec>>({name, "name"}, get);
}

template <typename T, typename Codec>
Field<T> Names(const char* name, AnyOf<T, typename Codec::Key> any_of) {
  return MatchedAny<T, KeyMatcher<Codec>>({name, "names"}, any_of);
}

template <typename T>
Field<T> Address(const char* name, SasAddress (*get)(const T&)) {
  return Matched<T, KeyMatcher<AddressCodec>>({name, "address"}, get);
}

// A field that may be unset: then it equals no number and has no order.
template <typename T>
Field<T> Number(const char* name, std::optional<uint64_t> (*get)(const T&)) {
  return {{name, "number", true},
          [get](const Condition& condition, const std::string& path, const MessagePath& shown,
                Compiled<T>* compiled) {
            std::vector<uint64_t> numbers;
            grpc::Status status = ReadNumbers(condition, path, &numbers);
            const auto holds = [numbers = std::move(numbers), op = condition.operator_(),
                                negated = IsNegated(condition)](std::optional<uint64_t> own) {
              return (own && std::any_of(numbers.begin(), numbers.end(), [op, own](uint64_t n) {
                        return Holds(op, *own, n);
                      })) != negated;
            };
            compiled->resource = [get, holds](const T& t) { return holds(get(t)); };
            compiled->message = [shown, holds](const Message& message) {
              return holds(ShownNumber(message, shown));
            };
            return status;
          }};
}

template <typename T>
Field<T> Rate(const char* name, LinkRate (*get)(const T&)) {
  return {{name, "link rate", true},
          [get](const Condition& condition, const std::string& path, const MessagePath& shown,
                Compiled<T>* compiled) {
            uint32_t bits = 0;
            grpc::Status status = ReadRates(condition, path, &bits);
            compiled->resource = [get, bits](const T& t) {
              return (bits & Bit(ToProto(get(t)))) != 0;
            };
            compiled->message = [shown, bits](const Message& message) {
              return (bits & ShownBits(message, shown)) != 0;
            };
            return status;
          }};
}

// An enumeration, or several elements of one: `get` returns them as a bit set.
template <typename T>
Field<T> Enum(const char* name, const EnumDescriptor* type, uint32_t (*get)(const T&)) {
  return {{name, absl::StrCat("`", type->name(), "`")},
          [type, get](const Condition& condition, const std::string& path, const MessagePath& shown,
                      Compiled<T>* compiled) {
            uint32_t bits = 0;
            grpc::Status status = ReadEnums(condition, path, *type, &bits);
            const bool negated = IsNegated(condition);
            compiled->resource = [get, bits, negated](const T& t) {
              return ((bits & get(t)) != 0) != negated;
            };
            compiled->message = [shown, bits, negated](const Message& message) {
              return ((bits & ShownBits(message, shown)) != 0) != negated;
            };
            return status;
          }};
}

template <typename T>
Field<T> Bool(const char* name, bool (*get)(const T&)) {
  return {{name, "bool"},
          [get](const Condition& condition, const std::string& path, const MessagePath& shown,
                Compiled<T>* compiled) {
            bool with_false = false, with_true = false;
            grpc::Status status = ReadBools(condition, path, &with_false, &with_true);
            const auto holds = [with_false, with_true, negated = IsNegated(condition)](bool own) {
              return (own ? with_true : with_false) != negated;
            };
            compiled->resource = [get, holds](const T& t) { return holds(get(t)); };
            compiled->message = [shown, holds](const Message& message) {
              return holds(ShownBool(message, shown));
            };
            return status;
          }};
}

// A field that the message does not have. `shown` is the one that it follows from.
template <typename T>
Field<T> Derived(const char* note, const char* shown, Field<T> field) {
  field.about.note = note;
  field.shown = shown;
  return field;
}

template <typename T>
using Fields = std::vector<Field<T>>;

// Adds the fields that every resource has: the first to the front.
template <typename T>
void AddCommon(Fields<T>& fields) {
  fields.insert(fields.begin(), {Name<T, NameCodec<T>>(
                                     "name", [](const T& t) -> typename T::Key { return t.key(); }),
                                 Text<T>("alias", [](const T&) { return absl::string_view(); })});
  fields.push_back(Enum<T>("sources", sas::v1::Source_descriptor(), [](const T& t) {
    uint32_t bits = 0;
    for (const Source source : t.sources) bits |= Bit(ToProto(source));
    return bits;
  }));
  fields.push_back(Number<T>("revision", [](const T& t) -> std::optional<uint64_t> {
    return static_cast<uint64_t>(t.stamp.revision);
  }));
}

uint32_t ProtocolBits(uint8_t protocols) {
  return ((protocols & Protocols::kSsp) ? Bit(sas::v1::PROTOCOL_SSP) : 0) |
         ((protocols & Protocols::kStp) ? Bit(sas::v1::PROTOCOL_STP) : 0) |
         ((protocols & Protocols::kSmp) ? Bit(sas::v1::PROTOCOL_SMP) : 0) |
         ((protocols & Protocols::kSata) ? Bit(sas::v1::PROTOCOL_SATA) : 0);
}

// The numbers of RoutingAttribute are those of sas.v1.Routing.
static_assert(static_cast<int>(RoutingAttribute::kTable) == sas::v1::ROUTING_TABLE);

template <typename Small>
std::optional<uint64_t> Widened(const std::optional<Small>& number) {
  if (!number) return std::nullopt;
  return static_cast<uint64_t>(*number);
}

std::optional<uint64_t> Widened(const std::optional<PhyId>& phy) {
  if (!phy) return std::nullopt;
  return phy->value();
}

absl::string_view UnitText(const registry::EndDevice& device,
                           registry::Text registry::UnitRecord::*member) {
  return device.units.empty() ? absl::string_view() : (device.first_unit()->facts.*member).view();
}

bool AnyHost(const registry::HostList& hosts, absl::FunctionRef<bool(const HostKey&)> matches) {
  return std::any_of(hosts.begin(), hosts.end(), matches);
}

// The text of any path of a logical unit.
template <registry::Text registry::UnitRecord::*kMember>
bool AnyPathText(const registry::LogicalUnit& unit,
                 absl::FunctionRef<bool(const absl::string_view&)> matches) {
  return std::any_of(unit.paths.begin(), unit.paths.end(), [matches](const auto& path) {
    return matches((path.facts->facts.*kMember).view());
  });
}

// A text of any unit of an end device, and of what sits in a slot. Empty ones do not count.
bool AnyText(const absl::InlinedVector<registry::UnitPathPtr, 1>& units,
             registry::Text registry::UnitRecord::*member,
             absl::FunctionRef<bool(const absl::string_view&)> matches) {
  return std::any_of(units.begin(), units.end(), [member, matches](const auto& path) {
    const registry::Text& text = path->facts.*member;
    return !text.empty() && matches(text.view());
  });
}
bool AnyOccupantText(const registry::Slot& slot, registry::Text registry::UnitRecord::*member,
                     absl::FunctionRef<bool(const absl::string_view&)> matches) {
  return std::any_of(
      slot.occupants.begin(), slot.occupants.end(),
      [member, matches](const auto& occupant) { return AnyText(occupant.units, member, matches); });
}

// The tables. Each lists the fields of the kind's message in its order, then derived ones; those of
// AddCommon() apart.
using OptionalNumber = std::optional<uint64_t>;

OptionalNumber IfSlotsAreKnown(const registry::Enclosure& enclosure, uint16_t number) {
  if (enclosure.slot_count == 0) return std::nullopt;
  return number;
}

template <typename T>
Fields<T> Table();

template <>
Fields<registry::Host> Table() {
  using T = registry::Host;
  return {
      Address<T>("sas_address", [](const T& t) { return t.facts.key.address; }),
      Text<T>("board_name", [](const T& t) { return absl::string_view(t.facts.board_name); }),
      Text<T>("chip_name", [](const T& t) { return absl::string_view(t.facts.chip_name); }),
      Text<T>("firmware_version",
              [](const T& t) { return absl::string_view(t.facts.firmware_version); }),
      Text<T>("driver_name", [](const T& t) { return absl::string_view(t.facts.driver_name); }),
      Text<T>("pci_address", [](const T& t) { return absl::string_view(t.facts.pci_address); }),
      Text<T>("os_name", [](const T& t) { return absl::string_view(t.facts.os_name); }),
      Number<T>("phy_count", [](const T& t) -> OptionalNumber { return t.facts.phy_count; }),
      Derived("`discovery.state`", "discovery.state",
              Enum<T>("discovery_state", sas::v1::DiscoveryState_descriptor(),
                      [](const T& t) { return Bit(ToProto(t.discovery.state)); })),
      Derived("`discovery.reset_count`", "discovery.reset_count",
              Number<T>("reset_count",
                        [](const T& t) -> OptionalNumber { return t.discovery.reset_count; })),
  };
}

template <>
Fields<registry::Phy> Table() {
  using T = registry::Phy;
  return {
      Name<T, OwnerCodec>("owner", [](const T& t) { return t.facts.key.owner; }),
      Number<T>("phy_identifier",
                [](const T& t) -> OptionalNumber { return t.facts.key.phy.value(); }),
      Rate<T>("negotiated_link_rate", [](const T& t) { return t.facts.negotiated; }),
      Rate<T>("hardware_minimum_link_rate", [](const T& t) { return t.facts.hardware_min; }),
      Rate<T>("hardware_maximum_link_rate", [](const T& t) { return t.facts.hardware_max; }),
      Rate<T>("programmed_minimum_link_rate", [](const T& t) { return t.facts.programmed_min; }),
      Rate<T>("programmed_maximum_link_rate", [](const T& t) { return t.facts.programmed_max; }),
      Address<T>("attached_sas_address", [](const T& t) { return t.facts.attached; }),
      Number<T>("attached_phy_identifier",
                [](const T& t) { return Widened(t.facts.attached_phy); }),
      Enum<T>("routing", sas::v1::Routing_descriptor(),
              [](const T& t) { return Bit(static_cast<int>(t.facts.routing)); }),
      Bool<T>("virtual_phy", [](const T& t) { return t.facts.is_virtual; }),
      Bool<T>("vacant", [](const T& t) { return t.facts.vacant; }),
      Text<T>("os_name", [](const T& t) { return t.facts.os_name.view(); }),
      Derived("The host of the owner", "owner",
              Name<T, HostCodec>("host", [](const T& t) { return t.facts.key.owner.host; })),
      Derived("Whether `attached_sas_address` is not empty", "attached_sas_address",
              Bool<T>("attached", [](const T& t) { return t.facts.attached != SasAddress(0); })),
  };
}

std::string AttachedName(const registry::Port& port) {
  switch (port.attached.kind) {
    case registry::AttachedNode::Kind::kUnknown:
      break;
    case registry::AttachedNode::Kind::kHost:
      return HostName(port.id.owner.host);
    case registry::AttachedNode::Kind::kExpander:
      return OwnerName(port.attached_key());
    case registry::AttachedNode::Kind::kEndDevice:
      return EndDeviceName(port.attached_key());
  }
  return "";
}

template <>
Fields<registry::Port> Table() {
  using T = registry::Port;
  return {
      Name<T, OwnerCodec>("owner", [](const T& t) { return t.id.owner; }),
      Address<T>("attached_sas_address", [](const T& t) { return t.id.attached; }),
      MadeText<T>("attached", &AttachedName),
      Number<T>("width", [](const T& t) -> OptionalNumber { return t.width; }),
      Number<T>("widest_count", [](const T& t) -> OptionalNumber { return t.widest; }),
      Rate<T>("fastest_link_rate", [](const T& t) { return t.fastest; }),
      Rate<T>("link_rate", [](const T& t) { return t.link_rate; }),
      Text<T>("os_name", [](const T& t) { return t.facts.os_name.view(); }),
      Derived("The host of the owner", "owner",
              Name<T, HostCodec>("host", [](const T& t) { return t.id.owner.host; })),
  };
}

template <>
Fields<registry::Expander> Table() {
  using T = registry::Expander;
  return {
      Address<T>("sas_address", [](const T& t) { return t.facts.key.address; }),
      Name<T, HostCodec>("host", [](const T& t) { return t.facts.key.host; }),
      Name<T, OwnerCodec>("parent", [](const T& t) { return t.facts.parent; }),
      Number<T>("device_handle",
                [](const T& t) -> OptionalNumber { return t.facts.handle.value(); }),
      Name<T, EnclosureCodec>("enclosure", [](const T& t) { return t.facts.enclosure; }),
      Number<T>("phy_count", [](const T& t) -> OptionalNumber { return t.facts.phy_count; }),
      Number<T>("level", [](const T& t) -> OptionalNumber { return t.facts.level; }),
      Text<T>("vendor", [](const T& t) { return t.facts.vendor.view(); }),
      Text<T>("product", [](const T& t) { return t.facts.product.view(); }),
      Text<T>("product_revision", [](const T& t) { return t.facts.revision.view(); }),
      Number<T>("link_width", [](const T& t) -> OptionalNumber { return t.link_width; }),
      Rate<T>("link_rate", [](const T& t) { return t.link_rate; }),
      Text<T>("os_name", [](const T& t) { return t.facts.os_name.view(); }),
  };
}

template <>
Fields<registry::EndDevice> Table() {
  using T = registry::EndDevice;
  using registry::UnitRecord;
  return {
      Address<T>("sas_address", [](const T& t) { return t.facts.key.address; }),
      Name<T, HostCodec>("host", [](const T& t) { return t.facts.key.host; }),
      Name<T, OwnerCodec>("parent", [](const T& t) { return t.facts.parent; }),
      Number<T>("parent_phy_identifier", [](const T& t) { return Widened(t.facts.parent_phy); }),
      Number<T>("device_handle",
                [](const T& t) -> OptionalNumber { return t.facts.handle.value(); }),
      Enum<T>("state", sas::v1::DeviceState_descriptor(),
              [](const T& t) { return Bit(ToProto(t.facts.state)); }),
      Enum<T>("target_protocols", sas::v1::Protocol_descriptor(),
              [](const T& t) { return ProtocolBits(t.facts.protocols.target); }),
      Enum<T>("initiator_protocols", sas::v1::Protocol_descriptor(),
              [](const T& t) { return ProtocolBits(t.facts.protocols.initiator); }),
      Name<T, EnclosureCodec>("enclosure", [](const T& t) { return t.facts.enclosure; }),
      Number<T>("slot", [](const T& t) { return Widened(t.facts.slot); }),
      Number<T>("enclosure_level", [](const T& t) { return Widened(t.facts.enclosure_level); }),
      Text<T>("connector_name", [](const T& t) { return t.facts.connector_name.view(); }),
      Address<T>("device_name", [](const T& t) { return t.facts.device_name; }),
      Number<T>("access_status",
                [](const T& t) -> OptionalNumber { return t.facts.access_status; }),
      Text<T>("failure", [](const T& t) { return t.facts.failure.view(); }),
      Rate<T>("link_rate", [](const T& t) { return t.link_rate; }),
      Number<T>("link_width", [](const T& t) -> OptionalNumber { return t.link_width; }),
      Names<T, LogicalUnitCodec>(
          "logical_units",
          [](const T& t, absl::FunctionRef<bool(const registry::LogicalUnitKey&)> matches) {
            return std::any_of(t.units.begin(), t.units.end(),
                               [matches](const auto& path) { return matches(path->unit); });
          }),
      Text<T>("block_device", [](const T& t) { return UnitText(t, &UnitRecord::block_device); }),
      Text<T>("scsi_address", [](const T& t) { return UnitText(t, &UnitRecord::scsi_address); }),
      Text<T>("vendor", [](const T& t) { return UnitText(t, &UnitRecord::vendor); }),
      Text<T>("model", [](const T& t) { return UnitText(t, &UnitRecord::model); }),
      Text<T>("serial", [](const T& t) { return UnitText(t, &UnitRecord::serial); }),
      Number<T>("peripheral_type",
                [](const T& t) -> OptionalNumber {
                  if (t.units.empty()) return std::nullopt;
                  return t.first_unit()->facts.peripheral_type;
                }),
      Text<T>("os_name", [](const T& t) { return t.facts.os_name.view(); }),
      Texts<T>("block_devices",
               [](const T& t, absl::FunctionRef<bool(const absl::string_view&)> matches) {
                 return AnyText(t.units, &UnitRecord::block_device, matches);
               }),
      Text<T>("slot_label", [](const T& t) { return t.slot_label.view(); }),
  };
}

template <>
Fields<registry::LogicalUnit> Table() {
  using T = registry::LogicalUnit;
  using registry::UnitRecord;
  return {
      Text<T>("wwid", [](const T& t) { return t.wwid.view(); }),
      Number<T>("peripheral_type", [](const T& t) -> OptionalNumber { return t.peripheral_type; }),
      Text<T>("vendor", [](const T& t) { return t.vendor.view(); }),
      Text<T>("model", [](const T& t) { return t.model.view(); }),
      Text<T>("product_revision", [](const T& t) { return t.revision.view(); }),
      Text<T>("serial", [](const T& t) { return t.serial.view(); }),
      Number<T>("size_bytes", [](const T& t) -> OptionalNumber { return t.size_bytes; }),
      Name<T, EnclosureCodec>("enclosure", [](const T& t) { return t.enclosure; }),
      Number<T>("slot", [](const T& t) { return Widened(t.slot); }),
      Number<T>("most_path_count", [](const T& t) -> OptionalNumber { return t.most_paths; }),
      Names<T, HostCodec>("lost_hosts",
                          [](const T& t, absl::FunctionRef<bool(const HostKey&)> matches) {
                            return t.lost_hosts && AnyHost(*t.lost_hosts.get(), matches);
                          }),
      Text<T>("rejected_wwid", [](const T& t) { return t.rejected_wwid.view(); }),
      Text<T>("slot_label", [](const T& t) { return t.slot_label.view(); }),
      Derived("The number of `paths`", "paths",
              Number<T>("path_count", [](const T& t) -> OptionalNumber { return t.paths.size(); })),
      Derived("The hosts of its `paths`", "paths.host",
              Names<T, HostCodec>("host",
                                  [](const T& t, absl::FunctionRef<bool(const HostKey&)> matches) {
                                    return std::any_of(t.paths.begin(), t.paths.end(),
                                                       [matches](const auto& path) {
                                                         return matches(path.device.host);
                                                       });
                                  })),
      Derived("The end devices of its `paths`", "paths.end_device",
              Names<T, NameCodec<registry::EndDevice>>(
                  "end_device",
                  [](const T& t, absl::FunctionRef<bool(const NodeKey&)> matches) {
                    return std::any_of(t.paths.begin(), t.paths.end(), [matches](const auto& path) {
                      return matches(path.device);
                    });
                  })),
      Derived("The states of its `paths`", "paths.state",
              Enum<T>("state", sas::v1::DeviceState_descriptor(),
                      [](const T& t) {
                        uint32_t bits = 0;
                        for (const T::Path& path : t.paths) bits |= Bit(ToProto(path.state));
                        return bits;
                      })),
      Derived("The block devices of its `paths`", "paths.block_device",
              Texts<T>("block_device", &AnyPathText<&UnitRecord::block_device>)),
      Derived("The SCSI addresses of its `paths`", "paths.scsi_address",
              Texts<T>("scsi_address", &AnyPathText<&UnitRecord::scsi_address>)),
      Derived("The SCSI generic devices of its `paths`", "paths.generic_device",
              Texts<T>("generic_device", &AnyPathText<&UnitRecord::generic_device>)),
  };
}

template <>
Fields<registry::Enclosure> Table() {
  using T = registry::Enclosure;
  return {
      Address<T>("logical_id", [](const T& t) { return SasAddress(t.id.value()); }),
      Names<T, HostCodec>("hosts",
                          [](const T& t, absl::FunctionRef<bool(const HostKey&)> matches) {
                            return AnyHost(t.hosts, matches);
                          }),
      Text<T>("vendor", [](const T& t) { return t.vendor.view(); }),
      Text<T>("model", [](const T& t) { return t.model.view(); }),
      Text<T>("product_revision", [](const T& t) { return t.revision.view(); }),
      Number<T>("slot_count", [](const T& t) { return IfSlotsAreKnown(t, t.slot_count); }),
      Number<T>("start_slot", [](const T& t) { return IfSlotsAreKnown(t, t.start_slot); }),
      Number<T>("level", [](const T& t) { return Widened(t.level); }),
      Number<T>("occupied_slot_count",
                [](const T& t) -> OptionalNumber { return t.occupied_slot_count; }),
      Names<T, NameCodec<registry::EndDevice>>(
          "ses_devices",
          [](const T& t, absl::FunctionRef<bool(const NodeKey&)> matches) {
            return std::any_of(t.ses_devices.begin(), t.ses_devices.end(), matches);
          }),
      Text<T>("os_name", [](const T& t) { return t.os_name.view(); }),
  };
}

template <>
Fields<registry::Slot> Table() {
  using T = registry::Slot;
  return {
      Name<T, EnclosureCodec>("enclosure", [](const T& t) { return t.id.enclosure; }),
      Number<T>("slot", [](const T& t) -> OptionalNumber { return t.id.slot; }),
      Text<T>("label", [](const T& t) { return t.facts.label.view(); }),
      Bool<T>("occupied", [](const T& t) { return t.occupied(); }),
      Names<T, NameCodec<registry::EndDevice>>(
          "end_devices",
          [](const T& t, absl::FunctionRef<bool(const NodeKey&)> matches) {
            return std::any_of(t.occupants.begin(), t.occupants.end(),
                               [matches](const auto& o) { return matches(o.device); });
          }),
      Name<T, LogicalUnitCodec>("logical_unit", [](const T& t) { return t.logical_unit; }),
      Text<T>("vendor", [](const T& t) { return t.vendor.view(); }),
      Text<T>("model", [](const T& t) { return t.model.view(); }),
      Text<T>("serial", [](const T& t) { return t.serial.view(); }),
      Texts<T>("block_devices",
               [](const T& t, absl::FunctionRef<bool(const absl::string_view&)> matches) {
                 return AnyOccupantText(t, &registry::UnitRecord::block_device, matches);
               }),
      Text<T>("os_name", [](const T& t) { return t.facts.os_name.view(); }),
      Names<T, HostCodec>("hosts",
                          [](const T& t, absl::FunctionRef<bool(const HostKey&)> matches) {
                            return AnyHost(t.hosts, matches);
                          }),
      Names<T, LogicalUnitCodec>(
          "logical_units",
          [](const T& t, absl::FunctionRef<bool(const registry::LogicalUnitKey&)> matches) {
            return std::any_of(t.occupants.begin(), t.occupants.end(), [matches](const auto& o) {
              return std::any_of(o.units.begin(), o.units.end(),
                                 [matches](const auto& path) { return matches(path->unit); });
            });
          }),
      Texts<T>("serials",
               [](const T& t, absl::FunctionRef<bool(const absl::string_view&)> matches) {
                 return AnyOccupantText(t, &registry::UnitRecord::serial, matches);
               }),
  };
}

// The message of a kind.
const Descriptor& MessageOf(registry::ResourceKind kind) {
  return *sas::v1::Resource::descriptor()
              ->FindFieldByNumber(static_cast<int>(kind))
              ->message_type();
}

MessagePath PathOf(const Descriptor& message, const std::string& text) {
  MessagePath path;
  const Descriptor* type = &message;
  for (const absl::string_view name : absl::StrSplit(text, '.')) {
    const FieldDescriptor* const field = type->FindFieldByName(std::string(name));
    ABSL_INTERNAL_CHECK(field != nullptr, "the table names fields of the messages");
    path.push_back(field);
    type = field->message_type();
  }
  return path;
}

template <typename T>
const Fields<T>& FieldsOf() {
  static const auto* const fields = [] {
    auto* made = new Fields<T>(Table<T>());
    AddCommon(*made);
    std::stable_partition(made->begin(), made->end(),
                          [](const Field<T>& field) { return field.about.note.empty(); });
    for (Field<T>& field : *made) {
      field.message_path =
          PathOf(MessageOf(T::kKind), field.shown.empty() ? field.about.name : field.shown);
    }
    return made;
  }();
  return *fields;
}

// ------------------------------------------------------------------------------------- Filters

bool BelongsTo(const registry::Host& host, const std::vector<HostKey>& hosts) {
  return Contains(hosts, host.facts.key);
}
bool BelongsTo(const registry::Phy& phy, const std::vector<HostKey>& hosts) {
  return Contains(hosts, phy.facts.key.owner.host);
}
bool BelongsTo(const registry::Port& port, const std::vector<HostKey>& hosts) {
  return Contains(hosts, port.id.owner.host);
}
bool BelongsTo(const registry::Expander& expander, const std::vector<HostKey>& hosts) {
  return Contains(hosts, expander.facts.key.host);
}
bool BelongsTo(const registry::EndDevice& device, const std::vector<HostKey>& hosts) {
  return Contains(hosts, device.facts.key.host);
}
bool BelongsTo(const registry::LogicalUnit& unit, const std::vector<HostKey>& hosts) {
  return std::any_of(unit.paths.begin(), unit.paths.end(),
                     [&hosts](const auto& path) { return Contains(hosts, path.device.host); });
}
bool BelongsTo(const registry::Enclosure& enclosure, const std::vector<HostKey>& hosts) {
  return AnyHost(enclosure.hosts, [&hosts](HostKey host) { return Contains(hosts, host); });
}
bool BelongsTo(const registry::Slot& slot, const std::vector<HostKey>& hosts) {
  return AnyHost(slot.hosts, [&hosts](HostKey host) { return Contains(hosts, host); });
}

template <typename T>
const Field<T>* FindField(const std::string& name) {
  const Fields<T>& fields = FieldsOf<T>();
  const auto field = std::find_if(fields.begin(), fields.end(),
                                  [&name](const auto& known) { return known.about.name == name; });
  return field == fields.end() ? nullptr : &*field;
}

// `of`: the kinds that do not have the field, "slots".
grpc::Status UnknownField(const std::string& path, const std::string& field, absl::string_view of,
                          const std::vector<std::string>& names) {
  return rpc::BadField(
      absl::StrCat(path, ".field"),
      absl::StrCat("no field \"", field, "\" of ", of, " to filter by",
                   rpc::DidYouMean(field, names), " (fields: ", absl::StrJoin(names, ", "), ")"));
}

std::string ConditionPath(int i) { return absl::StrCat("filter.conditions[", i, "]"); }

template <typename T>
grpc::Status ReadCondition(const Condition& condition, const std::string& path,
                           Compiled<T>* compiled) {
  const Field<T>* const field = FindField<T>(condition.field());
  if (field == nullptr) {
    std::vector<std::string> names;
    for (const auto& known : FieldsOf<T>()) names.push_back(known.about.name);
    return UnknownField(path, condition.field(), absl::StrCat(registry::ToString(T::kKind), "s"),
                        names);
  }
  grpc::Status status = CheckOperator(condition, field->about, path);
  if (!status.ok()) return status;
  return field->compile(condition, path, field->message_path, compiled);
}

template <typename T>
std::vector<FilterField> AboutFields() {
  std::vector<FilterField> about;
  for (const Field<T>& field : FieldsOf<T>()) about.push_back(field.about);
  return about;
}

}  // namespace

grpc::Status ReadHosts(const google::protobuf::RepeatedPtrField<std::string>& names,
                       absl::string_view field, const Topology& topology,
                       std::vector<HostKey>* hosts) {
  for (int i = 0; i < names.size(); ++i) {
    const std::string path = absl::StrCat(field, "[", i, "]");
    const absl::StatusOr<HostKey> host = ParseHostName(names[i]);
    if (!host.ok()) return rpc::BadField(path, host.status().message());
    if (topology.collection<registry::Host>().Find(*host) == nullptr) {
      return rpc::BadField(path,
                           absl::StrCat("\"", names[i], "\" is not there; ", KnownHosts(topology)));
    }
    hosts->push_back(*host);
  }
  return grpc::Status::OK;
}

template <typename T>
grpc::Status ReadFilter(const sas::v1::Filter& filter, const Topology& topology,
                        Predicate<T>* predicate) {
  grpc::Status status = CheckBounds(filter);
  if (!status.ok()) return status;
  if (!filter.kinds().empty()) return rpc::BadField("filter.kinds", "a list has one kind");
  std::vector<Predicate<T>> all;
  std::vector<HostKey> hosts;
  status = ReadHosts(filter.hosts(), "filter.hosts", topology, &hosts);
  if (!hosts.empty()) {
    all.push_back([hosts = std::move(hosts)](const T& t) { return BelongsTo(t, hosts); });
  }
  for (int i = 0; status.ok() && i < filter.conditions_size(); ++i) {
    Compiled<T> compiled;
    status = ReadCondition(filter.conditions(i), ConditionPath(i), &compiled);
    all.push_back(std::move(compiled.resource));
  }
  *predicate = [all = std::move(all)](const T& t) {
    return std::all_of(all.begin(), all.end(), [&t](const Predicate<T>& p) { return p(t); });
  };
  return status;
}

#define SASD_READ_FILTER(T) \
  template grpc::Status ReadFilter<T>(const sas::v1::Filter&, const Topology&, Predicate<T>*)
SASD_READ_FILTER(registry::Host);
SASD_READ_FILTER(registry::Phy);
SASD_READ_FILTER(registry::Port);
SASD_READ_FILTER(registry::Expander);
SASD_READ_FILTER(registry::EndDevice);
SASD_READ_FILTER(registry::LogicalUnit);
SASD_READ_FILTER(registry::Enclosure);
SASD_READ_FILTER(registry::Slot);
#undef SASD_READ_FILTER

namespace {

// Reads the conditions of one of several kinds.
using KindReader = grpc::Status (*)(const sas::v1::Filter& filter, KindConditions* out);

// The condition without values that name a resource of another kind. True if such a value was left
// out and none remains.
bool LeaveOutOtherKinds(registry::ResourceKind kind, Condition& condition) {
  if (condition.field() != "name") return false;
  auto& values = *condition.mutable_values();
  const int before = values.size();
  values.erase(std::remove_if(values.begin(), values.end(),
                              [kind](const std::string& value) {
                                const absl::StatusOr<rpc::Glob> glob = rpc::Glob::Parse(value);
                                if (!glob.ok() || !glob->is_plain()) return false;
                                const auto id = ParseName(glob->plain());
                                return id.ok() && registry::KindOf(*id) != kind;
                              }),
               values.end());
  return before > 0 && values.empty();
}

template <typename T>
grpc::Status ReadKind(const sas::v1::Filter& filter, KindConditions* out) {
  std::vector<Predicate<T>> resource;
  std::vector<Predicate<Message>> message;
  const bool only_kind = filter.kinds_size() == 1;
  for (int i = 0; i < filter.conditions_size(); ++i) {
    Condition condition = filter.conditions(i);
    if (!only_kind && LeaveOutOtherKinds(T::kKind, condition)) {
      if (IsNegated(condition)) continue;
      return grpc::Status::OK;  // no resource of the kind has one of these names
    }
    Compiled<T> compiled;
    grpc::Status status = ReadCondition(condition, ConditionPath(i), &compiled);
    if (!status.ok()) return status;
    resource.push_back(std::move(compiled.resource));
    message.push_back(std::move(compiled.message));
  }
  out->resource = [all = std::move(resource)](const registry::ResourceRef& ref) {
    const T& t = *std::get<registry::IndexOf<T>()>(ref);
    return std::all_of(all.begin(), all.end(), [&t](const Predicate<T>& p) { return p(t); });
  };
  out->message = [all = std::move(message)](const Message& m) {
    return std::all_of(all.begin(), all.end(), [&m](const auto& p) { return p(m); });
  };
  return grpc::Status::OK;
}

constexpr KindReader kKindReaders[registry::kResourceKindCount] = {
    &ReadKind<registry::Host>,      &ReadKind<registry::Phy>,
    &ReadKind<registry::Port>,      &ReadKind<registry::Expander>,
    &ReadKind<registry::EndDevice>, &ReadKind<registry::LogicalUnit>,
    &ReadKind<registry::Enclosure>, &ReadKind<registry::Slot>,
};

// The kinds that a filter names, or all.
std::vector<registry::ResourceKind> KindsOf(const sas::v1::Filter& filter) {
  std::vector<registry::ResourceKind> kinds;
  for (size_t i = 1; i <= registry::kResourceKindCount; ++i) {
    const auto kind = static_cast<registry::ResourceKind>(i);
    if (filter.kinds().empty() || Contains(filter.kinds(), static_cast<int>(i))) {
      kinds.push_back(kind);
    }
  }
  return kinds;
}

bool HasField(registry::ResourceKind kind, const std::string& field) {
  const std::vector<FilterField> fields = FilterFieldsOf(kind);
  return std::any_of(fields.begin(), fields.end(),
                     [&field](const FilterField& known) { return known.name == field; });
}

}  // namespace

grpc::Status ReadConditions(const sas::v1::Filter& filter, ConditionsByKind* out) {
  std::vector<registry::ResourceKind> kinds = KindsOf(filter);
  std::vector<std::string> fields;
  for (int i = 0; i < filter.conditions_size(); ++i) {
    const std::string& field = filter.conditions(i).field();
    if (std::none_of(kinds.begin(), kinds.end(),
                     [&field](const auto kind) { return HasField(kind, field); })) {
      std::vector<std::string> names, plurals;
      for (const auto kind : kinds) {
        plurals.push_back(absl::StrCat(registry::ToString(kind), "s"));
        for (const FilterField& known : FilterFieldsOf(kind)) {
          if (!Contains(names, known.name)) names.push_back(known.name);
        }
      }
      return UnknownField(ConditionPath(i), field,
                          filter.kinds().empty() ? "any kind" : absl::StrJoin(plurals, ", "),
                          names);
    }
    if (!Contains(fields, field)) fields.push_back(field);
  }
  kinds.erase(std::remove_if(kinds.begin(), kinds.end(),
                             [&fields](const auto kind) {
                               return !std::all_of(
                                   fields.begin(), fields.end(),
                                   [kind](const auto& field) { return HasField(kind, field); });
                             }),
              kinds.end());
  if (kinds.empty()) {
    return rpc::BadField("filter.conditions", absl::StrCat("no kind has all of the fields ",
                                                           absl::StrJoin(fields, ", ")));
  }
  for (const auto kind : kinds) {
    const size_t i = static_cast<size_t>(kind) - 1;
    grpc::Status status = kKindReaders[i](filter, &(*out)[i]);
    if (!status.ok()) return status;
  }
  return grpc::Status::OK;
}

std::vector<FilterField> FilterFieldsOf(registry::ResourceKind kind) {
  switch (kind) {
    case registry::ResourceKind::kHost:
      return AboutFields<registry::Host>();
    case registry::ResourceKind::kPhy:
      return AboutFields<registry::Phy>();
    case registry::ResourceKind::kPort:
      return AboutFields<registry::Port>();
    case registry::ResourceKind::kExpander:
      return AboutFields<registry::Expander>();
    case registry::ResourceKind::kEndDevice:
      return AboutFields<registry::EndDevice>();
    case registry::ResourceKind::kLogicalUnit:
      return AboutFields<registry::LogicalUnit>();
    case registry::ResourceKind::kEnclosure:
      return AboutFields<registry::Enclosure>();
    case registry::ResourceKind::kSlot:
      return AboutFields<registry::Slot>();
  }
  return {};
}

std::string FilterFieldsMarkdown() {
  std::string text;
  for (size_t i = 1; i <= registry::kResourceKindCount; ++i) {
    const auto kind = static_cast<registry::ResourceKind>(i);
    const auto* message = sas::v1::Resource::descriptor()->FindFieldByNumber(static_cast<int>(i));
    absl::StrAppend(&text, i == 1 ? "" : "\n", "## ", message->message_type()->name(),
                    "\n\n| Field | Type | Operators | Derived from |\n|---|---|---|---|\n");
    for (const FilterField& field : FilterFieldsOf(kind)) {
      absl::StrAppend(&text, "| `", field.name, "` | ", field.type, " | ",
                      field.ordered ? "`=` `!=` `<` `<=` `>` `>=`" : "`=` `!=`", " | ", field.note,
                      " |\n");
    }
  }
  return text;
}

}  // namespace sasd::service
