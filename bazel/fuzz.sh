#!/bin/bash
# Fuzzes targets, two at a time. The default is every cc_fuzz_test.
#   bazel/fuzz.sh [SECONDS [TARGET...]]    fuzzes each target for SECONDS (60)
#   bazel/fuzz.sh --minimize [TARGET...]   adds found inputs that reach new code to the archives
#   bazel/fuzz.sh --coverage [TARGET...]   prints the share of each decoder that the inputs reach
#   bazel/fuzz.sh --unpack [TARGET...]     unpacks archives, so that inputs can be edited
#   bazel/fuzz.sh --pack [TARGET...]       packs the unpacked inputs into the archives
# NAME_fuzz_test has its corpus in corpus/NAME.tar.gz beside it, inputs that once failed in
# crashes/NAME/, and its dictionary in NAME.dict. Working files are in /var/tmp/sasd-fuzz/NAME:
#   corpus/   the unpacked archive; all commands but --pack unpack it again
#   inputs/   inputs that fuzzing found; the next run starts from them, too
#   crash-*   (oom-*, timeout-*) inputs that fail
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { echo "fuzz.sh: $1" >&2; exit 1; }

mode=fuzz seconds=60
case ${1:-} in
  --minimize | --coverage | --unpack | --pack) mode=${1#--}; shift ;;
  [0-9]*) seconds=$1; shift ;;
  -*) fail "unknown option \"$1\"; see the head of bazel/fuzz.sh" ;;
esac
targets=("$@")
if [[ ${#targets[@]} -eq 0 ]]; then
  mapfile -t targets < <(bazel query --noshow_progress 'attr(tags, "\bfuzz\b", tests(//...))' 2>/dev/null)
fi
[[ ${#targets[@]} -gt 0 ]] || fail "no cc_fuzz_test"

room() { local target=${1#//}; echo "${target%%:*}"; }
name() { basename "${1##*[:/]}" _fuzz_test; }
archive() { echo "$(room "$1")/corpus/$(name "$1").tar.gz"; }
crashes() { echo "$(room "$1")/crashes/$(name "$1")"; }
place() { echo "/var/tmp/sasd-fuzz/$(name "$1")"; }
program() { echo "$bin/$(room "$1")/${1##*[:/]}"; }
count() { find "$1" -type f | wc -l; }

# Unpacks a target's corpus, and sets `inputs` to the folders with all its inputs.
unpack() {
  local corpus
  corpus=$(place "$1")/corpus
  inputs=("$corpus")
  [[ ! -d $(crashes "$1") ]] || inputs+=("$(crashes "$1")")
  rm -rf "$corpus"
  mkdir -p "$corpus"
  tar --extract --gzip --file="$(archive "$1")" --directory="$corpus"
}

pack() {
  bazel/pack_corpus.sh "$(place "$1")/corpus" "$(archive "$1")"
  echo "$(archive "$1"): $(count "$(place "$1")/corpus") inputs"
}

# Fuzzes one target and prints a line about it.
fuzz() {
  local target=$1 place dictionary inputs options=()
  place=$(place "$target") dictionary=$(room "$target")/$(name "$target").dict
  mkdir -p "$place/inputs"
  unpack "$target" || { echo "FAILED $target: its corpus cannot be unpacked"; return; }
  [[ ! -e $dictionary ]] || options+=("-dict=$dictionary")
  if "$(program "$target")" -max_total_time="$seconds" -max_len=2048 -timeout=20 -rss_limit_mb=2048 \
    -artifact_prefix="$place/" -print_final_stats=1 "${options[@]}" \
    "$place/inputs" "${inputs[@]}" >"$place/log" 2>&1; then
    echo "passed $target: $(awk '/number_of_executed_units/ { runs = $2 }
        / cov: / { cov = $4 } /new_units_added/ { new = $2 }
        END { print runs " runs, " cov " edges, " new " new inputs" }' "$place/log")"
  else
    tail -n 60 "$place/log"
    echo "FAILED $target: the input is in $place"
  fi
}

minimize() {
  local target inputs place
  for target in "${targets[@]}"; do
    place=$(place "$target")
    mkdir -p "$place/inputs"
    unpack "$target"
    "$(program "$target")" -set_cover_merge=1 -use_counters=0 -max_len=600 "$place/corpus" \
      "$place/inputs" >"$place/log" 2>&1 || fail "$target failed; see $place/log"
    pack "$target"
  done
}

coverage() {
  local target inputs profiles
  profiles=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$profiles'" EXIT
  for target in "${targets[@]}"; do
    unpack "$target"
    find "${inputs[@]}" -type f -print0 |
      LLVM_PROFILE_FILE=$profiles/raw xargs -0 "$(program "$target")" >/dev/null 2>&1 ||
      fail "$target fails on its corpus"
    llvm-profdata-14 merge -o "$profiles/$(name "$target")" "$profiles/raw"
    llvm-cov-14 export -summary-only "$(program "$target")" \
      -instr-profile="$profiles/$(name "$target")" >"$profiles/$(name "$target").json"
  done
  python3 bazel/fuzz_coverage.py tests/fuzz/decoders.txt "$profiles"/*.json
}

case $mode in
  unpack)
    for target in "${targets[@]}"; do
      unpack "$target"
      echo "$(place "$target")/corpus: $(count "$(place "$target")/corpus") inputs"
    done
    exit
    ;;
  pack)
    for target in "${targets[@]}"; do pack "$target"; done
    exit
    ;;
esac

config=fuzz
[[ $mode != coverage ]] || config=fuzz-coverage
bazel build --config="$config" --build_tag_filters= "${targets[@]}"
bin=$(bazel info --config="$config" bazel-bin 2>/dev/null)
case $mode in
  minimize) minimize; exit ;;
  coverage) coverage; exit ;;
esac
export bin seconds
export -f room name archive crashes place program unpack fuzz
printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} bash -c 'fuzz {}' | tee /var/tmp/sasd-fuzz.log
passed=$(grep -c '^passed ' /var/tmp/sasd-fuzz.log || true)
echo "$passed passed, $((${#targets[@]} - passed)) failed"
[[ $passed -eq ${#targets[@]} ]]
