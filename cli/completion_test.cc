#include "cli/completion.h"

#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include "cli/complete.h"
#include "cli/output/nouns.h"
#include "cli/query/fake_sasd.h"
#include "cli/run.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::StartsWith;

class CompletionTest : public ::testing::Test {
 protected:
  int RunIt(std::vector<std::string> arguments) {
    sasd_.out.str("");
    sasd_.err.str("");
    return cli::Run(arguments,
                    {sasd_.out, sasd_.err, interrupt_, false, {}, [this](const Connection& to) {
                       asked_ = to.address;
                       return sasd_.NewChannel();
                     }});
  }

  // What may stand in place of the last word.
  std::vector<std::string> Complete(std::vector<std::string> words) {
    words.insert(words.begin(), {kCompleteCommand, "--"});
    EXPECT_EQ(RunIt(words), kExitOk);
    EXPECT_THAT(sasd_.err.str(), IsEmpty());
    return absl::StrSplit(sasd_.out.str(), '\n', absl::SkipEmpty());
  }

  FakeSasd sasd_;
  Interrupt interrupt_;
  std::string asked_;
};

TEST_F(CompletionTest, CompletesCommandsNounsAndOptions) {
  EXPECT_THAT(Complete({"tr"}), ElementsAre("tree"));
  EXPECT_THAT(Complete({"--ad"}), ElementsAre("--addr"));
  EXPECT_THAT(Complete({"list", "dr"}), ElementsAre("drives"));
  EXPECT_THAT(Complete({"ls", "dr"}), ElementsAre("drives"));
  EXPECT_THAT(Complete({"get", "dr"}), ElementsAre("drives"));
  EXPECT_THAT(Complete({"list", "drives", "--col"}), ElementsAre("--columns"));
  EXPECT_THAT(Complete({"list", "drives", "--no-h"}), ElementsAre("--no-headers"));
  EXPECT_THAT(Complete({"watch", "--rec"}), ElementsAre("--reconnect"));
  EXPECT_THAT(Complete({"emulator", "pu"}), ElementsAre("pull"));
  EXPECT_THAT(Complete({"help", "tr"}), ElementsAre("tree"));
  EXPECT_THAT(Complete({"completion", ""}), ElementsAre("bash", "fish", "zsh"));
  EXPECT_THAT(Complete({"list", "nothing-like-it"}), IsEmpty());
  EXPECT_THAT(Complete({"--addr", "localhost:1", "--no-color", "list", "dr"}),
              ElementsAre("drives"));
}

TEST_F(CompletionTest, CompletesEveryCommandAndNoun) {
  EXPECT_THAT(Complete({""}), IsSupersetOf({"summary", "tree", "list", "show", "watch", "events",
                                            "health", "doctor", "wait", "status", "emulator",
                                            "completion", "impact", "help"}));
  const std::vector<std::string> listed = Complete({"list", ""}), shown = Complete({"show", ""});
  for (const Noun& noun : AllNouns()) {
    EXPECT_THAT(listed, Contains(noun.plural));
    EXPECT_THAT(shown, Contains(noun.singular));
  }
}

TEST_F(CompletionTest, CompletesValuesOfOptions) {
  EXPECT_THAT(Complete({"list", "drives", "-o", "j"}), ElementsAre("json", "jsonl"));
  EXPECT_THAT(Complete({"list", "drives", "--columns", "se"}), ElementsAre("serial"));
  EXPECT_THAT(Complete({"list", "drives", "--columns", "size,se"}), ElementsAre("size,serial"));
  EXPECT_THAT(Complete({"list", "hosts", "--sort-by", "os"}), ElementsAre("os-name"));
  EXPECT_THAT(Complete({"events", "--severity", "w"}), ElementsAre("warning"));
}

