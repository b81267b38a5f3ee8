"""Scenarios for the kernel's driver. Each scenario leaves the fabric as it found it."""

import os
import re

import kernel_log
import sasd
from chaos import JUDGE, WORLDS, storm
from sas.emulator.v1 import emulator_service_pb2 as api
from sas.v1 import resources_pb2 as resources

SMP_TIMEOUT = 0x10  # mpi2_cnfg.h, MPI2_SAS_DISC_STATUS_SMP_TIMEOUT
ASTATUS_SATA_INIT_FAILED = 0x01  # mpi2_cnfg.h, MPI2_SAS_DEVICE0_ASTATUS_SATA_INIT_FAILED
SATA_INIT_FAILED = 0x10  # mpi2_ioc.h, MPI2_EVENT_SAS_DEV_STAT_RC_SATA_INIT_FAILED


# The shortest run that has the scenario. Longer runs have it too.
SHORT, NORMAL, LONG = range(3)


def scenario(*allow, length=NORMAL, fabrics=("judge",), before=None):
    """Marks a function of a Rig as a scenario. `allow`: further allow-lists. `fabrics`: where it can run.

    It runs after those of its kind that were marked earlier, or before the scenario with the name `before`."""

    def mark(function):
        function.allow = allow
        function.length = length
        function.fabrics = fabrics
        at = [s.__name__ for s in SCENARIOS].index(before) if before else len(SCENARIOS)
        SCENARIOS.insert(at, function)
        return function

    return mark


SCENARIOS = []
EVERYWHERE = ("judge", "acts", "twins")
WITH_IO = ("judge", "acts")


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def names(table):
    """(host, address) -> sdX."""
    return {key: row["name"] for key, row in table.of_kind("device").items() if "name" in row}


def stayed(before, after):
    """Disks in both tables whose name changed."""
    old, new = names(before), names(after)
    return [f"{key[1]} {old[key]} -> {new[key]}" for key in old.keys() & new.keys() if old[key] != new[key]]


def addresses_of(rig, element):
    """The addresses of a drive, one per path."""
    for candidate in rig.elements(api.ELEMENT_KIND_DEVICE):
        if candidate.id == element:
            return set(candidate.sas_addresses)
    raise AssertionError(f"no {element}")


def disks_of(rig, table, element):
    """The disks (sdX) of a drive, in the order of their hosts: that of hba0 is first."""
    own = addresses_of(rig, element)
    rows = sorted((key, row["name"]) for key, row in table.of_kind("device").items() if key[1] in own)
    return [name for _, name in rows]


class ExpanderPhy:
    """A phy of an expander, as a folder in sysfs."""

    def __init__(self, rig, address, number):
        self.rig, self.number = rig, number
        found = rig.vm.run(
            f"cd /sys/class/sas_phy; for p in phy-*:*:*; do"
            f" [ $(cat $p/sas_address) = 0x{address} ] && [ $(cat $p/phy_identifier) = {number} ]"
            f" && readlink -f $p; done; true"
        ).out.split()
        expect(len(found) == 1, f"phy {number} of expander {address} in sysfs: {found}")
        self.path = found[0]
        self.expander = re.findall(r"/(expander-[\d:]+)/phy-", self.path)[0]

    def write(self, attribute, value):
        self.rig.vm.run(f"echo '{value}' > {self.path}/{attribute}")


def phy_of(rig, table, element):
    own = addresses_of(rig, element)
    row = min((key, row) for key, row in table.of_kind("device").items() if key[1] in own)[1]
    return ExpanderPhy(rig, row["parent"], row["parent_phy"])


@scenario(length=SHORT, fabrics=EVERYWHERE)
def enumeration(rig):
    """The driver is loaded: every source agrees with the fabric."""
    rig.load_driver()
    rig.agree()
    rig.vm.run(f"udevadm settle --timeout={100 * rig.vm.patience}")
    rig.all_agree()


