"""The kernel's facts, from the output of guest/collect, as a Table."""

import re

from table import Table, add_ports_and_units, address, host_names

NODE = re.compile(r"^(host\d+|expander-\d+:\d+|end_device-[\d:]+|port-[\d:]+)$")
# "sas_phy/phy-0:1/enable:1": class and name, the path of the attribute, its value. Names have colons;
# the last part of a path does not.
ATTRIBUTE = re.compile(r"^([^/]+/[^/]+)/((?:[^/:]+/)*[^/:]+):(.*)$")
ENCLOSURE_TYPE = 13  # peripheral device type of SES
# What mpt3sas writes as the rate of a device that its scan after a reset finds, whatever the rate is
# (MPI2_SAS_NEG_LINK_RATE_1_5 in _scsih_scan_for_devices_after_reset). No fabric here has such a link.
SCANNED = 1.5


class Sysfs:
    """The lines of guest/collect by kind: links, attributes, phys of ports, disks in slots."""

    def __init__(self, text):
        self.links = {}  # "sas_phy/phy-0:1" -> the path that it leads to
        self.attributes = {}  # "sas_phy/phy-0:1" -> {"enable": "1"}
        self.port_phys = {}  # "port-0:1" -> ["phy-0:3"]
        self.slots = []  # ("0:0:3:0", "Slot 01", "../../../0:0:9:0")
        for line in text.splitlines():
            self.add(line[:2], line[2:])

    def add(self, kind, rest):
        if kind == "L ":
            name, path = rest.split(" ", 1)
            self.links[name] = path
        elif kind == "A ":
            name, attribute, value = ATTRIBUTE.match(rest).groups()
            self.attributes.setdefault(name, {})[attribute] = value.strip()
        elif kind == "V ":
            path, value = rest.rsplit("/device/vpd_pg80: ", 1)
            self.attributes.setdefault(path, {})["serial"] = value.strip()
        elif kind == "P ":
            port, _, phy = rest.split("/")
            self.port_phys.setdefault(port, []).append(phy)
        elif kind == "S ":
            path, target = re.match(r"^(.*/device) (\S+)$", rest).groups()
            _, enclosure, slot, _ = path.split("/", 3)
            self.slots.append((enclosure, slot, target))

    def of_class(self, name):
        prefix = name + "/"
        return [n[len(prefix) :] for n in self.links if n.startswith(prefix)]

    def attribute(self, name, key):
        return self.attributes.get(name, {}).get(key)

    def number(self, name, key):
        text = self.attribute(name, key)
        return int(text) if text is not None and re.fullmatch(r"\d+", text) else None

    def pci_address(self, host):
        """Of "host0"; "" if another kind of device has the host."""
        found = re.search(r"/([\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.\d)/" + host + "/", self.links["sas_host/" + host])
        return found.group(1) if found else ""

    def nodes_above(self, name):
        """Host, ports, expanders and end devices above a class device, in this order.

        The last part of its path is its own name, which may be the same as that of its parent."""
        return [part for part in self.links[name].split("/")[:-1] if NODE.match(part)]


class TornError(Exception):
    """Objects came or went during the reading: a part that another part names is missing."""


def from_sysfs(text):
    """Everything that sysfs shows of HBAs with SAS objects. Raises TornError."""
    try:
        return Reader(Sysfs(text)).table
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise TornError(f"sysfs changed while it was read: {error!r}") from error