TEST_F(CompletionTest, CompletesKeysAndValuesOfFilters) {
  EXPECT_THAT(Complete({"list", "devices", "-f", "st"}), ElementsAre("state="));
  EXPECT_THAT(Complete({"list", "devices", "-f", "state=f"}), ElementsAre("state=failed"));
  EXPECT_THAT(Complete({"list", "devices", "-f", "state=failed,blocke"}),
              ElementsAre("state=failed,blocked"));
  EXPECT_THAT(Complete({"list", "devices", "-f", "state=failed,rat"}),
              ElementsAre("state=failed,rate="));
  EXPECT_THAT(Complete({"list", "phys", "-f", "rate=1"}), ElementsAre("rate=1.5G", "rate=12G"));
  EXPECT_THAT(Complete({"list", "drives", "-f", "beh"}), ElementsAre("behind="));
  EXPECT_THAT(Complete({"list", "slots", "-f", "occupied="}),
              ElementsAre("occupied=no", "occupied=yes"));
  EXPECT_THAT(Complete({"watch", "-f", "kind=dr"}), ElementsAre("kind=drives"));
  // Nothing in a list is gone.
  EXPECT_THAT(Complete({"list", "devices", "-f", "state=g"}), IsEmpty());
}

TEST_F(CompletionTest, ObjectsAreThoseOfTheSasdThatWasTyped) {
  sas::v1::Enclosure enclosure;
  enclosure.set_name("enclosures/5000ccab03001100");
  enclosure.set_logical_id("5000ccab03001100");
  enclosure.set_model("JBOD24");
  sasd_.topology.AddEnclosure(enclosure);
  EXPECT_THAT(Complete({"--addr", "unix:/other", "tree", "JB"}), ElementsAre("JBOD24"));
  EXPECT_EQ(asked_, "unix:/other");
  EXPECT_THAT(Complete({"list", "drives", "-f", "enclosure=5000"}),
              ElementsAre("enclosure=5000ccab03001100"));
  EXPECT_THAT(Complete({"list", "drives", "-f", "behind=J"}), ElementsAre("behind=JBOD24"));
  EXPECT_THAT(Complete({"show", "enclosure", "J"}), ElementsAre("JBOD24"));
}

TEST_F(CompletionTest, WordsThatATerminalWouldObeyAreLeftOut) {
  sas::v1::Enclosure enclosure;
  enclosure.set_model("JB\033[2J");
  sasd_.topology.AddEnclosure(enclosure);
  EXPECT_THAT(Complete({"tree", "JB"}), IsEmpty());
}

TEST_F(CompletionTest, WithoutSasdOwnWordsRemain) {
  sasd_.topology.Fail(grpc::Status(grpc::StatusCode::UNAVAILABLE, "gone"));
  EXPECT_THAT(Complete({"tree", "JB"}), IsEmpty());
  EXPECT_THAT(Complete({"tree", "--verb"}), ElementsAre("--verbose"));
}

TEST_F(CompletionTest, EachShellHasAScript) {
  EXPECT_EQ(RunIt({"completion", "bash"}), 0);
  EXPECT_THAT(sasd_.out.str(), HasSubstr("complete -o nospace -F _sasctl sasctl\n"));
  EXPECT_EQ(RunIt({"completion", "zsh"}), 0);
  EXPECT_THAT(sasd_.out.str(), StartsWith("#compdef sasctl\n"));
  EXPECT_THAT(sasd_.out.str(), Not(HasSubstr("bashcompinit")));
  EXPECT_EQ(RunIt({"completion", "fish"}), 0);
  EXPECT_THAT(sasd_.out.str(), HasSubstr("complete -c sasctl -f -a "));
}

TEST_F(CompletionTest, AnUnknownShellIsAUsageError) {
  EXPECT_EQ(RunIt({"completion", "powershell"}), 2);
  EXPECT_EQ(sasd_.err.str(), "sasctl: unknown shell \"powershell\" (shells: bash, zsh, fish)\n");
  EXPECT_EQ(RunIt({"completion", "bassh"}), 2);
  EXPECT_THAT(sasd_.err.str(), HasSubstr("; did you mean \"bash\"? (shells: "));
}

}  // namespace
}  // namespace sasd::cli