@scenario(length=SHORT, fabrics=WITH_IO)
def io_begins(rig):
    """Starts I/O with verification on drives that stay, over one path each."""
    table = rig.agree()
    disks = [disks_of(rig, table, element)[0] for element in WORLDS[rig.fabric].survivors]
    rig.vm.start_job("io", "exec nice -n 19 /io_check " + " ".join(disks))


@scenario(kernel_log.REMOVAL, length=SHORT)
def pull_and_insert(rig):
    """A drive with two paths is pulled and put back."""
    rig.call("Pull", element="jbod1-disk03")
    after = rig.agree()
    expect(not disks_of(rig, after, "jbod1-disk03"), "the pulled drive still has disks")
    rig.call("Insert", element="jbod1-disk03")
    expect(len(disks_of(rig, rig.agree(), "jbod1-disk03")) == 2, "the drive does not have two disks")


@scenario(kernel_log.REMOVAL)
def delay_not_responding(rig):
    """A drive is away for less than the report-missing delay: it is blocked and then runs, never removed."""
    before = rig.agree()
    (disk,) = disks_of(rig, before, "jbod3-disk10")
    state = f"cat /sys/block/{disk}/device/state"
    rig.call("Pull", element="jbod3-disk10")
    rig.poll(lambda: rig.vm.run(state).out.strip() == "blocked", 10, f"{disk} is blocked")
    rig.call("Insert", element="jbod3-disk10")
    rig.poll(lambda: rig.vm.run(state).out.strip() == "running", 30, f"{disk} runs again")
    expect(not stayed(before, rig.agree()), f"{disk} has another name")


@scenario(kernel_log.REMOVAL)
def swap_in_slot(rig):
    """A drive is pulled, and another one inserted in its slot."""
    rig.call("Pull", element="jbod2-disk07")
    rig.call("Insert", element="jbod2-disk07", replacement_serial="SWAPPED1")
    after = rig.agree()
    found = [r for r in after.of_kind("device").values() if r.get("serial") == "SWAPPED1"]
    expect(len(found) == 2, f"{len(found)} paths to the new drive")
    expect({row["slot"] for row in found} == {7}, "it is not in slot 7")


@scenario(kernel_log.REMOVAL)
def expander_loss(rig):
    """An expander is lost with its 24 drives, and comes back."""
    before = rig.agree()
    rig.call("SetExpander", element="jbod2-a", present=False)
    gone = len(before.of_kind("device")) - len(rig.agree().of_kind("device"))
    expect(gone == 25, f"{gone} devices gone instead of 24 drives and the SES device")
    rig.call("SetExpander", element="jbod2-a", present=True)
    rig.agree()
    rig.all_agree()


def cable(rig, up):
    """Plugs or unplugs the cable between hba1 and jbod1-b: its four lanes."""
    for phy in range(4):
        rig.call("SetPhy", element="hba1", phy=phy, up=up)


@scenario(kernel_log.REMOVAL)
def cable_pull(rig):
    """The cable of one of two paths is pulled: the other path's disks stay."""
    before = rig.agree()
    cable(rig, False)
    after = rig.agree()
    expect(not stayed(before, after), f"renamed: {stayed(before, after)}")
    cable(rig, True)
    rig.agree()


@scenario(length=SHORT)
def lane_loss(rig):
    """A wide port loses a lane and gets it back: only its width changes."""
    before = rig.agree()
    rig.call("SetPhy", element="hba0", phy=1, up=False)
    after = rig.agree()
    expect(names(before) == names(after), "disks came or went")
    rig.call("SetPhy", element="hba0", phy=1, up=True, link_rate=resources.LINK_RATE_6_GBPS)
    rig.agree()
    rig.call("SetPhy", element="hba0", phy=1, up=True)
    expect(names(before) == names(rig.agree()), "disks came or went")


