#!/bin/bash
# Checks the style of the tree: bazel/lint.sh [--fix [PATH...] | --accept-api]
#
#   (nothing)      clang-format, buildifier, layers of includes, functions named in
#                  docs/architecture.md, columns of Markdown, buf lint, buf breaking
#   --fix          format sources and BUILD files in place instead: all, or those under PATH
#   --accept-api   make the current API the baseline of `buf breaking`, proto/baseline.binpb: on a
#                  release, or to break the API on purpose
#
# buf and buildifier come from npm (bazel/npm_tools.sh). Without the npm registry lint.sh skips them
# and prints so; with SASD_REQUIRE_NPM=1 it fails instead.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=bazel/env.sh
. bazel/env.sh

mode=${1:-check}
shift || true
case $mode in
  check | --fix | --accept-api) ;;
  *) echo "lint.sh: unknown option \"$mode\"" >&2; exit 2 ;;
esac
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

fail() {
  echo "lint: $*" >&2
  failed=1
}

# Prints the paths of files that match the patterns: tracked and new ones, not ignored ones.
files() {
  if git -c safe.directory='*' rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git -c safe.directory='*' ls-files --cached --others --exclude-standard -- "$@" |
      while read -r file; do if [[ -f $file ]]; then echo "$file"; fi; done
  else
    local pattern
    for pattern in "$@"; do
      find . -name "${pattern##*/}" -type f ! -path './bazel-*' ! -path '*/node_modules/*' -printf '%P\n'
    done
  fi
}

# Keeps the lines of stdin that are under one of the given paths; all lines if there is none.
under() {
  local file path
  while read -r file; do
    (($#)) || echo "$file"
    for path; do [[ $file/ == "${path%/}"/* ]] && echo "$file"; done
  done
}

mapfile -t sources < <(files {driver,emulator,rpc,daemon,cli,tests,bazel}/'*.'{h,cc} | under "$@")
mapfile -t builds < <(files WORKSPACE BUILD '*/BUILD' '*.bzl' '*/WORKSPACE' | under "$@")

if [[ $mode == --fix && ${#sources[@]} -gt 0 ]]; then
  clang-format-14 -i "${sources[@]}"
elif [[ $mode == check ]]; then
  if ! clang-format-14 --dry-run -Werror "${sources[@]}" 2>"$log"; then
    sed -n 's/^\([^:]*\):.*code should be clang-formatted.*/\1: not formatted/p' "$log" | sort -u >&2
    fail "clang-format: bazel/lint.sh --fix"
  fi
  bazel/check_layers || fail "layers"
  # Tables and the output of programs may be wider.
  if files '*.md' | xargs -d '\n' awk 'FNR == 1 { text = 0 } /^```/ { text = /^```text/ }
      length > 100 && !/^\|/ && !text { print FILENAME ":" FNR; wide = 1 }
      END { exit wide }' >&2; then :; else fail "Markdown has at most 100 columns"; fi
  bazel/check_journey || fail "docs/architecture.md names functions that are not there"
fi

if ! tools=$(bazel/npm_tools.sh); then
  echo "lint: SKIPPED buf and buildifier: could not be fetched from npm" >&2
  [[ -z ${SASD_REQUIRE_NPM:-} ]] || failed=1
  exit $failed
fi

case $mode in
  --fix)
    ((${#builds[@]} == 0)) ||
      "$tools/buildifier" --lint=fix --warnings=-native-sh-test,-native-sh-binary "${builds[@]}"
    ;;
  --accept-api)
    "$tools/buf" build proto --exclude-source-info -o proto/baseline.binpb
    ;;
  check)
    "$tools/buildifier" --mode=check --lint=warn --warnings=-native-sh-test,-native-sh-binary \
      "${builds[@]}" ||
      fail "buildifier: bazel/lint.sh --fix"
    "$tools/buf" lint proto || fail "buf lint"
    if [[ -e proto/baseline.binpb ]]; then
      "$tools/buf" breaking proto --against proto/baseline.binpb ||
        fail "buf breaking: keep clients working, or bazel/lint.sh --accept-api"
    else
      echo "lint: no proto/baseline.binpb yet: nothing for buf breaking to compare with"
    fi
    ;;
esac
exit $failed
