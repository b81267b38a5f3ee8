#!/bin/bash
# Fetches buf and buildifier from npm (bazel/npm: exact versions with checksums) unless they are
# there, and prints the folder of the two programs: $SASD_CACHE/npm/bin.
#
# It takes the packages that contain the programs; @bufbuild/buf only launches them through node.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=bazel/env.sh
. bazel/env.sh

case $(uname -m) in
  x86_64) buf=x64 buildifier=amd64 ;;
  aarch64) buf=aarch64 buildifier=arm64 ;;
  *) echo "npm_tools.sh: no buf for $(uname -m)" >&2; exit 1 ;;
esac

folder=$SASD_CACHE/npm-$(sha256sum <bazel/npm/package-lock.json | cut -c1-16)
if [[ ! -x $folder/bin/buf ]]; then
  mkdir -p "$SASD_CACHE"
  work=$(mktemp -d "$folder.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  cp bazel/npm/package.json bazel/npm/package-lock.json "$work/"
  if ! (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 \
    --fetch-timeout=60000 >npm.log 2>&1 </dev/null); then
    echo "npm_tools.sh: npm ci failed: $(grep -m 1 -E '^npm (ERR!|error)' "$work/npm.log")" >&2
    exit 1
  fi
  mkdir "$work/bin"
  mv "$work/node_modules/@bufbuild/buf-linux-$buf/bin/buf" "$work/bin/buf"
  mv "$work/node_modules/@bazel/buildifier/buildifier-linux_$buildifier" "$work/bin/buildifier"
  rm -rf "$work/node_modules" "$folder"
  chmod 755 "$work"
  mv "$work" "$folder"
fi
ln -sfn "$(basename "$folder")" "$SASD_CACHE/npm"
echo "$SASD_CACHE/npm/bin"
