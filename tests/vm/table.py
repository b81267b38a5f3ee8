"""Facts about a SAS fabric as a source tells them, and the comparison of two sources.

A table maps a key, ("device", host, address) for example, to a dictionary of fields. Hosts, expanders and
devices are named by their addresses as 16 hexadecimal digits. A source leaves out the fields that it
does not know, and only fields that both sources have are compared; a key that one of them lacks is a
difference.

| key | fields |
|---|---|
| host, address | - |
| phy, host, node, number | rate, attached, attached_phy |
| expander, host, address | parent, parent_phys, level, vendor, product, revision |
| device, host, address | parent, parent_phy, rate, protocols, enclosure, slot, wwn, serial, vendor, product, revision, blocks, handle, ses, scsi (it has a SCSI device), name (sdX) |
| bay, host, enclosure, slot | device (address; "" for none) |
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


def differences(truth, other, name, fields=None, limit=40):
    """Lines that say where `other`, called `name`, differs from the truth; empty where they agree.

    Only kinds that `other` has are compared; of `fields`, where given, only these."""
    lines = []
    kinds = {key[0] for key in other}
    for key in sorted(set(truth.only(*kinds)) | set(other), key=str):
        what = " ".join(str(part) for part in key)
        if key not in other:
            lines.append(f"{what}: in the fabric, not in {name} {describe(truth[key])}")
        elif key not in truth:
            lines.append(f"{what}: in {name}, not in the fabric {describe(other[key])}")
        else:
            for field in sorted(truth[key].keys() & other[key].keys()):
                if fields is not None and field not in fields:
                    continue
                ours, theirs = truth[key][field], other[key][field]
                if ours != theirs:
                    lines.append(f"{what}: {field}: fabric {ours!r}, {name} {theirs!r}")
    if len(lines) > limit:
        lines[limit:] = [f"... and {len(lines) - limit} more"]
    return lines


def describe(row):
    fields = ", ".join(f"{k} {row[k]}" for k in ("parent", "parent_phy", "slot", "serial") if k in row)
    return f"({fields})" if fields else ""


def address(text):
    """"0x5000c500a7b26111" or "5000c500a7b26111" as 16 digits; "" for none or zero.

    What is no number stays as it is, to be seen as a difference."""
    digits = text.strip().lower().removeprefix("0x")
    if not re.fullmatch(r"[0-9a-f]+", digits):
        return digits
    return "" if int(digits, 16) == 0 else digits.zfill(16)
