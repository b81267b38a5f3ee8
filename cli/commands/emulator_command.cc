#include "cli/commands/emulator_command.h"

#include <memory>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/output/columns.h"
#include "cli/output/format.h"
#include "cli/output/output_form.h"
#include "cli/output/record_printer.h"
#include "cli/output/table_printer.h"
#include "cli/query/filter.h"
#include "rpc/did_you_mean.h"
#include "sas/emulator/v1/emulator_service.grpc.pb.h"

namespace sasd::cli {
namespace {

using sas::emulator::v1::Element;
using Service = sas::emulator::v1::EmulatorService::StubInterface;

constexpr int kPageSize = 1000;

// Makes a call. A sasd without a virtual HBA does not offer the service.
template <typename Request, typename Response>
absl::StatusOr<Response> Call(const Context& context,
                              grpc::Status (Service::*method)(grpc::ClientContext*, const Request&,
                                                              Response*),
                              const Request& request) {
  absl::StatusOr<Response> response =
      context.Call(*context.Stub<sas::emulator::v1::EmulatorService>(), method, request);
  if (!absl::IsUnimplemented(response.status())) return response;
  return absl::FailedPreconditionError(absl::StrCat(
      "sasd at ", context.endpoint.address,
      " has no virtual HBA to act on; start one with: sasd --fabric demo --listen ADDRESS"));
}

// Makes a call, and prints nothing on success.
template <typename Request, typename Response>
absl::Status Do(const Context& context,
                grpc::Status (Service::*method)(grpc::ClientContext*, const Request&, Response*),
                const Request& request) {
  return Call(context, method, request).status();
}

// Returns true for the word `yes`, false for `no`.
absl::StatusOr<bool> ParseState(const std::string& word, const std::string& yes,
                                const std::string& no) {
  if (word == yes) return true;
  if (word == no) return false;
  return absl::InvalidArgumentError(
      absl::StrCat("\"", word, "\" is not ", yes, " or ", no, rpc::DidYouMean(word, {yes, no})));
}

// A rate in Gbit/s; 0 for none.
absl::StatusOr<sas::v1::LinkRate> ParseRate(double gbps) {
  constexpr std::pair<double, sas::v1::LinkRate> kRates[] = {
      {0, sas::v1::LINK_RATE_UNSPECIFIED}, {1.5, sas::v1::LINK_RATE_1_5_GBPS},
      {3, sas::v1::LINK_RATE_3_GBPS},      {6, sas::v1::LINK_RATE_6_GBPS},
      {12, sas::v1::LINK_RATE_12_GBPS},    {22.5, sas::v1::LINK_RATE_22_5_GBPS}};
  for (const auto& [number, rate] : kRates) {
    if (number == gbps) return rate;
  }
  return absl::InvalidArgumentError(
      absl::StrCat(gbps, " Gbit/s is no link rate; give 1.5, 3, 6, 12 or 22.5"));
}

const std::vector<Column>& ElementColumns() {
  const auto field = [](const char* key, const char* path) {
    Column column;
    column.key = key;
    column.value = [path](const google::protobuf::Message& m) { return FieldText(m, path); };
    return column;
  };
  static const auto& columns = *new std::vector<Column>{
      field("id", "id"),       field("kind", "kind"),
      field("state", "state"), field("enclosure", "enclosure"),
      field("slot", "slot"),   field("sas-addresses", "sas_addresses"),
  };
  return columns;
}

class IdPrinter : public RecordPrinter {
 public:
  explicit IdPrinter(std::ostream& out) : out_(out) {}
  void Print(const Page& page) override {
    for (const google::protobuf::Message* element : page) out_ << FieldText(*element, "id") << '\n';
  }

 private:
  std::ostream& out_;
};

std::unique_ptr<RecordPrinter> NewPrinter(Output output, bool headers, const Context& context) {
  std::ostream& out = context.out;
  switch (output) {
    case Output::kJson:
      return NewJsonPrinter(out);
    case Output::kJsonl:
      return NewJsonlPrinter(out);
    case Output::kYaml:
      return NewYamlPrinter(out);
    case Output::kName:
      return std::make_unique<IdPrinter>(out);
    default:
      return NewTablePrinter(out, DefaultColumns(ElementColumns(), false),
                             {headers, context.screen});
  }
}

void SetDuration(absl::Duration duration, google::protobuf::Duration* out) {
  const int64_t seconds = absl::ToInt64Seconds(duration);
  out->set_seconds(seconds);
  out->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration - absl::Seconds(seconds))));
}

}  // namespace

