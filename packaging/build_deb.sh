#!/bin/bash
# Makes the Debian packages; see --help.
set -euo pipefail

die() {
  echo "build_deb.sh: $*" >&2
  exit 1
}

usage() {
  cat <<'USAGE'
usage: packaging/build_deb.sh [--no-build] [--bin DIR] [--version VERSION] [OUT]

Make the packages sasd, sasctl, sas-virtual-hba and sasd-dev in the folder OUT (by default "."),
without the network. Two builds of one commit have equal bytes.

  --no-build   Pack the programs that are built already
  --bin DIR    The folder of the built programs; by default bazel-bin of this tree
  --version V  The packages' version; by default that of rpc/version.h

$SOURCE_DATE_EPOCH is the time of all files; by default that of the commit. Debian's debhelper
packs: bazel/setup.sh package.
USAGE
}

top=$(cd "$(dirname "$0")/.." && pwd)
build=true bin='' out='' version=''
while (($#)); do
  case $1 in
    --no-build) build=false ;;
    --bin) bin=${2:?build_deb.sh: --bin needs a folder}; shift ;;
    --version) version=${2:?build_deb.sh: --version needs a version}; shift ;;
    -h | --help) usage; exit 0 ;;
    -*) die "unknown option \"$1\"; see build_deb.sh --help" ;;
    *) [[ -z $out ]] || die "too many arguments; see build_deb.sh --help"; out=$1 ;;
  esac
  shift
done
out=${out:-.}
mkdir -p "$out"
out=$(cd "$out" && pwd)
command -v dh >/dev/null || die "no debhelper; install it: bazel/setup.sh package"

if $build; then
  read -ra bazel <<<"${SASD_BAZEL:-bazel}"
  (cd "$top" && "${bazel[@]}" build //packaging:programs)
fi
bin=$(cd "${bin:-$top/bazel-bin}" && pwd) || die "no folder with built programs"
protos=$bin/proto/sas/v1
for file in daemon/sasd daemon/hba/sasd-hba cli/sasctl emulator/qemu/sashba proto/sas/v1/sas_v1.binpb; do
  [[ -e $bin/$file ]] || die "no $bin/$file; build it: bazel build //packaging:programs"
done

released=$(sed -n 's/.*kVersion\[\] = "\(.*\)".*/\1/p' "$top/rpc/version.h")
version=${version:-$released}
[[ $version =~ ^[0-9][0-9A-Za-z.+~]*$ ]] || die "\"$version\" is no version of a package"
if [[ -z ${SOURCE_DATE_EPOCH:-} ]]; then
  SOURCE_DATE_EPOCH=$(git -C "$top" -c safe.directory='*' log -1 --format=%ct 2>/dev/null) ||
    SOURCE_DATE_EPOCH=$(stat -c %Y "$top/rpc/version.h")
fi
export SOURCE_DATE_EPOCH LC_ALL=C.UTF-8 TZ=UTC
umask 022

work=$(mktemp -d -t sasd-deb.XXXXXX)
trap 'rm -rf "$work"' EXIT
stage=$work/stage
cp -RL "$top/packaging/debian" "$work/debian"
# Bazel's files are read-only.
chmod -R u+w "$work/debian"
cat >"$work/debian/changelog" <<CHANGELOG
sasd ($version) bookworm; urgency=medium

  * What is new is in /usr/share/doc/sasd/changelog.gz.

 -- The sasd maintainers <maintainers@sasd.invalid>  $(date -R -d "@$SOURCE_DATE_EPOCH")
CHANGELOG

put() {
  install -D -m "$1" -t "$stage$2" "${@:3}"
}
DESTDIR=$stage "$top/packaging/install.sh" "$bin"
put 0644 /usr/share/sas-virtual-hba/fabrics "$top"/emulator/fabrics/*.textproto
put 0644 /usr/share/sas-virtual-hba "$top/emulator/fabric/fabric.proto"
put 0644 /usr/share/sasd/proto/sas/v1 "$top"/proto/sas/v1/*.proto
put 0644 /usr/share/sasd "$protos/sas_v1.binpb"
put 0644 /usr/share/sasd/prometheus "$top"/packaging/prometheus/*
put 0644 /usr/lib/python3/dist-packages/sas/v1 "$protos"/*_pb2*.py
mkdir "$work/examples"
install -m 0644 -t "$work/examples" "$top"/packaging/examples/*
cp -L "$top/CHANGELOG.md" "$work/CHANGELOG.md"
mkdir "$work/docs"
install -m 0644 -t "$work/docs" "$top"/docs/*.md "$top"/docs/*.cast
install -m 0644 "$top/docs/api/README.md" "$work/docs/api.md"

if ! (cd "$work" && debian/rules binary) >"$work/log" 2>&1; then
  cat "$work/log" >&2
  die "debhelper failed"
fi
mv "$work"/debs/*.deb "$out/"
