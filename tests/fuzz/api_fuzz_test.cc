// Input of clients and users: filters, page tokens and queries of the API, and filters of sasctl.
// Any bytes give a value or an error with a message. sasctl prints any response as whole lines.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/output/json.h"
#include "cli/output/nouns.h"
#include "cli/output/output_form.h"
#include "cli/output/yaml.h"
#include "cli/query/fake_sasd.h"
#include "cli/query/filter.h"
#include "cli/query/rpc_details.h"
#include "cli/query/watch_filter.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/fake_pump.h"
#include "daemon/service/find.h"
#include "daemon/service/list_filters.h"
#include "daemon/service/watch_filter.h"
#include "daemon/service/wire.h"
#include "google/protobuf/stubs/logging.h"
#include "rpc/did_you_mean.h"
#include "rpc/page.h"
#include "sas/v1/topology_service.pb.h"
#include "tests/fuzz/properties.h"

namespace sasd {
namespace {

using fuzz::Check;

void CheckStatus(const grpc::Status& status) {
  if (status.ok()) return;
  Check(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT,
        "a bad field gives INVALID_ARGUMENT");
  Check(!status.error_message().empty(), "an error has a message");
  const cli::RpcDetails details = cli::DecodeDetails(status.error_details());
  Check(!details.violations.empty(), "an error names the field");
}

// ------------------------------------------------------------------------------------- sasd

std::shared_ptr<const registry::Topology> MakeTopology() {
  registry::SelfPublishingRegistry registry({"00000000000000aa", 0});
  EndDeviceFacts drive = registry::Drive(registry::kHostA, 0x11);
  drive.os_name = "end_device-5:0:1";
  LogicalUnitFacts unit = registry::Unit(registry::kHostA, 0x11, "naa.5000c500a7b26111");
  unit.serial = "ZA10000";
  unit.block_device = "sdb";
  EnclosureFacts enclosure;
  enclosure.key = registry::kEnclosure;
  registry.Observe(registry::Batch({registry::HostOf(registry::kHostA),
                                    registry::ExpanderOn(registry::kHostA), enclosure, drive, unit,
                                    registry::PhyTo(NodeKey::Host(registry::kHostA), 0,
                                                    registry::kExpander, 1, LinkRate::k12Gbps)}));
  return registry.Snapshot();
}

const registry::Topology& Picture() {
  static const auto* const topology = new auto(MakeTopology());
  return **topology;
}

void CheckPageSize(ByteSpan bytes) {
  if (bytes.size() < 4) return;
  size_t page = 0;
  const grpc::Status status = rpc::ReadPageSize(static_cast<int32_t>(LoadLe32(bytes, 0)), &page);
  CheckStatus(status);
  Check(!status.ok() || (page > 0 && page <= rpc::kMaximumPageSize),
        "a page size is within its limits");
}

// A resource passes a condition, or the same condition with NOT_EQUAL.
template <typename Resource>
void CheckNegation(sas::v1::Filter filter, const service::Predicate<Resource>& equal) {
  sas::v1::Condition& condition = *filter.mutable_conditions(0);
  if (condition.operator_() != sas::v1::OPERATOR_EQUAL) return;
  condition.set_operator_(sas::v1::OPERATOR_NOT_EQUAL);
  service::Predicate<Resource> different;
  Check(service::ReadFilter(filter, Picture(), &different).ok(),
        "what can be equal can be different");
  for (const auto& resource : Picture().collection<Resource>()) {
    Check(equal(*resource) != different(*resource), "a resource is equal or different");
  }
}

// Reads a filter for one kind, then applies it to every resource.
template <typename Resource>
void CheckListFilter(const sas::v1::Filter& filter) {
  service::Predicate<Resource> predicate;
  const grpc::Status status = service::ReadFilter(filter, Picture(), &predicate);
  CheckStatus(status);
  if (!status.ok()) return;
  const auto& all = Picture().collection<Resource>();
  if (filter.ByteSizeLong() == 0) {
    for (const auto& resource : all) Check(predicate(*resource), "an empty filter passes all");
    return;
  }
  for (const auto& resource : all) (void)predicate(*resource);
  if (filter.conditions_size() != 1 || !filter.hosts().empty()) return;
  CheckNegation(filter, predicate);
}

void CheckFilters(const std::string& bytes) {
  sas::v1::Filter filter;
  if (!filter.ParseFromString(bytes)) return;
  CheckListFilter<registry::Host>(filter);
  CheckListFilter<registry::Phy>(filter);
  CheckListFilter<registry::Port>(filter);
  CheckListFilter<registry::Expander>(filter);
  CheckListFilter<registry::EndDevice>(filter);
  CheckListFilter<registry::LogicalUnit>(filter);
  CheckListFilter<registry::Enclosure>(filter);
  CheckListFilter<registry::Slot>(filter);
  watch::Filter read({}, {});
  const registry::Topology nothing(registry::Tables(), 0, "");
  CheckStatus(service::ReadWatchFilter(filter, {nothing}, &read));
}

void CheckPages(const std::string& text) {
  sas::v1::Filter filter;
  filter.add_hosts("hosts/1");
  const google::protobuf::Message* const filters[] = {nullptr, &filter};
  for (const auto* of : filters) {
    std::string last;
    CheckStatus(rpc::ReadPageToken(text, of, &last));
    const std::string token = rpc::MakePageToken(text, of);
    Check(rpc::ReadPageToken(token, of, &last).ok() && last == text,
          "a page token returns its name");
    const auto* const other = of == nullptr ? &filter : nullptr;
    Check(!rpc::ReadPageToken(token, other, &last).ok(), "another listing refuses a page token");
  }
}

void CheckFind(absl::string_view text) {
  const service::FoundResources found = service::FindResources(Picture(), text, {});
  Check(found.suggestions.size() <= 5, "there are at most 5 suggestions");
  Check(found.resources.empty() || found.suggestions.empty(),
        "a query with results has no suggestions");
  const service::FoundResources drives =
      service::FindResources(Picture(), text, {registry::ResourceKind::kEndDevice});
  Check(drives.resources.size() <= 1, "at most one end device is found");
}

// ----------------------------------------------------------------------------------- sasctl

cli::FakeSasd& Sasd() {
  static cli::FakeSasd* const sasd = [] {
    auto* made = new cli::FakeSasd();
    made->topology.Add(cli::ParseResource(R"(host { name: "hosts/1" })"), {"host1"});
    return made;
  }();
  return *sasd;
}

// The first word is a noun. The other words are its filters.
void CheckUserFilters(const std::string& text) {
  const std::vector<std::string> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
  if (words.empty()) return;
  const auto conditions =
      cli::ParseConditions(std::vector<std::string>(words.begin() + 1, words.end()));
  if (!conditions.ok()) return fuzz::CheckError(conditions.status());
  for (const cli::Condition& condition : *conditions) {
    Check(!condition.key.empty() && !condition.values.empty(), "a condition has a key and values");
  }
  const auto noun = cli::FindNoun(words[0]);
  if (!noun.ok()) {
    return Check(absl::StrContains(noun.status().message(), words[0]), "an error names the noun");
  }
  const auto selection = cli::SelectResources(Sasd().context(), **noun, *conditions);
  if (!selection.ok()) return fuzz::CheckError(selection.status());
  // sasctl applies a selection only to resources of the noun's kind.
  sas::v1::Resource resource;
  const google::protobuf::OneofDescriptor& kinds = *resource.GetDescriptor()->oneof_decl(0);
  for (int i = 0; i < kinds.field_count(); ++i) {
    const google::protobuf::Message& listed =
        *resource.GetReflection()->MutableMessage(&resource, kinds.field(i));
    if (cli::KindOf(resource) == (*noun)->kind) (void)selection->Admits(listed);
  }
}

void CheckWords(const std::string& text) {
  if (const auto output = cli::ParseOutput(text); !output.ok()) fuzz::CheckError(output.status());
  const std::vector<std::string> known = {"drives", "slots", "expanders"};
  Check(rpc::CloseTo(text, known).size() <= 3, "there are at most 3 close words");
  (void)cli::DecodeDetails(text);
  if (absl::StrContains(text, '\n')) {
    const std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
    const auto filter = cli::ParseWatchFilter(lines, Sasd().context());
    if (!filter.ok()) fuzz::CheckError(filter.status());
  }
}

void CheckPrinting(const std::string& bytes) {
  const std::string quoted = cli::JsonString(bytes);
  Check(quoted.size() >= 2 && !cli::HasControls(quoted), "a JSON string is one line");
  Check(!cli::HasControls(cli::YamlString(bytes)), "a YAML scalar is one line");
  sas::v1::Resource resource;
  if (!resource.ParseFromString(bytes)) return;
  const std::string json = cli::ToJson(resource);
  Check(!cli::HasControls(json), "JSON is one line");
  Check(!cli::JsonToYaml(json).empty(), "YAML is not empty");
}

}  // namespace
}  // namespace sasd

namespace {

// Whether a message can carry the text. gRPC refuses strings that are not UTF-8 before sasd sees
// them.
bool CanBeSent(const std::string& text) {
  std::string bytes;
  sasd::service::AppendBytes(sas::v1::FindResourcesRequest::kQueryFieldNumber, text, bytes);
  return sas::v1::FindResourcesRequest().ParseFromString(bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(sasd::fuzz::TextOf({data, size}));
  google::protobuf::SetLogHandler(nullptr);
  sasd::CheckPageSize({data, size});
  sasd::CheckFilters(text);
  if (CanBeSent(text)) {
    sasd::CheckPages(text);
    sasd::CheckFind(text);
  }
  sasd::CheckUserFilters(text);
  sasd::CheckWords(text);
  sasd::CheckPrinting(text);
  return 0;
}
