"""Builds the image of a guest: an uncompressed kernel and an initramfs, from Debian packages only.

The packages are downloaded (never installed) and unpacked in $SASD_CACHE/vm. The image stays there,
under a name made of the packages' versions and of the files of guest/. A second call finds it and
does nothing more. No root is needed. Sources of the formats: the boot protocol of x86
(Documentation/x86/boot.rst) for the kernel, and newc (cpio(5)) for the initramfs.
"""

import fcntl
import glob
import hashlib
import lzma
import os
import shutil
import stat
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))
KERNEL_META_PACKAGE = "linux-image-amd64"
PACKAGES = (
    "busybox-static",
    "kmod",
    "lsscsi",
    "pciutils",
    "sg3-utils",
    "smartmontools",
    "smp-utils",
    "strace",
    "udev",
    # The libraries of these; Libraries names any that are missing.
    "libacl1",
    "libblkid1",
    "libc6",
    "libcap-ng0",
    "libcap2",
    "libgcc-s1",
    "libgcrypt20",
    "libgpg-error0",
    "libkmod2",
    "liblz4-1",
    "liblzma5",
    "libpci3",
    "libpcre2-8-0",
    "libselinux1",
    "libsgutils2-1.46-2",
    "libssl3",
    "libstdc++6",
    "libsystemd0",
    "libudev1",
    "libunwind8",
    "libzstd1",
    "pci.ids",
    "zlib1g",
)
ANY_ARCHITECTURE = ("pci.ids",)
# Kernel modules; their dependencies come with them.
MODULES = (
    *("mpt3sas", "mptsas", "sd_mod", "ses", "sg", "virtio_console", "virtio_pci"),
    *("uio_pci_generic", "vfio_iommu_type1", "vfio_pci"),
    *("crc32c_generic", "ext4", "virtio_blk"),  # the disk of debian.py
)
PROGRAMS = (
    "bin/kmod",
    "bin/udevadm",
    "lib/udev/scsi_id",
    "usr/bin/lspci",
    "usr/bin/lsscsi",
    "usr/bin/sg_*",
    "usr/bin/smp_*",
    "usr/bin/strace",
    "usr/sbin/smartctl",
)
GUEST_FILES = ("agent", "collect", "init", "io_check", "vm-agent.service")
UDEV_RULES = ("50-udev-default.rules",)


class ImageError(Exception):
    """The image cannot be built here. The text gives the reason in one line."""


@dataclass(frozen=True)
class Image:
    kernel: str  # an uncompressed ELF file
    initramfs: str
    kernel_release: str


