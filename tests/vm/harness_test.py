"""Tests of the harness' judges: parsers on recorded text, the comparison, the kernel log."""

import json
import os
import struct
import sys
import time
import unittest
from types import SimpleNamespace

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(os.environ["TEST_SRCDIR"], "sasd", "proto"))

import image
import kernel_log
import rig
import sasctl_table
import sasd
from sas.emulator.v1 import truth_pb2
from sysfs_table import TornError, from_sysfs
from table import KINDS, Table, add_ports_and_units, address, as_read, differences, host_names
from tool_tables import from_lsscsi, from_sg_ses_join, from_smp_discover
from truth_table import from_truth
import watch_contract
import watch_reference

HOST = "500605b00ab01230"
EXPANDER = "5000ccab0300113f"
DRIVE = "5000c500a7b26111"
ENCLOSURE = "5000ccab03001100"



class TableTest(unittest.TestCase):
    def test_equal_tables_have_no_differences(self):
        table = Table()
        table.put("device", HOST, DRIVE, slot=3)
        self.assertEqual(differences(table, table, "sysfs"), [])

    def test_field_of_one_source_only_is_not_compared(self):
        truth, other = Table(), Table()
        truth.put("device", HOST, DRIVE, slot=3, serial="A")
        other.put("device", HOST, DRIVE, slot=3, name="sda")
        self.assertEqual(differences(truth, other, "sysfs"), [])

    def test_difference_names_object_field_and_values(self):
        truth, other = Table(), Table()
        truth.put("device", HOST, DRIVE, slot=3)
        other.put("device", HOST, DRIVE, slot=4)
        (line,) = differences(truth, other, "sysfs")
        self.assertEqual(line, f"device {HOST} {DRIVE}: slot: fabric 3, sysfs 4")

    def test_missing_object_is_a_difference(self):
        truth, other = Table(), Table()
        truth.put("device", HOST, DRIVE, slot=3)
        other.put("device", HOST, EXPANDER, slot=3)
        lines = differences(truth, other, "sysfs")
        self.assertEqual(len(lines), 2)
        self.assertIn("in the fabric, not in sysfs", lines[0] + lines[1])
        self.assertIn("in sysfs, not in the fabric", lines[0] + lines[1])

    def test_kinds_missing_in_other_source_are_skipped(self):
        truth, other = Table(), Table()
        truth.put("bay", HOST, ENCLOSURE, 1, device="")
        truth.put("host", HOST)
        other.put("host", HOST)
        self.assertEqual(differences(truth, other, "lsscsi"), [])

    def test_missing_required_kind_is_a_difference(self):
        truth = Table()
        truth.put("host", HOST)
        self.assertEqual(len(differences(truth, Table(), "sysfs", KINDS)), 1)

    def test_ports_and_units_follow_from_devices(self):
        table = Table()
        table.put("phy", HOST, EXPANDER, 3, rate=6.0)
        for path in (DRIVE, DRIVE[:-1] + "2"):
            table.put("device", HOST, path, parent=EXPANDER, parent_phy=3, wwn="w", serial="s", scsi=True, ses=False)
        add_ports_and_units(table)
        self.assertEqual(table["port", HOST, EXPANDER, DRIVE], {"width": 1, "phys": (3,), "rate": 6.0})
        self.assertEqual(table["unit", "w", "s"]["paths"], ((HOST, DRIVE), (HOST, DRIVE[:-1] + "2")))

    def test_units_of_one_name_stay_apart_by_serial(self):
        table = Table()
        for address_, serial in ((DRIVE, "s1"), (DRIVE[:-1] + "2", "s2")):
            row = {"parent": EXPANDER, "parent_phy": 3, "wwn": "w", "serial": serial, "scsi": True, "ses": False}
            table.put("device", HOST, address_, **row)
        add_ports_and_units(table)
        self.assertEqual(len(table.of_kind("unit")), 2)

    def test_path_of_unknown_serial_joins_the_only_drive_of_its_name(self):
        row = {"parent": EXPANDER, "parent_phy": 3, "wwn": "w", "scsi": True, "ses": False}
        table = Table()
        for digit, serial in enumerate((None, "s1", "s1")):
            table.put("device", HOST, DRIVE[:-1] + str(digit), **row, serial=serial)
        add_ports_and_units(table)
        self.assertEqual([len(unit["paths"]) for unit in table.of_kind("unit").values()], [3])
        table.put("device", HOST, DRIVE[:-1] + "3", **row, serial="s2")
        for key in [key for key in table if key[0] == "unit"]:
            del table[key]
        add_ports_and_units(table)
        self.assertEqual(set(table.of_kind("unit")), {("w", ""), ("w", "s1"), ("w", "s2")})

    def test_serial_that_the_kernel_has_not_read_is_not_compared(self):
        row = {"parent": EXPANDER, "parent_phy": 3, "wwn": "w", "scsi": True, "ses": False}
        other = DRIVE[:-1] + "2"
        truth = Table()
        for path in (DRIVE, other):
            truth.put("device", HOST, path, **row, serial="s")
        add_ports_and_units(truth)

        def lines(serial, serial_of_other):
            read = Table()
            read.put("device", HOST, DRIVE, **row, serial=serial)
            read.put("device", HOST, other, **row, serial=serial_of_other)
            add_ports_and_units(read)
            return differences(as_read(truth, read), read, "sysfs", KINDS)

        self.assertEqual([lines("s", "s"), lines("s", None), lines(None, "s"), lines(None, None)], [[], [], [], []])
        self.assertEqual(len(lines("s", "t")), 3)  # the device, and units
        self.assertEqual(len(lines("t", None)), 3)

    def test_every_unit_of_a_device_counts(self):
        table = Table()
        row = {"parent": EXPANDER, "parent_phy": 3, "wwn": "w0", "serial": "s", "scsi": True, "ses": False}
        table.put("device", HOST, DRIVE, **row)
        table.put("lun", HOST, DRIVE, 1, wwn="w1", name="sdb")
        add_ports_and_units(table)
        self.assertEqual(table["unit", "w1", "s"], {"paths": ((HOST, DRIVE),), "names": ("sdb",)})
        self.assertIn(("unit", "w0", "s"), table)

    def test_hosts_of_one_address_differ_by_pci_address(self):
        self.assertEqual(host_names([("a", "p1"), ("b", "p2")]), ["a", "b"])
        self.assertEqual(host_names([("a", "p1"), ("a", "p2")]), ["a@p1", "a@p2"])

    def test_addresses_have_one_form(self):
        self.assertEqual(address("0x5000C500A7B26111\n"), DRIVE)
        self.assertEqual(address("0x0"), "")
        self.assertEqual(address("garbage"), "garbage")


