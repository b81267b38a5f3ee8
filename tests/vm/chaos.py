"""Random acts on a fabric, from a seed, and their judgement: all sources agree again and again."""

import random
from dataclasses import dataclass

import grpc
from sas.emulator.v1 import emulator_service_pb2 as api
from sas.v1 import resources_pb2 as resources


@dataclass(frozen=True)
class World:
    """What random acts may break on a fabric. They spare all that the survivors need."""

    # Drives that no scenario removes. I/O with verification runs on them, over one path each.
    survivors: tuple
    lanes: tuple  # (host or expander, its phys)
    expanders: tuple
    enclosures: tuple
    # The kinds of acts that break something, with their weights.
    weights: dict
    hosts: tuple = ()  # that may be reset

    def __post_init__(self):
        unknown = set(self.weights) - {name for name in vars(Chaos) if not name.startswith("_")}
        assert not unknown, unknown


class Chaos:
    """Does one random act after the other."""

    def __init__(self, rig, world, seed):
        self.rig = rig
        self.world = world
        self.random = random.Random(seed)
        drives = [e.id for e in rig.elements(api.ELEMENT_KIND_DEVICE) if not e.id.endswith("-ses")]
        self.drives = [d for d in drives if d not in world.survivors]
        self.mends = []  # (name, function)
        self.resets = {}  # host -> (its name in the kernel's log, the log's end before its last reset)

    def act(self):
        """Does one act that changes something. Returns its name."""
        if self.mends and self.random.random() < 0.5:
            return self.mend(self.random.randrange(len(self.mends)))
        kinds, weights = zip(*self.world.weights.items())
        return getattr(self, self.random.choices(kinds, weights)[0])()

    def mend(self, index):
        what, function = self.mends.pop(index)
        if not what.startswith("pull "):
            for host in list(self.resets):
                self.await_scan(host)
        function()
        return "mend " + what

    def remember(self, what, function):
        self.mends.append((what, function))
        return what

    def drive(self):
        broken = {what for what, _ in self.mends}
        drive = self.random.choice([d for d in self.drives if "pull " + d not in broken])
        try:
            self.rig.call("Pull", element=drive)
        except grpc.RpcError as error:
            if error.code() != grpc.StatusCode.FAILED_PRECONDITION:  # it was pulled from the start
                raise
        replacement = ""
        if self.random.random() < 0.2:
            # Of this boot, not of this storm: two drives of one serial have one WWN, and are one to sasd.
            self.rig.replacements += 1
            replacement = f"CHAOS{self.rig.replacements}"
        return self.remember(
            "pull " + drive,
            lambda: self.rig.call("Insert", element=drive, replacement_serial=replacement),
        )

    def once(self, what, verb, off, on):
        """Calls the verb with `off`; mend() calls it with `on`. Pulls a drive if `what` is already broken."""
        if what in {name for name, _ in self.mends}:
            return self.drive()
        self.rig.call(verb, **off)
        return self.remember(what, lambda: self.rig.call(verb, **on))

    def any_lane(self):
        node, phys = self.random.choice(self.world.lanes)
        at = {"element": node, "phy": self.random.choice(phys)}
        return f"lane {node} {at['phy']}", at

    def lane(self):
        what, at = self.any_lane()
        return self.once(what, "SetPhy", {**at, "up": False}, {**at, "up": True})

    def slow_lane(self):
        what, at = self.any_lane()
        slow = {**at, "up": True, "link_rate": resources.LINK_RATE_3_GBPS}
        return self.once(what, "SetPhy", slow, {**at, "up": True})

    def flap(self):
        what, at = self.any_lane()
        if what in {name for name, _ in self.mends}:
            return self.drive()
        self.rig.call("FlapPhy", **at, count=2)
        return "flap " + what

    def expander(self):
        element = {"element": self.random.choice(self.world.expanders)}
        what = "expander " + element["element"]
        return self.once(
            what, "SetExpander", {**element, "present": False}, {**element, "present": True}
        )

    def enclosure(self):
        element = {"element": self.random.choice(self.world.enclosures)}
        what = "enclosure " + element["element"]
        return self.once(
            what, "SetEnclosurePower", {**element, "on": False}, {**element, "on": True}
        )

    def reset(self):
        """The kernel resets an HBA; returns when it has. Without a device there, the firmware faults instead."""
        host = self.random.choice(self.world.hosts)
        node = self.rig.scsi_generic_of(host)
        if node is None:
            return self.fault_at(host)
        self.resets_at(host)
        self.rig.vm.run(f"sg_reset --host /dev/{node}", timeout_s=300)
        return "reset " + host

    def fault(self):
        return self.fault_at(self.random.choice(self.world.hosts))

    def fault_at(self, host):
        """The firmware faults. The driver's watchdog sees it within a second, while other acts go on."""
        self.resets_at(host)
        self.rig.call("InjectFault", element=host, kind=api.FAULT_KIND_IOC_FAULT, delay=self.ten_minutes())
        return "fault " + host

    def resets_at(self, host):
        """Call it before a reset."""
        self.await_scan(host)
        self.resets[host] = self.rig.log_name(host), self.rig.vm.console.position()

    def await_scan(self, host):
        """Returns once the kernel has scanned the host after its last reset.

        The kernel's driver errs about two things that happen during its scan (mpt3sas_scsih.c of Linux 6.1):
        - Another reset. _scsih_fw_event_cleanup_queue() cancels the scan's event without a reference of its own, and
          waits. The worker ends the scan and frees the event, which cancel_work_sync() then writes to: "WARNING: ...
          kernel/workqueue.c:635".
        - A new enclosure. _scsih_add_device() finds its drives in the scan, before the event that brings the enclosure
          is read: they have enclosure 0 for good."""
        name, before = self.resets.pop(host, (None, 0))
        if name is not None:
            self.rig.vm.console.wait_for(lambda text: f"{name}: scan devices: complete" in text, before, timeout_s=300)

    @staticmethod
    def ten_minutes():
        request = api.InjectFaultRequest()
        request.delay.seconds = 600
        return request.delay


