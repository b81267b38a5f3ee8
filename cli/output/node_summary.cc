#include "cli/output/node_summary.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "cli/output/finding_lines.h"
#include "cli/output/format.h"
#include "cli/output/link_text.h"
#include "cli/output/nouns.h"
#include "cli/output/table_layout.h"

namespace sasd::cli {
namespace {

using sas::v1::Expander;
using sas::v1::Finding;
using sas::v1::LogicalUnit;
using sas::v1::Port;

// How many are there, and how many are missing.
struct Tally {
  int64_t there = 0, missing = 0;

  bool empty() const { return there + missing == 0; }
  std::string Text() const { return absl::StrCat(there, "/", there + missing); }
  // "36 drives", "35 of 36 drives".
  std::string Sentence(absl::string_view what) const {
    if (missing == 0) return CountText(there, what);
    return absl::StrCat(there, " of ", CountText(there + missing, what));
  }
  void To(sas::cli::v1::Tally* out) const {
    out->set_present(static_cast<int32_t>(there));
    out->set_expected(static_cast<int32_t>(there + missing));
  }
};

// A line of the summary: a host or an enclosure.
struct Place {
  bool missing = false;
  std::vector<std::string> about;  // the cells of its own, the name first
  std::string os_name, model, discovery;
  std::optional<int64_t> free;
  Tally drives, paths;
  std::vector<Link> links;
  int64_t critical = 0, warnings = 0;
};

// By resource name.
using Places = std::map<std::string, Place, std::less<>>;

// "hosts/X" for "hosts/X/expanders/Y"; empty for a name of another collection.
std::string HostOf(absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  return parts.size() >= 2 && parts[0] == "hosts" ? absl::StrCat("hosts/", parts[1]) : "";
}

// "hosts/X/expanders/Y" for "hosts/X/expanders/Y/phys/3"; empty for other names.
std::string ExpanderOf(absl::string_view name) {
  const std::vector<absl::string_view> parts = absl::StrSplit(name, '/');
  if (parts.size() < 4 || parts[2] != "expanders") return "";
  return absl::StrJoin(parts.begin(), parts.begin() + 4, "/");
}

std::string Or(absl::string_view text, absl::string_view otherwise) {
  return std::string(text.empty() ? otherwise : text);
}

std::string ModelOf(const sas::v1::Enclosure& enclosure) {
  std::string model = enclosure.vendor();
  absl::StrAppend(&model, model.empty() || enclosure.model().empty() ? "" : " ", enclosure.model());
  return model;
}

class Summary {
 public:
  Summary(const NodePicture& picture, const Screen& screen) : picture_(picture), screen_(screen) {
    const TreeSnapshot& all = picture.topology;
    for (const auto& host : all.hosts) AddHost(host, false);
    for (const auto& enclosure : all.enclosures) AddEnclosure(enclosure, false);
    for (const Expander& expander : all.expanders) {
      expanders_[expander.name()] = &expander;
      enclosure_of_[expander.name()] = expander.enclosure();
    }
    for (const Port& port : all.ports) AddPort(port);
    for (const LogicalUnit& unit : all.units) AddUnit(unit);
    for (const auto& entry : picture.missing) AddMissingPlace(entry);
    for (const auto& entry : picture.missing) AddMissing(entry);
    for (const Expander& expander : all.expanders) AddLink(expander);
    for (const Finding& finding : picture.findings.findings()) AddFinding(finding);
  }

  std::string Text(const Paint& paint) const {
    std::string text = absl::StrCat(Headline(paint), "\n");
    if (!hosts_.empty()) {
      absl::StrAppend(&text, "\n",
                      Table({"HOST", "OS-NAME", "BOARD", "DISCOVERY"}, hosts_, false, paint));
    }
    Places enclosures;
    for (const auto& [name, place] : enclosures_) {
      if (!IsNothing(place)) enclosures.emplace(name, place);
    }
    if (!enclosures.empty()) {
      absl::StrAppend(&text, "\n", Table({"ENCLOSURE", "MODEL"}, enclosures, true, paint));
    }
    return absl::StrCat(text, Findings(paint));
  }

  sas::cli::v1::Summary Document() const {
    sas::cli::v1::Summary out;
    out.set_node(picture_.node_name);
    out.set_revision(picture_.topology.revision);
    out.set_status(StatusOf(picture_.findings));
    out.set_status_message(picture_.findings.status_message());
    drives_.To(out.mutable_drives());
    paths_.To(out.mutable_paths());
    Expanders().To(out.mutable_expanders());
    if (knows_free_) out.set_free_slot_count(static_cast<int32_t>(free_));
    for (const auto& [name, place] : hosts_) AddTo(name, place, out.add_hosts());
    for (const auto& [name, place] : enclosures_) {
      if (!IsNothing(place)) AddTo(name, place, out.add_enclosures());
    }
    for (const Finding* finding : WorstFirst()) *out.add_findings() = *finding;
    return out;
  }

