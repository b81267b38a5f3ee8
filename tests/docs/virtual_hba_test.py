"""docs/virtual-hba.md: its fabric is sound, QEMU shows the HBA, and the acts work."""

import json
import os
import re
import shlex
import socket
import subprocess
import tempfile
import time
import unittest

ROOT = os.path.join(os.environ["TEST_SRCDIR"], "sasd")
SASHBA = os.path.join(ROOT, "emulator", "qemu", "sashba")
SASCTL = os.path.join(ROOT, "cli", "sasctl")
QEMU = "/usr/bin/qemu-system-x86_64"
TIMEOUT_S = 60
# In place of QEMU where it is not installed: ends when it is told to.
FAKE_QEMU = "#!/bin/sh\nexec sleep 600\n"


def blocks(kind, text):
    return re.findall(rf"(?ms)^```{kind}\n(.*?)^```$", text)


def commands(block):
    return [line for line in block.replace("\\\n", " ").splitlines() if line.strip()]


class VirtualHbaTest(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(ROOT, "docs", "virtual-hba.md"), encoding="utf-8") as file:
            self.page = file.read()
        # The path of a unix socket must be short.
        folder = tempfile.TemporaryDirectory(dir="/tmp")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        (fabric,) = blocks("textproto", self.page)
        with open(os.path.join(self.folder, "jbod60.textproto"), "w", encoding="utf-8") as file:
            file.write(fabric)

    def run_command(self, words, **more):
        program = {"sashba": SASHBA, "sasctl": SASCTL}[words[0]]
        done = subprocess.run(
            [program, *words[1:]], cwd=self.folder, capture_output=True, text=True,
            timeout=TIMEOUT_S, check=False, **more,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stderr), (0, ""), words)
        return done.stdout

    def qmp(self, path, *names):
        """The answers of QEMU's monitor to the commands."""
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.settimeout(TIMEOUT_S)
            deadline = time.monotonic() + TIMEOUT_S
            while monitor.connect_ex(path) != 0:
                self.assertLess(time.monotonic(), deadline, "QEMU has no monitor")
                time.sleep(0.02)
            stream = monitor.makefile("rw", encoding="utf-8")
            json.loads(stream.readline())
            answers = []
            for name in ("qmp_capabilities", *names):
                stream.write(json.dumps({"execute": name}) + "\n")
                stream.flush()
                answer = {}
                while "return" not in answer:
                    answer = json.loads(stream.readline())
                    self.assertNotIn("error", answer)
                answers.append(answer["return"])
        return answers[1:]

    def test_the_output_of_check_is_as_shown(self):
        (check,) = [b for b in blocks("sh", self.page) if "sashba check" in b]
        (shown,) = blocks("text", self.page)
        self.assertEqual(self.run_command(shlex.split(check)), shown)

    def test_qemu_has_the_hba_and_the_acts_work(self):
        (start,) = [b for b in blocks("sh", self.page) if "qemu-system" in b]
        (acts,) = [b for b in blocks("sh", self.page) if "sasctl emulator" in b]
        listen = "unix:" + os.path.join(self.folder, "s")
        (line,) = commands(start)
        words = shlex.split(line.replace("unix:/tmp/hba.sock", listen))
        drive = words.index("-drive")
        del words[drive : drive + 2]  # the guest's own disk
        real = os.path.exists(QEMU)
        fake, monitor = os.path.join(self.folder, "qemu"), os.path.join(self.folder, "m")
        with open(fake, "w", encoding="utf-8") as file:
            file.write(FAKE_QEMU)
        os.chmod(fake, 0o755)
        words = [(QEMU if real else fake) if w == "qemu-system-x86_64" else w for w in words]
        if real:
            words += ["-qmp", f"unix:{monitor},server=on,wait=off"]
        with subprocess.Popen(
            [SASHBA, *words[1:]], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ) as sashba:  # fmt: skip
            try:
                self.check_running(sashba, acts, listen, monitor if real else None)
            finally:
                sashba.terminate()

    def check_running(self, sashba, acts, listen, monitor):
        deadline = time.monotonic() + TIMEOUT_S
        while not os.path.exists(listen[len("unix:") :]):
            self.assertIsNone(sashba.poll(), "sashba ended")
            self.assertLess(time.monotonic(), deadline, "sashba does not listen")
            time.sleep(0.02)
        outputs = []
        for line in commands(acts):
            if line.startswith("export "):
                continue
            environment = {**os.environ, "SASD_ADDR": listen}
            outputs.append(self.run_command(shlex.split(line), env=environment))
        self.assertGreater(len(outputs), 2)
        self.assertRegex(outputs[0], r"bay59\b")
        if monitor is None:
            return
        (buses,) = self.qmp(monitor, "query-pci")
        # QEMU itself does not know the ids of a function that another process serves; tests/vm reads
        # them in a guest.
        self.assertIn(4, [device["slot"] for bus in buses for device in bus["devices"]])
        self.qmp(monitor, "quit")
        self.assertEqual(sashba.wait(TIMEOUT_S), 0)


if __name__ == "__main__":
    unittest.main()
