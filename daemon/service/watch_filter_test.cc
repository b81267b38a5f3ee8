#include "daemon/service/watch_filter.h"

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/registry.h"
#include "daemon/service/convert.h"
#include "daemon/service/event_decoder.h"
#include "daemon/service/event_encoder.h"
#include "daemon/service/event_view.h"
#include "daemon/service/names.h"
#include "daemon/service/resource_text.h"
#include "daemon/service/snapshot_reader.h"
#include "daemon/watch/publisher.h"
#include "daemon/watch/watch_log.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::service {
namespace {

using sas::v1::Change;
using sas::v1::Resource;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kEpoch[] = "00000000000000aa";

sas::v1::Filter ParseFilter(const std::string& text) {
  sas::v1::Filter filter;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &filter)) << text;
  return filter;
}

class Wakeless : public watch::WakeListener {
  void OnReady() override {}
};

// A node of two hosts that reach the same enclosure.
class Node {
 public:
  Node() {
    for (const HostKey host : {registry::kHostA, registry::kHostB}) {
      Observe({registry::HostOf(host), registry::Settled(host)}, host);
    }
    Observe({CageOver(registry::kHostA)}, registry::kHostA);
  }

  static EnclosureFacts CageOver(HostKey host) {
    EnclosureFacts facts;
    facts.key = registry::kEnclosure;
    facts.host = host;
    facts.slot_count = 4;
    return facts;
  }

  void Observe(std::vector<Observation> observations, HostKey host) {
    registry_.Observe(registry::Batch(std::move(observations), host));
    while (publisher_.PublishOnce()) {
    }
  }

  // Something that may happen.
  void Happen(std::mt19937& random) {
    const auto below = [&random](int bound) {
      return std::uniform_int_distribution<int>(0, bound - 1)(random);
    };
    const HostKey host = below(2) == 0 ? registry::kHostA : registry::kHostB;
    const int drive = 1 + below(4);
    const auto address = static_cast<uint64_t>((host == registry::kHostA ? 0x10 : 0x20) + drive);
    const NodeKey key{host, SasAddress(address), PhysicalPort(0)};
    switch (below(9)) {
      case 0:
      case 1: {
        const DeviceState states[] = {DeviceState::kAttached, DeviceState::kBlocked,
                                      DeviceState::kFailed};
        EndDeviceFacts facts = registry::Drive(host, address, states[below(3)]);
        if (below(4) == 0) facts.slot = static_cast<uint16_t>(below(4));
        if (below(6) == 0) facts.enclosure = EnclosureKey(0);
        return Observe({facts}, host);
      }
      case 2:
      case 3: {
        LogicalUnitFacts unit = registry::Unit(host, address, absl::StrCat("naa.5", drive));
        unit.model = below(2) == 0 ? "HUH721" : "ST8000";
        unit.block_device = absl::StrCat("sd", below(3));
        unit.size_bytes = static_cast<uint64_t>(1 + below(2));
        return Observe({registry::Drive(host, address), unit}, host);
      }
      case 4:
        return Observe({EndDeviceGone{key}}, host);
      case 5:
        return Observe({registry::PhyTo(NodeKey::Host(host), below(3), SasAddress(address), -1,
                                        below(2) == 0 ? LinkRate::k12Gbps : LinkRate::k6Gbps)},
                       host);
      case 6:
        return Observe({CageOver(host)}, host);
      case 7:
        return Observe({EnclosureGone{registry::kEnclosure, host}}, host);
      case 8:
        if (below(3) != 0) return;
        return Observe({HostGone{host}}, host);
    }
  }

  registry::Registry registry_{{kEpoch, 0}};
  EventEncoder encoder_{kEpoch};
  watch::WatchLog log_{registry_, {}};
  watch::Publisher publisher_{log_, encoder_};
};

// A client with a filter: what it holds, and whether each change was as promised.
class Client {
 public:
  Client(Node& node, const std::string& filter, size_t chunk) : node_(node), chunk_(chunk) {
    const auto topology = node_.registry_.Snapshot();
    EXPECT_TRUE(ReadWatchFilter(ParseFilter(filter), {*topology}, &filter_).ok()) << filter;
    cursor_ = node_.log_.Subscribe(listener_, filter_);
    held_ = Snapshot(*cursor_->BeginSnapshot());
    cursor_->EndSnapshot();
  }

