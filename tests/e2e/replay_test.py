"""A live sasd on a real machine's recorded sysfs, with uevents in orders known to cause bugs.

umockdev (preloaded by replay_test.sh) gives sasd's libudev a private netlink and /sys. At the end
of each test sasd shows the tree as it is, and has reported each change as often as expected.
"""

import json
import os
import random
import re
import unittest

from sasd import RECORDING, TIMEOUT_S, Sasd
from testbed import Testbed

HOST = "0x500605b00e4a8b80"  # invented; differs from the recording's

# The drives of the recording: address and block device.
SDP, SDV, SDW, SDX = ALL = (
    "5000cca0506b5f1d sdp",
    "5000ccab02009402 sdv",
    "5000cca26128b1f5 sdw",
    "5000ccab02009406 sdx",
)


class ReplayTest(unittest.TestCase):
    def setUp(self):
        self.testbed = Testbed(RECORDING)
        self.addCleanup(self.testbed.close)
        # A change of this host ends the wait for earlier changes.
        self.marker = self.testbed.add_host("host99", "0x5000000000000099")
        self.marks = 0
        self.sasd = Sasd("--link-look", "0s", env=self.testbed.env).__enter__()
        self.addCleanup(self.sasd.__exit__)
        self.watch = self.sasd.watch()
        self.addCleanup(self.watch.end)
        self.events = []
        self.assertEqual(self.drives(), sorted(ALL))
        self.events = []

    # ------------------------------------------------------------------------------ sasd's picture

    def settle(self):
        """Waits for the events of all sent uevents: the marker's host goes quiet last."""
        self.marks += 1
        self.testbed.write(self.marker, "version_fw", f"mark-{self.marks}.")
        self.testbed.uevent("change", self.marker, "scsi_host")
        marked = False
        while not marked:
            event = self.watch.next_event()
            changes = event.get("changes", [])
            marked = any(f'"mark-{self.marks}."' in json.dumps(change) for change in changes)
            event["changes"] = [c for c in changes if "mark-" not in json.dumps(c)]
            if event["changes"] or not marked:
                self.events.append(event)

    def drives(self):
        self.settle()
        rows = self.sasd.run(
            "list", "devices", "--no-headers", "--columns", "address,block-device"
        )
        return sorted(" ".join(row.split()) for row in rows.splitlines())

    def assert_drives(self, expected):
        """Of two hosts that are due at once, sasd may read the marker's first: so it marks again."""
        for _ in range(5):
            shown = self.drives()
            if shown == expected:
                return
        self.assertEqual(shown, expected)

    def reported(self):
        """The events since the last call, once sasd has reported all uevents."""
        self.settle()
        events, self.events = self.events, []
        return events

    def changes(self, events, kind, drive):
        """The number of changes of this kind (ADDED, MODIFIED, REMOVED) to a drive."""
        address = drive.split()[0]
        return sum(
            change["kind"] == f"CHANGE_KIND_{kind}"
            and address in change["resource"].get("endDevice", {}).get("name", "")
            for event in events
            for change in event.get("changes", [])
        )

    # ------------------------------------------------------------------------------ acts

    def port_of(self, drive):
        """The port that leads to a drive, and comes and goes with it."""
        block = self.testbed.find(drive.split()[1])
        return re.match(r".*/port-[^/]*(?=/end_device-)", block).group()

    def all_of(self, devpath):
        return self.testbed.in_order_of_add(self.testbed.devices(devpath))

    # ------------------------------------------------------------------------------ kernel order

    def test_drive_goes_and_comes_in_kernel_order(self):
        port = self.port_of(SDW)
        devices = self.testbed.in_order_of_remove(self.testbed.devices(port))
        self.assertEqual(devices[0][1], "bsg")
        self.assertEqual(devices[-1][1], "sas_port")
        self.testbed.send("remove", devices)
        taken = self.testbed.take(port)
        self.assertEqual(self.drives(), sorted({*ALL} - {SDW}))
        events = self.reported()
        self.assertEqual(self.changes(events, "REMOVED", SDW), 1)
        self.assertEqual({event["cause"]["kind"] for event in events}, {"CAUSE_KIND_UEVENT"})
        self.testbed.put(taken)
        self.testbed.send("add", self.all_of(port))
        self.testbed.send("bind", [d for d in self.all_of(port) if d[1] == "scsi"])
        self.assertEqual(self.drives(), sorted(ALL))
        events = self.reported()
        self.assertEqual(self.changes(events, "ADDED", SDW), 1)
        self.assertIn("add block/sdw", events[0]["cause"]["text"])

    def test_disk_comes_last_and_goes_first(self):
        scsi = self.testbed.find("target11:0:7")
        devices = self.testbed.devices(scsi)
        drive = next(d for d in ALL if scsi.startswith(self.port_of(d)))
        taken = self.testbed.take(scsi)
        self.testbed.send("remove", self.testbed.in_order_of_remove(devices))
        self.assertEqual(self.drives(), sorted({*ALL} - {drive} | {drive.split()[0] + " -"}))
        self.assertEqual(self.changes(self.reported(), "REMOVED", drive), 0)
        # A rescan adds the disk without any sas_* event.
        self.testbed.put(taken)
        self.testbed.send("add", self.testbed.in_order_of_add(devices))
        self.assertEqual(self.drives(), sorted(ALL))
        self.assertEqual(self.changes(self.reported(), "ADDED", drive), 0)

    def test_expander_comes_before_its_phys_and_ports(self):
        port = re.match(r".*/port-11:0(?=/)", self.testbed.find("expander-11:0")).group()
        whole = self.testbed.devices(port)
        taken = self.testbed.take(port)
        self.testbed.send("remove", self.testbed.in_order_of_remove(whole))
        self.assertEqual(self.drives(), [SDP])
        # Its own events come first: the devices behind it do not exist yet.
        self.testbed.put(taken)
        expander = port + "/expander-11:0"
        behind = [
            self.testbed.take(f"{expander}/{name}")
            for name in os.listdir(self.testbed.path(expander))
            if name.startswith(("phy-", "port-"))
        ]
        num_phys = port + "/sas_port/port-11:0"
        self.testbed.write(num_phys, "num_phys", "0")
        self.testbed.send("add", self.all_of(port))
        self.assertEqual(self.drives(), [SDP])
        self.assertIn("expander-11:0", self.sasd.run("tree"))
        for taken in reversed(behind):
            self.testbed.put(taken)
        self.testbed.write(num_phys, "num_phys", "4")
        self.testbed.send("add", [d for d in self.all_of(port) if d[0].startswith(expander + "/p")])
        self.assertEqual(self.drives(), sorted(ALL))

    # ------------------------------------------------------------------------------ harmful orders

    def test_change_before_remove_leaves_no_phantom(self):
        port = self.port_of(SDW)
        devices = self.all_of(port)
        self.testbed.take(port)
        self.testbed.send("change", devices)
        self.assertEqual(self.drives(), sorted({*ALL} - {SDW}))
        self.assertEqual(self.changes(self.reported(), "REMOVED", SDW), 1)
        self.testbed.send("remove", self.testbed.in_order_of_remove(devices))
        self.testbed.send("change", devices)
        self.assertEqual(self.drives(), sorted({*ALL} - {SDW}))
        self.assertEqual(self.reported(), [])

    def test_two_adds_report_one_drive(self):
        port = self.port_of(SDX)
        devices = self.all_of(port)
        taken = self.testbed.take(port)
        self.testbed.send("remove", self.testbed.in_order_of_remove(devices))
        self.assertEqual(self.changes(self.reported(), "REMOVED", SDX), 1)
        self.testbed.put(taken)
        self.testbed.send("add", devices + devices)
        self.assertEqual(self.changes(self.reported(), "ADDED", SDX), 1)
        self.testbed.send("add", devices)
        self.assertEqual(self.reported(), [])
        self.assertEqual(self.drives(), sorted(ALL))

    def test_remove_without_cause_reports_nothing(self):
        devices = self.testbed.in_order_of_remove(self.testbed.devices(self.port_of(SDW)))
        never_there = [(re.sub(r"11:0:\d+", "11:0:77", path), kind) for path, kind in devices]
        self.testbed.send("remove", never_there)
        self.assertEqual(self.reported(), [])
        # Nor does a "remove" of a drive that is present.
        self.testbed.send("remove", devices)
        self.assertEqual(self.reported(), [])
        self.assertEqual(self.drives(), sorted(ALL))

    def test_parent_may_go_first_and_come_last(self):
        port = re.match(r".*/port-11:0(?=/)", self.testbed.find("expander-11:0")).group()
        devices = sorted(self.testbed.devices(port), key=lambda d: len(d[0]))
        taken = self.testbed.take(port)
        self.testbed.send("remove", devices)
        self.assertEqual(self.drives(), [SDP])
        events = self.reported()
        for drive in (SDV, SDW, SDX):
            self.assertEqual(self.changes(events, "REMOVED", drive), 1)
        self.testbed.put(taken)
        self.testbed.send("add", reversed(devices))
        self.assertEqual(self.drives(), sorted(ALL))
        self.assertEqual(self.changes(self.reported(), "ADDED", SDW), 1)

    def test_disk_name_may_be_reused(self):
        gone = self.testbed.find("sdw")
        self.testbed.take(gone)
        other = self.testbed.find("sdv")
        renamed = os.path.dirname(other) + "/sdw"
        os.rename(self.testbed.path(other), self.testbed.path(renamed))
        # The uevent of the new owner comes before that of the old one.
        self.testbed.send("add", [(renamed, "block")])
        self.testbed.send("remove", [(gone, "block"), (other, "block")])
        self.assertEqual(
            self.drives(),
            sorted([SDP, SDX, SDV.split()[0] + " sdw", SDW.split()[0] + " -"]),
        )
        events = self.reported()
        for drive in ALL:
            self.assertEqual(self.changes(events, "REMOVED", drive), 0)

    def test_change_of_missing_object_reports_nothing(self):
        host = re.match(r".*/host11(?=/)", self.port_of(SDP)).group()
        self.testbed.send(
            "change",
            [
                (host + "/target11:0:99/11:0:99:0", "scsi"),
                ("/devices/pci0000:00/0000:99:00.0/host77/target77:0:0", "scsi"),
                ("/devices/nowhere", "enclosure"),
            ],
        )
        self.assertEqual(self.reported(), [])
        self.assertEqual(self.drives(), sorted(ALL))

    def test_burst_of_5000_uevents_converges(self):
        port = self.port_of(SDW)
        devices = self.all_of(self.port_of(SDV)) + self.all_of(port)
        self.testbed.take(port)
        for i in range(5000):
            self.testbed.uevent(("add", "change", "remove")[i % 3], *devices[i % len(devices)])
        self.assertEqual(self.drives(), sorted({*ALL} - {SDW}))
        events = self.reported()
        self.assertEqual(self.changes(events, "REMOVED", SDW), 1)
        self.assertEqual(self.changes(events, "ADDED", SDW), 0)
        self.assertEqual(self.changes(events, "REMOVED", SDV), 0)
        self.assertEqual({event["cause"]["kind"] for event in events}, {"CAUSE_KIND_UEVENT"})

    # ------------------------------------------------------------------------------ a whole HBA

    def hba(self):
        """The HBA's PCI function, and all devices beneath it that have uevents."""
        function = re.match(r".*(?=/host11/)", self.port_of(SDP)).group()
        return function, self.all_of(function)

    def test_hba_is_pulled_and_put_back(self):
        function, devices = self.hba()
        kinds = {subsystem for _, subsystem in devices}
        self.assertLessEqual({"block", "scsi", "sas_host", "sas_phy", "sas_port"}, kinds)
        self.assertLessEqual({"sas_device", "sas_end_device", "sas_expander", "bsg"}, kinds)
        devices.append((function, "pci"))
        taken = self.testbed.take(function + "/host11")
        self.testbed.send("remove", reversed(devices))
        self.assertEqual(self.drives(), [])
        hosts = self.sasd.run("list", "hosts", "--no-headers", "--columns", "os-name")
        self.assertEqual(hosts.split(), ["host99"])
        self.assertEqual([self.changes(self.reported(), "REMOVED", SDW)], [1])
        self.testbed.put(taken)
        self.testbed.send("add", devices)
        self.assertEqual(self.drives(), sorted(ALL))

    def test_hba_converges_in_any_order(self):
        function, devices = self.hba()
        services = function + "/host11/port-11:2/enclosure/11:0:9:0"  # uevents only, no folder
        devices += [(function, "pci"), (services, "enclosure")]
        chance = random.Random(11)
        taken = None
        for _ in range(6):
            if taken:
                self.testbed.put(taken)
            else:
                taken = self.testbed.take(function + "/host11")
                there = []
            # Some come before the change that they announce, and most of them twice.
            sent = chance.choices(devices, k=2 * len(devices))
            for device in sent:
                self.testbed.uevent(chance.choice(("add", "remove", "change", "bind")), *device)
            if not os.path.exists(self.testbed.path(function + "/host11")):
                self.assertEqual(self.drives(), [])
            else:
                taken = None
                self.assertEqual(self.drives(), sorted(ALL))
            # The disordered uevents led to the truth: nothing is left to report.
            self.reported()
            self.testbed.send("change", devices)
            self.assertEqual(self.reported(), [])

    def test_one_uevent_of_any_subsystem_suffices(self):
        function, devices = self.hba()
        host = function + "/host11"
        one_of_each = {subsystem: (path, subsystem) for path, subsystem in devices}
        one_of_each["pci"] = (function, "pci")
        one_of_each["enclosure"] = (host + "/port-11:2/enclosure/11:0:9:0", "enclosure")
        for subsystem, device in one_of_each.items():
            # sasd ignores these: they come together with others.
            if subsystem in ("scsi_disk", "scsi_device"):
                continue
            with self.subTest(subsystem):
                taken = self.testbed.take(host)
                self.testbed.send("remove", [device])
                self.assert_drives([])
                self.testbed.put(taken)
                self.testbed.send("add", [device])
                self.assert_drives(sorted(ALL))

    def test_another_hba_may_reuse_the_host_number(self):
        function, devices = self.hba()
        self.testbed.write(function + "/host11/scsi_host/host11", "host_sas_address", HOST)
        self.testbed.send("remove", reversed(devices))
        self.testbed.send("add", devices)
        self.settle()
        hosts = self.sasd.run("list", "hosts", "--no-headers", "--columns", "address,os-name")
        self.assertIn([HOST[2:], "host11"], [row.split() for row in hosts.splitlines()])
        self.assertEqual(len(hosts.splitlines()), 2)
        events = self.reported()
        self.assertEqual(self.changes(events, "REMOVED", SDW), 1)
        self.assertEqual(self.changes(events, "ADDED", SDW), 1)

    def test_driver_is_unloaded_and_loaded(self):
        function, devices = self.hba()
        taken = self.testbed.take(function + "/host11")
        os.unlink(self.testbed.path("/class/sas_host/host99"))
        self.testbed.remove_empty_classes()
        self.assertFalse(os.path.exists(self.testbed.path("/class/sas_host")))
        self.testbed.send("remove", reversed(devices))
        gone = set()
        while len(gone) < 2:
            for change in self.watch.next_event()["changes"]:
                self.assertEqual(change["kind"], "CHANGE_KIND_REMOVED")
                if "host" in change["resource"]:
                    gone.add(change["resource"]["host"]["osName"])
        self.assertEqual(self.sasd.run("list", "devices", "--no-headers"), "")
        self.testbed.put(taken)
        os.symlink(
            "../../devices/pci0000:00/0000:00:1f.0/host99/sas_host/host99",
            self.testbed.path("/class/sas_host/host99"),
        )
        self.testbed.send("add", devices)
        self.assertEqual(self.drives(), sorted(ALL))


if __name__ == "__main__":
    unittest.main()
