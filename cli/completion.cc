#include "cli/completion.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "rpc/did_you_mean.h"

namespace sasd::cli {
namespace {

// Bash splits words at the characters of COMP_WORDBREAKS, such as "=" and ":", and replaces only
// the last of these parts.
constexpr char kBash[] = R"(# bash completion: source <(sasctl completion bash)
_sasctl() {
  local line=${COMP_LINE-} current=${COMP_WORDS[COMP_CWORD]} word kept
  local -a words=("${COMP_WORDS[@]:0:COMP_CWORD+1}")
  if [[ -n $line ]]; then
    line=${line:0:COMP_POINT}
    read -ra words <<<"$line"
    [[ $line != *[[:space:]] ]] || words+=("")
  fi
  word=${words[-1]}
  [[ $current != [=:] && $word == *"$current" ]] || current=
  kept=${word%"$current"}
  COMPREPLY=()
  while IFS= read -r word; do
    word=${word#"$kept"}
    [[ $word == *[=,] ]] || word+=" "
    COMPREPLY+=("$word")
  done < <(sasctl __complete -- "${words[@]:1}" 2>/dev/null)
}
complete -o nospace -F _sasctl sasctl
)";

constexpr char kZsh[] = R"(#compdef sasctl
# zsh completion: source <(sasctl completion zsh)
_sasctl() {
  local -a words_so_far found open
  words_so_far=("${(@Q)words[2,CURRENT]}")
  found=("${(@f)$(sasctl __complete -- "${(@)words_so_far}" 2>/dev/null)}")
  open=("${(@M)found:#*[=,]}")
  found=("${(@)found:#*[=,]}")
  found=("${(@)found:#}")
  (( ${#open} )) && compadd -S '' -- "${(@)open}"
  (( ${#found} )) && compadd -- "${(@)found}"
}
if [[ ${funcstack[1]} == _sasctl ]]; then
  _sasctl "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
  compdef _sasctl sasctl
fi
)";

constexpr char kFish[] = R"(# fish completion: sasctl completion fish | source
function __sasctl_complete
  set -l words (commandline -opc) (commandline -ct)
  sasctl __complete -- $words[2..-1] 2>/dev/null
end
complete -c sasctl -f -a '(__sasctl_complete)'
)";

}  // namespace

absl::StatusOr<std::string> CompletionScript(absl::string_view shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  if (shell == "fish") return kFish;
  const std::vector<std::string> shells = {"bash", "zsh", "fish"};
  return absl::InvalidArgumentError(absl::StrCat("unknown shell \"", shell, "\"",
                                                 rpc::DidYouMean(shell, shells),
                                                 " (shells: ", absl::StrJoin(shells, ", "), ")"));
}

}  // namespace sasd::cli
