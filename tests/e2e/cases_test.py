"""What people's real machines showed. Each case is a public report, rebuilt as a small tree
(driver/sysfs/testdata), and has one right answer: of the recorded tree, of the same fabric behind a
virtual HBA, of the tree as a live machine, and of two such machines in one.
"""

import json
import os
import re
import shutil
import signal
import tarfile
import tempfile
import unittest

from sasd import ROOT, Sasd

TREES = os.path.join(ROOT, "driver/sysfs/testdata")
LIVE = "libumockdev-preload" in os.environ.get("LD_PRELOAD", "")


def tree(case):
    return os.path.join(TREES, case + ".sys.tar.gz")


def twin(root, number, changes):
    """Adds a copy of host0 as host `number`: `changes` are of addresses and names."""

    def renamed(text):
        for pattern, replacement in changes:
            text = re.sub(pattern, replacement, text)
        return text

    sys = os.path.join(root, "sys")
    for folder, folders, files in list(os.walk(sys)):
        for name in folders + files:
            path = os.path.join(folder, name)
            to = os.path.join(sys, renamed(os.path.relpath(path, sys)))
            if to == path or os.path.lexists(to):
                continue
            os.makedirs(os.path.dirname(to), exist_ok=True)
            if os.path.islink(path):
                os.symlink(renamed(os.readlink(path)), to)
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    content = file.read()
                with open(to, "wb") as file:
                    file.write(renamed(content.decode("latin-1")).encode("latin-1"))
            else:
                os.makedirs(to, exist_ok=True)


# Names and addresses of a second machine like the first.
TWIN = [
    (r"0000:03:00\.0", "0000:04:00.0"),
    (r"\bhost0\b", "host1"),
    (r"\b(phy|port|expander|end_device)-0:", r"\1-1:"),
    (r"\btarget0:", "target1:"),
    (r"(^|/|:)0:0:(\d+):(\d+)", r"\g<1>1:0:\2:\3"),
    (r"\bsd([a-z])\b", r"sdx\1"),
    (r"\bsg(\d+)\b", r"sg10\1"),
    (r"0x500605b00", "0x500605b01"),
]


