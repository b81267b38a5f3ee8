"""What people's real machines showed. Each case is a public report with one right answer, rebuilt as a
small tree (driver/sysfs/testdata/cases) or as a fabric (tests/e2e/cases).

CASES, at the end, is the table: each case as it was reported, from the other source (the firmware
instead of sysfs, or the reverse), on a live machine, and on two such machines in one. Further variants
are tests of their own.
"""

import glob
import json
import os
import re
import shutil
import signal
import tarfile
import tempfile
import time
import unittest

from sasd import ROOT, TIMEOUT_S, Sasd

TREES = os.path.join(ROOT, "driver/sysfs/testdata/cases")
FABRICS = os.path.join(ROOT, "tests/e2e/cases")
LIVE = "libumockdev-preload" in os.environ.get("LD_PRELOAD", "")
FORMS = ("reported", "other_source", "live", "twice")


def tree(case):
    return os.path.join(TREES, case + ".sys.tar.gz")


def add_twin(root, changes):
    """Adds a copy of the machine in the tree: `changes` are of addresses and names."""

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


def twin(old, new, pci, *more):
    """Names of a second machine like the first: host `old` is `new` there."""
    return [
        (pci[0].replace(".", r"\."), pci[1]),
        (rf"\bhost{old}\b", f"host{new}"),
        (rf"\b(phy|port|expander|end_device)-{old}:", rf"\1-{new}:"),
        (rf"\btarget{old}:", f"target{new}:"),
        (rf"(^|/|:){old}:(\d):(\d+):(\d+)", rf"\g<1>{new}:\2:\3:\4"),
        (r"\bsd([a-z])\b", r"sdx\1"),
        (r"\bsg(\d+)\b", r"sg10\1"),
        *more,
    ]


PCI = ("0000:03:00.0", "0000:08:00.0")


