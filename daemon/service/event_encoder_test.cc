#include "daemon/service/event_encoder.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "daemon/registry/registry_event.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "sas/v1/watch_service.pb.h"

namespace sasd::service {
namespace {

using ::testing::SizeIs;

constexpr int kPhys = 9;
constexpr int64_t kRevision = 12;

// An event that adds phys, an expander amid them.
watch::EncodedEventPtr Event() {
  registry::RegistryEvent event;
  event.revision = kRevision;
  event.cause.text = "many";
  const auto add = [&event](registry::ResourceRef resource) {
    event.changes.emplace_back();
    event.changes.back().after = std::move(resource);
  };
  for (int i = 0; i < kPhys; ++i) {
    if (i == kPhys / 2) add(std::make_shared<const registry::Expander>());
    registry::Phy phy;
    phy.facts.key.phy = PhyId(static_cast<uint8_t>(i));
    add(std::make_shared<const registry::Phy>(std::move(phy)));
  }
  EventEncoder encoder("epoch");
  return std::make_shared<const watch::EncodedEvent>(event, encoder.Encode(event));
}

watch::Selection Selected(const watch::EncodedEventPtr& event,
                          const std::vector<registry::ResourceKind>& kinds) {
  return *watch::Select(event, watch::Filter(kinds, {}));
}

sas::v1::Event Decoded(const std::string& bytes) {
  sas::v1::Event event;
  EXPECT_TRUE(event.ParseFromString(bytes));
  return event;
}

// Cut as small as can be, each part by an EventParts of its own, as pages of a listing are.
std::vector<sas::v1::Event> CutUp(const watch::Selection& selection) {
  std::vector<sas::v1::Event> parts;
  for (size_t position = 0;;) {
    EventParts rest(selection, position);
    parts.push_back(Decoded(rest.Next(1)));
    if (rest.done()) return parts;
    position = rest.position();
  }
}

TEST(EventPartsTest, WhatIsSmallEnoughIsWhole) {
  EventParts parts(Selected(Event(), {}));
  const sas::v1::Event event = Decoded(parts.Next(kPartBytes));
  EXPECT_TRUE(parts.done());
  EXPECT_THAT(event.changes(), SizeIs(kPhys + 1));
  EXPECT_FALSE(event.continued());
  EXPECT_FALSE(event.resume_token().empty());
}

TEST(EventPartsTest, AllButTheLastPartSayThatMoreFollows) {
  const std::vector<sas::v1::Event> parts = CutUp(Selected(Event(), {}));
  ASSERT_THAT(parts, SizeIs(kPhys + 1));
  for (const sas::v1::Event& part : parts) {
    const bool is_last = &part == &parts.back();
    EXPECT_THAT(part.changes(), SizeIs(1));
    EXPECT_EQ(part.revision(), kRevision);
    EXPECT_EQ(part.cause().text(), "many");
    EXPECT_EQ(part.continued(), !is_last);
    EXPECT_EQ(part.resume_token().empty(), !is_last);
  }
}

TEST(EventPartsTest, ASelectionIsCutUpWithoutTheRest) {
  const std::vector<sas::v1::Event> parts =
      CutUp(Selected(Event(), {registry::ResourceKind::kPhy}));
  ASSERT_THAT(parts, SizeIs(kPhys));
  for (size_t i = 0; i < parts.size(); ++i) {
    ASSERT_THAT(parts[i].changes(), SizeIs(1));
    EXPECT_EQ(parts[i].changes(0).resource().phy().phy_identifier(), i);
  }
}

TEST(EventPartsTest, APartHasAsMuchAsItMay) {
  const watch::Selection selection = Selected(Event(), {});
  EventParts parts(selection);
  const size_t half = selection.bytes / 2;
  const std::string first = parts.Next(half);
  EXPECT_GT(first.size(), half / 2);
  EXPECT_FALSE(parts.done());
  const sas::v1::Event second = Decoded(parts.Next(kPartBytes));
  EXPECT_TRUE(parts.done());
  EXPECT_EQ(Decoded(first).changes_size() + second.changes_size(), kPhys + 1);
}

// A client must learn that revisions are missing, whatever its filter.
TEST(EventPartsTest, AJumpPassesAFilterThatPassesNothing) {
  const std::vector<registry::ResourceKind> slots = {registry::ResourceKind::kSlot};
  const auto jump = watch::Select(Event(), watch::Filter(slots, {}));
  ASSERT_TRUE(jump.has_value());
  EXPECT_THAT(jump->parts, SizeIs(0));
}

TEST(EventPartsTest, WhatFitsExactlyIsInThePart) {
  const watch::EncodedEventPtr event = Event();
  EventParts parts(Selected(event, {}));
  const size_t two =
      event->header().size() + event->piece_bytes(0).size() + event->piece_bytes(1).size();
  EXPECT_THAT(Decoded(parts.Next(two)).changes(), SizeIs(2));
  EXPECT_THAT(Decoded(parts.Next(two - 1)).changes(), SizeIs(1));
}

}  // namespace
}  // namespace sasd::service
