#include "cli/completion.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/output/nouns.h"
#include "rpc/did_you_mean.h"

namespace sasd::cli {
namespace {

std::vector<std::string> CommandsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(command->get_name());
  }
  return names;
}

std::vector<std::string> OptionsOf(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// Words that may follow a command, besides its options.
std::vector<std::string> WordsOf(const CLI::App& command) {
  std::vector<std::string> words = CommandsOf(command);
  if (command.get_name() == "list" || command.get_name() == "show") {
    for (const Noun& noun : AllNouns()) {
      words.push_back(command.get_name() == "list" ? noun.plural : noun.singular);
    }
  }
  if (command.get_name() == "completion") words = {"bash", "zsh"};
  return words;
}

// Both shells run this function; zsh emulates bash's completion with bashcompinit.
std::string BashFunction(const CLI::App& app) {
  const std::vector<std::string> global = OptionsOf(app);
  std::string cases;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    std::vector<std::string> names = command->get_aliases();
    names.insert(names.begin(), command->get_name());
    std::vector<std::string> words = WordsOf(*command), options = OptionsOf(*command);
    words.insert(words.end(), options.begin(), options.end());
    absl::StrAppend(&cases, "      ", absl::StrJoin(names, "|"), ") words=\"",
                    absl::StrJoin(words, " "), "\" ;;\n");
  }
  return absl::StrCat(
      "_sasctl() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} words word\n"
      "  COMPREPLY=()\n"
      "  case $previous in\n"
      "    -o|--output) COMPREPLY=($(compgen -W \"table wide json jsonl yaml name\" -- "
      "\"$current\")); return ;;\n"
      "  esac\n"
      "  words=\"",
      absl::StrJoin(CommandsOf(app), " "), " ", absl::StrJoin(global, " "),
      "\"\n"
      "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
      "    case $word in\n",
      cases,
      "      *) continue ;;\n"
      "    esac\n"
      "    break\n"
      "  done\n"
      "  COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "}\n"
      "complete -F _sasctl sasctl\n");
}

}  // namespace

absl::StatusOr<std::string> CompletionScript(absl::string_view shell, const CLI::App& app) {
  if (shell == "bash") {
    return absl::StrCat("# bash completion: source <(sasctl completion bash)\n", BashFunction(app));
  }
  if (shell == "zsh") {
    return absl::StrCat(
        "#compdef sasctl\n# zsh completion: source <(sasctl completion zsh)\n"
        "autoload -U +X compinit && compinit\nautoload -U +X bashcompinit && bashcompinit\n",
        BashFunction(app));
  }
  return absl::InvalidArgumentError(absl::StrCat("no completion for shell \"", shell, "\"",
                                                 rpc::DidYouMean(shell, {"bash", "zsh"}),
                                                 " (shells: bash, zsh)"));
}

}  // namespace sasd::cli
