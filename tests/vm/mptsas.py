"""QEMU's own mptsas1068 (MPI 1) with its disks, the kernel's mptsas, and sasd, which has only sysfs there.

The truth is QEMU's command line. Linux knows no address of such an HBA, so tables name it HOST.
"""

import json
import os
from dataclasses import dataclass

import kernel_log
from rig import Node, differences_of_sasd
from scenarios import NORMAL, expect
from table import KINDS, Table, add_ports_and_units, differences

HOST = "host"
PHYS = 8
RATE = 3.0  # QEMU's phys
SECTOR = 512
# Lines that the driver writes at any start.
MPTSAS = (
    (r"^Fusion MPT (base|SAS Host) driver|^mptbase: ioc\d|^mptsas: ioc\d", "the driver's greeting"),
    (r"^ioc\d: LSISAS1068 A0: Capabilities", "the driver's greeting"),
    (r"^scsi [\d:]+: Power-on or device reset occurred", "the first answer of QEMU's disks"),
)
SCENARIOS = []


def scenario(*allow):
    def mark(function):
        function.allow = (MPTSAS,) + allow
        function.length = NORMAL
        function.fabrics = ("mptsas",)
        SCENARIOS.append(function)
        return function

    return mark


@dataclass(frozen=True)
class Disk:
    """`number` is the disk's phy. Its names contain the number."""

    number: int
    blocks: int

    @property
    def id(self):
        return f"disk{self.number}"

    @property
    def wwn(self):
        return f"5000c500bbbb{self.number:04x}"

    @property
    def serial(self):
        return f"QEMU{self.number:04}"

    def drive(self, folder):
        """QEMU's options for the disk's medium: a sparse file of zeros."""
        path = os.path.join(folder, self.id + ".img")
        with open(path, "wb") as image:
            image.truncate(self.blocks * SECTOR)
        return {"driver": "raw", "node-name": self.id, "file": {"driver": "file", "filename": path}}

    def device(self):
        return {
            "driver": "scsi-hd",
            "id": self.id + "-device",
            "drive": self.id,
            "bus": "sas.0",
            "scsi-id": self.number,
            "serial": self.serial,
            "wwn": int(self.wwn, 16),
            "vendor": "QVENDOR",
            "product": f"QDISK {self.number}",
            "ver": f"R{self.number:03}",
        }


class Mpi1Node(Node):
    """One boot with an mptsas1068."""

    def __init__(self, image, folder, tested):
        self.disks = {n: Disk(n, 200_000 + 8 * n) for n in (0, 1, 3, 7)}
        self.folder = folder
        self.fabric = "mptsas"
        arguments = ["-device", "mptsas1068,id=sas,addr=5"]
        for disk in self.disks.values():
            arguments += ["-blockdev", json.dumps(disk.drive(folder)), "-device", json.dumps(disk.device())]
        super().__init__(image, tested, folder, qemu_arguments=arguments)

    def load_driver(self):
        self.vm.run("/usr/bin/modprobe mptsas")

    def unload_driver(self):
        self.vm.run("/usr/bin/modprobe -r mptsas")

    def remove(self, number):
        """Call it only without the driver: QEMU's firmware for mptsas reports no change."""
        disk = self.disks.pop(number)
        self.vm.qmp.call("device_del", id=disk.device()["id"])

    def add(self, number):
        disk = self.disks[number] = Disk(number, 100_000)
        self.vm.qmp.call("blockdev-add", **disk.drive(self.folder))
        self.vm.qmp.call("device_add", **disk.device())

    def truth(self):
        table = Table()
        table.put("host", HOST, firmware=False)
        for number in range(PHYS):
            disk = self.disks.get(number)
            table.put(
                *("phy", HOST, HOST, number),
                rate=RATE if disk else 0.0,
                attached=disk.wwn if disk else "",
                disabled=False,
            )
        for disk in self.disks.values():
            reported = disk.device()
            table.put(
                *("device", HOST, disk.wwn),
                parent=HOST,
                parent_phy=disk.number,
                rate=RATE,
                protocols="ssp",
                enclosure="",
                wwn=disk.wwn,
                serial=disk.serial,
                vendor=reported["vendor"],
                product=reported["product"],
                revision=reported["ver"],
                blocks=disk.blocks,
                ses=False,
                scsi=True,
            )
        add_ports_and_units(table)
        return table

    def sysfs(self):
        return of_one_host(super().sysfs())

    def sasd_table(self):
        return of_one_host(super().sasd_table())


def of_one_host(table):
    """The table with HOST instead of the address of its only host, in keys and fields."""
    hosts = [host for (host,) in table.of_kind("host")]
    if len(hosts) != 1:
        return table

    def renamed(value):
        if isinstance(value, tuple):
            return tuple(renamed(part) for part in value)
        return HOST if value == hosts[0] else value

    out = Table()
    for key, row in table.items():
        out[tuple(renamed(part) for part in key)] = {
            field: renamed(value) if field in ("parent", "paths") else value for field, value in row.items()
        }
    return out


@scenario()
def mptsas_agrees(node):
    """The kernel's mptsas and sasd report the machine of QEMU's command line."""
    node.load_driver()
    sysfs = node.agree()
    listed = of_one_host(node.sasd.listed_table())
    lines = differences_of_sasd(node.truth(), sysfs, listed)
    lines += differences(node.sasd_table(), listed, "sasctl list", KINDS, truth_name="Watch snapshot")
    expect(not lines, "\n".join(lines))
    slots = [row["slot"] for row in listed.of_kind("device").values() if "slot" in row]
    expect(not slots, f"slots without an enclosure: {slots}")
    (host,) = json.loads(node.sasd.ctl("list hosts -o json").out)
    reported = {key: host.get(key) for key in ("driverName", "pciAddress", "phyCount")}
    expect(reported == {"driverName": "mptsas", "pciAddress": "0000:00:05.0", "phyCount": PHYS}, f"{host}")


@scenario(kernel_log.REMOVAL)
def mptsas_reload(node):
    """The driver is unloaded, a disk is replaced, and the driver is loaded: sasd follows."""
    node.unload_driver()
    node.poll(lambda: not node.sasd.table(), 60, "sasd reports no objects")
    node.remove(3)
    node.add(5)
    node.load_driver()
    node.agree()