@scenario(kernel_log.REMOVAL)
def phy_control(rig):
    """The kernel resets, slows and disables an expander's phy: SMP PHY CONTROL."""
    before = rig.agree()
    phy = phy_of(rig, before, "jbod3-disk12")
    for reset in ("link_reset", "hard_reset"):
        phy.write(reset, 1)
        expect(names(before) == names(rig.agree()), f"disks came or went at a {reset}")
    phy.write("maximum_linkrate", "3.0 Gbit")
    rig.poll(lambda: rig.vm.run(f"cat {phy.path}/negotiated_linkrate").out.strip() == "3.0 Gbit", 10, "3.0 Gbit")
    rig.agree()
    phy.write("maximum_linkrate", "12.0 Gbit")
    rig.agree()
    phy.write("enable", 0)
    expect(not disks_of(rig, rig.agree(), "jbod3-disk12"), "a disk is behind a disabled phy")
    phy.write("enable", 1)
    expect(len(disks_of(rig, rig.agree(), "jbod3-disk12")) == 1, "no disk behind an enabled phy")


@scenario()
def host_phy_rates(rig):
    """The kernel slows a phy of the HBA: it writes SAS IO unit page 1 and resets the link."""
    before = rig.agree()
    (path,) = rig.vm.run(
        f"for p in /sys/bus/pci/devices/{rig.pci['hba0']}/host*/phy-*:1/sas_phy/*; do echo $p; done"
    ).out.split()
    rates = ("minimum_linkrate", "maximum_linkrate", "negotiated_linkrate")
    show = f"cd {path} && cat " + " ".join(rates)
    usual = rig.vm.run(show).out
    # Each write is one of the page; the others of its values stay.
    for attribute, rate, expected in (
        ("minimum_linkrate", "3.0 Gbit", "3.0 Gbit\n12.0 Gbit\n12.0 Gbit\n"),
        ("maximum_linkrate", "6.0 Gbit", "3.0 Gbit\n6.0 Gbit\n6.0 Gbit\n"),
        ("maximum_linkrate", "12.0 Gbit", "3.0 Gbit\n12.0 Gbit\n12.0 Gbit\n"),
        ("minimum_linkrate", "1.5 Gbit", usual),
    ):
        rig.vm.run(f"echo '{rate}' > {path}/{attribute}")
        rig.poll(lambda e=expected: rig.vm.run(show).out == e, 10, f"{attribute} {rate}: {rig.vm.run(show).out}")
        expect(names(before) == names(rig.agree()), f"disks came or went at {attribute} {rate}")


@scenario(kernel_log.REMOVAL)
def enclosure_power(rig):
    """An enclosure with two expanders loses its power and gets it back."""
    rig.call("SetEnclosurePower", element="jbod2", on=False)
    rig.agree()
    rig.call("SetEnclosurePower", element="jbod2", on=True)
    rig.agree()
    rig.all_agree()


@scenario(kernel_log.REMOVAL, kernel_log.SATA_INIT)
def sata_init_failure(rig):
    """A SATA drive fails to initialize: the kernel leaves it out until it succeeds."""
    drive = {"element": "jbod2-sata20"}
    since = rig.vm.console.position()
    notice = api.DeviceStatusNotice(reason=SATA_INIT_FAILED)
    rig.call("InjectNotice", **drive, device_status=notice)
    rig.vm.console.wait_for(lambda line: "sata init failure" in line, since)
    rig.agree()

    rig.call("Pull", **drive)
    rig.agree()
    since = rig.vm.console.position()
    rig.call("SetAccessStatus", **drive, access_status=ASTATUS_SATA_INIT_FAILED)
    rig.call("Insert", **drive)
    rig.vm.console.wait_for(lambda line: "sata initialization failed" in line, since)
    expect(not disks_of(rig, rig.agree(), "jbod2-sata20"), "the failed drive has a disk")
    rig.call("Pull", **drive)
    rig.call("SetAccessStatus", **drive, access_status=0)
    rig.call("Insert", **drive)
    expect(disks_of(rig, rig.agree(), "jbod2-sata20"), "the drive has no disk")