class TruthTableTest(unittest.TestCase):
    def test_bay_has_its_drive_or_none(self):
        truth = truth_pb2.HostTruth(sas_address=HOST)
        truth.enclosures.add(logical_id="500605b00ab01230", slot_count=8)
        truth.enclosures.add(logical_id=ENCLOSURE, slot_count=2, start_slot=1)
        truth.devices.add(
            sas_address=DRIVE,
            parent_sas_address=EXPANDER,
            parent_phy=0,
            enclosure_logical_id=ENCLOSURE,
            slot=2,
            size_bytes=1024,
        )
        table = from_truth([truth])
        self.assertEqual(table["bay", HOST, ENCLOSURE, 1], {"device": ""})
        self.assertEqual(table["bay", HOST, ENCLOSURE, 2], {"device": DRIVE})
        self.assertEqual(table["device", HOST, DRIVE]["blocks"], 2)
        self.assertEqual(table["device", HOST, DRIVE]["protocols"], "ssp")

    def test_hosts_of_one_address_keep_their_own_drives(self):
        truths = []
        for drive in (DRIVE, EXPANDER):
            truth = truth_pb2.HostTruth(sas_address=HOST)
            device = truth.devices.add(sas_address=drive, parent_sas_address=HOST, size_bytes=512)
            device.units.add(wwid="naa.6000c500a7b261110000000000000000")
            device.units.add(lun=1, wwid="naa.6000c500a7b261110001000000000000")
            truths.append(truth)
        table = from_truth(truths, ["0000:00:04.0", "0000:00:05.0"])
        second = HOST + "@0000:00:05.0"
        self.assertIn(("device", HOST + "@0000:00:04.0", DRIVE), table)
        self.assertEqual(table["device", second, EXPANDER]["parent"], HOST)
        unit = {"wwn": "6000c500a7b261110001000000000000", "blocks": 1}
        self.assertEqual(table["lun", second, EXPANDER, 1], unit)


