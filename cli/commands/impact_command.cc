#include "cli/commands/impact_command.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/output/format.h"
#include "cli/output/link_text.h"
#include "cli/output/nouns.h"
#include "cli/output/output_form.h"
#include "cli/output/table_layout.h"
#include "cli/query/finder.h"
#include "cli/query/lister.h"
#include "cli/query/place_reader.h"
#include "sas/cli/v1/documents.pb.h"

namespace sasd::cli {
namespace {

using google::protobuf::Message;
using sas::v1::LogicalUnit;
using sas::v1::Resource;

struct Loss {
  LogicalUnit unit;
  int lost = 0;
  bool all() const { return lost == unit.paths_size(); }
};

// The drives with paths behind the object: those that lose all paths first.
absl::StatusOr<std::vector<Loss>> Losses(const std::string& name, const Context& context) {
  sas::v1::Filter behind;
  behind.add_behind(name);
  absl::flat_hash_set<std::string> devices;
  absl::Status status =
      ListPages(context, sas::v1::RESOURCE_KIND_END_DEVICE, behind, sas::v1::VIEW_BASIC,
                [&](const std::vector<const Message*>& page) {
                  for (const Message* device : page) devices.insert(NameOf(*device));
                  return true;
                });
  if (!status.ok()) return status;
  std::vector<Loss> losses;
  status = ListPages(
      context, sas::v1::RESOURCE_KIND_LOGICAL_UNIT, behind, sas::v1::VIEW_FULL,
      [&](const std::vector<const Message*>& page) {
        for (const Message* message : page) {
          Loss loss;
          loss.unit = static_cast<const LogicalUnit&>(*message);
          if (!IsDrive(loss.unit)) continue;
          loss.lost = static_cast<int>(std::count_if(
              loss.unit.paths().begin(), loss.unit.paths().end(),
              [&](const sas::v1::Path& path) { return devices.contains(path.end_device()); }));
          losses.push_back(std::move(loss));
        }
        return true;
      });
  if (!status.ok()) return status;
  std::stable_sort(losses.begin(), losses.end(),
                   [](const Loss& a, const Loss& b) { return a.all() && !b.all(); });
  return losses;
}

// The port that a phy is part of; a port without a name for none.
absl::StatusOr<sas::v1::Port> PortOf(const sas::v1::Phy& phy, const Context& context) {
  sas::v1::Filter filter;
  sas::v1::Condition& owner = *filter.add_conditions();
  owner.set_field("owner");
  owner.set_operator_(sas::v1::OPERATOR_EQUAL);
  owner.add_values(phy.owner());
  sas::v1::Port port;
  const absl::Status status =
      ListPages(context, sas::v1::RESOURCE_KIND_PORT, filter, sas::v1::VIEW_FULL,
                [&](const std::vector<const Message*>& page) {
                  for (const Message* message : page) {
                    const auto& one = static_cast<const sas::v1::Port&>(*message);
                    if (one.attached_sas_address() == phy.attached_sas_address()) port = one;
                  }
                  return true;
                });
  if (!status.ok()) return status;
  return port;
}

std::vector<std::string> BlockDevicesIn(const LogicalUnit& unit) {
  std::vector<std::string> names;
  for (const sas::v1::Path& path : unit.paths()) {
    if (!path.block_device().empty()) names.push_back(path.block_device());
  }
  return names;
}

sas::cli::v1::Impact Document(const std::string& resource, const std::vector<Loss>& losses) {
  sas::cli::v1::Impact out;
  out.set_resource(resource);
  for (const Loss& loss : losses) {
    sas::cli::v1::Loss& one = *(loss.all() ? out.add_lost_drives() : out.add_reduced_drives());
    one.set_resource(loss.unit.name());
    one.set_serial(loss.unit.serial());
    one.set_model(loss.unit.model());
    one.set_enclosure(loss.unit.enclosure());
    if (loss.unit.has_slot()) one.set_slot(loss.unit.slot());
    for (const std::string& name : BlockDevicesIn(loss.unit)) one.add_block_devices(name);
    one.set_path_count(loss.unit.paths_size());
    one.set_lost_path_count(loss.lost);
  }
  return out;
}

void PrintLosses(const std::vector<Loss>& losses, const std::string& what, const Context& context) {
  const int64_t all =
      std::count_if(losses.begin(), losses.end(), [](const Loss& loss) { return loss.all(); });
  const int64_t some = static_cast<int64_t>(losses.size()) - all;
  const std::string text =
      absl::StrCat("without ", what, ": ", CountText(all, "drive"), " would lose all paths, ",
                   CountText(some, "drive"), " would lose a path");
  context.out << (all > 0    ? context.paint.Red(text)
                  : some > 0 ? context.paint.Yellow(text)
                             : text)
              << '\n';
  if (losses.empty()) return;
  const PlaceNames names = ReadAliases(context);
  std::vector<std::vector<std::string>> rows = {
      {"DRIVE", "SLOT", "BLOCK-DEVICES", "PATHS-LEFT", "MODEL"}};
  for (const Loss& loss : losses) {
    const LogicalUnit& unit = loss.unit;
    const std::vector<std::string> devices = BlockDevicesIn(unit);
    rows.push_back({unit.serial().empty() ? ShortName(unit.name()) : unit.serial(),
                    unit.enclosure().empty() || !unit.has_slot()
                        ? "-"
                        : absl::StrCat(names.AliasOrId(unit.enclosure()), "/", unit.slot()),
                    devices.empty() ? "-" : absl::StrJoin(devices, ","),
                    absl::StrCat(unit.paths_size() - loss.lost, " of ", unit.paths_size()),
                    unit.model().empty() ? "-" : unit.model()});
  }
  TableLayout layout(std::vector<bool>(rows[0].size(), false));
  for (const auto& row : rows) layout.Fit(row);
  if (context.screen.is_terminal()) layout.NarrowTo(context.screen.columns);
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string line = layout.Line(rows[i]);
    context.out << (i > 0 && losses[i - 1].all() ? context.paint.Red(line) : line) << '\n';
  }
}

}  // namespace

