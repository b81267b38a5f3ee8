"""A sasd on a virtual HBA that serves metrics, and the tools of the tests here."""

import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.request

ROOT = os.path.join(os.environ["TEST_SRCDIR"], "sasd")
SASD = os.path.join(ROOT, "daemon", "sasd")
SASCTL = os.path.join(ROOT, "cli", "sasctl")
RULES = os.path.join(ROOT, "packaging", "prometheus")
TIMEOUT_S = 60
SAMPLE = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)$")


def program(name):
    """The path of an optional program. Skips the test without it."""
    path = shutil.which(name, path="/usr/local/bin:/usr/bin:/bin")
    if path is None:
        raise unittest.SkipTest(f"{name} is not installed: bazel/setup.sh long")
    return path


def samples(text):
    """(name, labels, value) of each line that is no comment."""
    out = []
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        name, labels, value = SAMPLE.match(line).groups()
        pairs = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or ""))
        out.append((name, pairs, float(value)))
    return out


def until(condition, what):
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {TIMEOUT_S} s: {what}")


class Sasd:
    """Serves a fabric until the test ends."""

    def __init__(self, test, *options, fabric="demo"):
        # The path of a unix socket must be short.
        folder = tempfile.TemporaryDirectory(dir="/tmp")
        test.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.address = "unix:" + os.path.join(folder.name, "s")
        self.log = os.path.join(folder.name, "log")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                [SASD, "--config", "", "--fabric", fabric, "--listen", self.address,
                 "--metrics-listen", "127.0.0.1:0", *options],
                stderr=log,
            )  # fmt: skip
        test.addCleanup(self.process.wait)
        test.addCleanup(self.process.kill)
        path = self.address[len("unix:") :]
        until(lambda: os.path.exists(path) or self.process.poll() is not None, "a socket")
        if self.process.poll() is not None:
            with open(self.log, encoding="utf-8") as log:
                raise AssertionError(log.read())
        self.sasctl("--timeout", f"{TIMEOUT_S}s", "wait", "--settled")
        with open(self.log, encoding="utf-8") as log:
            self.target = re.search(r"metrics at (\S+:\d+)", log.read()).group(1)

    def sasctl(self, *words, check=True):
        done = subprocess.run(
            [SASCTL, "--addr", self.address, *words],
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise AssertionError(f"{words}: {done.stderr}")
        return done.stdout

    def scrape(self):
        with urllib.request.urlopen(f"http://{self.target}/metrics", timeout=TIMEOUT_S) as answer:
            return answer.read().decode()

    def drive(self):
        """The address and serial of a drive."""
        listed = self.sasctl("list", "drives", "--no-headers", "--columns", "serial")
        serial = listed.split()[0]
        address = re.search(r"(?m)^addresses: +([0-9a-f]+)", self.sasctl("show", serial)).group(1)
        return address, serial
