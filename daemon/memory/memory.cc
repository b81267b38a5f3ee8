#include "daemon/memory/memory.h"

#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/memory/memory.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "daemon/registry/resources.h"
#include "daemon/registry/topology.h"
#include "daemon/service/from_proto.h"
#include "daemon/service/names.h"
#include "daemon/service/resource_text.h"
#include "sas/v1/events.pb.h"
#include "sas/v1/resources.pb.h"
#include "spdlog/spdlog.h"

namespace sasd::memory {
namespace {

std::string FirstLine(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return std::string(absl::StripAsciiWhitespace(line));
}

// Collections of state.db.
constexpr char kNames[] = "names", kAliases[] = "aliases";

// A tmpfs that outlives the process, but not the boot.
std::string MarkDirectory() {
  const char* runtime = getenv("RUNTIME_DIRECTORY");  // of systemd
  return runtime != nullptr && *runtime == '/' ? runtime : "/dev/shm";
}

// journal::StateStore as health knows it.
class HealthStore : public health::Store {
 public:
  explicit HealthStore(journal::StateStore& state) : state_(state) {}

  absl::Status Write(absl::Span<const Edit> edits) override {
    std::vector<journal::StateStore::Edit> copies;
    copies.reserve(edits.size());
    for (const Edit& edit : edits) copies.push_back({edit.collection, edit.key, edit.value});
    return state_.Write(copies);
  }
  absl::StatusOr<Values> Read(absl::string_view collection) override {
    return state_.Read(collection);
  }
  bool was_lost() override { return state_.was_lost(); }
  absl::Status ClearLost() override { return state_.ClearLost(); }

 private:
  journal::StateStore& state_;
};

// The last state of each object: the stored one, and what events after it made of it.
class Picture {
 public:
  absl::Status Read(journal::Journal& journal) {
    absl::Status status;
    const absl::StatusOr<int64_t> damaged = journal.VisitState([&](const journal::StateRow& row) {
      sas::v1::Resource resource;
      if (!resource.ParseFromString(row.resource)) {
        status = absl::DataLossError(absl::StrCat("the stored state of ", row.name, " is damaged"));
        return;
      }
      objects_[row.name] = {std::move(resource), row.present, 0};
    });
    if (!damaged.ok()) return damaged.status();
    if (!status.ok()) return status;
    if (*damaged > 0) {
      return absl::DataLossError(
          absl::StrCat(*damaged, " objects of the stored state are damaged"));
    }
    return ReadEvents(journal);
  }

  absl::StatusOr<registry::Restored> Finish(int64_t revision) {
    service::StateReader reader;
    for (const auto& [name, object] : objects_) {
      if (absl::Status s = reader.Add(object.resource, object.present); !s.ok()) return s;
    }
    return reader.Finish(revision);
  }

  // Stores what the events after the stored state made of it. The recorder stores what changes from
  // now on, and says then that the stored state is whole.
  absl::Status Store(journal::Journal& journal) const {
    if (last_event_ == 0) return absl::OkStatus();
    std::vector<journal::StateRow> rows;
    for (const auto& [name, object] : objects_) {
      if (object.event == 0) continue;
      const absl::StatusOr<registry::ResourceId> id = service::ParseName(name);
      if (!id.ok()) return absl::DataLossError(id.status().message());
      rows.push_back({name, static_cast<uint8_t>(registry::KindOf(*id)), object.present,
                      object.event, object.resource.SerializeAsString()});
      if (rows.size() < kStateSlice) continue;
      if (absl::Status s = journal.WriteState(rows); !s.ok()) return s;
      rows.clear();
    }
    if (absl::Status s = journal.WriteState(rows); !s.ok()) return s;
    return journal.FinishState(last_event_, std::nullopt);
  }

 private:
  static constexpr size_t kStateSlice = 200;

  struct Object {
    sas::v1::Resource resource;
    bool present = true;
    int64_t event = 0;  // the last one about it; 0: none after the stored state
  };

  absl::Status ReadEvents(journal::Journal& journal) {
    journal::Query query;
    query.after = journal.state_revision();
    for (;;) {
      absl::StatusOr<journal::Page> page = journal.Read(query);
      if (!page.ok()) return page.status();
      for (const journal::Gap& gap : page->gaps) {
        if (gap.reason == journal::GapReason::kJournalDamaged) {
          return absl::DataLossError(
              absl::StrCat("the journal is damaged at revision ", gap.first));
        }
      }
      for (const journal::EventRow& row : page->rows) {
        sas::v1::Event event;
        if (!event.ParseFromString(row.payload)) {
          return absl::DataLossError(absl::StrCat("revision ", row.revision, " is damaged"));
        }
        for (sas::v1::Change& change : *event.mutable_changes()) {
          Object& object = objects_[service::NameOf(change.resource())];
          object.present = change.kind() != sas::v1::CHANGE_KIND_REMOVED;
          object.resource = std::move(*change.mutable_resource());
          object.event = row.revision;
        }
        last_event_ = row.revision;
      }
      if (!page->more) return absl::OkStatus();
      query.after = page->next;
    }
  }