SYSFS = f"""\
L sas_host/host0 ../../devices/pci0000:00/0000:00:04.0/host0/sas_host/host0
L sas_phy/phy-0:0 ../../devices/pci0000:00/0000:00:04.0/host0/phy-0:0/sas_phy/phy-0:0
L sas_phy/phy-0:0:3 ../../devices/x/host0/port-0:0/expander-0:0/phy-0:0:3/sas_phy/phy-0:0:3
L sas_device/expander-0:0 ../../devices/x/host0/port-0:0/expander-0:0/sas_device/expander-0:0
L sas_expander/expander-0:0 ../../devices/x/host0/port-0:0/expander-0:0/sas_expander/expander-0:0
L sas_device/end_device-0:0:1 ../../devices/x/host0/port-0:0/expander-0:0/port-0:0:1/end_device-0:0:1/sas_device/end_device-0:0:1
L scsi_device/0:0:1:0 ../../devices/x/host0/port-0:0/expander-0:0/port-0:0:1/end_device-0:0:1/target0:0:1/0:0:1:0/scsi_device/0:0:1:0
L enclosure/0:0:9:0 ../../devices/x/host0/port-0:0/expander-0:0/port-0:0:2/end_device-0:0:2/target0:0:9/0:0:9:0/enclosure/0:0:9:0
A sas_phy/phy-0:0/negotiated_linkrate:12.0 Gbit
A sas_phy/phy-0:0/phy_identifier:0
A sas_phy/phy-0:0:3/negotiated_linkrate:6.0 Gbit
A sas_phy/phy-0:0:3/phy_identifier:3
A sas_device/expander-0:0/sas_address:0x{EXPANDER}
A sas_device/end_device-0:0:1/sas_address:0x{DRIVE}
A sas_device/end_device-0:0:1/bay_identifier:7
A sas_device/end_device-0:0:1/enclosure_identifier:0x{ENCLOSURE}
A sas_device/end_device-0:0:1/target_port_protocols:ssp
A sas_expander/expander-0:0/vendor_id:LSI
A scsi_host/host0/host_sas_address:0x{HOST}
A scsi_device/0:0:1:0/device/vendor:SEAGATE 
A scsi_device/0:0:1:0/device/model:ST8000:NM/0075   
A scsi_device/0:0:1:0/device/type:0
A scsi_device/0:0:1:0/device/block/sdq/size:100
A scsi_device/0:0:1:0/device/wwid:naa.5000c500a7b26110
A scsi_device/0:0:1:0/device/sas_device_handle:0x000b
A enclosure/0:0:9:0/id:0x{ENCLOSURE}
A enclosure/0:0:9:0/Slot 07/slot:7
A enclosure/0:0:9:0/Slot 08/slot:8
V scsi_device/0:0:1:0/device/vpd_pg80: ZA100007
P port-0:0/device/phy-0:0
P port-0:0:1/device/phy-0:0:3
S enclosure/0:0:9:0/Slot 07/device ../../../../port-0:0:1/end_device-0:0:1/target0:0:1/0:0:1:0
"""


class SysfsTableTest(unittest.TestCase):
    def setUp(self):
        self.table = from_sysfs(SYSFS)

    def test_drive_has_facts_of_all_its_objects(self):
        row = self.table["device", HOST, DRIVE]
        expected = {
            "parent": EXPANDER,
            "parent_phy": 3,
            "rate": 6.0,
            "protocols": "ssp",
            "enclosure": ENCLOSURE,
            "slot": 7,
            "wwn": "5000c500a7b26110",
            "serial": "ZA100007",
            "vendor": "SEAGATE",
            "product": "ST8000:NM/0075",
            "blocks": 100,
            "handle": 11,
            "ses": False,
            "scsi": True,
            "name": "sdq",
        }
        self.assertEqual({k: row[k] for k in expected}, expected)

    def test_port_gives_expander_its_parent_and_width(self):
        row = self.table["expander", HOST, EXPANDER]
        self.assertEqual((row["parent"], row["parent_phys"], row["level"]), (HOST, (0,), 1))
        self.assertEqual(self.table["phy", HOST, HOST, 0], {"rate": 12.0, "attached": EXPANDER})

    def test_rate_of_phy_without_port_is_unknown(self):
        lines = [line for line in SYSFS.splitlines() if line != "P port-0:0:1/device/phy-0:0:3"]
        self.assertEqual(from_sysfs("\n".join(lines))["phy", HOST, EXPANDER, 3], {})
        down = [line.replace("6.0 Gbit", "Unknown") for line in lines]
        self.assertEqual(from_sysfs("\n".join(down))["phy", HOST, EXPANDER, 3], {"rate": 0.0})

    def test_rate_after_a_scan_is_unknown(self):
        table = from_sysfs(SYSFS.replace("6.0 Gbit", "1.5 Gbit"))
        self.assertNotIn("rate", table["phy", HOST, EXPANDER, 3])
        self.assertNotIn("rate", table["device", HOST, DRIVE])
        self.assertEqual(table["device", HOST, DRIVE]["parent_phy"], 3)

    def test_bays_have_the_drives_of_ses(self):
        self.assertEqual(self.table["bay", HOST, ENCLOSURE, 7], {"device": DRIVE})
        self.assertEqual(self.table["bay", HOST, ENCLOSURE, 8], {"device": ""})

    def test_device_without_scsi_device_is_marked(self):
        lines = [line for line in SYSFS.splitlines() if "scsi_device/" not in line and line[0] != "S"]
        table = from_sysfs("\n".join(lines))
        self.assertFalse(table["device", HOST, DRIVE]["scsi"])

    def test_missing_part_is_reported_as_torn(self):
        lines = [line for line in SYSFS.splitlines() if "scsi_device/0:0:1:0 " not in line]
        with self.assertRaises(TornError):
            from_sysfs("\n".join(lines))

    def test_second_unit_leaves_the_first_ones_facts(self):
        unit = "L scsi_device/0:0:1:1 ../../devices/x/host0/port-0:0/expander-0:0/port-0:0:1/end_device-0:0:1/x/0:0:1:1/y/0:0:1:1"
        rows = [unit, "A scsi_device/0:0:1:1/device/block/sdr/size:7", "A scsi_device/0:0:1:1/device/wwid:naa.6"]
        table = from_sysfs(SYSFS + "\n".join(rows))
        self.assertEqual(table["device", HOST, DRIVE]["name"], "sdq")
        expected = {"name": "sdr", "blocks": 7, "hctl": "0:0:1:1", "wwn": "0000000000000006"}
        self.assertEqual(table["lun", HOST, DRIVE, 1], expected)

    def test_hosts_of_one_address_are_two(self):
        other = SYSFS.replace("host0", "host1").replace("0000:00:04.0", "0000:00:05.0")
        other = other.replace("-0:0", "-1:0").replace("/0:0:", "/1:0:")
        table = from_sysfs(SYSFS + other)
        hosts = {HOST + "@0000:00:04.0", HOST + "@0000:00:05.0"}
        self.assertEqual({host for (host,) in table.of_kind("host")}, hosts)
        self.assertEqual({key[0] for key in table.of_kind("device")}, hosts)

    def test_no_sas_gives_an_empty_table(self):
        self.assertEqual(from_sysfs(""), {})


