#include "daemon/service/history_calls.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "daemon/registry/fake_facts.h"
#include "daemon/registry/registry.h"
#include "daemon/service/event_encoder.h"
#include "daemon/service/fake_history.h"
#include "daemon/service/history_objects.h"
#include "daemon/service/log_history.h"
#include "daemon/watch/publisher.h"
#include "daemon/watch/watch_log.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

using registry::kHostA;
using registry::kHostB;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

template <typename Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

using HistoryCall = std::function<grpc::Status(const HistoryContext&)>;

// The call looks `least` times at least, and ends at each look at which it is cancelled.
void ExpectEndsAtAnyLook(const HistoryCall& call, const HistoryReader& history,
                         const registry::Topology& topology, int least) {
  int looks = 0;
  ASSERT_TRUE(call({history, topology, [&looks] { return ++looks < 0; }}).ok());
  EXPECT_GE(looks, least);
  for (int last = 0; last < looks; ++last) {
    int count = 0;
    EXPECT_EQ(call({history, topology, [&] { return count++ >= last; }}).error_code(),
              grpc::StatusCode::CANCELLED)
        << last << " of " << looks;
  }
}

// ----------------------------------------------------------- A history that is written down

// Events 1 to 100 at the seconds 10, 20, ...: each adds a phy; every tenth removes a drive, too.
class WrittenHistoryTest : public ::testing::Test {
 protected:
  WrittenHistoryTest() {
    for (int i = 1; i <= 100; ++i) {
      const std::string drive = i % 10 != 0
                                    ? ""
                                    : absl::StrCat(
                                          "changes { kind: CHANGE_KIND_REMOVED severity: "
                                          "SEVERITY_WARNING resource { logical_unit { name: "
                                          "\"logicalUnits/naa.",
                                          i, "\" serial: \"Z", i, "\" } } }");
      history_.Add(absl::StrCat(
          "revision: ", i, " previous_revision: ", i - 1, " time { seconds: ", i * 10,
          " } cause { kind: ", i % 2 == 0 ? "CAUSE_KIND_UEVENT" : "CAUSE_KIND_SCAN",
          " } severity: ", i % 10 == 0 ? "SEVERITY_WARNING" : "SEVERITY_INFO",
          " changes { kind: CHANGE_KIND_ADDED severity: SEVERITY_INFO resource { phy { name: "
          "\"hosts/000000000000000a/phys/",
          i, "\" } } } ", drive));
    }
  }

  // The revisions of all pages.
  std::vector<int64_t> List(const std::string& request_text) {
    auto request = Parse<sas::v1::ListEventsRequest>(request_text);
    std::vector<int64_t> revisions;
    for (pages_ = 0;; ++pages_) {
      sas::v1::ListEventsResponse page;
      const grpc::Status status = ListEvents(request, context_, &page);
      EXPECT_TRUE(status.ok()) << status.error_message();
      for (const sas::v1::Event& event : page.events()) revisions.push_back(event.revision());
      for (const sas::v1::Gap& gap : page.gaps()) gaps_.push_back(gap);
      if (!status.ok() || page.next_page_token().empty()) return revisions;
      request.set_page_token(page.next_page_token());
    }
  }

  grpc::Status Error(const std::string& request_text) {
    sas::v1::ListEventsResponse response;
    return ListEvents(Parse<sas::v1::ListEventsRequest>(request_text), context_, &response);
  }

  FakeHistory history_;
  registry::Registry registry_{registry::Registry::Options{"00000000000000aa", 0}};
  const std::shared_ptr<const registry::Topology> topology_ = registry_.Snapshot();
  const HistoryContext context_{history_, *topology_, [] { return false; }};
  std::vector<sas::v1::Gap> gaps_;
  int pages_ = 0;
};

TEST_F(WrittenHistoryTest, NewestCountCountsWhatPassesTheFilter) {
  const std::string drives = "filter { kinds: RESOURCE_KIND_LOGICAL_UNIT } ";
  EXPECT_THAT(List(drives + "newest_count: 2"), ElementsAre(90, 100));
  EXPECT_THAT(List(drives + "newest_count: 2 order: ORDER_NEWEST_FIRST"), ElementsAre(100, 90));
  EXPECT_THAT(List("newest_count: 3"), ElementsAre(98, 99, 100));
  EXPECT_THAT(List(drives + "newest_count: 2 page_size: 1"), ElementsAre(90, 100));
  EXPECT_THAT(List("newest_count: 2 end_time { seconds: 500 }"), ElementsAre(48, 49));
  EXPECT_THAT(List("newest_count: 500 after_revision: 97"), ElementsAre(98, 99, 100));
}

