"""Scenarios about sasd beside the kernel's driver. All other scenarios compare its picture, too."""

import collections
import json
import os
import re
import statistics
import time

import kernel_log
from scenarios import SHORT, addresses_of, expect, scenario
from table import KINDS


@scenario(length=SHORT)
def sasd_agrees(rig):
    """`sasctl list` and a Watch snapshot agree with fabric and kernel, for every kind of object."""
    rig.sasd.settle()
    kinds = {key[0] for key in rig.lists_agree()}
    expect(kinds == set(KINDS) - {"lun"}, f"sasd reports only {sorted(kinds)}")


class Stopwatch:
    """Measures the time from an act on the fabric to the Watch client's lines in the guest, by the host's clock."""

    def __init__(self, rig):
        self.rig = rig
        self.times = {}  # what -> milliseconds

    def act(self, verb, fields, **awaited):
        """Calls `verb` with `fields`. `awaited`: name -> condition of an event; waits for all of them."""
        lines = self.rig.vm.lines
        since, start = lines.position(), time.monotonic()
        self.rig.call(verb, **fields)
        for what, is_it in awaited.items():
            at, _ = lines.wait_for_timed(lambda text, f=is_it: f(json.loads(text)), since, 60 * self.rig.vm.patience)
            self.times.setdefault(f"{verb} to {what}", []).append((at - start) * 1e3)

    def report(self):
        for what, times in self.times.items():
            middle = statistics.median(times)
            print(f"     {what}: {middle:.0f} ms ({min(times):.0f} to {max(times):.0f} in {len(times)})")


def change_of(kind, **fields):
    """A condition: the event has a change of that kind (None: any), of an object with these fields (value or set)."""

    def is_it(event):
        for change in event.get("changes", ()):
            (found,) = change["resource"].values()
            same = (found.get(k) in (v if isinstance(v, set) else {v}) for k, v in fields.items())
            if (kind is None or change["kind"] == "CHANGE_KIND_" + kind) and all(same):
                return True
        return False

    return is_it


def both(*conditions):
    """A condition: every given condition has been true of some event so far."""
    left = list(conditions)

    def is_it(event):
        left[:] = [condition for condition in left if not condition(event)]
        return not left

    return is_it


@scenario(kernel_log.REMOVAL)
def watch_latency(rig):
    """Prints the time from a firmware event to a Watch client in the guest, without a limit."""
    drive, lane = {"element": "jbod1-disk03"}, {"element": "hba0", "phy": 1}
    paths = addresses_of(rig, drive["element"])
    state = "DEVICE_STATE_ATTACHED"
    watch = Stopwatch(rig)
    for _ in range(3):
        removed = [change_of("REMOVED", sasAddress=path) for path in paths]
        attached = [change_of(None, sasAddress=path, state=state) for path in paths]
        added = change_of("ADDED", sasAddress=paths)
        watch.act("Pull", drive, first_path_removed=change_of("REMOVED", sasAddress=paths), removed=both(*removed))
        watch.act("Insert", drive, first_path_added=added, attached=both(*attached))
        for up in (False, True):
            phy = change_of("MODIFIED", phyIdentifier=lane["phy"])
            watch.act("SetPhy", {**lane, "up": up}, phy_changed=phy)
    watch.report()
    rig.agree()


RING = 200  # entries of the kernel's event log
LOG_ENTRY = 0x21  # MPI2_EVENT_LOG_ENTRY_ADDED


class CtlUser:
    """Another program in the guest that uses the event log of hba0 (guest/ctl_user.cc)."""

    def __init__(self, rig):
        self.rig, self.vm = rig, rig.vm
        (host,) = rig.call("GetHostTruth", element="hba0").truth.sas_address,
        found = rig.vm.run(
            f"cd /sys/class/scsi_host; for h in *; do [ $(cat $h/host_sas_address) = 0x{host} ]"
            " && cat $h/proc_name $h/unique_id; done; true"
        ).out.split()
        self.command = f"ctl_user /dev/{found[0].replace('sas', '')}ctl {found[1]}"

    def mask(self):
        """The codes of the events that the log records."""
        return {int(code) for code in self.vm.run(self.command + " query").out.split()}

    def enable(self, *codes):
        self.vm.run(f"{self.command} enable {' '.join(map(str, codes))}")

    def __enter__(self):
        """Starts a program that follows the log. Returns once it has read an entry."""
        script = f"{self.command} follow </dev/null >/run/ctl_user.out 2>/run/ctl_user.error & echo $!"
        self.pid = int(self.vm.run(script).out)
        self.rig.call("FlapPhy", element="hba0", phy=1, count=1)
        self.rig.poll(lambda: self.newest() >= 0, 30, "the other program reads the log")
        self.rig.agree()
        return self

    def __exit__(self, *_):
        self.vm.run(f"kill {self.pid}")

    def contexts(self):
        """The entries that the program has read by now: context -> code."""
        lines = self.vm.run("cat /run/ctl_user.out").out.splitlines()
        return {int(line.split()[0]): int(line.split()[1]) for line in lines if line.count(" ") == 1}

    def newest(self):
        return max(self.contexts(), default=-1)

    def newest_in_log(self):
        lines = self.vm.run(self.command + " read").out.splitlines()
        return max(int(line.split()[0]) for line in lines)

    def await_all(self, least):
        """Waits until the log has this entry and its newest one is the same at two looks: the kernel takes events
        before it runs a program. Looks at the log itself, since the program that follows may be late. Returns the
        newest entry."""
        looks = [-1, -1]

        def stands_still():
            looks[:] = looks[1], self.newest_in_log()
            return looks[0] == looks[1] >= least

        self.rig.poll(stands_still, 120, "all events are in the log")
        return looks[1]


