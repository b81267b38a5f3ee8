"""Every sasctl command in these pages works as it stands there; tests/e2e/tasks_test.py plays the others."""

import os
import re
import shlex
import subprocess
import tempfile
import unittest

ROOT = os.path.join(os.environ["TEST_SRCDIR"], "sasd")
SASD = os.path.join(ROOT, "daemon", "sasd")
SASCTL = os.path.join(ROOT, "cli", "sasctl")
TIMEOUT_S = 60
PAGES = ("README.md", "docs/operations.md", "docs/filters.md", "docs/memory.md", "docs/sources.md")
# Ends only with Ctrl-C, or acts where a page only names it.
NOT_RUN = ("sasctl watch", "sasctl --addr", "sasctl emulator", "sasctl baseline accept",
           "sasctl context use", "sasctl capture", "sasctl dismiss OBJECT --reason TEXT [")
# Exit codes of monitoring plugins.
PLUGINS = ("health", "doctor")


def commands():
    """The commands of the pages: in back quotes, or alone on a line of a code block; whether they fail."""
    found = []
    for page in PAGES:
        with open(os.path.join(ROOT, page), encoding="utf-8") as file:
            text = file.read()
        lines = re.findall(r"(?m)^(sasctl .*?)(?:  +# *(.*))?$", text)
        found += [(command, comment.startswith("an error")) for command, comment in lines]
        found += [(command, False) for command in re.findall(r"`(sasctl [^`]*)`", text)]
    return sorted(set(found))


class CommandsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # The path of a unix socket must be short.
        folder = tempfile.TemporaryDirectory(dir="/tmp")
        cls.addClassCleanup(folder.cleanup)
        cls.address = "unix:" + os.path.join(folder.name, "s")
        sasd = subprocess.Popen(
            [SASD, "--config", "", "--fabric", "demo", "--listen", cls.address],
            stderr=subprocess.DEVNULL,
        )
        cls.addClassCleanup(sasd.wait)
        cls.addClassCleanup(sasd.kill)
        cls.sasctl(["wait", "--settled", "--timeout", f"{TIMEOUT_S}s"])

        def first(noun, column):
            shown = cls.sasctl(["list", noun, "--no-headers", "--columns", column]).stdout
            return next(word for word in shown.split() if word not in ("-", ""))

        cls.words = {
            "SERIAL": first("drives", "serial"),
            "WWID": first("drives", "wwid"),
            "NAME": first("enclosures", "name"),
            "EXPANDER": first("expanders", "name"),
            "OBJECT": first("drives", "serial"),
            "sdb": first("drives", "serial"),
            "ZA1": first("drives", "serial"),
            "expander-11:0": first("expanders", "name"),
            "NOUN": "drives",
            "KEY=VALUE": "slot=3",
            "...": "test",
        }

    @classmethod
    def sasctl(cls, words):
        return subprocess.run(
            [SASCTL, *words], env={**os.environ, "SASD_ADDR": cls.address},
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip

    def test_every_command_runs(self):
        ran = 0
        for command, fails in commands():
            if command.startswith(NOT_RUN) or command == "sasctl show":  # named without its object
                continue
            with self.subTest(command):
                words = shlex.split(re.sub(r"[\[\]]", "", command.replace("\n", " ")))[1:]
                for name, value in self.words.items():
                    words = [
                        re.sub(rf"(^|=){re.escape(name)}(?=$|,)", lambda m, v=value: m.group(1) + v, word)
                        for word in words
                    ]
                done = self.sasctl(words)
                allowed = (0, 1, 2) if words and words[0] in PLUGINS else (2,) if fails else (0,)
                self.assertIn(done.returncode, allowed, done.stderr)
                ran += 1
        self.assertGreater(ran, 35)

    def test_the_pictures_show_what_sasctl_prints(self):
        script = os.path.join(ROOT, "docs", "pictures", "make_pictures.py")
        done = subprocess.run(
            ["/usr/bin/python3", script, "--check"], capture_output=True, text=True, check=False
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_table_of_peers_counts_our_commands(self):
        with open(os.path.join(ROOT, "docs", "peers.md"), encoding="utf-8") as file:
            rows = [[cell.strip() for cell in line.split("|")] for line in file if "|" in line]
        ours = {row[1]: row[2] for row in rows if len(row) > 2}
        offered = set(self.sasctl(["__complete", "--", ""]).stdout.split()) - {"help"}
        self.assertEqual(ours["commands"], str(len(offered)))
        version = self.sasctl(["--version"]).stdout.split()[1]
        self.assertIn(f"sasctl {version}", [row[2] for row in rows if len(row) > 2])


if __name__ == "__main__":
    unittest.main()
