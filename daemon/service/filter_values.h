#ifndef DAEMON_SERVICE_FILTER_VALUES_H_
#define DAEMON_SERVICE_FILTER_VALUES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "daemon/service/filter_field.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/support/status.h"
#include "sas/v1/filter.pb.h"

// Operators and values of conditions. `path` is the condition's: "filter.conditions[2]". Errors are
// BadField with the path and what is possible. Pure functions.
namespace sasd::service::filters {

// "filter.conditions[2].values[0]".
std::string ValuePath(const std::string& path, int i);

// Whether the operator compares by order; whether it is NOT_EQUAL.
bool IsOrder(sas::v1::Operator op);
bool IsNegated(const sas::v1::Condition& condition);

// Whether the operator exists, fits the field, and has as many values as it takes.
grpc::Status CheckOperator(const sas::v1::Condition& condition, const FilterField& field,
                           const std::string& path);

// Whether a compares to b as the operator says; equality where it is none of order.
bool Holds(sas::v1::Operator op, uint64_t a, uint64_t b);

// Ascending.
grpc::Status ReadNumbers(const sas::v1::Condition& condition, const std::string& path,
                         std::vector<uint64_t>* numbers);
grpc::Status ReadBools(const sas::v1::Condition& condition, const std::string& path,
                       bool* accepts_false, bool* accepts_true);

constexpr uint32_t Bit(int number) { return uint32_t{1} << number; }

// The values of an enumeration as a bit set.
grpc::Status ReadEnums(const sas::v1::Condition& condition, const std::string& path,
                       const google::protobuf::EnumDescriptor& type, uint32_t* bits);

// The rates that pass the condition, as a bit set. Only rates at which a link is up have an order.
grpc::Status ReadRates(const sas::v1::Condition& condition, const std::string& path,
                       uint32_t* bits);

}  // namespace sasd::service::filters

#endif  // DAEMON_SERVICE_FILTER_VALUES_H_
