#include "cli/output/event_output.h"

#include "cli/output/event_act_printer.h"
#include "cli/output/event_lines.h"
#include "cli/output/event_objects.h"
#include "cli/output/output_form.h"

namespace sasd::cli {
absl::StatusOr<std::unique_ptr<EventPrinter>> NewEventPrinter(absl::string_view output,
                                                              std::ostream& out,
                                                              const EventStyle& style) {
  const auto form = ParseOutput(output);
  if (!form.ok()) return form.status();
  switch (*form) {
    case Output::kTable:
    case Output::kWide:
      if (style.verbose) return NewEventLinePrinter(out, style.paint, style.clock, style.places);
      return NewEventActPrinter(out, style);
    case Output::kJson:
    case Output::kJsonl:
      return NewEventJsonlPrinter(out);
    case Output::kYaml:
      return NewEventYamlPrinter(out);
    case Output::kName:
      break;
  }
  return absl::InvalidArgumentError("events have no names; use -o table, jsonl or yaml");
}

}  // namespace sasd::cli
