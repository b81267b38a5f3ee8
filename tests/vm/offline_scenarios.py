"""What changes while sasd is stopped: its next start reports exactly that."""

import json
import time

import kernel_log
from scenarios import LONG, addresses_of, expect, scenario

OK, CRITICAL = 0, 2  # exit codes of `sasctl health`
# The machine has been up for a while, so hosts that are missing are missing at once.
NO_GRACE = "--boot-grace-seconds 0"
KINDS = {"endDevice": "device", "expander": "expander"}  # of events -> of tables


def health(rig, *options):
    """(exit code, {(reason, resource) of each finding that is not dismissed})."""
    result = rig.sasd.ctl(" ".join(("health -o json", *options)), check=False)
    findings = json.loads(result.out).get("findings", ())
    return result.code, {(finding["reason"], finding.get("resource", "")) for finding in findings}


def findings_are(rig, code, *reasons, timeout_s=60):
    """Waits for the exit code and just these reasons. Returns the findings."""
    deadline = time.monotonic() + timeout_s
    while True:
        found = health(rig)
        if found[0] == code and sorted(reason for reason, _ in found[1]) == sorted(reasons):
            return found[1]
        expect(time.monotonic() < deadline, f"health {found} instead of {code} {reasons}")


def comings_and_goings(before, after):
    """{(host, kind, address, added?)} by which two tables differ."""
    changes = set()
    for kind in KINDS.values():
        old, new = set(before.of_kind(kind)), set(after.of_kind(kind))
        changes |= {(key[0], kind, key[1], False) for key in old - new}
        changes |= {(key[0], kind, key[1], True) for key in new - old}
    return changes


def changes_of(happened):
    """The same from events. A host is the address in its name."""
    changes = set()
    for event in happened:
        for change in event.get("changes", ()):
            ((kind, fields),) = change["resource"].items()
            if kind in KINDS and change["kind"] != "CHANGE_KIND_MODIFIED":
                added = change["kind"] == "CHANGE_KIND_ADDED"
                changes.add((fields["name"].split("/")[1], KINDS[kind], fields["sasAddress"], added))
    return changes


def restarted(event):
    return event["cause"]["kind"] == "CAUSE_KIND_RESTART"


def changes_beside_hosts(event):
    """Changes of what is behind the hosts. A host itself says when it is read, settled and compared."""
    return [change for change in event.get("changes", ()) if "host" not in change["resource"]]


def outline(event):
    """For messages: revision, cause, and a few changes."""
    changes = []
    for change in changes_beside_hosts(event)[:4]:
        ((_, fields),) = change["resource"].items()
        changes.append((change["kind"], fields["name"], change.get("changedFields")))
    return event["revision"], event["cause"], len(event.get("changes", ())), changes


def restart(rig):
    """Starts sasd again, after all that happened meanwhile. Returns the events since its last revision, once it shows
    the true state."""
    # A loss that the firmware of hba0 reports seconds later would be an event of its own.
    rig.kernel_agrees()
    rig.sasd.start(NO_GRACE)
    rig.agree()
    return rig.sasd.events(rig.last_revision)


def judge_restart(before, after, happened):
    """The events report these differences, each host's in one event, and nothing else."""
    of_hosts = [event for event in happened if event["cause"].get("host")]
    reporting = [event for event in of_hosts if changes_of([event])]
    hosts = [event["cause"]["host"] for event in reporting]
    expect(len(hosts) == len(set(hosts)), f"a host's differences come in several events: {hosts}")
    flaps = [outline(event) for event in happened if changes_beside_hosts(event) and not restarted(event)]
    expect(not flaps, f"{len(flaps)} events with other causes than the restart: {flaps[:3]}")
    expected, reported = comings_and_goings(before, after), changes_of(happened)
    lost, invented = sorted(expected - reported), sorted(reported - expected)
    expect(not lost and not invented, f"not reported: {lost}; invented: {invented}")


def rebind(rig, *hosts):
    """The kernel drives the HBAs anew, in this order: they get other numbers, and their disks other names."""
    for host in hosts:
        rig.vm.run(f"echo {rig.pci[host]} > /sys/bus/pci/drivers/mpt3sas/unbind")
    for host in hosts:
        rig.vm.run(f"echo {rig.pci[host]} > /sys/bus/pci/drivers/mpt3sas/bind")