def build(cache=None):
    """Returns the Image. Builds it if the cache lacks it."""
    root = os.path.join(cache or default_cache(), "vm")
    os.makedirs(root, exist_ok=True)
    with open(os.path.join(root, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = os.path.join(root, "newest")
        state = state_of_apt() + " " + source_digest()
        folder = read_stamp(stamp, state)
        if folder is None:
            versions = candidate_versions()
            folder = os.path.join(root, name_of(versions))
            if not os.path.exists(folder):
                make(versions, root, folder)
            write(stamp, f"{state_of_apt()} {source_digest()}\n{folder}\n".encode())
        os.utime(folder)
        return image_in(folder)


def default_cache():
    """As bazel/env.sh has it."""
    if os.environ.get("SASD_CACHE"):
        return os.environ["SASD_CACHE"]
    return "/var/cache/sasd" if os.geteuid() == 0 else os.path.expanduser("~/.cache/sasd")


def image_in(folder):
    with open(os.path.join(folder, "release"), encoding="ascii") as release:
        return Image(
            kernel=os.path.join(folder, "vmlinux"),
            initramfs=os.path.join(folder, "initramfs"),
            kernel_release=release.read().strip(),
        )


def name_of(versions):
    """A name made of the packages' versions and of our files for the guest."""
    text = repr(sorted(versions.items())) + source_digest()
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def source_digest():
    digest = hashlib.sha256()
    for path in [__file__] + [os.path.join(HERE, "guest", name) for name in GUEST_FILES]:
        with open(path, "rb") as source:
            digest.update(source.read())
    return digest.hexdigest()


def state_of_apt():
    """A text that changes when apt may know other versions. To ask apt itself takes seconds."""
    paths = ("/var/lib/apt/lists", "/etc/apt", "/etc/apt/sources.list.d")
    return ",".join(str(os.stat(p).st_mtime_ns) for p in paths if os.path.exists(p))


def read_stamp(stamp, state):
    """The image's folder, if it was built from this state and still exists."""
    try:
        with open(stamp, encoding="utf-8") as lines:
            made_from, folder = lines.read().split("\n")[:2]
    except (OSError, ValueError):
        return None
    return folder if made_from == state and os.path.exists(folder) else None


# Packages. ----------------------------------------------------------------------------------------


def run(*command, **options):
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False, **options
        )
    except FileNotFoundError as error:
        raise missing(command[0]) from error
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no output").splitlines()[-1]
        raise ImageError(f"{command[0]} {command[1]} failed: {last}")
    return done.stdout


def missing(program):
    return ImageError(f"{program} is missing; bazel/setup.sh vm installs it")


def candidate_versions():
    """Package -> version that apt would install, including the kernel's image package."""
    versions = policy(KERNEL_META_PACKAGE, *PACKAGES)
    if len(versions) <= len(PACKAGES) and os.geteuid() == 0:
        run("apt-get", "update")  # apt has no package lists yet
        versions = policy(KERNEL_META_PACKAGE, *PACKAGES)
    missing = {KERNEL_META_PACKAGE, *PACKAGES} - set(versions)
    if missing:
        raise ImageError(f"apt knows no package {min(missing)}: run apt-get update as root")
    depends = run("apt-cache", "depends", KERNEL_META_PACKAGE)
    kernels = [w for w in depends.split() if w.startswith("linux-image-6.")]
    if not kernels:
        raise ImageError(f"{KERNEL_META_PACKAGE} depends on no linux-image-6.*")
    del versions[KERNEL_META_PACKAGE]
    return {**versions, **policy(kernels[0])}


def policy(*packages):
    versions, package = {}, None
    for line in run("apt-cache", "policy", *packages).splitlines():
        if line and not line.startswith(" "):
            package = line.rstrip(":").split(":")[0]
        elif line.strip().startswith("Candidate:") and "(none)" not in line:
            versions[package] = line.split()[1]
    return versions


def make(versions, root, folder):
    """Builds the image in a temporary folder and renames it, so that it is always complete."""
    work = tempfile.mkdtemp(dir=root, prefix="making.")
    try:
        tree = os.path.join(work, "tree")
        download_and_unpack(versions, os.path.join(root, "packages"), tree)
        kernel = next(p for p in versions if p.startswith("linux-image-"))
        release = kernel[len("linux-image-") :]
        out = os.path.join(work, "out")
        os.mkdir(out)
        with open(os.path.join(tree, "boot", "vmlinuz-" + release), "rb") as packed:
            write(os.path.join(out, "vmlinux"), extract_vmlinux(packed.read()))
        write(os.path.join(out, "initramfs"), make_initramfs(tree, release))
        write(os.path.join(out, "release"), release.encode())
        os.rename(out, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for other in os.scandir(root):  # removes images unused for a week
        unused = time.time() - other.stat().st_mtime > 7 * 24 * 3600
        if unused and other.is_dir() and other.name != "packages":
            shutil.rmtree(other.path, ignore_errors=True)


def download_and_unpack(versions, store, tree):
    os.makedirs(store, exist_ok=True)
    files = {}
    for package, version in versions.items():
        architecture = "all" if package in ANY_ARCHITECTURE else "amd64"
        name = f"{package}_{version.replace(':', '%3a')}_{architecture}.deb"
        files[package] = os.path.join(store, name)
    for old in os.listdir(store):
        if os.path.join(store, old) not in files.values():
            os.unlink(os.path.join(store, old))
    wanted = [f"{p}={versions[p]}" for p, path in files.items() if not os.path.exists(path)]
    if wanted:
        run("apt-get", "download", *wanted, cwd=store)
    for package, path in files.items():
        if not os.path.exists(path):
            raise ImageError(f"apt-get download gave no {os.path.basename(path)} for {package}")
        run("dpkg-deb", "-x", path, tree)


def write(path, data):
    with open(path, "wb") as out:
        out.write(data)


# The kernel. --------------------------------------------------------------------------------------


def extract_vmlinux(image):
    """The ELF file within a bzImage that was packed with xz (boot protocol 2.08: payload)."""
    if image[0x202:0x206] != b"HdrS":
        raise ImageError("the kernel is not a bzImage: no HdrS at 0x202")
    setup_sectors = image[0x1F1] or 4
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    payload = image[start : start + length]
    if payload[:6] == b"\xfd7zXZ\0":
        vmlinux = lzma.LZMADecompressor(lzma.FORMAT_XZ).decompress(payload)
    elif payload[:4] == b"\x28\xb5\x2f\xfd":
        # The last four bytes are the unpacked size, not zstd's.
        try:
            done = subprocess.run(["zstd", "-dc"], input=payload[:-4], capture_output=True, check=True)
        except FileNotFoundError as error:
            raise missing("zstd") from error
        vmlinux = done.stdout
    else:
        raise ImageError(f"the kernel is packed in an unknown format: {payload[:6].hex()}")
    if vmlinux[:4] != b"\x7fELF":
        raise ImageError("the bzImage does not contain an ELF file")
    return vmlinux


# The initramfs. -----------------------------------------------------------------------------------


class Cpio:
    """An archive in newc format. Paths are relative to the root. Adds folders as needed."""

    def __init__(self):
        self.data = bytearray()
        self.inode = 0
        self.seen = set()

    def add(self, path, mode, data=b"", device=(0, 0)):
        if path in self.seen:
            return
        folder = os.path.dirname(path)
        if folder:
            self.add(folder, stat.S_IFDIR | 0o755)
        self.seen.add(path)
        self.inode += 1
        name = path.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        fields = (self.inode, mode, 0, 0, links, 0, len(data), 0, 0, *device, len(name), 0)
        self.data += b"070701" + b"".join(b"%08X" % field for field in fields) + name
        self.pad()
        self.data += data
        self.pad()

    def pad(self):
        self.data += bytes(-len(self.data) % 4)

    def finish(self):
        self.add("TRAILER!!!", 0)
        return bytes(self.data)


def make_initramfs(tree, release):
    cpio = Cpio()
    for folder in ("dev", "proc", "sys", "run", "tmp", "root", "etc/udev", "var/lib/smartmontools"):
        cpio.add(folder, stat.S_IFDIR | 0o755)
    cpio.add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    cpio.add("dev/null", stat.S_IFCHR | 0o666, device=(1, 3))
    for name in GUEST_FILES:
        with open(os.path.join(HERE, "guest", name), "rb") as source:
            cpio.add(name, stat.S_IFREG | 0o755, source.read())
    add_programs(cpio, tree)
    add_file(cpio, os.path.join(tree, "usr/share/misc/pci.ids"), "usr/share/misc/pci.ids")
    add_udev(cpio, tree)
    add_modules(cpio, tree, release)
    return cpio.finish()


def add_file(cpio, path, at=None):
    with open(path, "rb") as source:
        mode = stat.S_IFREG | stat.S_IMODE(os.stat(path).st_mode)
        cpio.add(at, mode, source.read())


def add_programs(cpio, tree):
    """Busybox, the programs, and the libraries they need, in a tree with merged /usr."""
    for link in ("bin", "sbin", "lib", "lib64", "usr/sbin"):
        target = {"usr/sbin": "bin", "lib64": "usr/lib64", "lib": "usr/lib"}.get(link, "usr/bin")
        cpio.add(link, stat.S_IFLNK | 0o777, target.encode())
    paths = find(tree, ("bin/busybox",) + PROGRAMS)
    libraries = Libraries(tree)
    for path in paths:
        libraries.need(path)
    for path in paths:
        name = os.path.basename(path)
        relative = os.path.relpath(path, tree)
        if relative.startswith("lib/"):
            add_file(cpio, path, "usr/" + relative)
        else:
            add_file(cpio, path, "usr/bin/" + name)
    for name in ("modprobe", "rmmod", "insmod", "lsmod", "depmod"):
        cpio.add("usr/bin/" + name, stat.S_IFLNK | 0o777, b"kmod")
    for applet in run(os.path.join(tree, "bin/busybox"), "--list").split():
        cpio.add("usr/bin/" + applet, stat.S_IFLNK | 0o777, b"busybox")
    cpio.add("usr/lib/systemd/systemd-udevd", stat.S_IFLNK | 0o777, b"/usr/bin/udevadm")
    loader = "ld-linux-x86-64.so.2"
    add_file(cpio, inside(tree, "lib64/" + loader), "usr/lib64/" + loader)
    for soname, path in sorted(libraries.found.items()):
        add_file(cpio, path, "usr/lib/x86_64-linux-gnu/" + soname)


def find(tree, patterns):
    paths = []
    for pattern in patterns:
        matched = sorted(glob.glob(os.path.join(tree, pattern)))
        if not matched:
            raise ImageError(f"no {pattern} in the packages")
        paths += matched
    return paths


def inside(tree, path):
    """Resolves links as if the tree were the root."""
    full = os.path.join(tree, path)
    while os.path.islink(full):
        target = os.readlink(full)
        absolute = target.startswith("/")
        full = tree + target if absolute else os.path.join(os.path.dirname(full), target)
    return full


class Libraries:
    """The shared libraries that programs need, found in the tree."""

    FOLDERS = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu")

    def __init__(self, tree):
        self.tree = tree
        self.found = {}

    def need(self, path):
        for soname in needed(path):
            if soname in self.found or soname.startswith("ld-linux"):
                continue
            self.found[soname] = self.locate(soname, path)
            self.need(self.found[soname])

    def locate(self, soname, user):
        for folder in self.FOLDERS:
            path = inside(self.tree, os.path.join(folder, soname))
            if os.path.exists(path):
                return path
        raise ImageError(f"{os.path.basename(user)} needs {soname}: name its package in image.py")


def needed(path):
    """The DT_NEEDED entries of an ELF64 file (System V ABI, dynamic section); none if static."""
    with open(path, "rb") as source:
        elf = source.read()
    if elf[:5] != b"\x7fELF\x02":
        return []
    (offset,) = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    headers = [struct.unpack_from("<IIQQQQ", elf, offset + i * size) for i in range(count)]
    dynamic = next((h for h in headers if h[0] == 2), None)
    if dynamic is None:
        return []
    entries = list(struct.iter_unpack("<QQ", elf[dynamic[2] : dynamic[2] + dynamic[5]]))
    strings = next(value for tag, value in entries if tag == 5)
    base = next(h[2] + strings - h[3] for h in headers if h[0] == 1 and 0 <= strings - h[3] < h[5])
    names = [base + value for tag, value in entries if tag == 1]
    return [elf[at : elf.index(b"\0", at)].decode() for at in names]


def add_udev(cpio, tree):
    for rules in UDEV_RULES:
        path = os.path.join(tree, "lib/udev/rules.d", rules)
        add_file(cpio, path, "usr/lib/udev/rules.d/" + rules)
    cpio.add("etc/passwd", stat.S_IFREG | 0o644, b"root:x:0:0:root:/root:/bin/sh\n")
    groups = "root tty disk lp dialout kmem input video audio render sgx kvm cdrom tape".split()
    lines = "".join(f"{name}:x:{number}:\n" for number, name in enumerate(groups))
    cpio.add("etc/group", stat.S_IFREG | 0o644, lines.encode())


def add_modules(cpio, tree, release):
    base = os.path.join(tree, "lib/modules", release)
    paths = {}
    for folder, _, files in os.walk(os.path.join(base, "kernel")):
        for name in files:
            if name.endswith(".ko"):
                paths[name[:-3].replace("-", "_")] = os.path.join(folder, name)
    staging = tempfile.mkdtemp(dir=os.path.dirname(tree))
    target = os.path.join(staging, "lib/modules", release)
    todo, done = list(MODULES), set()
    while todo:
        module = todo.pop()
        if module in done:
            continue
        if module not in paths:
            raise ImageError(f"the kernel has no module {module}")
        done.add(module)
        to = os.path.join(target, os.path.relpath(paths[module], base))
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copy(paths[module], to)
        todo += depends_of(to)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        shutil.copy(os.path.join(base, name), target)
    run("/sbin/depmod", "-b", staging, release)
    for folder, _, files in os.walk(target):
        for name in sorted(files):
            path = os.path.join(folder, name)
            add_file(cpio, path, "usr/" + os.path.relpath(path, staging))


def depends_of(module):
    """The modules that a .ko file names in its .modinfo."""
    with open(module, "rb") as source:
        data = source.read()
    at = data.find(b"\0depends=") + 1
    if at == 0:
        return []
    names = data[at + len("depends=") : data.index(b"\0", at)].decode()
    return [name.replace("-", "_") for name in names.split(",") if name]


if __name__ == "__main__":
    print(build())