  void Follow() {
    while (true) {
      watch::Cursor::Batch batch = cursor_->Next(10, 1'000'000);
      if (batch.state == watch::Cursor::Batch::State::kLarge) {
        batch = cursor_->NextLarge(10, 1'000'000, watch::NeverStop);
      }
      ASSERT_NE(batch.state, watch::Cursor::Batch::State::kFellBehind);
      if (batch.state == watch::Cursor::Batch::State::kAtEnd) break;
      for (const watch::Selection& selection : batch.events) Apply(selection);
    }
    EXPECT_EQ(held_, Snapshot(*node_.registry_.Snapshot()));
  }

  // Resumed at `token`, with the states that it had then, a client gets to the same states.
  void Resume(int64_t revision, std::map<std::string, std::string> held) {
    auto cursor = node_.log_.Resume({kEpoch, revision}, listener_, filter_);
    ASSERT_TRUE(cursor.ok()) << cursor.status();
    cursor_ = *std::move(cursor);
    held_ = std::move(held);
    Follow();
  }

  const std::map<std::string, std::string>& held() const { return held_; }
  int additions = 0, departures = 0, changes = 0;

 private:
  std::map<std::string, std::string> Snapshot(const registry::Topology& topology) const {
    std::map<std::string, std::string> all;
    SnapshotReader reader(std::make_shared<registry::Topology>(topology), filter_);
    sas::v1::SnapshotChunk chunk;
    while (reader.Next(chunk_, ~size_t{0}, &chunk) == SnapshotReader::Found::kResources) {
      EXPECT_LE(static_cast<size_t>(chunk.resources_size()), chunk_);
      for (const Resource& resource : chunk.resources()) {
        EXPECT_TRUE(all.emplace(NameOf(resource), resource.SerializeAsString()).second);
      }
      chunk.Clear();
    }
    return all;
  }

  void Apply(const watch::Selection& selection) {
    sas::v1::Event event;
    const std::string bytes = EventParts(selection).Next(~size_t{0});
    ASSERT_TRUE(event.ParseFromString(bytes));
    ASSERT_GT(event.changes_size() + event.notices_size(), 0) << event.DebugString();
    for (const Change& change : event.changes()) ApplyChange(change);
    CompareReadBack(selection, bytes);
  }

  void ApplyChange(const Change& change) {
    ++changes;
    const std::string name = NameOf(change.resource());
    const auto known = held_.find(name);
    const Resource before = StateBefore(change);
    switch (change.kind()) {
      case sas::v1::CHANGE_KIND_ADDED:
        ++additions;
        EXPECT_EQ(known, held_.end()) << "added twice: " << name;
        EXPECT_FALSE(change.has_previous() || change.has_changed_fields());
        held_[name] = change.resource().SerializeAsString();
        return;
      case sas::v1::CHANGE_KIND_MODIFIED:
        ASSERT_NE(known, held_.end()) << "never added: " << name;
        EXPECT_EQ(before.SerializeAsString(), known->second) << change.DebugString();
        known->second = change.resource().SerializeAsString();
        return;
      default:
        ASSERT_NE(known, held_.end()) << "never added: " << name;
        EXPECT_EQ(before.SerializeAsString(), known->second) << change.DebugString();
        departures += change.left_filter();
        held_.erase(known);
    }
  }

  // The same bytes come of the event as a journal keeps it.
  void CompareReadBack(const watch::Selection& selection, const std::string& bytes) {
    const std::string stored =
        EventParts(*watch::Select(selection.event, watch::Filter())).Next(~size_t{0});
    const absl::StatusOr<watch::EncodedEventPtr> event = DecodeEvent(stored);
    ASSERT_TRUE(event.ok()) << event.status();
    const auto again = watch::Select(*event, filter_);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(EventParts(*again).Next(~size_t{0}), bytes);
  }

  Node& node_;
  const size_t chunk_;
  watch::Filter filter_;
  const std::shared_ptr<Wakeless> listener_ = std::make_shared<Wakeless>();
  std::unique_ptr<watch::Cursor> cursor_;
  std::map<std::string, std::string> held_;
};

