"""Facts about a SAS fabric from one source, and the comparison of two sources.

A table maps a key, such as ("device", host, address), to a dictionary of fields. The names of hosts,
expanders and devices are their addresses, as 16 hexadecimal digits. Hosts that share an address have
their PCI addresses besides, as host_names() spells them. A source leaves out the fields that
it does not know. The comparison covers the fields that both sources have. A key that one of them lacks
is a difference.

| key | fields |
|---|---|
| host, address | firmware (it is a source, beside the kernel) |
| phy, host, node, number | rate, attached, attached_phy |
| expander, host, address | parent, parent_phys, level, vendor, product, revision |
| device, host, address | parent, parent_phy, rate, protocols, enclosure, slot, wwn, serial, vendor, product, revision, blocks, handle, ses, scsi (it has a SCSI device), name (sdX), hctl, state |
| bay, host, enclosure, slot | device (address; "" for none) |
| port, host, parent, attached | width, phys, rate (of its slowest) |
| lun, host, address, lun | wwn, blocks, name, hctl, state of a unit beside the device's first, LUN 0 |
| unit, wwn, serial | blocks, paths ((host, address)), names (sdX) of a drive's logical unit |
"""


import re


class Table(dict):
    """Key -> {field: value}; fields whose value is None are unknown."""

    def put(self, *key, **fields):
        row = self.setdefault(key, {})
        row.update({field: value for field, value in fields.items() if value is not None})

    def of_kind(self, kind):
        return {key[1:]: row for key, row in self.items() if key[0] == kind}

    def only(self, *kinds):
        return Table({key: row for key, row in self.items() if key[0] in kinds})


KINDS = ("host", "phy", "expander", "device", "bay", "port", "lun", "unit")


def host_names(hosts):
    """The names of hosts in tables, in the same order. `hosts`: (SAS address, PCI address) of each."""
    hosts = list(hosts)
    addresses = [own for own, _ in hosts]
    return [own if addresses.count(own) == 1 else f"{own}@{pci}" for own, pci in hosts]


def add_ports_and_units(table):
    """Derives ports and units from expanders, devices and phys, for sources that do not have them."""
    for kind in ("expander", "device"):
        for (host, own), row in table.of_kind(kind).items():
            phys = row["parent_phys"] if kind == "expander" else row["parent_phy"]
            phys = phys if isinstance(phys, tuple) else (phys,)
            rates = [table.get(("phy", host, row["parent"], phy), {}).get("rate") for phy in phys]
            rate = None if None in rates else min(rates, default=0.0)
            table.put("port", host, row["parent"], own, width=len(phys), phys=phys, rate=rate)
    paths = {}
    for (host, own), row in table.of_kind("device").items():
        if row.get("scsi") and not row.get("ses"):
            paths.setdefault((row["wwn"], row.get("serial")), []).append(((host, own), row))
    for (host, own, _), row in table.of_kind("lun").items():
        serial = table["device", host, own].get("serial")  # all units of a device have one serial
        paths.setdefault((row["wwn"], serial), []).append(((host, own), row))
    for (wwn, serial), found in of_known_serials(paths).items():
        names = tuple(sorted(row["name"] for _, row in found if "name" in row))
        table.put(
            *("unit", wwn, serial or ""),
            blocks=found[0][1].get("blocks"),
            paths=tuple(sorted(path for path, _ in found)),
            names=names or None,
        )


def of_known_serials(paths):
    """Paths by (wwn, serial). Those of an unknown serial go to the drive of that wwn, if there is only one. The kernel
    does not read a serial again that it could not read, because the HBA was reset at that moment."""
    known = {}
    for wwn, serial in paths:
        if serial is not None:
            known.setdefault(wwn, []).append(serial)
    joined = {}
    for (wwn, serial), found in paths.items():
        if serial is None and len(known.get(wwn, [])) == 1:
            serial = known[wwn][0]
        joined.setdefault((wwn, serial), []).extend(found)
    return joined


def as_read(truth, read):
    """The truth, without the serial numbers that `read` could not read of its SCSI devices: the kernel reads none
    again."""
    unread = {
        key
        for key, row in read.only("device").items()
        if row.get("scsi") and not row.get("serial") and truth.get(key, {}).get("serial")
    }
    table = Table(truth)
    for key in unread:
        table[key] = {field: value for field, value in truth[key].items() if field != "serial"}
    for (wwn, serial), row in truth.of_kind("unit").items():
        if all(("device", *path) in unread for path in row["paths"]):
            table["unit", wwn, ""] = table.pop(("unit", wwn, serial))
    return table


# pylint: disable-next=too-many-arguments
def differences(truth, other, name, kinds=None, fields=None, limit=40, truth_name="fabric"):
    """One line per difference of `other`, called `name`, from the truth; empty if they agree.

    Compares only `kinds` (default: those that `other` has) and only `fields` (default: all)."""
    lines = []
    kinds = kinds or {key[0] for key in other}
    for key in sorted(set(truth.only(*kinds)) | set(other.only(*kinds)), key=str):
        what = " ".join(str(part) for part in key)
        if key not in other:
            lines.append(f"{what}: in the {truth_name}, not in {name} {describe(truth[key])}")
        elif key not in truth:
            lines.append(f"{what}: in {name}, not in the {truth_name} {describe(other[key])}")
        else:
            for field in sorted(truth[key].keys() & other[key].keys()):
                if fields is not None and field not in fields:
                    continue
                ours, theirs = truth[key][field], other[key][field]
                if ours != theirs:
                    lines.append(f"{what}: {field}: {truth_name} {ours!r}, {name} {theirs!r}")
    if len(lines) > limit:
        lines[limit:] = [f"... and {len(lines) - limit} more"]
    return lines


def describe(row):
    fields = ", ".join(f"{k} {row[k]}" for k in ("parent", "parent_phy", "slot", "serial") if k in row)
    return f"({fields})" if fields else ""


def address(text):
    """"0x5000c500a7b26111" or "5000c500a7b26111" as 16 digits; "" for none or zero.

    Other texts stay as they are, so that they show as a difference."""
    digits = text.strip().lower().removeprefix("0x")
    if not re.fullmatch(r"[0-9a-f]+", digits):
        return digits
    return "" if int(digits, 16) == 0 else digits.zfill(16)
