#include "daemon/service/event_decoder.h"

#include <string>
#include <vector>

#include "daemon/registry/fake_facts.h"
#include "daemon/registry/fake_pump.h"
#include "daemon/service/event_encoder.h"
#include "daemon/watch/filter.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "sas/v1/events.pb.h"

namespace sasd::service {
namespace {

// Events of a drive that comes over two hosts and goes.
std::vector<watch::EncodedEventPtr> LiveEvents() {
  registry::SelfPublishingRegistry registry({"00000000000000aa", 0});
  EnclosureFacts enclosure;
  enclosure.key = registry::kEnclosure;
  enclosure.host = registry::kHostA;
  enclosure.slot_count = 4;
  for (const HostKey host : {registry::kHostA, registry::kHostB}) {
    registry.Observe(registry::Batch(
        {registry::HostOf(host), registry::Drive(host, host.address.value() * 16 + 3),
         registry::Unit(host, host.address.value() * 16 + 3, "naa.1"), enclosure,
         registry::Settled(host)},
        host));
  }
  ObservationBatch gone = registry::Batch(
      {EndDeviceGone{{registry::kHostB, SasAddress(0xB3), PhysicalPort(0)}}}, registry::kHostB);
  gone.cause.kind = CauseKind::kFirmwareEvent;
  registry.Observe(gone);
  EventEncoder encoder("00000000000000aa");
  std::vector<watch::EncodedEventPtr> events;
  for (const registry::RegistryEventPtr& event : registry.TakeEvents()) {
    events.push_back(std::make_shared<const watch::EncodedEvent>(*event, encoder.Encode(*event)));
  }
  return events;
}

std::string Payload(const watch::EncodedEvent& event) {
  std::string bytes(event.header());
  for (size_t i = 0; i < event.piece_count(); ++i) {
    bytes.append(event.piece_bytes(i).data(), event.piece_bytes(i).size());
  }
  return bytes;
}

TEST(EventDecoderTest, AnEventIsAsItWasInTheLog) {
  const std::vector<watch::EncodedEventPtr> events = LiveEvents();
  ASSERT_EQ(events.size(), 3u);
  for (const watch::EncodedEventPtr& live : events) {
    const auto decoded = DecodeEvent(Payload(*live));
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    const watch::EncodedEvent& event = **decoded;
    EXPECT_EQ(event.all(), live->all());
    EXPECT_EQ(event.header(), live->header());
    EXPECT_EQ(event.revision(), live->revision());
    EXPECT_EQ(event.previous_revision(), live->previous_revision());
    EXPECT_EQ(event.time(), live->time());
    EXPECT_EQ(event.host(), live->host());
    EXPECT_EQ(event.cause(), live->cause());
    EXPECT_EQ(event.severity(), live->severity());
    ASSERT_EQ(event.piece_count(), live->piece_count());
    for (size_t i = 0; i < event.piece_count(); ++i) {
      EXPECT_EQ(event.piece_bytes(i), live->piece_bytes(i));
      EXPECT_EQ(event.piece(i).kind, live->piece(i).kind);
      EXPECT_EQ(event.piece(i).hosts_before, live->piece(i).hosts_before);
      EXPECT_EQ(event.piece(i).hosts_after, live->piece(i).hosts_after);
    }
  }
}

TEST(EventDecoderTest, TheOrderOfFieldsDoesNotMatter) {
  sas::v1::Event event;
  ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(
      R"(revision: 7 severity: SEVERITY_WARNING
         changes { kind: CHANGE_KIND_REMOVED resource { host { name: "hosts/000000000000000a" } } }
         notices { resource: "hosts/000000000000000b" text: "hot" })",
      &event));
  const std::string bytes = event.SerializeAsString();  // `severity` comes last
  const auto decoded = DecodeEvent(bytes);
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ((*decoded)->piece_count(), 2u);
  EXPECT_EQ((*decoded)->severity(), Notice::Severity::kWarning);
  sas::v1::Event again;
  ASSERT_TRUE(again.ParseFromString(Payload(**decoded)));
  EXPECT_EQ(again.SerializeAsString(), bytes);
}

TEST(EventDecoderTest, BrokenBytesAreDataLoss) {
  const std::string bytes = Payload(*LiveEvents().back());
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto decoded = DecodeEvent(bytes.substr(0, size));
    if (!decoded.ok()) EXPECT_EQ(decoded.status().code(), absl::StatusCode::kDataLoss);
  }
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const char bits : {'\x01', '\x80', '\xff'}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ bits);
      (void)DecodeEvent(damaged);  // any answer, but no crash
    }
  }
  EXPECT_FALSE(DecodeEvent("").ok());
  EXPECT_FALSE(DecodeEvent("no event").ok());
  EXPECT_FALSE(DecodeEvent(std::string("\x08\x07\x30\x01", 4)).ok());  // changes as a number
}

}  // namespace
}  // namespace sasd::service