TEST_F(WrittenHistoryTest, TimesCausesAndSeverityHoldTogether) {
  EXPECT_THAT(List("start_time { seconds: 955 } end_time { seconds: 990 }"),
              ElementsAre(96, 97, 98));
  EXPECT_THAT(List("start_time { seconds: 955 } cause_kinds: CAUSE_KIND_SCAN"),
              ElementsAre(97, 99));
  EXPECT_THAT(List("start_time { seconds: 700 } minimum_severity: SEVERITY_WARNING"),
              ElementsAre(70, 80, 90, 100));
  EXPECT_THAT(List("minimum_severity: SEVERITY_CRITICAL"), IsEmpty());
}

TEST_F(WrittenHistoryTest, PagesNeitherRepeatNorLeaveOut) {
  for (const char* order : {"ORDER_OLDEST_FIRST", "ORDER_NEWEST_FIRST"}) {
    for (const int size : {1, 7, 50, 100, 101}) {
      const std::vector<int64_t> revisions =
          List(absl::StrCat("order: ", order, " page_size: ", size));
      ASSERT_EQ(revisions.size(), 100u) << order << " " << size;
      EXPECT_EQ(pages_ + 1, (100 + size - 1) / size);
      for (size_t i = 1; i < revisions.size(); ++i) {
        EXPECT_EQ(revisions[i] - revisions[i - 1], revisions[0] == 1 ? 1 : -1);
      }
    }
  }
}

TEST_F(WrittenHistoryTest, AListingEndsWithTheEventsOfItsBeginning) {
  auto request = Parse<sas::v1::ListEventsRequest>("page_size: 60");
  sas::v1::ListEventsResponse page;
  ASSERT_TRUE(ListEvents(request, context_, &page).ok());
  history_.Add("revision: 101 previous_revision: 100");
  request.set_page_token(page.next_page_token());
  sas::v1::ListEventsResponse last;
  ASSERT_TRUE(ListEvents(request, context_, &last).ok());
  EXPECT_EQ(last.events().rbegin()->revision(), 100);
  EXPECT_EQ(last.newest_revision(), 101);
  EXPECT_THAT(last.next_page_token(), IsEmpty());
}

TEST_F(WrittenHistoryTest, ObjectsThatAreGoneHaveEvents) {
  for (const char* query : {"Z70", "z70", "logicalUnits/naa.70"}) {
    EXPECT_THAT(List(absl::StrCat("objects: \"", query, "\"")), ElementsAre(70)) << query;
  }
  EXPECT_THAT(List("objects: \"Z70\" objects: \"Z90\""), ElementsAre(70, 90));
  // Never removed, and not there either: known by its events alone.
  EXPECT_THAT(List("objects: \"hosts/000000000000000a/phys/33\""), ElementsAre(33));
  const grpc::Status status = Error("objects: \"Z71\"");
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("neither the node nor its history knows \"Z71\""));
}

TEST_F(WrittenHistoryTest, GapsAreListedWhateverTheFilter) {
  history_.Add(
      "revision: 200 previous_revision: 100 severity: SEVERITY_WARNING "
      "gap { first_revision: 101 last_revision: 199 reason: GAP_REASON_POWER_LOSS }");
  history_.Add("revision: 201 previous_revision: 200");
  for (const char* order : {"ORDER_OLDEST_FIRST", "ORDER_NEWEST_FIRST"}) {
    for (const char* filter : {"", "objects: \"Z70\"", "filter { kinds: RESOURCE_KIND_PHY }"}) {
      for (const int size : {1, 50, 1000}) {
        gaps_.clear();
        List(absl::StrCat(filter, " order: ", order, " page_size: ", size));
        ASSERT_EQ(gaps_.size(), 1u) << order << " " << filter << " " << size;
        EXPECT_EQ(gaps_[0].first_revision(), 101);
        EXPECT_EQ(gaps_[0].reason(), sas::v1::GAP_REASON_POWER_LOSS);
      }
    }
  }
}

