"""The pages of docs with commands, and README.md: each command runs, and prints what the page shows.

tasks_test.py --write FOLDER   writes these pages and the screens of tests/e2e/screens below FOLDER
"""

import fcntl
import json
import os
import pty
import re
import select
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

from sasd import RECORDING, ROOT, SASCTL, SASD, TIMEOUT_S, Sasd

# Each page, and how many blocks of commands it has at least.
PAGES = {"docs/tasks.md": 12, "docs/tutorial.md": 12, "docs/concepts.md": 4, "docs/instead.md": 2}
SCREENS = "tests/e2e/screens"
NODE = "storage1"
# Health has exit codes of its own.
FINE = (0, 1, 2)


def bash(command, address, before="0"):
    """Runs a line of a page, with stderr, as one text."""
    path = os.path.dirname(SASCTL) + ":" + os.environ["PATH"]
    done = subprocess.run(
        ["bash", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        env={**os.environ, "SASD_ADDR": address, "PATH": path, "BEFORE": before},
    )
    return done.returncode, done.stdout.replace(socket.gethostname() + ":", NODE + ":")


def plain(text):
    """Without what differs from run to run."""
    text = re.sub(rf"^{re.escape(socket.gethostname())}$", NODE, text, flags=re.M)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?( or before)?", "<time>", text)
    text = re.sub(r"\br\d+ \d\d:\d\d:\d\d\.\d+", "r# <time>", text)
    text = re.sub(r"(revision:?( between)?) +\d+( and \d+)?", r"\1 #", text)
    text = re.sub(r"uid \d+, pid \d+, role \w+", "uid #, pid #, role #", text)
    return re.sub(r"[ \t]+$", "", text, flags=re.M)


class Page:
    """A page as a list of (what was done before, command, output)."""

    def __init__(self, text):
        self.parts = re.split(r"(^```sh\n.*?^```\n(?:\n```text\n.*?^```\n)?)", text, flags=re.M | re.S)

    def commands(self):
        """Yields index, the comments before, the command and the output; None if it has none."""
        for i in range(1, len(self.parts), 2):
            block = re.match(
                r"```sh\n(.*?)\n```\n(?:\n```text\n(.*?)```\n)?", self.parts[i], re.S
            )
            comments = re.findall(r"^<!-- (.*?) -->$", self.parts[i - 1], re.M)
            yield i, comments, block.group(1), block.group(2)

    def set_output(self, i, command, output):
        shown = f"\n```text\n{output}```\n" if output else ""
        self.parts[i] = f"```sh\n{command}\n```\n{shown}"

    def text(self):
        return "".join(self.parts)


class Nodes:
    """A demo fabric and a recorded machine."""

    def __enter__(self):
        self.demo = Sasd("--fabric", "demo")
        self.recording = Sasd("--sysfs-root", RECORDING)
        self.demo.__enter__()
        self.recording.__enter__()
        self.before = str(revision(self.demo))
        return self

    def __exit__(self, *_):
        self.demo.__exit__()
        self.recording.__exit__()


def revision(sasd):
    return int(re.search(r"revision: +(\d+)", sasd.run("status")).group(1))


def play(page, nodes):
    """Yields index, command, what the page shows and what the command prints."""
    sasd = nodes.demo
    for i, comments, command, shown in page.commands():
        for comment in comments:
            if comment in ("demo", "recording"):
                sasd = getattr(nodes, comment)
            elif comment.startswith("sasctl "):
                sasd.run(*shlex.split(comment)[1:])
                sasd.run("wait", "--settled")
        code, output = bash(command, sasd.address, nodes.before)
        wrong = re.search(r"see sasctl --help|did you mean", output)
        assert code in FINE and not wrong, (command, output)
        yield i, command, shown, output


def screen(address, columns, arguments, colour=False):
    """What a terminal of so many columns gets."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    env = {**os.environ, "SASD_ADDR": address, "TERM": "xterm", "PAGER": "cat"}
    if not colour:
        env["NO_COLOR"] = "1"
    process = subprocess.Popen([SASCTL, *arguments], stdin=side, stdout=side, stderr=side, env=env)
    os.close(side)
    text = read_all(main)
    process.wait(timeout=TIMEOUT_S)
    return plain(text.replace("\r\n", "\n").replace(socket.gethostname() + ":", NODE + ":"))


def read_all(fd):
    text = b""
    while True:
        try:
            part = os.read(fd, 65536)
        except OSError:  # the other end is closed
            part = b""
        if not part:
            os.close(fd)
            return text.decode()
        text += part


MAIN = {
    "summary": [],
    "tree": ["tree"],
    "drives": ["list", "drives"],
    "enclosures": ["list", "enclosures"],
    "health": ["health"],
}


def screens(address, fabric):
    """Yields the name of a file, and the screens of the main commands of a fabric."""
    for columns in (80, 120, 200):
        for colour in (False, True):
            text = ""
            for arguments in MAIN.values():
                lines = screen(address, columns, arguments, colour).splitlines()
                lines[0] = lines[0][: None if colour else columns]  # a sentence may wrap
                shown = lines if len(lines) <= 30 else [*lines[:28], f"({len(lines) - 28} more)"]
                text += "\n".join([" ".join(["$ sasctl", *arguments]), *shown, "", ""])
            yield f"{fabric}-{columns}{'-colour' if colour else ''}.txt", text, columns


# What README's examples stand for on the demo fabric.
PLACEHOLDERS = {"sdb": "ZC100008", "ZA1": "ZC100008", "NAME": "JBOD12", "ID": "jbod2/8"}
# Those that run on and on, or whose output differs from machine to machine and from run to run.
NOT_COMPARED = ("watch", "--addr", "events", "doctor", "completion", "context")


def readme_commands():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        for line in re.findall(r"^sasctl.*", file.read(), re.M):
            yield line, shlex.split(line, comments=True)[1:]


def readme_screen(address):
    """README's commands, one after the other, with the first lines that they print."""
    text = ""
    for _, arguments in readme_commands():
        if arguments[:1] and arguments[0] in NOT_COMPARED:
            continue
        command = " ".join(["sasctl", *arguments])
        for name, meant in PLACEHOLDERS.items():
            command = re.sub(rf"\b{name}\b", meant, command)
        output = plain(bash(command, address)[1]).splitlines()
        shown = output if len(output) <= 12 else [*output[:10], f"({len(output) - 10} more)"]
        text += "\n".join([f"$ {command}", *shown, "", ""])
    return text


class PageTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.nodes = Nodes().__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.nodes.__exit__()

    def test_every_command_prints_what_its_page_shows(self):
        for path, least in PAGES.items():
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                page = Page(file.read())
            count = 0
            with self.subTest(path), Nodes() as nodes:
                for _, command, shown, output in play(page, nodes):
                    self.assertEqual(plain(output), plain(shown or ""), command)
                    count += 1
                self.assertGreaterEqual(count, least)

    def test_every_command_of_a_table_is_accepted(self):
        with open(os.path.join(ROOT, "docs/instead.md"), encoding="utf-8") as file:
            commands = re.findall(r"`(sasctl[^`]*)`", file.read())
        self.assertGreater(len(commands), 20)
        names = {"EXPANDER": "5000ccab0300113f", "HOST": "500605b00ab01230", "OBJECT": "ZA100003",
                 "SERIAL": "ZA100003", "WWN": "5000c500a7b2611c", "sdx": "ZA100003"}  # fmt: skip
        for command in commands:
            line = re.sub(r"\b[A-Zsdx]+\b", lambda word: names.get(word.group(), word.group()), command)
            if line == "sasctl watch":
                line = "sasctl help watch"
            code, output = bash(line, self.nodes.demo.address)
            self.assertTrue(code in FINE and "sasctl: " not in output, (line, output))

    def test_readme_has_no_command_that_sasctl_refuses(self):
        lines = list(readme_commands())
        self.assertGreater(len(lines), 10)
        for line, arguments in lines:
            if arguments[:1] in (["watch"], ["--addr"]):  # follows without an end, or another server
                arguments = ["help", "watch"]
            done = self.nodes.demo.call(*arguments)
            self.assertNotIn("--help", done.stderr, line)
            if arguments[:1] not in (["health"], ["doctor"]):
                self.assertIn(done.returncode, (0, 1), (line, done.stderr))

    def test_commands_of_the_readme_print_what_is_recorded(self):
        with open(os.path.join(ROOT, SCREENS, "readme.txt"), encoding="utf-8") as file:
            recorded = file.read()
        with Sasd("--fabric", "demo") as sasd:
            self.assertEqual(readme_screen(sasd.address), recorded)


class ScreenTest(unittest.TestCase):
    maxDiff = None

    def check(self, fabric):
        with Sasd("--fabric", fabric) as sasd:
            for name, text, columns in screens(sasd.address, fabric):
                with open(os.path.join(ROOT, SCREENS, name), encoding="utf-8") as file:
                    self.assertEqual(text, file.read(), name)
                if "colour" not in name:
                    widest = max(text.splitlines(), key=len)
                    self.assertLessEqual(len(widest), columns, widest)

    def test_demo_fits(self):
        self.check("demo")

    def test_oak_fits(self):
        self.check("oak-816")

    def test_summary_takes_no_longer_than_the_tree(self):
        """The best of some runs in turn, so that a busy machine does not matter."""
        best = {"tree": 1e9, "summary": 1e9}
        with Sasd("--fabric", "oak-816") as sasd:
            for _ in range(7):
                for command in best:
                    begin = time.monotonic()
                    sasd.run(command)
                    best[command] = min(best[command], time.monotonic() - begin)
        self.assertLessEqual(best["summary"], 1.2 * best["tree"], best)


class FailureTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sasd = Sasd("--fabric", "demo").__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.sasd.__exit__()

    def shell(self, command):
        return bash(command, self.sasd.address)

    def test_failed_writes_fail(self):
        code, text = self.shell("sasctl list drives >/dev/full")
        self.assertEqual((code, text), (1, "sasctl: cannot write the output: No space left on device\n"))
        code, text = self.shell("sasctl list drives >&-")
        self.assertEqual((code, text), (1, "sasctl: cannot write the output: Bad file descriptor\n"))
        self.assertEqual(self.shell("sasctl list drives | head -n 1 >/dev/null"), (0, ""))

    def test_watch_ends_if_it_cannot_write(self):
        code, text = self.shell("sasctl watch --snapshot >/dev/full")
        self.assertEqual(code, 1)
        self.assertIn("No space left on device", text)

    def test_list_is_watched(self):
        watch = subprocess.Popen(
            [SASCTL, "--addr", self.sasd.address, "list", "slots", "-f", "occupied=no", "-w",
             "--columns", "slot", "--no-headers"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.assertEqual(watch.stdout.readline(), "  23\n".lstrip())
        self.sasd.run("emulator", "pull", "jbod1-disk05")
        lines = [watch.stdout.readline() for _ in range(3)]
        self.assertEqual([line.strip() for line in lines], ["", "5", "23"])
        watch.terminate()
        watch.communicate()
        self.assertEqual(watch.returncode, 0)
        self.sasd.run("emulator", "insert", "jbod1-disk05")


class RestartTest(unittest.TestCase):
    def test_watch_continues_by_its_token_after_a_restart(self):
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            address = f"unix:{folder}/s"

            def start():
                process = subprocess.Popen(
                    [SASD, "--fabric", "demo", "--state-dir", f"{folder}/state", "--listen", address],
                    stderr=subprocess.DEVNULL,
                )  # fmt: skip
                self.addCleanup(process.wait)
                self.addCleanup(process.kill)
                run("wait", "--settled", "--timeout", f"{TIMEOUT_S}s")
                return process

            def run(*arguments):
                done = subprocess.run(
                    [SASCTL, "--addr", address, *arguments], capture_output=True, text=True, check=False
                )
                self.assertEqual(done.returncode, 0, done.stderr)

            sasd = start()
            watch = subprocess.Popen(
                [SASCTL, "--addr", address, "watch", "--snapshot", "--reconnect", "-o", "jsonl"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            self.addCleanup(watch.stdout.close)
            self.addCleanup(watch.wait)
            self.addCleanup(watch.kill)
            while "synced" not in watch.stdout.readline():
                pass
            sasd.terminate()
            sasd.wait(timeout=TIMEOUT_S)
            start()
            run("emulator", "pull", "jbod1-disk07")
            while True:
                line = watch.stdout.readline()
                self.assertNotIn('{"gap"', line)
                self.assertTrue(line, "the watch has ended")
                if "ZA100007" in line:
                    break


class AliasTest(unittest.TestCase):
    """What operators call things, through a restart and a reload."""

    HOST, JBOD = "hosts/500605b00ab01230", "enclosures/5000ccab03001100"

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(dir="/tmp")
        self.addCleanup(self.folder.cleanup)
        self.address = f"unix:{self.folder.name}/s"
        self.file = f"{self.folder.name}/aliases.toml"
        self.write_file("")

    def write_file(self, text):
        with open(self.file, "w", encoding="utf-8") as file:
            file.write(text)

    def start(self):
        process = subprocess.Popen(
            [SASD, "--fabric", "demo", "--state-dir", f"{self.folder.name}/state",
             "--alias-file", self.file, "--listen", self.address],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.run_it("wait", "--settled", "--timeout", f"{TIMEOUT_S}s")
        return process

    def run_it(self, *arguments, code=0):
        done = subprocess.run(
            [SASCTL, "--addr", self.address, *arguments], capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        return done.stdout + done.stderr

    def complete(self, *words):
        done = subprocess.run(
            [SASCTL, "__complete", "--", "--addr", self.address, *words],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.split()

    def reload(self, sasd, wanted):
        """SIGHUP, until the log says what is wanted."""
        sasd.send_signal(signal.SIGHUP)
        lines = ""
        while wanted not in lines:
            line = sasd.stderr.readline()
            self.assertTrue(line, lines)
            lines += line
        return lines

    def test_aliases_are_shown_taken_and_kept(self):
        sasd = self.start()
        self.run_it("alias", "set", "JBOD24", "rack3-top")
        self.run_it("alias", "set", self.HOST, "rack3-a")
        # Every output.
        self.assertRegex(self.run_it(), "rack3-top +SMC JBOD24")
        self.assertRegex(self.run_it("tree"), r"host-500605b00ab01230 rack3-a SAS9300-8e")
        self.assertIn("rack3-top 5000ccab03001100 SMC JBOD24", self.run_it("tree"))
        self.assertRegex(self.run_it("list", "hosts"), r"500605b00ab01230 +rack3-a")
        self.assertRegex(self.run_it("list", "enclosures"), r"rack3-top .* rack3-a,500605b00ab05670")
        self.assertIn("5000ccab03001100 (rack3-top)", self.run_it("baseline", "show"))
        shown = self.run_it("show", "ZA100003")
        self.assertIn("5000ccab03001100 (rack3-top)", shown)
        self.assertIn("\n  rack3-a ", shown)
        self.assertIn('"alias": "rack3-top"', self.run_it("show", self.JBOD, "-o", "json"))
        self.assertIn('alias="rack3-top"} 1', self.run_it("metrics"))
        # Every lookup and filter.
        for words in (
            ("show", "rack3-top/3"),
            ("impact", "RACK3-TOP"),
            ("tree", "rack3-a"),
            ("history", "rack3-top"),
            ("list", "drives", "-f", "behind=rack3-a"),
            ("list", "slots", "-f", "enclosure=rack3-top"),
            ("list", "hosts", "rack3-a"),
            ("list", "enclosures", "-f", "alias=rack3-*"),
            ("events", "-f", "host=rack3-a", "-n", "1"),
            ("health", "rack3-a"),
        ):
            self.assertNotIn("no ", self.run_it(*words).split("\n")[-1], words)
        self.assertIn("rack3-top/3", self.run_it("impact", "rack3-top"))
        self.run_it("dismiss", "rack3-top", "--reason", "known")
        self.run_it("undismiss", "rack3-top")
        # What happens is told with it; a change is an event, and audited.
        self.run_it("emulator", "pull", "jbod1-disk03")
        self.assertIn("removed from rack3-top/3", self.run_it("events", "-n", "9"))
        self.assertIn("slot 3 of enclosure rack3-top", self.run_it("health", code=2))
        changed = self.run_it("events", "--cause", "control", "-o", "jsonl")
        self.assertIn('"changedFields":"alias"', changed)
        self.assertIn("sas.v1.AliasService/SetAlias", self.run_it("audit"))
        # Collisions.
        self.assertIn("is already the name of", self.run_it("alias", "set", "JBOD12", "ZA100004", code=1))
        self.assertIn("is the alias of", self.run_it("alias", "set", "JBOD12", "rack3-A", code=1))
        # A restart.
        sasd.terminate()
        sasd.wait(timeout=TIMEOUT_S)
        sasd = self.start()
        self.assertRegex(self.run_it(), "rack3-top +SMC JBOD24")
        # The file wins, at a reload; a fault in it changes nothing.
        self.write_file(f'"{self.JBOD}" = "cellar"\n')
        self.reload(sasd, "SIGHUP: rescanning")
        self.assertIn("cellar", self.run_it("list", "enclosures"))
        self.assertIn("not in use: the file of aliases calls it", self.run_it("alias", "list"))
        self.assertIn("change it there", self.run_it("alias", "remove", "cellar", code=1))
        self.write_file(f'"{self.JBOD}" = "two words"\n')
        self.assertIn("aliases.toml:1:1: ", self.reload(sasd, "SIGHUP: rescanning"))
        self.assertIn("cellar", self.run_it("list", "enclosures"))
        # Words of the completion.
        self.assertEqual(self.complete("show", "cel"), ["cellar"])
        self.assertEqual(self.complete("list", "drives", "-f", "enclosure=cel"), ["enclosure=cellar"])
        self.assertIn("rack3-a", self.complete("alias", "remove", ""))
        check = subprocess.run(
            [SASD, "--check-config", "--fabric", "demo", "--alias-file", self.file],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.assertEqual(check.returncode, 2, check.stderr)
        self.assertIn("aliases.toml:1:1: ", check.stderr)


class DocumentTest(unittest.TestCase):
    """What programs get from commands that join several answers."""

    def test_summary_and_impact_are_documents(self):
        with Sasd("--fabric", "demo") as sasd:
            summary = json.loads(sasd.run("summary", "-o", "json"))
            self.assertEqual(summary["drives"], {"present": 36, "expected": 36})
            self.assertEqual([host["gbps"] for host in summary["hosts"]], [48, 60])
            self.assertEqual(summary["enclosures"][0]["freeSlotCount"], 1)
            self.assertIn("node: ", sasd.run("summary", "-o", "yaml"))
            impact = json.loads(sasd.run("impact", "5000ccab0300213f", "-o", "json"))
            self.assertEqual(len(impact["lostDrives"]), 4)
            self.assertEqual(len(impact["reducedDrives"]), 8)
            self.assertEqual(impact["reducedDrives"][0]["lostPathCount"], 1)
            phy = json.loads(sasd.run("impact", "hosts/500605b00ab01230/phys/0", "-o", "jsonl"))
            self.assertEqual(phy["linkLeft"], {"width": 3, "rate": "LINK_RATE_12_GBPS"})


class ShellTest(unittest.TestCase):
    """The completion, in the shells themselves."""

    @classmethod
    def setUpClass(cls):
        cls.sasd = Sasd("--fabric", "demo").__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.sasd.__exit__()

    def type(self, shell, arguments, script, keys, wanted):
        """Types keys into a shell once it is ready, and waits until it shows what is wanted."""
        if not shutil.which(shell):
            self.skipTest(f"no {shell}")
        with tempfile.TemporaryDirectory() as home:
            env = {
                "HOME": home, "TERM": "vt100", "PATH": os.path.dirname(SASCTL) + ":" + os.environ["PATH"],
                "SASD_ADDR": self.sasd.address, "PS1": "$ ", "LC_ALL": "C.UTF-8",
                "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home,
            }  # fmt: skip
            main, side = pty.openpty()
            fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
            process = subprocess.Popen(
                [shell, *arguments], stdin=side, stdout=side, stderr=side, env=env,
                start_new_session=True,
                preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            )  # fmt: skip
            os.close(side)
            try:
                os.write(main, (script + "; echo rea''dy\n").encode())
                self.await_text(main, "ready")
                os.write(main, keys.encode())
                self.await_text(main, wanted)
            finally:
                process.kill()
                process.wait()
                os.close(main)

    def await_text(self, fd, wanted):
        text, deadline = "", time.monotonic() + 20
        while wanted not in text:
            self.assertLess(time.monotonic(), deadline, text)
            ready, _, _ = select.select([fd], [], [], 1)
            if ready:
                part = os.read(fd, 65536).decode(errors="replace")
                text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\0", "", part)

    def test_bash(self):
        for keys, wanted in (
            ("sasctl tre\t", "sasctl tree "),
            ("sasctl list drives -f serial=HLL00020\t", "HLL00020 "),
            ("sasctl show expander 5000ccab030021b\t", "5000ccab030021bf "),
            ("sasctl list devices -f state=fai\t", "state=failed "),
        ):
            self.type("bash", ["--norc", "--noprofile"], "source <(sasctl completion bash)", keys, wanted)

    def test_zsh(self):
        for keys, wanted in (
            ("sasctl tre\t", "sasctl tree "),
            ("sasctl list devices -f state=fai\t", "state=failed "),
        ):
            self.type("zsh", ["-f"], "source <(sasctl completion zsh)", keys, wanted)

    def test_fish(self):
        for keys, wanted in (
            ("sasctl tre\t", "tree"),
            ("sasctl list devices -f state=fai\t", "failed"),
        ):
            self.type("fish", ["--private"], "sasctl completion fish | source", keys, wanted)


def write(folder):
    for page_path in PAGES:
        path = os.path.join(folder, page_path)
        with open(path, encoding="utf-8") as file:
            page = Page(file.read())
        with Nodes() as nodes:
            for i, command, _, output in play(page, nodes):
                page.set_output(i, command, plain_node(output))
        with open(path, "w", encoding="utf-8") as file:
            file.write(page.text())
    os.makedirs(os.path.join(folder, SCREENS), exist_ok=True)
    with Sasd("--fabric", "demo") as sasd:
        with open(os.path.join(folder, SCREENS, "readme.txt"), "w", encoding="utf-8") as file:
            file.write(readme_screen(sasd.address))
    for fabric in ("demo", "oak-816"):
        with Sasd("--fabric", fabric) as sasd:
            for name, text, _ in screens(sasd.address, fabric):
                with open(os.path.join(folder, SCREENS, name), "w", encoding="utf-8") as file:
                    file.write(text)


def plain_node(text):
    return re.sub(rf"^{re.escape(socket.gethostname())}$", NODE, text, flags=re.M)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write(sys.argv[2])
    else:
        unittest.main()