// `leaves`: whether a resource can leave the filter and still be there.
struct Case {
  const char* filter;
  bool leaves;
};
const Case kCases[] = {
    {"", false},
    {"hosts: 'hosts/000000000000000b'", true},
    {"hosts: 'hosts/000000000000000a' kinds: RESOURCE_KIND_LOGICAL_UNIT kinds: RESOURCE_KIND_SLOT",
     true},
    {"kinds: RESOURCE_KIND_END_DEVICE", false},
    {"conditions { field: 'state' operator: OPERATOR_EQUAL values: 'ATTACHED' }", true},
    {"conditions { field: 'model' operator: OPERATOR_EQUAL values: 'HUH*' }", true},
    {"conditions { field: 'slot' operator: OPERATOR_LESS values: '3' }", true},
    {"conditions { field: 'occupied' operator: OPERATOR_EQUAL values: 'true' } "
     "hosts: 'hosts/000000000000000b'",
     true},
    {"conditions { field: 'hosts' operator: OPERATOR_EQUAL values: 'hosts/000000000000000b' }",
     true},
    {"conditions { field: 'path_count' operator: OPERATOR_GREATER values: '1' }", true},
    {"conditions { field: 'negotiated_link_rate' operator: OPERATOR_LESS values: '12_GBPS' }",
     true},
    {"conditions { field: 'revision' operator: OPERATOR_GREATER values: '200' }", false},
    {"conditions { field: 'revision' operator: OPERATOR_LESS values: '300' }", true},
    {"conditions { field: 'size_bytes' operator: OPERATOR_EQUAL values: '1' } "
     "conditions { field: 'block_device' operator: OPERATOR_NOT_EQUAL values: 'sd1' }",
     true},
};

// Whatever happens, a client with a filter holds exactly what passes, and gets each change as
// if that was all there is.
TEST(WatchFilterTest, FilteredClientsHoldWhatPasses) {
  Node node;
  std::vector<std::unique_ptr<Client>> clients;
  for (const Case& c : kCases) {
    clients.push_back(std::make_unique<Client>(node, c.filter, 1 + clients.size() % 4));
  }
  std::vector<std::map<std::string, std::string>> middle;
  int64_t middle_revision = 0;
  std::mt19937 random(5);
  for (int i = 0; i < 800; ++i) {
    node.Happen(random);
    for (size_t c = 0; c < clients.size(); ++c) {
      clients[c]->Follow();
      ASSERT_FALSE(HasFailure()) << "act " << i << ", filter " << kCases[c].filter;
    }
    if (i == 400) {
      middle_revision = node.registry_.revision();
      for (const auto& client : clients) middle.push_back(client->held());
    }
  }
  for (size_t c = 0; c < clients.size(); ++c) {
    EXPECT_GT(clients[c]->additions, 0) << kCases[c].filter;
    EXPECT_EQ(clients[c]->departures > 0, kCases[c].leaves) << kCases[c].filter;
    clients[c]->Resume(middle_revision, middle[c]);
    ASSERT_FALSE(HasFailure()) << "resumed, filter " << kCases[c].filter;
  }
}

// ------------------------------------------------------------------------------------ One by one

// The changes of the last event to a subscriber with the filter.
std::vector<std::string> LastChanges(Node& node, const std::string& text) {
  watch::Filter filter;
  EXPECT_TRUE(ReadWatchFilter(ParseFilter(text), {*node.registry_.Snapshot()}, &filter).ok());
  const auto history = node.log_.Read(node.log_.newest_revision() - 1, 1);
  EXPECT_TRUE(history.ok());
  std::vector<std::string> lines;
  if (const auto selection = watch::Select(history->events.at(0), filter)) {
    sas::v1::Event event;
    EXPECT_TRUE(event.ParseFromString(EventParts(*selection).Next(~size_t{0})));
    for (const Change& change : event.changes()) {
      lines.push_back(
          absl::StrCat(absl::StripPrefix(sas::v1::ChangeKind_Name(change.kind()), "CHANGE_KIND_"),
                       change.left_filter() ? " (left)" : "", " ", NameOf(change.resource())));
    }
  }
  return lines;
}