TEST_F(WrittenHistoryTest, AUnitThatLeavesAHostHasAnEventThere) {
  history_.Add(
      "revision: 101 previous_revision: 100 changes { kind: CHANGE_KIND_MODIFIED resource { "
      "logical_unit { name: \"logicalUnits/naa.1\" paths { host: \"hosts/000000000000000b\" } } } "
      "changed_fields { paths: \"paths\" } previous { logical_unit { paths { host: "
      "\"hosts/000000000000000a\" } paths { host: \"hosts/000000000000000b\" } } } }");
  EXPECT_THAT(List("filter { hosts: \"hosts/000000000000000a\" kinds: "
                   "RESOURCE_KIND_LOGICAL_UNIT }"),
              ElementsAre(101));
}

TEST_F(WrittenHistoryTest, AGapOfOneRevisionIsListed) {
  history_.Add(
      "revision: 102 previous_revision: 100 severity: SEVERITY_WARNING "
      "gap { first_revision: 101 last_revision: 101 reason: GAP_REASON_POWER_LOSS }");
  List("");
  ASSERT_EQ(gaps_.size(), 1u);
  EXPECT_EQ(gaps_[0].last_revision(), 101);
}

TEST_F(WrittenHistoryTest, WhatIsTrimmedIsOutOfRange) {
  history_.Trim(40);
  EXPECT_THAT(List("newest_count: 1"), ElementsAre(100));
  EXPECT_EQ(List("").size(), 61u);
  EXPECT_EQ(List("after_revision: 39").size(), 61u);
  EXPECT_EQ(Error("after_revision: 38").error_code(), grpc::StatusCode::OUT_OF_RANGE);
  // Also where it is trimmed between two pages.
  auto request = Parse<sas::v1::ListEventsRequest>("page_size: 5");
  sas::v1::ListEventsResponse page;
  ASSERT_TRUE(ListEvents(request, context_, &page).ok());
  request.set_page_token(page.next_page_token());
  history_.Trim(60);
  EXPECT_EQ(ListEvents(request, context_, &page).error_code(), grpc::StatusCode::OUT_OF_RANGE);
}