class Reader:
    """Makes the table of one collection."""

    def __init__(self, sysfs):
        self.sysfs = sysfs
        self.table = Table()
        self.addresses = {}  # of every node by its name
        for name in sysfs.of_class("sas_host"):
            self.addresses[name] = address(sysfs.attribute(f"scsi_host/{name}", "host_sas_address") or "")
        pairs = [(own, sysfs.pci_address(name)) for name, own in self.addresses.items()]
        self.hosts = dict(zip(self.addresses, host_names(pairs)))  # "host0" -> its name in tables
        for host in self.hosts.values():
            self.table.put("host", host)
        for name in sysfs.of_class("sas_device"):
            self.addresses[name] = address(sysfs.attribute(f"sas_device/{name}", "sas_address") or "")
        self.phys_in_ports = {phy for phys in sysfs.port_phys.values() for phy in phys}
        for name in sysfs.of_class("sas_phy"):
            self.add_phy(name)
        for name in sysfs.of_class("sas_device"):
            self.add_device(name)
        for name in sysfs.of_class("scsi_device"):
            self.add_scsi_device(name)
        for name in sysfs.of_class("enclosure"):
            self.add_bays(name)
        add_ports_and_units(self.table)

    def rate_of(self, phy):
        return gbps(self.sysfs.attribute(f"sas_phy/{phy}", "negotiated_linkrate") or "")

    def add_phy(self, name):
        above = self.sysfs.nodes_above(f"sas_phy/{name}")
        node = self.addresses[above[-1]]
        number = self.sysfs.number(f"sas_phy/{name}", "phy_identifier")
        rate = self.rate_of(name)
        # A phy keeps the rate that it had when its device was removed: in mpt3sas the reason "target not
        # responding" is the only one that updates no link (_scsih_sas_topology_change_event).
        if rate and name not in self.phys_in_ports:
            rate = None
        if rate == SCANNED:
            rate = None
        self.table.put("phy", self.hosts[above[0]], node, number, rate=rate)

    def add_device(self, name):
        path = f"sas_device/{name}"
        above = self.sysfs.nodes_above(path)
        host, port, parent = self.hosts[above[0]], above[-2], self.addresses[above[-3]]
        own = self.addresses[name]
        # mpt3sas leaves a phy that went down in its port (mpt3sas_transport_update_links). Its rate shows it.
        phys = sorted(
            self.sysfs.number(f"sas_phy/{phy}", "phy_identifier")
            for phy in self.sysfs.port_phys.get(port, [])
            if self.rate_of(phy)
        )
        for phy in phys:
            self.table.put("phy", host, parent, phy, attached=own)
        if name.startswith("expander-"):
            expander = f"sas_expander/{name}"
            self.table.put(
                *("expander", host, own),
                parent=parent,
                parent_phys=tuple(phys),
                # The depth, because the attribute "level" holds a format bit of REPORT MANUFACTURER
                # INFORMATION (mpt3sas_transport.c).
                level=sum(node.startswith("expander-") for node in above),
                vendor=self.sysfs.attribute(expander, "vendor_id"),
                product=self.sysfs.attribute(expander, "product_id"),
                revision=self.sysfs.attribute(expander, "product_rev"),
            )
            return
        rate = self.table.get(("phy", host, parent, phys[0]), {}).get("rate") if phys else 0.0
        enclosure = self.sysfs.attribute(path, "enclosure_identifier")
        self.table.put(
            *("device", host, own),
            parent=parent,
            parent_phy=phys[0] if len(phys) == 1 else tuple(phys),
            rate=rate,
            protocols=self.sysfs.attribute(path, "target_port_protocols"),
            enclosure=None if enclosure is None else address(enclosure),
            slot=self.sysfs.number(path, "bay_identifier"),
            scsi=False,  # until its SCSI device is found
        )

    def add_scsi_device(self, name):
        path = f"scsi_device/{name}"
        above = self.sysfs.nodes_above(path)
        if not above or not above[-1].startswith("end_device-"):
            return
        rows = self.sysfs.attributes.get(path, {})
        disk = next((k.split("/") for k in rows if k.startswith("device/block/")), None)
        kind = self.sysfs.number(path, "device/type")
        wwid = rows.get("device/wwid", "")
        device = (self.hosts[above[0]], self.addresses[above[-1]])
        unit = {
            "wwn": address(wwid[len("naa.") :]) if wwid.startswith("naa.") else wwid,
            "blocks": int(rows["/".join(disk)]) if disk else None,
            "name": disk[2] if disk else None,
            "state": rows.get("device/state"),
            "hctl": name,
        }
        lun = int(name.split(":")[3])
        if lun != 0:
            self.table.put("lun", *device, lun, **unit)
            return
        self.table.put(
            *("device", *device),
            **unit,
            serial=rows.get("serial"),
            vendor=rows.get("device/vendor"),
            product=rows.get("device/model"),
            revision=rows.get("device/rev"),
            ses=kind == ENCLOSURE_TYPE,
            handle=int(rows["device/sas_device_handle"], 0) if "device/sas_device_handle" in rows else None,
            scsi=True,
        )

    def add_bays(self, name):
        """Adds the slots of an enclosure, with the disks that ses.ko links to them."""
        above = self.sysfs.nodes_above(f"enclosure/{name}")
        host = self.hosts[above[0]]
        rows = self.sysfs.attributes.get(f"enclosure/{name}", {})
        enclosure = address(rows.get("id", ""))
        disks = {slot: target for key, slot, target in self.sysfs.slots if key == name}
        for key, number in rows.items():
            if not key.endswith("/slot") or not number.isdigit():
                continue
            target = disks.get(key[: -len("/slot")])
            device = ""
            if target:
                at = self.sysfs.nodes_above("scsi_device/" + target.rsplit("/", 1)[-1])
                device = self.addresses[at[-1]]
            self.table.put("bay", host, enclosure, int(number), device=device)


def gbps(text):
    """"12.0 Gbit" as 12.0; other texts ("Unknown", "Phy disabled") as 0."""
    match = re.match(r"^([\d.]+) Gbit$", text)
    return float(match.group(1)) if match else 0.0