TEST(WatchFilterTest, AHostThatLosesItsPathLosesTheUnit) {
  Node node;
  const std::string only_b = "hosts: 'hosts/000000000000000b' kinds: RESOURCE_KIND_LOGICAL_UNIT";
  const std::string only_a = "hosts: 'hosts/000000000000000a' kinds: RESOURCE_KIND_LOGICAL_UNIT";
  node.Observe(
      {registry::Drive(registry::kHostA, 0x11), registry::Unit(registry::kHostA, 0x11, "naa.51")},
      registry::kHostA);
  EXPECT_THAT(LastChanges(node, only_b), IsEmpty());
  node.Observe(
      {registry::Drive(registry::kHostB, 0x21), registry::Unit(registry::kHostB, 0x21, "naa.51")},
      registry::kHostB);
  EXPECT_THAT(LastChanges(node, only_b), ElementsAre("ADDED logicalUnits/naa.51"));
  EXPECT_THAT(LastChanges(node, only_a), ElementsAre("MODIFIED logicalUnits/naa.51"));
  node.Observe({EndDeviceGone{{registry::kHostB, SasAddress(0x21), PhysicalPort(0)}}},
               registry::kHostB);
  EXPECT_THAT(LastChanges(node, only_b), ElementsAre("REMOVED (left) logicalUnits/naa.51"));
  EXPECT_THAT(LastChanges(node, only_a), ElementsAre("MODIFIED logicalUnits/naa.51"));
  node.Observe({EndDeviceGone{{registry::kHostA, SasAddress(0x11), PhysicalPort(0)}}},
               registry::kHostA);
  EXPECT_THAT(LastChanges(node, only_b), IsEmpty());
  EXPECT_THAT(LastChanges(node, only_a), ElementsAre("REMOVED logicalUnits/naa.51"));
}

TEST(WatchFilterTest, AFailedDriveEntersAndItsRemovalIsReal) {
  Node node;
  const std::string failed =
      "conditions { field: 'state' operator: OPERATOR_EQUAL values: 'FAILED' } "
      "kinds: RESOURCE_KIND_END_DEVICE";
  const std::string name = "hosts/000000000000000a/endDevices/0000000000000011";
  node.Observe({registry::Drive(registry::kHostA, 0x11)}, registry::kHostA);
  EXPECT_THAT(LastChanges(node, failed), IsEmpty());
  node.Observe({registry::Drive(registry::kHostA, 0x11, DeviceState::kFailed)}, registry::kHostA);
  EXPECT_THAT(LastChanges(node, failed), ElementsAre("ADDED " + name));
  node.Observe({EndDeviceGone{{registry::kHostA, SasAddress(0x11), PhysicalPort(0)}}},
               registry::kHostA);
  EXPECT_THAT(LastChanges(node, failed), ElementsAre("REMOVED " + name));
}

TEST(WatchFilterTest, ANoticePassesByKindAndHost) {
  Node node;
  Notice notice;
  notice.subject = NodeKey::Host(registry::kHostA);
  notice.text = "hot";
  node.Observe({notice}, registry::kHostA);
  const auto count = [&node](const std::string& text) {
    watch::Filter filter;
    EXPECT_TRUE(ReadWatchFilter(ParseFilter(text), {*node.registry_.Snapshot()}, &filter).ok());
    const auto history = node.log_.Read(node.log_.newest_revision() - 1, 1);
    return watch::Select(history->events.at(0), filter).has_value();
  };
  EXPECT_TRUE(count("kinds: RESOURCE_KIND_HOST"));
  EXPECT_TRUE(count("hosts: 'hosts/000000000000000a'"));
  EXPECT_FALSE(count("hosts: 'hosts/000000000000000b'"));
  EXPECT_TRUE(count("conditions { field: 'os_name' operator: OPERATOR_EQUAL values: 'x' }"));
  EXPECT_FALSE(count("conditions { field: 'slot' operator: OPERATOR_EQUAL values: '1' }"));
}

