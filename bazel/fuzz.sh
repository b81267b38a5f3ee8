#!/bin/bash
# Fuzzes, two targets at a time; by default every cc_fuzz_test.
#   bazel/fuzz.sh [SECONDS [TARGET...]]    each for so long (60), from its corpus and what was found
#                                          before; new inputs and crashes land in
#                                          /var/tmp/sasd-fuzz/TARGET
#   bazel/fuzz.sh --minimize [TARGET...]   adds to the corpus what reaches something new
#   bazel/fuzz.sh --coverage [TARGET...]   prints what of each decoder the corpus reaches
# The corpus of NAME_fuzz_test is corpus/NAME beside it, its dictionary NAME.dict.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "fuzz.sh: $1" >&2; exit 1; }

mode=fuzz seconds=60
case ${1:-} in
  --minimize | --coverage) mode=${1#--}; shift ;;
  [0-9]*) seconds=$1; shift ;;
esac
targets=("$@")
if [[ ${#targets[@]} -eq 0 ]]; then
  mapfile -t targets < <(bazel query --noshow_progress 'attr(tags, "\bfuzz\b", tests(//...))' 2>/dev/null)
fi
[[ ${#targets[@]} -gt 0 ]] || fail "no cc_fuzz_test"
config=fuzz
[[ $mode != coverage ]] || config=fuzz-coverage
bazel build --config="$config" --build_tag_filters= "${targets[@]}"
bin=$(bazel info --config="$config" bazel-bin 2>/dev/null)

room() { local target=${1#//}; echo "${target%%:*}"; }
name() { basename "${1##*[:/]}" _fuzz_test; }
corpus() { echo "$(room "$1")/corpus/$(name "$1")"; }
found() { echo "/var/tmp/sasd-fuzz/$(name "$1")"; }
program() { echo "$bin/$(room "$1")/${1##*[:/]}"; }

# One target; a line about it.
fuzz() {
  local target=$1 place dictionary options=()
  place=$(found "$target") dictionary=$(room "$target")/$(name "$target").dict
  mkdir -p "$place/inputs"
  [[ ! -e $dictionary ]] || options+=("-dict=$dictionary")
  if "$(program "$target")" -max_total_time="$seconds" -max_len=2048 -timeout=20 -rss_limit_mb=2048 \
    -artifact_prefix="$place/" -print_final_stats=1 "${options[@]}" \
    "$place/inputs" "$(corpus "$target")" >"$place/log" 2>&1; then
    echo "passed $target: $(awk '/number_of_executed_units/ { runs = $2 }
        / cov: / { cov = $4 } /new_units_added/ { new = $2 }
        END { print runs " runs, " cov " edges, " new " new inputs" }' "$place/log")"
  else
    tail -n 60 "$place/log"
    echo "FAILED $target: the input is in $place"
  fi
}

minimize() {
  local target
  for target in "${targets[@]}"; do
    mkdir -p "$(corpus "$target")" "$(found "$target")/inputs"
    "$(program "$target")" -set_cover_merge=1 -use_counters=0 -max_len=600 "$(corpus "$target")" \
      "$(found "$target")/inputs" >"$(found "$target")/log" 2>&1 || fail "$target; see its log"
    echo "$(corpus "$target"): $(find "$(corpus "$target")" -type f | wc -l) files"
  done
}

coverage() {
  local target profiles
  profiles=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$profiles'" EXIT
  for target in "${targets[@]}"; do
    find "$(corpus "$target")" -type f -print0 |
      LLVM_PROFILE_FILE=$profiles/raw xargs -0 "$(program "$target")" >/dev/null 2>&1 ||
      fail "$target fails on its corpus"
    llvm-profdata-14 merge -o "$profiles/$(name "$target")" "$profiles/raw"
    llvm-cov-14 export -summary-only "$(program "$target")" \
      -instr-profile="$profiles/$(name "$target")" >"$profiles/$(name "$target").json"
  done
  python3 bazel/fuzz_coverage.py tests/fuzz/decoders.txt "$profiles"/*.json
}

case $mode in
  minimize) minimize; exit ;;
  coverage) coverage; exit ;;
esac
export bin seconds
export -f room name corpus found program fuzz
printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} bash -c 'fuzz {}' | tee /var/tmp/sasd-fuzz.log
passed=$(grep -c '^passed ' /var/tmp/sasd-fuzz.log || true)
echo "$passed passed, $((${#targets[@]} - passed)) failed"
[[ $passed -eq ${#targets[@]} ]]
