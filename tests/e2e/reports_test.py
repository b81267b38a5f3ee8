"""Trees rebuilt from what operators reported: sasd gives the right answer on them.

Each case is served as it is, in variants made from it, and several at once.
"""

import os
import shutil
import tarfile
import tempfile
import unittest

from sasd import ROOT, Sasd

CASES = os.path.join(ROOT, "driver/sysfs/testdata/cases")


class ReportsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = os.path.join(self.folder.name, "tree")
        self.sys = os.path.join(self.root, "sys")

    def unpack(self, *names):
        """Adds the trees of these cases to one tree."""
        for name in names:
            with tarfile.open(os.path.join(CASES, f"{name}.sys.tar.gz")) as archive:
                archive.extractall(self.root)

    def serve(self):
        sasd = Sasd("--sysfs-root", self.root).__enter__()
        self.addCleanup(sasd.__exit__)
        return sasd

    def find(self, ending):
        """The only file or folder whose path ends so, without following links."""
        found = []
        for folder, folders, files in os.walk(os.path.join(self.sys, "devices")):
            for name in folders + files:
                path = os.path.join(folder, name)
                if path.endswith("/" + ending) and not os.path.islink(path):
                    found.append(path)
        self.assertEqual(len(found), 1, found)
        return found[0]

    def column(self, sasd, noun, columns, *more):
        lines = sasd.run("list", noun, "--columns", columns, "--no-headers", *more).splitlines()
        return [line.split() for line in lines]

    def doctor(self, sasd):
        return sasd.call("doctor").stdout

    # ------------------------------------------------------------------------- ports without phys

    def assert_hpsa(self, sasd):
        rows = self.column(sasd, "drives", "scsi-addresses,slot")
        bays = {address: slot for address, slot in rows if address.startswith("1:0:")}
        self.assertEqual(bays, {f"1:0:{target}:0": str(target + 1) for target in range(6)})
        self.assertIn(["host1", "6.60"], self.column(sasd, "hosts", "os-name,firmware"))
        tree = sasd.run("tree", "-v")
        lines = [line for line in tree.splitlines() if "end_device-1:" in line]
        self.assertEqual(len(lines), 6)
        for line in lines:
            self.assertNotRegex(line, r"\dx--")

    def test_bays_come_from_path_info(self):
        self.unpack("hpsa-ports-without-phys")
        sasd = self.serve()
        self.assert_hpsa(sasd)
        ports = self.column(sasd, "ports", "width")
        self.assertEqual({row[0] for row in ports}, {"-"})
        self.assertNotIn('"width"', sasd.run("list", "ports", "-o", "json"))
        boxes = self.column(sasd, "enclosures", "os-name")
        self.assertEqual(boxes, [["PORT", "1I", "BOX", "1"]])

    def test_two_boxes_are_two_enclosures(self):
        self.unpack("hpsa-ports-without-phys")
        device = self.find("1:0:5:0/path_info")
        with open(device, "w", encoding="utf-8") as file:
            file.write("[1:0:5:0]       Direct-Access PORT: 2I BOX: 1 BAY: 1 Active\n")
        sasd = self.serve()
        self.assertEqual(len(self.column(sasd, "enclosures", "id")), 2)
        self.assertEqual(len(self.column(sasd, "drives", "slot")), 6)
        self.assertNotIn("SLOT_CONTRADICTION", sasd.call("health").stdout)

    def test_drive_without_a_bay_has_none(self):
        self.unpack("hpsa-ports-without-phys")
        os.remove(self.find("1:0:5:0/path_info"))
        sasd = self.serve()
        slots = [row[0] for row in self.column(sasd, "drives", "slot")]
        self.assertEqual(sorted(slots), ["-", "1", "2", "3", "4", "5"])

    # ------------------------------------------------------------------------- links to nothing

    def assert_links(self, sasd):
        phys = self.column(sasd, "phys", "owner,phy,rate,attached")
        unattached = [
            phy
            for owner, phy, rate, attached in phys
            if owner == "500e004ccccccc1f" and rate == "6G" and attached == "-"
        ]
        self.assertEqual(unattached, ["3", "4"])

    def test_links_to_nothing_are_found_after_the_grace(self):
        self.unpack("sata-faster-than-host-link")
        sasd = self.serve()
        self.assert_links(sasd)
        self.assertNotIn("SLOW_LINK", sasd.call("health").stdout)

    # ------------------------------------------------------------------------- volumes

    def assert_volume(self, sasd):
        for word in ("sda", "/dev/sda", "10:1:0:0"):
            shown = sasd.run("show", word)
            self.assertIn("scsi device 10:1:0:0", shown)
            self.assertIn("block-device:", shown)
            self.assertRegex(shown, r"host: +[0-9a-f]{16} host10")
        hosts = sasd.run("list", "hosts", "--all")
        self.assertRegex(hosts, r"host10 .*1 disk that is no SAS object\n +10:1:0:0 +sda +disk")
        doctor = self.doctor(sasd)
        self.assertIn("host10", doctor)
        self.assertIn("sda (10:1:0:0", doctor)

    def test_volume_is_found_and_named(self):
        self.unpack("ir-volume-hidden-pds")
        sasd = self.serve()
        self.assert_volume(sasd)
        self.assertNotIn("sda", sasd.run("list", "drives"))
        listed = sasd.run("list", "hosts", "--all", "-o", "jsonl")
        self.assertIn('"blockDevice":"sda"', listed.replace(" ", ""))

    def test_raid_level_of_a_volume_is_shown(self):
        self.unpack("ir-volume-hidden-pds")
        volume = os.path.dirname(self.find("10:1:0:0/model"))
        os.rename(os.path.join(volume, "block/sda"), os.path.join(volume, "block/sdq"))
        with open(os.path.join(volume, "raid_level"), "w", encoding="utf-8") as file:
            file.write("RAID 1(+0)\n")
        sasd = self.serve()
        self.assertIn("RAID 1(+0)", sasd.run("show", "sdq"))
        self.assertIn("RAID 1(+0)", sasd.run("list", "hosts", "--all"))
        self.assertNotEqual(sasd.call("show", "sda").returncode, 0)

    def test_host_without_transport_is_listed_as_what_it_is(self):
        self.unpack("hpsa-ports-without-phys", "ir-volume-hidden-pds")
        os.remove(os.path.join(self.sys, "class/sas_host/host10"))
        shutil.rmtree(self.find("host10/sas_host"))
        with open(self.find("scsi_host/host10/proc_name"), "w", encoding="utf-8") as file:
            file.write("megaraid_sas\n")
        sasd = self.serve()
        self.assert_hpsa(sasd)
        self.assertIn(
            "SCSI host without SAS transport: 1 disk, no topology",
            sasd.run("list", "hosts", "--all"),
        )
        self.assertIn(
            "SCSI host without SAS transport (megaraid_sas): 1 disk, no topology",
            self.doctor(sasd),
        )
        self.assertIn("10:1:0:0", sasd.run("list", "hosts", "--all"))

    # ------------------------------------------------------------------------- no ENCSERV

    def test_bays_without_enclosure_services_are_shown(self):
        self.unpack("md1220-no-encserv")
        sasd = self.serve()
        slots = self.column(sasd, "drives", "slot")
        self.assertEqual([row[0] for row in slots], ["0", "1", "2", "3", "4", "5"])

    # ------------------------------------------------------------------------- unreadable hosts

    def assert_unreadable(self, sasd, name):
        health = sasd.call("health")
        self.assertNotEqual(health.returncode, 0)
        self.assertIn("HOST_UNREADABLE", health.stdout)
        self.assertIn(f"{name} cannot be read", health.stdout)
        self.assertIn(name, self.doctor(sasd))

    def test_host_that_cannot_be_read_is_a_finding(self):
        targets = {
            "nowhere": "../../devices/pci0000:00/0000:99:00.0/host1/sas_host/host1",
            "outside": "/etc",
            "a loop": "host1",
        }
        for what, target in targets.items():
            with self.subTest(what):
                shutil.rmtree(self.root, ignore_errors=True)
                self.unpack("hpsa-ports-without-phys", "ir-volume-hidden-pds")
                entry = os.path.join(self.sys, "class/sas_host/host1")
                os.remove(entry)
                os.symlink(target, entry)
                sasd = self.serve()
                self.assert_unreadable(sasd, "host1")
                self.assertEqual(len(self.column(sasd, "hosts", "os-name")), 1, "the other one")

    # ------------------------------------------------------------------------- several at once

    def test_cases_beside_each_other_keep_their_answers(self):
        self.unpack(
            "hpsa-ports-without-phys", "ir-volume-hidden-pds", "sata-faster-than-host-link"
        )
        sasd = self.serve()
        self.assertEqual(len(self.column(sasd, "hosts", "os-name")), 3)
        self.assert_hpsa(sasd)
        self.assert_links(sasd)


if __name__ == "__main__":
    unittest.main()
