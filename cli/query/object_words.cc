#include "cli/query/object_words.h"

#include <set>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "cli/output/format.h"
#include "cli/query/lister.h"
#include "sas/emulator/v1/emulator_service.grpc.pb.h"
#include "sas/v1/alias_service.grpc.pb.h"

namespace sasd::cli {
namespace {

using google::protobuf::Message;
using sas::v1::ResourceKind;

// Adds the values of `shown` of the objects whose text `field` begins with `part`. `field` is empty
// for all objects.
void AddPage(const Context& context, ResourceKind kind, const std::string& field,
             absl::string_view part, const std::vector<std::string>& shown,
             std::set<std::string>& words) {
  sas::v1::Filter filter;
  if (!field.empty() && !part.empty()) {
    sas::v1::Condition& condition = *filter.add_conditions();
    condition.set_field(field);
    condition.set_operator_(sas::v1::OPERATOR_EQUAL);
    condition.add_values(
        absl::StrCat(absl::StrReplaceAll(part, {{"\\", "\\\\"}, {"*", "\\*"}, {"?", "\\?"}}), "*"));
  }
  const absl::Status status = ListPages(
      context, kind, filter, sas::v1::VIEW_BASIC, [&](const std::vector<const Message*>& page) {
        for (const Message* message : page) {
          for (const std::string& path : shown) {
            for (const absl::string_view value : absl::StrSplit(FieldText(*message, path), ',')) {
              if (!value.empty() && absl::StartsWith(value, part)) words.emplace(value);
            }
          }
        }
        return false;  // one page is enough
      });
  (void)status;  // then there are no words
}

bool Wants(const std::vector<ResourceKind>& kinds, ResourceKind kind) {
  return kinds.empty() || absl::c_linear_search(kinds, kind);
}

// Block devices of drives that begin with `part`: they are in the paths.
void AddBlockDevices(const Context& context, absl::string_view part, std::set<std::string>& words) {
  if (part.empty()) return;
  AddPage(context, sas::v1::RESOURCE_KIND_LOGICAL_UNIT, "block_device", part, {"paths"}, words);
}

}  // namespace

std::vector<std::string> ObjectWords(const Context& context, absl::string_view part,
                                     const std::vector<ResourceKind>& kinds) {
  std::set<std::string> words;
  if (Wants(kinds, sas::v1::RESOURCE_KIND_HOST)) {
    AddPage(context, sas::v1::RESOURCE_KIND_HOST, "", part, {"alias", "os_name", "sas_address"},
            words);
  }
  if (Wants(kinds, sas::v1::RESOURCE_KIND_EXPANDER)) {
    AddPage(context, sas::v1::RESOURCE_KIND_EXPANDER, "", part, {"os_name", "sas_address"}, words);
  }
  if (Wants(kinds, sas::v1::RESOURCE_KIND_ENCLOSURE)) {
    AddPage(context, sas::v1::RESOURCE_KIND_ENCLOSURE, "", part, {"alias", "model", "logical_id"},
            words);
  }
  if (Wants(kinds, sas::v1::RESOURCE_KIND_LOGICAL_UNIT)) {
    AddPage(context, sas::v1::RESOURCE_KIND_LOGICAL_UNIT, "serial", part, {"serial"}, words);
    AddBlockDevices(context, part, words);
  }
  if (!kinds.empty() && Wants(kinds, sas::v1::RESOURCE_KIND_END_DEVICE)) {
    AddPage(context, sas::v1::RESOURCE_KIND_END_DEVICE, "serial", part, {"serial"}, words);
  }
  return {words.begin(), words.end()};
}

std::vector<std::string> FieldWords(const Context& context, ResourceKind kind,
                                    const std::string& field, absl::string_view part) {
  std::set<std::string> words;
  AddPage(context, kind, field, part, {field == "block_device" ? "paths" : field}, words);
  return {words.begin(), words.end()};
}

std::vector<std::string> AliasWords(const Context& context) {
  sas::v1::ListAliasesRequest request;
  request.set_page_size(1000);
  const auto response = context.Call(*context.Stub<sas::v1::AliasService>(),
                                     &sas::v1::AliasService::StubInterface::ListAliases, request);
  std::vector<std::string> words;
  if (!response.ok()) return words;
  for (const sas::v1::Alias& alias : response->aliases()) words.push_back(alias.alias());
  return words;
}

std::vector<std::string> ElementWords(const Context& context) {
  sas::emulator::v1::ListElementsRequest request;
  request.set_page_size(1000);
  const auto response =
      context.Call(*context.Stub<sas::emulator::v1::EmulatorService>(),
                   &sas::emulator::v1::EmulatorService::StubInterface::ListElements, request);
  std::vector<std::string> words;
  if (!response.ok()) return words;
  for (const auto& element : response->elements()) words.push_back(element.id());
  return words;
}

}  // namespace sasd::cli
