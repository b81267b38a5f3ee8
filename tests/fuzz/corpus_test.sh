#!/bin/bash
# Tests bazel/pack_corpus.sh, and a cc_fuzz_test without a corpus or a crash input.
set -euo pipefail
pack=bazel/pack_corpus.sh replay=tests/fuzz/replay_fuzz_test testdata=tests/fuzz/testdata
cd "$TEST_SRCDIR/$TEST_WORKSPACE"
work=$TEST_TMPDIR

fail() { echo "FAILED: $1" >&2; exit 1; }

# The same inputs, written in another order, at another time, with other modes.
mkdir "$work/one" "$work/other"
for name in b a; do echo "$name" >"$work/one/$name"; done
for name in a b; do echo "$name" >"$work/other/$name"; done
touch -d 2001-01-01 "$work/other/a"
chmod 600 "$work/other/b"
"$pack" "$work/one" "$work/one.tar.gz"
"$pack" "$work/other" "$work/other.tar.gz"
cmp "$work/one.tar.gz" "$work/other.tar.gz" || fail "equal inputs give equal archives"
[[ $(tar -tzf "$work/one.tar.gz") == $'a\nb' ]] || fail "an archive has the names of its inputs"
echo c >"$work/other/b"
"$pack" "$work/other" "$work/other.tar.gz"
! cmp -s "$work/one.tar.gz" "$work/other.tar.gz" || fail "another input gives another archive"

mkdir "$work/empty"
! "$pack" "$work/empty" "$work/empty.tar.gz" 2>"$work/log" || fail "an empty folder is packed"
[[ ! -e $work/empty.tar.gz ]] || fail "an empty folder leaves an archive"

# refused FOLDER CRASH TEXT: the replay fails and prints TEXT.
refused() {
  ! "$replay" 1 "$1" "$2" >"$work/log" 2>&1 || fail "a replay of $1 and $2 passed"
  grep -q "$3" "$work/log" || fail "the error about $1 and $2 lacks \"$3\": $(cat "$work/log")"
}
refused "$work/empty" "$testdata/crash" "no input in the corpus"
refused "$work/none" "$testdata/crash" "no input in the corpus"
refused "$testdata" "$work/none" "cannot read"

# replay_fuzz_test fails unless it sees an input of each kind.
mkdir "$work/corpus"
cp "$testdata/member" "$work/corpus"
refused "$work/corpus" "$testdata/member" "a crash input is replayed"
mv "$work/corpus/member" "$work/member"
cp "$testdata/crash" "$work/corpus"
refused "$work/corpus" "$testdata/crash" "a member of the archive is replayed"
output=$("$replay" 1 "$work/corpus" "$work/member")
[[ $output == "replayed 1 corpus inputs and 1 crash inputs" ]] || fail "the line about the inputs: $output"
