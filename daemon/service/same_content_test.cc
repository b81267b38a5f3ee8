#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "daemon/registry/resources.h"
#include "daemon/service/change_encoder.h"
#include "daemon/service/convert.h"
#include "daemon/service/random_resources.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "sas/v1/events.pb.h"

// registry::SameContent and the messages of the API agree about what clients see.
namespace sasd::service {
namespace {

using ::testing::IsSupersetOf;

constexpr int kRounds = 4'000;

template <typename T>
sas::v1::Resource Message(const T& resource) {
  sas::v1::Resource message;
  ToProto(registry::ResourceRef(std::make_shared<const T>(resource)), &message);
  return message;
}

// The message of the kind, without what every change changes.
const google::protobuf::Message& Visible(sas::v1::Resource& resource) {
  const auto* field = sas::v1::Resource::descriptor()->FindFieldByNumber(resource.resource_case());
  auto* inner = resource.GetReflection()->MutableMessage(&resource, field);
  for (const char* stamp : {"revision", "update_time", "state_time"}) {
    const auto* f = inner->GetDescriptor()->FindFieldByName(stamp);
    if (f != nullptr) inner->GetReflection()->ClearField(inner, f);
  }
  return *inner;
}

std::vector<std::string> FieldsThatDiffer(const google::protobuf::Message& a,
                                          const google::protobuf::Message& b) {
  std::vector<std::string> names;
  const auto* descriptor = a.GetDescriptor();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const auto* field = descriptor->field(i);
    std::unique_ptr<google::protobuf::Message> x(a.New()), y(a.New());
    x->CopyFrom(a);
    y->CopyFrom(b);
    for (int j = 0; j < descriptor->field_count(); ++j) {
      if (i == j) continue;
      x->GetReflection()->ClearField(x.get(), descriptor->field(j));
      y->GetReflection()->ClearField(y.get(), descriptor->field(j));
    }
    if (x->SerializeAsString() != y->SerializeAsString()) names.push_back(field->name());
  }
  return names;
}

template <typename T>
class SameContentTest : public ::testing::Test {};
using Kinds = ::testing::Types<registry::Host, registry::Phy, registry::Port, registry::Expander,
                               registry::EndDevice, registry::LogicalUnit, registry::Enclosure,
                               registry::Slot>;
TYPED_TEST_SUITE(SameContentTest, Kinds);

TYPED_TEST(SameContentTest, SaysWhetherTheMessagesDiffer) {
  RandomResources random(1);
  std::set<std::string> seen;
  int same = 0;
  for (int round = 0; round < kRounds; ++round) {
    const TypeParam before = random.template Make<TypeParam>();
    TypeParam after = before;
    for (int i = 0; i <= random.Below(3); ++i) random.Vary(after);
    sas::v1::Resource x = Message(before), y = Message(after);
    const auto &a = Visible(x), &b = Visible(y);
    const bool equal = a.SerializeAsString() == b.SerializeAsString();
    ASSERT_EQ(registry::SameContent(before, after), equal) << x.DebugString() << y.DebugString();
    same += equal ? 1 : 0;
    if (equal) continue;
    for (std::string& name : FieldsThatDiffer(a, b)) seen.insert(std::move(name));
  }
  EXPECT_GT(same, kRounds / 100);
  // Each field was different once.
  std::vector<std::string> fields;
  const auto* descriptor =
      Visible(*std::make_unique<sas::v1::Resource>(Message(random.template Make<TypeParam>())))
          .GetDescriptor();
  std::set<std::string> fixed = {"name",        "revision",      "update_time", "state_time",
                                 "sas_address", "owner",         "host",        "logical_id",
                                 "wwid",        "phy_identifier"};
  const bool has_alias =
      std::is_same_v<TypeParam, registry::Host> || std::is_same_v<TypeParam, registry::Enclosure>;
  if (!has_alias) fixed.insert("alias");
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const std::string& name = descriptor->field(i)->name();
    const bool is_key = fixed.count(name) > 0 ||
                        (name == "attached_sas_address" && descriptor->name() == "Port") ||
                        (descriptor->name() == "Slot" && (name == "enclosure" || name == "slot"));
    if (!is_key) fields.push_back(name);
  }
  EXPECT_THAT(seen, IsSupersetOf(fields));
}

TYPED_TEST(SameContentTest, MaskNamesExactlyTheFieldsThatDiffer) {
  RandomResources random(2);
  for (int round = 0; round < kRounds / 10; ++round) {
    const TypeParam before = random.template Make<TypeParam>();
    TypeParam after = before;
    for (int i = 0; i <= random.Below(3); ++i) random.Vary(after);
    if (registry::SameContent(before, after)) continue;
    registry::Change change;
    change.before = std::make_shared<const TypeParam>(before);
    change.after = std::make_shared<const TypeParam>(after);
    sas::v1::Change encoded;
    ASSERT_TRUE(encoded.ParseFromString(EncodeChange(change)));
    sas::v1::Resource x = Message(before), y = Message(after);
    const auto expected = FieldsThatDiffer(Visible(x), Visible(y));
    ASSERT_FALSE(expected.empty());
    const auto& paths = encoded.changed_fields().paths();
    EXPECT_THAT(std::vector<std::string>(paths.begin(), paths.end()),
                ::testing::UnorderedElementsAreArray(expected));
  }
}

}  // namespace
}  // namespace sasd::service