class ToolTablesTest(unittest.TestCase):
    def test_lsscsi_gives_devices_of_hosts(self):
        transport = (
            "[0:0:1:0]    disk    sas:0x5000c500a7b26111          /dev/sdb \n"
            "[0:0:9:0]    enclosu sas:0x5000ccab0300113d          -        \n"
            "[2:0:0:0]    disk    ata:                            /dev/sda \n"
        )
        units = "[0:0:1:0]    disk    5000c500a7b26110                  /dev/sdb \n"
        table = from_lsscsi(transport, units, {"0": HOST})
        self.assertEqual(
            table["device", HOST, DRIVE],
            {"ses": False, "scsi": True, "name": "sdb", "wwn": "5000c500a7b26110"},
        )
        self.assertEqual(table["device", HOST, "5000ccab0300113d"], {"ses": True, "scsi": True})
        self.assertEqual(len(table), 2)

    def test_smp_discover_gives_phys(self):
        text = (
            "  phy   0:D:attached:[5000c500a7b26111:00  t(SSP)]  12 Gbps\n"
            "  phy   1:D:disabled\n"
            "  phy   8:D:attached:[5000ccab03001108:00  t(SATA)]  6 Gbps\n"
            "  phy  24:S:attached:[500605b00ab01230:02  i(SSP+STP+SMP)]  12 Gbps\n"
            "  phy  28:T:attached:[5000ccab0300213f:12 exp t(SMP)]  12 Gbps\n"
            "  phy  40:D:attached:[5000ccab0300113d:00  V t(SSP)]  12 Gbps\n"
        )
        table = from_smp_discover(text, HOST, EXPANDER)
        self.assertEqual(len(table), 6)
        drive = table["phy", HOST, EXPANDER, 0]
        self.assertEqual((drive["rate"], drive["attached"]), (12.0, DRIVE))
        self.assertNotIn("attached_phy", drive)
        self.assertTrue(table["phy", HOST, EXPANDER, 1]["disabled"])
        self.assertEqual(table["phy", HOST, EXPANDER, 24]["attached_phy"], 2)
        self.assertEqual(table["phy", HOST, EXPANDER, 28]["attached_phy"], 12)

    def test_sg_ses_join_gives_bays(self):
        text = """\
Slot 07 [0,7]  Element type: Array device slot
  Enclosure Status:
    Predicted failure=0, Disabled=0, Swap=0, status: OK
  Additional Element Status:
    Transport protocol: SAS
    number of phys: 1, not all phys: 0, device slot number: 7
    phy index: 0
      SAS device type: end device
      attached SAS address: 0x5000ccab0300113f
      SAS address: 0x5000c500a7b26111
      phy identifier: 0x0
Slot 08 [0,8]  Element type: Array device slot
  Additional Element Status:
    number of phys: 1, not all phys: 0, device slot number: 8
      attached SAS address: 0x0
      SAS address: 0x0
Temp [1,0]  Element type: Temperature sensor
"""
        table = from_sg_ses_join(text, HOST, ENCLOSURE)
        self.assertEqual(table["bay", HOST, ENCLOSURE, 7], {"device": DRIVE})
        self.assertEqual(table["bay", HOST, ENCLOSURE, 8], {"device": ""})
        self.assertEqual(len(table), 2)


def change(kind, **fields):
    return {"kind": "CHANGE_KIND_" + kind, "resource": fields}


def snapshot(**fields):
    return json.dumps({"snapshot": {"revision": "1", "resource": fields}})


