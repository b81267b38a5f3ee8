#include "driver/transport/mpt3ctl/ctl_command.h"

#include <algorithm>
#include <string>

#include "driver/transport/mpt3ctl/ctl_codec.h"
#include "driver/wire/mpi/messages.h"
#include "driver/wire/smp/smp.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::mpt3ctl {
namespace {

using mpi::ConfigAction;
using mpi::Function;
using ::testing::HasSubstr;
using transport::IocRequest;

Bytes ConfigFrame(ConfigAction action) {
  mpi::ConfigRequest config;
  config.action = action;
  return mpi::EncodeConfigRequest(config);
}

Bytes SmpFrame() { return mpi::EncodeSmpPassthroughRequest({}); }

absl::Status Admit(const Bytes& frame, const Bytes& data_out = {}) {
  IocRequest request;
  request.frame = frame;
  request.data_out = data_out;
  return CtlCommand::Create(0, request).status();
}

// Writes to a command's memory as the kernel does.
void Put(uint64_t address, ByteSpan bytes) {
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<uint8_t*>(address));
}

TEST(CtlCommandTest, ReadingRequestsAreAdmitted) {
  EXPECT_TRUE(Admit(mpi::EncodeIocFactsRequest()).ok());
  EXPECT_TRUE(Admit(mpi::EncodePortFactsRequest(0)).ok());
  for (const ConfigAction action : {ConfigAction::kPageHeader, ConfigAction::kReadCurrent,
                                    ConfigAction::kReadDefault, ConfigAction::kReadNvram}) {
    EXPECT_TRUE(Admit(ConfigFrame(action)).ok()) << mpi::ToString(action);
  }
  for (const uint8_t function :
       {0x00, 0x01, 0x03, 0x04, 0x06, 0x10, 0x11, 0x12, 0x13, 0x14, 0x20, 0x21, 0x22}) {
    EXPECT_TRUE(Admit(SmpFrame(), {0x40, function, 0, 0}).ok()) << int{function};
  }
}

// Trap: the node itself has no such list: a descriptor for reading can flash firmware.
TEST(CtlCommandTest, OtherRequestsAreDeniedByName) {
  for (int function = 0; function < 256; ++function) {
    const auto code = static_cast<Function>(function);
    if (code == Function::kIocFacts || code == Function::kPortFacts || code == Function::kConfig ||
        code == Function::kSmpPassthrough) {
      continue;
    }
    const absl::Status status = Admit(mpi::EncodeBareRequest(code, 0x60));
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied) << function;
    EXPECT_THAT(std::string(status.message()), HasSubstr(mpi::ToString(code)));
  }
  for (const ConfigAction action : {ConfigAction::kWriteCurrent, ConfigAction::kDefault,
                                    ConfigAction::kWriteNvram, ConfigAction::kGetChangeable}) {
    const absl::Status status = Admit(ConfigFrame(action));
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
    EXPECT_THAT(std::string(status.message()), HasSubstr(mpi::ToString(action)));
  }
  int denied = 0;
  for (int function = 0; function < 256; ++function) {
    const absl::Status status = Admit(SmpFrame(), {0x40, static_cast<uint8_t>(function), 0, 0});
    if (!status.ok()) ++denied;
    EXPECT_TRUE(function < 0x80 || absl::IsPermissionDenied(status)) << function;
  }
  EXPECT_EQ(denied, 256 - 13);
  EXPECT_THAT(std::string(Admit(SmpFrame(), {0x40, 0x91, 0, 0}).message()),
              HasSubstr("phy control"));
}

TEST(CtlCommandTest, DisguisedRequestsAreDenied) {
  Bytes immediate = SmpFrame();
  immediate[0x00] = 0x80;  // the SMP frame follows the request, outside of the data
  EXPECT_EQ(Admit(immediate, {0x40, 0x00, 0, 0}).code(), absl::StatusCode::kPermissionDenied);
  Bytes chained = ConfigFrame(ConfigAction::kReadCurrent);
  chained[0x02] = 7;
  EXPECT_EQ(Admit(chained).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Admit(ConfigFrame(ConfigAction::kReadCurrent), Bytes(8)).code(),
            absl::StatusCode::kPermissionDenied);
}

