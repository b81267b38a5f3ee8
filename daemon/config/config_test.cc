#include "daemon/config/config.h"

#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "daemon/config/command_line.h"
#include "daemon/config/options.h"
#include "daemon/config/reloader.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace sasd::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConfigTest : public ::testing::Test {
 protected:
  void Write(const std::string& text) { std::ofstream(path_, std::ios::trunc) << text; }

  static CommandLine Line(std::vector<const char*> words) {
    words.insert(words.begin(), "sasd");
    int code = -1;
    const std::optional<CommandLine> line =
        ParseCommandLine(Program(), static_cast<int>(words.size()), words.data(), &code);
    EXPECT_TRUE(line.has_value());
    return line.value_or(CommandLine());
  }

  absl::StatusOr<Config> LoadWith(std::vector<const char*> words) {
    words.push_back("--config");
    words.push_back(path_.c_str());
    return LoadAlone(std::move(words));
  }
  absl::StatusOr<Config> LoadAlone(std::vector<const char*> words) {
    return Load(Line(std::move(words)), [this](const char* name) -> const char* {
      const auto it = environment_.find(name);
      return it == environment_.end() ? nullptr : it->second.c_str();
    });
  }

  const std::string path_ = testing::TempDir() + "/sasd.toml";
  std::map<std::string, std::string> environment_;
};

