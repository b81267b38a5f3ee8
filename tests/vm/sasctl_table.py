"""sasd's picture, from the JSON of `sasctl`, as a Table."""

import json

from table import Table, address, host_names

SECTOR = 512  # sysfs counts a disk's size in this unit
ENCLOSURE_TYPE = 13  # peripheral device type of SES
RATES = {
    "LINK_RATE_1_5_GBPS": 1.5,
    "LINK_RATE_3_GBPS": 3.0,
    "LINK_RATE_6_GBPS": 6.0,
    "LINK_RATE_12_GBPS": 12.0,
    "LINK_RATE_22_5_GBPS": 22.5,
}
# The kernel's name for the state of a SCSI device.
STATES = {"DEVICE_STATE_ATTACHED": "running", "DEVICE_STATE_BLOCKED": "blocked"}
# Noun of `sasctl list` -> kind in a snapshot of `sasctl watch`.
NOUNS = {
    "hosts": "host",
    "phys": "phy",
    "ports": "port",
    "expanders": "expander",
    "end-devices": "endDevice",
    "lus": "logicalUnit",
    "enclosures": "enclosure",
    "slots": "slot",
}


class Picture:
    """The picture of a client of `sasctl watch --snapshot -o jsonl`, from the lines read so far."""

    def __init__(self):
        self.whole = False  # the snapshot is complete
        self.objects = {}  # name -> (kind, fields)

    def read(self, line):
        message = json.loads(line)
        if "gap" in message:  # a new snapshot follows
            self.objects, self.whole = {}, False
        if "snapshot" in message:
            self.put(message["snapshot"]["resource"])
        self.whole = self.whole or "synced" in message
        for change in message.get("changes", ()):
            if change["kind"] == "CHANGE_KIND_REMOVED":
                ((_, fields),) = change["resource"].items()
                del self.objects[fields["name"]]
            else:
                self.put(change["resource"])

    def put(self, resource):
        ((kind, fields),) = resource.items()
        self.objects[fields["name"]] = (kind, fields)

    def table(self):
        lists = {kind: [] for kind in NOUNS.values()}
        for kind, fields in self.objects.values():
            lists[kind].append(fields)
        return Reader(lists).table


def picture_of(text):
    """The Picture of all lines of a text."""
    picture = Picture()
    for line in text.splitlines():
        picture.read(line)
    return picture


def from_lists(texts):
    """The Table of `sasctl list NOUN -o json`, by noun."""
    return Reader({NOUNS[noun]: json.loads(text) for noun, text in texts.items()}).table


def tail(name):
    """The address or identifier at the end of a resource name, without its physical port."""
    return name.rsplit("/", 1)[-1].split("-p")[0]


def lun_of(path):
    """The number at the end of H:C:T:L."""
    return int(path.get("scsiAddress", "0:0:0:0").split(":")[3])


def rate_of(fields, key):
    return RATES.get(fields.get(key), 0.0)


