#!/bin/bash
# Tags a release; see --help.
set -euo pipefail

die() {
  echo "release.sh: $*" >&2
  exit 1
}

usage() {
  cat <<'USAGE'
usage: bazel/release.sh [--dry-run] [--no-test] VERSION

Make the release VERSION (X.Y.Z) of the commit that is checked out:
  1. check that the tree is clean, that rpc/version.h has VERSION, that CHANGELOG.md begins with
     "## Unreleased (VERSION)", and that VERSION is newer than every tag;
  2. check that daemon/journal/testdata has a journal of this version's schema, which later
     releases must open; if not, write it there and stop, so that it can be committed;
  3. run ./test;
  4. date the heading in CHANGELOG.md, make this API the baseline of `buf breaking`, commit both,
     and make the annotated tag vVERSION with the section of CHANGELOG.md.
It pushes nothing.

  --dry-run   Make the checks of steps 1 and 2, print what would follow, and change nothing
  --no-test   Leave out step 3

$SASD_BAZEL replaces `bazel`.
USAGE
}

dry=false tests=true version=''
while (($#)); do
  case $1 in
    --dry-run) dry=true ;;
    --no-test) tests=false ;;
    -h | --help) usage; exit 0 ;;
    -*) die "unknown option \"$1\"; see release.sh --help" ;;
    *) [[ -z $version ]] || die "too many arguments; see release.sh --help"; version=$1 ;;
  esac
  shift
done
[[ -n $version ]] || die "no version; see release.sh --help"
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || die "\"$version\" is no version like 1.2.3"
cd "$(dirname "$0")/.."
tag=v$version
read -ra bazel <<<"${SASD_BAZEL:-bazel}"

# 1. What a release is made of.
dirty=$(git status --porcelain)
[[ -z $dirty ]] || die "the tree is not clean:"$'\n'"$dirty"
git symbolic-ref -q HEAD >/dev/null || die "no branch is checked out"
stated=$(sed -n 's/.*kVersion\[\] = "\(.*\)".*/\1/p' rpc/version.h)
[[ $stated == "$version" ]] || die "rpc/version.h has $stated instead of $version"
newest=$(git tag --list 'v*' | sed 's/^v//' | sort -V | tail -n 1)
[[ $version != "$newest" ]] || die "the tag $tag is there already"
[[ $(printf '%s\n' "$newest" "$version" | sort -V | tail -n 1) == "$version" ]] ||
  die "$version is older than the tag v$newest"
heading="## Unreleased ($version)"
first=$(grep -m 1 '^## ' CHANGELOG.md || true)
[[ $first == "$heading" ]] || die "CHANGELOG.md begins with \"$first\" instead of \"$heading\""
# The text below the first heading, up to the next one.
notes=$(awk '/^## / { if (seen++) exit; next } seen' CHANGELOG.md)
[[ $notes =~ [^[:space:]] ]] || die "CHANGELOG.md says nothing about $version"

# 2. A journal as this version writes it.
work=$(mktemp -d -t sasd-release.XXXXXX)
trap 'rm -rf "$work"' EXIT
"${bazel[@]}" run //daemon/journal:write_release_journal -- "$work" >"$work/log" 2>&1 ||
  { cat "$work/log" >&2; die "write_release_journal failed"; }
schema=$(/usr/bin/python3 -c '
import sqlite3, sys
print(sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version").fetchone()[0])' "$work/journal.db")
kept=daemon/journal/testdata/$schema
if [[ ! -e $kept/journal.db || ! -e $kept/state.db ]]; then
  $dry || install -D -m 0644 -t "$kept" "$work/journal.db" "$work/state.db"
  die "no journal of schema $schema in $kept; $($dry && echo "release.sh writes it" ||
    echo "it is written now"): name it in daemon/journal/BUILD and in journal_release_test.cc, and commit"
fi
grep -q "testdata/$schema/journal.db" daemon/journal/BUILD ||
  die "daemon/journal/BUILD does not name $kept: no test opens it"

day=$(date -u +%Y-%m-%d)
if $dry; then
  echo "release.sh: would$($tests && echo " run ./test,") date the heading \"## $version ($day)\"," \
    "renew proto/baseline.binpb, commit, and tag $tag:"
  echo "$notes"
  exit 0
fi

# 3.
! $tests || ./test || die "./test failed"

# 4.
sed -i "0,/^## .*/s//## $version ($day)/" CHANGELOG.md
bazel/lint.sh --accept-api
git add CHANGELOG.md proto/baseline.binpb
git commit -q -m "release: Version $version"
# The notes have lines that begin with "#".
printf 'sasd %s\n\n%s\n' "$version" "$notes" | git tag -a --cleanup=verbatim -F - "$tag"
echo "release.sh: tagged $tag; publish it: git push --follow-tags. Then raise rpc/version.h and" \
  "begin \"## Unreleased\" in CHANGELOG.md"
