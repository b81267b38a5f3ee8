"""sasd in the guest: starts it, queries it with sasctl, and judges its log, its process and its Watch stream."""

import json
import re
import time

from sasctl_table import NOUNS, Picture, from_lists, picture_of
from vm import LINES_PORT
from watch_contract import WatchContract

SETTLE_S = 60
FOLDER = "/run/sasd"
# A snapshot by one process, because a start takes a second under TCG. It ends after the last line of the snapshot.
# (Busybox' sed would wait for one more line.)
SNAPSHOT = f"""
{{ sasctl watch --snapshot -o jsonl & echo $! >{FOLDER}/watch.pid; wait; }} 2>{FOLDER}/watch.error |
  {{ awk '{{ print }} /^."synced"/ {{ exit }}'; kill "$(cat {FOLDER}/watch.pid)"; }}
grep -v "^sasctl: at revision" {FOLDER}/watch.error >&2
true
"""
LOG_LINE = re.compile(r"^\[[-\d: .]+\] \[sasd\] \[(\w+)\] (.*)$")
FINE_LEVELS = ("debug", "info")
# A finding that came or went, as sasd reports it: the scenarios' faults cause them.
FINDING = re.compile(r"^([A-Z_]+( changed| ended)?: .* \[[^\]]*\]|more findings: .*)$")
# The guest's disk is its memory, and its one processor is emulated: a journal that is not written for a second means
# that other programs had the host's processors. sasd reports that as it must. It is no trouble if the journal is
# written again afterwards.
STALL = r"the journal cannot be written: the disk has not taken an event for [\d.]+s; "
# (a stall, its end): the journal's own lines, and those of the finding, which has no object.
STALLS = (
    (re.compile("^" + STALL), re.compile("^the journal is written again$")),
    (re.compile("^JOURNAL_STALLED: .*" + STALL), re.compile("^JOURNAL_STALLED ended: ")),
)
# Allow-lists of scenarios: (pattern, reason) of lines that are no trouble, as in kernel_log.
HBA_GONE = ((r"^host\d+: the HBA is gone; only sysfs reports this host", "asked for"),)


