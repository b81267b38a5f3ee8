#include "cli/run.h"

#include <errno.h>

#include <string>
#include <vector>

#include "cli/query/fake_sasd.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class RunTest : public ::testing::Test {
 protected:
  int RunIt(const std::vector<std::string>& arguments) {
    sasd_.out.str("");
    sasd_.err.str("");
    Environment environment{sasd_.out,  sasd_.err,
                            interrupt_, false,
                            {},         [this](const Connection&) {
                              return sasd_.NewChannel(); }};
    environment.write_error = [this] { return write_error_; };
    environment.start_pager = [this] { ++pagers_; };
    return cli::Run(arguments, environment);
  }
  std::string out() const { return sasd_.out.str(); }
  std::string err() const { return sasd_.err.str(); }

  FakeSasd sasd_;
  Interrupt interrupt_;
  int write_error_ = 0, pagers_ = 0;
};

TEST_F(RunTest, UnknownCommandsHaveSuggestions) {
  EXPECT_EQ(RunIt({"tre"}), kExitUsage);
  EXPECT_EQ(err(), "sasctl: unknown command \"tre\"; did you mean \"tree\"?\n");
  EXPECT_EQ(RunIt({"--addr", "tree", "lits", "drives"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("unknown command \"lits\"; did you mean \"list\""));
  EXPECT_EQ(RunIt({"emulator", "pul", "x"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("unknown command \"emulator pul\"; did you mean \"pull\""));
  EXPECT_EQ(RunIt({"baseline"}), kExitUsage);
  EXPECT_THAT(err(), HasSubstr("baseline lacks a command (show, accept)"));
}

TEST_F(RunTest, ObjectMayBeCalledLikeACommand) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"show", "tree"},
                                             {"tree", "list"},
                                             {"impact", "watch"},
                                             {"emulator", "list", "expander"}}) {
    EXPECT_NE(RunIt(arguments), kExitUsage) << ::testing::PrintToString(arguments) << err();
  }
}

TEST_F(RunTest, NumbersAreRefusedInWords) {
  EXPECT_EQ(RunIt({"events", "--after", "x"}), kExitUsage);
  EXPECT_EQ(err(),
            "sasctl: --after \"x\" is not a number of 0 or more; see sasctl events --help\n");
  EXPECT_EQ(RunIt({"audit", "-n", "0"}), kExitUsage);
  EXPECT_EQ(err(), "sasctl: --last \"0\" is not a number above 0; see sasctl audit --help\n");
  EXPECT_EQ(RunIt({"--addr=", "list", "hosts"}), kExitUsage);
  EXPECT_EQ(err(), "sasctl: --addr is empty; give unix:PATH or HOST:PORT; see sasctl --help\n");
}

// 2 for everything that is wrong with the command line, whatever the parser calls it.
TEST_F(RunTest, EveryUsageErrorIsExitCode2) {
  const std::vector<std::vector<std::string>> wrong = {
      {"tre"},
      {"tre", "--help"},
      {"list"},
      {"list", "drivs"},
      {"list", "drives", "--nope"},
      {"list", "drives", "--sort-by", "colour"},
      {"list", "drives", "-f", "state=gone"},
      {"list", "drives", "-f", "size=big"},
      {"list", "drives", "-f", "paths=many"},
      {"list", "phys", "-f", "attached=no"},
      {"list", "ports", "-f", "to=moon"},
      {"list", "drives", "-o", "jsn"},
      {"show"},
      {"show", "a", "b", "c"},
      {"watch", "-n", "x"},
      {"watch", "-n", "0"},
      {"watch", "--count"},
      {"watch", "-n", "1", "-n", "2"},
      {"events", "--after", "x"},
      {"events", "--since", "soonish"},
      {"emulator"},
      {"emulator", "phy", "x"},
      {"emulator", "phy", "x", "y", "up"},
      {"completion"},
      {"completion", "powershell"},
      {"tree", "--timeout", "soon"},
      {"tree", "--addr", ""},
      {"--addr=", "tree"},
      {"tree", "--addr"},
      {"help", "tre"},
  };
  for (const auto& arguments : wrong) {
    EXPECT_EQ(RunIt(arguments), kExitUsage) << ::testing::PrintToString(arguments);
    EXPECT_THAT(err(), StartsWith("sasctl: ")) << ::testing::PrintToString(arguments);
    EXPECT_THAT(out(), IsEmpty()) << ::testing::PrintToString(arguments);
  }
}

TEST_F(RunTest, HelpIsThatOfTheCommand) {
  EXPECT_EQ(RunIt({"--help"}), kExitOk);
  const std::string root = out();
  EXPECT_THAT(root, AllOf(HasSubstr("summary"), HasSubstr("impact"), Not(HasSubstr("OBJECT is"))));
  EXPECT_EQ(RunIt({"help"}), kExitOk);
  EXPECT_EQ(out(), root);
  EXPECT_EQ(RunIt({"--version"}), kExitOk);
  EXPECT_THAT(out(), StartsWith("sasctl "));
  EXPECT_EQ(RunIt({"get", "--help"}), kExitOk);
  const std::string list = out();
  EXPECT_THAT(list, AllOf(HasSubstr("--sort-by"), HasSubstr("Examples:\n  sasctl list drives")));
  EXPECT_EQ(RunIt({"list", "--help"}), kExitOk);
  EXPECT_EQ(out(), list);
  EXPECT_EQ(RunIt({"help", "list"}), kExitOk);
  EXPECT_EQ(out(), list);
  EXPECT_EQ(RunIt({"help", "emulator", "pull"}), kExitOk);
  EXPECT_THAT(out(), HasSubstr("Pull a drive"));
}

