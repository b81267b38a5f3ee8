#include "tests/support/step.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace sasd::testing {
namespace {

using emulator::FaultKind;
using Kind = Step::Kind;

// The text form of a kind: its word, and the members that follow.
struct Syntax {
  Kind kind;
  absl::string_view word;
  bool element;
  int numbers;
  bool text;  // optional
};

constexpr Syntax kSyntax[] = {
    {Kind::kPull, "pull", true, 0, false},
    {Kind::kInsert, "insert", true, 0, true},
    {Kind::kInsertFailing, "insert-failing", true, 1, false},
    {Kind::kPhyDown, "phy-down", true, 1, false},
    {Kind::kPhyUp, "phy-up", true, 2, false},
    {Kind::kLoseExpander, "lose", true, 0, false},
    {Kind::kReturnExpander, "return", true, 0, false},
    {Kind::kPowerOff, "power-off", true, 0, false},
    {Kind::kPowerOn, "power-on", true, 0, false},
    {Kind::kDeviceStatus, "status", true, 1, false},
    {Kind::kDiscoveryError, "discovery-error", true, 1, false},
    {Kind::kBroadcast, "broadcast", true, 2, false},
    {Kind::kReset, "reset", true, 0, false},
    {Kind::kIocFault, "ioc-fault", true, 1, false},
    {Kind::kPageFaults, "page-faults", true, 1, false},
    {Kind::kSmpFaults, "smp-faults", true, 1, false},
    {Kind::kEventsLost, "events-lost", true, 1, false},
    {Kind::kEventsDoubled, "events-doubled", true, 1, false},
    {Kind::kEventsTruncated, "events-truncated", true, 1, false},
    {Kind::kEventsReordered, "events-reordered", true, 1, false},
    {Kind::kCredit, "credit", true, 1, false},
    {Kind::kWork, "work", true, 1, false},
    {Kind::kAttach, "attach", true, 0, false},
    {Kind::kAttachBegin, "attach-begin", true, 0, false},
    {Kind::kAttachAsk, "attach-ask", true, 0, false},
    {Kind::kAttachEnd, "attach-end", true, 0, false},
    {Kind::kRescan, "rescan", true, 0, false},
    {Kind::kAdvance, "advance", false, 1, false},
    {Kind::kQuiet, "quiet", false, 0, false},
};

absl::Status Insert(const Step& step, emulator::VirtualFabric& fabric) {
  const auto pulled = fabric.Read([&step](const emulator::FabricState& state) {
    const auto& devices = state.spec().devices;
    const auto it = std::find_if(devices.begin(), devices.end(),
                                 [&step](const auto& device) { return device.id == step.element; });
    return it != devices.end() &&
           !state.device_present(static_cast<uint32_t>(it - devices.begin()));
  });
  if (!pulled) return absl::FailedPreconditionError(absl::StrCat(step.element, " is not pulled"));
  // An error means that it has this status already.
  (void)fabric.SetAccessStatus(step.element, static_cast<uint8_t>(step.a));
  return fabric.Insert(step.element, step.text).status();
}

}  // namespace

std::string ToString(const Step& step) {
  const Syntax& syntax = kSyntax[static_cast<size_t>(step.kind)];
  std::string text = step.inside == 0 ? "" : absl::StrCat("@", step.inside, " ");
  absl::StrAppend(&text, syntax.word);
  if (syntax.element) absl::StrAppend(&text, " ", step.element);
  if (syntax.numbers > 0) absl::StrAppend(&text, " ", step.a);
  if (syntax.numbers > 1) absl::StrAppend(&text, " ", step.b);
  if (!step.text.empty()) absl::StrAppend(&text, " ", step.text);
  return text;
}

