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
    text = re.sub(r"(\x1b\[2m|\b)r\d+ \d\d:\d\d:\d\d\.\d+", r"\1r# <time>", text)
    text = re.sub(r"(revision:?( between)?) +\d+( and \d+)?", r"\1 #", text)
    text = re.sub(r"uid \d+, pid \d+", "uid #, pid #", text)
    text = re.sub(r"pid #, role \w+|\"role\":\"\w+\"", lambda m: re.sub(r"\w+(\"?)$", r"#\1", m[0]), text)
    # JSON.
    number = r'"(revision|previousRevision|arrivalMonotonicTimeNs|eventContext|pid)":"?\d+"?'
    text = re.sub(number, r'"\1":#', text)
    text = re.sub(r'"(\w*[tT]ime)":"[^"]*"', r'"\1":"<time>"', text)
    text = re.sub(r'"resumeToken":"[^"]*"', '"resumeToken":"TOKEN"', text)
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
        wrong = re.search(r"see sasctl .*--help|did you mean", output)
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


# The main commands. A fabric has an enclosure with an alias, one without, and a drive in its slot 3.
MAIN = (
    [],
    ["tree"],
    ["tree", "ENCLOSURE"],
    ["list", "hosts"],
    ["list", "drives"],
    ["list", "enclosures"],
    ["list", "slots", "-f", "enclosure=rack3-top,slot<4"],
    ["show", "rack3-top/4"],
    ["impact", "ENCLOSURE"],
    ["alias", "list"],
    ["health"],
    ["history", "rack3-top/3", "-n", "2"],
    # Without the record of calls, in which process numbers of any length are.
    ["events", "--after", "SINCE", "-f", "kind=drives,ports"],
    ["diff", "--since", "SINCE"],
    ["baseline", "show", "--missing"],
)
# Texts that a terminal wraps: fields and sentences, no tables.
SENTENCES = (
    [],
    ["show", "rack3-top/4"],
    ["impact", "ENCLOSURE"],
    ["health"],
    ["history", "rack3-top/3", "-n", "2"],
    ["diff", "--since", "SINCE"],
    ["baseline", "show", "--missing"],
)
# The aliases, and what happens: a drive is pulled, a link gets narrower.
SCREEN_NODES = {
    "demo": {
        "aliases": {"enclosures/5000ccab03001100": "rack3-top", "hosts/500605b00ab01230": "rack3-a"},
        "acts": (("pull", "jbod1-disk03"), ("phy", "hba1", "0", "down")),
        "names": {"ENCLOSURE": "JBOD12"},
    },
    "oak-816": {
        "aliases": {"enclosures/5000ccab05101000": "rack3-top", "hosts/500062b20a1b2c00": "rack3-a"},
        "acts": (("pull", "jbod1-d003"), ("phy", "host10", "0", "down")),
        "names": {"ENCLOSURE": "5000ccab05102000"},
    },
}


def prepare(sasd, fabric):
    """Does what the screens show. Returns what MAIN's words in capitals stand for."""
    node = SCREEN_NODES[fabric]
    while revision(sasd) < 100:  # so that all have as many digits
        for alias in ("one", "two"):
            sasd.run("alias", "set", next(iter(node["aliases"])), alias)
    for resource, alias in node["aliases"].items():
        sasd.run("alias", "set", resource, alias)
    since = revision(sasd)
    for act in node["acts"]:
        sasd.run("emulator", *act)
    sasd.run("wait", "--settled")
    return {**node["names"], "SINCE": str(since)}


def screens(address, fabric, names):
    """Yields the name of a file, and the screens of the main commands of a fabric."""
    for columns in (80, 120, 200):
        for colour in (False, True):
            text = ""
            for words in MAIN:
                arguments = [names.get(word, word) for word in words]
                lines = screen(address, columns, arguments, colour).splitlines()
                if words in SENTENCES and not colour:  # these may wrap
                    lines = [line[:columns] for line in lines]
                shown = lines if len(lines) <= 30 else [*lines[:28], f"({len(lines) - 28} more)"]
                title = " ".join(["$ sasctl", *words])
                text += "\n".join([title, *shown, "", ""])
            yield f"{fabric}-{columns}{'-colour' if colour else ''}.txt", text, columns


# What README's examples stand for on the demo fabric.
PLACEHOLDERS = {"sdb": "ZC100008", "ZA1": "ZC100008", "NAME": "JBOD12", "ID": "jbod2/8"}
README_CONTEXTS = '''[contexts.lab]
address = "unix:/run/lab/sasd.sock"
'''


