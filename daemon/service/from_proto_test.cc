#include "daemon/service/from_proto.h"

#include <memory>
#include <random>
#include <string>
#include <utility>

#include "daemon/service/convert.h"
#include "daemon/service/random_resources.h"
#include "gmock/gmock.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

using ::testing::HasSubstr;

template <typename T>
sas::v1::Resource Message(const T& resource) {
  sas::v1::Resource message;
  ToProto(registry::ResourceRef(std::make_shared<const T>(resource)), &message);
  return message;
}

absl::StatusOr<registry::ResourceRef> Read(const sas::v1::Resource& message) {
  const auto ref = [](auto resource) -> absl::StatusOr<registry::ResourceRef> {
    if (!resource.ok()) return resource.status();
    using T = std::decay_t<decltype(*resource)>;
    return registry::ResourceRef(std::make_shared<const T>(*std::move(resource)));
  };
  switch (message.resource_case()) {
    case sas::v1::Resource::kHost:
      return ref(FromProto(message.host()));
    case sas::v1::Resource::kPhy:
      return ref(FromProto(message.phy()));
    case sas::v1::Resource::kPort:
      return ref(FromProto(message.port()));
    case sas::v1::Resource::kExpander:
      return ref(FromProto(message.expander()));
    case sas::v1::Resource::kEndDevice:
      return ref(FromProto(message.end_device()));
    case sas::v1::Resource::kLogicalUnit:
      return ref(FromProto(message.logical_unit()));
    case sas::v1::Resource::kEnclosure:
      return ref(FromProto(message.enclosure()));
    default:
      return ref(FromProto(message.slot()));
  }
}

template <typename T>
class FromProtoTest : public ::testing::Test {};
using Kinds = ::testing::Types<registry::Host, registry::Phy, registry::Port, registry::Expander,
                               registry::EndDevice, registry::LogicalUnit, registry::Enclosure,
                               registry::Slot>;
TYPED_TEST_SUITE(FromProtoTest, Kinds);

TYPED_TEST(FromProtoTest, ReturnsTheSameMessage) {
  RandomResources random(1);
  for (int round = 0; round < 2'000; ++round) {
    const TypeParam resource = random.template Make<TypeParam>();
    const sas::v1::Resource message = Message(resource);
    if (message.has_logical_unit() && message.logical_unit().paths().empty()) continue;
    const absl::StatusOr<registry::ResourceRef> read = Read(message);
    ASSERT_TRUE(read.ok()) << read.status() << message.DebugString();
    sas::v1::Resource again;
    ToProto(*read, &again);
    ASSERT_EQ(again.SerializeAsString(), message.SerializeAsString())
        << message.DebugString() << again.DebugString();
  }
}

// Bytes from a disk become a value or an error.
TYPED_TEST(FromProtoTest, IsTotal) {
  RandomResources random(2);
  int errors = 0;
  for (int round = 0; round < 2'000; ++round) {
    std::string bytes = Message(random.template Make<TypeParam>()).SerializeAsString();
    for (int i = 0; i < 2; ++i) {
      bytes[random.template Below<size_t>(static_cast<int>(bytes.size()))] =
          random.template Below<char>(128);
    }
    sas::v1::Resource message;
    if (!message.ParseFromString(bytes)) continue;
    StateReader reader;
    const absl::Status status = reader.Add(message, true);
    errors += status.ok() ? 0 : 1;
    if (status.ok()) reader.Finish(1).status().IgnoreError();
  }
  EXPECT_GT(errors, 50);
}

absl::Status Added(const std::vector<std::string>& texts) {
  StateReader reader;
  for (const std::string& text : texts) {
    sas::v1::Resource message;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
    if (absl::Status status = reader.Add(message, true); !status.ok()) return status;
  }
  return reader.Finish(1).status();
}

TEST(StateReaderTest, ErrorsNameResourceFieldAndValue) {
  EXPECT_THAT(Added({R"(host { name: "hosts/1" })"}).message(),
              HasSubstr(R"("hosts/1": field name has the value "hosts/1")"));
  EXPECT_THAT(Added({R"(phy { name: "hosts/500605b00ab01230/phys/1" negotiated_link_rate: 77 })"})
                  .message(),
              HasSubstr(R"(phys/1": field negotiated_link_rate has the value "77")"));
  EXPECT_THAT(
      Added({R"(port { name: "hosts/500605b00ab01230/ports/5000ccab0300113f" width: 256 })"})
          .message(),
      HasSubstr(R"(field width has the value "256")"));
  EXPECT_THAT(
      Added({R"(slot { name: "enclosures/5000ccab04000000/slots/1" sources: 9 })"}).message(),
      HasSubstr(R"(field sources has the value "9")"));
  EXPECT_THAT(Added({""}).message(), HasSubstr("of no kind"));
}

TEST(StateReaderTest, ResourcesThatContradictEachOtherAreAnError) {
  const std::string device = R"(end_device {
    name: "hosts/500605b00ab01230/endDevices/5000c500a7b26111" parent: "hosts/500605b00ab01230"
    state: DEVICE_STATE_ATTACHED sources: SOURCE_FIRMWARE
    logical_units: "logicalUnits/naa.1" })";
  const std::string unit = R"(logical_unit {
    name: "logicalUnits/naa.1" wwid: "naa.1" sources: SOURCE_FIRMWARE
    paths { end_device: "hosts/500605b00ab01230/endDevices/5000c500a7b26111"
            state: DEVICE_STATE_ATTACHED lun: "0000000000000000" } })";
  EXPECT_TRUE(Added({device, unit}).ok());
  EXPECT_THAT(Added({device}).message(), HasSubstr("does not have the logical units that name it"));
  EXPECT_THAT(Added({unit}).message(), HasSubstr("is behind an unknown end device"));
  EXPECT_THAT(Added({R"(host { name: "hosts/500605b00ab01230"
                        discovery { state: DISCOVERY_STATE_SETTLED } })"})
                  .message(),
              HasSubstr("has no source"));
}

}  // namespace
}  // namespace sasd::service
