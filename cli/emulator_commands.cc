#include "cli/emulator_commands.h"

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "cli/common_options.h"

namespace sasd::cli {
namespace {

constexpr char kElement[] = "Name in the fabric, SAS address, or enclosure/slot";

absl::Status ReadDuration(const char* option, const std::string& text, absl::Duration* duration) {
  if (absl::ParseDuration(text, duration)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      option, " \"", text, "\" is not a duration; give one such as 1s, 500ms or 100ms"));
}

}  // namespace

void EmulatorCommands::Declare(Command& root) {
  Command& emulator = root.AddCommand("emulator", "Act on the fabric of a virtual HBA");
  emulator.examples = {"emulator list", "emulator pull jbod1-disk03", "emulator phy hba0 3 down",
                       "emulator expander jbod1-a lose"};
  Command& list = emulator.AddCommand("list", "List the elements of the fabric");
  list.Argument("KIND", &elements_.kinds, "host, expander, device, enclosure");
  AddOutput(list, &elements_.output, "table, json, jsonl, yaml, name");
  list.Flag("--no-headers", Set{&elements_.headers, false}, "Omit the header line");
  list.examples = {"emulator list", "emulator list host enclosure"};
  list.Do([this](const Context& context) { return RunElements(elements_, context); });
  DeclareDrives(emulator);
  DeclareLinks(emulator);
  DeclareFaults(emulator);
}

void EmulatorCommands::DeclareDrives(Command& emulator) {
  Command& pull = emulator.AddCommand("pull", "Pull a drive out of its slot");
  pull.Argument("DRIVE", &element_, kElement).Required();
  pull.examples = {"emulator pull jbod1-disk03", "emulator pull jbod1/4"};
  pull.Do([this](const Context& context) { return RunPull(element_, context); });
  Command& insert =
      emulator.AddCommand("insert", "Put a pulled drive back, or another one in its place");
  insert.Argument("DRIVE", &element_, kElement).Required();
  insert.AddOption("--replacement", "SERIAL", &serial_, "Another drive, with this serial");
  insert.examples = {"emulator insert jbod1-disk03",
                     "emulator insert jbod1/4 --replacement ZA9NEW"};
  insert.Do([this](const Context& context) { return RunInsert(element_, serial_, context); });
}

void EmulatorCommands::DeclareLinks(Command& emulator) {
  Command& phy = emulator.AddCommand("phy", "Take a phy of a host or expander down, or up");
  phy.Argument("NODE", &element_, kElement).Required();
  phy.Argument("PHY", &phy_, "Number of the phy").Required();
  phy.Argument("STATE", &state_, "up or down").Required();
  phy.AddOption("--rate", "GBPS", &gbps_,
                "Link rate in Gbit/s: 1.5, 3, 6, 12 or 22.5 (default: the fastest)");
  phy.examples = {"emulator phy hba0 3 down", "emulator phy hba0 3 up --rate 6"};
  phy.Do(
      [this](const Context& context) { return RunSetPhy(element_, phy_, state_, gbps_, context); });
  Command& flap = emulator.AddCommand("flap", "Take a phy down and up repeatedly");
  flap.Argument("NODE", &element_, kElement).Required();
  flap.Argument("PHY", &phy_, "Number of the phy").Required();
  flap.AddOption("--count", "N", &flap_.count, "Number of times").ShowDefault();
  flap.AddOption("--interval", "DURATION", &interval_,
                 "Time between two changes; --timeout limits all of them together")
      .ShowDefault();
  flap.examples = {"emulator flap hba0 3", "emulator flap hba0 3 --count 3 --interval 10ms"};
  flap.Do([this](const Context& context) {
    flap_.element = element_;
    flap_.phy = phy_;
    if (absl::Status s = ReadDuration("--interval", interval_, &flap_.interval); !s.ok()) return s;
    return RunFlap(flap_, context);
  });
  Command& expander =
      emulator.AddCommand("expander", "Lose or regain an expander and everything behind it");
  expander.Argument("EXPANDER", &element_, kElement).Required();
  expander.Argument("STATE", &state_, "lose or regain").Required();
  expander.examples = {"emulator expander jbod1-a lose", "emulator expander jbod1-a regain"};
  expander.Do([this](const Context& context) { return RunSetExpander(element_, state_, context); });
  Command& power = emulator.AddCommand("power", "Switch an enclosure off or on");
  power.Argument("ENCLOSURE", &element_, kElement).Required();
  power.Argument("STATE", &state_, "on or off").Required();
  power.examples = {"emulator power jbod2 off", "emulator power jbod2 on"};
  power.Do([this](const Context& context) { return RunSetPower(element_, state_, context); });
}

void EmulatorCommands::DeclareFaults(Command& emulator) {
  Command& reset = emulator.AddCommand("reset", "Reset an HBA, which renumbers its device handles");
  reset.Argument("HOST", &element_, kElement).Required();
  reset.examples = {"emulator reset hba0"};
  reset.Do([this](const Context& context) { return RunReset(element_, context); });
  Command& error =
      emulator.AddCommand("discovery-error", "Make the firmware report a discovery error");
  error.Argument("ELEMENT", &element_, kElement).Required();
  error.AddOption("--status", "BITS", &status_bits_, "MPI 2.x DiscoveryStatus bits").ShowDefault();
  error.examples = {"emulator discovery-error hba0", "emulator discovery-error hba0 --status 0x20"};
  error.Do([this](const Context& context) {
    return RunDiscoveryError(element_, status_bits_, context);
  });
  Command& fault = emulator.AddCommand("fault", "Make the next actions of a host fail");
  fault.Argument("HOST", &element_, kElement).Required();
  fault
      .Argument("KIND", &fault_.kind,
                "page-read-fails, smp-timeout, event-lost, event-duplicated, event-truncated, "
                "events-reordered, ioc-fault")
      .Required();
  fault.AddOption("--count", "N", &fault_.count, "Number of times").ShowDefault();
  fault.AddOption("--delay", "DURATION", &delay_, "Duration of an IOC fault").ShowDefault();
  fault.examples = {"emulator fault hba0 page-read-fails --count 3",
                    "emulator fault hba0 ioc-fault --delay 1s"};
  fault.Do([this](const Context& context) {
    fault_.host = element_;
    if (absl::Status s = ReadDuration("--delay", delay_, &fault_.delay); !s.ok()) return s;
    return RunFault(fault_, context);
  });
}

}  // namespace sasd::cli
