#ifndef DAEMON_REGISTRY_SOURCE_TABLE_H_
#define DAEMON_REGISTRY_SOURCE_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "daemon/registry/resources.h"
#include "daemon/registry/source_set.h"

// Which sources a node has, and which of them decides each field. The table drives the merge
// (merge.h), ListFieldSources, `sasctl show --sources` and docs/sources.md.
namespace sasd::registry {

// What the report of a source means for the life of an object.
enum class SourceRole : uint8_t {
  // Sees the SAS fabric, and proves that an object exists. An end device that it reports lost stays
  // REMOVING until the operating system has lost it, too.
  kFabric,
  // Attaches end devices, and proves that an object exists. Its state counts where the fabric's is
  // DISCOVERED or ATTACHING.
  kOperatingSystem,
  // Adds fields to objects that other sources prove. Its reports create no object and keep none: a
  // report on an object that does not exist is dropped, and all of them go with the object.
  kFields,
};

struct SourceInfo {
  Source source = Source::kFirmware;
  absl::string_view name;    // of the API's enum, without its prefix: "FIRMWARE"
  absl::string_view phrase;  // in messages: "the firmware"
  SourceRole role = SourceRole::kFields;
};

// How the reports of several sources become one value. Sources are asked in the row's order.
enum class MergeRule : uint8_t {
  kFirstKnown,    // the first source that knows the value: not empty, 0 or unknown
  kFirstReport,   // the first source that reports the object, also where the value is empty
  kKey,           // part of the object's identity: equal in all sources
  kTogether,      // the first source that knows all fields of the row; where none does, each field
                  // from the last source that knows it
  kPhyLink,       // the first source that knows the value or a rate of the phy: a source that knows
                  // the phy and reports no value means that there is none
  kDeviceState,   // the fabric's state; where that is DISCOVERED or ATTACHING, the operating
                  // system's, with ATTACHING instead of DISCOVERED
  kLeastSettled,  // the source whose discovery is least settled
  kFirstUnit,     // as in the device's first logical unit
};
inline constexpr size_t kMergeRuleCount = 8;

// Sources, the one that is asked first in front. Each stands once.
class SourceOrder {
 public:
  constexpr SourceOrder() = default;
  constexpr SourceOrder(std::initializer_list<Source> sources) {
    for (const Source source : sources) sources_[size_++] = source;
  }
  constexpr const Source* begin() const { return sources_.data(); }
  constexpr const Source* end() const { return sources_.data() + size_; }
  constexpr SourceSet set() const {
    SourceSet all;
    for (size_t i = 0; i < size_; ++i) all.Add(sources_[i]);
    return all;
  }

 private:
  std::array<Source, kMaxSources> sources_{};
  uint8_t size_ = 0;
};

// A row of the table, without its access to the record.
struct FieldRow {
  // Of the resource's message in the API: "slot", "paths.block_device", or several fields that come
  // from one source: "enclosure, slot".
  absl::string_view fields;
  MergeRule rule = MergeRule::kFirstKnown;
  SourceOrder order;
  // The value makes, names or removes objects: only sources that prove existence may report it.
  bool makes_objects = false;

  // Whether `field`, or a field of the message in `field`, is in this row.
  bool Names(absl::string_view field) const;
};

template <typename Record>
struct FieldRule : FieldRow {
  // Whether the record has the (first) value; for kTogether all of them.
  bool (*known)(const Record&) = nullptr;
  // Copies all values of the row. Null where the record has none of them: for kFirstUnit, and for
  // the key of a resource that holds it beside the record.
  void (*copy)(const Record& from, Record& to) = nullptr;
  // Copies the values that are known.
  void (*copy_known)(const Record& from, Record& to) = nullptr;
};

// The sources and rows of a node. A value; NodeSources() is the one that sasd uses, tests make
// others. Those who hold a pointer to a table need it unchanged.
class SourceTable {
 public:
  struct Rows {
    std::array<FieldRule<HostFacts>, 8> host;
    std::array<FieldRule<DiscoveryFacts>, 2> discovery;
    std::array<FieldRule<PhyRecord>, 12> phy;
    std::array<FieldRule<PortRecord>, 3> port;
    std::array<FieldRule<ExpanderRecord>, 10> expander;
    std::array<FieldRule<EndDeviceRecord>, 15> end_device;
    std::array<FieldRule<UnitRecord>, 13> unit;
    std::array<FieldRule<EnclosureFacts>, 4> enclosure;
    std::array<FieldRule<SlotRecord>, 3> slot;
  };