@scenario(kernel_log.DISCOVERY_ERROR)
def discovery_error(rig):
    """A discovery ends with an SMP timeout at an expander."""
    since = rig.vm.console.position()
    rig.call("InjectDiscoveryError", element="jbod1-a", discovery_status=SMP_TIMEOUT)
    stop = re.compile(r"\(stop\) ?discovery_status\(0x00000010\)")
    rig.vm.console.wait_for(stop.search, since)
    rig.agree()


@scenario(kernel_log.TEMPERATURE)
def temperature_and_log_events(rig):
    """A temperature exceeds its threshold, and the firmware logs an entry."""
    since = rig.vm.console.position()
    notice = api.TemperatureNotice(sensor=0, celsius=71)
    rig.call("InjectNotice", element="hba0", temperature=notice)
    rig.vm.console.wait_for(re.compile(r"Current Temp In Celsius: 71").search, since)
    entry = api.LogEntryNotice(qualifier=3, text="vm")
    rig.call("InjectNotice", element="hba0", log_entry=entry)
    rig.vm.console.wait_for(re.compile(r"Log Entry Added").search, since)
    rig.agree()


def handles(table):
    return {key: row["handle"] for key, row in table.of_kind("device").items()}


@scenario(kernel_log.RESET, length=SHORT)
def host_reset(rig):
    """The kernel resets the HBA: handles change, disks keep their names."""
    before = rig.agree()
    (disk,) = disks_of(rig, before, "boot0")
    rig.vm.run(f"sg_reset --host /dev/{disk}")
    after = rig.agree()
    expect(names(before) == names(after), f"renamed: {stayed(before, after)}")
    changed = [key for key, handle in handles(after).items() if handle != handles(before)[key]]
    expect(changed, "no handle has changed")


@scenario(kernel_log.RESET)
def firmware_fault(rig):
    """The firmware faults: the driver's watchdog resets it."""
    before = rig.agree()
    since = rig.vm.console.position()
    rig.call("InjectFault", element="hba0", kind=api.FAULT_KIND_IOC_FAULT, delay=api_duration(600))
    rig.vm.console.wait_for(re.compile(r"_base_fault_reset_work: hard reset: success").search, since)
    after = rig.agree()
    expect(names(before) == names(after), f"renamed: {stayed(before, after)}")


def api_duration(seconds):
    request = api.InjectFaultRequest()
    request.delay.seconds = seconds
    return request.delay


@scenario(kernel_log.REMOVAL, length=SHORT)
def leds(rig):
    """The locate LED of a slot is written and read back through ses.ko."""
    slot = rig.vm.run("ls -d /sys/class/enclosure/*/*/locate | head -n 1").out.strip()
    for value in ("1", "0"):
        rig.vm.run(f"echo {value} > '{slot}'")
        expect(rig.vm.run(f"cat '{slot}'").out.strip() == value, f"{slot} is not {value}")


TOOLS = (
    "sg_vpd -p sv {disk}",
    "sg_vpd -p di {disk}",
    "sg_vpd -p bl {disk}",
    "sg_modes -a {disk}",
    "sg_logs -a {disk}",
    "sg_opcodes {disk}",
    "sg_turs {disk}",
    "sg_readcap --long {disk}",
    "smartctl -a {disk}",
)
SATA_TOOLS = ("sg_vpd -p ai {disk}", "sg_sat_identify {disk}", "smartctl -a {disk}")
SMP_TOOLS = (
    "smp_rep_general {expander}",
    "smp_rep_manufacturer {expander}",
    "smp_discover {expander}",
    "smp_discover --phy=0 {expander}",
    "smp_discover_list {expander}",
    "smp_rep_phy_err_log --phy=0 {expander}",
    "smp_rep_phy_event --phy=0 {expander}",
    "smp_rep_exp_route_tbl {expander}",
    "smp_rep_self_conf_stat {expander}",
    "smp_conf_general -n 2000 {expander}",
)
SMP_SATA_TOOLS = ("smp_rep_phy_sata --phy={phy} {expander}", "smp_phy_control --op=ca --phy={phy} {expander}")


