"""sasd as a service: the notify protocol, the unit and the files beside it, the install, how the
programs are built."""

import glob
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import unittest

ROOT = os.path.join(os.environ["TEST_SRCDIR"], "sasd")
SASD = os.path.join(ROOT, "daemon", "sasd")
SASCTL = os.path.join(ROOT, "cli", "sasctl")
HBA = os.path.join(ROOT, "daemon", "hba", "sasd-hba")
PACKAGING = os.path.join(ROOT, "packaging")
SYSTEMD = os.path.join(PACKAGING, "systemd")
TIMEOUT_S = 60
# The highest exposure level of systemd-analyze, times ten, that the unit may have.
WORST_EXPOSURE = 15


def run(*command, **options):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False, **options
    )


def program(name):
    """The path of an optional program. Skips the test without it."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/bin:/usr/sbin:/bin:/sbin")
    if path is None:
        raise unittest.SkipTest(f"{name} is not installed")
    return path


class NotifyTest(unittest.TestCase):
    """The messages that sasd sends to the service manager, at $NOTIFY_SOCKET."""

    def setUp(self):
        # The path of a unix socket must be short.
        self.folder = tempfile.TemporaryDirectory(dir="/tmp")
        self.addCleanup(self.folder.cleanup)
        path = os.path.join(self.folder.name, "notify")
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.bind(path)
        self.manager.settimeout(TIMEOUT_S)
        self.environment = {**os.environ, "NOTIFY_SOCKET": path}
        self.address = "unix:" + os.path.join(self.folder.name, "s")

    def start(self, **environment):
        process = subprocess.Popen(
            [SASD, "--fabric", "demo", "--listen", self.address],
            env={**self.environment, **environment},
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def receive(self):
        """The next message, as a dictionary."""
        lines = self.manager.recv(4096).decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def test_start_reload_and_stop_are_notified(self):
        process = self.start()
        # READY means that sasd answers calls.
        ready = self.receive()
        self.assertEqual(ready["READY"], "1")
        self.assertIn("fabric demo at " + self.address, ready["STATUS"])
        answer = run(SASCTL, "--addr", self.address, "status")
        self.assertEqual(answer.returncode, 0, answer.stderr)

        messages = []
        process.send_signal(signal.SIGHUP)
        while not messages or "READY" not in messages[-1]:
            messages.append(self.receive())
        self.assertIn("1", [m.get("RELOADING") for m in messages[:-1]])

        process.send_signal(signal.SIGTERM)
        message = {}
        while "STOPPING" not in message:
            message = self.receive()
        self.assertEqual(process.wait(timeout=TIMEOUT_S), 0)

    def test_watchdog_messages_keep_coming(self):
        process = self.start(WATCHDOG_USEC="200000")
        kept = 0
        while kept < 3:
            kept += "WATCHDOG" in self.receive()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=TIMEOUT_S), 0)

    def test_sasd_runs_without_a_notify_listener(self):
        process = self.start(NOTIFY_SOCKET="/nowhere/at/all")
        wait = run(
            SASCTL, "--addr", self.address, "wait", "--settled", "--timeout", f"{TIMEOUT_S}s"
        )
        self.assertEqual(wait.returncode, 0, wait.stderr)
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(timeout=TIMEOUT_S), 0)


class UnitTest(unittest.TestCase):
    """Checks the files with the tools of systemd and kmod."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def test_unit_is_valid_and_hardened(self):
        analyze = program("systemd-analyze")
        with open(os.path.join(SYSTEMD, "sasd.service"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn("ExecStart=/usr/sbin/sasd ", text)
        unit = os.path.join(self.folder.name, "sasd.service")
        with open(unit, "w", encoding="utf-8") as file:
            file.write(text.replace("/usr/sbin/sasd", SASD))
        shutil.copy(os.path.join(SYSTEMD, "sasd.socket"), self.folder.name)
        verify = run(analyze, "verify", "--man=no", unit)
        complaints = [line for line in verify.stderr.splitlines() if "sasd" in line]
        self.assertEqual((verify.returncode, complaints), (0, []), verify.stderr)
        security = run(
            analyze, "security", "--no-pager", "--offline=yes",
            f"--threshold={WORST_EXPOSURE}", unit,
        )  # fmt: skip
        lines = security.stdout.strip().splitlines()
        print(lines[-1] if lines else security.stderr)
        self.assertEqual(security.returncode, 0, security.stdout + security.stderr)

    def test_what_drives_hbas_fits_the_unit(self):
        """The drop-in for --pci, and the unit that takes an HBA."""
        analyze = program("systemd-analyze")
        for name in ("sasd.service", "sasd.socket", "sasd-hba@.service", "pci.conf"):
            with open(os.path.join(SYSTEMD, name), encoding="utf-8") as file:
                text = file.read().replace("/usr/sbin/sasd-hba", HBA).replace("/usr/sbin/sasd ", SASD + " ")
            place = os.path.join(self.folder.name, name)
            if name == "pci.conf":
                os.mkdir(os.path.join(self.folder.name, "sasd.service.d"))
                place = os.path.join(self.folder.name, "sasd.service.d", name)
            with open(place, "w", encoding="utf-8") as file:
                file.write(text)
        for unit in ("sasd.service", "sasd-hba@.service"):
            verify = run(analyze, "verify", "--man=no", os.path.join(self.folder.name, unit))
            complaints = [line for line in verify.stderr.splitlines() if "sasd" in line]
            self.assertEqual((verify.returncode, complaints), (0, []), verify.stderr)

    def test_sysusers_creates_user_and_groups(self):
        sysusers = program("systemd-sysusers")
        if os.geteuid() != 0:
            self.skipTest("systemd-sysusers needs root")
        etc = os.path.join(self.folder.name, "etc")
        os.mkdir(etc)
        made = run(
            sysusers, "--root=" + self.folder.name, os.path.join(SYSTEMD, "sysusers.conf")
        )
        self.assertEqual(made.returncode, 0, made.stderr)
        with open(os.path.join(etc, "group"), encoding="utf-8") as file:
            groups = {line.split(":")[0]: line.strip().split(":")[3] for line in file}
        self.assertEqual(groups["sasd-hba"], "sasd")
        self.assertEqual(groups["sasd"], "")
        with open(os.path.join(etc, "passwd"), encoding="utf-8") as file:
            self.assertIn("sasd:x:", file.read())

    def test_modprobe_remove_command_signals_sasd(self):
        """`modprobe -r mpt3sas` runs the command, and a shell can parse it."""
        conf = os.path.join(self.folder.name, "conf")
        os.mkdir(conf)
        shutil.copy(os.path.join(SYSTEMD, "modprobe.conf"), os.path.join(conf, "sasd.conf"))
        shown = run(program("modprobe"), "-C", conf, "--showconfig")
        commands = [c for c in shown.stdout.splitlines() if c.startswith("remove mpt3sas ")]
        self.assertEqual(len(commands), 1, shown.stdout + shown.stderr)
        command = commands[0].split(" ", 2)[2]
        self.assertEqual(run("/bin/sh", "-n", "-c", command).returncode, 0)

        # Runs the command with stand-ins for the programs that it calls.
        log = os.path.join(self.folder.name, "log")
        for name in ("systemctl", "modprobe"):
            stub = os.path.join(self.folder.name, name)
            with open(stub, "w", encoding="utf-8") as file:
                file.write(f'#!/bin/sh\necho "{name} $*" >>{log}\n')
            os.chmod(stub, 0o755)
            for folder in ("/bin/", "/sbin/"):
                command = command.replace(folder + name, stub)
        os.mkdir(os.path.join(self.folder.name, "booted"))
        for booted in ("booted", "nothing"):
            place = os.path.join(self.folder.name, booted)
            self.assertEqual(
                run("/bin/sh", "-c", command.replace("/run/systemd/system", place)).returncode, 0
            )
        with open(log, encoding="utf-8") as file:
            calls = file.read().splitlines()
        remove = "modprobe --remove --ignore-remove --wait=10000 mpt3sas"
        signalled = "systemctl --quiet kill --kill-whom=main --signal=USR1 sasd.service"
        self.assertEqual(calls, [signalled, remove, remove])


class HardeningTest(unittest.TestCase):
    """The programs are built as Debian builds its daemons, and more."""

    PROGRAMS = (SASD, SASCTL, HBA, os.path.join(ROOT, "emulator", "qemu", "sashba"))
    ENDBR64 = b"\xf3\x0f\x1e\xfa"
    STARTFILES = ("Scrt1.o", "crti.o")

    @staticmethod
    def readelf(option, path):
        done = run(program("readelf"), option, "--wide", path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def test_programs_are_position_independent_and_read_only(self):
        for path in self.PROGRAMS:
            dynamic, segments = self.readelf("--dynamic", path), self.readelf("--segments", path)
            self.assertRegex(dynamic, r"FLAGS_1.*\bNOW\b.*\bPIE\b", path)
            self.assertIn("GNU_RELRO", segments, path)
            self.assertRegex(segments, r"GNU_STACK .* RW ", path)
            for line in segments.splitlines():
                self.assertNotRegex(line, r"^ *LOAD .* RWE ", path)

    def test_libc_calls_and_stacks_are_checked(self):
        for path in self.PROGRAMS:
            symbols = self.readelf("--dyn-syms", path)
            if path != HBA:  # the compiler proves the bounds of its few calls
                self.assertTrue(re.search(r"UND __(?!stack)\w+_chk\b", symbols), path)
            self.assertTrue("__stack_chk_fail" in symbols, path)

    def test_functions_begin_with_a_landing_pad(self):
        """-fcf-protection. The mark of the whole program needs one in every object, and Debian 12
        builds libc's own start files without it: then the linker drops it, which is no fault."""
        folder = "/usr/lib/x86_64-linux-gnu"
        marked = all(
            "IBT" in self.readelf("--notes", os.path.join(folder, name))
            for name in self.STARTFILES
            if os.path.exists(os.path.join(folder, name))
        )
        for path in self.PROGRAMS:
            with open(path, "rb") as file:
                pads = file.read().count(self.ENDBR64)
            self.assertGreater(pads, 1000, path)
            if marked:
                self.assertRegex(self.readelf("--notes", path), "IBT, SHSTK", path)


class InstallTest(unittest.TestCase):
    FILES = {
        "usr/sbin/sasd": 0o755,
        "usr/sbin/sasd-hba": 0o755,
        "usr/lib/systemd/system/sasd-hba@.service": 0o644,
        "usr/share/sasd/pci.conf": 0o644,
        "usr/bin/sasctl": 0o755,
        "usr/bin/sashba": 0o755,
        "usr/lib/systemd/system/sasd.service": 0o644,
        "usr/lib/systemd/system/sasd.socket": 0o644,
        "usr/lib/sysusers.d/sasd.conf": 0o644,
        "usr/lib/udev/rules.d/60-sasd.rules": 0o644,
        "usr/lib/modprobe.d/sasd.conf": 0o644,
        "usr/share/bash-completion/completions/sasctl": 0o644,
        "usr/share/zsh/vendor-completions/_sasctl": 0o644,
        "usr/share/fish/vendor_completions.d/sasctl.fish": 0o644,
        "usr/share/man/man1/sasctl.1": 0o644,
        "usr/share/man/man1/sashba.1": 0o644,
        "usr/share/man/man5/sasd.toml.5": 0o644,
        "usr/share/man/man7/sas-events.7": 0o644,
        "usr/share/man/man8/sasd.8": 0o644,
        "usr/share/man/man8/sasd-hba.8": 0o644,
        "etc/default/sasd": 0o644,
        "etc/sasd/sasd.toml": 0o644,
    }

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.destdir = os.path.join(self.folder.name, "with a blank")

    def install(self, binaries=ROOT):
        return run(
            os.path.join(PACKAGING, "install.sh"),
            binaries,
            env={**os.environ, "DESTDIR": self.destdir},
        )

    def installed(self):
        found = {}
        for folder, _, names in os.walk(self.destdir):
            for name in names:
                path = os.path.join(folder, name)
                mode = stat.S_IMODE(os.lstat(path).st_mode)
                found[os.path.relpath(path, self.destdir)] = mode
        return found

    def test_second_install_keeps_the_options(self):
        done = self.install()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.installed(), self.FILES)
        kept = {
            "etc/default/sasd": 'SASD_OPTIONS="--log-level debug"\n',
            "etc/sasd/sasd.toml": 'log-level = "debug"\n',
        }
        for name, text in kept.items():
            with open(os.path.join(self.destdir, name), "w", encoding="utf-8") as file:
                file.write(text)
        done = self.install()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.installed(), self.FILES)
        for name, text in kept.items():
            with open(os.path.join(self.destdir, name), encoding="utf-8") as file:
                self.assertEqual(file.read(), text)
        completion = os.path.join(self.destdir, "usr/share/bash-completion/completions/sasctl")
        self.assertEqual(run("/bin/bash", "-n", completion).returncode, 0)
        with open(completion, encoding="utf-8") as file:
            self.assertIn("sasctl __complete", file.read())
        shipped = os.path.join(PACKAGING, "sasd.toml")
        check = run(SASD, "--check-config", "--config", shipped)
        self.assertEqual(check.returncode, 0, check.stderr)
        self.assertNotIn(shipped, check.stdout)  # as shipped, it sets nothing
        self.check_packages_hold_all_of_it()
        version = run(os.path.join(self.destdir, "usr/sbin/sasd"), "--version")
        self.assertTrue(version.stdout.startswith("sasd "), version.stdout)

    def check_packages_hold_all_of_it(self):
        """Each installed file is in one package, and each packaged one is installed."""
        packed = []
        for path in glob.glob(os.path.join(PACKAGING, "debian", "*.install")) + glob.glob(
            os.path.join(PACKAGING, "debian", "*.manpages")
        ):
            with open(path, encoding="utf-8") as file:
                packed += [line.split()[0][len("stage/") :] for line in file]
        # Folders that packaging/build_deb.sh fills itself.
        packed = [path for path in packed if os.path.splitext(path)[1] or path in self.FILES]
        self.assertEqual(sorted(packed), sorted(set(packed)))
        self.assertLessEqual(set(self.FILES), set(packed))

    def test_install_without_a_build_fails(self):
        done = self.install(binaries=self.folder.name)
        self.assertEqual(done.returncode, 1)
        self.assertIn("bazel build //daemon:sasd //daemon/hba:sasd-hba //cli:sasctl", done.stderr)
        self.assertEqual(self.installed(), {})

    def test_help_installs_nothing(self):
        done = self.install("--help")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("DESTDIR", done.stdout)
        self.assertEqual(self.installed(), {})

    def test_an_unknown_option_is_an_error(self):
        done = self.install("--prefix")
        self.assertEqual(done.returncode, 1)
        self.assertIn('unknown option "--prefix"', done.stderr)
        self.assertEqual(self.installed(), {})


class ManTest(unittest.TestCase):
    """The pages that packaging/man/make_man.py writes."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.folder.cleanup)
        done = run(
            "/usr/bin/python3", os.path.join(PACKAGING, "man", "make_man.py"),
            "--bin", ROOT, "--date", "2026-01-01", cls.folder.name,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        cls.pages = {}
        for name in os.listdir(cls.folder.name):
            with open(os.path.join(cls.folder.name, name), encoding="utf-8") as file:
                # As it is read: without the requests and escapes of groff.
                cls.pages[name] = re.sub(r"\\f[BIR]|\\&", "", file.read()).replace("\\-", "-")

    def assert_has_entries(self, page, names):
        """Each name begins an entry of the page: a heading after .TP."""
        entries = re.findall(r"(?m)^\.TP\n(.*)$", self.pages[page])
        words = {word.strip(" ,") for entry in entries for word in entry.split()}
        self.assertEqual([name for name in names if name not in words], [], page)

    def test_every_option_of_sasd_has_an_entry(self):
        # From the shipped file, which daemon/config compares with its table.
        with open(os.path.join(PACKAGING, "sasd.toml"), encoding="utf-8") as file:
            names = re.findall(r"(?m)^#([a-z][a-z-]*) = ", file.read())
        self.assertGreater(len(names), 20)
        self.assert_has_entries("sasd.toml.5", names)
        self.assert_has_entries("sasd.8", ["--" + name for name in names])

    def test_every_option_and_command_of_sasctl_has_an_entry(self):
        # From the completion, which sasctl reads from its declared commands.
        def complete(*words):
            return run(SASCTL, "__complete", "--", *words).stdout.split()

        commands = complete("")
        self.assertGreater(len(commands), 10)
        for command in commands:
            self.assertRegex(self.pages["sasctl.1"], rf"(?m)^\.SS sasctl {command}\b")
            self.assert_has_entries("sasctl.1", complete(command, "--"))

    def test_every_option_of_sashba_has_an_entry(self):
        shown = run(os.path.join(ROOT, "emulator", "qemu", "sashba"), "--help").stdout
        options = re.findall(r"(?m)^  (?:-\w,)?(--[a-z-]+)", shown)
        self.assertGreater(len(options), 6)
        self.assert_has_entries("sashba.1", options)

    def test_every_command_of_sasd_hba_has_an_entry(self):
        for command in ("take", "give", "status"):
            self.assertRegex(self.pages["sasd-hba.8"], rf"(?m)^\.SS sasd-hba {command}\b")
        self.assert_has_entries("sasd-hba.8", ["--uio", "--version"])

    def test_every_cause_has_an_entry(self):
        shown = " ".join(run(SASCTL, "events", "--help").stdout.split())
        causes = re.search(r"these causes, comma-separated: ([a-z, -]*) --", shown).group(1).split(", ")
        self.assertGreater(len(causes), 5)
        self.assert_has_entries("sas-events.7", causes)

    def test_groff_has_no_warnings(self):
        groff = program("groff")
        for name in self.pages:
            path = os.path.join(self.folder.name, name)
            done = run(groff, "-man", "-Tutf8", "-ww", "-z", path)
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)


class MaintainerScriptsTest(unittest.TestCase):
    SCRIPTS = ("sasd.postinst", "sasd.postrm", "sasd-dev.postinst", "sasd-dev.prerm")

    def test_debhelper_writes_into_them_once(self):
        """debhelper replaces its mark everywhere, also in a comment."""
        for name in self.SCRIPTS:
            path = os.path.join(PACKAGING, "debian", name)
            with open(path, encoding="utf-8") as file:
                text = file.read()
            self.assertEqual(re.findall("(?m)^.*#DEBHELPER#.*$", text), ["#DEBHELPER#"], name)
            self.assertEqual(run("/bin/sh", "-n", path).returncode, 0)


if __name__ == "__main__":
    unittest.main()