// The driver writes its scatter-gather list behind the frame, within the IOC's request frame.
TEST(CtlCommandTest, FramesHaveTheirFunctionsSize) {
  Bytes frame = ConfigFrame(ConfigAction::kReadCurrent);
  for (const size_t size : {size_t{0}, size_t{3}, size_t{0x1B}, size_t{0x20}, size_t{0x80}}) {
    Bytes other = frame;
    other.resize(size);
    EXPECT_EQ(Admit(other).code(), absl::StatusCode::kInvalidArgument) << size;
  }
  EXPECT_EQ(Admit(SmpFrame(), {0x40}).code(), absl::StatusCode::kInvalidArgument);
  Bytes huge(CtlCommand::kMaxData + 1);
  EXPECT_EQ(CtlCommand::Create(0, {frame, {}, absl::MakeSpan(huge)}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// Trap: 0xFF lets the IOC choose the port.
TEST(CtlCommandTest, SmpLetsTheIocChooseThePort) {
  mpi::SmpPassthroughRequest smp;
  smp.port = PhysicalPort(3);
  smp.address = SasAddress(0x5000C500A0B1C2D3);
  const Bytes frame = mpi::EncodeSmpPassthroughRequest(smp);
  const Bytes data = {0x40, 0x01, 0, 0};
  auto command = CtlCommand::Create(0, {frame, data, {}});
  ASSERT_TRUE(command.ok());
  const auto sent =
      mpi::DecodeSmpPassthroughRequest(command->Argument().subspan(CommandHeader::kSize, 0x20));
  ASSERT_TRUE(sent.ok());
  EXPECT_EQ(sent->port, PhysicalPort(0xFF));
  EXPECT_EQ(sent->address, smp.address);
}

// Trap: the driver resets the HBA when a command times out. So the kernel gets a long timeout.
TEST(CtlCommandTest, KernelTimeoutIsAtLeastAMinute) {
  const Bytes frame = mpi::EncodeIocFactsRequest();
  struct {
    absl::Duration asked;
    uint32_t seconds;
  } const cases[] = {{absl::ZeroDuration(), 60},
                     {absl::Seconds(10), 60},
                     {absl::Milliseconds(90'001), 91},
                     {absl::InfiniteDuration(), 3600}};
  for (const auto& c : cases) {
    auto command = CtlCommand::Create(0, {frame, {}, {}, c.asked});
    EXPECT_EQ(DecodeCommandHeader(command->Argument())->timeout_s, c.seconds);
  }
}

class CtlReplyTest : public ::testing::Test {
 protected:
  CtlCommand Config(size_t data_in) {
    const Bytes frame = ConfigFrame(ConfigAction::kReadCurrent);
    data_.resize(data_in);
    auto command = CtlCommand::Create(0, {frame, {}, absl::MakeSpan(data_)});
    EXPECT_TRUE(command.ok());
    header_ = *DecodeCommandHeader(command->Argument());
    return *std::move(command);
  }

  Bytes data_;
  CommandHeader header_;
};

TEST_F(CtlReplyTest, HeaderGivesEveryBufferItsSize) {
  Config(0x24);
  EXPECT_EQ(header_.data_in_size, 0x24u);
  EXPECT_NE(header_.data_in_address, 0u);
  EXPECT_EQ(header_.data_out_size, 0u);
  EXPECT_GE(header_.max_reply_bytes, 0xFFu * 4);  // as long as a reply can be
  EXPECT_EQ(header_.max_sense_bytes, 0u);         // no admitted request has sense data
}

TEST_F(CtlReplyTest, ReplyHasItsStatedLength) {
  const CtlCommand command = Config(0x24);
  mpi::ConfigReply reply;
  reply.action = ConfigAction::kReadCurrent;
  reply.page.dwords = 8;  // the page is shorter than its buffer
  Bytes frame = mpi::EncodeConfigReply(reply);
  frame.resize(128);  // the kernel copies the IOC's whole reply frame
  Put(header_.reply_address, frame);
  Put(header_.data_in_address, Bytes(0x24, 0xAB));
  const auto decoded = command.Reply();
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->frame.size(), mpi::ConfigReply::kSize);
  EXPECT_EQ(decoded->data_in_size, 32u);
  EXPECT_EQ(command.data_in()[31], 0xAB);
}

TEST_F(CtlReplyTest, FailedReadHasNoData) {
  const CtlCommand command = Config(0x24);
  mpi::ConfigReply reply;
  reply.header.status = mpi::IocStatus::kConfigInvalidPage;
  reply.page.dwords = 9;
  Put(header_.reply_address, mpi::EncodeConfigReply(reply));
  EXPECT_EQ(command.Reply()->data_in_size, 0u);
}

// The kernel clears its reply buffer first, and copies it if the IOC sent no frame.
TEST_F(CtlReplyTest, MissingReplyFrameYieldsADefaultReply) {
  const CtlCommand command = Config(0x24);
  Put(header_.reply_address, Bytes(128));
  const auto reply = command.Reply();
  ASSERT_TRUE(reply.ok());
  const auto header = mpi::DecodeReplyHeader(reply->frame);
  ASSERT_TRUE(header.ok());
  EXPECT_EQ(header->function, Function::kConfig);
  EXPECT_EQ(header->status, mpi::IocStatus::kSuccess);
}

// Trap: where a host reset ends a command, the kernel returns 0 and writes nothing.
TEST_F(CtlReplyTest, SuccessWithoutAReplyIsAReset) {
  const CtlCommand command = Config(0x24);
  EXPECT_EQ(command.Reply().status().code(), absl::StatusCode::kAborted);
}

TEST_F(CtlReplyTest, ReplyMayClaimAnyLength) {
  const CtlCommand command = Config(0);
  Put(header_.reply_address,
      Bytes{0, 0, 0xFF, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  EXPECT_EQ(command.Reply()->frame.size(), 0xFFu * 4);
}

TEST(CtlSmpReplyTest, SmpResponseHasItsStatedLength) {
  Bytes room(64);
  const Bytes frame = SmpFrame(), data = {0x40, 0x00, 0, 0};
  auto command = CtlCommand::Create(0, {frame, data, absl::MakeSpan(room)});
  ASSERT_TRUE(command.ok());
  const CommandHeader header = *DecodeCommandHeader(command->Argument());
  for (const uint16_t size : {uint16_t{0}, uint16_t{32}, uint16_t{64}, uint16_t{1024}}) {
    mpi::SmpPassthroughReply reply;
    reply.response_size = size;
    Put(header.reply_address, mpi::EncodeSmpPassthroughReply(reply));
    EXPECT_EQ(command->Reply()->data_in_size, std::min<size_t>(size, 64));
  }
}

}  // namespace
}  // namespace sasd::mpt3ctl
