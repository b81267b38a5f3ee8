"""A virtual machine: boots a kernel, runs commands in it, keeps its log.

    with Vm(image) as vm:
        print(vm.run("lsscsi -t").out)

A `wrapper` is a command that starts QEMU. Its arguments are QEMU's command line (sashba).
"""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass

QEMU = "qemu-system-x86_64"
BOOT_DEADLINE_S = 90
# The guest's port for lines that the host gets at once, with their times.
LINES_PORT = "/dev/virtio-ports/lines"


class VmError(Exception):
    """The machine did not do the requested. The text has the end of its console."""


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str
    raw: bytes  # the bytes of `out`


class Lines:
    """The lines that the guest writes to a port, with times of the host's clock. A thread reads them.

    Thread-safe."""

    def __init__(self, connection, path):
        self.changed = threading.Condition()
        self.lines = []  # (monotonic seconds, text)
        self.ended = False
        self.connection = connection
        self.log = open(path, "w", encoding="utf-8")  # pylint: disable=consider-using-with
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        with self.log, self.connection.makefile("rb") as stream:
            for raw in stream:
                text = raw.decode("utf-8", "replace").rstrip("\r\n")
                self.log.write(text + "\n")
                self.log.flush()
                with self.changed:
                    self.lines.append((time.monotonic(), text))
                    self.changed.notify_all()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def position(self):
        """The present end of the lines, for wait_for()."""
        with self.changed:
            return len(self.lines)

    def text(self):
        with self.changed:
            return [text for _, text in self.lines]

    def await_more(self, since, timeout_s):
        """Waits for a line beyond `since`. False if none came."""
        with self.changed:
            return self.changed.wait_for(lambda: len(self.lines) > since or self.ended, timeout_s)

    def wait_for(self, matches, since=0, timeout_s=60):
        """The first line from `since` for which matches(text) is true."""
        return self.wait_for_timed(matches, since, timeout_s)[1]

    def wait_for_timed(self, matches, since=0, timeout_s=60):
        """As wait_for(), but returns (monotonic seconds, text)."""
        deadline = time.monotonic() + timeout_s
        with self.changed:
            while True:
                for at, text in self.lines[since:]:
                    if matches(text):
                        return at, text
                since = len(self.lines)
                left = deadline - time.monotonic()
                if left <= 0 or self.ended:
                    raise VmError(f"no such line in {timeout_s} s")
                self.changed.wait(left)


