#include "cli/query/baseline_reader.h"
#include "sas/v1/baseline_service.grpc.pb.h"

namespace sasd::cli {

absl::StatusOr<sas::v1::ListBaselineResponse> ReadBaseline(bool missing_only,
                                                           const Context& context) {
  sas::v1::ListBaselineResponse all;
  sas::v1::ListBaselineRequest request;
  request.set_page_size(1000);
  request.set_missing_only(missing_only);
  do {
    const auto page = context.Call(*context.Stub<sas::v1::BaselineService>(),
                                   &sas::v1::BaselineService::StubInterface::ListBaseline, request);
    if (!page.ok()) return page.status();
    all.MergeFrom(*page);
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  all.clear_next_page_token();
  return all;
}

}  // namespace sasd::cli