class Reader:
    """Makes the table of one picture."""

    def __init__(self, objects):
        self.objects = objects
        self.table = Table()
        pairs = [(host["sasAddress"], host.get("pciAddress", "")) for host in objects["host"]]
        self.hosts = dict(zip((host["name"] for host in objects["host"]), host_names(pairs)))
        # An address in a name may have something more, where addresses collide.
        self.addresses = {
            resource["name"]: resource["sasAddress"]
            for kind in ("host", "expander", "endDevice")
            for resource in objects[kind]
        }
        self.failed = {
            (self.host_of(device["name"]), device["sasAddress"])
            for device in objects["endDevice"]
            if device.get("state") == "DEVICE_STATE_FAILED"
        }
        self.units = {}  # end device -> {LUN: (unit, path)}
        for unit in objects["logicalUnit"]:
            for path in unit.get("paths", ()):
                self.units.setdefault(path["endDevice"], {})[lun_of(path)] = (unit, path)
        self.lanes = {}  # (owner's name, attached address) -> numbers of the phys
        for host in objects["host"]:
            firmware = "SOURCE_FIRMWARE" in host.get("sources", ())
            self.table.put("host", self.hosts[host["name"]], firmware=firmware)
        for phy in objects["phy"]:
            self.add_phy(phy)
        for expander in objects["expander"]:
            self.add_expander(expander)
        self.parents = {
            ("expanders", host, node): row["parent"] for (host, node), row in self.table.of_kind("expander").items()
        }
        for port in objects["port"]:
            self.add_port(port)
        for device in objects["endDevice"]:
            self.add_device(device)
        for unit in objects["logicalUnit"]:
            self.add_unit(unit)
        for enclosure in objects["enclosure"]:
            self.add_bays(enclosure)

    def host_of(self, name):
        """The host in "hosts/HOST/...", as tables name it."""
        own = "/".join(name.split("/")[:2])
        return self.hosts.get(own, own.split("/")[1])

    def address_of(self, name):
        return self.addresses.get(name, tail(name))

    def add_phy(self, phy):
        attached, number = phy.get("attachedSasAddress", ""), phy.get("phyIdentifier", 0)
        rate = rate_of(phy, "negotiatedLinkRate")
        if attached and rate:
            self.lanes.setdefault((phy["owner"], attached), []).append(number)
        # As in sysfs_table: mpt3sas does not update the rate of a phy that lost its device. With such a phy, nothing
        # shows which phys lead upwards.
        if rate and not attached and "SOURCE_FIRMWARE" not in phy.get("sources", ()):
            rate = attached = None
        self.table.put(
            *("phy", self.host_of(phy["name"]), self.address_of(phy["owner"]), number),
            rate=rate,
            attached=attached,
            attached_phy=phy.get("attachedPhyIdentifier"),
            disabled=phy.get("negotiatedLinkRate") == "LINK_RATE_DISABLED",
        )

    def add_expander(self, expander):
        own = expander["sasAddress"]
        self.table.put(
            *("expander", self.host_of(expander["name"]), own),
            parent=self.address_of(expander["parent"]),
            parent_phys=tuple(sorted(self.lanes.get((expander["parent"], own), ()))),
            level=expander.get("level"),
            vendor=expander.get("vendor"),
            product=expander.get("product"),
            revision=expander.get("productRevision"),
        )

    def add_port(self, port):
        host, owner = self.host_of(port["name"]), self.address_of(port["owner"])
        attached = port["attachedSasAddress"]
        upward = self.parents.get(("expanders", host, owner)) == attached
        if upward or (host, attached) in self.failed:
            return
        self.table.put(
            *("port", host, owner, attached),
            width=port.get("width", 0),
            rate=rate_of(port, "linkRate"),
            phys=tuple(sorted(port.get("phyIdentifiers", ()))) or None,
        )

    def add_device(self, device):
        host, own = self.host_of(device["name"]), device["sasAddress"]
        if (host, own) in self.failed:
            return
        names = device.get("logicalUnits", [])
        units = self.units.get(device["name"], {}) if names else {}
        unit, _ = units.get(0, ({}, {}))
        ses = device["peripheralType"] == ENCLOSURE_TYPE if "peripheralType" in device else None
        protocols = [text.removeprefix("PROTOCOL_").lower() for text in device.get("targetProtocols", [])]
        self.table.put(
            *("device", host, own),
            parent=self.address_of(device["parent"]),
            parent_phy=device.get("parentPhyIdentifier"),
            rate=rate_of(device, "linkRate"),
            protocols=", ".join(protocols),
            enclosure=tail(device.get("enclosure", "")),
            slot=device.get("slot"),
            wwn=wwn_of(unit),
            serial=device.get("serial", ""),
            vendor=device.get("vendor", ""),
            product=device.get("model", ""),
            revision=unit.get("productRevision", ""),
            blocks=None if ses else int(unit.get("sizeBytes", 0)) // SECTOR,
            handle=device.get("deviceHandle", 0),
            ses=ses,
            scsi=bool(names),
            name=device.get("blockDevice"),
            hctl=device.get("scsiAddress"),
            state=STATES.get(device.get("state"), device.get("state")),
        )
        for lun, (unit, path) in units.items():
            if lun == 0:
                continue
            self.table.put(
                *("lun", host, own, lun),
                wwn=wwn_of(unit),
                blocks=int(unit.get("sizeBytes", 0)) // SECTOR,
                name=path.get("blockDevice"),
                hctl=path.get("scsiAddress"),
                state=STATES.get(path.get("state"), path.get("state")),
            )

    def add_unit(self, unit):
        if unit.get("peripheralType") == ENCLOSURE_TYPE:
            return
        paths = unit.get("paths", [])
        self.table.put(
            *("unit", wwn_of(unit), unit.get("serial", "")),
            blocks=int(unit.get("sizeBytes", 0)) // SECTOR,
            paths=tuple(sorted((self.host_of(p["endDevice"]), self.address_of(p["endDevice"])) for p in paths)),
            names=tuple(sorted(p.get("blockDevice", "") for p in paths)),
        )

    def add_bays(self, enclosure):
        """A bay of the table is a slot as one host sees it."""
        if enclosure["logicalId"] in {host["sasAddress"] for host in self.objects["host"]}:
            return  # the enclosure of the board, which has no SES
        for slot in self.objects["slot"]:
            if slot["enclosure"] != enclosure["name"]:
                continue
            for name in enclosure.get("hosts", []):
                host = self.host_of(name)
                devices = [self.address_of(d) for d in slot.get("endDevices", []) if self.host_of(d) == host]
                devices = [d for d in devices if (host, d) not in self.failed]
                self.table.put(
                    *("bay", host, enclosure["logicalId"], slot.get("slot", 0)), device=" ".join(devices)
                )


def wwn_of(unit):
    """"5000c500a7b26111" for "naa.5000c500a7b26111", as in sysfs_table."""
    wwid = unit.get("wwid", "")
    return address(wwid[len("naa.") :]) if wwid.startswith("naa.") else wwid
