"""The output of administrators' tools, each as a Table: lsscsi, smp_discover and sg_ses."""

import re

from table import Table, address

# Only LUN 0: other units are other lines of the same device.
LSSCSI = re.compile(r"^\[(\d+):(\d+:\d+:0)\]\s+(\S+)\s+(.*?)\s*$")
SMP_PHY = re.compile(
    r"^\s*phy\s+(\d+):([DSTUR?]):(?:(disabled)|attached:\[([0-9a-f]+):(\d+)\s*([^\]]*)\](?:\s+([\d.]+) Gbps)?)"
)


def from_lsscsi(transport, units, hosts):
    """`lsscsi -t` and `lsscsi -u`; `hosts` is H of H:C:T:L -> the HBA's address."""
    names = {}
    for host, rest, kind, fields in rows(units):
        names[host, rest] = fields.split()[0]
    table = Table()
    for host, rest, kind, fields in rows(transport):
        found = re.match(r"sas:(0x[0-9a-f]+)\s+(\S+)", fields)
        if host not in hosts or not found:
            continue
        disk = found.group(2)
        table.put(
            *("device", hosts[host], address(found.group(1))),
            ses=kind == "enclosu",
            scsi=True,
            name=disk.removeprefix("/dev/") if disk.startswith("/dev/") else None,
            wwn=address(re.sub(r"^(naa\.|0x)", "", names.get((host, rest), ""))) or None,
        )
    return table


def rows(text):
    for line in text.splitlines():
        match = LSSCSI.match(line)
        if match:
            yield match.groups()


def from_smp_discover(text, host, node):
    """`smp_discover` of one expander. It leaves out phys with nothing attached."""
    table = Table()
    for line in text.splitlines():
        match = SMP_PHY.match(line)
        if not match:
            continue
        number, _, disabled, attached, attached_phy, what, rate = match.groups()
        is_node = what is not None and bool(re.search(r"\b(exp|fex)\b|i\(", what))
        table.put(
            *("phy", host, node, int(number)),
            rate=float(rate or 0),
            disabled=bool(disabled),
            attached=address(attached or ""),
            attached_phy=int(attached_phy) if is_node else None,
        )
    return table


def from_sg_ses_join(text, host, enclosure):
    """`sg_ses --join` of an SES device: the device in each slot."""
    table = Table()
    for block in re.split(r"\n(?=\S)", text):
        slot = re.search(r"device slot number: (\d+)", block)
        if not slot or "Array device slot" not in block:
            continue
        devices = [
            address(found)
            for found in re.findall(r"(?<!attached )SAS address: (0x[0-9a-f]+)", block)
        ]
        own = [device for device in devices if device]
        table.put(
            *("bay", host, enclosure, int(slot.group(1))), device=own[0] if own else ""
        )
    return table