TEST_F(WrittenHistoryTest, WrongRequestsNameTheirField) {
  for (const auto& [text, field] : std::vector<std::pair<std::string, std::string>>{
           {"newest_count: -1", "newest_count"},
           {"after_revision: -1", "after_revision"},
           {"page_size: -1", "page_size"},
           {"page_token: \"x\"", "page_token"},
           {"objects: \"\"", "objects[0]"},
           {"filter { hosts: \"x\" }", "filter.hosts[0]"}}) {
    const grpc::Status status = Error(text);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << text;
    EXPECT_THAT(status.error_message(), HasSubstr(field)) << text;
  }
  // A token belongs to its listing.
  auto request = Parse<sas::v1::ListEventsRequest>("page_size: 5");
  sas::v1::ListEventsResponse page;
  ASSERT_TRUE(ListEvents(request, context_, &page).ok());
  request.set_page_token(page.next_page_token());
  request.set_minimum_severity(sas::v1::SEVERITY_WARNING);
  EXPECT_EQ(ListEvents(request, context_, &page).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(WrittenHistoryTest, ADiskThatFailsIsAnError) {
  history_.Fail(absl::UnavailableError("journal.db: disk I/O error"));
  EXPECT_EQ(Error("").error_code(), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(WrittenHistoryTest, AClientThatHasGoneEndsTheSearch) {
  const HistoryContext gone{history_, *topology_, [] { return true; }};
  sas::v1::ListEventsResponse response;
  EXPECT_EQ(ListEvents({}, gone, &response).error_code(), grpc::StatusCode::CANCELLED);
}

// ------------------------------------------------------------------ The history of a registry

class LiveHistoryTest : public ::testing::Test {
 protected:
  LiveHistoryTest() {
    for (const HostKey host : {kHostA, kHostB}) Come(host, 3);
  }

  void Observe(std::vector<Observation> observations, HostKey host, std::string why,
               CauseKind kind = CauseKind::kFirmwareEvent) {
    ObservationBatch batch = registry::Batch(std::move(observations), host);
    batch.cause.kind = kind;
    batch.cause.text = std::move(why);
    batch.time = absl::FromUnixSeconds(++seconds_);
    registry_.Observe(std::move(batch));
    while (publisher_.PublishOnce()) {
    }
  }

  static uint64_t AddressOn(HostKey host, int drive) {
    return host.address.value() * 16 + static_cast<uint64_t>(drive);
  }

  // The drive "naa.N" with serial "ZN" comes into slot N, over one host.
  void Come(HostKey host, int drive) {
    LogicalUnitFacts unit =
        registry::Unit(host, AddressOn(host, drive), absl::StrCat("naa.", drive));
    unit.serial = absl::StrCat("Z", drive);
    unit.block_device = host == kHostA ? "sda" : "sdb";
    EnclosureFacts enclosure;
    enclosure.key = registry::kEnclosure;
    enclosure.host = host;
    enclosure.slot_count = 8;
    EndDeviceFacts device = registry::Drive(host, AddressOn(host, drive));
    device.slot = static_cast<uint16_t>(drive);
    Observe({registry::HostOf(host), enclosure, device, unit, registry::Settled(host)}, host,
            absl::StrCat("drive ", drive, " added"));
  }
  void Go(HostKey host, int drive) {
    Observe({EndDeviceGone{{host, SasAddress(AddressOn(host, drive)), PhysicalPort(0)}}}, host,
            absl::StrCat("drive ", drive, " not responding"));
  }

  sas::v1::GetTimelineResponse Timeline(const std::string& object, const std::string& more = "") {
    auto request =
        Parse<sas::v1::GetTimelineRequest>(absl::StrCat("object: \"", object, "\" ", more));
    const auto topology = registry_.Snapshot();
    const HistoryContext context{history_, *topology, [] { return false; }};
    sas::v1::GetTimelineResponse all;
    do {
      sas::v1::GetTimelineResponse page;
      const grpc::Status status = GetTimeline(request, context, &page);
      EXPECT_TRUE(status.ok()) << status.error_message();
      if (!status.ok()) return all;
      request.set_page_token(page.next_page_token());
      page.clear_next_page_token();
      all.mutable_entries()->MergeFrom(page.entries());
      all.mutable_placements()->MergeFrom(page.placements());
      *all.mutable_resources() = page.resources();
    } while (!request.page_token().empty());
    return all;
  }

  static std::vector<std::string> Texts(const sas::v1::GetTimelineResponse& timeline) {
    std::vector<std::string> texts;
    for (const sas::v1::TimelineEntry& entry : timeline.entries()) texts.push_back(entry.text());
    return texts;
  }

  sas::v1::GetDifferencesResponse Differences(const std::string& request) {
    const auto topology = registry_.Snapshot();
    const HistoryContext context{history_, *topology, [] { return false; }};
    sas::v1::GetDifferencesResponse response;
    const grpc::Status status =
        GetDifferences(Parse<sas::v1::GetDifferencesRequest>(request), context, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }

  registry::Registry registry_{registry::Registry::Options{"00000000000000aa", 0}};
  EventEncoder encoder_{"00000000000000aa"};
  watch::WatchLog log_{registry_};
  watch::Publisher publisher_{log_, encoder_};
  LogHistory history_{log_};
  int64_t seconds_ = 0;
};

TEST_F(LiveHistoryTest, ADriveThatIsGoneTellsItsStory) {
  Go(kHostA, 3);
  Go(kHostB, 3);
  const sas::v1::GetTimelineResponse timeline = Timeline("Z3");
  EXPECT_THAT(
      timeline.resources(),
      ElementsAre("hosts/000000000000000a/endDevices/00000000000000a3",
                  "hosts/000000000000000b/endDevices/00000000000000b3", "logicalUnits/naa.3"));
  ASSERT_EQ(timeline.placements_size(), 1);
  EXPECT_EQ(timeline.placements(0).slot(), "enclosures/0000000000000077/slots/3");
  EXPECT_EQ(timeline.placements(0).start_time().seconds(), 1);
  EXPECT_EQ(timeline.placements(0).end_time().seconds(), 4);
  ASSERT_GT(timeline.entries_size(), 0);
  EXPECT_EQ(timeline.entries(0).text(),
            "removed from enclosures/0000000000000077/slots/3, last seen as sdb: drive 3 not "
            "responding");
  EXPECT_EQ(timeline.entries(0).severity(), sas::v1::SEVERITY_WARNING);
  EXPECT_EQ(timeline.entries(0).time().seconds(), 4);
}

TEST_F(LiveHistoryTest, PagesOfATimelineAreTheWholeTimeline) {
  for (int i = 0; i < 5; ++i) {
    Go(kHostB, 3);
    Come(kHostB, 3);
  }
  for (const char* order : {"order: ORDER_OLDEST_FIRST", "order: ORDER_NEWEST_FIRST"}) {
    const std::vector<std::string> whole = Texts(Timeline("Z3", order));
    EXPECT_GE(whole.size(), 12u);
    EXPECT_EQ(Texts(Timeline("Z3", absl::StrCat(order, " page_size: 3"))), whole);
  }
}

TEST_F(LiveHistoryTest, ASlotTellsOfAllWhoSatThere) {
  Go(kHostA, 3);
  Go(kHostB, 3);
  // Another drive in the same slot, later elsewhere.
  Come(kHostA, 5);
  Observe({[] {
            EndDeviceFacts device = registry::Drive(kHostA, AddressOn(kHostA, 5));
            device.slot = 3;
            return device;
          }()},
          kHostA, "moved");
  const sas::v1::GetTimelineResponse timeline = Timeline("enclosures/0000000000000077/slots/3");
  ASSERT_EQ(timeline.placements_size(), 2);
  EXPECT_EQ(timeline.placements(0).serial(), "Z5");
  EXPECT_FALSE(timeline.placements(0).has_end_time());
  EXPECT_EQ(timeline.placements(1).serial(), "Z3");
  EXPECT_EQ(timeline.placements(1).end_cause().text(), "drive 3 not responding");
  // What the second drive did before it sat here is not the slot's story.
  for (const sas::v1::TimelineEntry& entry : timeline.entries()) {
    if (entry.resource() == "logicalUnits/naa.5") EXPECT_EQ(entry.time().seconds(), 6);
  }
}

TEST_F(LiveHistoryTest, SlotOfAnEnclosureThatIsGoneIsFoundByTheAlias) {
  registry::Aliases aliases;
  aliases.enclosures[registry::kEnclosure] = "rack3-top";
  registry_.SetAliases(aliases, MakeCause(CauseKind::kControl, "alias set"),
                       absl::FromUnixSeconds(++seconds_));
  for (const HostKey host : {kHostA, kHostB}) {
    Go(host, 3);
    Observe({EnclosureGone{registry::kEnclosure, host}}, host, "switched off");
  }
  const auto topology = registry_.Snapshot();
  ASSERT_TRUE(FindResources(*topology, "enclosures/0000000000000077", {}).resources.empty());
  for (const char* slot : {"Rack3-Top/3", "077/3"}) {
    const sas::v1::GetTimelineResponse timeline = Timeline(slot);
    EXPECT_THAT(timeline.resources(), ElementsAre("enclosures/0000000000000077/slots/3")) << slot;
    ASSERT_EQ(timeline.placements_size(), 1);
    EXPECT_EQ(timeline.placements(0).serial(), "Z3");
  }
  // An alias of now, which the enclosure had not yet.
  HistoryContext context{history_, *topology, [] { return false; }};
  context.without_alias = [](absl::string_view query) {
    EXPECT_EQ(query, "cellar/3");
    return "enclosures/0000000000000077/slots/3";
  };
  sas::v1::ListEventsResponse response;
  const grpc::Status status =
      ListEvents(Parse<sas::v1::ListEventsRequest>("objects: \"cellar/3\""), context, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  EXPECT_GT(response.events_size(), 0);
}

TEST_F(LiveHistoryTest, AnUnknownObjectIsNotFound) {
  const auto topology = registry_.Snapshot();
  const HistoryContext context{history_, *topology, [] { return false; }};
  sas::v1::GetTimelineResponse response;
  EXPECT_EQ(GetTimeline(Parse<sas::v1::GetTimelineRequest>("object: \"Z4\""), context, &response)
                .error_code(),
            grpc::StatusCode::NOT_FOUND);
}

TEST_F(LiveHistoryTest, EachLookForACancellationEndsTheCall) {
  Go(kHostA, 3);
  Go(kHostB, 3);
  const auto topology = registry_.Snapshot();
  const HistoryCall calls[] = {
      [](const HistoryContext& context) {
        sas::v1::ListEventsResponse response;
        return ListEvents(
            Parse<sas::v1::ListEventsRequest>("objects: \"Z3\" newest_count: 3 page_size: 1"),
            context, &response);
      },
      [](const HistoryContext& context) {
        sas::v1::GetTimelineResponse response;
        return GetTimeline(Parse<sas::v1::GetTimelineRequest>("object: \"Z3\""), context,
                           &response);
      },
      [](const HistoryContext& context) {
        sas::v1::GetDifferencesResponse response;
        return GetDifferences(Parse<sas::v1::GetDifferencesRequest>("revision: 0"), context,
                              &response);
      },
  };
  for (const HistoryCall& call : calls) ExpectEndsAtAnyLook(call, history_, *topology, 2);
}

TEST_F(LiveHistoryTest, ObjectsAreFoundWithTheIndex) {
  const auto topology = registry_.Snapshot();
  std::string asked;
  const ObjectFinder find = [&](absl::string_view query, Cancelled) {
    asked = std::string(query);
    return FindResources(*topology, query, {});
  };
  const HistoryContext context{history_, *topology, [] { return false; }, find};
  sas::v1::GetTimelineResponse timeline;
  ASSERT_TRUE(
      GetTimeline(Parse<sas::v1::GetTimelineRequest>("object: \"Z3\""), context, &timeline).ok());
  EXPECT_EQ(asked, "Z3");
  asked.clear();
  sas::v1::ListEventsResponse events;
  ASSERT_TRUE(
      ListEvents(Parse<sas::v1::ListEventsRequest>("objects: \"Z3\""), context, &events).ok());
  EXPECT_EQ(asked, "Z3");
}

TEST_F(LiveHistoryTest, WhatIsBackIsNotGone) {
  Go(kHostA, 3);
  Go(kHostB, 3);
  const auto gone = FindRemoved("Z3", {}, *registry_.Snapshot(), history_);
  ASSERT_TRUE(gone.ok());
  ASSERT_EQ(gone->size(), 1u);
  EXPECT_EQ((*gone)[0].revision, registry_.revision());
  EXPECT_EQ((*gone)[0].last_known.logical_unit().slot(), 3u);
  Come(kHostA, 3);
  // The other path is gone still.
  const auto path = FindRemoved("Z3", {}, *registry_.Snapshot(), history_);
  ASSERT_TRUE(path.ok());
  ASSERT_EQ(path->size(), 1u);
  EXPECT_TRUE((*path)[0].last_known.has_end_device());
}

TEST_F(LiveHistoryTest, DifferencesAreTheNetEffect) {
  const int64_t before = registry_.revision();
  Go(kHostB, 3);
  Come(kHostA, 5);
  Go(kHostA, 5);  // came and went: no difference
  Come(kHostB, 3);
  Go(kHostB, 3);
  const sas::v1::GetDifferencesResponse differences =
      Differences(absl::StrCat("revision: ", before,
                               " filter { kinds: RESOURCE_KIND_END_DEVICE "
                               "kinds: RESOURCE_KIND_LOGICAL_UNIT }"));
  EXPECT_EQ(differences.since_revision(), before);
  EXPECT_EQ(differences.revision(), registry_.revision());
  ASSERT_EQ(differences.changes_size(), 2) << differences.DebugString();
  const sas::v1::Change& path = differences.changes(0);
  EXPECT_EQ(path.kind(), sas::v1::CHANGE_KIND_REMOVED);
  EXPECT_EQ(path.resource().end_device().name(),
            "hosts/000000000000000b/endDevices/00000000000000b3");
  const sas::v1::Change& drive = differences.changes(1);
  EXPECT_EQ(drive.kind(), sas::v1::CHANGE_KIND_MODIFIED);
  EXPECT_EQ(drive.previous().logical_unit().paths_size(), 2);
  EXPECT_EQ(drive.resource().logical_unit().paths_size(), 1);
  EXPECT_THAT(drive.changed_fields().paths(), ElementsAre("paths", "lost_hosts"));
}

TEST_F(LiveHistoryTest, DifferencesSinceATimeBeginBeforeIt) {
  Go(kHostB, 3);  // at second 3
  const std::string drives = " filter { kinds: RESOURCE_KIND_LOGICAL_UNIT }";
  EXPECT_EQ(Differences("time { seconds: 3 }" + drives).changes_size(), 1);
  EXPECT_EQ(Differences("time { seconds: 4 }" + drives).changes_size(), 0);
  // Before the first event nothing was there.
  EXPECT_EQ(Differences("time { seconds: 0 }" + drives).changes(0).kind(),
            sas::v1::CHANGE_KIND_ADDED);
}

TEST_F(LiveHistoryTest, PagesOfDifferencesAreThoseOfTheFirst) {
  const sas::v1::GetDifferencesResponse whole = Differences("revision: 0 page_size: 1000");
  auto request = Parse<sas::v1::GetDifferencesRequest>("revision: 0 page_size: 3");
  sas::v1::GetDifferencesResponse all;
  do {
    const auto topology = registry_.Snapshot();
    const HistoryContext context{history_, *topology, [] { return false; }};
    sas::v1::GetDifferencesResponse page;
    ASSERT_TRUE(GetDifferences(request, context, &page).ok());
    EXPECT_EQ(page.revision(), whole.revision());
    EXPECT_LE(page.changes_size(), 3);
    all.mutable_changes()->MergeFrom(page.changes());
    request.set_page_token(page.next_page_token());
    if (all.changes_size() == 3) Come(kHostA, 5);  // is no difference of this listing
  } while (!request.page_token().empty());
  ASSERT_EQ(all.changes_size(), whole.changes_size());
  for (int i = 0; i < all.changes_size(); ++i) {
    EXPECT_EQ(all.changes(i).SerializeAsString(), whole.changes(i).SerializeAsString());
  }
}

// A page is made of few objects, whatever happened: 5,000 came, and every second one went again.
TEST(ManyDifferencesTest, PagesListEachDifferenceOnce) {
  FakeHistory history;
  const auto add = [&history](int revision, const char* kind, int phy) {
    history.Add(absl::StrCat("revision: ", revision, " previous_revision: ", revision - 1,
                             " time { seconds: 1 } changes { kind: ", kind,
                             " resource { phy { name: \"hosts/000000000000000a/phys/", phy,
                             "\" } } }"));
  };
  constexpr int kObjects = 5'000;
  int revision = 0;
  for (int i = 0; i < kObjects; ++i) add(++revision, "CHANGE_KIND_ADDED", 7919 * i % kObjects);
  for (int i = 0; i < kObjects; i += 2) add(++revision, "CHANGE_KIND_REMOVED", i);
  registry::Registry registry(registry::Registry::Options{"00000000000000aa", 0});
  const auto topology = registry.Snapshot();
  const HistoryContext context{history, *topology, [] { return false; }};
  auto request = Parse<sas::v1::GetDifferencesRequest>("revision: 0 page_size: 300");
  std::vector<std::string> names;
  do {
    sas::v1::GetDifferencesResponse page;
    ASSERT_TRUE(GetDifferences(request, context, &page).ok());
    EXPECT_LE(page.changes_size(), 300);
    for (const sas::v1::Change& change : page.changes()) {
      EXPECT_EQ(change.kind(), sas::v1::CHANGE_KIND_ADDED);
      names.push_back(change.resource().phy().name());
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(names.size(), kObjects / 2u);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

// An event may have 100,000 changes.
TEST(LargeEventTest, EachLookAtItsChangesMayEndTheCall) {
  FakeHistory history;
  std::string changes;
  for (int i = 0; i < 2'000; ++i) {
    absl::StrAppend(&changes,
                    " changes { kind: CHANGE_KIND_REMOVED resource { logical_unit { name: "
                    "\"logicalUnits/naa.",
                    i, "\" serial: \"Z", i, "\" } } }");
  }
  history.Add(absl::StrCat("revision: 1 time { seconds: 1 }", changes));
  registry::Registry registry(registry::Registry::Options{"00000000000000aa", 0});
  const auto topology = registry.Snapshot();
  const HistoryCall calls[] = {
      [](const HistoryContext& context) {
        sas::v1::ListEventsResponse response;
        return ListEvents(Parse<sas::v1::ListEventsRequest>("filter { conditions { field: "
                                                            "\"serial\" operator: OPERATOR_EQUAL "
                                                            "values: \"*5\" } }"),
                          context, &response);
      },
      [](const HistoryContext& context) {
        sas::v1::GetTimelineResponse response;
        return GetTimeline(Parse<sas::v1::GetTimelineRequest>("object: \"Z7\""), context,
                           &response);
      },
      [](const HistoryContext& context) {
        sas::v1::GetDifferencesResponse response;
        return GetDifferences(Parse<sas::v1::GetDifferencesRequest>("revision: 0"), context,
                              &response);
      },
  };
  for (const HistoryCall& call : calls) ExpectEndsAtAnyLook(call, history, *topology, 10);
}

}  // namespace
}  // namespace sasd::service
