#!/bin/bash
# Installs the missing Debian packages of groups in bazel/packages.txt: bazel/setup.sh [GROUP...],
# by default the group build. Takes no time when all are installed.
set -euo pipefail

die() {
  echo "setup.sh: $*" >&2
  exit 1
}

groups=("${@:-build}")
list=$(dirname "$0")/packages.txt
packages=()
for group in "${groups[@]}"; do
  grep -q "^$group " "$list" || die "no group \"$group\" in $list"
  while read -r in package program; do
    if [[ $in == "$group" && ! -x ${program:-/nonexistent} ]]; then packages+=("$package"); fi
  done <"$list"
done

id=$(. /etc/os-release 2>/dev/null && echo "${ID:-unknown} ${VERSION_ID:-}") || id=unknown
[[ $id == "debian 12" ]] || die "needs Debian 12 (bookworm); this is $id"
[[ -e /proc/self/status ]] || die "needs /proc: mount -t proc proc /proc"

present=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null |
  awk '$1 == "installed" { print $2 }') || true
missing=()
for package in "${packages[@]}"; do
  [[ $'\n'$present$'\n' == *$'\n'"$package"$'\n'* ]] || missing+=("$package")
done
[[ ${#missing[@]} -gt 0 ]] || exit 0

[[ $(id -u) -eq 0 ]] || die "not root, and these packages are missing: ${missing[*]}"

echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
if ! apt-get update >"$log" 2>&1 || grep -q '^W: Failed to fetch' "$log"; then
  reason=$(grep -m 1 -E '^(Err|E|W):' "$log" || true)
  die "apt-get update failed (no network?): $reason"
fi
unknown=()
for package in "${missing[@]}"; do
  candidate=$(apt-cache policy "$package" | awk '$1 == "Candidate:" { print $2 }')
  [[ -n $candidate && $candidate != "(none)" ]] || unknown+=("$package")
done
[[ ${#unknown[@]} -eq 0 ]] ||
  die "not in the configured archives (is bookworm main in /etc/apt/sources.list?): ${unknown[*]}"
if ! apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1 </dev/null; then
  tail -n 20 "$log" >&2
  die "apt-get install failed: $(grep -m 1 '^E:' "$log" || true)"
fi