@scenario(length=SHORT)
def tools(rig):
    """Administrators' tools get answers from drives, enclosures and expanders."""
    table = rig.agree()
    asked = [tool.format(disk="/dev/" + disks_of(rig, table, "jbod1-disk10")[0]) for tool in TOOLS]
    asked += [tool.format(disk="/dev/" + disks_of(rig, table, "jbod3-sata50")[0]) for tool in SATA_TOOLS]
    ses = rig.vm.run("ls -d /sys/class/enclosure/*/device/scsi_generic/*").out.split()[0].rsplit("/", 1)[1]
    asked += [f"sg_ses -p {page} /dev/{ses}" for page in (0, 1, 2, 5, 7, 0xA, 0xE)]
    expander = rig.vm.run("ls -d /dev/bsg/expander-*").out.split()[0]
    asked += [tool.format(expander=expander) for tool in SMP_TOOLS]
    sata = phy_of(rig, table, "jbod3-sata50")
    asked += [tool.format(phy=sata.number, expander="/dev/bsg/" + sata.expander) for tool in SMP_SATA_TOOLS]
    failed = []
    for command in asked:
        answer = rig.vm.run(command, check=False)
        if answer.code != 0:
            failed.append(f"{command}: exit code {answer.code}: {answer.out.strip()[-300:]}")
    expect(not failed, "\n".join(failed))


@scenario(kernel_log.STORM)
def short_storm(rig):
    """A few random operations in a row."""
    storm(rig, JUDGE, 20, seed=1, agree_every=20)


@scenario(kernel_log.STORM, length=LONG)
def long_storm(rig):
    """1,000 random operations in one boot."""
    storm(rig, JUDGE, 1000, seed=2, agree_every=50)
    rig.all_agree()


@scenario(kernel_log.REMOVAL, length=SHORT, fabrics=WITH_IO)
def io_ends(rig):
    """Ends the I/O: it has found no error and no corruption."""
    rig.vm.run("touch /run/io.stop")
    rig.poll(lambda: rig.vm.job_result("io")[0] is not None, 120, "the I/O ends")
    code, output = rig.vm.job_result("io")
    rounds = re.search(r"rounds (\d+)", output)
    expect(code == 0 and rounds, f"exit code {code}: {output}")
    expect(int(rounds.group(1)) >= 1, "no round of I/O was done")


def left_in_sysfs(rig):
    return rig.vm.run("cd /sys/class && ls sas_host/* scsi_host/* sas_device/* -d", check=False).out.split()


@scenario(kernel_log.UNLOAD, length=SHORT)
def module_reload(rig):
    """The driver is unloaded and loaded: sysfs and sasd are empty in between, and then complete."""
    rig.unload_driver()
    left = left_in_sysfs(rig)
    expect(not left, f"left in sysfs: {left}")
    rig.poll(lambda: not rig.sasd.table(), 60, "sasd reports no objects")
    rig.load_driver()
    rig.agree()


@scenario(kernel_log.UNLOAD, kernel_log.REMOVAL, sasd.HBA_GONE)
def pci_remove(rig):
    """One HBA is removed from the PCI bus, and found again by a rescan."""
    before = rig.agree()
    gone, others = rig.host_ids[:1], rig.host_ids[1:]
    own = rig.call("GetHostTruth", element=gone[0]).truth.sas_address
    found = rig.vm.run(f"grep -l {own} /sys/class/scsi_host/*/host_sas_address").out.split()
    expect(len(found) == 1, f"hosts with the address {own}: {found}")
    path = f"{os.path.dirname(found[0])}/device"
    rig.vm.run(f"echo 1 > $(readlink -f {path})/../remove")
    rig.host_ids = others
    try:
        rig.agree()
    finally:
        rig.host_ids = gone + others
    rig.vm.run("echo 1 > /sys/bus/pci/rescan")
    after = rig.agree()
    expect(before.of_kind("host").keys() == after.of_kind("host").keys(), "other hosts than before")