JUDGE = World(
    survivors=("boot0", "jbod1-disk10", "jbod3-disk30", "jbod3-sata50"),
    lanes=(
        ("hba0", range(4)),
        ("hba1", range(4)),
        ("jbod1-a", range(28, 36)),
        ("jbod2-b", range(28, 36)),
    ),
    expanders=("jbod1-b", "jbod2-a", "jbod2-b"),
    enclosures=("jbod2",),
    weights={"drive": 80, "lane": 14, "expander": 4, "enclosure": 2},
)
ACTS = World(
    survivors=("boot0", "boot1", "e5-disk01", "e5-sata13"),
    lanes=(
        ("hba0", range(4)),
        ("hba1", range(8)),
        ("hba2", range(3)),
        ("e1-a", range(32, 36)),
        ("e2-a", range(32, 36)),
        ("e3-a", range(32, 36)),
        ("e1-b", range(32, 36)),
    ),
    expanders=("e1-a", "e2-a", "e3-a", "e4-a", "e1-b", "e2-b"),
    enclosures=("e1", "e2", "e3", "e4"),
    weights={
        "drive": 56,
        "lane": 14,
        "slow_lane": 6,
        "flap": 4,
        "expander": 8,
        "enclosure": 4,
        "reset": 4,
        "fault": 4,
    },
    hosts=("hba0", "hba1", "hba2"),
)
TRIPS = World(
    survivors=("boot0",),
    lanes=(("hba0", range(4)), ("hba1", range(4))),
    expanders=("t1-a", "t1-b"),
    enclosures=("t1",),
    weights={"drive": 70, "lane": 20, "expander": 8, "enclosure": 2},
)
WORLDS = {"judge": JUDGE, "acts": ACTS, "trips": TRIPS}


def storm(rig, world, acts, seed, agree_every, list_every=None):
    """Random acts. After each `agree_every` the sources agree, after each `list_every` `sasctl list` too."""
    # pylint: disable=too-many-arguments
    chaos = Chaos(rig, world, seed)
    done = []
    try:
        for number in range(1, acts + 1):
            done.append(chaos.act())
            if number % agree_every == 0:
                rig.agree(300)
            if list_every and number % list_every == 0:
                rig.lists_agree(300)
        while chaos.mends:
            done.append(chaos.mend(0))
        rig.agree(300)
    except AssertionError as error:
        last = ", ".join(done[-20:])
        raise AssertionError(f"after {len(done)} acts of seed {seed} ({last}): {error}") from error
    return done
