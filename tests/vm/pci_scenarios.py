"""Scenarios for HBAs that sasd drives itself. Each leaves the fabric as it found it."""

import os
import re
import time

import kernel_log
import recording
import sasd
from chaos import JUDGE, WORLDS, Chaos, storm
from offline_scenarios import health
from rig import Rig
from sas.emulator.v1 import emulator_service_pb2 as api
from scenarios import LONG, NORMAL, SHORT, api_duration, disks_of, expect, handles

SCENARIOS = []
FEW = 3  # round trips, or kills, without a number
# Of `run.py --round-trips N`, `run.py --kills N` and `run.py --record FILE`.
RUN = {"round_trips": 0, "kills": 0, "seed": 1, "record": ""}
# The session of docs/userspace.md.
RECORDING = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../docs/userspace.cast")
# Its commands whose outputs are always the same.
SAME_OUTPUT = ("sasd-hba ", "sasctl tree")

# What sasd logs when an HBA comes and goes by request.
HANDOVER = (
    (r"^PCI [\d:.a-f]+: .*(is bound to|has no driver)", "the HBA was given back"),
    (r"^PCI [\d:.a-f]+: .*(open /dev/vfio/\d+: No such|may not open /dev/vfio)", "sasd-hba is at work"),
    (r"^host\d+: .*; only sysfs reports this host", "mpt3sas is starting or ending"),
    (r"^HOST_UNREADABLE( changed| ended)?: PCI ", "nobody drives it for a moment"),
)
RESET = ((r"^(pci|PCI|virtual|\S+): .*(reset|fault|IOC)", "the requested fault"),)


def scenario(*allow, length=NORMAL):
    def mark(function):
        function.allow = allow
        function.length = length
        SCENARIOS.append(function)
        return function

    return mark


@scenario(length=SHORT)
def driven_by_sasd(rig):
    """No kernel driver has the HBAs: sasd shows the fabric, and the kernel nothing."""
    rig.agree()
    rig.kernel_has_nothing()
    shown = rig.vm.run("sasd-hba status").out
    driver = "vfio-pci" if rig.way == "vfio" else "uio_pci_generic"
    expect(shown.count(driver) >= len(rig.pci), f"sasd-hba status shows:\n{shown}")
    doctor = rig.sasd.ctl("doctor", check=False).out
    expect(doctor.count("sasd drives this") == len(rig.pci), f"sasctl doctor shows:\n{doctor}")


@scenario(length=SHORT)
def pci_pull_and_insert(rig):
    """A drive with two paths is pulled and put back."""
    rig.call("Pull", element="jbod1-disk03")
    rig.agree()
    rig.call("Insert", element="jbod1-disk03")
    rig.agree()


@scenario()
def pci_expander_loss(rig):
    """An expander is lost with its 24 drives, and comes back."""
    before = rig.agree()
    rig.call("SetExpander", element="jbod2-a", present=False)
    gone = len(before.of_kind("device")) - len(rig.agree().of_kind("device"))
    expect(gone == 25, f"{gone} devices gone instead of 24 drives and the SES device")
    rig.call("SetExpander", element="jbod2-a", present=True)
    rig.agree()


@scenario(RESET, length=SHORT)
def pci_fault(rig):
    """The firmware faults: sasd sees it within seconds, and resets the IOC."""
    before = rig.agree()
    rig.call("InjectFault", element="hba0", kind=api.FAULT_KIND_IOC_FAULT, delay=api_duration(600))
    rig.poll(lambda: handles(rig.sasd_table()) != handles(before), 60, "handles change")
    rig.agree()


@scenario(RESET)
def pci_foreign_reset(rig):
    """Somebody resets the function by sysfs: sasd notices, and sets the IOC up again."""
    before = rig.agree()
    address = rig.pci[rig.host_ids[0]]
    methods = rig.vm.run(f"cat /sys/bus/pci/devices/{address}/reset_method", check=False).out.strip()
    if not methods:  # the SAS2008 has none but its own
        return
    expect("flr" in methods, f"the reset methods are {methods!r}")
    rig.vm.run(f"echo 1 > /sys/bus/pci/devices/{address}/reset")
    rig.poll(lambda: handles(rig.sasd_table()) != handles(before), 60, "handles change")
    rig.agree()


@scenario(length=SHORT)
def pci_kill(rig):
    """sasd is killed while drives come and go; the next start finds the IOC, and all is as it is."""
    rig.agree()
    rig.sasd.stop("KILL")
    # It is back before the next start: within the boot's grace that would wait for a missing drive.
    rig.call("Pull", element="jbod1-disk03")
    rig.call("Insert", element="jbod1-disk03")
    faults = [fault for fault in rig.dma_faults() if "not a bus master" not in fault]
    expect(not faults, f"accesses after the death of sasd: {faults}")
    rig.start_sasd()
    rig.agree(300)


@scenario()
def pci_storm(rig):
    """A few random operations in a row."""
    storm(rig, JUDGE, 20, seed=1, agree_every=20)


@scenario(length=LONG)
def pci_long_storm(rig):
    """300 random operations in one boot."""
    storm(rig, JUDGE, 300, seed=2, agree_every=50)


def give(rig):
    """Gives the HBAs to mpt3sas, and waits until sasd shows them through the kernel."""
    if rig.way == "uio":
        rig.sasd.stop()  # uio cannot ask it to let go
    rig.hba("give")
    given(rig)


def given(rig):
    """mpt3sas has the HBAs."""
    rig.driven_by_sasd = False
    if rig.way == "uio":
        rig.kernel_agrees(600)  # the guest's one CPU has enough to do
        rig.start_sasd()
    # As packaging/systemd/60-sasd.rules does.
    rig.vm.run("chmod 666 /dev/mpt3ctl /dev/mpt2ctl")
    rig.sasd.signal("HUP")


