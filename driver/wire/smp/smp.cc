#include "driver/wire/smp/smp.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "driver/wire/layout.h"
#include "driver/wire/text.h"

namespace sasd::mpi {
namespace {

// SPL-4, 9.4.2 and 9.4.3: frame types.
constexpr uint8_t kRequestFrame = 0x40, kResponseFrame = 0x41;
constexpr size_t kHeaderSize = 4;

struct FunctionForm {
  SmpFunction function;
  absl::string_view text;
  uint8_t request_dwords;  // after the header
  // Functions of SAS-1.1: REQUEST LENGTH may be 0, and its response has this many dwords.
  bool is_old;
  uint8_t old_response_dwords;
};

// SPL-4, 9.4.4: each function's request, and the length of its response if RESPONSE LENGTH is 00h.
constexpr FunctionForm kFunctions[] = {
    {SmpFunction::kReportGeneral, "report general", 0, true, 6},
    {SmpFunction::kReportManufacturer, "report manufacturer information", 0, true, 14},
    {SmpFunction::kReportSelfConfigurationStatus, "report self-configuration status", 1, false, 0},
    {SmpFunction::kDiscover, "discover", 2, true, 12},
    {SmpFunction::kReportPhyErrorLog, "report phy error log", 2, true, 6},
    {SmpFunction::kReportPhySata, "report phy SATA", 2, true, 13},
    {SmpFunction::kReportRouteInformation, "report route information", 2, true, 9},
    {SmpFunction::kReportPhyEvent, "report phy event", 2, false, 0},
    {SmpFunction::kDiscoverList, "discover list", 6, false, 0},
    {SmpFunction::kReportExpanderRouteTableList, "report expander route table list", 6, false, 0},
    {SmpFunction::kConfigureGeneral, "configure general", 4, false, 0},
    {SmpFunction::kPhyControl, "phy control", 9, true, 0},
};

const FunctionForm* FormOf(SmpFunction function) {
  for (const FunctionForm& form : kFunctions) {
    if (form.function == function) return &form;
  }
  return nullptr;
}

size_t RequestSize(const FunctionForm& form) { return kHeaderSize + 4 * form.request_dwords; }

// SPL-4, "FUNCTION RESULT field".
constexpr Word kResults[] = {
    {0x00, "accepted"},
    {0x01, "unknown function"},
    {0x02, "function failed"},
    {0x03, "invalid request frame length"},
    {0x04, "invalid expander change count"},
    {0x05, "busy"},
    {0x06, "incomplete descriptor list"},
    {0x10, "phy does not exist"},
    {0x11, "index does not exist"},
    {0x12, "phy does not support SATA"},
    {0x13, "unknown phy operation"},
    {0x14, "unknown phy test function"},
    {0x15, "phy test in progress"},
    {0x16, "phy vacant"},
    {0x17, "unknown phy event source"},
    {0x18, "unknown descriptor type"},
    {0x19, "unknown phy filter"},
    {0x1A, "affiliation violation"},
    {0x20, "zone violation"},
    {0x21, "no management access rights"},
};

constexpr Word kOperations[] = {
    {0x00, "no operation"},
    {0x01, "link reset"},
    {0x02, "hard reset"},
    {0x03, "disable"},
    {0x05, "clear error log"},
    {0x06, "clear affiliation"},
    {0x07, "transmit SATA port selection signal"},
    {0x08, "clear STP I_T nexus loss"},
    {0x09, "set attached device name"},
};

// The offset of a function's phy; 0: it has none.
size_t PhyOffset(SmpFunction function) {
  switch (function) {
    case SmpFunction::kDiscover:
    case SmpFunction::kReportPhyErrorLog:
    case SmpFunction::kReportPhySata:
    case SmpFunction::kReportRouteInformation:
    case SmpFunction::kReportPhyEvent:
    case SmpFunction::kPhyControl:
      return 9;
    case SmpFunction::kDiscoverList:
      return 8;
    case SmpFunction::kReportExpanderRouteTableList:
      return 19;
    default:
      return 0;
  }
}

// CONFIGURE GENERAL request.
template <typename Io, typename Configuration>
void ConfigurationLayout(const Io& io, Configuration& c) {
  io(6, c.ssp_connect_time_100us);
  io(8, c.update);
  io(9, c.open_delay_100ns);
  io(10, c.stp_bus_inactivity_100us);
  io(12, c.stp_connect_time_100us);
  io(14, c.nexus_loss_ms);
  io(16, c.reduced_function_100ms);
  io(17, c.power_done_s);
  io(18, c.stp_reject_to_open_10us);
}

// The caller checks that `frame` has the function's size.
void DecodeBody(ByteSpan frame, SmpRequest& request) {
  if (const size_t at = PhyOffset(request.function); at != 0) request.phy = PhyId(frame[at]);
  switch (request.function) {
    case SmpFunction::kReportSelfConfigurationStatus:
    case SmpFunction::kReportRouteInformation:
      request.index = LoadBe16(frame, 6);
      break;
    case SmpFunction::kReportPhySata:
      request.affiliation_context = frame[10];
      break;
    case SmpFunction::kDiscoverList:
      request.max_descriptors = frame[9];
      request.filter = static_cast<PhyFilter>(frame[10] & 0x0F);
      request.descriptor_type = static_cast<DescriptorType>(frame[11] & 0x0F);
      break;
    case SmpFunction::kReportExpanderRouteTableList:
      request.max_descriptors = LoadBe16(frame, 8);
      request.index = LoadBe16(frame, 10);
      break;
    case SmpFunction::kConfigureGeneral:
      request.expected_change_count = LoadBe16(frame, 4);
      ConfigurationLayout(BeLoader(frame), request.configuration);
      break;
    case SmpFunction::kPhyControl:
      request.expected_change_count = LoadBe16(frame, 4);
      request.operation = static_cast<PhyOperation>(frame[10]);
      request.programmed_min = LinkRateFromNibble(frame[32] >> 4);
      request.programmed_max = LinkRateFromNibble(frame[33] >> 4);
      break;
    default:
      break;
  }
}

void EncodeBody(const SmpRequest& request, MutableByteSpan out) {
  if (const size_t at = PhyOffset(request.function); at != 0) out[at] = request.phy.value();
  switch (request.function) {
    case SmpFunction::kReportSelfConfigurationStatus:
    case SmpFunction::kReportRouteInformation:
      StoreBe16(out, 6, request.index);
      break;
    case SmpFunction::kReportPhySata:
      out[10] = request.affiliation_context;
      break;
    case SmpFunction::kDiscoverList:
      out[9] = static_cast<uint8_t>(std::min<uint16_t>(request.max_descriptors, 0xFF));
      out[10] = static_cast<uint8_t>(request.filter) & 0x0F;
      out[11] = static_cast<uint8_t>(request.descriptor_type) & 0x0F;
      break;
    case SmpFunction::kReportExpanderRouteTableList:
      StoreBe16(out, 8, request.max_descriptors);
      StoreBe16(out, 10, request.index);
      break;
    case SmpFunction::kConfigureGeneral:
      StoreBe16(out, 4, request.expected_change_count);
      ConfigurationLayout(BeStorer(out), request.configuration);
      break;
    case SmpFunction::kPhyControl:
      StoreBe16(out, 4, request.expected_change_count);
      out[10] = static_cast<uint8_t>(request.operation);
      out[32] = static_cast<uint8_t>(static_cast<uint8_t>(request.programmed_min) << 4);
      out[33] = static_cast<uint8_t>(static_cast<uint8_t>(request.programmed_max) << 4);
      break;
    default:
      break;
  }
}

}  // namespace

std::string ToString(SmpResult result) {
  return TextOf(kResults, static_cast<uint32_t>(result), "function result");
}
std::string ToString(SmpFunction function) {
  const FunctionForm* const form = FormOf(function);
  if (form != nullptr) return std::string(form->text);
  return TextOf({}, static_cast<uint32_t>(function), "function");
}
std::string ToString(PhyOperation operation) {
  return TextOf(kOperations, static_cast<uint32_t>(operation), "phy operation");
}
std::string ToString(const SmpRequest& request) {
  std::string text = absl::StrCat("SMP ", ToString(request.function));
  if (PhyOffset(request.function) != 0) absl::StrAppend(&text, ", phy ", request.phy.value());
  if (request.function == SmpFunction::kPhyControl) {
    absl::StrAppend(&text, ", ", ToString(request.operation));
  }
  return text;
}

absl::StatusOr<SmpRequest> DecodeSmpRequest(ByteSpan frame) {
  if (absl::Status s = CheckSize("SMP request", frame, kHeaderSize); !s.ok()) return s;
  if (frame[0] != kRequestFrame) {
    return absl::InvalidArgumentError(
        absl::StrFormat("SMP request: frame type 0x%02x, 0x40 is needed", frame[0]));
  }
  SmpRequest request;
  request.function = static_cast<SmpFunction>(frame[1]);
  request.allocated_dwords = frame[2];
  const FunctionForm* const form = FormOf(request.function);
  if (form == nullptr) return request;
  if (frame[3] != form->request_dwords && !(form->is_old && frame[3] == 0)) {
    return absl::InvalidArgumentError(absl::StrFormat("SMP %s request: length %d, %d is needed",
                                                      form->text, frame[3], form->request_dwords));
  }
  const size_t size = RequestSize(*form);
  if (frame.size() != size) {
    return absl::InvalidArgumentError(
        absl::StrFormat("SMP %s request: %d bytes, %d are needed", form->text, frame.size(), size));
  }
  DecodeBody(frame, request);
  return request;
}

Bytes EncodeSmpRequest(const SmpRequest& request) {
  const FunctionForm* const form = FormOf(request.function);
  Bytes frame(form == nullptr ? kHeaderSize : RequestSize(*form));
  frame[0] = kRequestFrame;
  frame[1] = static_cast<uint8_t>(request.function);
  frame[2] = request.allocated_dwords;
  frame[3] = static_cast<uint8_t>(frame.size() / 4 - 1);
  EncodeBody(request, absl::MakeSpan(frame));
  return frame;
}

Bytes NewSmpResponse(SmpFunction function, size_t size) {
  Bytes frame(size);
  frame[0] = kResponseFrame;
  frame[1] = static_cast<uint8_t>(function);
  frame[2] = static_cast<uint8_t>(SmpResult::kAccepted);
  frame[3] = static_cast<uint8_t>(size / 4 - 1);
  return frame;
}

Bytes EncodeSmpResult(SmpFunction function, SmpResult result) {
  Bytes frame = NewSmpResponse(function, kHeaderSize);
  frame[2] = static_cast<uint8_t>(result);
  return frame;
}

void FitSmpResponse(const SmpRequest& request, Bytes& frame) {
  size_t dwords = request.allocated_dwords;
  const FunctionForm* const form = FormOf(request.function);
  if (dwords == 0 && form != nullptr && form->is_old) {
    frame[3] = 0;
    dwords = form->old_response_dwords;
  }
  frame.resize(std::min(frame.size(), kHeaderSize + 4 * dwords));
}

absl::Status CheckSmpResponse(SmpFunction function, ByteSpan frame, size_t needed) {
  if (absl::Status s = CheckSize("SMP response", frame, kHeaderSize); !s.ok()) return s;
  if (frame[0] != kResponseFrame || frame[1] != static_cast<uint8_t>(function)) {
    return absl::InvalidArgumentError(
        absl::StrFormat("SMP response: frame type 0x%02x function 0x%02x answers function 0x%02x",
                        frame[0], frame[1], static_cast<uint8_t>(function)));
  }
  const auto result = static_cast<SmpResult>(frame[2]);
  if (result != SmpResult::kAccepted) {
    return absl::FailedPreconditionError(
        absl::StrCat("SMP ", ToString(function), ": ", ToString(result)));
  }
  return CheckSize(absl::StrCat("SMP ", ToString(function), " response"), frame, needed);
}

}  // namespace sasd::mpi