HOST_NAME = f"hosts/{HOST}"
EXPANDER_NAME = f"{HOST_NAME}/expanders/{EXPANDER}"
DRIVE_NAME = f"{HOST_NAME}/endDevices/{DRIVE}"
ENCLOSURE_NAME = f"enclosures/{ENCLOSURE}"
UNIT_NAME = "logicalUnits/naa.5000c500a7b26110"
FIRMWARE = ["SOURCE_FIRMWARE", "SOURCE_SYSFS"]
END_DEVICE = {
    "name": DRIVE_NAME,
    "sasAddress": DRIVE,
    "host": HOST_NAME,
    "parent": EXPANDER_NAME,
    "parentPhyIdentifier": 3,
    "deviceHandle": 11,
    "state": "DEVICE_STATE_ATTACHED",
    "targetProtocols": ["PROTOCOL_SSP"],
    "enclosure": ENCLOSURE_NAME,
    "slot": 7,
    "linkRate": "LINK_RATE_6_GBPS",
    "logicalUnits": [UNIT_NAME],
    "blockDevice": "sdq",
    "serial": "ZA100007",
    "vendor": "SEAGATE",
    "model": "ST8000:NM/0075",
    "peripheralType": 0,
}
PATH = {"endDevice": DRIVE_NAME, "host": HOST_NAME, "blockDevice": "sdq"}
PICTURE = [
    snapshot(host={"name": HOST_NAME, "sasAddress": HOST}),
    snapshot(
        expander={"name": EXPANDER_NAME, "sasAddress": EXPANDER, "parent": HOST_NAME, "level": 1, "vendor": "LSI"}
    ),
    snapshot(
        phy={
            "name": f"{HOST_NAME}/phys/0",
            "owner": HOST_NAME,
            "negotiatedLinkRate": "LINK_RATE_12_GBPS",
            "attachedSasAddress": EXPANDER,
            "attachedPhyIdentifier": 4,
            "sources": FIRMWARE,
        }
    ),
    snapshot(
        phy={
            "name": f"{EXPANDER_NAME}/phys/3",
            "owner": EXPANDER_NAME,
            "phyIdentifier": 3,
            "negotiatedLinkRate": "LINK_RATE_6_GBPS",
            "attachedSasAddress": DRIVE,
            "sources": FIRMWARE,
        }
    ),
    snapshot(
        port={
            "name": f"{EXPANDER_NAME}/ports/{HOST}",
            "owner": EXPANDER_NAME,
            "attachedSasAddress": HOST,
            "width": 1,
        }
    ),
    snapshot(
        port={
            "name": f"{EXPANDER_NAME}/ports/{DRIVE}",
            "owner": EXPANDER_NAME,
            "attachedSasAddress": DRIVE,
            "width": 1,
            "linkRate": "LINK_RATE_6_GBPS",
            "phyIdentifiers": [3],
        }
    ),
    snapshot(endDevice=END_DEVICE),
    snapshot(
        logicalUnit={
            "name": UNIT_NAME,
            "wwid": "naa.5000c500a7b26110",
            "sizeBytes": "51200",
            "serial": "ZA100007",
            "paths": [PATH],
        }
    ),
    snapshot(enclosure={"name": ENCLOSURE_NAME, "logicalId": ENCLOSURE, "hosts": [HOST_NAME]}),
    snapshot(
        slot={"name": f"{ENCLOSURE_NAME}/slots/7", "enclosure": ENCLOSURE_NAME, "slot": 7, "endDevices": [DRIVE_NAME]}
    ),
    snapshot(slot={"name": f"{ENCLOSURE_NAME}/slots/8", "enclosure": ENCLOSURE_NAME, "slot": 8}),
    '{"synced":{"revision":"1","resumeToken":"t"}}',
]


def table_of(*lines):
    return sasctl_table.picture_of("\n".join(lines)).table()


