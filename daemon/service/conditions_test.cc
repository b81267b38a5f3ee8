#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "daemon/service/convert.h"
#include "daemon/service/list_filters.h"
#include "daemon/service/random_resources.h"
#include "daemon/service/resource_text.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"

namespace sasd::service {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

sas::v1::Filter ParseFilter(const std::string& text) {
  sas::v1::Filter filter;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &filter)) << text;
  return filter;
}

// The kinds that can pass, by number, or the error as "PATH: DESCRIPTION".
std::vector<std::string> Kinds(const std::string& text) {
  ConditionsByKind conditions;
  const grpc::Status status = ReadConditions(ParseFilter(text), &conditions);
  if (!status.ok()) {
    google::rpc::Status details;
    google::rpc::BadRequest bad;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_TRUE(details.ParseFromString(status.error_details()));
    EXPECT_TRUE(details.details(0).UnpackTo(&bad));
    return {
        absl::StrCat(bad.field_violations(0).field(), ": ", bad.field_violations(0).description())};
  }
  std::vector<std::string> kinds;
  for (size_t i = 0; i < conditions.size(); ++i) {
    EXPECT_EQ(conditions[i].resource == nullptr, conditions[i].message == nullptr);
    if (conditions[i].message != nullptr) {
      kinds.emplace_back(registry::ToString(static_cast<registry::ResourceKind>(i + 1)));
    }
  }
  return kinds;
}

// ------------------------------------------------------------------------ Resources and messages

// All texts in a message.
void CollectTexts(const Message& message, std::set<std::string>& texts) {
  const auto& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    const bool repeated = field.is_repeated();
    const int count = repeated ? reflection.FieldSize(message, &field) : 1;
    for (int j = 0; j < count; ++j) {
      if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
        texts.insert(repeated ? reflection.GetRepeatedString(message, &field, j)
                              : reflection.GetString(message, &field));
      } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
        CollectTexts(repeated ? reflection.GetRepeatedMessage(message, &field, j)
                              : reflection.GetMessage(message, &field),
                     texts);
      }
    }
  }
}

// Values to compare a field with: possible and impossible ones.
std::set<std::string> ValuesFor(const FilterField& field, const std::set<std::string>& texts) {
  std::set<std::string> values = texts;
  values.insert({"", "*", "hosts/*", "*a*", "?", "true", "false"});
  for (int i = 0; i < 16; ++i) values.insert(absl::StrCat(i));
  const std::string type(absl::StripSuffix(absl::StripPrefix(field.type, "`"), "`"));
  const auto* enumeration = sas::v1::Resource::descriptor()->file()->FindEnumTypeByName(
      field.type == "link rate" ? "LinkRate" : type);
  for (int i = 0; enumeration != nullptr && i < enumeration->value_count(); ++i) {
    values.insert(enumeration->value(i)->name());
  }
  return values;
}

// Several keys of each kind.
HostKey SomeHost(int i) {
  return HostKey(SasAddress(0x10 + static_cast<uint64_t>(i % 3)),
                 i % 4 == 0 ? HostLocation::OfPci("0000:82:00.0") : HostLocation());
}
NodeKey SomeOwner(int i) {
  const HostKey host = SomeHost(i);
  return i % 2 == 0 ? NodeKey::Host(host) : NodeKey{host, SasAddress(0xE), PhysicalPort(0)};
}
NodeKey SomeNode(int i) {
  return {SomeHost(i), SasAddress(0x20 + static_cast<uint64_t>(i % 4)), PhysicalPort(0)};
}
EnclosureKey SomeEnclosure(int i) {
  return EnclosureKey(0x70 + static_cast<uint64_t>(i % 3), static_cast<uint8_t>(i % 2));
}
void SetKey(int i, registry::Host& r) { r.facts.key = r.discovery.host = SomeHost(i); }
void SetKey(int i, registry::Phy& r) {
  r.facts.key = {SomeOwner(i), PhyId(static_cast<uint8_t>(i % 4))};
}
void SetKey(int i, registry::Port& r) {
  r.id = {SomeOwner(i), SasAddress(0x20 + static_cast<uint64_t>(i % 4))};
}
void SetKey(int i, registry::Expander& r) { r.facts.key = SomeNode(i); }
void SetKey(int i, registry::EndDevice& r) { r.facts.key = SomeNode(i); }
void SetKey(int i, registry::LogicalUnit& r) {
  r.id = i % 4 == 0 ? registry::LogicalUnitKey::Fallback(SomeNode(i), 0)
                    : registry::LogicalUnitKey(registry::Text(absl::StrCat("naa.5", i % 4)));
}
void SetKey(int i, registry::Enclosure& r) { r.id = SomeEnclosure(i); }
void SetKey(int i, registry::Slot& r) { r.id = {SomeEnclosure(i), static_cast<uint16_t>(i % 4)}; }

template <typename T>
class SameAnswers {
 public:
  void Check() {
    RandomResources random(7);
    for (int i = 0; i < 60; ++i) {
      auto resource = std::make_shared<T>(random.Make<T>());
      SetKey(i, *resource);
      resource->stamp.revision = 1 + i % 5;
      sas::v1::Resource message;
      ToProto(registry::ResourceRef(std::shared_ptr<const T>(resource)), &message);
      CollectTexts(InnerOf(message), texts_);
      resources_.emplace_back(std::shared_ptr<const T>(std::move(resource)));
      messages_.push_back(std::move(message));
    }
    for (const FilterField& field : FilterFieldsOf(T::kKind)) CheckField(field);
  }