TEST(WatchFilterTest, SubscribersShareTheViewOfAnEvent) {
  Node node;
  node.Observe({registry::Drive(registry::kHostA, 0x11)}, registry::kHostA);
  const auto history = node.log_.Read(node.log_.newest_revision() - 1, 1);
  RecentEventViews views;
  const auto first = views.Of(history->events.at(0));
  EXPECT_EQ(views.Of(history->events.at(0)), first);
}

TEST(WatchFilterTest, OldViewsAreLetGo) {
  Node node;
  RecentEventViews views;
  std::weak_ptr<const watch::EventView> first;
  for (uint64_t i = 0; i < 200; ++i) {
    node.Observe({registry::Drive(registry::kHostA, 0x1000 + i)}, registry::kHostA);
    const auto view = views.Of(node.log_.Read(node.log_.newest_revision() - 1, 1)->events.at(0));
    if (i == 0) first = view;
  }
  EXPECT_TRUE(first.expired());
}

// ---------------------------------------------------------------------------------------- behind

constexpr char kBehindExpander[] = "behind: 'hosts/000000000000000a/expanders/000000000000000e' ";

EndDeviceFacts DriveAt(NodeKey parent, uint64_t address) {
  EndDeviceFacts facts = registry::Drive(registry::kHostA, address);
  facts.parent = parent;
  facts.enclosure = EnclosureKey(0);
  facts.slot.reset();
  return facts;
}

NodeKey ExpanderKey() { return {registry::kHostA, registry::kExpander, PhysicalPort(0)}; }

// The names that a stream with a filter, begun before, gets of what happens.
class Follower {
 public:
  Follower(Node& node, const std::string& filter) : node_(node) {
    const auto topology = node.registry_.Snapshot();
    const grpc::Status status = ReadWatchFilter(ParseFilter(filter), {*topology}, &filter_);
    EXPECT_TRUE(status.ok()) << status.error_message();
  }

  std::vector<std::string> Observe(std::vector<Observation> observations) {
    const int64_t before = node_.log_.newest_revision();
    node_.Observe(std::move(observations), registry::kHostA);
    std::vector<std::string> lines;
    const auto history = node_.log_.Read(before, 100);
    for (const watch::EncodedEventPtr& event : history->events) {
      const auto selection = watch::Select(event, filter_);
      if (!selection.has_value()) continue;
      sas::v1::Event sent;
      EXPECT_TRUE(sent.ParseFromString(EventParts(*selection).Next(~size_t{0})));
      for (const sas::v1::Change& change : sent.changes())
        lines.push_back(NameOf(change.resource()));
    }
    return lines;
  }

 private:
  Node& node_;
  watch::Filter filter_;
};

TEST(WatchFilterTest, StreamLearnsWhatComesBehindAnExpander) {
  Node node;
  node.Observe({registry::HostOf(registry::kHostA), registry::ExpanderOn(registry::kHostA)},
               registry::kHostA);
  Follower drives(node, absl::StrCat(kBehindExpander, "kinds: RESOURCE_KIND_LOGICAL_UNIT"));
  const NodeKey host = NodeKey::Host(registry::kHostA);
  EXPECT_THAT(drives.Observe(
                  {DriveAt(ExpanderKey(), 0x31), registry::Unit(registry::kHostA, 0x31, "naa.1")}),
              ElementsAre("logicalUnits/naa.1"));
  EXPECT_THAT(
      drives.Observe({DriveAt(host, 0x32), registry::Unit(registry::kHostA, 0x32, "naa.2")}),
      ::testing::IsEmpty());
  // It goes, and is known still.
  EXPECT_THAT(
      drives.Observe({EndDeviceGone{{registry::kHostA, SasAddress(0x31), PhysicalPort(0)}}}),
      ElementsAre("logicalUnits/naa.1"));
  EXPECT_THAT(
      drives.Observe({EndDeviceGone{{registry::kHostA, SasAddress(0x32), PhysicalPort(0)}}}),
      ::testing::IsEmpty());
}

TEST(WatchFilterTest, ExpanderThatComesLaterIsBehindItsParent) {
  Node node;
  node.Observe({registry::HostOf(registry::kHostA), registry::ExpanderOn(registry::kHostA)},
               registry::kHostA);
  Follower all(node, kBehindExpander);
  ExpanderFacts below = registry::ExpanderOn(registry::kHostA);
  below.key.address = SasAddress(0xEE);
  below.parent = ExpanderKey();
  EXPECT_THAT(all.Observe({below}),
              ElementsAre("hosts/000000000000000a/expanders/00000000000000ee"));
  EXPECT_THAT(all.Observe({DriveAt(below.key, 0x33)}),
              ElementsAre("hosts/000000000000000a/endDevices/0000000000000033"));
}