 private:
  // The enclosure that a host is for itself, without anything in it.
  static bool IsNothing(const Place& place) {
    return place.drives.empty() && place.links.empty() && !place.free.has_value() &&
           !place.missing && place.critical + place.warnings == 0;
  }

  void AddTo(const std::string& name, const Place& place, sas::cli::v1::Place* out) const {
    out->set_resource(name);
    const std::string called = picture_.names.AliasOrId(name);
    if (called != ShortName(name)) out->set_alias(called);
    out->set_os_name(place.os_name);
    out->set_model(place.model);
    out->set_discovery(place.discovery);
    out->set_missing(place.missing);
    place.drives.To(out->mutable_drives());
    place.paths.To(out->mutable_paths());
    if (place.free.has_value()) out->set_free_slot_count(static_cast<int32_t>(*place.free));
    int64_t tenths = 0;
    for (const Link& link : place.links) {
      sas::cli::v1::Link& one = *out->add_links();
      one.set_width(link.width);
      one.set_rate(link.rate);
      tenths += Tenths(link);
    }
    out->set_gbps(static_cast<double>(tenths) / 10);
    out->set_critical_count(static_cast<int32_t>(place.critical));
    out->set_warning_count(static_cast<int32_t>(place.warnings));
  }

  Tally Expanders() const { return {static_cast<int64_t>(expanders_.size()), lost_expanders_}; }

  std::vector<const Finding*> WorstFirst() const {
    std::vector<const Finding*> findings;
    for (const Finding& finding : picture_.findings.findings()) findings.push_back(&finding);
    std::stable_sort(findings.begin(), findings.end(), [](const Finding* a, const Finding* b) {
      return a->severity() > b->severity();
    });
    return findings;
  }

  void AddHost(const sas::v1::Host& host, bool missing) {
    Place& place = hosts_[host.name()];
    place.missing = missing;
    const std::string discovery =
        host.discovery().stale() ? "stale" : EnumText(host.discovery().state());
    place.os_name = host.os_name();
    place.model = host.board_name();
    place.discovery = missing ? "" : discovery;
    place.about = {picture_.names.AliasOrId(host.name()), Or(host.os_name(), "-"),
                   Or(host.board_name(), "-"), missing ? "MISSING" : Or(discovery, "-")};
  }

  void AddEnclosure(const sas::v1::Enclosure& enclosure, bool missing) {
    Place& place = enclosures_[enclosure.name()];
    place.missing = missing;
    place.os_name = enclosure.os_name();
    place.model = ModelOf(enclosure);
    place.about = {picture_.names.AliasOrId(enclosure.name()),
                   missing ? "MISSING" : Or(place.model, "-")};
    if (!missing && enclosure.has_slot_count()) {
      place.free = std::max<int64_t>(enclosure.slot_count() - enclosure.occupied_slot_count(), 0);
      free_ += *place.free;
      knows_free_ = true;
    }
  }

  void AddPort(const Port& port) {
    const auto host = hosts_.find(port.owner());
    if (host == hosts_.end()) return;
    const Link link = {port.width(), port.link_rate()};
    host->second.links.push_back(link);
    if (!port.attached().empty()) direct_[port.attached()] = link;
  }

  // Null for a name that no place has. What is in no enclosure counts for its hosts only.
  Place* EnclosureAt(absl::string_view name) {
    const auto found = enclosures_.find(name);
    return found == enclosures_.end() ? nullptr : &found->second;
  }
  Place* HostAt(absl::string_view name) {
    const auto found = hosts_.find(name);
    return found == hosts_.end() ? nullptr : &found->second;
  }

  void AddUnit(const LogicalUnit& unit) {
    there_.insert(unit.name());
    for (const sas::v1::Path& path : unit.paths()) {
      there_.insert(path.end_device());
      enclosure_of_[path.end_device()] = unit.enclosure();
    }
    if (!IsDrive(unit)) return;
    ++drives_.there;
    paths_.there += unit.paths_size();
    Unit& known = units_[unit.name()];
    known.enclosure = unit.enclosure();
    for (const sas::v1::Path& path : unit.paths()) {
      if (!absl::c_linear_search(known.hosts, path.host())) known.hosts.push_back(path.host());
      if (Place* host = HostAt(path.host())) ++host->paths.there;
    }
    for (const absl::string_view name : known.hosts) {
      if (Place* host = HostAt(name)) ++host->drives.there;
    }
    Place* const enclosure = EnclosureAt(unit.enclosure());
    if (enclosure == nullptr) return;
    ++enclosure->drives.there;
    enclosure->paths.there += unit.paths_size();
    for (const sas::v1::Path& path : unit.paths()) {
      const auto link = direct_.find(path.end_device());
      if (link != direct_.end()) enclosure->links.push_back(link->second);
    }
  }