class CasesTest(unittest.TestCase):
    maxDiff = None

    def recorded(self, case, changes=None):
        """A sasd on the tree of a case; with `changes`, beside its twin."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        with tarfile.open(tree(case)) as tar:
            tar.extractall(folder.name)
        if changes:
            twin(folder.name, 1, changes)
        self.root = folder.name
        return self.start("--sysfs-root", folder.name + "/sys")

    def virtual(self, text):
        """A sasd on a fabric."""
        with tempfile.NamedTemporaryFile("w", suffix=".textproto", delete=False) as file:
            file.write(text)
        self.addCleanup(os.unlink, file.name)
        return self.start("--fabric", file.name)

    def live(self, case):
        """A sasd on a machine whose /sys is the tree."""
        if not LIVE:
            self.skipTest("no umockdev here (bazel/setup.sh test)")
        from testbed import Testbed

        testbed = Testbed(tree(case))
        self.addCleanup(testbed.close)
        self.testbed = testbed
        return self.start("--link-look-seconds", "0", env=testbed.env)

    def start(self, *options, env=None):
        sasd = Sasd(*options, env=env).__enter__()
        self.addCleanup(sasd.__exit__)
        return sasd

    def rows(self, sasd, noun, columns, *options):
        text = sasd.run("list", noun, "--no-headers", "--columns", columns, *options)
        return sorted(re.sub(r" {2,}", "  ", line.strip()) for line in text.splitlines())

    def findings(self, sasd):
        """(reason, message) of what health shows."""
        report = json.loads(sasd.call("health", "-o", "json").stdout)
        return [(f["reason"], f["message"]) for f in report.get("findings", [])]

    # -------------------------------------------------------------------------- dup-wwn-two-ssds

    def check_two_ssds(self, sasd, names=("sdg", "sdh")):
        drives = self.rows(sasd, "drives", "serial,paths", "-f", "model=CHEAP 512GB")
        self.assertEqual(drives, ["AB2211040010007  1", "AB2211040010019  1"])
        shown = json.loads(sasd.run("show", "AB2211040010019", "-o", "json"))
        self.assertIn("AB2211040010019", json.dumps(shown))
        self.assertNotIn("AB2211040010007", json.dumps(shown))
        shared = [m for reason, m in self.findings(sasd) if reason == "SHARED_IDENTIFIER"]
        self.assertEqual(len(shared), 1)
        for text in ("AB2211040010007", "AB2211040010019", "dm-multipath", *names):
            self.assertIn(text, shared[0])
        # The first one keeps the plain name.
        names = self.rows(sasd, "drives", "name", "-f", "model=CHEAP 512GB")
        self.assertEqual(
            names,
            [
                "logicalUnits/naa.5031534700a20001",
                "logicalUnits/naa.5031534700a20001~AB2211040010019",
            ],
        )

    def test_two_ssds_of_one_wwn_are_two_drives(self):
        sasd = self.recorded("dup-wwn-two-ssds")
        self.check_two_ssds(sasd)
        slots = self.rows(sasd, "drives", "slot,block-devices", "-f", "model=CHEAP 512GB")
        self.assertEqual(slots, ["0  sdg", "1  sdh"])

    def test_pulled_ssd_of_a_shared_wwn_is_a_missing_drive(self):
        sasd = self.recorded("dup-wwn-two-ssds")
        port = os.path.join(self.root, "sys/devices/pci0000:00/0000:03:00.0/host0/port-0:1")
        shutil.rmtree(port)
        for folder, folders, files in os.walk(os.path.join(self.root, "sys")):
            for name in folders + files:
                path = os.path.join(folder, name)
                if os.path.islink(path) and not os.path.exists(path):
                    os.unlink(path)
        watch = sasd.watch()
        sasd.process.send_signal(signal.SIGHUP)  # read the tree again
        event = watch.next_event()
        watch.end()
        removed = [c["resource"] for c in event["changes"] if c["kind"] == "CHANGE_KIND_REMOVED"]
        units = [r["logicalUnit"]["serial"] for r in removed if "logicalUnit" in r]
        self.assertEqual(units, ["AB2211040010019"])
        ((reason, message),) = self.findings(sasd)
        self.assertEqual(reason, "DRIVE_MISSING")
        self.assertIn("AB2211040010019", message)

    def test_two_ssds_behind_a_virtual_hba(self):
        ssd = '{ id: "ssd%d" model: "cheap" serial: "%s" wwn: "5031534700a20001" port { at: "hba" phy: %d } }'
        self.check_two_ssds(
            self.virtual(
                """
                name: "two-ssds" description: "two SSDs of one WWN"
                host { id: "hba" address: "500605b00c0ffe00" phys: 8 pci: "0000:03:00.0" }
                model { id: "cheap" protocol: SATA product: "CHEAP 512GB" revision: "1" size: "512110190592" ssd: true }
                """
                + "device "
                + ssd % (0, "AB2211040010007", 0)
                + " device "
                + ssd % (1, "AB2211040010019", 1)
            ),
            names=(),
        )

    def test_two_ssds_on_a_live_machine(self):
        self.check_two_ssds(self.live("dup-wwn-two-ssds"))

    def test_two_such_machines_have_four_ssds(self):
        # Only the two SSDs have the identifier of those in the first machine.
        changes = TWIN + [("AB22110400100", "CD22110400100"), ("ZC1A", "ZC1B"), ("c0ffe", "c1ffe")]
        changes.append(("c500d1a2", "c500d1b2"))
        sasd = self.recorded("dup-wwn-two-ssds", changes)
        drives = self.rows(sasd, "drives", "serial,paths", "-f", "model=CHEAP 512GB")
        self.assertEqual(
            drives,
            [
                "AB2211040010007  1",
                "AB2211040010019  1",
                "CD2211040010007  1",
                "CD2211040010019  1",
            ],
        )
        shared = [m for reason, m in self.findings(sasd) if reason == "SHARED_IDENTIFIER"]
        self.assertEqual(len(shared), 1, shared)
        self.assertIn("4 drives report the identifier naa.5031534700a20001", shared[0])

    # -------------------------------------------------------------------------- dual-actuator

    def check_actuators(self, sasd):
        slots = self.rows(sasd, "slots", "slot,label,block-devices", "-f", "occupied=true")
        self.assertEqual(
            slots, ["0  SLOT 00  sda,sdb", "1  SLOT 01  sdc,sdd", "2  SLOT 02  sde,sdf"]
        )
        devices = self.rows(sasd, "devices", "slot,block-device", "-f", "type=disk")
        self.assertEqual(devices, ["0  sda,sdb", "1  sdc,sdd", "2  sde,sdf"])
        lines = [line for line in sasd.tree("-v") if "slot " in line]
        for line, names in zip(lines, ("sda,sdb", "sdc,sdd", "sde,sdf")):
            self.assertIn(names, line)
            self.assertRegex(line, r"slot \d SLOT 0\d")
        drives = self.rows(sasd, "drives", "slot,label,block-devices")
        self.assertEqual(len(drives), 6)
        self.assertIn("0  SLOT 00  sdb", drives)
        self.assertIn("sdb", sasd.run("show", "sdb"))
        self.assertEqual(self.findings(sasd), [])

    def test_slot_of_a_dual_actuator_drive_names_both_disks(self):
        self.check_actuators(self.recorded("dual-actuator"))

    def test_dual_actuator_drive_on_a_live_machine(self):
        self.check_actuators(self.live("dual-actuator"))

    def test_two_machines_of_dual_actuator_drives(self):
        changes = TWIN + [("c500ca11", "c500ca12"), ("ccab0400", "ccab0500"), ("ZKL", "ZKM")]
        sasd = self.recorded("dual-actuator", changes)
        slots = self.rows(sasd, "slots", "slot,block-devices", "-f", "occupied=true")
        self.assertEqual(len(slots), 6)
        self.assertIn("0  sda,sdb", slots)
        self.assertIn("0  sdxa,sdxb", slots)
        self.assertEqual(len(self.rows(sasd, "drives", "serial")), 12)
        self.assertEqual(self.findings(sasd), [])

    # -------------------------------------------------------------------------- md1220-no-encserv

    def check_bays(self, sasd):
        self.assertEqual(self.rows(sasd, "slots", "slot"), [str(slot) for slot in range(6)])
        self.assertIn("6 slots occupied, number of slots not known", "\n".join(sasd.tree("-v")))
        (enclosure,) = json.loads(sasd.run("list", "enclosures", "-o", "json"))
        self.assertNotIn("slotCount", enclosure)
        self.assertEqual(self.rows(sasd, "enclosures", "slots,occupied"), ["-  6"])

    def test_bays_without_a_list_are_those_in_use(self):
        self.check_bays(self.recorded("md1220-no-encserv"))

    def test_two_machines_without_a_list_of_bays(self):
        changes = TWIN + [("c50055aa", "c50056aa"), ("c04f2631", "c04f2632"), ("6XS", "6XT")]
        changes.append(("0044a1000", "0144a1000"))
        sasd = self.recorded("md1220-no-encserv", changes)
        self.assertEqual(len(self.rows(sasd, "slots", "slot,enclosure")), 12)
        self.assertEqual(self.rows(sasd, "enclosures", "slots,occupied"), ["-  6", "-  6"])

    def test_bays_without_a_list_on_a_live_machine(self):
        self.check_bays(self.live("md1220-no-encserv"))


if __name__ == "__main__":
    unittest.main()