  constexpr SourceTable(std::initializer_list<SourceInfo> sources, const Rows& rows) : rows_(rows) {
    for (const SourceInfo& info : sources) AddSource(info);
  }

  constexpr void AddSource(const SourceInfo& info) {
    infos_[static_cast<size_t>(info.source)] = info;
    all_.Add(info.source);
    if (info.role != SourceRole::kFields) proving_.Add(info.source);
    if (info.role == SourceRole::kFabric) fabric_.Add(info.source);
    if (info.role == SourceRole::kOperatingSystem) operating_system_.Add(info.source);
  }
  // Replaces the order of the row that names `field`. False where there is no such row.
  bool SetOrder(ResourceKind kind, absl::string_view field, SourceOrder order);

  constexpr SourceSet all() const { return all_; }
  // Those that prove that an object exists, and those of one role.
  constexpr SourceSet proving() const { return proving_; }
  constexpr SourceSet fabric() const { return fabric_; }
  constexpr SourceSet operating_system() const { return operating_system_; }
  // `source` is in all().
  constexpr const SourceInfo& info(Source source) const {
    return infos_[static_cast<size_t>(source)];
  }

  template <typename Record>
  constexpr absl::Span<const FieldRule<Record>> rules() const {
    return RulesIn<Record>(rows_);
  }
  // Calls `visit(const FieldRow&)` for each row of a kind, in the order of docs/sources.md.
  template <typename Visit>
  constexpr void VisitRows(ResourceKind kind, Visit visit) const {
    VisitRowsIn(rows_, kind, visit);
  }
  // The sources that may report the field: those of the rows that name it. Empty where the field
  // follows from others.
  SourceSet SourcesOf(ResourceKind kind, absl::string_view field) const;

  // Whether each row lists every source that proves existence, so that the report of one such
  // source is the merged record; and whether a row that makes objects lists no other source.
  constexpr bool IsValid() const;

 private:
  template <typename Record>
  static constexpr absl::Span<const FieldRule<Record>> RulesIn(const Rows& rows) {
    if constexpr (std::is_same_v<Record, HostFacts>) return rows.host;
    if constexpr (std::is_same_v<Record, DiscoveryFacts>) return rows.discovery;
    if constexpr (std::is_same_v<Record, PhyRecord>) return rows.phy;
    if constexpr (std::is_same_v<Record, PortRecord>) return rows.port;
    if constexpr (std::is_same_v<Record, ExpanderRecord>) return rows.expander;
    if constexpr (std::is_same_v<Record, EndDeviceRecord>) return rows.end_device;
    if constexpr (std::is_same_v<Record, UnitRecord>) return rows.unit;
    if constexpr (std::is_same_v<Record, EnclosureFacts>) return rows.enclosure;
    if constexpr (std::is_same_v<Record, SlotRecord>) return rows.slot;
  }

  template <typename R, typename Visit>
  static constexpr void VisitRowsIn(R& rows, ResourceKind kind, Visit visit) {
    const auto each = [&visit](auto& some) constexpr {
      for (auto& row : some) visit(row);
    };
    switch (kind) {
      case ResourceKind::kHost:
        each(rows.host);
        return each(rows.discovery);
      case ResourceKind::kPhy:
        return each(rows.phy);
      case ResourceKind::kPort:
        return each(rows.port);
      case ResourceKind::kExpander:
        return each(rows.expander);
      case ResourceKind::kEndDevice:
        return each(rows.end_device);
      case ResourceKind::kLogicalUnit:
        return each(rows.unit);
      case ResourceKind::kEnclosure:
        return each(rows.enclosure);
      case ResourceKind::kSlot:
        return each(rows.slot);
    }
  }

  std::array<SourceInfo, kMaxSources> infos_{};
  SourceSet all_, proving_, fabric_, operating_system_;
  Rows rows_;
};

constexpr bool SourceTable::IsValid() const {
  bool valid = true;
  for (size_t kind = 1; kind <= kResourceKindCount; ++kind) {
    VisitRows(
        static_cast<ResourceKind>(kind), [&](const FieldRow& row) constexpr {
          const SourceSet listed = row.order.set();
          if (!listed.HasAll(proving_) || !all_.HasAll(listed)) valid = false;
          if (row.makes_objects && listed != proving_) valid = false;
        });
  }
  return valid;
}

// The sources of sasd. Constant.
const SourceTable& NodeSources();

// "the first source that knows the value", ...: for docs/sources.md.
absl::string_view Describe(MergeRule rule);
absl::string_view Describe(SourceRole role);

}  // namespace sasd::registry

#endif  // DAEMON_REGISTRY_SOURCE_TABLE_H_
