#include "cli/completion.h"

#include <stdio.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/output/nouns.h"
#include "cli/run.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::StartsWith;

struct Output {
  int code;
  std::string out, err;
};

Output Completion(const std::string& shell) {
  std::ostringstream out, err;
  Interrupt interrupt;
  const int code = Run({"completion", shell},
                       {out, err, interrupt, false, {}, [](const Connection&) { return Stubs(); }});
  return {code, out.str(), err.str()};
}

// The completions that bash offers for the last of the words, with the script of `sasctl completion
// bash`. Words have only letters, digits, '-' and '/'.
std::vector<std::string> Complete(const std::string& words, const std::string& last) {
  const std::string path = ::testing::TempDir() + "/sasctl.bash";
  std::ofstream(path) << Completion("bash").out;
  const size_t cursor = std::vector<std::string>(absl::StrSplit(words, ' ')).size();
  // Without a match the function fails, and bash completes nothing.
  const std::string command = absl::StrCat(
      "bash -c 'source ", path, " && complete -p sasctl >/dev/null && COMP_WORDS=(", words, " \"",
      last, "\") COMP_CWORD=", cursor, " && { _sasctl; echo \"${COMPREPLY[@]}\"; }'");
  FILE* const pipe = popen(command.c_str(), "r");
  std::string text(10000, '\0');
  text.resize(fread(text.data(), 1, text.size(), pipe));
  EXPECT_EQ(pclose(pipe), 0) << command;
  return absl::StrSplit(absl::StripAsciiWhitespace(text), ' ', absl::SkipEmpty());
}

TEST(CompletionTest, BashCompletesCommandsNounsAndOptions) {
  EXPECT_THAT(Complete("sasctl", "tr"), ElementsAre("tree"));
  EXPECT_THAT(Complete("sasctl", "--ad"), ElementsAre("--addr"));
  EXPECT_THAT(Complete("sasctl list", "dr"), ElementsAre("drives"));
  EXPECT_THAT(Complete("sasctl ls", "dr"), ElementsAre("drives"));
  EXPECT_THAT(Complete("sasctl show", "ex"), ElementsAre("expander"));
  EXPECT_THAT(Complete("sasctl list drives", "--col"), ElementsAre("--columns"));
  EXPECT_THAT(Complete("sasctl list drives", "--no-"), ElementsAre("--no-headers"));
  EXPECT_THAT(Complete("sasctl watch", "--rec"), ElementsAre("--reconnect"));
  EXPECT_THAT(Complete("sasctl emulator", "pu"), ElementsAre("pull"));
  EXPECT_THAT(Complete("sasctl completion", "z"), ElementsAre("zsh"));
  EXPECT_THAT(Complete("sasctl list", "nothing-like-it"), IsEmpty());
}

TEST(CompletionTest, BashCompletesFormatsAfterOutput) {
  EXPECT_THAT(Complete("sasctl list drives -o", "j"), ElementsAre("json", "jsonl"));
  EXPECT_THAT(Complete("sasctl list drives --output", ""),
              ElementsAre("table", "wide", "json", "jsonl", "yaml", "name"));
}

TEST(CompletionTest, OptionsBeforeTheCommandDoNotHideIt) {
  EXPECT_THAT(Complete("sasctl --addr localhost --no-color list", "dr"), ElementsAre("drives"));
}

TEST(CompletionTest, CompletesEveryCommandAndNoun) {
  EXPECT_THAT(Complete("sasctl", ""),
              IsSupersetOf({"tree", "list", "show", "watch", "events", "health", "doctor", "wait",
                            "status", "emulator", "completion"}));
  const std::vector<std::string> listed = Complete("sasctl list", "");
  const std::vector<std::string> shown = Complete("sasctl show", "");
  for (const Noun& noun : AllNouns()) {
    EXPECT_THAT(listed, Contains(noun.plural));
    EXPECT_THAT(shown, Contains(noun.singular));
  }
}

// Does not run zsh, which may not be installed.
TEST(CompletionTest, ZshRunsBashsFunction) {
  const std::string bash = Completion("bash").out, zsh = Completion("zsh").out;
  EXPECT_THAT(zsh, StartsWith("#compdef sasctl\n"));
  const size_t function = bash.find("_sasctl() {");
  ASSERT_NE(function, std::string::npos);
  EXPECT_THAT(zsh,
              EndsWith("autoload -U +X bashcompinit && bashcompinit\n" + bash.substr(function)));
}

TEST(CompletionTest, AnUnknownShellIsAUsageError) {
  const Output other = Completion("powershell");
  EXPECT_EQ(other.code, 2);
  EXPECT_EQ(other.err, "sasctl: no completion for shell \"powershell\" (shells: bash, zsh)\n");
  EXPECT_THAT(other.out, IsEmpty());
  EXPECT_THAT(Completion("bassh").err, HasSubstr("; did you mean \"bash\"? (shells: bash, zsh)"));
}

}  // namespace
}  // namespace sasd::cli
