#include "cli/parser.h"

#include <functional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/grammar.h"
#include "cli/help_text.h"
#include "cli/usage_error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// A small grammar.
class ParserTest : public ::testing::Test {
 protected:
  ParserTest() {
    root_.AddOption("--addr", "ADDRESS", &addr_, "").LastWins().NotEmpty("HOST:PORT");
    Command& list = root_.AddCommand("list", "List");
    list.aliases = {"get"};
    list.Argument("NOUN", &noun_, "").Required();
    list.Argument("OBJECT", &names_, "");
    list.AddOption("-f,--filter", "KEY=VALUE", &filters_, "");
    list.AddOption("-n,--count", "N", &count_, "").Least(1);
    list.Flag("-w,--watch", Set{&watch_}, "");
    list.Flag("-v,--verbose", Count{&verbose_}, "");
    list.Flag("--no-headers", Set{&headers_, false}, "");
    root_.AddCommand("help", "Help").is_help = true;
    Command& alias = root_.AddCommand("alias", "Aliases");
    Command& set = alias.AddCommand("set", "Set");
    set.Argument("OBJECT", &noun_, "").Required();
    set.AddOption("--reason", "TEXT", &reason_, "").Required();
  }

  // What is wrong; empty: nothing.
  std::string Read(const std::vector<std::string>& words) {
    const std::optional<UsageError> wrong = Parse(root_, words, &line_);
    return wrong.has_value() ? WithHint(wrong->message, *wrong->command) : "";
  }

  Command root_;
  ParsedLine line_{&root_};
  std::string addr_, noun_, reason_;
  std::vector<std::string> names_, filters_;
  int64_t count_ = 0;
  int verbose_ = 0;
  bool watch_ = false, headers_ = true;
};

TEST_F(ParserTest, OptionsStandAnywhereAndInEachForm) {
  EXPECT_EQ(Read({"list", "-vwn3", "drives", "--addr", "a:1", "ZA1", "-f", "a=1", "--filter=b=2",
                  "-fc=3", "--no-headers", "ZA2", "-v"}),
            "");
  EXPECT_EQ(line_.command->path, "list");
  EXPECT_EQ(noun_, "drives");
  EXPECT_THAT(names_, ElementsAre("ZA1", "ZA2"));
  EXPECT_THAT(filters_, ElementsAre("a=1", "b=2", "c=3"));
  EXPECT_EQ(count_, 3);
  EXPECT_EQ(verbose_, 2);
  EXPECT_TRUE(watch_);
  EXPECT_FALSE(headers_);
  EXPECT_EQ(addr_, "a:1");
}

TEST_F(ParserTest, WordsBehindTwoDashesAreNoOptions) {
  EXPECT_EQ(Read({"get", "drives", "--", "-x", "--help"}), "");
  EXPECT_THAT(names_, ElementsAre("-x", "--help"));
  EXPECT_FALSE(line_.wants_help);
}

TEST_F(ParserTest, ALaterAddressReplacesAnEarlierOne) {
  EXPECT_EQ(Read({"--addr", "a:1", "list", "drives", "--addr=b:2"}), "");
  EXPECT_EQ(addr_, "b:2");
}

TEST_F(ParserTest, ErrorsNameTheWordAndTheHelp) {
  EXPECT_EQ(Read({"lisst"}), "unknown command \"lisst\"; did you mean \"list\"?");
  EXPECT_EQ(Read({"frobnicate"}), "unknown command \"frobnicate\"; see sasctl --help");
  EXPECT_EQ(Read({"alias", "sett"}), "unknown command \"alias sett\"; did you mean \"set\"?");
  EXPECT_EQ(Read({"alias"}), "alias lacks a command (set); see sasctl alias --help");
  EXPECT_EQ(Read({"list"}), "NOUN is missing; see sasctl list --help");
  EXPECT_EQ(Read({"alias", "set", "x"}), "--reason is missing; see sasctl alias set --help");
  EXPECT_EQ(Read({"alias", "set", "x", "y", "--reason", "r"}),
            "one word too many: \"y\"; see sasctl alias set --help");
  EXPECT_EQ(Read({"list", "drives", "--fliter", "x"}),
            "unknown option \"--fliter\"; did you mean \"--filter\"?");
  EXPECT_EQ(Read({"list", "drives", "-x"}), "unknown option \"-x\"; see sasctl list --help");
  EXPECT_EQ(Read({"list", "drives", "-wx"}), "unknown option \"-x\"; see sasctl list --help");
  EXPECT_EQ(Read({"list", "drives", "-n"}), "--count lacks its value; see sasctl list --help");
  EXPECT_EQ(Read({"list", "drives", "-n", "1", "-n", "2"}),
            "--count is given twice; see sasctl list --help");
  EXPECT_EQ(Read({"list", "drives", "-n", "0"}),
            "--count \"0\" is not a number above 0; see sasctl list --help");
  EXPECT_EQ(Read({"list", "drives", "--watch=yes"}),
            "--watch takes no value; see sasctl list --help");
  EXPECT_EQ(Read({"list", "drives", "--filter="}), "--filter is empty; see sasctl list --help");
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"--addr", ""}, {"--addr="}}) {
    EXPECT_EQ(Read(words), "--addr is empty; give HOST:PORT; see sasctl --help");
  }
}