TEST_F(ConfigTest, CommandLineThenEnvironmentThenFile) {
  Write("listen = \"file\"\nlog-level = \"error\"\nattach-grace = \"1s\"\nseed = 9\n");
  environment_ = {{"SASD_LISTEN", "environment"},
                  {"SASD_LOG_LEVEL", "debug"},
                  {"SASD_SEED", ""},
                  {"SASD_OPTIONS", "--seed 3"}};
  const auto config = LoadWith({"--listen", "line"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->settings.listen, ElementsAre("line"));
  EXPECT_EQ(config->settings.log_level, "debug");
  EXPECT_EQ(config->settings.attach_grace, absl::Seconds(1));
  EXPECT_EQ(config->settings.seed, 9) << "an empty variable counts as not set";
  EXPECT_EQ(config->settings.boot_grace, absl::Minutes(5));
  EXPECT_EQ(config->origins.at("listen"), "--listen");
  EXPECT_EQ(config->origins.at("log-level"), "SASD_LOG_LEVEL");
  EXPECT_EQ(config->origins.at("attach-grace"), path_ + ":3:1");
  EXPECT_EQ(config->origins.count("boot-grace"), 0u);
}

TEST_F(ConfigTest, EveryOptionWorksFromEveryPlace) {
  for (const Option& option : Options()) {
    // A value that differs from the default.
    Value value = ValueOf(option, Settings());
    if (auto* text = std::get_if<std::string>(&value)) {
      *text = option.type == Type::kChoice ? std::string(option.choices.back()) : "x";
    } else if (auto* flag = std::get_if<bool>(&value)) {
      *flag = !*flag;
    } else if (auto* list = std::get_if<std::vector<std::string>>(&value)) {
      *list = {"x", "y"};
    } else if (auto* number = std::get_if<int64_t>(&value)) {
      *number += 1;
    } else {
      std::get<absl::Duration>(value) += absl::Milliseconds(1);
    }
    const std::string in_file = FileText(option, value);
    // A list has brackets in the file alone.
    const std::string text =
        absl::StrReplaceAll(in_file, {{"\"", ""}, {"[", ""}, {"]", ""}, {", ", ","}});
    const std::string word = option.type == Type::kFlag
                                 ? absl::StrCat(std::get<bool>(value) ? "--" : "--no-", option.name)
                                 : absl::StrCat("--", option.name, "=", text);
    environment_.clear();
    Write("");
    auto config = LoadWith({word.c_str()});
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(ValueOf(option, config->settings), value) << word;
    if (option.once) continue;
    environment_ = {{EnvironmentName(option), text}};
    config = LoadWith({});
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(ValueOf(option, config->settings), value) << EnvironmentName(option);
    environment_.clear();
    Write(absl::StrCat(option.name, " = ", in_file));
    config = LoadWith({});
    ASSERT_TRUE(config.ok()) << config.status();
    EXPECT_EQ(ValueOf(option, config->settings), value) << in_file;
  }
}

TEST_F(ConfigTest, ListsComeRepeatedOrBetweenCommas) {
  Write("limit = [\"a=1\", \"b=2\"]\nviewer = \"user:x\"\n");
  const auto config = LoadWith({"--listen", "unix:a", "--listen", "unix:b,unix:c"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_THAT(config->settings.listen, ElementsAre("unix:a", "unix:b", "unix:c"));
  EXPECT_THAT(config->settings.limit, ElementsAre("a=1", "b=2"));
  EXPECT_THAT(config->settings.viewer, ElementsAre("user:x"));
}

TEST_F(ConfigTest, NamesOfOptionsAreUnique) {
  std::set<std::string> names;
  for (const Option& option : Options()) {
    EXPECT_TRUE(names.insert(std::string(option.name)).second) << option.name;
    if (!option.old_name.empty()) {
      EXPECT_TRUE(names.insert(std::string(option.old_name)).second) << option.old_name;
    }
    EXPECT_TRUE(CheckValue(option, ValueOf(option, Settings())).ok())
        << option.name << ": the default is in the range";
  }
}

TEST_F(ConfigTest, OldOptionsOfTheCommandLineKeepWorking) {
  Write("");
  const auto config = LoadWith({"--attach-grace-seconds", "0.5", "--boot-grace-seconds", "7",
                                "--link-look-seconds", "0", "--journal-days", "30", "--no-journal",
                                "--no-control-nodes", "--log-bytes", "4096"});
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->settings.attach_grace, absl::Milliseconds(500));
  EXPECT_EQ(config->settings.boot_grace, absl::Seconds(7));
  EXPECT_EQ(config->settings.link_look, absl::ZeroDuration());
  EXPECT_EQ(config->settings.journal_age, absl::Hours(30 * 24));
  EXPECT_FALSE(config->settings.journal);
  EXPECT_FALSE(config->settings.control_nodes);
  EXPECT_EQ(config->settings.log_bytes, 4096);
}

TEST_F(ConfigTest, BadCommandLinesEndWithTwo) {
  for (const std::vector<const char*>& words : std::vector<std::vector<const char*>>{
           {"sasd", "--lisen", "x"},
           {"sasd", "--log-level", "loud"},
           {"sasd", "--attach-grace", "30"},
           {"sasd", "--attach-grace", "2d"},
           {"sasd", "--attach-grace-seconds", "-1"},
           {"sasd", "--attach-grace", "1s", "--attach-grace-seconds", "1"},
           {"sasd", "--seed", "1.5"},
           {"sasd", "more"}}) {
    int code = -1;
    EXPECT_FALSE(ParseCommandLine(Program(), static_cast<int>(words.size()), words.data(), &code));
    EXPECT_EQ(code, 2) << words[1];
  }
  int code = -1;
  const std::vector<const char*> help = {"sasd", "--help"};
  EXPECT_FALSE(ParseCommandLine(Program(), 2, help.data(), &code));
  EXPECT_EQ(code, 0);
}

TEST_F(ConfigTest, AMissingNamedFileIsAnError) {
  EXPECT_THAT(std::string(LoadAlone({"--config", "/nowhere/x"}).status().message()),
              HasSubstr("/nowhere/x"));
  environment_ = {{"SASD_CONFIG", "/nowhere/y"}};
  EXPECT_THAT(std::string(LoadAlone({}).status().message()), HasSubstr("/nowhere/y"));
  EXPECT_TRUE(LoadAlone({"--config", ""}).ok()) << "the command line wins, and names none";
}

TEST_F(ConfigTest, FaultsOfAllPlacesComeTogether) {
  Write("zzzzzz = 1\n");
  environment_ = {{"SASD_SEED", "x"}};
  EXPECT_EQ(LoadWith({}).status().message(),
            absl::StrCat(path_, ":1:1: unknown option \"zzzzzz\"\n",
                         "SASD_SEED: expected a whole number, 0 or more"));
}

TEST_F(ConfigTest, TwoBackendsExcludeEachOther) {
  Write("fabric = \"demo\"\n");
  EXPECT_EQ(LoadWith({"--sysfs-root", "/x"}).status().message(),
            absl::StrCat("fabric (", path_,
                         ":1:1) and sysfs-root (--sysfs-root) exclude each "
                         "other; give one of them, or \"\" for the other"));
  EXPECT_TRUE(LoadWith({"--sysfs-root", "/x", "--fabric", ""}).ok());
}

TEST_F(ConfigTest, TheDescriptionReadsAsTheSameConfiguration) {
  Write("state-dir = \"a\\\"b\\\\c\"\nlog-bytes = 12345\njournal-age = \"36h\"\n");
  const auto config = LoadWith({"--attach-grace", "90s"});
  ASSERT_TRUE(config.ok()) << config.status();
  const std::string text = Describe(*config);
  EXPECT_THAT(text, HasSubstr("attach-grace = \"1min 30s\"  # --attach-grace\n"));
  EXPECT_THAT(text, HasSubstr("boot-grace = \"5min\"  # default\n"));
  Write(text);
  const auto again = LoadWith({});
  ASSERT_TRUE(again.ok()) << again.status();
  for (const Option& option : Options()) {
    EXPECT_EQ(ValueOf(option, again->settings), ValueOf(option, config->settings)) << option.name;
  }
}

// --------------------------------------------------------------------------------------- SIGHUP

class Recorder : public Reloadable {
 public:
  absl::string_view name() const override { return "the recorder"; }
  absl::Status Reload(const Settings& settings) override {
    ++calls;
    last = settings;
    return status;
  }
  int calls = 0;
  Settings last;
  absl::Status status;
};

class ReloaderTest : public ConfigTest {
 protected:
  ReloaderTest() {
    Write("log-level = \"info\"\n");
    reloader_.emplace([this] { return LoadWith({}); }, LoadWith({})->settings);
    reloader_->Add(recorder_);
  }
  std::optional<Reloader> reloader_;
  Recorder recorder_;
};

TEST_F(ReloaderTest, WhatCanChangeChangesAndTheRestIsReported) {
  Write("log-level = \"debug\"\nattach-grace = \"1s\"\nlisten = \"other\"\n");
  const auto report = reloader_->Reload();
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_THAT(report->taken, ElementsAre("attach-grace = \"1s\"", "log-level = \"debug\""));
  EXPECT_THAT(report->need_restart, ElementsAre("listen = [\"other\"]"));
  EXPECT_EQ(recorder_.last.log_level, "debug");
  EXPECT_EQ(recorder_.last.attach_grace, absl::Seconds(1));
  EXPECT_EQ(recorder_.last.listen, Settings().listen) << "the object sees what is in effect";
  // Reported as long as it differs.
  EXPECT_THAT(reloader_->Reload()->need_restart, ElementsAre("listen = [\"other\"]"));
  EXPECT_THAT(reloader_->Reload()->taken, IsEmpty());
  EXPECT_EQ(recorder_.calls, 3) << "files that options name may have changed";
}

TEST_F(ReloaderTest, ABadFileChangesNothing) {
  Write("log-level = \"debug\"\nattach-grace = 1\n");
  const auto report = reloader_->Reload();
  EXPECT_EQ(report.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(report.status().message()), HasSubstr(path_ + ":2:16"));
  EXPECT_EQ(recorder_.calls, 0);
  EXPECT_EQ(reloader_->running().log_level, "info");
}

TEST_F(ReloaderTest, AnObjectThatFailsIsNamed) {
  recorder_.status = absl::UnavailableError("no such certificate");
  EXPECT_THAT(reloader_->Reload()->errors, ElementsAre("the recorder: no such certificate"));
}

}  // namespace
}  // namespace sasd::config