TEST_F(RunTest, OnlyCommandsWithObjectsExplainThem) {
  for (const char* command : {"tree", "list", "show", "events", "history", "impact", "dismiss"}) {
    EXPECT_EQ(RunIt({command, "--help"}), kExitOk);
    EXPECT_THAT(out(), AllOf(HasSubstr("OBJECT is"), HasSubstr("Examples:"))) << command;
  }
  for (const char* command : {"summary", "status", "wait", "doctor", "diff", "watch", "health"}) {
    EXPECT_EQ(RunIt({command, "--help"}), kExitOk);
    EXPECT_THAT(out(), AllOf(Not(HasSubstr("OBJECT is")), HasSubstr("Examples:"))) << command;
  }
}

TEST_F(RunTest, NumbersHaveReadableErrors) {
  RunIt({"watch", "-n", "x"});
  EXPECT_EQ(err(), "sasctl: --count \"x\" is not a number above 0; see sasctl watch --help\n");
}

TEST_F(RunTest, TerminalsObeyNothingThatWasTyped) {
  EXPECT_EQ(RunIt({"\033[2Jx"}), kExitUsage);
  EXPECT_THAT(err(), AllOf(HasSubstr("\\x1b[2Jx"), Not(HasSubstr("\033"))));
  EXPECT_EQ(RunIt({"show", "a\nb\033"}), kExitFailed);
  EXPECT_THAT(err(), AllOf(HasSubstr("a\\x0ab\\x1b"), Not(HasSubstr("\033"))));
}

TEST_F(RunTest, FailedWritesAreFailures) {
  sasd_.out.setstate(std::ios::badbit);
  write_error_ = ENOSPC;
  EXPECT_EQ(RunIt({"completion", "bash"}), kExitFailed);
  EXPECT_EQ(err(), "sasctl: cannot write the output: No space left on device\n");
  EXPECT_EQ(RunIt({"--help"}), kExitFailed);
  EXPECT_EQ(RunIt({"health"}), 3);
  // The reader has seen enough.
  write_error_ = EPIPE;
  EXPECT_EQ(RunIt({"completion", "bash"}), kExitOk);
}

TEST_F(RunTest, PagerIsForTextsOnly) {
  RunIt({"list", "enclosures"});
  EXPECT_EQ(pagers_, 1);
  RunIt({"list", "enclosures", "--no-pager"});
  RunIt({"completion", "bash"});
  RunIt({"status"});
  EXPECT_EQ(pagers_, 1);
  RunIt({"health"});
  EXPECT_EQ(pagers_, 2);
}

TEST_F(RunTest, EmptyListIsNotedOnStderr) {
  EXPECT_EQ(RunIt({"list", "enclosures"}), kExitOk);
  EXPECT_EQ(err(), "sasctl: there are no enclosures\n");
  EXPECT_THAT(out(), StartsWith("ID "));
  EXPECT_EQ(RunIt({"list", "enclosures", "-f", "model=x"}), kExitOk);
  EXPECT_EQ(err(), "sasctl: no enclosures match\n");
  EXPECT_EQ(RunIt({"list", "enclosures", "-o", "json"}), kExitOk);
  EXPECT_THAT(err(), IsEmpty());
}

TEST_F(RunTest, ListsSortAndReverse) {
  for (const char* id : {"b", "c", "a"}) {
    sas::v1::Enclosure enclosure;
    enclosure.set_logical_id(id);
    sasd_.topology.AddEnclosure(enclosure);
  }
  const auto list = [this](const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"list", "enclosures", "--columns", "id", "--no-headers"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    EXPECT_EQ(RunIt(arguments), kExitOk);
    return out();
  };
  EXPECT_EQ(list({}), "b\nc\na\n");
  EXPECT_EQ(list({"--sort-by", "id"}), "a\nb\nc\n");
  EXPECT_EQ(list({"--sort-by", "id", "--reverse"}), "c\nb\na\n");
  EXPECT_EQ(list({"--reverse"}), "a\nc\nb\n");
}

TEST_F(RunTest, NamesThatAreNotThereAreErrorsOfTheirOwn) {
  EXPECT_EQ(RunIt({"list", "drives", "x", "y"}), kExitFailed);
  EXPECT_THAT(err(), AllOf(HasSubstr("no drive (logical unit) \"x\"; `sasctl list drives` lists"),
                           HasSubstr("no drive (logical unit) \"y\"")));
}

}  // namespace
}  // namespace sasd::cli
