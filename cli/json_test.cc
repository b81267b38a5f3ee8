#include "cli/json.h"

#include <string>

#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

// What a YAML 1.1 or 1.2 reader takes for something else than a text is quoted.
TEST(YamlTest, TextsThatAreNoTextsToAReaderAreQuoted) {
  for (const char* text : {"",
                           "null",
                           "~",
                           "Yes",
                           "no",
                           "ON",
                           "off",
                           "y",
                           "true",
                           "12",
                           "1.5",
                           "-3",
                           "+1",
                           ".5",
                           ".inf",
                           "0x10",
                           "11:0",
                           "2026-11-25",
                           "5000c500a7b26111",
                           "- a",
                           "? a",
                           ": a",
                           "a: b",
                           "a #b",
                           "#a",
                           "[a",
                           "{a",
                           "&a",
                           "*a",
                           "!a",
                           "|",
                           ">",
                           "'a",
                           "\"a",
                           "%a",
                           "@a",
                           "`a",
                           " a",
                           "a ",
                           "a:"}) {
    const std::string yaml = YamlString(text);
    EXPECT_EQ(yaml.front(), '"') << text;
    EXPECT_EQ(yaml.back(), '"') << text;
  }
}

TEST(YamlTest, PlainTextsStayAsTheyAre) {
  for (const char* text : {"attached", "SEAGATE ST8000NM0075", "hosts/x/phys/3", "a:b", "a#b"}) {
    EXPECT_EQ(YamlString(text), text);
  }
}

TEST(YamlTest, ControlCharactersAreEscaped) { EXPECT_EQ(YamlString("a\nb"), "\"a\\u000ab\""); }

TEST(YamlTest, CollectionsAreInBlockStyle) {
  EXPECT_EQ(
      JsonToYaml(R"({"a": 1, "list": [{"x": "y", "z": true}, {"x": "2"}], "e": {}, "none": []})"),
      "a: 1\n"
      "list:\n"
      "- x: \"y\"\n"
      "  z: true\n"
      "- x: \"2\"\n"
      "e: {}\n"
      "none: []\n");
}

TEST(YamlTest, AKeyIsQuotedAsAnyText) { EXPECT_EQ(JsonToYaml(R"({"n": 1})"), "\"n\": 1\n"); }

TEST(YamlTest, NestedObjectsAreIndented) {
  EXPECT_EQ(JsonToYaml(R"({"a": {"b": {"c": "d"}}})"), "a:\n  b:\n    c: d\n");
}

TEST(YamlTest, EscapesOfJsonAreUndone) {
  EXPECT_EQ(JsonToYaml(R"({"a": "b\u00e9\ud83d\ude00"})"), "a: b\xc3\xa9\xf0\x9f\x98\x80\n");
}

}  // namespace
}  // namespace sasd::cli