def resyncs(events, host):
    """The causes of rescans of a host after lost events."""
    causes = [event["cause"] for event in events if event["cause"]["kind"] == "CAUSE_KIND_RESYNC"]
    return [cause for cause in causes if cause.get("host", "").endswith(host)]


@scenario()
def event_overrun(rig):
    """sasd is stopped until the kernel's event log overflows: it counts the loss and rescans once."""
    rig.agree()
    before, revision = rig.sasd.lost_events(), rig.sasd.status()["revision"]
    host, flaps = rig.call("GetHostTruth", element="hba0").truth.sas_address, RING
    with CtlUser(rig) as user:
        first = user.newest()
        rig.sasd.signal("STOP")
        try:
            rig.call("FlapPhy", element="hba0", phy=1, count=flaps)
            newest = user.await_all(first + 2 * flaps)
        finally:
            rig.sasd.signal("CONT")
        lost = newest - first - RING
        rig.poll(lambda: rig.sasd.lost_events() != before, 60, "sasd reports a loss")
    rig.agree()
    declared = rig.sasd.lost_events() - before
    causes = resyncs(rig.sasd.events(revision), host)
    print(f"     {newest - first} events, {lost} beyond the ring, {declared} reported as lost, {len(causes)} rescans")
    expect(declared == lost, f"{declared} events reported as lost instead of {lost}")
    expect(len(causes) == 1 and causes[0]["lostEventCount"] == lost, f"not one rescan: {causes}")


@scenario(kernel_log.REMOVAL)
def shared_event_log(rig):
    """Other programs choose events and read the log beside sasd: none of them loses events."""
    user = CtlUser(rig)
    mask = user.mask()
    expect(mask, "sasd has enabled no events")
    user.enable(LOG_ENTRY)
    rig.poll(lambda: user.mask() >= mask | {LOG_ENTRY}, 30, "the log records sasd's events again")
    rig.agree()
    before = rig.sasd.lost_events()
    with user:
        first = user.newest()
        for _ in range(5):
            rig.call("Pull", element="jbod3-disk11")
            rig.agree()
            rig.call("Insert", element="jbod3-disk11")
            rig.agree()
        entry = {"qualifier": 3, "text": "vm"}
        rig.call("InjectNotice", element="hba0", log_entry=entry)
        rig.poll(lambda: LOG_ENTRY in user.contexts().values(), 30, "the other program reads its event")
        contexts = sorted(context for context in user.contexts() if context > first)
    expect(contexts == list(range(first + 1, contexts[-1] + 1)), f"the other program has lost events: {contexts}")
    lost = rig.sasd.lost_events() - before
    expect(lost == 0, f"sasd has lost {lost} events")


IDLE_S = 20
# Under TCG, which is 10 to 20 times slower: 0.1 % of a real core.
IDLE_CPU = 0.02
# The folder that an opened path is relative to, and the path.
OPEN = re.compile(r'\bopen(?:at2?)?\((?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"([^"]*)"')
LISTED = re.compile(r"\bgetdents(?:64)?\(\d+<([^>]*)>")
# The attribute that counts resets, and the folders above it.
RESET_COUNT = re.compile(r"/ioc_reset_count$|^/sys(/class(/scsi_host)?)?$|/scsi_host/host\d+$")


def looked_at(trace):
    """The paths that were opened or listed, from strace's lines."""
    opened = [os.path.normpath(os.path.join(folder or "/", path)) for folder, path in OPEN.findall(trace)]
    return sorted(set(opened + LISTED.findall(trace)))


@scenario()
def idle(rig):
    """An idle sasd opens only the reset count, and takes at most 2 % of TCG's CPU."""
    rig.agree()
    strace = f"timeout {IDLE_S} strace -f -y -qq -o /run/idle -p {rig.sasd.pid}"
    rig.vm.run(strace, check=False)  # lets the second looks after the last changes pass
    revision, begin = rig.sasd.status()["revision"], rig.sasd.cpu_s()
    rig.vm.run(f"sleep {IDLE_S}")
    cpu = (rig.sasd.cpu_s() - begin) / IDLE_S
    rig.vm.run(strace, check=False)
    trace = rig.vm.run("cat /run/idle").out
    with open(os.path.join(rig.vm.folder, "idle.strace"), "w", encoding="utf-8") as out:
        out.write(trace)
    calls = re.findall(r"(?m)^\d+ +(\w+)\(", trace)
    counts = ", ".join(f"{count} {name}" for name, count in collections.Counter(calls).most_common())
    print(f"     {cpu * 100:.2f} % of TCG's CPU; in {IDLE_S} s {counts}")
    expect(rig.sasd.status()["revision"] == revision, "sasd was not idle: the revision has changed")
    odd = [path for path in looked_at(trace) if not RESET_COUNT.search(path)]
    expect(not odd, f"an idle sasd reads {odd}")
    expect(cpu < IDLE_CPU, f"{cpu * 100} % of a CPU")