absl::Status RunImpact(const ImpactOptions& options, const Context& context) {
  const auto output = ParseOutput(options.output);
  if (!output.ok()) return output.status();
  const auto object = FindNode(context, options.object);
  if (!object.ok()) return object.status();
  std::string name = NameOf(*object);
  const std::string pulled = name;
  const std::string what =
      ReadAliases(context).InText(absl::StrCat(NounOf(*object).singular, " ", ShortName(name)));
  if (object->has_phy()) {
    const auto port = PortOf(object->phy(), context);
    if (!port.ok()) return port.status();
    if (port->name().empty() || port->width() > 1) {
      sas::cli::v1::Impact nothing = Document(pulled, {});
      if (port->width() > 1) {
        nothing.mutable_link_left()->set_width(port->width() - 1);
        nothing.mutable_link_left()->set_rate(port->link_rate());
      }
      if (!PrintMessage(nothing, *output, context.out) && *output != Output::kName) {
        context.out << "without " << what << ": no drive would lose a path";
        if (port->width() > 1) {
          context.out << "; " << LinkText({{port->width() - 1, port->link_rate()}}) << " of "
                      << LinkText({{port->width(), port->link_rate()}}) << " would be left";
        }
        context.out << '\n';
      }
      return absl::OkStatus();
    }
    name = port->name();
  }
  const auto losses = Losses(name, context);
  if (!losses.ok()) return losses.status();
  if (*output == Output::kName) {
    for (const Loss& loss : *losses) context.out << loss.unit.name() << '\n';
  } else if (!PrintMessage(Document(pulled, *losses), *output, context.out)) {
    PrintLosses(*losses, what, context);
  }
  return absl::OkStatus();
}

}  // namespace sasd::cli
