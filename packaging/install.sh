#!/bin/bash
# Installs sasd and sasctl as a service; see --help.
set -euo pipefail

die() {
  echo "install.sh: $*" >&2
  exit 1
}

usage() {
  cat <<'USAGE'
usage: [DESTDIR=DIR] packaging/install.sh [--help] [BIN]

Install sasd, sasd-hba, sasctl, completions, man pages, and the files of the systemd service. Run it as root. It is safe
to run again: it keeps /etc/sasd/sasd.toml and /etc/default/sasd, and it does not restart a running
sasd.

  BIN       The folder with daemon/sasd, daemon/hba/sasd-hba and cli/sasctl; by default bazel-bin of this tree. If it has
            emulator/qemu/sashba, that is installed too
  DESTDIR   Copy the files below this folder, and do nothing else: for a package or an image.
            Without it, install.sh also creates the users and reloads udev and systemd
USAGE
}

case ${1:-} in
  -h | --help) usage; exit 0 ;;
  -*) die "unknown option \"$1\"; see install.sh --help" ;;
esac
(($# <= 1)) || die "too many arguments; see install.sh --help"

top=$(cd "$(dirname "$0")/.." && pwd)
bin=$(cd "${1:-$top/bazel-bin}" 2>/dev/null && pwd) || bin=${1:-$top/bazel-bin}
destdir=${DESTDIR:-}
units=$top/packaging/systemd

for program in daemon/sasd daemon/hba/sasd-hba cli/sasctl; do
  [[ -x $bin/$program ]] ||
    die "no $bin/$program; build it: bazel build //daemon:sasd //daemon/hba:sasd-hba //cli:sasctl"
done
[[ -n $destdir || $(id -u) -eq 0 ]] || die "not root; use sudo, or set DESTDIR"

put() {
  install -D -m "$1" "$2" "$destdir$3"
}

put 0755 "$bin/daemon/sasd" /usr/sbin/sasd
put 0755 "$bin/daemon/hba/sasd-hba" /usr/sbin/sasd-hba
put 0755 "$bin/cli/sasctl" /usr/bin/sasctl
[[ ! -x $bin/emulator/qemu/sashba ]] || put 0755 "$bin/emulator/qemu/sashba" /usr/bin/sashba
put 0644 "$units/sasd.service" /usr/lib/systemd/system/sasd.service
put 0644 "$units/sasd.socket" /usr/lib/systemd/system/sasd.socket
put 0644 "$units/sasd-hba@.service" /usr/lib/systemd/system/sasd-hba@.service
put 0644 "$units/pci.conf" /usr/share/sasd/pci.conf
put 0644 "$units/sysusers.conf" /usr/lib/sysusers.d/sasd.conf
put 0644 "$units/60-sasd.rules" /usr/lib/udev/rules.d/60-sasd.rules
put 0644 "$units/modprobe.conf" /usr/lib/modprobe.d/sasd.conf
[[ -e $destdir/etc/sasd/sasd.toml ]] || put 0644 "$top/packaging/sasd.toml" /etc/sasd/sasd.toml
[[ -e $destdir/etc/default/sasd ]] || put 0644 "$units/default" /etc/default/sasd

scripts=$(mktemp -d)
trap 'rm -rf "$scripts"' EXIT
"$bin/cli/sasctl" completion bash >"$scripts/bash"
"$bin/cli/sasctl" completion zsh >"$scripts/zsh"
"$bin/cli/sasctl" completion fish >"$scripts/fish"
put 0644 "$scripts/bash" /usr/share/bash-completion/completions/sasctl
put 0644 "$scripts/zsh" /usr/share/zsh/vendor-completions/_sasctl
put 0644 "$scripts/fish" /usr/share/fish/vendor_completions.d/sasctl.fish
# The page of a program that is not there is left out.
/usr/bin/python3 "$top/packaging/man/make_man.py" --bin "$bin" "$scripts/man" 2>/dev/null
for page in "$scripts"/man/*; do
  put 0644 "$page" "/usr/share/man/man${page##*.}/${page##*/}"
done

[[ -z $destdir ]] || exit 0
systemd-sysusers sasd.conf
if [[ -e /run/udev/control ]]; then
  udevadm control --reload
  udevadm trigger --settle --subsystem-match=misc
fi
[[ ! -d /run/systemd/system ]] || systemctl daemon-reload
echo "installed; start it: systemctl enable --now sasd (an update: systemctl restart sasd)"