class SasctlTableTest(unittest.TestCase):
    def test_drive_equals_that_of_sysfs(self):
        row, sysfs = table_of(*PICTURE)["device", HOST, DRIVE], from_sysfs(SYSFS)["device", HOST, DRIVE]
        same = {k for k in row.keys() & sysfs.keys() if row[k] == sysfs[k]}
        wanted = "parent parent_phy rate protocols enclosure slot wwn serial vendor product blocks handle ses scsi name"
        self.assertEqual(set(wanted.split()) - same, set())

    def test_picture_gives_every_kind(self):
        table = table_of(*PICTURE)
        self.assertEqual({key[0] for key in table}, set(KINDS) - {"lun"})
        self.assertEqual(table["phy", HOST, HOST, 0], {"rate": 12.0, "attached": EXPANDER, "attached_phy": 4, "disabled": False})
        self.assertEqual(table["expander", HOST, EXPANDER]["parent_phys"], (0,))
        self.assertEqual(table["port", HOST, EXPANDER, DRIVE], {"width": 1, "phys": (3,), "rate": 6.0})
        self.assertEqual(table["bay", HOST, ENCLOSURE, 7], {"device": DRIVE})
        self.assertEqual(table["bay", HOST, ENCLOSURE, 8], {"device": ""})
        self.assertEqual(table["unit", "5000c500a7b26110", "ZA100007"]["paths"], ((HOST, DRIVE),))

    def test_upward_port_is_left_out_but_stale_kept(self):
        stale = {"name": "x", "owner": EXPANDER_NAME, "attachedSasAddress": "1" * 16, "width": 1}
        stale["name"] = f"{EXPANDER_NAME}/ports/{stale['attachedSasAddress']}"
        ports = table_of(*PICTURE, snapshot(port=stale)).of_kind("port")
        self.assertEqual(set(ports), {(HOST, EXPANDER, DRIVE), (HOST, EXPANDER, "1" * 16)})

    def test_every_wrong_field_is_found(self):
        right = table_of(*PICTURE)
        wrong = {
            "parent": HOST_NAME,
            "parentPhyIdentifier": 4,
            "deviceHandle": 12,
            "state": "DEVICE_STATE_BLOCKED",
            "targetProtocols": ["PROTOCOL_SATA"],
            "enclosure": "",
            "slot": 8,
            "linkRate": "LINK_RATE_12_GBPS",
            "logicalUnits": [],
            "blockDevice": "sdr",
            "serial": "ZA100008",
            "vendor": "SEA",
            "model": "ST",
            "peripheralType": 13,
        }
        for field, value in wrong.items():
            event = {"changes": [change("MODIFIED", endDevice={**END_DEVICE, field: value})]}
            self.assertTrue(differences(right, table_of(*PICTURE, json.dumps(event)), "sasd", KINDS), field)

    def test_second_unit_and_host_of_one_address_are_found(self):
        name = HOST_NAME + "-0000:00:05.0"
        device = {**END_DEVICE, "name": f"{name}/endDevices/{DRIVE}", "parent": name}
        units = [
            {"name": f"logicalUnits/u{lun}", "wwid": f"naa.6{lun:031}", "serial": "S", "sizeBytes": "512"}
            | {"paths": [{"endDevice": device["name"], "scsiAddress": f"1:0:1:{lun}", "blockDevice": f"sd{lun}"}]}
            for lun in (1, 0)
        ]
        hosts = [
            {"name": HOST_NAME, "sasAddress": HOST, "pciAddress": "0000:00:04.0"},
            {"name": name, "sasAddress": HOST, "pciAddress": "0000:00:05.0"},
        ]
        lines = [snapshot(host=host) for host in hosts] + [snapshot(logicalUnit=unit) for unit in units]
        table = table_of(*lines, snapshot(endDevice=device))
        second = HOST + "@0000:00:05.0"
        self.assertEqual({host for (host,) in table.of_kind("host")}, {HOST + "@0000:00:04.0", second})
        self.assertEqual(table["device", second, DRIVE]["wwn"], "6" + "0" * 31)
        self.assertEqual(table["device", second, DRIVE]["parent"], HOST)
        self.assertEqual(table["lun", second, DRIVE, 1]["name"], "sd1")
        self.assertEqual(table["unit", f"6{1:031}", "S"]["paths"], ((second, DRIVE),))

    def test_removed_object_leaves_the_table(self):
        event = {"changes": [change("REMOVED", endDevice=END_DEVICE)]}
        table = table_of(*PICTURE, json.dumps(event))
        self.assertNotIn(("device", HOST, DRIVE), table)

    def test_gap_begins_a_new_picture(self):
        picture = sasctl_table.picture_of("\n".join([*PICTURE, '{"gap":{"sentRevision":"1"}}']))
        self.assertEqual((picture.objects, picture.whole), ({}, False))

    def test_failed_drive_is_no_device(self):
        event = {"changes": [change("MODIFIED", endDevice={**END_DEVICE, "state": "DEVICE_STATE_FAILED"})]}
        table = table_of(*PICTURE, json.dumps(event))
        self.assertNotIn(("device", HOST, DRIVE), table)
        self.assertNotIn(("port", HOST, EXPANDER, DRIVE), table)

    def test_sysfs_only_phy_without_device_has_no_rate(self):
        phy = {"name": f"{EXPANDER_NAME}/phys/3", "owner": EXPANDER_NAME, "phyIdentifier": 3}
        phy["negotiatedLinkRate"] = "LINK_RATE_6_GBPS"
        for sources, known in ((["SOURCE_SYSFS"], False), (FIRMWARE, True)):
            event = {"changes": [change("MODIFIED", phy={**phy, "sources": sources})]}
            row = table_of(*PICTURE, json.dumps(event))["phy", HOST, EXPANDER, 3]
            self.assertEqual(("rate" in row, "attached" in row), (known, known))