absl::StatusOr<Step> ParseStep(absl::string_view text) {
  const auto error = absl::InvalidArgumentError(absl::StrCat("not a step: \"", text, "\""));
  std::vector<absl::string_view> words = absl::StrSplit(text, ' ', absl::SkipEmpty());
  std::reverse(words.begin(), words.end());  // words are taken from the end
  const auto take = [&words] {
    const absl::string_view word = words.empty() ? absl::string_view() : words.back();
    if (!words.empty()) words.pop_back();
    return word;
  };
  Step step;
  absl::string_view word = take();
  if (absl::ConsumePrefix(&word, "@")) {
    if (!absl::SimpleAtoi(word, &step.inside)) return error;
    word = take();
  }
  const auto* const syntax = std::find_if(std::begin(kSyntax), std::end(kSyntax),
                                          [word](const Syntax& s) { return s.word == word; });
  if (syntax == std::end(kSyntax)) return error;
  step.kind = syntax->kind;
  if (syntax->element) step.element = std::string(take());
  if (syntax->element && step.element.empty()) return error;
  if (syntax->numbers > 0 && !absl::SimpleAtoi(take(), &step.a)) return error;
  if (syntax->numbers > 1 && !absl::SimpleAtoi(take(), &step.b)) return error;
  if (syntax->text) step.text = std::string(take());
  if (!words.empty()) return error;
  return step;
}

absl::Status Perform(const Step& step, emulator::VirtualFabric& fabric) {
  const std::string& id = step.element;
  switch (step.kind) {
    case Kind::kPull:
      return fabric.Pull(id);
    case Kind::kInsert:
    case Kind::kInsertFailing:
      return Insert(step, fabric);
    case Kind::kPhyDown:
      return fabric.SetPhy(id, step.a, false);
    case Kind::kPhyUp:
      return fabric.SetPhy(id, step.a, true, step.b);
    case Kind::kLoseExpander:
      return fabric.SetExpander(id, false);
    case Kind::kReturnExpander:
      return fabric.SetExpander(id, true);
    case Kind::kPowerOff:
      return fabric.SetEnclosurePower(id, false);
    case Kind::kPowerOn:
      return fabric.SetEnclosurePower(id, true);
    case Kind::kDeviceStatus:
      return fabric.InjectDeviceStatus(id, static_cast<uint8_t>(step.a));
    case Kind::kDiscoveryError:
      return fabric.InjectDiscoveryError(id, step.a);
    case Kind::kBroadcast:
      return fabric.InjectBroadcast(id, static_cast<uint8_t>(step.a), static_cast<uint8_t>(step.b));
    case Kind::kReset:
      return fabric.ResetHost(id);
    case Kind::kIocFault:
      return fabric.InjectFault(id, FaultKind::kIocFault, 1, absl::Milliseconds(step.a));
    case Kind::kPageFaults:
      return fabric.InjectFault(id, FaultKind::kPageReadFails, step.a);
    case Kind::kSmpFaults:
      return fabric.InjectFault(id, FaultKind::kSmpTimeout, step.a);
    case Kind::kEventsLost:
      return fabric.InjectFault(id, FaultKind::kEventLost, step.a);
    case Kind::kEventsDoubled:
      return fabric.InjectFault(id, FaultKind::kEventDuplicated, step.a);
    case Kind::kEventsTruncated:
      return fabric.InjectFault(id, FaultKind::kEventTruncated, step.a);
    case Kind::kEventsReordered:
      return fabric.InjectFault(id, FaultKind::kEventsReordered, step.a);
    case Kind::kCredit:
    case Kind::kWork:
    case Kind::kAttach:
    case Kind::kAttachBegin:
    case Kind::kAttachAsk:
    case Kind::kAttachEnd:
    case Kind::kRescan:
    case Kind::kAdvance:
    case Kind::kQuiet:
      break;
  }
  return absl::UnimplementedError(ToString(step));
}

std::string ToString(const Script& script) {
  std::string text =
      absl::StrCat(script.large ? "large-fabric " : "fabric ", script.fabric_seed, "\n");
  for (const Step& step : script.steps) absl::StrAppend(&text, ToString(step), "\n");
  return text;
}

absl::StatusOr<Script> ParseScript(absl::string_view text) {
  Script script;
  bool has_fabric = false;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripAsciiWhitespace(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    script.large |= absl::StartsWith(line, "large-");
    absl::ConsumePrefix(&line, "large-");
    if (absl::ConsumePrefix(&line, "fabric ")) {
      has_fabric = absl::SimpleAtoi(line, &script.fabric_seed);
      continue;
    }
    absl::StatusOr<Step> step = ParseStep(line);
    if (!step.ok()) return step.status();
    script.steps.push_back(*std::move(step));
  }
  if (!has_fabric) return absl::InvalidArgumentError("the script has no line \"fabric SEED\"");
  return script;
}

}  // namespace sasd::testing