class Qmp:
    """QEMU's control channel."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(path)
        self.stream = self.socket.makefile("rb")
        self.stream.readline()  # the greeting
        self.call("qmp_capabilities")

    def call(self, command, **arguments):
        request = {"execute": command, "arguments": arguments}
        self.socket.sendall(json.dumps(request).encode() + b"\n")
        while True:
            answer = json.loads(self.stream.readline())
            if "error" in answer:
                raise AssertionError(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def close(self):
        self.socket.close()


class Vm:
    """One boot. `folder` gets console.log, and requests.log with the time of each run(); without one it is temporary."""

    # pylint: disable=too-many-instance-attributes
    def __init__(self, image, wrapper=(), qemu_arguments=(), folder=None, memory_mb=768, append=""):
        self.image = image
        self.wrapper = list(wrapper)
        self.qemu_arguments = list(qemu_arguments)
        self.memory_mb = memory_mb
        self.append = append
        self.boot_deadline_s = BOOT_DEADLINE_S
        self.patience = 1  # times all deadlines but that of the boot
        self.first_devices = []  # in front of all others
        self.own_folder = folder is None
        self.folder = folder or tempfile.mkdtemp(prefix="sasd-vm.", dir="/tmp")
        # The path of a unix socket must be short.
        self.sockets = tempfile.mkdtemp(prefix="vm", dir="/tmp")
        self.process = None
        self.console = None
        self.lines = None  # of LINES_PORT
        self.agent = None
        self.qmp = None
        self.requests = 0

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def command(self, shell=False):
        """QEMU's command line. With `shell` the terminal is the guest's console, and no agent runs."""
        kernel = "console=ttyS0 panic=-1 printk.time=1 log_buf_len=8M sysrq_always_enabled " + self.append
        if shell:
            channels = ["-serial", "mon:stdio"]
            kernel += " vm.shell quiet"
        else:
            channels = [
                *("-chardev", f"socket,id=console,path={self.sockets}/c"),
                *("-serial", "chardev:console"),
                *("-chardev", f"socket,id=agent,path={self.sockets}/a"),
                *("-device", "virtio-serial-pci,addr=1e"),
                *("-device", "virtserialport,chardev=agent,name=agent"),
                *("-chardev", f"socket,id=lines,path={self.sockets}/l"),
                *("-device", "virtserialport,chardev=lines,name=lines"),
                *("-qmp", f"unix:{self.sockets}/q,server=on,wait=off"),
            ]
        return [
            *self.wrapper,
            QEMU,
            *("-accel", "tcg,thread=single", "-cpu", "qemu64", "-smp", "1"),
            *("-m", f"{self.memory_mb}M"),
            "-object",
            f"memory-backend-memfd,id=mem,size={self.memory_mb}M,share=on",
            *("-machine", "q35,memory-backend=mem"),
            *("-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"),
            *("-kernel", self.image.kernel, "-initrd", self.image.initramfs),
            *("-append", kernel.strip()),
            *self.first_devices,
            *channels,
            *self.qemu_arguments,
        ]

    def start(self):
        listeners = [listen(os.path.join(self.sockets, name)) for name in "cal"]
        # pylint: disable=consider-using-with
        open(os.path.join(self.folder, "requests.log"), "w", encoding="utf-8").close()
        with open(os.path.join(self.folder, "qemu.log"), "wb") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            console, self.agent, lines = (self.accept(listener) for listener in listeners)
            path = os.path.join(self.folder, "console.log")
            self.console = Lines(console, path)
            self.lines = Lines(lines, os.path.join(self.folder, "lines.log"))
            self.stream = self.agent.makefile("rb")
            self.agent.settimeout(self.boot_deadline_s)
            self.read_line("READY")
            self.qmp = Qmp(os.path.join(self.sockets, "q"))
        except BaseException:
            self.kill()
            raise

    def accept(self, listener):
        deadline = time.monotonic() + self.boot_deadline_s
        listener.settimeout(0.2)
        with listener:
            while True:
                try:
                    return listener.accept()[0]
                except socket.timeout:
                    if self.process.poll() is not None or time.monotonic() > deadline:
                        raise self.failure("QEMU did not start") from None

    def read_line(self, begin):
        try:
            line = self.stream.readline().decode()
        except socket.timeout:
            self.show_tasks()
            raise self.failure(f"no answer that begins with {begin!r} in time") from None
        if not line.startswith(begin):
            raise self.failure(f"the agent said {line!r} instead of {begin!r}")
        return line

    def run(self, script, data=b"", check=True, timeout_s=120):
        """Runs a shell script in the guest, with `data` as its input."""
        self.requests += 1
        begin = time.monotonic()
        body = script.encode()
        self.agent.settimeout(timeout_s * self.patience)
        self.agent.sendall(b"%d %d %d\n" % (self.requests, len(body), len(data)) + body + data)
        words = self.read_line(f"{self.requests} ").split()
        code, size, error_size = (int(word) for word in words[1:])
        raw, error = self.stream.read(size), self.stream.read(error_size)
        with open(os.path.join(self.folder, "requests.log"), "a", encoding="utf-8") as log:
            log.write(f"{self.requests} {begin:.2f} {time.monotonic() - begin:.2f} s {script[:100]!r}\n")
        result = Result(code, raw.decode("utf-8", "replace"), error.decode("utf-8", "replace"), raw)
        if check and code != 0:
            raise VmError(f"exit code {code} of {script!r}: {result.err.strip() or result.out}")
        return result

    def push(self, path, data, mode="755"):
        """Writes a file in the guest."""
        self.run(f"cat > '{path}' && chmod {mode} '{path}'", data)

    def pull(self, path):
        return self.run(f"cat '{path}'").raw

    def deadline(self, timeout_s):
        """The monotonic time when a wait of so many seconds on an ordinary machine has lasted too long on this one."""
        return time.monotonic() + timeout_s * self.patience

    def start_job(self, name, script):
        """Runs a script in the background; job_result() returns its result."""
        self.push(f"/run/job.{name}", script.encode())
        self.run(
            f"cd /run; rm -f job.{name}.code; "
            f"(sh job.{name} >job.{name}.out 2>&1; echo $? >job.{name}.code) >/dev/null 2>&1 &"
        )

    def job_result(self, name):
        """(code, output) of a job. The code is None while the job runs."""
        text = self.run(f"cat /run/job.{name}.code 2>/dev/null || echo running").out.strip()
        output = self.run(f"cat /run/job.{name}.out").out
        return (None if text in ("running", "") else int(text)), output

    def failure(self, what):
        lines = self.console.text()[-15:] if self.console else []
        with open(os.path.join(self.folder, "qemu.log"), encoding="utf-8", errors="replace") as log:
            lines += log.read().splitlines()[-5:]
        return VmError("\n".join([f"{what}; the end of the logs in {self.folder}:", *lines]))

    def show_tasks(self):
        """Makes the guest's kernel write what each of its tasks does, and waits for, to console.log."""
        if self.qmp is None:
            return
        try:
            for key in b"lwtm":  # of sysrq.txt: backtraces of CPUs, blocked tasks, all tasks, memory
                self.qmp.call("chardev-send-break", id="console")
                self.console.connection.sendall(bytes([key]))
                deadline = time.monotonic() + 30
                while self.console.await_more(self.console.position(), 3) and time.monotonic() < deadline:
                    pass
        except OSError:
            pass  # QEMU does not answer either

    def kernel_log(self):
        """The kernel's ring buffer, with levels ("<6>[    1.234] text")."""
        return self.run("dmesg -r").out.splitlines()

    def power_off(self, timeout_s=60):
        """Powers the guest off. Returns the exit code of the wrapper, or of QEMU."""
        self.agent.sendall(b"0 0 0\n")
        try:
            code = self.process.wait(timeout=timeout_s * self.patience)
        except subprocess.TimeoutExpired:
            raise self.failure("the guest did not power off") from None
        self.console.thread.join(timeout=10)
        return code

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def close(self):
        if self.qmp is not None:
            self.qmp.close()
        self.kill()
        shutil.rmtree(self.sockets, ignore_errors=True)
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)


def listen(path):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    return listener