def readme_commands():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        for line in re.findall(r"^sasctl.*", file.read(), re.M):
            yield line, shlex.split(line, comments=True)[1:]


def followed(sasd, arguments):
    """What a `watch` prints of a phy that is taken down and up, until Ctrl-C."""
    watch = subprocess.Popen(
        [SASCTL, "--addr", sasd.address, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    # It is there once it counts as a subscriber.
    deadline = time.monotonic() + TIMEOUT_S
    while "subscribers:  1" not in sasd.run("status"):
        assert time.monotonic() < deadline, "the watch has not begun"
    for state in ("down", "up"):
        sasd.run("emulator", "phy", "hba0", "3", state)
        sasd.run("wait", "--settled")
    end = str(revision(sasd))
    output = ""
    while not re.search(rf"(?m)^r{end} |\"revision\":\"{end}\"", output):
        line = watch.stdout.readline()
        assert line, output
        output += line
    watch.send_signal(signal.SIGINT)
    output += watch.communicate(timeout=TIMEOUT_S)[0]
    return output


def since(output, begin):
    """The lines of events after a revision."""
    lines = [line for line in output.splitlines(True) if int(line[1:].split(" ", 1)[0]) > begin]
    return "".join(lines)


def readme_screen(sasd, folder):
    """README's commands, one after the other, with the first lines that they print."""
    config = os.path.join(folder, "config.toml")
    with open(config, "w", encoding="utf-8") as file:
        file.write(README_CONTEXTS)
    token, text, begin = None, "", revision(sasd)
    for _, arguments in readme_commands():
        command = " ".join(["sasctl", *arguments])
        for name, meant in PLACEHOLDERS.items():
            command = re.sub(rf"\b{name}\b", meant, command)
        if arguments[:1] == ["watch"]:
            output = followed(sasd, [token if word == "TOKEN" else word for word in arguments[:]])
            token = re.search(r"resume with --from (\S+)", output).group(1)
            output = output.replace(token, "TOKEN")
        else:
            # The socket of sashba has the same commands.
            line = command.replace("unix:/tmp/hba.sock", sasd.address)
            output = bash(f"export SASCTL_CONFIG={config}; {line}", sasd.address)[1]
        if arguments[:1] == ["events"]:
            # At the start two HBAs are read at once, in any order.
            output = since(output, begin)
        output = plain(output.replace(folder, "FOLDER")).splitlines()
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
            self.assertNotRegex(done.stderr, "--help|did you mean", line)
            if arguments[:1] not in (["health"], ["doctor"]):
                self.assertIn(done.returncode, (0, 1), (line, done.stderr))

    def test_commands_of_the_readme_print_what_is_recorded(self):
        with open(os.path.join(ROOT, SCREENS, "readme.txt"), encoding="utf-8") as file:
            recorded = file.read()
        with Sasd("--fabric", "demo") as sasd, tempfile.TemporaryDirectory() as folder:
            self.assertEqual(readme_screen(sasd, folder), recorded)

    def test_every_example_of_the_help_does_what_it_says(self):
        """On the demo fabric, with names of its objects in place of those of the examples."""
        names = {"host1": "500605b00ab01230", "5000ccab0405db7d": "5000ccab0300213f",
                 "ZA1ABCDE": "ZA100005", "sdx": "ZA100005", "HOST:PORT": "ADDRESS"}  # fmt: skip
        elsewhere = (">", "context", "--context", "capture", "watch", "-w", "/var/lib/")
        before = {
            "baseline accept": ("emulator pull jbod1/0", "emulator pull jbod1/5", "wait --settled"),
            "emulator insert": ("emulator pull jbod1/3", "emulator pull jbod1/4"),
            "undismiss": ("dismiss ZA100005 --reason test",),
        }
        after = {
            "baseline accept": ("emulator insert jbod1/0", "emulator insert jbod1/5", "wait --settled"),
        }
        with Sasd("--fabric", "demo") as sasd:
            begin, ran = str(revision(sasd)), set()
            for path in commands_of(sasd):
                shown = sasd.run(*path, "--help")
                for example in re.findall(r"(?m)^  (sasctl .*)$", shown.split("Examples:")[-1]):
                    if example in ran or any(word in example for word in elsewhere):
                        continue
                    ran.add(example)
                    line = example.replace("--since 42", f"--since {begin}")
                    for name, meant in names.items():
                        line = line.replace(name, meant if meant != "ADDRESS" else sasd.address)
                    for words in before.get(" ".join(path), ()):
                        sasd.call(*words.split())  # it may be so already
                    code, output = bash(line, sasd.address)
                    self.assertIn(code, FINE if path == ["health"] else (0,), (line, output))
                    for words in after.get(" ".join(path), ()):
                        sasd.call(*words.split())
        self.assertGreater(len(ran), 60)


def commands_of(sasd, path=()):
    """The paths of all commands, as the help lists them."""
    shown = sasd.run(*path, "--help")
    section = re.search(r"(?ms)^Commands:\n(.*?)(^$|\Z)", shown)
    if section is None:
        return [list(path)]
    names = re.findall(r"(?m)^  (\w\S*?)[, ]", section.group(1))
    own = [list(path)] if path else []
    return own + [each for name in names if name != "help" for each in commands_of(sasd, (*path, name))]


class ScreenTest(unittest.TestCase):
    maxDiff = None

    def check(self, fabric):
        with Sasd("--fabric", fabric) as sasd:
            for name, text, columns in screens(sasd.address, fabric, prepare(sasd, fabric)):
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
        """The best of as many runs in turn as a busy machine needs."""
        best = {"tree": 1e9, "summary": 1e9}
        with Sasd("--fabric", "oak-816") as sasd:
            for turn in range(50):
                for command in best:
                    begin = time.monotonic()
                    sasd.run(command)
                    best[command] = min(best[command], time.monotonic() - begin)
                if turn >= 2 and best["summary"] <= 1.2 * best["tree"]:
                    return
        self.fail(best)


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
    def test_watched_list_says_why_it_ended(self):
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            address = f"unix:{folder}/s"
            sasd = subprocess.Popen(
                [SASD, "--config", "", "--fabric", "demo", "--listen", address], stderr=subprocess.DEVNULL
            )
            self.addCleanup(sasd.wait)
            self.addCleanup(sasd.kill)
            wait = [SASCTL, "--addr", address, "wait", "--settled", "--timeout", f"{TIMEOUT_S}s"]
            subprocess.run(wait, stdout=subprocess.DEVNULL, check=True)
            watch = subprocess.Popen(
                [SASCTL, "--addr", address, "list", "hosts", "-w", "-o", "name"],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            self.assertTrue(watch.stdout.readline().startswith("hosts/"))
            sasd.kill()
            _, error = watch.communicate()
            self.assertEqual(watch.returncode, 3, error)
            self.assertIn(f"cannot reach sasd at {address}", error)

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
        return self.await_log(sasd, wanted)

    def await_log(self, sasd, wanted):
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
        place = "slot 3 of enclosure 5000ccab03001100 (rack3-top)"
        self.assertIn(place, self.run_it("health", code=2))
        finding = json.loads(self.run_it("health", "-o", "jsonl", code=2).splitlines()[0])
        self.assertIn(place, finding["message"])
        self.assertIn({"resource": self.JBOD, "alias": "rack3-top"}, finding["aliases"])
        self.await_log(sasd, place)
        changed = self.run_it("events", "--cause", "control", "-o", "jsonl")
        self.assertIn('"changedFields":"alias"', changed)
        self.assertIn("sas.v1.AliasService/SetAlias", self.run_it("audit"))
        # Of an enclosure that is gone, too.
        self.run_it("alias", "set", "JBOD12", "rack3-low")
        self.run_it("emulator", "power", "jbod2", "off")
        self.run_it("wait", "--settled", "--timeout", f"{TIMEOUT_S}s")
        for slot in ("rack3-low/8", "2100/8"):
            self.assertIn("ZC100008", self.run_it("history", slot), slot)
            self.assertTrue(self.run_it("events", slot), slot)
        self.assertIn("is gone: removed", self.run_it("show", "rack3-low", code=1))
        self.run_it("emulator", "power", "jbod2", "on")
        self.run_it("wait", "--settled", "--timeout", f"{TIMEOUT_S}s")
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
    with Sasd("--fabric", "demo") as sasd, tempfile.TemporaryDirectory() as home:
        with open(os.path.join(folder, SCREENS, "readme.txt"), "w", encoding="utf-8") as file:
            file.write(readme_screen(sasd, home))
    for fabric in SCREEN_NODES:
        with Sasd("--fabric", fabric) as sasd:
            for name, text, _ in screens(sasd.address, fabric, prepare(sasd, fabric)):
                with open(os.path.join(folder, SCREENS, name), "w", encoding="utf-8") as file:
                    file.write(text)


def plain_node(text):
    return re.sub(rf"^{re.escape(socket.gethostname())}$", NODE, text, flags=re.M)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--write"]:
        write(sys.argv[2])
    else:
        unittest.main()
