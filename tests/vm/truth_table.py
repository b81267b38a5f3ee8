"""The fabric's own facts, from EmulatorService.GetHostTruth."""

from sas.v1 import resources_pb2 as resources

from table import Table, add_ports_and_units, host_names

SECTOR = 512  # sysfs counts a disk's size in this unit


def from_truth(truths, pci=()):
    """The Table of HostTruth messages, one for each host. `pci`: the hosts' PCI addresses."""
    table = Table()
    own = [truth.sas_address for truth in truths]
    for truth, host in zip(truths, host_names(zip(own, pci)) if pci else own):
        table.put("host", host)
        add_phys(table, host, truth.sas_address, truth.phys)
        for expander in truth.expanders:
            add_expander(table, host, expander)
        usable = [device for device in truth.devices if device.access_status == 0]
        for device in usable:
            add_device(table, host, device)
        for enclosure in truth.enclosures[1:]:  # the first is the board's
            bays = range(enclosure.start_slot, enclosure.start_slot + enclosure.slot_count)
            for slot in bays:
                table.put("bay", host, enclosure.logical_id, slot, device="")
        for device in usable:
            key = ("bay", host, device.enclosure_logical_id, device.slot)
            if not device.ses and key in table:
                table.put(*key, device=device.sas_address)
    add_ports_and_units(table)
    return table


# The rates at which frames pass, in Gbit/s.
GBPS = {
    resources.LINK_RATE_1_5_GBPS: 1.5,
    resources.LINK_RATE_3_GBPS: 3,
    resources.LINK_RATE_6_GBPS: 6,
    resources.LINK_RATE_12_GBPS: 12,
    resources.LINK_RATE_22_5_GBPS: 22.5,
}


def gbps(rate):
    """A LinkRate in Gbit/s; 0 where no frames pass."""
    return GBPS.get(rate, 0)


def add_phys(table, host, node, phys):
    for phy in phys:
        attached_phy = phy.attached_phy if phy.HasField("attached_phy") else None
        table.put(
            *("phy", host, node, phy.phy),
            rate=gbps(phy.link_rate),
            attached=phy.attached_sas_address,
            attached_phy=attached_phy,
            disabled=phy.link_rate == resources.LINK_RATE_DISABLED,
        )


def add_expander(table, host, expander):
    table.put(
        *("expander", host, expander.sas_address),
        parent=expander.parent_sas_address,
        parent_phys=tuple(expander.parent_phys),
        level=expander.level,
        vendor=expander.vendor,
        product=expander.product,
        revision=expander.revision,
    )
    add_phys(table, host, expander.sas_address, expander.phys)


def add_device(table, host, device):
    table.put(
        *("device", host, device.sas_address),
        parent=device.parent_sas_address,
        parent_phy=device.parent_phy,
        rate=gbps(device.link_rate),
        protocols="sata" if device.sata else "ssp",
        enclosure=device.enclosure_logical_id,
        slot=device.slot if device.HasField("slot") else None,
        wwn=wwn_of(device.units[0]) if device.units else device.world_wide_name,
        serial=device.serial,
        vendor=device.vendor,
        product=device.product[:16],
        revision=device.revision,
        blocks=None if device.ses else device.size_bytes // SECTOR,
        handle=device.handle,
        ses=device.ses,
        scsi=True,
    )
    for unit in device.units[1:]:
        blocks = device.size_bytes // SECTOR
        table.put("lun", host, device.sas_address, unit.lun, wwn=wwn_of(unit), blocks=blocks)


def wwn_of(unit):
    return unit.wwid.removeprefix("naa.")