class WatchContractTest(unittest.TestCase):
    """Events about one phy, which has the rate of 6 Gbit/s at revision 1."""

    PHY = {"name": "hosts/h/phys/0", "negotiatedLinkRate": "LINK_RATE_6_GBPS", "revision": "1"}

    def event(self, kind, **fields):
        changed = {"kind": "CHANGE_KIND_" + kind, "resource": {"phy": {**self.PHY, **fields, "revision": "2"}}}
        return {"revision": "2", "previousRevision": "1", "resumeToken": "t", "changes": [changed]}

    def slower(self):
        event = self.event("MODIFIED", negotiatedLinkRate="LINK_RATE_3_GBPS")
        previous = {"phy": {"negotiatedLinkRate": "LINK_RATE_6_GBPS"}}
        event["changes"][0].update(changedFields="negotiatedLinkRate", previous=previous, previousRevision="1")
        return event

    def read(self, *messages):
        contract = watch_contract.WatchContract()
        synced = {"synced": {"revision": "1"}}
        for message in (json.loads(snapshot(phy=self.PHY)), synced, *messages):
            contract.read(json.dumps(message))
        return contract

    def broken(self, event, why):
        with self.assertRaisesRegex(watch_contract.Broken, why):
            self.read(event)

    def test_sound_change_passes(self):
        self.assertEqual(len(self.read(self.slower()).happened), 1)

    def test_change_without_a_change_is_broken(self):
        self.broken(self.event("MODIFIED"), "a change without a change")

    def test_mask_must_name_the_differences(self):
        event = self.slower()
        event["changes"][0]["changedFields"] = "attachedSasAddress"
        self.broken(event, "revision 2")

    def test_nothing_is_added_twice(self):
        self.broken(self.event("ADDED"), "added twice")

    def test_skipped_revision_is_broken(self):
        self.broken({**self.slower(), "previousRevision": "0"}, "revision 2")

    def test_parts_make_one_event(self):
        first = {**self.slower(), "continued": True, "resumeToken": ""}
        last = {**self.slower(), "changes": []}
        self.assertEqual(len(self.read(first, last).happened), 1)

    def test_filter_leaves_out_other_kinds(self):
        contract = self.read(self.slower())
        seen = [
            len(contract.seen_by(watch_reference.Filter({"kinds": [kind]}, []), 1)) for kind in ("phy", "slot")
        ]
        self.assertEqual(seen, [1, 0])


class SasdLogTest(unittest.TestCase):
    def test_warnings_and_malformed_lines_are_bad(self):
        lines = [
            "[2026-11-26 04:46:18.015] [sasd] [info] serving",
            "[2026-11-26 04:46:18.015] [sasd] [warning] odd",
            "[2026-11-26 04:46:18.015] [sasd] [error] worse",
            "terminate called after throwing an instance",
        ]
        self.assertEqual(sasd.bad_lines(lines), lines[1:])
        self.assertEqual(sasd.bad_lines(lines, ((r"^odd$", "asked for"),)), lines[2:])


    def test_stalled_journal_must_be_written_again(self):
        stamp = "[2026-11-30 05:21:57.780] [sasd] "
        stalled = stamp + "[error] the journal cannot be written: the disk has not taken an event for 1.0037612915s; sasd serves from memory; free the disk or mend it"
        full = stamp + "[error] the journal cannot be written: database or disk is full; sasd serves from memory; free the disk or mend it"
        again = stamp + "[info] the journal is written again"
        self.assertEqual(sasd.bad_lines([stalled, again]), [])
        self.assertEqual(sasd.bad_lines([again, stalled]), [stalled])
        self.assertEqual(sasd.bad_lines([stalled, again, stalled]), [stalled])
        self.assertEqual(sasd.bad_lines([full, again]), [full])
        self.assertTrue(sasd.ends_stalled([again, stalled]))
        self.assertFalse(sasd.ends_stalled([stalled, again]))
        self.assertFalse(sasd.ends_stalled([]))
        reported = stamp + "[critical] JOURNAL_STALLED: events are not written to the journal: " + stalled.split("] ")[-1]
        ended = stamp + "[info] JOURNAL_STALLED ended: events are not written to the journal"
        self.assertEqual(sasd.bad_lines([stalled, reported, again, ended]), [])
        self.assertEqual(sasd.bad_lines([stalled, reported, again]), [reported])
        self.assertTrue(sasd.ends_stalled([stalled, reported, again]))
        self.assertFalse(sasd.ends_stalled([stalled, reported, again, ended]))

    def test_findings_are_no_bad_lines(self):
        lines = [
            "[2026-11-26 04:46:18.015] [sasd] [critical] DRIVE_MISSING: drive Z1 is missing [logicalUnits/naa.1]",
            "[2026-11-26 04:46:18.015] [sasd] [warning] more findings: 3 appeared, 0 changed, 1 ended",
        ]
        self.assertEqual(sasd.bad_lines(lines), [])


