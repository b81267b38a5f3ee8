"""Machines whose owners published their tools' output: sasctl shows the same.

The trees are built from the same listings (driver/sysfs/real_layouts.h). So this tests how sasd
reads and shows such a machine, not whether the trees are like the machines.
"""

import collections
import os
import re
import subprocess
import tempfile
import unittest

from sasd import ROOT, Sasd

LISTINGS = os.path.join(ROOT, "driver/sysfs/testdata")
WRITE_LAYOUT = os.path.join(ROOT, "tests/e2e/write_layout")


def listing(name):
    with open(os.path.join(LISTINGS, name), encoding="utf-8") as file:
        return file.read().splitlines()


class Drawing:
    """A tree as sas_discover and sasctl draw it.

    links: (expander, its parent, number of lanes, vendor). disks, enclosures: their number at each
    host and expander.
    """

    def __init__(self, lines):
        self.links = set()
        self.hosts = set()
        self.disks = collections.Counter()
        self.enclosures = collections.Counter()
        above = []  # (column, host or expander)
        for line in lines:
            # A line that stands for devices which the owner left out.
            if more := re.match(r" *\(end_device-[\d:]+:(\d+) .* end_device-[\d:]+:(\d+)", line):
                self.disks[above[-1][1]] += int(more[2]) - int(more[1]) + 1
                continue
            text = line.lstrip("|`- ")
            column = len(line) - len(text)
            while above and above[-1][0] >= column:
                above.pop()
            owner = above[-1][1] if above else ""
            if host := re.match(r"(host\d+) ?(.*?) *$", text):
                self.hosts.add(host.groups())
                above.append((column, host[1]))
            elif expander := re.match(r"(\d+)x--(expander-[\d:]+) *(\w*)", text):
                self.links.add((expander[2], owner, int(expander[1]), expander[3]))
                above.append((column, expander[2]))
            elif disks := re.match(r"(\d+) x (?:end_device -- )?disk", text):
                self.disks[owner] += int(disks[1])
            elif enclosures := re.match(r"(\d+) x end_device -- enclosure", text):
                self.enclosures[owner] += int(enclosures[1])
            elif text.startswith("enclosure"):
                self.enclosures[owner] += 1


class ListingsTest(unittest.TestCase):
    def serve(self, layout):
        """Starts sasd on the tree of that machine."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        subprocess.run([WRITE_LAYOUT, layout, folder.name], check=True)
        sasd = Sasd("--sysfs-root", folder.name).__enter__()
        self.addCleanup(sasd.__exit__)
        return sasd

    def test_oak_matches_sas_discover(self):
        owners = Drawing(listing("sasutils-oak-sas-discover.txt"))
        ours = Drawing(self.serve("oak").tree())
        self.assertEqual(len(owners.links), 50)
        self.assertEqual(sum(owners.disks.values()), 2 * 815)
        self.assertEqual(ours.hosts, owners.hosts)
        self.assertEqual(ours.links, owners.links)
        self.assertEqual(ours.disks, owners.disks)
        self.assertEqual(ours.enclosures, owners.enclosures)

    def test_three_expander_jbod_matches_sas_discover(self):
        owners = Drawing(listing("zfs-11095-4U-jbod-three-expanders.txt"))
        ours = Drawing(self.serve("three-expanders").tree())
        # The owner's listing lacks names, and ends before the second enclosure.
        self.assertEqual({link[:3] for link in ours.links}, {link[:3] for link in owners.links})
        self.assertEqual(owners.disks["expander-15:0"], 12)
        self.assertEqual(ours.disks, owners.disks)
        self.assertEqual(ours.enclosures - owners.enclosures, {"expander-15:1": 1})

    def test_md1240_matches_sas_devices(self):
        sasd = self.serve("md1240")
        ours = Drawing(sasd.tree())
        self.assertEqual({host for host, _ in ours.hosts}, {"host0", "host5"})
        self.assertEqual({link[:2] for link in ours.links}, {("expander-5:1", "host5")})
        self.assertEqual(ours.disks["expander-5:1"] + ours.enclosures["expander-5:1"], 23)
        text = "\n".join(listing("sasutils-31-md1220-two-hosts.txt"))
        columns = "slot,wwid,block-devices,generic-devices,paths,vendor,model,serial,firmware"
        rows = sasd.run(
            "list", "drives", "--no-headers", "--columns", columns + ",size,scsi-addresses,state"
        )
        rows = [row.split() for row in rows.splitlines()]
        owners = re.findall(
            r"^ +(\d+) +disk +(naa\.\w+) +(sd\w+) +(sg\d+) +(\d) +(\S+) +(\S+) +(\S+) +(\S+)"
            r" +([\d.]+)(\w+) +([\d:]+)",
            text,
            re.MULTILINE,
        )
        self.assertEqual(len(owners), 4)
        for drive in owners:
            with self.subTest(drive[1]):
                row = next(row for row in rows if row[1] == drive[1])
                self.assertEqual(row[:9], list(drive[:9]))
                self.assertIn(drive[11], row)
        # The places of the devices in sysfs, from the owner's `ls -l`.
        places = re.findall(r"(end_device-[\d:]+)/device/target[\d:]+/([\d:]+)/generic -> ", text)
        self.assertEqual(len(places), 5)
        rows = sasd.run("list", "devices", "--no-headers", "--columns", "os-name,scsi-address")
        ours = {tuple(row.split()) for row in rows.splitlines()}
        self.assertLessEqual(set(places), ours)

    def test_supermicro_matches_its_boot_log(self):
        name = "mpt3sas-supermicro36-two-expanders-boot.txt"
        sasd = self.serve(os.path.join(LISTINGS, name))
        expanders, devices, parent = {}, set(), None
        for line in listing(name):
            if found := re.search(r"host_add: .*sas_addr\(0x(\w+)\), phys\((\d+)\)", line):
                host = found.groups()
            elif found := re.search(
                r"expander_add: handle\(0x(\w+)\), parent\(0x(\w+)\), sas_addr\(0x(\w+)\), phys\((\d+)",
                line,
            ):
                parent = found[3]
                above = [e for e, (handle, *_) in expanders.items() if handle == found[2]]
                expanders[parent] = (found[1], above[0] if above else host[0], found[4])
            elif found := re.search(r"handle\(0x(\w+)\) sas_address\(0x(\w+)\)", line):
                devices.add((found[2], f"0x{int(found[1], 16):04x}", parent))
        self.assertEqual((len(expanders), len(devices)), (2, 34))

        def rows(noun, columns):
            out = sasd.run("list", noun, "--no-headers", "--columns", columns)
            return [row.split() for row in out.splitlines()]

        self.assertEqual(rows("hosts", "address,phys"), [list(host)])
        self.assertEqual(
            {e: (above, phys) for e, above, phys in rows("expanders", "address,parent,phys")},
            {e: (above, phys) for e, (_, above, phys) in expanders.items()},
        )
        self.assertEqual(
            {tuple(row) for row in rows("devices", "address,handle,parent")}, devices
        )
        protocols = rows("devices", "address,type,protocol")
        self.assertEqual(sum(row[1] == "disk" and row[2] == "sata" for row in protocols), 10)


if __name__ == "__main__":
    unittest.main()
