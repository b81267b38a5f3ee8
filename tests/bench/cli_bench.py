#!/usr/bin/python3
"""How long commands of sasctl take on a large node, and what memory they need.

tests/bench/cli_bench.py [--bin bazel-bin]     (bazel build -c opt //daemon:sasd //cli:sasctl)

Prints the figures of docs/operations.md: start of sasctl to its last byte, and a Tab in bash, zsh and
fish to the word on the screen; the best of some runs.
"""

import argparse
import fcntl
import os
import pty
import re
import resource
import select
import shutil
import struct
import subprocess
import tempfile
import termios
import time

SMALL, LARGE = "synthetic:4x25x100", "synthetic:10x100x100"  # 10,000 and 100,000 devices
RUNS = 7


class Node:
    def __init__(self, folder, fabric):
        self.folder, self.fabric = folder, fabric

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory(dir="/tmp")
        self.address = f"unix:{self.directory.name}/s"
        self.sasd = subprocess.Popen(
            [f"{self.folder}/daemon/sasd", "--fabric", self.fabric, "--listen", self.address,
             "--log-level", "warning"]
        )  # fmt: skip
        self.run("wait", "--settled", "--timeout", "600s")
        return self

    def __exit__(self, *_):
        self.sasd.kill()
        self.sasd.wait()
        self.directory.cleanup()

    def run(self, *words):
        """Seconds, bytes printed, KiB of memory and seconds of CPU."""
        begin = time.monotonic()
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen(
                [f"{self.folder}/cli/sasctl", *words],
                stdout=out, env={**os.environ, "SASD_ADDR": self.address},
            )  # fmt: skip
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            assert process.returncode == 0, words
            cpu = usage.ru_utime + usage.ru_stime
            return time.monotonic() - begin, os.fstat(out.fileno()).st_size, usage.ru_maxrss, cpu

    def best(self, *words):
        runs = [self.run(*words) for _ in range(RUNS)]
        seconds, size, memory, cpu = min(runs)
        print(f"{self.fabric}: {' '.join(words)}: {seconds * 1000:.0f} ms, of these {cpu * 1000:.0f} ms "
              f"of sasctl; {size} bytes, {memory / 1024:.1f} MiB", flush=True)  # fmt: skip
        return seconds


class Shell:
    """A real shell on a terminal, with the completion of sasctl."""

    SHELLS = {
        "bash": (["--norc", "--noprofile"], "source <(sasctl completion bash)"),
        "zsh": (["-f"], "source <(sasctl completion zsh)"),
        "fish": (["--private"], "sasctl completion fish | source"),
    }

    def __init__(self, name, node):
        self.name = name
        arguments, script = self.SHELLS[name]
        self.home = tempfile.TemporaryDirectory()
        path = os.path.abspath(f"{node.folder}/cli") + ":" + os.environ["PATH"]
        env = {"HOME": self.home.name, "TERM": "vt100", "PATH": path, "PS1": "$ ",
               "SASD_ADDR": node.address, "LC_ALL": "C.UTF-8", "XDG_CONFIG_HOME": self.home.name,
               "XDG_DATA_HOME": self.home.name}  # fmt: skip
        self.main, side = pty.openpty()
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
        self.process = subprocess.Popen(
            [name, *arguments], stdin=side, stdout=side, stderr=side, env=env, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
        os.close(side)
        self.type(script + "; echo rea''dy\n", "ready")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.main)
        self.home.cleanup()

    def type(self, keys, wanted):
        """Seconds from the keys to the text on the screen."""
        begin = time.monotonic()
        os.write(self.main, keys.encode())
        text = ""
        while wanted not in text:
            ready, _, _ = select.select([self.main], [], [], 60)
            assert ready, (self.name, keys, text)
            part = os.read(self.main, 65536).decode(errors="replace")
            text += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\0\r\x0e\x0f]", "", part)
        return time.monotonic() - begin

    def best(self, line, wanted):
        """Of a Tab behind a line that only `wanted` completes. The line is cleared in between."""
        runs = []
        for _ in range(RUNS):
            self.type(line, line.split()[-1])
            time.sleep(0.2)  # the shell's own suggestions
            runs.append(self.type("\t", wanted))
            self.type("\x15echo cle''ared\n", "cleared")
        return min(runs)


def complete_in_shells(node):
    """A Tab behind the beginning of an object's name, for which sasctl looks among all objects."""
    enclosure = subprocess.run(
        [f"{node.folder}/cli/sasctl", "--addr", node.address, "list", "enclosures", "-o", "name"],
        stdout=subprocess.PIPE, text=True, check=True,
    ).stdout.split()[0]  # fmt: skip
    node.run("alias", "set", enclosure, "rack3-top")
    for name in Shell.SHELLS:
        if not shutil.which(name):
            print(f"{node.fabric}: {name} is not there")
            continue
        with Shell(name, node) as shell:
            seconds = shell.best("sasctl show rack3", "-top")
        print(f"{node.fabric}: a Tab in {name}: {seconds * 1000:.0f} ms", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default="bazel-bin")
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with Node(options.bin, SMALL) as node:
        complete, patient = ("__complete", "--"), ("--timeout", "600s")
        node.best(*complete, "sh")
        for line in (("show", ""), ("show", "5000"), ("list", "drives", "-f", "serial=S"),
                     ("list", "drives", "-f", "behind="), ("history", "1")):  # fmt: skip
            node.best(*complete, *line)
        complete_in_shells(node)
        ratio = node.best("summary", *patient) / node.best("tree", *patient)
        print(f"{SMALL}: summary takes {ratio:.2f} of tree")
        node.best("list", "drives")
    with Node(options.bin, LARGE) as node:
        node.best("list", "drives")
        node.best("list", "drives", "-o", "jsonl")


if __name__ == "__main__":
    main()