def take(rig):
    if rig.way == "uio":
        rig.sasd.stop()
    rig.sasd.let_go()
    rig.hba("take")
    rig.driven_by_sasd = True
    if rig.way == "uio":
        rig.start_sasd()


@scenario(kernel_log.REMOVAL, kernel_log.UNLOAD, HANDOVER, sasd.HBA_GONE, length=SHORT)
def handed_to_mpt3sas(rig):
    """sasd gives the HBAs back while it runs: mpt3sas enumerates, and every source agrees."""
    rig.agree()
    give(rig)
    rig.agree(300)
    rig.vm.run("udevadm settle")
    Rig.all_agree(rig)


@scenario(kernel_log.REMOVAL, kernel_log.UNLOAD, HANDOVER, sasd.HBA_GONE)
def recorded_session(rig):
    """Take, tree, storm, give: the commands of docs/userspace.cast do what the recording shows."""
    if rig.way != "vfio" or rig.variant != "vfio":
        return  # the boards of the recording
    if rig.driven_by_sasd:
        give(rig)
        rig.agree(300)
    session = recording.Session(rig.vm, "sasd drives two HBAs itself, and gives them back")
    hbas = " ".join(rig.pci.values())
    session.say("mpt3sas has the HBAs, and sasd runs beside it, with --pci for each")
    session.run("sasd-hba status")
    session.run("kill -USR1 $(pidof sasd)")
    rig.sasd.let_go()
    session.run(f"sasd-hba take {hbas}")
    rig.driven_by_sasd = True
    rig.agree(300)
    session.run("sasctl wait --settled --timeout 60s")
    session.run("sasd-hba status")
    session.run("sasctl tree")
    revision = rig.sasd.contract.reference.revision
    session.say("at the JBODs, drives are pulled, put back and replaced")
    storm(rig, JUDGE, 6, seed=3, agree_every=6)
    session.run(f"sasctl events --after {revision}")
    session.run(f"sasd-hba give {hbas}")
    given(rig)
    rig.agree(300)
    session.run("sasd-hba status")
    if RUN["record"]:
        session.write(RUN["record"])
        return
    without = [(re.sub(r"--after \d+", "--after N", c), o) for c, o in session.outputs]
    recorded = [(re.sub(r"--after \d+", "--after N", c), o) for c, o in recording.read(RECORDING)]
    lines = recording.differences(recorded, without, SAME_OUTPUT)
    expect(not lines, "the session is not the one of docs/userspace.cast:\n" + "\n".join(lines))


@scenario(kernel_log.REMOVAL, kernel_log.UNLOAD, HANDOVER, sasd.HBA_GONE, length=SHORT)
def taken_from_mpt3sas(rig):
    """A used disk keeps its HBA; once it is free, sasd takes the HBAs over while it runs."""
    table = rig.agree()
    disk = disks_of(rig, table, "boot0")[0]
    rig.vm.run(f"sleep 1000 </dev/{disk} & echo $! >/run/user.pid")
    refused = rig.hba("take", check=False)
    expect(refused.code == 1 and re.search(rf"{disk}: open in ", refused.err), f"take says: {refused.err}")
    rig.vm.run("kill $(cat /run/user.pid)")
    take(rig)
    rig.agree(300)
    rig.kernel_has_nothing()


def expect_nothing_missing(rig):
    """An HBA that changes hands, and a sasd that dies, lose nothing. Health may need a moment to see that."""
    deadline = time.monotonic() + 60
    while True:
        missing = sorted(finding for finding in health(rig)[1] if finding[0].endswith("_MISSING"))
        if not missing:
            return
        expect(time.monotonic() < deadline, f"health shows {missing}")


def round_trips(rig):
    """mpt3sas -> sasd -> mpt3sas, again and again: each side enumerates all."""
    rig.agree(600)
    for trip in range(1, (RUN["round_trips"] or FEW) + 1):
        begin = time.monotonic()
        give(rig)
        rig.agree(600)
        given_s = time.monotonic() - begin
        take(rig)
        rig.agree(600)
        taken_s = time.monotonic() - begin - given_s
        expect_nothing_missing(rig)
        print(f"   round trip {trip}: {given_s:.1f} s to mpt3sas, {taken_s:.1f} s to sasd", flush=True)


def kills(rig):
    """kill -9 of sasd at random moments: the next start settles, and no access went astray.

    By turns sasd dies in a storm, while it drives the HBAs, and at a random moment of its own start, most often while
    it brings the IOCs up: then the next start finds what several dead ones have left."""
    chaos = Chaos(rig, WORLDS[rig.fabric], RUN["seed"])
    astray, number, wanted = [], 0, RUN["kills"] or FEW
    while number < wanted:
        begin = time.monotonic()
        for _ in range(chaos.random.randrange(4)):
            chaos.act()
        rig.sasd.stop("KILL")
        number += 1
        while chaos.mends:
            chaos.mend(0)
        deaths = chaos.random.randrange(3)
        for _ in range(min(deaths, wanted - number)):
            rig.die_at_start(chaos.random.random())
            number += 1
        astray += [fault for fault in rig.dma_faults() if "not a bus master" not in fault]
        expect(not astray, f"accesses after the death of sasd: {astray[:5]}")
        rig.start_sasd()
        rig.agree(600)
        expect_nothing_missing(rig)
        print(f"   kill {number}: {time.monotonic() - begin:.1f} s since the last line", flush=True)


# Of the variant "trips".
TRIPS = [round_trips, kills]
for function in TRIPS:
    function.allow = (kernel_log.REMOVAL, kernel_log.UNLOAD, kernel_log.RESET, HANDOVER, RESET, sasd.HBA_GONE)
    function.length = NORMAL
