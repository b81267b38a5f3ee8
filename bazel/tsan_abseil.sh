#!/bin/bash
# Builds the Abseil that --config=tsan links: Debian's source package, with -fsanitize=thread.
#
# Debian's own library is not instrumented, so ThreadSanitizer does not see the order that its
# mutexes enforce. The result is one static library outside the tree, made once per version:
#   $SASD_CACHE/abseil-tsan-VERSION/lib/libabsl.a   ($SASD_CACHE/abseil-tsan points at it)
set -euo pipefail
# shellcheck source=bazel/env.sh
. "$(dirname "$0")/env.sh"

link=$SASD_CACHE/abseil-tsan
compiler=clang++-14
flags=(-std=c++17 -O1 -g1 -fno-omit-frame-pointer -fPIE -fsanitize=thread -w -I.)

die() {
  echo "tsan_abseil.sh: $*" >&2
  exit 1
}

# The source must have the version of the installed headers.
# shellcheck disable=SC2016
version=$(dpkg-query -W -f '${source:Version}' libabsl-dev 2>/dev/null) ||
  die "libabsl-dev is not installed: run bazel/setup.sh test"
final=$link-${version//[^A-Za-z0-9.+]/_}

if [[ ! -e $final/lib/libabsl.a ]]; then
  command -v $compiler >/dev/null || die "$compiler is missing: run bazel/setup.sh test"
  mkdir -p "$(dirname "$link")" 2>/dev/null ||
    die "cannot create $(dirname "$link"): set SASD_CACHE to a writable place"
  work=$(mktemp -d "$final.XXXXXX")
  trap 'rm -rf "$work"' EXIT

  # Use separate lists, so that the machine's configuration does not change: deb-src lines made from
  # the deb lines of Debian's main.
  mkdir -p "$work/lists/partial" "$work/src" "$work/obj" "$work/out/lib"
  apt-get indextargets --format '$(SIGNED_BY)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)' \
    'Created-By: Packages' | sort -u |
    awk -F'|' '$3 ~ /^bookworm/ && $4 == "main" {
      print "deb-src " ($1 !~ /^\// ? "" : "[signed-by=" $1 "] ") $2 " " $3 " " $4 }' \
      >"$work/sources.list"
  [[ -s $work/sources.list ]] || die "no apt source for bookworm main: run apt-get update"
  apt=(apt-get -qq -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$work/lists" -o APT::Sandbox::User=root)
  "${apt[@]}" update >&2 || die "cannot read the package lists (no network?)"
  (cd "$work/src" && "${apt[@]}" source "abseil=$version" >/dev/null) ||
    die "cannot download the source of abseil $version (no network?)"

  echo "Building Abseil $version with ThreadSanitizer..."
  cd "$work/src"/abseil-*/
  # Everything except tests and their helpers.
  find absl -name '*.cc' ! -name '*_test*' ! -name '*test_*' ! -name '*benchmark*' \
    ! -name '*_mock*' ! -path '*/testing/*' ! -name 'print_hash_of.cc' \
    ! -name 'gaussian_distribution_gentables.cc' ! -name '*scoped_set_env*' -print |
    xargs -P "$(nproc)" -I{} sh -c \
      'out="$0/$(echo "{}" | tr / _).o"; exec "$@" -c "{}" -o "$out"' "$work/obj" \
      $compiler "${flags[@]}" || die "Abseil does not compile"
  ar rcs "$work/out/lib/libabsl.a" "$work"/obj/*.o
  cp -r debian/copyright "$work/out/"
  rm -rf "$final"
  mv "$work/out" "$final"
fi
ln -sfn "$(basename "$final")" "$link"
