#!/usr/bin/python3
"""How long commands of sasctl take on a large node, and what memory they need.

tests/bench/cli_bench.py [--bin bazel-bin]     (bazel build -c opt //daemon:sasd //cli:sasctl)

Prints the figures of docs/operations.md: start of sasctl to its last byte, the best of some runs.
"""

import argparse
import os
import resource
import subprocess
import tempfile
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
        ratio = node.best("summary", *patient) / node.best("tree", *patient)
        print(f"{SMALL}: summary takes {ratio:.2f} of tree")
        node.best("list", "drives")
    with Node(options.bin, LARGE) as node:
        node.best("list", "drives")
        node.best("list", "drives", "-o", "jsonl")


if __name__ == "__main__":
    main()
