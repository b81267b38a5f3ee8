#!/bin/bash
# Checks that the next build works after an upgrade of Debian's packages: bazel/upgrade_test.sh DIR
#
# In DIR, which must not exist, it makes a fresh Debian 12 without the security updates, copies this
# commit there, and runs `./run --once`. Then it adds the security updates, runs `apt-get upgrade`,
# which must bring a new linux-libc-dev, and runs `./run --once` again. Needs root, debootstrap and
# the network; takes two cold builds, and 6 GB. By hand only: no other test runs it.
set -euo pipefail
cd "$(dirname "$0")/.."

die() {
  echo "upgrade_test.sh: $*" >&2
  exit 1
}

root=${1:-}
[[ -n $root && ! -e $root ]] || die "name a folder that does not exist"
[[ $(id -u) -eq 0 ]] || die "not root"
command -v debootstrap >/dev/null || die "debootstrap is missing: apt-get install debootstrap"
mirror=http://deb.debian.org

inside() {
  env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive chroot "$root" /bin/bash -euc "$1" </dev/null
}

finish() {
  inside 'cd /root/sasd && bazel shutdown' >/dev/null 2>&1 || true
  umount "$root/proc" 2>/dev/null || true
}
trap finish EXIT

# Prints the version of linux-libc-dev.
headers() { inside "dpkg-query -W -f '\${Version}' linux-libc-dev"; }

debootstrap --variant=minbase bookworm "$root" $mirror/debian
mount -t proc proc "$root/proc"
# Options of this machine for its mirrors and proxies.
find /etc/apt/apt.conf.d -type f -exec grep -l '^Acquire' {} + |
  xargs -r cp -t "$root/etc/apt/apt.conf.d" || true
git -c safe.directory='*' archive --prefix=root/sasd/ HEAD | tar -x -C "$root"

inside 'cd /root/sasd && ./run --once' || die "the first ./run --once failed"
before=$(headers)
echo "deb $mirror/debian-security bookworm-security main" >>"$root/etc/apt/sources.list"
inside 'apt-get -q update && apt-get -q -y upgrade'
after=$(headers)
[[ $before != "$after" ]] || die "no new linux-libc-dev: it is still $before"
inside 'cd /root/sasd && ./run --once' || die "./run --once failed after the upgrade"
echo "passed: ./run --once with linux-libc-dev $before and $after"
