#include "driver/transport/logging_transport.h"

#include <string>
#include <vector>

#include "driver/base/fake_clock.h"
#include "driver/transport/fake_ioc_transport.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::transport {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class RecordingListener : public IocListener {
 public:
  void OnEvent(const EventArrival& event) override { events.push_back(event.event); }
  void OnEventsLost(uint32_t count) override { lost += count; }
  void OnResetBegin() override {}
  void OnReady() override {}
  void OnDelivered(Caller) override {}
  std::vector<uint16_t> events;
  uint32_t lost = 0;
};

class LoggingTransportTest : public ::testing::Test {
 protected:
  IocInfo Named() {
    IocInfo info;
    info.name = "fake:0";
    return info;
  }

  FakeClock clock_;
  FakeIocTransport fake_{Named()};
  std::vector<std::string> lines_;
  LoggingTransport logging_{fake_, clock_,
                            [this](absl::string_view line) { lines_.emplace_back(line); }};
};

TEST_F(LoggingTransportTest, ExecutedRequestIsLoggedWithStatusAndDuration) {
  fake_.OnFunction(0x04, [this](const IocRequest&) {
    clock_.Advance(absl::Microseconds(7));
    return FakeIocTransport::MakeReply(0x04, 0x0022);
  });
  Bytes frame(0x1C);
  frame[0] = 1, frame[3] = 0x04, frame[6] = 0x12, frame[0x17] = 0x0F;
  StoreLe32(absl::MakeSpan(frame), 0x18, 0x20000009);
  ASSERT_TRUE(logging_.Execute({frame, {}, {}}).ok());
  EXPECT_THAT(lines_, ElementsAre("fake:0: config action 1, type 0x12, page 0, address 0x20000009: "
                                  "status 0x0022, log info 0x00000000, 0 bytes (7 us)"));
}

TEST_F(LoggingTransportTest, RefusedRequestIsLoggedAndRefused) {
  fake_.set_free_frames(0);
  const Bytes frame = {0, 0, 0, 0x08};
  EXPECT_EQ(logging_.Submit({frame, {}, {}}, [](auto) {}).code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("function 0x08: not sent")));
}

TEST_F(LoggingTransportTest, CompletionIsPassedOnAfterItsLine) {
  const Bytes frame = {0, 0, 0, 0x08};
  size_t lines_at_completion = 0;
  ASSERT_TRUE(
      logging_.Submit({frame, {}, {}}, [&](auto) { lines_at_completion = lines_.size(); }).ok());
  EXPECT_EQ(lines_at_completion, 1u);
}

TEST_F(LoggingTransportTest, EventsAreLoggedAndPassedOn) {
  RecordingListener listener;
  logging_.SetListener(&listener);
  fake_.RaiseEvent(0x1C, Bytes{1, 2, 3, 4});
  fake_.RaiseEventsLost(3);
  EXPECT_THAT(listener.events, ElementsAre(0x1C));
  EXPECT_EQ(listener.lost, 3u);
  EXPECT_THAT(lines_, ElementsAre(HasSubstr("event 0x1c"), HasSubstr("3 events lost")));
}

TEST_F(LoggingTransportTest, RemovedListenerHearsNothing) {
  RecordingListener listener;
  logging_.SetListener(&listener);
  logging_.SetListener(nullptr);
  fake_.RaiseEvent(0x1C, {});
  EXPECT_THAT(listener.events, IsEmpty());
}

}  // namespace
}  // namespace sasd::transport
