#include "cli/commands/tree_command.h"

#include <utility>

#include "cli/output/subtree.h"
#include "cli/output/topology_tree.h"
#include "cli/output/tree_drawing.h"
#include "cli/query/finder.h"
#include "cli/query/node_name.h"
#include "cli/query/tree_reader.h"

namespace sasd::cli {
absl::Status RunTree(const TreeOptions& options, const Context& context) {
  const auto node_name = ReadNodeName(context);
  if (!node_name.ok()) return node_name.status();
  std::vector<sas::v1::Resource> objects;
  std::vector<std::string> hosts;
  for (const std::string& object : options.objects) {
    absl::StatusOr<sas::v1::Resource> found = FindNode(context, object);
    if (!found.ok()) return found.status();
    objects.push_back(*std::move(found));
    if (objects.back().has_host()) hosts.push_back(objects.back().host().name());
  }
  // sasd leaves out other hosts, if nothing but hosts is wanted.
  if (hosts.size() < objects.size()) hosts.clear();
  absl::StatusOr<TreeSnapshot> snapshot = ReadTreeSnapshot(
      context,
      {sas::v1::RESOURCE_KIND_HOST, sas::v1::RESOURCE_KIND_PORT, sas::v1::RESOURCE_KIND_EXPANDER,
       sas::v1::RESOURCE_KIND_END_DEVICE, sas::v1::RESOURCE_KIND_ENCLOSURE},
      hosts);
  if (!snapshot.ok()) return snapshot.status();
  if (!objects.empty()) snapshot = Subtree(*snapshot, objects);
  TreeStyle style;
  style.verbosity = options.verbosity;
  style.paint = context.paint;
  context.out << DrawTree(BuildTree(*node_name, *snapshot, style)) << '\n'
              << TreeTotals(*snapshot) << '\n';
  if (snapshot->hosts.empty()) context.err << "sasctl: no SAS host found\n";
  return absl::OkStatus();
}

}  // namespace sasd::cli
