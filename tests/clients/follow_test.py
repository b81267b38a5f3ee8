"""The examples that sasd-dev ships, as a client runs them: over a restart, and a lost history."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

ROOT = os.path.join(os.environ["TEST_SRCDIR"], "sasd")
SASD = os.path.join(ROOT, "daemon", "sasd")
SASCTL = os.path.join(ROOT, "cli", "sasctl")
EXAMPLES = os.path.join(ROOT, "packaging", "examples")
TIMEOUT_S = 60


class FollowTest(unittest.TestCase):
    def setUp(self):
        # The path of a unix socket must be short.
        folder = tempfile.TemporaryDirectory(dir="/tmp")
        self.addCleanup(folder.cleanup)
        self.state = os.path.join(folder.name, "state")
        self.address = "unix:" + os.path.join(folder.name, "s")
        os.mkdir(self.state)
        self.serve()

    def serve(self):
        self.sasd = subprocess.Popen(
            [SASD, "--config", "", "--fabric", "demo", "--listen", self.address,
             "--state-dir", self.state],
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.addCleanup(self.sasd.wait)
        self.addCleanup(self.sasd.kill)
        self.sasctl("--timeout", f"{TIMEOUT_S}s", "wait", "--settled")

    def sasctl(self, *words):
        return subprocess.run(
            [SASCTL, "--addr", self.address, *words],
            capture_output=True, text=True, timeout=TIMEOUT_S, check=True,
        ).stdout  # fmt: skip

    def follow(self, command, **environment):
        """Starts an example. Returns what awaits a line of it that matches."""
        process = subprocess.Popen(
            [*command, self.address], stdout=subprocess.PIPE, text=True,
            env={**os.environ, **environment},
        )  # fmt: skip
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

        def awaited(pattern):
            lines = []
            timer = threading.Timer(TIMEOUT_S, process.kill)
            timer.start()
            try:
                for line in process.stdout:
                    lines.append(line)
                    if re.search(pattern, line):
                        return lines
            finally:
                timer.cancel()
            raise AssertionError(f"no {pattern} in {lines}")

        return awaited

    def live_through(self, awaited):
        awaited(r"^synced at \d+: \d+ objects")
        serial = self.sasctl("list", "drives", "--no-headers", "--columns", "serial").split()[0]
        shown = self.sasctl("show", serial)
        address = re.search(r"(?m)^addresses: +([0-9a-f]+)", shown).group(1)
        self.sasctl("emulator", "pull", address)
        awaited(r"^\d+ CHANGE_KIND_REMOVED .*logicalUnits/")
        # A restart loses nothing: the example resumes.
        self.sasd.send_signal(signal.SIGKILL)
        self.sasd.wait()
        self.serve()
        lines = awaited(r"^synced at ")
        self.assertEqual([line for line in lines if line.startswith("start over")], [])
        # A history that is lost is a new epoch.
        self.sasd.send_signal(signal.SIGKILL)
        self.sasd.wait()
        shutil.rmtree(self.state)
        os.mkdir(self.state)
        self.serve()
        awaited(r"^start over: .*epoch")
        awaited(r"^synced at ")

    def test_python_example(self):
        example = ["/usr/bin/python3", os.path.join(EXAMPLES, "follow.py")]
        self.live_through(self.follow(example, PYTHONPATH=os.path.join(ROOT, "proto")))

    def test_node_example(self):
        node = shutil.which("node", path="/usr/local/bin:/usr/bin:/bin")
        modules = os.environ.get("SASD_NODE_MODULES", "/var/cache/sasd/npm/node_modules")
        if node is None or not os.path.isdir(os.path.join(modules, "@grpc", "grpc-js")):
            self.skipTest("no node, or no @grpc/grpc-js in " + modules)
        # A symbolic link would make node look for modules beside its target.
        example = [node, "--preserve-symlinks-main", os.path.join(EXAMPLES, "follow.js")]
        protos = os.path.join(ROOT, "proto")
        self.live_through(self.follow(example, NODE_PATH=modules, SASD_PROTOS=protos))


if __name__ == "__main__":
    unittest.main()
