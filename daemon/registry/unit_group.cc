#include "daemon/registry/unit_group.h"

#include <algorithm>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/strings/str_cat.h"

namespace sasd::registry {
namespace {

// What makes the paths of one unit one.
struct Label {
  bool anonymous = false;  // no path shows an identity: `text` is made of the first path, or empty
  std::string text;
  std::optional<uint64_t> lun;  // only of a unit beside another one of the same device

  friend bool operator==(const Label& a, const Label& b) { return a.Tie() == b.Tie(); }
  friend bool operator<(const Label& a, const Label& b) { return a.Tie() < b.Tie(); }
  std::tuple<bool, const std::string&, const std::optional<uint64_t>&> Tie() const {
    return {anonymous, text, lun};
  }
};

class Group {
 public:
  Group(const Text& wwid, absl::Span<const GroupPath> paths, absl::Span<const GroupUnit> units,
        const Text& reserved)
      : plain_(LogicalUnitKey::Plain(wwid)),
        paths_(paths),
        units_(units),
        reserved_(reserved),
        labels_(paths.size()) {}

  std::vector<GroupName> Run() {
    LabelKnown();
    LabelAnonymous();
    SplitLuns();
    const std::optional<Label> first = First();
    std::vector<GroupName> names;
    for (size_t i = 0; i < paths_.size(); ++i) {
      const Label& label = labels_[i];
      names.push_back(
          {first == label ? plain_ : KeyOf(label), label.anonymous ? Text() : Text(label.text)});
    }
    return names;
  }

 private:
  const GroupUnit* UnitOf(const LogicalUnitKey& key) const {
    const auto it = std::find_if(units_.begin(), units_.end(),
                                 [&](const GroupUnit& unit) { return unit.key == key; });
    return it == units_.end() ? nullptr : &*it;
  }

  static std::string NameOf(const GroupPath& path) {
    return LogicalUnitKey::Fallback(path.device, path.lun).text().str();
  }

  // Whether two paths of unknown identity cannot lead to one drive.
  static bool Differ(const GroupPath& a, const GroupPath& b) {
    if (a.device == b.device) return a.lun != b.lun;
    if (a.one_port && b.one_port && a.device.address != b.device.address) return true;
    // Two hosts may number the slots differently.
    return a.device.host == b.device.host && a.enclosure != EnclosureKey(0) &&
           a.enclosure == b.enclosure && a.slot && b.slot && *a.slot != *b.slot;
  }
  bool FitsIn(size_t path, const Label& label) const {
    for (size_t i = 0; i < paths_.size(); ++i) {
      if (i != path && is_labelled_[i] && labels_[i] == label && Differ(paths_[path], paths_[i])) {
        return false;
      }
    }
    return true;
  }
  void SetLabel(size_t path, Label label) {
    labels_[path] = std::move(label);
    is_labelled_[path] = true;
  }

  // Those that show an identity, and those whose unit has shown one.
  void LabelKnown() {
    for (size_t i = 0; i < paths_.size(); ++i) {
      if (!paths_[i].identity.empty()) SetLabel(i, {false, paths_[i].identity.str(), {}});
    }
    for (size_t i = 0; i < paths_.size(); ++i) {
      if (is_labelled_[i]) continue;
      const GroupUnit* unit = UnitOf(paths_[i].before);
      if (unit != nullptr && !unit->identity.empty()) {
        SetLabel(i, {false, unit->identity.str(), {}});
      }
    }
    for (size_t i = 0; i < paths_.size(); ++i) {
      if (is_labelled_[i]) known_.insert(labels_[i].text);
    }
  }

  void LabelAnonymous() {
    const std::optional<Label> only =
        known_.size() == 1 ? std::make_optional(Label{false, *known_.begin(), {}}) : std::nullopt;
    std::vector<Label> anonymous;
    for (size_t i = 0; i < paths_.size(); ++i) {
      if (is_labelled_[i]) continue;
      const LogicalUnitKey& before = paths_[i].before;
      if (!before.IsPlain() && UnitOf(before) != nullptr) {
        SetLabel(i, {true, std::string(before.Discriminator()), {}});
        continue;
      }
      if (only && FitsIn(i, *only)) {
        SetLabel(i, *only);
        continue;
      }
      const auto fits = [&](const Label& label) { return known_.empty() && FitsIn(i, label); };
      const auto it = std::find_if(anonymous.begin(), anonymous.end(), fits);
      const Label label = it != anonymous.end() ? *it : Label{true, NameOf(paths_[i]), {}};
      if (it == anonymous.end()) anonymous.push_back(label);
      SetLabel(i, label);
    }
  }

  void SplitLuns() {
    absl::btree_map<Label, absl::btree_set<uint64_t>> luns;
    absl::btree_set<Label> several;  // with two LUNs of one device
    for (size_t i = 0; i < paths_.size(); ++i) {
      luns[labels_[i]].insert(paths_[i].lun);
      for (size_t j = 0; j < i; ++j) {
        if (paths_[j].device == paths_[i].device && labels_[j] == labels_[i]) {
          several.insert(labels_[i]);
        }
      }
    }
    for (size_t i = 0; i < paths_.size(); ++i) {
      if (!several.contains(labels_[i])) continue;
      if (paths_[i].lun != *luns[labels_[i]].begin()) labels_[i].lun = paths_[i].lun;
    }
  }

  LogicalUnitKey KeyOf(const Label& label) const {
    return plain_.WithDiscriminator(label.lun ? absl::StrCat(label.text, "~", absl::Hex(*label.lun))
                                              : label.text);
  }

  // The unit with the plain key; nothing where that is reserved for another one.
  std::optional<Label> First() const {
    const absl::btree_set<Label> labels(labels_.begin(), labels_.end());
    const GroupUnit* unit = UnitOf(plain_);
    const Text& identity = unit != nullptr ? unit->identity : reserved_;
    if (!identity.empty()) {
      const Label label{false, identity.str(), {}};
      return labels.contains(label) ? std::make_optional(label) : std::nullopt;
    }
    if (unit != nullptr) {
      for (size_t i = 0; i < paths_.size(); ++i) {
        if (paths_[i].before == plain_) return labels_[i];
      }
    }
    for (const Label& label : labels) {
      if (UnitOf(KeyOf(label)) == nullptr) return label;
    }
    return std::nullopt;
  }

  const LogicalUnitKey plain_;
  const absl::Span<const GroupPath> paths_;
  const absl::Span<const GroupUnit> units_;
  const Text& reserved_;
  std::vector<Label> labels_;  // by path
  std::vector<bool> is_labelled_ = std::vector<bool>(paths_.size());
  absl::btree_set<std::string> known_;  // identities
};

}  // namespace

std::vector<GroupName> NameUnits(const Text& wwid, absl::Span<const GroupPath> paths,
                                 absl::Span<const GroupUnit> units, const Text& reserved) {
  return Group(wwid, paths, units, reserved).Run();
}

}  // namespace sasd::registry