class Sasd:
    """The daemon in one machine."""

    program = "/usr/bin/sasd"

    def __init__(self, vm):
        self.vm = vm
        self.pid = None
        self.picture = Picture()
        self.contract = WatchContract()
        self.lines_read = 0  # of vm.lines
        self.watch_pid = None
        self.log_lines_judged = 0

    def start(self, options="", prefix=""):
        """Starts sasd and a Watch client. Returns once sasd serves and the client is synchronized. `prefix`: a command
        that becomes sasd."""
        self.pid = self.launch(options, prefix)
        self.settle()
        self.follow()

    def launch(self, options, prefix):
        """Starts sasd. Returns its process."""
        program = f"{prefix} sasd {options} </dev/null >>{FOLDER}/out 2>>{FOLDER}/log"
        self.vm.run(f"mkdir -p {FOLDER} /var/lib; {program} & echo $! >{FOLDER}/pid")
        return int(self.vm.run(f"cat {FOLDER}/pid").out)

    def follow(self):
        """Starts a Watch client with an empty picture. Returns once it is synchronized."""
        self.picture, self.contract, self.lines_read = Picture(), WatchContract(), self.vm.lines.position()
        watch = f"sasctl watch --snapshot -o jsonl </dev/null >{LINES_PORT} 2>/dev/null"
        self.watch_pid = int(self.vm.run(f"{watch} & echo $!").out)
        self.vm.lines.wait_for(
            lambda text: text.startswith('{"synced"'), self.lines_read, timeout_s=SETTLE_S * self.vm.patience
        )

    def stop(self, signal="TERM", timeout_s=SETTLE_S):
        """Ends the Watch client, and sasd with the signal. Returns once both are gone."""
        longest = round(50 * timeout_s * self.vm.patience)
        for pid in (self.watch_pid, self.pid):
            looks = f"n=0; while [ -e /proc/{pid} ] && [ $((n += 1)) -lt {longest} ]; do usleep 20000; done"
            gone = self.vm.run(f"kill -{signal} {pid}; {looks}; [ ! -e /proc/{pid} ]", check=False, timeout_s=5 * timeout_s)
            if gone.code != 0:
                raise AssertionError(f"process {pid} runs {timeout_s} s after SIG{signal}")

    def ctl(self, arguments, check=True):
        """The Result of `sasctl ARGUMENTS`."""
        # The guest may be slow: other programs share the host's processors.
        patience = "" if "--timeout" in arguments else f" --timeout {SETTLE_S * self.vm.patience}s"
        return self.vm.run(f"sasctl {arguments}{patience}", check=check)

    def settle(self):
        self.ctl(f"wait --settled --timeout {SETTLE_S * self.vm.patience}s")

    def table(self):
        """The Table of our Watch client's picture by now. Raises Broken for an event that breaks the contract."""
        lines = self.vm.lines.text()
        for line in lines[self.lines_read :]:
            self.picture.read(line)
            self.contract.read(line)
        self.lines_read = len(lines)
        return self.picture.table()

    def judge_watch(self, timeout_s=SETTLE_S):
        """Raises if our Watch client's picture differs from a new snapshot in any field."""
        deadline = self.vm.deadline(timeout_s)
        while True:
            snapshot = picture_of(self.vm.run(SNAPSHOT).out)
            if not snapshot.whole:
                raise AssertionError("the snapshot is incomplete")
            self.table()
            if self.picture.objects == snapshot.objects:
                return
            if time.monotonic() > deadline:
                ours, new = self.picture.objects, snapshot.objects
                lines = [f"{n}: {ours.get(n)} instead of {new.get(n)}" for n in ours.keys() | new.keys() if ours.get(n) != new.get(n)]
                raise AssertionError("the Watch client's picture differs from a snapshot:\n" + "\n".join(lines[:10]))

    def listed_table(self):
        """The Table of `sasctl list`."""
        return from_lists({noun: self.ctl(f"list {noun} -o json").out for noun in NOUNS})

    def status(self):
        """The answer of `sasctl status`, which calls GetNode."""
        return json.loads(self.ctl("status -o json").out)

    def lost_events(self):
        return int(self.status().get("lostEventCount", 0))

    def events(self, after=0, options=""):
        """The events of sasd's event log after a revision, in parts."""
        return [json.loads(line) for line in self.ctl(f"events --after {after} {options} -o jsonl").out.splitlines()]

    def signal(self, name):
        self.vm.run(f"kill -{name} {self.pid}")

    def nodes(self):
        """The device nodes that sasd has open."""
        links = self.vm.run(f"ls -l /proc/{self.pid}/fd 2>/dev/null; true").out.split()
        return sorted({link for link in links if link.startswith("/dev/") and link != "/dev/null"})

    def let_go(self, timeout_s=30):
        """Makes sasd close the control nodes, which pin the kernel's module."""
        if not self.nodes():
            return
        self.signal("USR1")
        deadline = self.vm.deadline(timeout_s)
        while self.nodes():
            if time.monotonic() > deadline:
                raise AssertionError(f"sasd holds {self.nodes()} {timeout_s} s after SIGUSR1")

    def cpu_s(self):
        """The CPU time of sasd's threads, in seconds."""
        runs = self.vm.run(f"cat /proc/{self.pid}/task/*/schedstat").out.splitlines()
        return sum(int(line.split()[0]) for line in runs) / 1e9

    def log(self):
        return self.vm.run(f"cat {FOLDER}/log").out.splitlines()

    def log_of_a_whole_journal(self, timeout_s=SETTLE_S):
        """The log, once no stall of the journal is the last that it says of it; at the deadline as it is."""
        deadline = self.vm.deadline(timeout_s)
        while True:
            lines = self.log()
            if not ends_stalled(lines[self.log_lines_judged :]) or time.monotonic() > deadline:
                return lines

    def judge(self, *allow_lists):
        """Raises if sasd is not the started process, for new bad lines in its log, and as judge_watch()."""
        program = self.vm.run(f"readlink /proc/{self.pid}/exe", check=False).out.strip()
        lines = self.log_of_a_whole_journal()
        if program != self.program:
            raise AssertionError("sasd is gone; the end of its log:\n" + "\n".join(lines[-15:]))
        self.judge_watch()
        new, self.log_lines_judged = lines[self.log_lines_judged :], len(lines)
        bad = bad_lines(new, *allow_lists)
        if bad:
            raise AssertionError(f"{len(bad)} bad lines in sasd's log:\n" + "\n".join(bad[:30]))


def texts(lines):
    return [match.group(2) if match else line for line, match in ((line, LOG_LINE.match(line)) for line in lines)]


def ends_stalled(lines):
    """Whether the journal stalled and was not written again."""
    for begin, end in STALLS:
        stalled = False
        for text in texts(lines):
            stalled = bool(begin.match(text)) or (stalled and not end.match(text))
        if stalled:
            return True
    return False


def bad_lines(lines, *allow_lists):
    """The lines of sasd's log that have level warning or worse, or are not log lines."""
    allowed = [re.compile(p) for group in allow_lists for p, _ in group]
    bad = []
    for at, line in enumerate(lines):
        match = LOG_LINE.match(line)
        text = match.group(2) if match else line
        fine = match and (match.group(1) in FINE_LEVELS or FINDING.match(text))
        for begin, end in STALLS:
            if match and begin.match(text):
                fine = any(end.match(later) for later in texts(lines[at:]))
        if not fine and not any(p.search(text) for p in allowed):
            bad.append(line)
    return bad
