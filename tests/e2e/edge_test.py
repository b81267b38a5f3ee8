"""sasd as a process: signals, descriptors, the log, memory, files without an end, configuration."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import tarfile
import tempfile
import time
import unittest

from sasd import RECORDING, ROOT, SASCTL, SASD, TIMEOUT_S

SLOW_FILES = os.path.join(ROOT, "tests/e2e/libslow_files.so")
# SIGTERM ends sasd in 2 seconds; the rest is for a machine that is busy with other tests.
END_S = 2 + 3
ENDED, START_FAILED, BAD_CONFIGURATION, ENDED_AT_ONCE, OUT_OF_MEMORY = range(5)


class EdgeTest(unittest.TestCase):
    def setUp(self):
        # The path of a unix socket must be short.
        self.folder = tempfile.TemporaryDirectory(dir="/tmp")
        self.addCleanup(self.folder.cleanup)
        self.address = "unix:" + self.path("s")

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def start(self, *options, **more):
        process = subprocess.Popen([SASD, *options], **more)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def serve(self, *options, **more):
        return self.start("--fabric", "demo", "--listen", self.address, *options, **more)

    def run_sasd(self, *options, **more):
        return subprocess.run(
            [SASD, *options], capture_output=True, text=True, timeout=TIMEOUT_S, check=False, **more
        )

    def settle(self):
        done = subprocess.run(
            [SASCTL, "--addr", self.address, "wait", "--settled", "--timeout", f"{TIMEOUT_S}s"],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def end(self, process, number=signal.SIGTERM):
        """Sends the signal, and returns the exit code; fails if the end takes too long."""
        process.send_signal(number)
        begin = time.monotonic()
        code = process.wait(timeout=TIMEOUT_S)
        self.assertLess(time.monotonic() - begin, END_S)
        return code

    def await_(self, condition):
        """Waits for something that sends no event."""
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.005)


def status(process, name):
    """A field of /proc/PID/status."""
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(name + ":"):
                return line.split()[1]
    return None


def links(process):
    """What its descriptors are of."""
    folder = f"/proc/{process.pid}/fd"
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            yield os.readlink(os.path.join(folder, name))


def takes_signals(process):
    """Whether the first lines of main() have run."""
    blocked = status(process, "SigBlk")
    return blocked is not None and int(blocked, 16) & 1 << (signal.SIGHUP - 1) != 0


class SignalTest(EdgeTest):
    def test_early_hangups_are_kept_for_later(self):
        log = open(self.path("log"), "w+", encoding="utf-8")
        self.addCleanup(log.close)
        process = self.serve(stderr=log)
        self.await_(lambda: takes_signals(process))
        for _ in range(20):
            process.send_signal(signal.SIGHUP)
        self.settle()
        self.await_(lambda: "SIGHUP: rescanning" in self.text("log"))
        self.assertEqual(self.end(process), ENDED)

    def text(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def test_both_signals_end_sasd_in_order(self):
        for number in signal.SIGTERM, signal.SIGINT:
            process = self.serve()
            self.settle()
            self.assertEqual(self.end(process, number), ENDED)

    def test_a_start_can_be_ended_at_any_moment(self):
        """A start of some seconds: 60,000 devices."""
        for wait_s in 0, 0.05, 0.2, 0.5:
            process = self.start(
                "--fabric", "synthetic:1x300x200", "--listen", self.address,
                stderr=subprocess.DEVNULL,
            )  # fmt: skip
            self.await_(lambda: takes_signals(process))
            time.sleep(wait_s)  # not for an event: any moment will do
            self.assertIn(self.end(process), (ENDED, ENDED_AT_ONCE))

    def test_a_start_that_hangs_can_be_ended(self):
        """Another process is stopped, and the backlog of its socket is full."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.addCleanup(listener.close)
        listener.bind(self.path("s"))
        listener.listen(0)
        while True:
            client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.addCleanup(client.close)
            client.setblocking(False)
            try:
                client.connect(self.path("s"))
            except BlockingIOError:
                break
        process = self.serve(stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.await_(lambda: takes_signals(process))
        code = self.end(process)
        # A sasd that does not wait for the other process may refuse to start.
        self.assertIn(code, (ENDED, START_FAILED, ENDED_AT_ONCE))
        if code == ENDED_AT_ONCE:
            self.assertIn("nothing that it showed is lost", process.stderr.read())

    def test_a_slow_sysfs_does_not_hold_up_the_end(self):
        with tarfile.open(RECORDING) as tar:
            tar.extractall(self.path("tree"))
        process = self.start(
            "--sysfs-root", self.path("tree"), "--listen", self.address,
            stderr=subprocess.PIPE, text=True,
            env=dict(os.environ, LD_PRELOAD=SLOW_FILES, SLOW_FILES_MS="300"),
        )  # fmt: skip
        self.addCleanup(process.stderr.close)
        # In the middle of the tree: it has thousands of files.
        self.await_(lambda: any("/tree" in link for link in links(process)))
        self.assertEqual(self.end(process), ENDED_AT_ONCE)
        self.assertIn("nothing that it showed is lost", process.stderr.read())
        self.assertFalse(os.path.exists(self.path("s")), "it has not served yet")

    def test_a_flap_without_a_client_does_not_hold_up_the_end(self):
        process = self.serve()
        self.settle()
        flap = subprocess.Popen(
            [SASCTL, "--addr", self.address, "emulator", "flap", "hba0", "0",
             "--count", "250", "--interval", "1s"],
            stdout=subprocess.PIPE,
        )  # fmt: skip
        self.addCleanup(flap.stdout.close)
        watch = subprocess.run(
            [SASCTL, "--addr", self.address, "watch", "--count", "1"],
            capture_output=True, text=True, timeout=TIMEOUT_S, check=False,
        )  # fmt: skip
        self.assertEqual(watch.returncode, 0, watch.stderr)
        flap.kill()
        flap.wait()
        self.assertEqual(self.end(process), ENDED)


class LogTest(EdgeTest):
    def test_a_full_pipe_at_stderr_stops_nothing(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writing, b"x" * 4096)
        os.set_blocking(writing, True)
        process = self.serve("--log-level", "debug", stderr=writing)
        os.close(writing)
        self.settle()
        for _ in range(50):
            process.send_signal(signal.SIGHUP)
        self.settle()
        self.assertEqual(self.end(process), ENDED)

    def test_a_command_line_error_goes_to_stderr(self):
        done = self.run_sasd("--lisen", "x")
        self.assertEqual(done.returncode, BAD_CONFIGURATION)
        self.assertIn("--lisen", done.stderr)


class DescriptorTest(EdgeTest):
    def test_closed_standard_streams_become_dev_null(self):
        process = subprocess.Popen(
            ["/bin/sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', SASD]
            + ["--fabric", "demo", "--listen", self.address]
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.settle()
        for fd in range(3):
            self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{fd}"), "/dev/null")
        self.assertEqual(self.end(process), ENDED)


class MemoryTest(EdgeTest):
    def test_out_of_memory_is_a_line_and_a_code(self):
        """Under such a limit gRPC aborts, or waits for a thread that it cannot start."""
        for mebibytes in 160, 200:
            limit = mebibytes << 20
            process = self.serve(
                stderr=subprocess.PIPE,
                text=True,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
            )
            _, stderr = process.communicate(timeout=TIMEOUT_S)
            self.assertEqual(process.returncode, OUT_OF_MEMORY, stderr)
            self.assertIn("sasd: out of memory", stderr)
            self.assertIn(f"the limit (RLIMIT_AS) is {mebibytes} MiB; sasd needs", stderr)


class FileTest(EdgeTest):
    def test_files_without_an_end_are_refused(self):
        os.mkfifo(self.path("fifo"))
        for path, kind in ((self.path("fifo"), "a FIFO"), ("/dev/zero", "a device")):
            for option, code in (("--fabric", START_FAILED), ("--config", BAD_CONFIGURATION)):
                done = self.run_sasd(option, path, "--listen", self.address)
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn(f"{path}: {kind}, not a regular file", done.stderr)


class ConfigurationTest(EdgeTest):
    def test_check_config_prints_what_is_in_effect(self):
        file = self.write("sasd.toml", 'log-level = "debug"\nattach-grace = "90s"\n')
        done = self.run_sasd(
            "--check-config", "--config", file, "--seed", "7",
            env={**os.environ, "SASD_BOOT_GRACE": "1min"},
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stderr)
        for line in (
            f'log-level = "debug"  # {file}:1:1',
            f'attach-grace = "1min 30s"  # {file}:2:1',
            "seed = 7  # --seed",
            'boot-grace = "1min"  # SASD_BOOT_GRACE',
            "journal = true  # default",
        ):
            self.assertIn(line + "\n", done.stdout)

    def test_check_config_prints_every_fault(self):
        file = self.write("sasd.toml", 'lisen = "x"\n\nlog-level = "loud"\n')
        for options in (["--check-config"], []):
            done = self.run_sasd(*options, "--config", file)
            self.assertEqual(done.returncode, BAD_CONFIGURATION)
            self.assertIn(
                f'sasd: {file}:1:1: unknown option "lisen"; did you mean "listen"?\n'
                f"sasd: {file}:3:13: log-level: expected debug, info, warning, error or off\n",
                done.stderr,
            )
            self.assertEqual(done.stdout, "")

    def test_a_missing_file_is_an_error_if_it_is_named(self):
        done = self.run_sasd("--check-config", "--config", self.path("nothing"))
        self.assertEqual(done.returncode, BAD_CONFIGURATION)
        self.assertIn(self.path("nothing"), done.stderr)
        self.assertEqual(self.run_sasd("--check-config", "--config", "").returncode, 0)

    def test_hangup_takes_what_it_can_and_says_what_it_cannot(self):
        file = self.write("sasd.toml", 'log-level = "error"\n')
        process = self.serve("--config", file, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stderr.close)
        self.settle()

        def hang_up_until(text):
            process.send_signal(signal.SIGHUP)
            for line in process.stderr:
                if text in line:
                    return
            self.fail(f"sasd ended without {text!r}")

        self.write("sasd.toml", 'log-level = "info"\nattach-grace = "5s"\nseed = 8\n')
        hang_up_until("seed = 8 needs a restart")
        self.write("sasd.toml", 'log-level = "debug"\nattach-grace = 5\n')
        hang_up_until(f"{file}:2:16: attach-grace: a duration has a unit")
        self.settle()
        # The level is still "info", so this is logged.
        self.write("sasd.toml", 'log-level = "info"\nattach-grace = "6s"\nseed = 8\n')
        hang_up_until('attach-grace = "6s"')
        self.assertEqual(self.end(process), ENDED)


if __name__ == "__main__":
    unittest.main()
