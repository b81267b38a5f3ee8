#include "daemon/service/filter_values.h"

#include <algorithm>
#include <limits>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "rpc/did_you_mean.h"
#include "rpc/status.h"
#include "sas/v1/resources.pb.h"

namespace sasd::service::filters {

using google::protobuf::EnumDescriptor;
using sas::v1::Condition;
using sas::v1::Operator;

std::string ValuePath(const std::string& path, int i) {
  return absl::StrCat(path, ".values[", i, "]");
}

bool IsOrder(Operator op) { return op >= sas::v1::OPERATOR_LESS; }

bool IsNegated(const Condition& condition) {
  return condition.operator_() == sas::v1::OPERATOR_NOT_EQUAL;
}

namespace {

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

}  // namespace

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
  std::sort(numbers->begin(), numbers->end());
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

}  // namespace sasd::service::filters
