"""Starts sasd, and runs sasctl on it."""

import faulthandler
import json
import os
import signal
import subprocess
import tempfile

ROOT = os.path.join(os.environ["TEST_SRCDIR"], "sasd")
SASD = os.path.join(ROOT, "daemon", "sasd")
SASCTL = os.path.join(ROOT, "cli", "sasctl")
SASHBA = os.path.join(ROOT, "emulator", "qemu", "sashba")
RECORDING = os.path.join(ROOT, "driver/sysfs/testdata/hgst-4u60-9400-8i8e.sys.tar.gz")
TIMEOUT_S = 60

# A test that hangs says where, before Bazel ends it.
if "TEST_TIMEOUT" in os.environ:
    faulthandler.dump_traceback_later(int(os.environ["TEST_TIMEOUT"]) - 10)


class Sasd:
    """A running sasd with a sasctl for it, once all hosts are settled (`settles`)."""

    def __init__(self, *options, env=None, settles=True):
        self.settles = settles
        # The path of a unix socket must be short.
        self.folder = tempfile.TemporaryDirectory(dir="/tmp")
        self.address = "unix:" + os.path.join(self.folder.name, "s")
        # On a live machine sasd would remember what other tests showed it.
        env = dict(env or os.environ, STATE_DIRECTORY=os.path.join(self.folder.name, "state"))
        self.process = subprocess.Popen([SASD, *options, "--listen", self.address], env=env)

    def __enter__(self):
        if self.settles:
            self.run("wait", "--settled", "--timeout", f"{TIMEOUT_S}s")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        code = self.process.wait(timeout=TIMEOUT_S)
        self.folder.cleanup()
        assert code == 0, code

    def call(self, *arguments):
        return subprocess.run(
            [SASCTL, "--addr", self.address, *arguments],
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )

    def run(self, *arguments):
        done = self.call(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def watch(self):
        """Starts a Watch of events from now on. The caller ends it with end()."""
        return Watch(self.address)

    def tree(self, *options):
        # Without the first line, which is this machine's name, and the totals.
        return self.run("tree", *options).splitlines()[1:-2]


class Watch:
    """A running `sasctl watch` that is synchronized."""

    def __init__(self, address):
        self.process = subprocess.Popen(
            [SASCTL, "--addr", address, "watch", "--snapshot", "-o", "jsonl"],
            stdout=subprocess.PIPE,
            text=True,
        )
        while "synced" not in json.loads(self.process.stdout.readline()):
            pass

    def next_event(self):
        """Waits for the next event, and returns it."""
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.process.stdout.read()
        self.process.stdout.close()
        self.process.wait(timeout=TIMEOUT_S)
