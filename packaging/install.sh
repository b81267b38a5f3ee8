#!/bin/bash
# Installs sasd, sasctl and what makes them a service: [DESTDIR=DIR] packaging/install.sh [BIN]
#
# BIN is the folder that Bazel built daemon/sasd and cli/sasctl in (bazel-bin). With DESTDIR the files go
# below it and nothing else is done; without it users, rules and units are made known, and a sasd that runs is
# left as it is. May be run again.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
bin=$(cd "${1:-$top/bazel-bin}" 2>/dev/null && pwd) || bin=${1:-$top/bazel-bin}
destdir=${DESTDIR:-}
units=$top/packaging/systemd

die() {
  echo "install.sh: $*" >&2
  exit 1
}

for program in daemon/sasd cli/sasctl; do
  [[ -x $bin/$program ]] || die "no $bin/$program: bazel build //daemon:sasd //cli:sasctl"
done
[[ -n $destdir || $(id -u) -eq 0 ]] || die "not root: sudo, or set DESTDIR"

put() {
  install -D -m "$1" "$2" "$destdir$3"
}

put 0755 "$bin/daemon/sasd" /usr/sbin/sasd
put 0755 "$bin/cli/sasctl" /usr/bin/sasctl
put 0644 "$units/sasd.service" /usr/lib/systemd/system/sasd.service
put 0644 "$units/sysusers.conf" /usr/lib/sysusers.d/sasd.conf
put 0644 "$units/60-sasd.rules" /usr/lib/udev/rules.d/60-sasd.rules
put 0644 "$units/modprobe.conf" /usr/lib/modprobe.d/sasd.conf
[[ -e $destdir/etc/default/sasd ]] || put 0644 "$units/default" /etc/default/sasd

scripts=$(mktemp -d)
trap 'rm -rf "$scripts"' EXIT
"$bin/cli/sasctl" completion bash >"$scripts/bash"
"$bin/cli/sasctl" completion zsh >"$scripts/zsh"
put 0644 "$scripts/bash" /usr/share/bash-completion/completions/sasctl
put 0644 "$scripts/zsh" /usr/share/zsh/vendor-completions/_sasctl

[[ -z $destdir ]] || exit 0
systemd-sysusers sasd.conf
if [[ -e /run/udev/control ]]; then
  udevadm control --reload
  udevadm trigger --settle --subsystem-match=misc
fi
[[ ! -d /run/systemd/system ]] || systemctl daemon-reload
echo "installed; now: systemctl enable --now sasd, or systemctl restart sasd"