class Node(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = os.path.join(self.folder.name, "tree")
        self.sys = os.path.join(self.root, "sys")

    def unpack(self, *names):
        """Adds the trees of these cases to one tree."""
        for name in names:
            with tarfile.open(tree(name)) as archive:
                archive.extractall(self.root)

    def serve(self):
        """A sasd on the tree, which has no grace."""
        return self.start("--sysfs-root", self.root, "--attach-grace", "0s")

    def virtual(self, fabric):
        """A sasd on a fabric of tests/e2e/cases."""
        path = os.path.join(FABRICS, fabric + ".textproto")
        with open(path, encoding="utf-8") as file:
            settles = "max_handle" not in file.read()
        if settles:
            return self.start("--fabric", path, "--attach-grace", "0s")
        # Its discovery fails, so it never settles.
        sasd = self.start("--fabric", path, "--attach-grace", "0s", settles=False)
        deadline = time.monotonic() + TIMEOUT_S
        while sasd.call("health").returncode != 2 and time.monotonic() < deadline:
            pass
        return sasd

    def live(self, case):
        """A sasd on a machine whose /sys is the tree."""
        if not LIVE:
            self.skipTest("no umockdev here (bazel/setup.sh test)")
        from testbed import Testbed

        self.testbed = Testbed(tree(case))
        self.addCleanup(self.testbed.close)
        return self.start("--link-look", "0s", "--attach-grace", "0s", env=self.testbed.env)

    def start(self, *options, **more):
        sasd = Sasd(*options, **more).__enter__()
        self.addCleanup(sasd.__exit__)
        return sasd

    def reread(self, sasd):
        """Sasd reads the changed tree again; returns once it has reported a change."""
        watch = sasd.watch()
        sasd.process.send_signal(signal.SIGHUP)
        event = watch.next_event()
        watch.end()
        return event

    def rows(self, sasd, noun, columns, *options):
        text = sasd.run("list", noun, "--no-headers", "--columns", columns, *options)
        return sorted(re.sub(r" {2,}", "  ", line.strip()) for line in text.splitlines())

    def findings(self, sasd):
        """(reason, message) of what health shows."""
        report = json.loads(sasd.call("health", "-o", "json").stdout)
        return [(f["reason"], f["message"]) for f in report.get("findings", [])]

    def of_reason(self, sasd, reason):
        return [message for known, message in self.findings(sasd) if known == reason]

    def doctor(self, sasd):
        return sasd.call("doctor").stdout

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

    def write(self, path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text + "\n")

    def forget_broken_links(self):
        for folder, folders, files in os.walk(self.sys):
            for name in folders + files:
                path = os.path.join(folder, name)
                if os.path.islink(path) and not os.path.exists(path):
                    os.unlink(path)


class CasesTest(Node):
    """The table. A check gets sasd, the form, and how many such machines there are."""

    def serve_form(self, case, form):
        if form == "live":
            return self.live(case.name)
        if form == "other_source" and case.fabric:
            return self.virtual(case.name)
        self.unpack(case.name)
        if form == "twice":
            add_twin(self.root, case.twin)
        if form == "other_source":
            case.other(self)
        return self.serve()

    def check_two_ssds(self, sasd, form, machines):
        serials = ["AB2211040010007", "AB2211040010019"]
        if machines == 2:
            serials += ["CD2211040010007", "CD2211040010019"]
        drives = self.rows(sasd, "drives", "serial,paths", "-f", "model=CHEAP 512GB")
        self.assertEqual(drives, [serial + "  1" for serial in serials])
        shown = sasd.run("show", "AB2211040010019", "-o", "json")
        self.assertIn("AB2211040010019", shown)
        self.assertNotIn("AB2211040010007", shown)
        (shared,) = self.of_reason(sasd, "SHARED_IDENTIFIER")
        for text in (f"{len(serials)} drives", "naa.5031534700a20001", "dm-multipath", *serials):
            self.assertIn(text, shared)
        names = self.rows(sasd, "drives", "name", "-f", "model=CHEAP 512GB")
        # One of them keeps the plain name.
        plain = "logicalUnits/naa.5031534700a20001"
        self.assertEqual(len(names), len(serials))
        self.assertIn(plain, names)
        self.assertTrue(all(name.startswith(plain) for name in names), names)
        if machines == 1:
            self.assertIn(plain + "~AB2211040010019", names)
            slots = self.rows(sasd, "drives", "slot,serial", "-f", "model=CHEAP 512GB")
            self.assertEqual(slots, ["0  AB2211040010007", "1  AB2211040010019"])
        if form != "other_source":
            for name in ("sdg", "sdh"):
                self.assertIn(name, shared)

    def check_actuators(self, sasd, form, machines):
        self.assertEqual(len(self.rows(sasd, "drives", "serial")), 6 * machines)
        self.assertEqual(self.findings(sasd), [])
        slots = json.loads(sasd.run("list", "slots", "-f", "occupied=true", "-o", "json"))
        self.assertEqual([len(slot["logicalUnits"]) for slot in slots], [2] * (3 * machines))
        if form == "other_source":  # a virtual HBA has no block devices
            return
        listed = self.rows(sasd, "slots", "slot,label,block-devices", "-f", "occupied=true")
        expected = ["0  SLOT 00  sda,sdb", "1  SLOT 01  sdc,sdd", "2  SLOT 02  sde,sdf"]
        if machines == 2:
            expected += ["0  SLOT 00  sdxa,sdxb", "1  SLOT 01  sdxc,sdxd", "2  SLOT 02  sdxe,sdxf"]
        self.assertEqual(listed, sorted(expected))
        devices = self.rows(sasd, "devices", "slot,block-device", "-f", "type=disk")
        without_label = [re.sub(r"SLOT \d+  ", "", line) for line in expected]
        self.assertEqual(devices, sorted(without_label))
        lines = [line for line in sasd.tree("-v") if re.search(r"slot \d SLOT 0\d", line)]
        self.assertEqual(len(lines), 3 * machines)
        for line in expected:
            names = line.split()[-1]
            self.assertTrue(any(names in shown for shown in lines), names)
        self.assertIn("sdb", sasd.run("show", "sdb"))

    def check_hpsa(self, sasd, form, machines):
        hosts = ["host1", "host5"][:machines]
        for number in [host[4:] for host in hosts]:
            bays = self.rows(sasd, "drives", "scsi-addresses,slot")
            bays = [line for line in bays if line.startswith(number + ":")]
            self.assertEqual(bays, [f"{number}:0:{i}:0  {i + 1}" for i in range(6)])
        self.assertEqual(self.rows(sasd, "hosts", "os-name,firmware"), [f"{h}  6.60" for h in hosts])
        lines = [line for line in sasd.tree("-v") if re.search(r"end_device-\d:", line)]
        self.assertEqual(len(lines), 6 * machines)
        for line in lines:
            self.assertNotRegex(line, r"\dx--")
        self.assertEqual(set(self.rows(sasd, "ports", "width")), {"-"})
        self.assertNotIn('"width"', sasd.run("list", "ports", "-o", "json"))
        boxes = self.rows(sasd, "enclosures", "os-name")
        self.assertEqual(boxes, ["PORT 1I BOX 1"] * machines)

    def check_volume(self, sasd, form, machines):
        hosts = {"host10": ("sda", "10:1:0:0"), "host12": ("sdxa", "12:1:0:0")}
        for host, (disk, address) in list(hosts.items())[:machines]:
            for word in (disk, "/dev/" + disk, address):
                shown = sasd.run("show", word)
                self.assertIn("scsi device " + address, shown)
                self.assertIn("block-device:", shown)
                self.assertRegex(shown, rf"host: +[0-9a-f]{{16}} {host}")
            listed = sasd.run("list", "hosts", "--all")
            self.assertRegex(
                listed, rf"{host} .*1 disk that is no SAS object\n +{address} +{disk} +disk"
            )
            doctor = self.doctor(sasd)
            self.assertIn(host, doctor)
            self.assertIn(f"{disk} ({address}", doctor)
        # The members have no block device.
        disks = self.rows(sasd, "drives", "block-devices")
        self.assertEqual((len(disks), disks.count("-")), (4 * machines, 2 * machines))

    def check_bays(self, sasd, form, machines):
        self.assertEqual(
            self.rows(sasd, "slots", "slot", "-f", "occupied=true"),
            sorted([str(slot) for slot in range(6)] * machines),
        )
        shelves = self.rows(sasd, "enclosures", "slots,occupied", "-f", "model=MD1220")
        if form == "other_source":  # the firmware knows how many slots there are
            self.assertEqual(shelves, ["24  6"])
            return
        self.assertEqual(shelves, ["-  6"] * machines)
        self.assertEqual(len(self.rows(sasd, "slots", "slot")), 6 * machines)
        shown = "\n".join(sasd.tree("-v"))
        self.assertEqual(
            shown.count("6 slots occupied, number of slots not known"), machines, shown
        )
        for enclosure in json.loads(sasd.run("list", "enclosures", "-o", "json")):
            self.assertNotIn("slotCount", enclosure)
        if form == "live":
            doctor = self.doctor(sasd)
            self.assertIn("the ses driver has 0:0:6:0, but made no enclosure of it", doctor)
            self.assertNotIn("ses/bind", doctor)

    def check_links(self, sasd, form, machines):
        expanders = ["500e004ccccccc1f", "500e005ccccccc1f"][:machines]
        drives = self.rows(sasd, "drives", "serial")
        self.assertEqual(len(drives), 3 * machines)
        self.assertIn("3G", [line.split()[0] for line in self.rows(sasd, "expanders", "rate")])
        expected = []
        for expander in expanders:
            phys = self.rows(sasd, "phys", "phy,rate,attached", "-f", f"owner={expander}")
            for phy in ("3", "4"):
                self.assertIn(f"{phy}  6G  -", phys)
                expected.append(f"phy {phy} of expander {expander}")
        found = self.of_reason(sasd, "LINK_WITHOUT_DEVICE")
        self.assertEqual(sorted(m.split(" on host")[0] for m in found), sorted(expected))
        self.assertEqual(self.of_reason(sasd, "SLOW_LINK"), [])

    def check_two_hbas(self, sasd, form, machines):
        pairs = [("500605b123456777", "03", "04"), ("500605b923456777", "08", "09")][:machines]
        hosts = []
        for address, first, second in pairs:
            hosts += [address, f"{address}-0000.{second}.00.0"]
        names = self.rows(sasd, "hosts", "name")
        self.assertEqual(names, sorted("hosts/" + host for host in hosts))
        serials = ["ZA000001", "ZA010001", "ZA100001", "ZA110001"]
        if machines == 2:
            serials += [serial.replace("ZA", "ZB") for serial in serials]
        self.assertEqual(self.rows(sasd, "drives", "serial,paths"), [s + "  1" for s in serials])
        if form != "other_source":
            self.assertIn("ZA100001", sasd.run("show", "sdc"))
        shared = self.of_reason(sasd, "SHARED_IDENTIFIER")
        self.assertEqual(len(shared), machines)
        for (address, first, second), message in zip(pairs, sorted(shared)):
            for text in (address, f"0000:{first}:00.0", f"0000:{second}:00.0"):
                self.assertIn(text, message)
        self.assertEqual(len(self.findings(sasd)), machines)

    # ------------------------------------------------------------------------- lost-cable

    # Its trees are those of md1220-no-encserv: a shelf on a cable of four lanes.
    def check_lost(self, sasd, shelf, drives):
        """After the last lane: the shelf with all its drives, critical, until it is back."""
        health = sasd.call("health")
        self.assertEqual(health.returncode, 2, health.stdout)
        missing = [m for reason, m in self.findings(sasd) if reason.endswith("_MISSING")]
        self.assertEqual(len(missing), 1, missing)
        self.assertIn(shelf, missing[0])
        self.assertIn(f"{drives} lost all", missing[0])

    def test_lost_cable_reported(self):
        sasd = self.virtual("lost-cable")
        for lane in ("28", "29", "30"):
            sasd.run("emulator", "phy", "x", lane, "down")
            sasd.run("wait", "--settled")
            (narrow,) = self.of_reason(sasd, "NARROW_PORT")
            self.assertIn("50030480aa11003f", narrow)
            self.assertEqual(sasd.call("health").returncode, 1)
        sasd.run("emulator", "phy", "x", "31", "down")
        sasd.run("wait", "--settled")
        self.check_lost(sasd, "50030480aa110000", 3)
        for lane in ("28", "29", "30", "31"):
            sasd.run("emulator", "phy", "x", lane, "up")
        sasd.run("wait", "--settled")
        self.assertEqual(self.findings(sasd), [])

    def test_lost_cable_twice(self):
        sasd = self.virtual("lost-cable-two")
        for lane in ("28", "29", "30", "31"):
            sasd.run("emulator", "phy", "x2", lane, "down")
        sasd.run("wait", "--settled")
        self.check_lost(sasd, "50030480bb110000", 3)
        for lane in ("28", "29", "30", "31"):
            sasd.run("emulator", "phy", "x", lane, "down")
        sasd.run("wait", "--settled")
        missing = [m for reason, m in self.findings(sasd) if reason.endswith("_MISSING")]
        self.assertEqual(len(missing), 2, missing)
        for shelf in ("50030480aa110000", "50030480bb110000"):
            self.assertTrue(any(shelf in message for message in missing), missing)

    def test_lost_cable_other_source(self):
        self.unpack("md1220-no-encserv")
        sasd = self.serve()
        port = self.find("host0/port-0:0")
        os.unlink(os.path.join(port, "phy-0:3"))
        rate = self.find("host0/phy-0:3/sas_phy/phy-0:3/negotiated_linkrate")
        self.write(rate, "Unknown")
        self.write(os.path.join(port, "sas_port/port-0:0/num_phys"), "3")
        self.reread(sasd)
        (narrow,) = self.of_reason(sasd, "NARROW_PORT")
        self.assertIn("has 3 of 4 phys", narrow)
        away = os.path.join(self.folder.name, "away")
        os.rename(self.sys, away)
        shutil.copytree(away, self.sys, symlinks=True)
        shutil.rmtree(port)
        self.forget_broken_links()
        self.reread(sasd)
        self.check_lost(sasd, "500c04f2631ab000", 6)
        shutil.rmtree(self.sys)
        os.rename(away, self.sys)
        os.symlink("../phy-0:3", os.path.join(port, "phy-0:3"))
        self.write(rate, "6.0 Gbit")
        self.write(os.path.join(port, "sas_port/port-0:0/num_phys"), "4")
        self.reread(sasd)
        self.assertEqual(self.findings(sasd), [])

    def class_devices(self, devpath):
        """(devpath, subsystem) at and beneath a devpath; these trees have no `subsystem` links."""
        devices = []
        for folder, _, _ in os.walk(self.testbed.path(devpath)):
            above, name = folder.split("/")[-2:]
            kind = "scsi" if re.fullmatch(r"\d+:\d+:\d+:\d+", name) and above != "scsi_device" else above
            if kind == "scsi" or kind.startswith(("sas_", "scsi_", "block")):
                devices.append((folder[len(self.testbed.root + "/sys") :], kind))
        return devices

    def test_lost_cable_live(self):
        sasd = self.live("md1220-no-encserv")
        port = re.match(r".*/port-0:0(?=/)", self.testbed.find("expander-0:0")).group()
        devices = self.class_devices(port)
        self.assertIn((port + "/sas_port/port-0:0", "sas_port"), devices)
        watch = sasd.watch()
        taken = self.testbed.take(port)
        self.testbed.send("remove", self.testbed.in_order_of_remove(devices))
        watch.next_event()
        sasd.run("wait", "--settled")
        self.check_lost(sasd, "500c04f2631ab000", 6)
        self.testbed.put(taken)
        self.testbed.send("add", self.testbed.in_order_of_add(devices))
        while self.findings(sasd):
            watch.next_event()
            sasd.run("wait", "--settled")
        watch.end()

    # ------------------------------------------------------------------------- the table itself

    def test_each_case_has_all_its_forms(self):
        trees = {os.path.basename(path).split(".")[0] for path in glob.glob(TREES + "/*.tar.gz")}
        self.assertEqual(trees, {case.name for case in CASES})
        names = [case.name for case in CASES] + ["lost-cable"]
        for name in names:
            for form in FORMS:
                self.assertTrue(hasattr(self, f"test_{name.replace('-', '_')}_{form}"), name)


class Case:
    """A tree. `twin`: what is different on a second machine. Without a fabric, `other` edits the tree to another driver's,
    and `why` says why no virtual firmware can have it."""

    def __init__(self, name, check, changes, other=None, why=None):
        self.name, self.check, self.twin = name, check, changes
        self.other, self.fabric = other, why is None


def as_smartpqi(test):
    """The other driver with path_info; its host shows firmware_version."""
    test.write(test.find("scsi_host/host1/proc_name"), "smartpqi")
    revision = test.find("scsi_host/host1/firmware_revision")
    os.rename(revision, os.path.join(os.path.dirname(revision), "firmware_version"))


def as_mptsas(test):
    """The driver of the HBAs before, which the report names, too."""
    test.write(test.find("scsi_host/host10/proc_name"), "mptsas")


CASES = (
    Case(
        "dup-wwn-two-ssds",
        CasesTest.check_two_ssds,
        # Only the two SSDs have the identifier of those in the first machine.
        twin(0, 1, PCI, (r"0x500605b00", "0x500605b01"), ("AB22110400100", "CD22110400100"),
             ("ZC1A", "ZC1B"), ("c0ffe", "c1ffe"), ("c500d1a2", "c500d1b2")),
    ),
    Case(
        "dual-actuator",
        CasesTest.check_actuators,
        twin(0, 1, PCI, (r"0x500605b00", "0x500605b01"), ("c500ca11", "c500ca12"),
             ("ccab0400", "ccab0500"), ("ZKL", "ZKM")),
    ),
    Case(
        "hpsa-ports-without-phys",
        CasesTest.check_hpsa,
        twin(1, 5, ("0000:02:00.0", "0000:08:00.0"), ("0x500", "0x501"), ("JK11AA", "JK11AB"),
             ("naa.500", "naa.501")),
        other=as_smartpqi,
        why="its firmware speaks CISS, not MPI",
    ),
    Case(
        "ir-volume-hidden-pds",
        CasesTest.check_volume,
        twin(10, 12, ("0000:02:00.0", "0000:08:00.0"), ("0x5", "0x6"), ("S0M", "S1M"),
             ("W1F", "W2F"), ("naa.500", "naa.501")),
        other=as_mptsas,
        why="the virtual firmware has no volumes",
    ),
    Case(
        "md1220-no-encserv",
        CasesTest.check_bays,
        twin(0, 1, PCI, (r"0x500605b00", "0x500605b01"), ("c50055aa", "c50056aa"),
             ("c04f2631", "c04f2632"), ("6XS", "6XT"), ("0044a1000", "0144a1000")),
    ),
    Case(
        "sata-faster-than-host-link",
        CasesTest.check_links,
        twin(0, 1, ("0000:74:04.0", "0000:75:04.0"), ("500e004c", "500e005c"), ("ZA2", "ZB2"),
             ("c500", "c501")),
    ),
    Case(
        "two-hbas-one-address",
        CasesTest.check_two_hbas,
        twin(0, 2, PCI)
        + twin(1, 3, ("0000:04:00.0", "0000:09:00.0"), ("500605b1", "500605b9"), ("ZA", "ZB"),
               ("c500", "c501")),
    ),
)


def add_tests():
    def test_of(case, form):
        def test(self):
            sasd = self.serve_form(case, form)
            case.check(self, sasd, form, 2 if form == "twice" else 1)

        return test

    for case in CASES:
        for form in FORMS:
            setattr(CasesTest, f"test_{case.name.replace('-', '_')}_{form}", test_of(case, form))


add_tests()


class VariantsTest(Node):
    """What the cases' trees show with a part changed, and several cases in one machine."""

    def test_pulled_ssd_of_a_shared_wwn_is_a_missing_drive(self):
        self.unpack("dup-wwn-two-ssds")
        sasd = self.serve()
        shutil.rmtree(self.find("host0/port-0:1"))
        self.forget_broken_links()
        event = self.reread(sasd)
        removed = [c["resource"] for c in event["changes"] if c["kind"] == "CHANGE_KIND_REMOVED"]
        units = [r["logicalUnit"]["serial"] for r in removed if "logicalUnit" in r]
        self.assertEqual(units, ["AB2211040010019"])
        ((reason, message),) = self.findings(sasd)
        self.assertEqual(reason, "DRIVE_MISSING")
        self.assertIn("AB2211040010019", message)

    def test_two_boxes_are_two_enclosures(self):
        self.unpack("hpsa-ports-without-phys")
        self.write(
            self.find("1:0:5:0/path_info"),
            "[1:0:5:0]       Direct-Access PORT: 2I BOX: 1 BAY: 1 Active",
        )
        sasd = self.serve()
        self.assertEqual(len(self.rows(sasd, "enclosures", "id")), 2)
        self.assertEqual(len(self.rows(sasd, "drives", "slot")), 6)
        self.assertEqual(self.of_reason(sasd, "SLOT_CONTRADICTION"), [])

    def test_drive_without_a_bay_has_none(self):
        self.unpack("hpsa-ports-without-phys")
        os.remove(self.find("1:0:5:0/path_info"))
        sasd = self.serve()
        self.assertEqual(self.rows(sasd, "drives", "slot"), ["-", "1", "2", "3", "4", "5"])

    def test_raid_level_of_a_volume_is_shown(self):
        self.unpack("ir-volume-hidden-pds")
        volume = os.path.dirname(self.find("10:1:0:0/model"))
        os.rename(os.path.join(volume, "block/sda"), os.path.join(volume, "block/sdq"))
        self.write(os.path.join(volume, "raid_level"), "RAID 1(+0)")
        sasd = self.serve()
        self.assertIn("RAID 1(+0)", sasd.run("show", "sdq"))
        self.assertIn("RAID 1(+0)", sasd.run("list", "hosts", "--all"))
        self.assertNotEqual(sasd.call("show", "sda").returncode, 0)

    def test_host_without_transport_is_listed_as_what_it_is(self):
        self.unpack("hpsa-ports-without-phys", "ir-volume-hidden-pds")
        os.remove(os.path.join(self.sys, "class/sas_host/host10"))
        shutil.rmtree(self.find("host10/sas_host"))
        self.write(self.find("scsi_host/host10/proc_name"), "megaraid_sas")
        sasd = self.serve()
        self.assertEqual(len(self.rows(sasd, "drives", "slot")), 6)
        self.assertIn(
            "SCSI host without SAS transport: 1 disk, no topology",
            sasd.run("list", "hosts", "--all"),
        )
        self.assertIn(
            "SCSI host without SAS transport (megaraid_sas): 1 disk, no topology",
            self.doctor(sasd),
        )
        self.assertIn("10:1:0:0", sasd.run("list", "hosts", "--all"))

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
                (unreadable,) = self.of_reason(sasd, "HOST_UNREADABLE")
                self.assertIn("host1 cannot be read", unreadable)
                self.assertNotEqual(sasd.call("health").returncode, 0)
                self.assertIn("host1", self.doctor(sasd))
                self.assertEqual(len(self.rows(sasd, "hosts", "os-name")), 1, "the other one")

    def test_cases_beside_each_other_keep_their_answers(self):
        self.unpack("hpsa-ports-without-phys", "ir-volume-hidden-pds", "sata-faster-than-host-link")
        sasd = self.serve()
        self.assertEqual(self.rows(sasd, "hosts", "os-name"), ["host0", "host1", "host10"])
        bays = self.rows(sasd, "drives", "scsi-addresses,slot")
        bays = [line for line in bays if line.startswith("1:0:")]
        self.assertEqual(bays, [f"1:0:{i}:0  {i + 1}" for i in range(6)])
        self.assertEqual(len(self.of_reason(sasd, "LINK_WITHOUT_DEVICE")), 2)
        self.assertIn("scsi device 10:1:0:0", sasd.run("show", "10:1:0:0"))


if __name__ == "__main__":
    unittest.main()