TEST_F(ParserTest, HelpNeedsNothingElse) {
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"help", "list"}, {"list", "--help"}, {"list", "-h"}, {"--help", "get"}}) {
    EXPECT_EQ(Read(words), "");
    EXPECT_TRUE(line_.wants_help);
    EXPECT_EQ(line_.command->path, "list");
  }
  EXPECT_EQ(Read({"help"}), "");
  EXPECT_EQ(line_.command, &root_);
  EXPECT_EQ(Read({"help", "tre"}), "unknown command \"tre\"; see sasctl --help");
}

// ------------------------------------------------------------------------ The grammar of sasctl

void ForEach(const Command& command, const std::function<void(const Command&)>& visit) {
  visit(command);
  for (const auto& each : command.commands) ForEach(*each, visit);
}

// The words of an example, as a shell would make them.
std::vector<std::string> ShellWords(absl::string_view text) {
  std::vector<std::string> words = {""};
  char quote = 0;
  for (const char c : text) {
    if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
    } else if (c == quote) {
      quote = 0;
    } else if (quote == 0 && c == ' ') {
      words.emplace_back();
    } else {
      words.back().push_back(c);
    }
  }
  if (absl::StartsWith(words.back(), ">")) words.pop_back();  // where the output goes
  return words;
}

TEST(GrammarTest, EveryExampleIsAccepted) {
  std::ostringstream out;
  const Grammar grammar({}, {}, out);
  ForEach(grammar.root(), [&out](const Command& command) {
    const bool is_plain = command.path.empty() || command.is_help;
    EXPECT_EQ(command.examples.empty(), is_plain) << command.path;
    for (const std::string& example : command.examples) {
      const Grammar fresh({}, {}, out);
      ParsedLine line{&fresh.root()};
      const std::optional<UsageError> wrong = Parse(fresh.root(), ShellWords(example), &line);
      EXPECT_FALSE(wrong.has_value()) << example << ": " << wrong->message;
      EXPECT_TRUE(absl::StrContains(example, command.path)) << example;
      // An example of `alias` is one of its commands.
      EXPECT_TRUE(absl::StartsWith(line.command->path, command.path) || command.path == "context")
          << example;
    }
  });
}

TEST(GrammarTest, EveryCommandHasHelpThatFits) {
  std::ostringstream out;
  const Grammar grammar({}, {}, out);
  ForEach(grammar.root(), [&](const Command& command) {
    const std::string help = HelpText(grammar.root(), command);
    for (const absl::string_view line : absl::StrSplit(help, '\n')) {
      EXPECT_LE(line.size(), 80u) << line;
    }
    EXPECT_FALSE(command.help.empty() || absl::EndsWith(command.help, ".")) << command.path;
    std::vector<const Option*> all;
    for (const auto& option : command.options) all.push_back(option.get());
    for (const auto& argument : command.arguments) all.push_back(argument.get());
    for (const Option* option : all) {
      EXPECT_FALSE(option->help.empty() || absl::EndsWith(option->help, ".")) << option->name;
      EXPECT_THAT(help, HasSubstr(option->name));
    }
    for (const auto& option : command.options) {
      EXPECT_EQ(option->takes_value(), !option->type.empty()) << option->name;
    }
    EXPECT_TRUE(command.action != nullptr || command.local_action != nullptr ||
                !command.commands.empty() || command.is_help)
        << command.path;
  });
}

TEST(GrammarTest, HelpOfACommandShowsAllOfIt) {
  std::ostringstream out;
  const Grammar grammar({}, {}, out);
  EXPECT_EQ(HelpText(grammar.root(), *grammar.root().Find("undismiss")),
            R"(End a dismissal.
Usage: sasctl undismiss [OPTIONS] OBJECT

Arguments:
  OBJECT                      The object; it may be gone

Options:
  -h,--help                   Print this help

OBJECT is a resource name, alias, SAS address, WWN, serial, sdX, H:C:T:L,
enclosure/slot, or an enclosure's model.

Examples:
  sasctl undismiss ZA1ABCDE
)");
  EXPECT_THAT(HelpText(grammar.root(), *grammar.root().Find("diff")),
              HasSubstr("Usage: sasctl diff [OPTIONS] --since REVISION|TIME\n"));
  EXPECT_THAT(HelpText(grammar.root(), *grammar.root().Find("list")),
              HasSubstr("Usage: sasctl list [OPTIONS] NOUN [OBJECT...]\n"));
  EXPECT_THAT(HelpText(grammar.root(), *grammar.root().Find("show")),
              HasSubstr("Usage: sasctl show [OPTIONS] [NOUN] OBJECT\n"));
  EXPECT_THAT(HelpText(grammar.root(), grammar.root()), Not(HasSubstr("OBJECT is")));
}

}  // namespace
}  // namespace sasd::cli
