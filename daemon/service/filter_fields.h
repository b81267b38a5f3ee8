#ifndef DAEMON_SERVICE_FILTER_FIELDS_H_
#define DAEMON_SERVICE_FILTER_FIELDS_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "daemon/service/convert.h"
#include "daemon/service/filter_field.h"
#include "daemon/service/filter_matchers.h"
#include "daemon/service/filter_values.h"
#include "daemon/service/shown_fields.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/status.h"
#include "sas/v1/filter.pb.h"

// The kinds of fields that conditions name: each reads a field of a resource of kind T and of its
// message, and compiles conditions on it.
namespace sasd::service::filters {

// A condition for resources of the registry, and for their messages. Both decide equally.
template <typename T>
struct Compiled {
  Predicate<T> resource;
  Predicate<google::protobuf::Message> message;
};

template <typename T>
struct Field {
  FilterField about;
  // Compiles a condition that CheckOperator() accepts. `path` is the condition's.
  std::function<grpc::Status(const sas::v1::Condition& condition, const std::string& path,
                             const MessagePath& shown, Compiled<T>* compiled)>
      compile;
  // Of a derived field: the field of the message that shows it, "paths.host".
  std::string shown = "";
  MessagePath message_path = {};  // the same, resolved
};

// Calls the visitor for the elements of a field until it returns true, and returns whether it did.
template <typename T, typename V>
using AnyOf = bool (*)(const T&, absl::FunctionRef<bool(const V&)>);

// A matcher that has read the condition.
template <typename Matcher>
grpc::Status NewMatcher(const sas::v1::Condition& condition, const std::string& path,
                        std::shared_ptr<const Matcher>* matcher) {
  auto made = std::make_shared<Matcher>();
  grpc::Status status = made->Read(condition, path);
  *matcher = std::move(made);
  return status;
}

template <typename Matcher>
Predicate<google::protobuf::Message> MatchesShown(std::shared_ptr<const Matcher> matcher,
                                                  bool negated, const MessagePath& shown) {
  return [matcher = std::move(matcher), negated, shown](const google::protobuf::Message& message) {
    return AnyShownText(message, shown, [&matcher](absl::string_view text) {
             return matcher->MatchesShown(text);
           }) != negated;
  };
}

// A field that `get` returns and the matcher accepts.
template <typename T, typename Matcher, typename Get>
Field<T> Matched(FilterField about, Get get) {
  return {std::move(about), [get](const sas::v1::Condition& condition, const std::string& path,
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
  return {std::move(about), [any_of](const sas::v1::Condition& condition, const std::string& path,
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
          [get](const sas::v1::Condition& condition, const std::string& path,
                const MessagePath& shown, Compiled<T>* compiled) {
            std::vector<uint64_t> numbers;
            grpc::Status status = ReadNumbers(condition, path, &numbers);
            const auto holds = [numbers = std::move(numbers), op = condition.operator_(),
                                negated = IsNegated(condition)](std::optional<uint64_t> own) {
              if (!own.has_value()) return negated;
              const bool fits = IsOrder(op)
                                    ? Holds(op, *own, numbers.front())
                                    : std::binary_search(numbers.begin(), numbers.end(), *own);
              return fits != negated;
            };
            compiled->resource = [get, holds](const T& t) { return holds(get(t)); };
            compiled->message = [shown, holds](const google::protobuf::Message& message) {
              return holds(ShownNumber(message, shown));
            };
            return status;
          }};
}

template <typename T>
Field<T> Rate(const char* name, LinkRate (*get)(const T&)) {
  return {{name, "link rate", true},
          [get](const sas::v1::Condition& condition, const std::string& path,
                const MessagePath& shown, Compiled<T>* compiled) {
            uint32_t bits = 0;
            grpc::Status status = ReadRates(condition, path, &bits);
            compiled->resource = [get, bits](const T& t) {
              return (bits & Bit(ToProto(get(t)))) != 0;
            };
            compiled->message = [shown, bits](const google::protobuf::Message& message) {
              return (bits & ShownBits(message, shown)) != 0;
            };
            return status;
          }};
}

// An enumeration, or several elements of one: `get` returns them as a bit set.
template <typename T>
Field<T> Enum(const char* name, const google::protobuf::EnumDescriptor* type,
              uint32_t (*get)(const T&)) {
  return {{name, absl::StrCat("`", type->name(), "`")},
          [type, get](const sas::v1::Condition& condition, const std::string& path,
                      const MessagePath& shown, Compiled<T>* compiled) {
            uint32_t bits = 0;
            grpc::Status status = ReadEnums(condition, path, *type, &bits);
            const bool negated = IsNegated(condition);
            compiled->resource = [get, bits, negated](const T& t) {
              return ((bits & get(t)) != 0) != negated;
            };
            compiled->message = [shown, bits, negated](const google::protobuf::Message& message) {
              return ((bits & ShownBits(message, shown)) != 0) != negated;
            };
            return status;
          }};
}

template <typename T>
Field<T> Bool(const char* name, bool (*get)(const T&)) {
  return {{name, "bool"},
          [get](const sas::v1::Condition& condition, const std::string& path,
                const MessagePath& shown, Compiled<T>* compiled) {
            bool with_false = false, with_true = false;
            grpc::Status status = ReadBools(condition, path, &with_false, &with_true);
            const auto holds = [with_false, with_true, negated = IsNegated(condition)](bool own) {
              return (own ? with_true : with_false) != negated;
            };
            compiled->resource = [get, holds](const T& t) { return holds(get(t)); };
            compiled->message = [shown, holds](const google::protobuf::Message& message) {
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

}  // namespace sasd::service::filters

#endif  // DAEMON_SERVICE_FILTER_FIELDS_H_