  absl::flat_hash_map<std::string, Object> objects_;
  int64_t last_event_ = 0;  // that was read
};

}  // namespace

absl::StatusOr<std::unique_ptr<Memory>> Memory::Open(const Options& options,
                                                     std::string fresh_epoch, Clock& clock) {
  auto memory = absl::WrapUnique(new Memory(options));
  memory->epoch_ = fresh_epoch;
  memory->keys_ = std::make_unique<KeyTable>();
  if (options.directory.empty()) return memory;
  absl::Status status = memory->OpenFiles(fresh_epoch, options.new_epoch, clock);
  if (status.ok()) status = memory->Restore();
  if (absl::IsDataLoss(status)) {
    // A client that resumes must not get a picture with holes: begin a new epoch.
    spdlog::error("{}: {}; a new epoch begins", options.directory, std::string(status.message()));
    memory->journal_.reset();
    memory->state_.reset();
    status = memory->OpenFiles(fresh_epoch, /*new_epoch=*/true, clock);
    if (status.ok()) memory->start_revision_ = memory->journal_->start().next_revision - 1;
  }
  if (absl::IsAlreadyExists(status)) return status;
  if (!status.ok()) {
    memory->journal_.reset();
    memory->store_.reset();
    memory->state_.reset();
    memory->epoch_ = std::move(fresh_epoch);
    memory->start_revision_ = 0;
    memory->refusal_ = {
        absl::IsFailedPrecondition(status) ? JournalState::kRefused : JournalState::kStalled,
        absl::StrCat(options.directory, ": ", status.message(),
                     "; sasd keeps nothing in this run, and leaves the files as they are")};
    spdlog::error("{}", memory->refusal_.message);
    return memory;
  }
  memory->epoch_ = memory->journal_->epoch();
  for (const std::string& loss : memory->journal_->start().losses) spdlog::warn("{}", loss);
  memory->store_ = std::make_unique<HealthStore>(*memory->state_);
  memory->LoadKeys();
  memory->recorder_ = std::make_unique<Recorder>(*memory->journal_, options.recorder);
  return memory;
}

absl::Status Memory::OpenFiles(const std::string& fresh_epoch, bool new_epoch, Clock& clock) {
  if (!lock_.has_value()) {
    absl::StatusOr<journal::DirectoryLock> lock =
        journal::DirectoryLock::Acquire(options_.directory);
    if (!lock.ok()) return lock.status();
    lock_.emplace(*std::move(lock));
  }
  journal::StateStore::Options state;
  state.directory = options_.directory;
  state.machine = FirstLine("/etc/machine-id");
  state.source = options_.source;
  state.new_epoch = new_epoch;
  absl::StatusOr<std::unique_ptr<journal::StateStore>> store = journal::StateStore::Open(state);
  if (!store.ok()) return store.status();
  state_ = *std::move(store);
  if (!state_->moved_aside().empty()) {
    spdlog::error("state.db was damaged and is now {}", state_->moved_aside());
  }
  journal::Journal::Options journal;
  journal.directory = options_.directory;
  journal.machine = state.machine;
  journal.source = options_.source;
  journal.boot_id = FirstLine("/proc/sys/kernel/random/boot_id");
  // Without it no start is known to be of the same boot.
  if (journal.boot_id.empty()) journal.boot_id = absl::StrCat("unknown-", fresh_epoch);
  journal.fresh_epoch = fresh_epoch;
  journal.new_epoch = new_epoch;
  journal.mark_directory = MarkDirectory();
  journal.max_bytes = options_.max_bytes;
  journal.max_age = options_.max_age;
  journal.clock = &clock;
  absl::StatusOr<std::unique_ptr<journal::Journal>> opened =
      journal::Journal::Open(journal, *state_);
  if (!opened.ok()) return opened.status();
  journal_ = *std::move(opened);
  return absl::OkStatus();
}

absl::Status Memory::Restore() {
  const journal::Journal::Start& start = journal_->start();
  start_revision_ = start.next_revision - 1;
  if (start.first) return absl::OkStatus();
  Picture picture;
  if (absl::Status s = picture.Read(*journal_); !s.ok()) return s;
  const int64_t kept = start.gap ? start.gap->first - 1 : start.next_revision - 1;
  absl::StatusOr<registry::Restored> restored = picture.Finish(kept);
  if (absl::IsInvalidArgument(restored.status())) {
    return absl::DataLossError(restored.status().message());
  }
  if (!restored.ok()) return restored.status();
  if (absl::Status s = picture.Store(*journal_); !s.ok()) return s;
  if (start.gap) {
    restored->gap = registry::RevisionGap{start.gap->first, start.gap->last,
                                          static_cast<registry::GapReason>(start.gap->reason)};
  }
  restored_ = *std::move(restored);
  return absl::OkStatus();
}

void Memory::LoadKeys() {
  keys_ = std::make_unique<KeyTable>(
      [this](absl::Span<const KeyTable::Row> rows) { return KeepNames(rows); });
  const absl::StatusOr<std::vector<journal::StateStore::Entry>> rows = state_->Read(kNames);
  if (!rows.ok()) {
    spdlog::error("assigned names: {}", std::string(rows.status().message()));
  } else {
    for (const auto& [key, value] : *rows) {
      const bool is_enclosure = registry::EnclosureCopies::IsRow(key);
      const bool loaded =
          is_enclosure ? enclosure_copies_.Load(key, value) : keys_->Load(key, value);
      if (!loaded) spdlog::warn("assigned name \"{}\" makes no sense", key);
    }
  }
  if (!restored_.has_value()) return;
  for (const auto& host : restored_->tables.of<registry::Host>()) {
    if (host->facts.key.location.known()) continue;
    keys_->LoadPlain({host->facts.key.address, HostLocation::OfPci(host->facts.pci_address)});
  }
  LoadNodes(restored_->tables);
}

void Memory::LoadNodes(const registry::Tables& tables) {
  absl::flat_hash_map<NodeKey, std::string> paths;  // of expanders
  const auto behind = [&](const NodeKey& parent, std::optional<PhyId> phy) -> std::string {
    if (!phy) return "";
    if (parent.is_host()) return absl::StrCat(phy->value());
    const auto known = paths.find(parent);
    if (known == paths.end() || known->second.empty()) return "";
    return absl::StrCat(known->second, ".", phy->value());
  };
  const auto lowest_phy = [&](const registry::Expander& expander) {
    std::optional<PhyId> lowest;
    const NodeKey& parent = expander.facts.parent;
    registry::internal::VisitRange(
        tables.of<registry::Phy>(), {parent, PhyId(0)},
        [&](const registry::Phy& phy) { return phy.facts.key.owner == parent; },
        [&](const auto& phy) {
          if (!lowest && phy->facts.attached == expander.facts.key.address) {
            lowest = phy->facts.key.phy;
          }
        });
    return lowest;
  };
  std::vector<const registry::Expander*> expanders;
  for (const auto& expander : tables.of<registry::Expander>()) expanders.push_back(expander.get());
  std::stable_sort(expanders.begin(), expanders.end(), [](const auto* a, const auto* b) {
    return a->facts.level < b->facts.level;  // parents first
  });
  const auto load = [&](const NodeKey& key, std::string path) {
    keys_->LoadNode(key.host, {key.address, std::move(path)}, key.port.value());
  };
  for (const registry::Expander* expander : expanders) {
    const NodeKey& key = expander->facts.key;
    paths[key] = behind(expander->facts.parent, lowest_phy(*expander));
    load(key, paths[key]);
  }
  for (const auto& device : tables.of<registry::EndDevice>()) {
    load(device->facts.key, behind(device->facts.parent, device->facts.parent_phy));
  }
}

absl::Status Memory::KeepNames(absl::Span<const KeyTable::Row> rows) {
  if (state_ == nullptr) return absl::OkStatus();
  std::vector<journal::StateStore::Edit> edits;
  edits.reserve(rows.size());
  for (const auto& [key, value] : rows) edits.push_back({kNames, key, value});
  const absl::Status status = state_->Write(edits);
  if (!status.ok()) {
    spdlog::error("assigned names are not kept: {}", std::string(status.message()));
  }
  return status;
}

std::vector<KeyTable::Row> Memory::Aliases() {
  if (state_ == nullptr) return {};
  absl::StatusOr<std::vector<journal::StateStore::Entry>> rows = state_->Read(kAliases);
  if (rows.ok()) return *std::move(rows);
  spdlog::error("aliases: {}", std::string(rows.status().message()));
  return {};
}

absl::Status Memory::KeepAlias(const std::string& resource,
                               const std::optional<std::string>& value) {
  if (state_ == nullptr) return absl::OkStatus();
  return state_->Write({{kAliases, resource, value}});
}

Memory::~Memory() { Close(); }

void Memory::Close() {
  recorder_.reset();
  if (journal_ == nullptr || std::exchange(closed_, true)) return;
  const absl::Status status = journal_->Close();
  if (!status.ok()) spdlog::error("the journal is not closed: {}", std::string(status.message()));
}

JournalStatus Memory::status() const {
  return recorder_ != nullptr ? recorder_->status() : refusal_;
}

}  // namespace sasd::memory
