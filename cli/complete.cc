#include "cli/complete.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cli/output/columns.h"
#include "cli/output/format.h"
#include "cli/output/nouns.h"
#include "cli/output/visible.h"
#include "cli/query/contexts.h"
#include "cli/query/filter_keys.h"
#include "cli/query/object_words.h"

namespace sasd::cli {
namespace {

using sas::v1::ResourceKind;
using Words = std::vector<std::string>;

constexpr absl::Duration kPatience = absl::Seconds(1);

const Option* OptionOf(const Command& command, const Command& root, const std::string& word) {
  const Option* option = command.FindOption(word);
  return option != nullptr ? option : root.FindOption(word);
}

// The command line so far.
struct Line {
  const Command* command;          // the innermost one
  Words positionals;               // of the command, before the word to complete
  const Option* option = nullptr;  // whose value is to be completed
  std::string last;                // the word to complete
};

class Completer {
 public:
  Completer(const Command& root, const Context* context, const Line& line)
      : root_(root), context_(context), line_(line) {}

  Words Find() {
    if (line_.option != nullptr) {
      AddValues();
    } else if (absl::StartsWith(line_.last, "-")) {
      AddOptions(*line_.command);
      if (line_.command != &root_) AddOptions(root_);
    } else {
      AddPositionals();
    }
    return {found_.begin(), found_.end()};
  }

 private:
  // `prefix`: what of the last word stays as it is.
  void Add(const std::string& word, const std::string& prefix = "") {
    const std::string whole = absl::StrCat(prefix, word);
    if (absl::StartsWith(whole, line_.last) && Visible(whole) == whole) found_.insert(whole);
  }
  void AddAll(const Words& words, const std::string& prefix = "") {
    for (const std::string& word : words) Add(word, prefix);
  }

  void AddOptions(const Command& command) {
    Add("--help");
    for (const auto& option : command.options) {
      Add(option->name);
      if (line_.last.size() < 2 && !option->short_name.empty()) Add(option->short_name);
    }
  }

  void AddObjects(absl::string_view part, const std::vector<ResourceKind>& kinds,
                  const std::string& prefix = "") {
    if (context_ != nullptr) AddAll(ObjectWords(*context_, part, kinds), prefix);
  }

  void AddNouns(bool plural) {
    for (const Noun& noun : AllNouns()) Add(plural ? noun.plural : noun.singular);
  }

  // The kind of `list`; unspecified if it is not known yet.
  ResourceKind ListedKind() const {
    if (line_.positionals.empty()) return sas::v1::RESOURCE_KIND_UNSPECIFIED;
    const auto noun = FindNoun(line_.positionals[0]);
    return noun.ok() ? (*noun)->kind : sas::v1::RESOURCE_KIND_UNSPECIFIED;
  }

  void AddPositionals() {
    if (!line_.command->commands.empty()) {
      for (const auto& command : line_.command->commands) Add(command->name);
      return;
    }
    const size_t at = line_.positionals.size();
    const std::string& path = line_.command->path;
    if (path == "list") {
      if (at == 0) return AddNouns(/*plural=*/true);
      return AddObjects(line_.last, {ListedKind()});
    }
    if (path == "show") {
      if (at == 0) AddNouns(/*plural=*/false);
      if (at == 0) return AddObjects(line_.last, {});
      return AddObjects(line_.last, {ListedKind()});
    }
    if (path == "health" || path == "wait") {
      return AddObjects(line_.last, {sas::v1::RESOURCE_KIND_HOST});
    }
    if (path == "alias set" && at == 0) {
      return AddObjects(line_.last,
                        {sas::v1::RESOURCE_KIND_HOST, sas::v1::RESOURCE_KIND_ENCLOSURE});
    }
    if (path == "alias remove" && at == 0 && context_ != nullptr)
      return AddAll(AliasWords(*context_));
    if (path == "tree" || path == "events" || path == "history" || path == "impact" ||
        path == "dismiss" || path == "undismiss" || path == "baseline accept") {
      return AddObjects(line_.last, {});
    }
    if (path == "completion" && at == 0) AddAll({"bash", "zsh", "fish"});
    if (path == "emulator list") AddAll({"host", "expander", "device", "enclosure"});
    if (absl::StartsWith(path, "emulator ") && at == 0 && context_ != nullptr) {
      AddAll(ElementWords(*context_));
    }
    if (path == "emulator phy" && at == 2) AddAll({"up", "down"});
    if (path == "emulator expander" && at == 1) AddAll({"lose", "regain"});
    if (path == "emulator power" && at == 1) AddAll({"on", "off"});
    if (path == "emulator fault" && at == 1) {
      AddAll({"page-read-fails", "smp-timeout", "event-lost", "event-duplicated", "event-truncated",
              "events-reordered", "ioc-fault"});
    }
  }

  void AddValues() {
    const std::string& name = line_.option->name;
    if (name == "--output") AddAll({"table", "wide", "json", "jsonl", "yaml", "name"});
    if (name == "--severity") AddAll({"info", "warning", "critical"});
    if (name == "--cause") {
      AddAll({"firmware-event", "uevent", "scan", "attach", "host-reset", "resync", "restart",
              "startup", "control", "source-lost", "audit"},
             BeforeLast(','));
    }
    if (name == "--since" || name == "--until") AddAll({"today", "yesterday", "2h"});
    if (name == "--columns" || name == "--sort-by") {
      for (const Column& column : ColumnsOf(ListedKind())) Add(column.key, BeforeLast(','));
    }
    if (name == "--filter") AddFilters();
  }

  // The last word up to and with the last such character.
  std::string BeforeLast(char separator) const {
    const size_t at = line_.last.rfind(separator);
    return at == std::string::npos ? "" : line_.last.substr(0, at + 1);
  }

