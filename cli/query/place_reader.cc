#include "cli/query/place_reader.h"

#include "sas/v1/alias_service.grpc.pb.h"
#include "sas/v1/topology_service.grpc.pb.h"

namespace sasd::cli {

PlaceNames ReadAliases(const Context& context) {
  PlaceNames names;
  sas::v1::ListAliasesRequest request;
  request.set_page_size(1000);
  do {
    const auto page = context.Call(*context.Stub<sas::v1::AliasService>(),
                                   &sas::v1::AliasService::StubInterface::ListAliases, request);
    if (!page.ok()) break;
    for (const sas::v1::Alias& alias : page->aliases()) {
      if (alias.refusal().empty()) names.AddAlias(alias.resource(), alias.alias());
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return names;
}

PlaceNames ReadPlaceNames(const Context& context) {
  PlaceNames names = ReadAliases(context);
  sas::v1::ListEnclosuresRequest request;
  request.set_page_size(1000);
  do {
    const auto page =
        context.Call(*context.Stub<sas::v1::TopologyService>(),
                     &sas::v1::TopologyService::StubInterface::ListEnclosures, request);
    if (!page.ok()) break;
    for (const sas::v1::Enclosure& enclosure : page->enclosures()) names.Add(enclosure);
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  return names;
}

}  // namespace sasd::cli
