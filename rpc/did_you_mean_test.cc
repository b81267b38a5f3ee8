#include "rpc/did_you_mean.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::rpc {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<std::string>& Nouns() {
  static const auto& nouns = *new std::vector<std::string>{"hosts", "drives", "end-devices",
                                                           "enclosures", "discovery-error"};
  return nouns;
}

TEST(DidYouMeanTest, SuggestsWordsAFewEditsAway) {
  struct Case {
    const char* typed;
    const char* meant;
  };
  for (const Case& c : std::vector<Case>{
           {"drives", "drives"},                 // nothing wrong
           {"drivs", "drives"},                  // one letter short
           {"drrives", "drives"},                // one too many
           {"drixes", "drives"},                 // another one
           {"dirves", "drives"},                 // two swapped
           {"rdivse", "drives"},                 // two pairs swapped are two edits
           {"DRIVES", "drives"},                 // case does not count
           {"end_devices", "end-devices"},       // nor does the dash
           {"encl", "enclosures"},               // the beginning of it
           {"dscovry-errr", "discovery-error"},  // a long word may have more mistakes
       }) {
    EXPECT_THAT(CloseTo(c.typed, Nouns()), ElementsAre(c.meant)) << c.typed;
  }
}

TEST(DidYouMeanTest, SuggestsNothingFarAway) {
  for (const char* typed : {"", "banana", "e", "dvs", "driwxyz"}) {
    EXPECT_THAT(CloseTo(typed, Nouns()), IsEmpty()) << typed;
  }
}

TEST(DidYouMeanTest, AShortWordMayHaveOneMistake) {
  EXPECT_THAT(CloseTo("lu", {"lus", "bay"}), ElementsAre("lus"));
  EXPECT_THAT(CloseTo("bax", {"bay", "bus"}), ElementsAre("bay"));
}

TEST(DidYouMeanTest, SuggestsThreeAtMostClosestFirst) {
  EXPECT_THAT(CloseTo("abcd", {"axyd", "abce", "abxy", "abcd", "abdc"}),
              ElementsAre("abcd", "abce", "abdc"));
}

TEST(DidYouMeanTest, AMessageQuotesSuggestions) {
  EXPECT_EQ(DidYouMean("drivs", Nouns()), "; did you mean \"drives\"?");
  EXPECT_EQ(DidYouMean("slat", {"slot", "hosts", "slit"}), "; did you mean \"slot\" or \"slit\"?");
  EXPECT_EQ(DidYouMean("banana", Nouns()), "");
}

}  // namespace
}  // namespace sasd::rpc
