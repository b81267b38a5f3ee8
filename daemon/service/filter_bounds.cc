#include "daemon/service/filter_bounds.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "rpc/status.h"

namespace sasd::service {
namespace {

grpc::Status CheckCount(absl::string_view path, int count, int most) {
  if (count <= most) return grpc::Status::OK;
  return rpc::BadField(path, absl::StrCat("it has ", count, " elements; at most ", most));
}

grpc::Status CheckLength(const std::string& path, const std::string& text) {
  if (text.size() <= kMaxValueBytes) return grpc::Status::OK;
  return rpc::BadField(path,
                       absl::StrCat("it has ", text.size(), " bytes; at most ", kMaxValueBytes));
}

grpc::Status CheckCondition(const std::string& path, const sas::v1::Condition& condition) {
  grpc::Status status = CheckLength(absl::StrCat(path, ".field"), condition.field());
  if (!status.ok()) return status;
  const std::string values = absl::StrCat(path, ".values");
  status = CheckCount(values, condition.values_size(), kMaxConditionValues);
  for (int i = 0; status.ok() && i < condition.values_size(); ++i) {
    status = CheckLength(absl::StrCat(values, "[", i, "]"), condition.values(i));
  }
  return status;
}

grpc::Status CheckPatterns(const sas::v1::Filter& filter, size_t most) {
  const size_t bytes = PatternBytesOf(filter);
  if (bytes <= most) return grpc::Status::OK;
  return rpc::BadField("filter.conditions", absl::StrCat("the values with \"*\" or \"?\" have ",
                                                         bytes, " bytes together; at most ", most));
}

}  // namespace

size_t PatternBytesOf(const sas::v1::Filter& filter) {
  size_t bytes = 0;
  for (const sas::v1::Condition& condition : filter.conditions()) {
    for (const std::string& value : condition.values()) {
      if (value.find_first_of("*?") != std::string::npos) bytes += value.size();
    }
  }
  return bytes;
}

grpc::Status CheckBounds(const sas::v1::Filter& filter, size_t max_pattern_bytes) {
  grpc::Status status = CheckCount("filter.kinds", filter.kinds_size(), kMaxFilterKinds);
  if (!status.ok()) return status;
  status = CheckCount("filter.hosts", filter.hosts_size(), kMaxFilterHosts);
  for (int i = 0; status.ok() && i < filter.hosts_size(); ++i) {
    status = CheckLength(absl::StrCat("filter.hosts[", i, "]"), filter.hosts(i));
  }
  if (!status.ok()) return status;
  status = CheckCount("filter.behind", filter.behind_size(), kMaxFilterBehind);
  for (int i = 0; status.ok() && i < filter.behind_size(); ++i) {
    status = CheckLength(absl::StrCat("filter.behind[", i, "]"), filter.behind(i));
  }
  if (!status.ok()) return status;
  status = CheckCount("filter.conditions", filter.conditions_size(), kMaxConditions);
  for (int i = 0; status.ok() && i < filter.conditions_size(); ++i) {
    status = CheckCondition(absl::StrCat("filter.conditions[", i, "]"), filter.conditions(i));
  }
  return status.ok() ? CheckPatterns(filter, max_pattern_bytes) : status;
}

}  // namespace sasd::service
