#include "cli/output/yaml.h"

#include <string>

#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

// Readers of YAML 1.1 or 1.2 take these for other types, or for syntax.
TEST(YamlTest, QuotesTextsOfOtherTypes) {
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

TEST(YamlTest, PlainTextsStayBare) {
  for (const char* text : {"attached", "SEAGATE ST8000NM0075", "hosts/x/phys/3", "a:b", "a#b"}) {
    EXPECT_EQ(YamlString(text), text);
  }
}

// YAML readers refuse control characters. U+0085, U+2028 and U+2029 end a line in YAML 1.1.
TEST(YamlTest, ControlCharactersAreEscaped) {
  EXPECT_EQ(YamlString("a\nb"), R"("a\u000ab")");
  EXPECT_EQ(YamlString("a\tb"), R"("a\u0009b")");
  EXPECT_EQ(YamlString("a\x7f"), R"("a\u007f")");
  EXPECT_EQ(YamlString("a\xc2\x85z"), R"("a\u0085z")");
  EXPECT_EQ(YamlString("a\xe2\x80\xa8z"), R"("a\u2028z")");
  EXPECT_EQ(YamlString("\xe2\x80\xa9"), R"("\u2029")");
  EXPECT_EQ(YamlString("a\xc2\xa0z"), "a\xc2\xa0z");  // a no-break space
}

TEST(YamlTest, DoubleQuotesEscapeAsInJson) {
  EXPECT_EQ(YamlString(R"("a" \b)"), R"("\"a\" \\b")");
  EXPECT_EQ(YamlString(R"(a "b" \c)"), R"(a "b" \c)");  // in a bare text, a quote is a letter
}

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

TEST(YamlTest, KeysAreQuotedLikeTexts) { EXPECT_EQ(JsonToYaml(R"({"n": 1})"), "\"n\": 1\n"); }

TEST(YamlTest, NestedObjectsAreIndented) {
  EXPECT_EQ(JsonToYaml(R"({"a": {"b": {"c": "d"}}})"), "a:\n  b:\n    c: d\n");
}

TEST(YamlTest, NestedListsStartOnTheSameLine) {
  EXPECT_EQ(JsonToYaml("[[1,2],[],{\"a\":[3]}]"),
            "- - 1\n"
            "  - 2\n"
            "- []\n"
            "- a:\n"
            "  - 3\n");
}

TEST(YamlTest, NumbersKeepTheirDigits) {
  EXPECT_EQ(JsonToYaml("[0, -3, 18446744073709551615, -9223372036854775808, 1.50, 2e300]"),
            "- 0\n- -3\n- 18446744073709551615\n- -9223372036854775808\n- 1.50\n- 2e300\n");
}

TEST(YamlTest, InvalidJsonEndsTheOutput) {
  EXPECT_EQ(JsonToYaml(R"({"a": 1, oops)"), "a: 1\n");
  EXPECT_EQ(JsonToYaml("[\"a\", \"\xff\"]"), "- a\n");
  EXPECT_EQ(JsonToYaml(""), "");
}

TEST(YamlTest, DecodesEscapesOfJson) {
  EXPECT_EQ(JsonToYaml(R"({"a": "b\u00e9\ud83d\ude00"})"), "a: b\xc3\xa9\xf0\x9f\x98\x80\n");
}

}  // namespace
}  // namespace sasd::cli