def numbers(table):
    """Host -> H of its devices' H:C:T:L."""
    return {key[0]: row["hctl"].split(":")[0] for key, row in table.of_kind("device").items()}


def socket(rig, first, up):
    """Plugs or unplugs the cable in hba1's socket of phys `first` to `first` + 3. Both sockets lead to e1-b."""
    for phy in range(first, first + 4):
        rig.call("SetPhy", element="hba1", phy=phy, up=up)


@scenario(kernel_log.REMOVAL, kernel_log.UNLOAD, length=LONG, fabrics=("acts",), before="io_begins")
def offline_changes(rig):
    """While sasd is stopped drives, an enclosure, a cable and two HBAs change: its start reports just that."""
    socket(rig, 4, False)
    before = rig.agree()
    (port,) = [
        f"hosts/{key[0]}/ports/{key[2]}" for key, row in before.of_kind("port").items() if row["phys"] == (0, 1, 2, 3)
        and key[0] == rig.call("GetHostTruth", element="hba1").truth.sas_address
    ]
    rig.sasd.ctl(f"dismiss {port} --reason 'one of two sockets has a cable'")
    rig.sasd.ctl("baseline accept")
    findings_are(rig, OK)
    rig.last_revision = int(rig.sasd.status()["revision"])
    pulled, swapped = addresses_of(rig, "e1-disk05"), addresses_of(rig, "e1-disk06")

    rig.sasd.stop("KILL")
    rig.call("Pull", element="e1-disk05")
    rig.call("Pull", element="e1-disk06")
    rig.call("Insert", element="e1-disk06", replacement_serial="OFFLINE1")
    rig.call("SetEnclosurePower", element="e4", on=False)
    socket(rig, 0, False)
    socket(rig, 4, True)
    rebind(rig, "hba2", "hba1")
    happened = restart(rig)

    after = rig.agree()
    old, new = numbers(before), numbers(after)
    renumbered = {host for host in old if old[host] != new[host]}
    expect(len(renumbered) == 2, f"HBAs with other numbers: {renumbered}")
    judge_restart(before, after, happened)
    gone = {address for _, _, address, added in changes_of(happened) if not added}
    expect(pulled | swapped <= gone, f"not gone: {pulled | swapped - gone}")
    findings = findings_are(rig, CRITICAL, "DRIVE_MISSING", "ENCLOSURE_MISSING")
    (drive,) = [resource for reason, resource in findings if reason == "DRIVE_MISSING"]

    # Dismissed or put back: healthy.
    rig.sasd.ctl(f"dismiss {drive} --reason 'the scenario keeps it'")
    findings_are(rig, CRITICAL, "ENCLOSURE_MISSING")
    rig.call("SetEnclosurePower", element="e4", on=True)
    rig.agree()
    findings_are(rig, OK)
    rig.sasd.ctl(f"undismiss {drive}")
    findings_are(rig, CRITICAL, "DRIVE_MISSING")
    rig.call("Insert", element="e1-disk05")
    rig.agree()
    findings_are(rig, OK)
    socket(rig, 0, True)
    rig.agree()


@scenario(kernel_log.REMOVAL, length=LONG, fabrics=("acts",), before="io_begins")
def orderly_restart(rig):
    """sasd is stopped and started, and nothing has changed but a drive: that is all it reports; findings stay."""
    rig.call("Pull", element="e3-disk02")
    rig.agree()
    findings_are(rig, CRITICAL, "DRIVE_MISSING")
    rig.last_revision = int(rig.sasd.status()["revision"])
    rig.sasd.stop()
    before = rig.truth()
    rig.call("Pull", element="e3-disk03")
    happened = restart(rig)
    judge_restart(before, rig.truth(), happened)
    findings_are(rig, CRITICAL, "DRIVE_MISSING", "DRIVE_MISSING")
    for drive in ("e3-disk02", "e3-disk03"):
        rig.call("Insert", element=drive)
    rig.agree()
    findings_are(rig, OK)