 private:
  void CheckField(const FilterField& field) {
    int decided = 0;
    for (const std::string& value : ValuesFor(field, texts_)) {
      for (int op = sas::v1::OPERATOR_EQUAL; op <= sas::v1::Operator_MAX; ++op) {
        sas::v1::Filter filter;
        filter.add_kinds(static_cast<sas::v1::ResourceKind>(T::kKind));
        sas::v1::Condition& condition = *filter.add_conditions();
        condition.set_field(field.name);
        condition.set_operator_(static_cast<sas::v1::Operator>(op));
        condition.add_values(value);
        ConditionsByKind by_kind;
        if (!ReadConditions(filter, &by_kind).ok()) continue;  // not possible for the field
        const KindConditions& conditions = by_kind[registry::IndexOf<T>()];
        int passed = 0;
        for (size_t i = 0; i < resources_.size(); ++i) {
          const bool passes = conditions.resource(resources_[i]);
          ASSERT_EQ(conditions.message(InnerOf(messages_[i])), passes)
              << condition.ShortDebugString() << "\n"
              << messages_[i].DebugString();
          passed += passes;
        }
        decided += passed > 0 && passed < static_cast<int>(resources_.size());
      }
    }
    // The random units have one wwid. Only hosts and enclosures have aliases.
    const bool named = std::is_same_v<T, registry::Host> || std::is_same_v<T, registry::Enclosure>;
    const bool constant = (field.name == "alias" && !named) || field.name == "wwid";
    EXPECT_TRUE(constant || decided > 0)
        << field.name << " of " << registry::ToString(T::kKind) << "s decides nothing";
  }

  std::vector<registry::ResourceRef> resources_;
  std::vector<sas::v1::Resource> messages_;
  std::set<std::string> texts_;
};

TEST(ConditionsTest, ResourcesAndMessagesGetTheSameAnswers) {
  SameAnswers<registry::Host>().Check();
  SameAnswers<registry::Phy>().Check();
  SameAnswers<registry::Port>().Check();
  SameAnswers<registry::Expander>().Check();
  SameAnswers<registry::EndDevice>().Check();
  SameAnswers<registry::LogicalUnit>().Check();
  SameAnswers<registry::Enclosure>().Check();
  SameAnswers<registry::Slot>().Check();
}

// --------------------------------------------------------------------------------- Several kinds

TEST(ConditionsTest, KindsWithoutTheFieldDoNotPass) {
  EXPECT_THAT(Kinds("conditions { field: 'state' operator: OPERATOR_EQUAL values: 'FAILED' }"),
              ElementsAre("end device", "logical unit"));
  EXPECT_THAT(Kinds("kinds: RESOURCE_KIND_SLOT kinds: RESOURCE_KIND_PORT "
                    "conditions { field: 'slot' operator: OPERATOR_LESS values: '4' }"),
              ElementsAre("slot"));
  EXPECT_THAT(Kinds("conditions { field: 'serial' operator: OPERATOR_EQUAL values: 'Z' } "
                    "conditions { field: 'size_bytes' operator: OPERATOR_LESS values: '4' }"),
              ElementsAre("logical unit"));
}

TEST(ConditionsTest, AFieldOfNoKindIsAnError) {
  EXPECT_THAT(Kinds("conditions { field: 'seriel' operator: OPERATOR_EQUAL values: 'Z' }"),
              ElementsAre(StartsWith(
                  "filter.conditions[0].field: no field \"seriel\" of any kind "
                  "to filter by; did you mean \"serial\" or \"serials\"? (fields: name, ")));
  EXPECT_THAT(Kinds("kinds: RESOURCE_KIND_PHY kinds: RESOURCE_KIND_PORT "
                    "conditions { field: 'serial' operator: OPERATOR_EQUAL values: 'Z' }"),
              ElementsAre(StartsWith(
                  "filter.conditions[0].field: no field \"serial\" of phys, ports to filter by")));
}

TEST(ConditionsTest, FieldsThatNoKindHasTogetherAreAnError) {
  EXPECT_THAT(Kinds("conditions { field: 'occupied' operator: OPERATOR_EQUAL values: 'true' } "
                    "conditions { field: 'size_bytes' operator: OPERATOR_LESS values: '4' }"),
              ElementsAre("filter.conditions: no kind has all of the fields occupied, size_bytes"));
}

TEST(ConditionsTest, AnImpossibleValueOfOneKindIsAnError) {
  EXPECT_THAT(Kinds("conditions { field: 'attached' operator: OPERATOR_EQUAL values: 'x' }"),
              ElementsAre(HasSubstr("\"x\" is not \"true\" or \"false\"")));
}

TEST(ConditionsTest, NamesMayBeOfSeveralKinds) {
  const std::string slot = "enclosures/0000000000000077/slots/1", unit = "logicalUnits/naa.5";
  const std::string names = absl::StrCat("values: '", slot, "' values: '", unit, "' }");
  EXPECT_THAT(Kinds("conditions { field: 'name' operator: OPERATOR_EQUAL " + names),
              ElementsAre("logical unit", "slot"));
  EXPECT_THAT(Kinds("kinds: RESOURCE_KIND_SLOT kinds: RESOURCE_KIND_HOST "
                    "conditions { field: 'name' operator: OPERATOR_NOT_EQUAL " +
                    names),
              ElementsAre("host", "slot"));
  EXPECT_THAT(Kinds("kinds: RESOURCE_KIND_SLOT "
                    "conditions { field: 'name' operator: OPERATOR_EQUAL " +
                    names),
              ElementsAre(HasSubstr("names another kind of resource")));
}

}  // namespace
}  // namespace sasd::service
