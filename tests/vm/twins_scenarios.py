"""Identifiers that are not unique, and drives of two logical units: nothing collapses, nothing is left out."""

import json

import kernel_log
from scenarios import SHORT, expect, scenario


@scenario(kernel_log.REMOVAL, kernel_log.UNLOAD, length=SHORT, fabrics=("twins",))
def hosts_of_one_address(rig):
    """Two HBAs share a SAS address: both are hosts, with all their drives, before and after a reload."""
    table = rig.lists_agree()
    hosts = [host for (host,) in table.of_kind("host")]
    expect(len(hosts) == 2, f"hosts {hosts}")
    names = rig.sasd.ctl("list hosts -o name").out.split()
    rig.unload_driver()
    rig.poll(lambda: not rig.sasd.table(), 60, "sasd reports no objects")
    rig.load_driver()
    rig.lists_agree()
    expect(rig.sasd.ctl("list hosts -o name").out.split() == names, f"other names than {names}")
    reasons = found(rig)
    expect("SHARED_IDENTIFIER" in reasons, f"no finding says that two HBAs share an address: {reasons}")


@scenario(kernel_log.REMOVAL, length=SHORT, fabrics=("twins",))
def drives_of_one_name(rig):
    """Two SSDs share a world wide name: both are drives, and each comes and goes alone."""
    for twin, other in (("twin0", "twin1"), ("twin1", "twin0")):
        rig.call("Pull", element=twin)
        table = rig.agree()
        serials = {serial for _, serial in table.of_kind("unit")}
        expect(serial_of(rig, other) in serials, f"{other} went with {twin}")
        expect(serial_of(rig, twin) not in serials, f"{twin} is still there")
        rig.call("Insert", element=twin)
        rig.agree()
    rig.lists_agree()


@scenario(kernel_log.REMOVAL, length=SHORT, fabrics=("twins",))
def drives_of_two_units(rig):
    """A drive with two actuators: one device, two units with a block device each, in one slot."""
    table = rig.lists_agree()
    expect(len(table.of_kind("lun")) == 4, f"second units: {sorted(table.of_kind('lun'))}")
    slots = json.loads(rig.sasd.ctl("list slots -o json").out)
    (slot,) = [slot for slot in slots if slot.get("serial") == serial_of(rig, "two02")]
    expect(len(slot.get("blockDevices", ())) == 2, f"the slot names {slot.get('blockDevices')}")
    rig.call("Pull", element="two02")
    after = rig.agree()
    expect(len(after.of_kind("lun")) == 3, "its second unit is still there")
    rig.call("Insert", element="two02", replacement_serial="ZKL0999999")
    rig.agree()
    rig.all_agree()


def serial_of(rig, element):
    for host in rig.host_ids:
        for device in rig.call("GetHostTruth", element=host).truth.devices:
            if device.id == element:
                return device.serial
    return SERIALS[element]  # pulled


SERIALS = {"twin0": "AB2211040010007", "twin1": "AB2211040010019"}


def found(rig):
    """The reasons of all findings."""
    result = rig.sasd.ctl("health -o json", check=False)
    return {finding["reason"] for finding in json.loads(result.out).get("findings", ())}
