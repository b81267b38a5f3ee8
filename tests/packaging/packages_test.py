"""The Debian packages: built twice, checked by lintian, and lived through in a bare Debian 12."""

import glob
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.join(os.environ["TEST_SRCDIR"], "sasd")
BUILD_DEB = os.path.join(ROOT, "packaging", "build_deb.sh")
EPOCH = "1767225600"
OLD = "0.0.9"
TIMEOUT_S = 900
# A bare Debian 12 with the downloaded dependencies, kept between runs.
CACHE = "/var/cache/sasd"
MIRROR = "http://deb.debian.org/debian"
SASCTL_KB = 8000


def run(*command, check=True, **options):
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, **options
    )
    if check and done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def needs(*programs):
    for name in programs:
        if shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
            raise unittest.SkipTest(f"{name} is not installed: bazel/setup.sh long")


def build(out, *options):
    run(
        BUILD_DEB, "--no-build", "--bin", ROOT, *options, out,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SOURCE_DATE_EPOCH": EPOCH},
    )  # fmt: skip
    return sorted(glob.glob(os.path.join(out, "*.deb")))


def field(deb, name):
    return run("dpkg-deb", "-f", deb, name).stdout.strip()


class PackagesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        needs("dh", "dpkg-deb", "dpkg-shlibdeps")
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        begin = time.monotonic()
        cls.debs = build(os.path.join(cls.folder.name, "new"))
        print(f"a build takes {time.monotonic() - begin:.1f} s")
        cls.old = build(os.path.join(cls.folder.name, "old"), "--version", OLD)

    def deb(self, name):
        return next(d for d in self.debs if os.path.basename(d).startswith(name + "_"))

    def test_there_are_four_packages(self):
        names = [os.path.basename(deb).split("_")[0] for deb in self.debs]
        self.assertEqual(names, ["sas-virtual-hba", "sasctl", "sasd-dev", "sasd"])

    def test_two_builds_give_equal_bytes(self):
        again = build(os.path.join(self.folder.name, "again"))
        for one, other in zip(self.debs, again):
            sums = []
            for path in (one, other):
                with open(path, "rb") as file:
                    sums.append(hashlib.sha256(file.read()).hexdigest())
            self.assertEqual(sums[0], sums[1], one)

    def test_lintian_finds_nothing(self):
        needs("lintian")
        done = run(
            "lintian", "--allow-root", "--display-info", "--pedantic", "--display-experimental",
            *self.debs, check=False,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)

    def test_sasctl_is_small(self):
        size = int(field(self.deb("sasctl"), "Installed-Size"))
        print(f"sasctl takes {size} kB installed")
        self.assertLess(size, SASCTL_KB)

    def test_programs_are_stripped_and_have_a_build_id(self):
        for package, path in (
            ("sasd", "usr/sbin/sasd"),
            ("sasctl", "usr/bin/sasctl"),
            ("sas-virtual-hba", "usr/bin/sashba"),
        ):
            out = os.path.join(self.folder.name, "x-" + package)
            run("dpkg-deb", "-x", self.deb(package), out)
            self.assertIn("Build ID", run("readelf", "-n", os.path.join(out, path)).stdout)
            self.assertNotIn(".symtab", run("readelf", "-SW", os.path.join(out, path)).stdout)

    def bare(self):
        """The archive of a bare Debian 12 that can install our dependencies offline."""
        needs("mmdebstrap")
        if os.geteuid() != 0:
            self.skipTest("a chroot needs root")
        if run("unshare", "--mount", "--pid", "--fork", "true", check=False).returncode != 0:
            self.skipTest("no namespaces here")
        depends = set()
        for deb in self.debs:
            for one in field(deb, "Depends").split(","):
                name = re.sub(r"\(.*\)|:any", "", one.split("|")[0]).strip()
                if name:
                    depends.add(name)
        depends = sorted(depends)
        key = hashlib.sha256(" ".join(depends).encode()).hexdigest()[:12]
        os.makedirs(CACHE, exist_ok=True)
        archive = os.path.join(CACHE, f"bare-bookworm-{key}.tar")
        if not os.path.exists(archive):
            made = archive + f".{os.getpid()}"
            done = run(
                "mmdebstrap", "--variant=apt", "--skip=cleanup/apt", "--format=tar",
                '--customize-hook=chroot "$1" apt-get install --download-only --yes'
                " --no-install-recommends " + " ".join(depends),
                "bookworm", made, MIRROR,
                check=False, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": "/var/tmp"},
            )  # fmt: skip
            if done.returncode != 0:
                self.skipTest("no bare Debian 12 (no network?): " + done.stderr[-300:])
            os.rename(made, archive)
        return archive

    def test_life_in_a_bare_debian(self):
        self.root = os.path.join(self.folder.name, "root")
        archive = self.bare()
        begin = time.monotonic()
        os.mkdir(self.root)
        run("tar", "-xf", archive, "-C", self.root, "--exclude=./dev/*")
        # The programs' own network: nothing is downloaded.
        shutil.copytree(os.path.dirname(self.debs[0]), os.path.join(self.root, "new"))
        shutil.copytree(os.path.dirname(self.old[0]), os.path.join(self.root, "old"))
        before = self.names()

        with self.subTest("install"):
            self.apt("install /old/sasd_*.deb /old/sasctl_*.deb")
            self.assertEqual(self.version("sasd"), OLD)
            self.inside("id -u sasd && getent group sasd-hba | grep -q sasd")
            self.inside("test -L /etc/systemd/system/multi-user.target.wants/sasd.service")
            self.inside("test -L /etc/systemd/system/sockets.target.wants/sasd.socket")
            self.inside("sasctl --version && sasd --check-config >/dev/null")
            self.inside("test -s /usr/share/man/man1/sasctl.1.gz")
            # Completion by bash itself, of the installed file.
            words = self.inside(
                "bash -c '. /usr/share/bash-completion/completions/sasctl;"
                ' COMP_WORDS=(sasctl hea); COMP_CWORD=1; _sasctl; echo "${COMPREPLY[@]}"\''
            )
            self.assertEqual(words.strip(), "health")
        serial, revision = self.serve_and_pull()
        self.inside("echo 'log-level = \"warning\"' >>/etc/sasd/sasd.toml")

        with self.subTest("upgrade"):
            self.apt("install /new/sasd_*.deb /new/sasctl_*.deb")
            self.assertEqual(self.version("sasd"), field(self.deb("sasd"), "Version"))
            self.inside("tail -n 1 /etc/sasd/sasd.toml | grep -q warning")
            self.assertIn(serial, self.past(revision))

        with self.subTest("remove"):
            self.apt("remove sasd sasctl")
            self.inside("! test -e /usr/sbin/sasd && ! test -e /usr/bin/sasctl")
            self.inside("test -e /var/lib/sasd/journal.db && test -e /etc/sasd/sasd.toml")

        with self.subTest("reinstall"):
            self.apt("install /new/*.deb")
            self.inside("tail -n 1 /etc/sasd/sasd.toml | grep -q warning")
            self.assertIn(serial, self.past(revision))
            self.inside("sashba --version && python3 -c 'import sas.v1.watch_service_pb2_grpc'")

        with self.subTest("purge"):
            self.apt("purge sasd sasctl sas-virtual-hba sasd-dev")
            left = {name for name in self.names() - before if re.search("sas(d|ctl|hba|/v1)", name)}
            self.assertEqual({n for n in left if not n.startswith("var/log/")}, set())
            self.inside("! getent passwd sasd && ! getent group sasd && ! getent group sasd-hba")
        print(f"the life of the packages takes {time.monotonic() - begin:.1f} s")

    def inside(self, script):
        """Runs a script in the chroot, without network, with its own /proc."""
        return run(
            "unshare", "--mount", "--pid", "--fork", "--net", "--kill-child", "bash", "-c",
            'mount -t proc proc "$1/proc" && mount -t tmpfs run "$1/run" &&'
            ' mount --rbind /dev "$1/dev" && mkdir -p "$1/run/sasd" &&'
            ' exec chroot "$1" sh -ec "$2"',
            "bash", self.root, script,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
                 "LC_ALL": "C.UTF-8"},
        ).stdout  # fmt: skip

    def apt(self, words):
        self.inside(f"apt-get --yes --no-install-recommends {words}")

    def version(self, package):
        return self.inside(f"dpkg-query -W -f '${{Version}}' {package}")

    def names(self):
        found = set()
        for folder, folders, files in os.walk(self.root):
            for name in folders + files:
                found.add(os.path.relpath(os.path.join(folder, name), self.root))
        return found

    # As the unit runs it: as user sasd, with the state directory of the service.
    SERVE = """
      install -d -o sasd -g sasd /var/lib/sasd /run/sasd
      setpriv --reuid sasd --regid sasd --clear-groups sasd --fabric demo \
        --state-dir /var/lib/sasd >/tmp/log 2>&1 &
      sasctl --timeout 60s wait --settled >/dev/null || { cat /tmp/log; exit 1; }
    """
    END = "\nkill $!\nwait $! || [ $? = 3 ]\n"

    def serve_and_pull(self):
        """Pulls a drive. Returns its serial, and the newest revision after it."""
        shown = self.inside(
            self.SERVE
            + """
            serial=$(sasctl list drives --no-headers --columns serial | head -n 1)
            address=$(sasctl show "$serial" |
              awk '$1 == "addresses:" { sub(/,.*/, "", $2); print $2 }')
            timeout 20 sasctl watch -n 1 >/dev/null & watch=$!
            daemon=$(pidof sasd)
            sasctl emulator pull "$address"
            until sasctl events | grep -q "$serial"; do sleep 0.05; done
            kill $watch || true
            echo "$serial $(sasctl status | awk '$1 == "revision:" { print $2 }')"
            kill $daemon
            while kill -0 $daemon 2>/dev/null; do sleep 0.05; done
            """
        )
        serial, revision = shown.split()[-2:]
        return serial, revision

    def past(self, revision):
        """What a new run shows of the events up to the revision."""
        return self.inside(
            self.SERVE + f"sasctl events -o jsonl | head -n {int(revision)}" + self.END
        )


if __name__ == "__main__":
    unittest.main()