  void AddMissingPlace(const sas::v1::BaselineEntry& entry) {
    const sas::v1::Resource& last = entry.last_known();
    if (last.has_host() && HostAt(entry.resource()) == nullptr) AddHost(last.host(), true);
    if (last.has_enclosure() && EnclosureAt(entry.resource()) == nullptr) {
      AddEnclosure(last.enclosure(), true);
    }
  }

  void AddMissing(const sas::v1::BaselineEntry& entry) {
    // It came back while we asked.
    if (there_.contains(entry.resource())) return;
    const sas::v1::Resource& last = entry.last_known();
    switch (last.resource_case()) {
      case sas::v1::Resource::kExpander:
        enclosure_of_[entry.resource()] = last.expander().enclosure();
        ++lost_expanders_;
        return;
      case sas::v1::Resource::kEndDevice: {
        enclosure_of_[entry.resource()] = last.end_device().enclosure();
        ++paths_.missing;
        const std::string host = HostOf(entry.resource());
        if (Place* place = HostAt(host)) ++place->paths.missing;
        if (Place* place = EnclosureAt(last.end_device().enclosure())) ++place->paths.missing;
        for (const std::string& unit : last.end_device().logical_units()) {
          if (lost_.emplace(host, unit).second && !IsReached(unit, host)) {
            if (Place* place = HostAt(host)) ++place->drives.missing;
          }
        }
        return;
      }
      case sas::v1::Resource::kLogicalUnit:
        if (!IsDrive(last.logical_unit())) return;
        ++drives_.missing;
        if (Place* place = EnclosureAt(last.logical_unit().enclosure())) ++place->drives.missing;
        return;
      default:
        return;
    }
  }

  bool IsReached(const std::string& unit, const std::string& host) const {
    const auto found = units_.find(unit);
    return found != units_.end() && absl::c_linear_search(found->second.hosts, host);
  }

  // The narrowest link on the way from the host to an expander that begins an enclosure.
  void AddLink(const Expander& expander) {
    Place* const enclosure = EnclosureAt(expander.enclosure());
    if (enclosure == nullptr) return;
    const auto parent = expanders_.find(expander.parent());
    if (parent != expanders_.end() && parent->second->enclosure() == expander.enclosure()) return;
    Link narrowest;
    const Expander* at = &expander;
    // A loop of parents has at most as many steps as there are expanders.
    for (size_t steps = 0; steps <= expanders_.size(); ++steps) {
      const Link link = {at->link_width(), at->link_rate()};
      const bool narrower = narrowest.width == 0 || Tenths(link) < Tenths(narrowest);
      if (Tenths(link) > 0 && narrower) narrowest = link;
      const auto up = expanders_.find(at->parent());
      if (up == expanders_.end()) break;
      at = up->second;
    }
    if (narrowest.width > 0) enclosure->links.push_back(narrowest);
  }

  void AddFinding(const Finding& finding) {
    const bool critical = finding.severity() == sas::v1::SEVERITY_CRITICAL;
    if (!critical && finding.severity() != sas::v1::SEVERITY_WARNING) return;
    if (!Counts(finding)) return;
    const std::string& name = finding.resource();
    std::set<std::string> places = {HostOf(name)};
    for (const std::string& key : {name, ExpanderOf(name)}) {
      const auto within = enclosure_of_.find(key);
      if (within != enclosure_of_.end()) places.emplace(within->second);
    }
    if (CollectionOf(name) == "enclosures") places.insert(name);
    if (CollectionOf(name) == "slots") places.insert(name.substr(0, name.rfind("/slots/")));
    if (const auto unit = units_.find(name); unit != units_.end()) {
      places.emplace(unit->second.enclosure);
      for (const absl::string_view host : unit->second.hosts) places.emplace(host);
    } else if (finding.last_known().has_logical_unit()) {
      const LogicalUnit& last = finding.last_known().logical_unit();
      places.insert(last.enclosure());
      for (const sas::v1::Path& path : last.paths()) places.insert(path.host());
    } else if (finding.last_known().has_expander()) {
      places.insert(finding.last_known().expander().enclosure());
    }
    for (const std::string& place : places) {
      for (Place* at : {HostAt(place), EnclosureAt(place)}) {
        if (at != nullptr) ++(critical ? at->critical : at->warnings);
      }
    }
  }

