"""Builds the disk of a guest that is a Debian 12 with systemd, from Debian packages only, and the packages under test.

Our packages are not on the disk: the guest installs them itself, offline. The disk has an archive of their
dependencies. It stays in $SASD_CACHE/vm, under a name made of the list of packages and of this file. No root is
needed where mmdebstrap can use user namespaces.
"""

import fcntl
import glob
import hashlib
import os
import re
import shutil
import subprocess
import tempfile

from image import ImageError, default_cache, missing

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SUITE, MIRROR = "bookworm", "http://deb.debian.org/debian"
# What an ordinary installation has and a minimal one has not: man, completion, and the tools of the scenarios.
PACKAGES = (
    *("bash-completion", "dbus", "kmod", "man-db", "procps", "systemd", "systemd-sysv", "udev"),
    *("busybox-static", "lsscsi", "sg3-utils", "smartmontools", "smp-utils", "strace"),
)
SIZE = "1200M"
# Runs where "$1" is the new root. The archive is small, so that apt in the guest does not read 60,000 entries.
CUSTOMIZE = r"""
set -e
root=$1
chroot "$root" apt-get install --download-only --yes --no-install-recommends DEPENDS
mkdir "$root/srv/archive" "$root/vm"
mv "$root"/var/cache/apt/archives/*.deb "$root/srv/archive/"
(cd "$root/srv/archive" && dpkg-scanpackages --multiversion . 2>/dev/null >Packages)
rm -rf "$root"/var/lib/apt/lists/* "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/archive ./' >"$root/etc/apt/sources.list"
chroot "$root" apt-get update
chroot "$root" busybox --list | while read -r applet; do ln -s /bin/busybox "$root/vm/$applet"; done
echo 'man-db man-db/auto-update boolean false' | chroot "$root" debconf-set-selections
rm -f "$root/var/lib/man-db/auto-update"
echo vm >"$root/etc/hostname"
echo 5a5d00000000000000000000000005a5 >"$root/etc/machine-id"
echo '/dev/vda / ext4 rw 0 0' >"$root/etc/fstab"
# No work of a first boot, and none after an update.
touch "$root/etc/.updated" "$root/var/.updated"
"""


def lacking():
    """The programs that are not installed here and that the functions below need."""
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    programs = ("dh", "dpkg-scanpackages", "fakeroot", "mke2fs", "mmdebstrap")
    return [name for name in programs if shutil.which(name, path=path) is None]


def run(*command, **options):
    try:
        done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, **options)
    except FileNotFoundError as error:
        raise missing(command[0]) from error
    if done.returncode != 0:
        raise ImageError(f"{command[0]} failed: {(done.stderr.strip() or done.stdout.strip())[-1000:]}")
    return done.stdout


def build_packages(out, *options):
    """Packs the built programs. Returns package -> path of its .deb."""
    run(os.path.join(ROOT, "packaging", "build_deb.sh"), "--no-build", *options, out)
    return {os.path.basename(path).split("_")[0]: path for path in sorted(glob.glob(os.path.join(out, "*.deb")))}


def dependencies(packages):
    """The names of the packages that these .deb files depend on."""
    names = set()
    for path in packages:
        for one in run("dpkg-deb", "-f", path, "Depends").split(","):
            name = re.sub(r"\(.*\)|:any", "", one.split("|")[0]).strip()
            names |= {name} if name else set()
    return sorted(names - {os.path.basename(path).split("_")[0] for path in packages})


def disk(packages, cache=None):
    """The path of a disk on which these packages can be installed. Builds it if the cache lacks it."""
    root = os.path.join(cache or default_cache(), "vm")
    os.makedirs(root, exist_ok=True)
    depends = dependencies(packages)
    digest = hashlib.sha256(" ".join([*depends, SUITE, *PACKAGES, SIZE, CUSTOMIZE]).encode()).hexdigest()[:16]
    with open(os.path.join(root, "lock.debian"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = os.path.join(root, "debian-" + digest)
        if not os.path.exists(folder):
            make(depends, root, folder)
        os.utime(folder)  # image.py removes what was not used for a week
    return os.path.join(folder, "disk")


def make(depends, root, folder):
    """Builds the disk in a temporary folder and renames it, so that it is always complete."""
    work = tempfile.mkdtemp(dir=root, prefix="making.")
    try:
        hook, tar, out = (os.path.join(work, name) for name in ("hook", "tar", "out"))
        with open(hook, "w", encoding="ascii") as script:
            script.write("#!/bin/sh\n" + CUSTOMIZE.replace("DEPENDS", " ".join(depends)))
        os.chmod(hook, 0o755)
        os.chmod(work, 0o755)
        run(
            *("mmdebstrap", "--variant=apt", "--skip=cleanup/apt", "--include=" + ",".join(PACKAGES)),
            *("--format=tar", f"--customize-hook={hook}", SUITE, tar, MIRROR),
            env={**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": "/var/tmp"},
        )
        os.mkdir(out)
        # fakeroot keeps the owners; udev makes the device nodes. Without metadata_csum: fewer modules at the boot.
        script = (
            'mkdir "$1/root" && tar -xf "$2" -C "$1/root" --exclude="./dev/*" &&'
            ' PATH=$PATH:/sbin:/usr/sbin mke2fs -q -t ext4 -O ^metadata_csum -m 0 -d "$1/root" "$1/out/disk" "$3"'
        )
        run("fakeroot", "sh", "-c", script, "sh", work, tar, SIZE)
        os.rename(out, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