absl::Status RunElements(const ElementsOptions& options, const Context& context) {
  const auto output = ParseOutput(options.output);
  if (!output.ok()) return output.status();
  sas::emulator::v1::ListElementsRequest request;
  for (const std::string& kind : options.kinds) {
    const auto value = ParseEnum(*sas::emulator::v1::ElementKind_descriptor(), "KIND", kind);
    if (!value.ok()) return value.status();
    request.add_kinds(static_cast<sas::emulator::v1::ElementKind>(*value));
  }
  request.set_page_size(kPageSize);
  const auto printer = NewPrinter(*output, options.headers, context);
  do {
    const auto response = Call(context, &Service::ListElements, request);
    if (!response.ok()) return response.status();
    RecordPrinter::Page page;
    for (const Element& element : response->elements()) page.push_back(&element);
    printer->Print(page);
    request.set_page_token(response->next_page_token());
  } while (!request.page_token().empty() && context.Flush());
  printer->Finish();
  return absl::OkStatus();
}

absl::Status RunPull(const std::string& element, const Context& context) {
  sas::emulator::v1::PullRequest request;
  request.set_element(element);
  return Do(context, &Service::Pull, request);
}

absl::Status RunInsert(const std::string& element, const std::string& replacement_serial,
                       const Context& context) {
  sas::emulator::v1::InsertRequest request;
  request.set_element(element);
  request.set_replacement_serial(replacement_serial);
  return Do(context, &Service::Insert, request);
}

absl::Status RunSetPhy(const std::string& element, uint32_t phy, const std::string& state,
                       double gbps, const Context& context) {
  const auto up = ParseState(state, "up", "down");
  if (!up.ok()) return up.status();
  sas::emulator::v1::SetPhyRequest request;
  request.set_element(element);
  request.set_phy(phy);
  request.set_up(*up);
  const auto rate = ParseRate(gbps);
  if (!rate.ok()) return rate.status();
  request.set_link_rate(*rate);
  return Do(context, &Service::SetPhy, request);
}

absl::Status RunFlap(const FlapOptions& options, const Context& context) {
  sas::emulator::v1::FlapPhyRequest request;
  request.set_element(options.element);
  request.set_phy(options.phy);
  request.set_count(options.count);
  SetDuration(options.interval, request.mutable_interval());
  return Do(context, &Service::FlapPhy, request);
}

absl::Status RunSetExpander(const std::string& element, const std::string& state,
                            const Context& context) {
  const auto present = ParseState(state, "regain", "lose");
  if (!present.ok()) return present.status();
  sas::emulator::v1::SetExpanderRequest request;
  request.set_element(element);
  request.set_present(*present);
  return Do(context, &Service::SetExpander, request);
}

absl::Status RunSetPower(const std::string& enclosure, const std::string& state,
                         const Context& context) {
  const auto on = ParseState(state, "on", "off");
  if (!on.ok()) return on.status();
  sas::emulator::v1::SetEnclosurePowerRequest request;
  request.set_element(enclosure);
  request.set_on(*on);
  return Do(context, &Service::SetEnclosurePower, request);
}

absl::Status RunReset(const std::string& host, const Context& context) {
  sas::emulator::v1::ResetHostRequest request;
  request.set_element(host);
  return Do(context, &Service::ResetHost, request);
}

absl::Status RunDiscoveryError(const std::string& element, uint32_t status,
                               const Context& context) {
  sas::emulator::v1::InjectDiscoveryErrorRequest request;
  request.set_element(element);
  request.set_discovery_status(status);
  return Do(context, &Service::InjectDiscoveryError, request);
}

absl::Status RunFault(const FaultOptions& options, const Context& context) {
  const auto kind = ParseEnum(*sas::emulator::v1::FaultKind_descriptor(), "KIND", options.kind);
  if (!kind.ok()) return kind.status();
  sas::emulator::v1::InjectFaultRequest request;
  request.set_element(options.host);
  request.set_kind(static_cast<sas::emulator::v1::FaultKind>(*kind));
  request.set_count(options.count);
  SetDuration(options.delay, request.mutable_delay());
  return Do(context, &Service::InjectFault, request);
}

}  // namespace sasd::cli
