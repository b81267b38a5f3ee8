#!/bin/bash
# Fuzzes with libFuzzer: bazel/fuzz.sh [SECONDS_EACH [TARGET...]], by default 60 s for every
# cc_fuzz_test. New inputs and crashes land in /var/tmp/sasd-fuzz/TARGET; copy what is worth keeping
# to the corpus beside the test.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
targets=("$@")
if [[ ${#targets[@]} -eq 0 ]]; then
  mapfile -t targets < <(bazel query --noshow_progress 'attr(tags, "\bfuzz\b", tests(//...))' 2>/dev/null)
fi
[[ ${#targets[@]} -gt 0 ]] || { echo "fuzz.sh: no cc_fuzz_test" >&2; exit 1; }
bazel build --config=fuzz "${targets[@]}"

failed=0
for target in "${targets[@]}"; do
  binary=$(bazel info --config=fuzz bazel-bin 2>/dev/null)/${target#//}
  binary=${binary//://}
  corpus=/var/tmp/sasd-fuzz/$(echo "${target#//}" | tr /: __)
  mkdir -p "$corpus/inputs"
  # The committed corpus, as Bazel lays it out beside the binary.
  mapfile -t seeds < <(bazel query --noshow_progress "labels(data, $target)" 2>/dev/null | sed 's|^//||; s|:|/|')
  [[ ${#seeds[@]} -eq 0 ]] || cp --update "${seeds[@]}" "$corpus/inputs/"
  echo "== $target"
  "$binary" -max_total_time="$seconds" -artifact_prefix="$corpus/" -print_final_stats=1 \
    "$corpus/inputs" || failed=1
done
exit $failed
