#ifndef RPC_PAGE_H_
#define RPC_PAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/status.h"

// Pages of lists (AIP-158). Pure functions.
namespace sasd::rpc {

inline constexpr size_t kDefaultPageSize = 100, kMaximumPageSize = 1000;

// `requested` as a page size: 0 is the default, more than the maximum is the maximum.
// Error: BadField("page_size") for a negative number.
grpc::Status ReadPageSize(int32_t requested, size_t* page_size);

// A page token is opaque to clients: the name after which the next page starts, and a check that it
// came from a listing with the same filter.
std::string MakePageToken(absl::string_view last_name, const google::protobuf::Message* filter);

// Error: BadField("page_token") for a token that is none, or of another listing.
grpc::Status ReadPageToken(absl::string_view token, const google::protobuf::Message* filter,
                           std::string* last_name);

}  // namespace sasd::rpc

#endif  // RPC_PAGE_H_