class KernelLogTest(unittest.TestCase):
    def test_ordinary_line_is_fine(self):
        self.assertEqual(kernel_log.bad_lines(["<6>[    1.0] mpt3sas_cm0: port enable: SUCCESS"]), [])

    def test_warning_of_any_driver_is_bad(self):
        self.assertEqual(
            kernel_log.bad_lines(["<4>[    1.0] ses 0:0:9:0: something odd"]),
            ["[    1.0] ses 0:0:9:0: something odd"],
        )

    def test_words_of_trouble_are_bad_at_any_level(self):
        for text in (
            "WARNING: CPU: 0 PID: 1 at drivers/scsi/x.c:1 y+0x1/0x2",
            "INFO: task kworker/0:1:9 blocked for more than 60 seconds.",
            "mpt3sas_cm0: failure at drivers/scsi/mpt3sas/mpt3sas_scsih.c:1/x()!",
        ):
            self.assertEqual(len(kernel_log.bad_lines(["<6>[    1.0] " + text])), 1, text)

    def test_rest_of_a_line_of_mpt3sas_is_fine(self):
        for text in ("", ")", ",Raid,EEDP", "Initiator,Target), Capabilities=(", ",Task Set Full,NCQ)"):
            self.assertEqual(kernel_log.bad_lines([f"<4>[  182.540361] {text}"]), [], text)
        for text in (" ", "NCQ failed", "Initiator: odd"):
            self.assertEqual(len(kernel_log.bad_lines([f"<4>[  182.540361] {text}"])), 1, text)

    def test_allow_list_covers_its_scenario_only(self):
        line = "<3>[    1.0] sd 0:0:1:0: [sdb] Synchronize Cache(10) failed: Result: x"
        self.assertEqual(len(kernel_log.bad_lines([line])), 1)
        self.assertEqual(kernel_log.bad_lines([line], kernel_log.REMOVAL), [])

    def test_no_allow_list_covers_a_stack_trace(self):
        lines = ["<4>[    1.0] Call Trace:", "<4>[    1.0] WARNING: CPU: 0 PID: 1 at x"]
        lists = [v for k, v in vars(kernel_log).items() if k.isupper() and isinstance(v, tuple)]
        self.assertGreater(len(lists), 3)
        self.assertEqual(len(kernel_log.bad_lines(lines, *lists)), 2)


class ImageTest(unittest.TestCase):
    def test_archive_is_in_newc_format(self):
        cpio = image.Cpio()
        cpio.add("a/b", 0o100644, b"hello")
        data = cpio.finish()
        self.assertEqual(data[:6], b"070701")
        self.assertIn(b"a\0", data)
        at = data.index(b"a/b\0")
        self.assertEqual(int(data[at - 110 + 54 : at - 110 + 62], 16), 5)  # c_filesize
        self.assertEqual(data[at + 6 : at + 11], b"hello")  # header and name padded to 4
        self.assertIn(b"TRAILER!!!", data)
        self.assertEqual(len(data) % 4, 0)

    def test_missing_tool_names_the_cure(self):
        with self.assertRaisesRegex(image.ImageError, "no-such-depmod is missing; bazel/setup.sh vm installs it"):
            image.run("no-such-depmod", "-b", "/")

    def test_file_without_kernel_is_refused(self):
        with self.assertRaisesRegex(image.ImageError, "not a bzImage"):
            image.extract_vmlinux(bytes(0x400))

    def test_unknown_compression_is_refused(self):
        data = bytearray(0x800)
        data[0x1F1] = 1
        data[0x202:0x206] = b"HdrS"
        struct.pack_into("<II", data, 0x248, 0, 16)
        with self.assertRaisesRegex(image.ImageError, "unknown format"):
            image.extract_vmlinux(bytes(data))

    def test_xz_payload_gives_the_elf_file(self):
        import lzma

        payload = lzma.compress(b"\x7fELF and so on") + b"\x0e\0\0\0"
        data = bytearray(0x400) + payload
        data[0x1F1] = 1
        data[0x202:0x206] = b"HdrS"
        struct.pack_into("<II", data, 0x248, 0, len(payload))
        self.assertEqual(image.extract_vmlinux(bytes(data)), b"\x7fELF and so on")


class AgreeTest(unittest.TestCase):
    def test_sysfs_is_read_once_sasd_is_right(self):
        right = Table()
        right.put("host", HOST)
        of_sasd, readings = [Table(), Table(), right, right], []
        node = object.__new__(rig.Node)
        lines = SimpleNamespace(position=lambda: 0, await_more=lambda since, timeout_s: True)
        node.vm = SimpleNamespace(lines=lines, deadline=lambda timeout_s: time.monotonic() + timeout_s)
        node.truth = lambda: right
        node.sasd_table = lambda: of_sasd.pop(0)
        node.sysfs = lambda: readings.append(right) or right
        self.assertIs(node.agree(), right)
        self.assertEqual(len(readings), 1)
        self.assertEqual(of_sasd, [])


if __name__ == "__main__":
    unittest.main()
