// VIEW_BASIC leaves out exactly the fields that resources.proto marks FULL.
#include <fstream>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "daemon/service/convert.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/message.h"
#include "gtest/gtest.h"
#include "sas/v1/resources.pb.h"

namespace sasd::service {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The API's descriptors with their comments.
class BasicViewTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ifstream file("proto/sas/v1/sas_v1.binpb", std::ios::binary);
    google::protobuf::FileDescriptorSet set;
    ASSERT_TRUE(set.ParseFromIstream(&file));
    for (const auto& proto : set.file()) ASSERT_NE(pool_.BuildFile(proto), nullptr);
  }

  // The paths of the fields marked FULL: "sources", "paths.lun".
  std::set<std::string> Marked(const std::string& message, const std::string& prefix = "") {
    std::set<std::string> marked;
    const auto* descriptor = pool_.FindMessageTypeByName(message);
    if (descriptor == nullptr) {
      ADD_FAILURE() << "there is no message " << message;
      return marked;
    }
    for (int i = 0; i < descriptor->field_count(); ++i) {
      const FieldDescriptor& field = *descriptor->field(i);
      google::protobuf::SourceLocation location;
      EXPECT_TRUE(field.GetSourceLocation(&location)) << field.full_name();
      const std::string path = absl::StrCat(prefix, field.name());
      if (absl::StripAsciiWhitespace(location.trailing_comments) == "FULL") {
        marked.insert(path);
      } else if (field.message_type() != nullptr &&
                 field.message_type()->file() == descriptor->file()) {
        marked.merge(Marked(field.message_type()->full_name(), absl::StrCat(path, ".")));
      }
    }
    return marked;
  }

  google::protobuf::DescriptorPool pool_;
};

// Sets every field to something else than its default.
void Fill(Message& message) {
  const auto& reflection = *message.GetReflection();
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *message.GetDescriptor()->field(i);
    const bool repeated = field.is_repeated();
    switch (field.cpp_type()) {
      case FieldDescriptor::CPPTYPE_MESSAGE:
        Fill(repeated ? *reflection.AddMessage(&message, &field)
                      : *reflection.MutableMessage(&message, &field));
        break;
      case FieldDescriptor::CPPTYPE_STRING:
        repeated ? reflection.AddString(&message, &field, "x")
                 : reflection.SetString(&message, &field, "x");
        break;
      case FieldDescriptor::CPPTYPE_ENUM:
        repeated ? reflection.AddEnumValue(&message, &field, 1)
                 : reflection.SetEnumValue(&message, &field, 1);
        break;
      case FieldDescriptor::CPPTYPE_BOOL:
        reflection.SetBool(&message, &field, true);
        break;
      case FieldDescriptor::CPPTYPE_INT32:
        reflection.SetInt32(&message, &field, 1);
        break;
      case FieldDescriptor::CPPTYPE_INT64:
        reflection.SetInt64(&message, &field, 1);
        break;
      case FieldDescriptor::CPPTYPE_UINT32:
        repeated ? reflection.AddUInt32(&message, &field, 1)
                 : reflection.SetUInt32(&message, &field, 1);
        break;
      case FieldDescriptor::CPPTYPE_UINT64:
        reflection.SetUInt64(&message, &field, 1);
        break;
      default:
        FAIL() << "no value for " << field.full_name();
    }
  }
}

// The paths of the fields that are set in `full` and not in `trimmed`.
void Differences(const Message& full, const Message& trimmed, const std::string& prefix,
                 std::set<std::string>& lost) {
  const auto& reflection = *full.GetReflection();
  for (int i = 0; i < full.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor& field = *full.GetDescriptor()->field(i);
    const std::string path = absl::StrCat(prefix, field.name());
    const auto is_set = [&](const Message& message) {
      return field.is_repeated() ? reflection.FieldSize(message, &field) > 0
                                 : reflection.HasField(message, &field);
    };
    ASSERT_TRUE(is_set(full)) << path;
    if (!is_set(trimmed)) {
      lost.insert(path);
    } else if (field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      field.is_repeated()
          ? Differences(reflection.GetRepeatedMessage(full, &field, 0),
                        reflection.GetRepeatedMessage(trimmed, &field, 0), path + ".", lost)
          : Differences(reflection.GetMessage(full, &field), reflection.GetMessage(trimmed, &field),
                        path + ".", lost);
    }
  }
}

template <typename T>
std::set<std::string> LeftOut() {
  T full;
  Fill(full);
  T trimmed = full;
  TrimToBasic(&trimmed);
  std::set<std::string> lost;
  Differences(full, trimmed, "", lost);
  return lost;
}

TEST_F(BasicViewTest, LeavesOutTheMarkedFieldsOnly) {
  EXPECT_EQ(LeftOut<sas::v1::Host>(), Marked("sas.v1.Host"));
  EXPECT_EQ(LeftOut<sas::v1::Phy>(), Marked("sas.v1.Phy"));
  EXPECT_EQ(LeftOut<sas::v1::Port>(), Marked("sas.v1.Port"));
  EXPECT_EQ(LeftOut<sas::v1::Expander>(), Marked("sas.v1.Expander"));
  EXPECT_EQ(LeftOut<sas::v1::EndDevice>(), Marked("sas.v1.EndDevice"));
  EXPECT_EQ(LeftOut<sas::v1::LogicalUnit>(), Marked("sas.v1.LogicalUnit"));
  EXPECT_EQ(LeftOut<sas::v1::Enclosure>(), Marked("sas.v1.Enclosure"));
  EXPECT_EQ(LeftOut<sas::v1::Slot>(), Marked("sas.v1.Slot"));
}

TEST_F(BasicViewTest, ReadsMarksAlsoOfNestedFields) {
  EXPECT_TRUE(Marked("sas.v1.LogicalUnit").count("paths.lun"));
  EXPECT_TRUE(Marked("sas.v1.Host").count("sources"));
}

}  // namespace
}  // namespace sasd::service