  std::string Headline(const Paint& paint) const {
    std::vector<std::string> parts = {drives_.Sentence("drive"), paths_.Sentence("path")};
    Tally hosts, enclosures;
    for (const auto& [name, place] : hosts_) ++(place.missing ? hosts.missing : hosts.there);
    for (const auto& [name, place] : enclosures_) {
      ++(place.missing ? enclosures.missing : enclosures.there);
    }
    parts.push_back(hosts.Sentence("host"));
    parts.push_back(Expanders().Sentence("expander"));
    parts.push_back(enclosures.Sentence("enclosure"));
    if (knows_free_) parts.push_back(CountText(free_, "free slot"));
    const std::string why = picture_.findings.status() == sas::v1::HEALTH_STATUS_UNKNOWN
                                ? absl::StrCat(picture_.findings.status_message(), ": ")
                                : "";
    return absl::StrCat(paint.Bold(picture_.node_name), ": ", StatusWord(picture_.findings, paint),
                        ": ", why, absl::StrJoin(parts, ", "));
  }

  static std::string FindingsCell(const Place& place) {
    std::vector<std::string> parts;
    if (place.critical > 0) parts.push_back(absl::StrCat(place.critical, " critical"));
    if (place.warnings > 0) parts.push_back(CountText(place.warnings, "warning"));
    return parts.empty() ? "-" : absl::StrJoin(parts, ", ");
  }

  // `titles`: of the cells of their own.
  std::string Table(std::vector<std::string> titles, const Places& places, bool free,
                    const Paint& paint) const {
    std::vector<bool> right(titles.size(), false);
    const auto add = [&](const char* title, bool is_right) {
      titles.push_back(title);
      right.push_back(is_right);
    };
    add("DRIVES", true);
    if (free) add("FREE", true);
    add("PATHS", true);
    add("LINKS", false);
    add("GBIT/S", true);
    add("FINDINGS", false);
    TableLayout layout(right);
    layout.Fit(titles);
    std::vector<std::pair<const Place*, std::vector<std::string>>> rows;
    for (const auto& [name, place] : places) {
      std::vector<std::string> cells = place.about;
      cells.push_back(place.drives.Text());
      if (free) cells.push_back(place.free.has_value() ? absl::StrCat(*place.free) : "-");
      cells.push_back(place.paths.Text());
      cells.push_back(LinkText(place.links));
      int64_t tenths = 0;
      for (const Link& link : place.links) tenths += Tenths(link);
      cells.push_back(GbitText(tenths));
      cells.push_back(FindingsCell(place));
      layout.Fit(cells);
      rows.emplace_back(&place, std::move(cells));
    }
    if (screen_.is_terminal()) layout.NarrowTo(screen_.columns);
    std::string text = absl::StrCat(layout.Line(titles), "\n");
    for (const auto& [place, cells] : rows) {
      const std::string line = layout.Line(cells);
      absl::StrAppend(&text,
                      place->missing || place->critical > 0 ? paint.Red(line)
                      : place->warnings > 0                 ? paint.Yellow(line)
                                                            : line,
                      "\n");
    }
    return text;
  }

  std::string Findings(const Paint& paint) const {
    std::vector<const Finding*> findings = WorstFirst();
    if (findings.empty()) return "";
    const size_t all = findings.size();
    if (all > kMostFindings) findings.resize(kMostFindings);
    std::string text = "\n";
    for (const std::string& line : FindingLines(findings, paint)) {
      absl::StrAppend(&text, line, "\n");
    }
    if (all > kMostFindings) {
      absl::StrAppend(&text, "and ", all - kMostFindings, " more: sasctl health\n");
    }
    return text;
  }

  // Where a logical unit is, and which hosts reach it.
  struct Unit {
    absl::string_view enclosure;
    absl::InlinedVector<absl::string_view, 2> hosts;
  };

  const NodePicture& picture_;
  const Screen screen_;
  Places hosts_, enclosures_;
  absl::flat_hash_map<std::string, const Expander*> expanders_;
  // Names in the picture. The first: of expanders and end devices.
  absl::flat_hash_map<absl::string_view, absl::string_view> enclosure_of_;
  absl::flat_hash_map<absl::string_view, Link> direct_;  // ports of hosts, by what is there
  absl::flat_hash_map<absl::string_view, Unit> units_;
  absl::flat_hash_set<absl::string_view> there_;
  std::set<std::pair<std::string, std::string>> lost_;  // host and unit
  Tally drives_, paths_;
  int64_t free_ = 0, lost_expanders_ = 0;
  bool knows_free_ = false;
};

}  // namespace

std::string SummaryText(const NodePicture& picture, const Paint& paint, const Screen& screen) {
  return Summary(picture, screen).Text(paint);
}

sas::cli::v1::Summary SummaryDocument(const NodePicture& picture) {
  return Summary(picture, Screen()).Document();
}

}  // namespace sasd::cli