// The enclosure stays, behind the other host.
TEST(WatchFilterTest, EnclosureLeavesWithTheHostThatReachedIt) {
  Node node;
  for (const HostKey host : {registry::kHostA, registry::kHostB}) {
    ExpanderFacts expander = registry::ExpanderOn(host);
    expander.enclosure = registry::kEnclosure;
    node.Observe({registry::HostOf(host), expander}, host);
  }
  Follower enclosures(node, absl::StrCat("behind: '", HostName(registry::kHostB),
                                         "' kinds: RESOURCE_KIND_ENCLOSURE"));
  const std::string name = EnclosureName(registry::kEnclosure);
  EXPECT_THAT(enclosures.Observe({ExpanderGone{registry::ExpanderOn(registry::kHostB).key}}),
              ElementsAre(name));
  EnclosureFacts later;
  later.key = registry::kEnclosure;
  later.host = registry::kHostA;
  later.slot_count = 12;
  EXPECT_THAT(enclosures.Observe({later}), ::testing::IsEmpty());
}

// The enclosure stays, with its other expander.
TEST(WatchFilterTest, EnclosureLeavesWithTheExpanderThatReachedIt) {
  Node node;
  ExpanderFacts one = registry::ExpanderOn(registry::kHostA), other = one;
  one.enclosure = other.enclosure = registry::kEnclosure;
  other.key.address = SasAddress(0xEE);
  other.parent = NodeKey::Host(registry::kHostA);
  node.Observe({registry::HostOf(registry::kHostA), one, other}, registry::kHostA);
  Follower enclosures(node, absl::StrCat(kBehindExpander, "kinds: RESOURCE_KIND_ENCLOSURE"));
  const std::string name = EnclosureName(registry::kEnclosure);
  EXPECT_THAT(enclosures.Observe({ExpanderGone{one.key}}), ElementsAre(name));
  EnclosureFacts later;
  later.key = registry::kEnclosure;
  later.host = registry::kHostA;
  later.slot_count = 12;
  EXPECT_THAT(enclosures.Observe({later}), ::testing::IsEmpty());
  EXPECT_THAT(enclosures.Observe({one}), ElementsAre(name));
}

// A Watch keeps its filter: many of them with large patterns took a gigabyte.
TEST(WatchFilterTest, AWatchHasFewerPatternsThanAList) {
  Node node;
  sas::v1::Filter filter;
  sas::v1::Condition& condition = *filter.add_conditions();
  condition.set_field("serial");
  condition.set_operator_(sas::v1::OPERATOR_EQUAL);
  for (int i = 0; i < 4; ++i) condition.add_values(std::string(127, 'x') + "*");
  const auto topology = node.registry_.Snapshot();
  const BehindScope of_list{*topology};
  const BehindScope of_watch{*topology, nullptr, NeverCancelled, true};
  watch::Filter read;
  EXPECT_TRUE(ReadWatchFilter(filter, of_watch, &read).ok());
  condition.add_values("*");
  EXPECT_TRUE(ReadWatchFilter(filter, of_list, &read).ok());
  const grpc::Status status = ReadWatchFilter(filter, of_watch, &read);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), ::testing::HasSubstr("513 bytes together; at most 512"));
}

TEST(WatchFilterTest, NameThatIsNoneIsRefused) {
  Node node;
  watch::Filter filter;
  for (const char* text : {"behind: 'nonsense'", "behind: 'hosts/000000000000000a/phys/3'",
                           "behind: 'logicalUnits/naa.9'"}) {
    const grpc::Status status =
        ReadWatchFilter(ParseFilter(text), {*node.registry_.Snapshot()}, &filter);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << text;
    EXPECT_THAT(status.error_message(), ::testing::HasSubstr("filter.behind[0]")) << text;
  }
}

}  // namespace
}  // namespace sasd::service