  std::vector<ResourceKind> FilteredKinds() const {
    if (line_.command->path == "list") return {ListedKind()};
    std::vector<ResourceKind> kinds;
    for (int kind = sas::v1::RESOURCE_KIND_HOST; kind <= sas::v1::ResourceKind_MAX; ++kind) {
      kinds.push_back(static_cast<ResourceKind>(kind));
    }
    return kinds;
  }

  void AddFilters() {
    const std::string before = BeforeLast(',');
    const std::string part = line_.last.substr(before.size());
    const size_t equals = part.find('=');
    if (equals != std::string::npos) {
      return AddFilterValues(part.substr(0, equals), part.substr(equals + 1),
                             absl::StrCat(before, part.substr(0, equals + 1)));
    }
    if (!before.empty()) {
      // Another value of the same key, or another key.
      const size_t last_equals = before.rfind('=');
      const size_t begin = before.rfind(',', last_equals) + 1;  // npos + 1 is 0
      if (last_equals != std::string::npos) {
        AddFilterValues(before.substr(begin, last_equals - begin), part, before);
      }
    }
    if (line_.command->path != "list") AddAll({"kind=", "host="}, before);
    for (const ResourceKind kind : FilteredKinds()) {
      for (const FilterKey& key : FilterKeysOf(kind)) Add(key.key + "=", before);
      if (line_.command->path != "list") continue;
      for (const Column& column : ColumnsOf(kind)) Add(column.key + "=", before);
    }
  }

  void AddFilterValues(std::string key, const std::string& part, const std::string& prefix) {
    while (!key.empty() && absl::StrContains("!<>", key.substr(key.size() - 1))) key.pop_back();
    if (line_.command->path != "list" && key == "kind") {
      for (const Noun& noun : AllNouns()) Add(noun.plural, prefix);
      return;
    }
    for (const ResourceKind kind : FilteredKinds()) {
      for (const FilterKey& known : FilterKeysOf(kind)) {
        if (known.key == key) AddValuesOf(known, part, prefix);
      }
    }
  }

  void AddValuesOf(const FilterKey& key, const std::string& part, const std::string& prefix) {
    if (key.type != nullptr) {
      for (int i = 0; i < key.type->value_count(); ++i) {
        const int number = key.type->value(i)->number();
        const std::string text = key.type == sas::v1::LinkRate_descriptor()
                                     ? ShortRate(static_cast<sas::v1::LinkRate>(number))
                                     : ShortEnum(*key.type, number);
        if (!text.empty() && text != "gone") Add(text, prefix);
      }
    }
    if (key.form == FilterKey::Form::kBool) AddAll({"yes", "no"}, prefix);
    if (key.form == FilterKey::Form::kPeripheralType) AddAll({"disk", "enclosure"}, prefix);
    if (key.form == FilterKey::Form::kReference) {
      AddObjects(part, key.field == "behind" ? std::vector<ResourceKind>() : key.refers_to, prefix);
    }
    if (key.form == FilterKey::Form::kText && context_ != nullptr) {
      for (const ResourceKind kind : FilteredKinds()) {
        if (line_.command->path == "list")
          AddAll(FieldWords(*context_, kind, key.field, part), prefix);
      }
    }
  }

  const Command& root_;
  const Context* const context_;
  const Line& line_;
  std::set<std::string> found_;
};

Line Read(const Command& root, const Words& words, GivenConnection& given) {
  Connection& connection = given.options;
  Line line;
  line.command = &root;
  line.last = words.empty() ? "" : words.back();
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.size() > 1 && word[0] == '-') {
      const std::pair<std::string, std::string> halves =
          absl::StrSplit(word, absl::MaxSplits('=', 1));
      const Option* const option = OptionOf(*line.command, root, halves.first);
      const bool takes = option != nullptr && option->takes_value();
      const bool joined = word.size() > halves.first.size();
      if (takes && !joined && i + 2 == words.size()) line.option = option;
      const std::string value = joined ? halves.second : takes ? words[i + 1] : "";
      if (halves.first == "--context") given.context = value;
      if (halves.first == "--addr") connection.address = value;
      if (halves.first == "--tls-ca") connection.tls_ca = value;
      if (halves.first == "--tls-certificate") connection.tls_certificate = value;
      if (halves.first == "--tls-key") connection.tls_key = value;
      if (halves.first == "--tls-name") connection.tls_name = value;
      if (takes && !joined) ++i;
      continue;
    }
    const Command* const command = line.command->Find(word);
    if (command != nullptr && line.positionals.empty()) {
      line.command = command;
    } else {
      line.positionals.push_back(word);
    }
  }
  return line;
}

}  // namespace

int Complete(const Command& root, std::vector<std::string> words, const Environment& environment) {
  if (!words.empty() && words[0] == "--") words.erase(words.begin());
  // `help list` completes the names of commands.
  if (words.size() > 1 && words[0] == "help") words.erase(words.begin());
  GivenConnection given{{}, "", environment.connection, environment.contexts};
  const Line line = Read(root, words, given);
  const absl::StatusOr<Connection> connection = ResolveConnection(given);
  const absl::StatusOr<std::shared_ptr<grpc::ChannelInterface>> channel =
      connection.ok() ? environment.connect(*connection) : connection.status();
  Words found;
  if (channel.ok() && *channel != nullptr) {
    const Context context{*channel,
                          environment.out,
                          environment.err,
                          environment.interrupt,
                          {connection->address, kPatience},
                          Paint()};
    found = Completer(root, &context, line).Find();
  } else {
    found = Completer(root, nullptr, line).Find();
  }
  for (const std::string& word : found) environment.out << word << '\n';
  environment.out.flush();
  return kExitOk;
}

}  // namespace sasd::cli
