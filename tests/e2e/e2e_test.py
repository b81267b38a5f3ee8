"""sasd and sasctl from a user's view: a recorded tree, the shipped fabrics, and bad input."""

import json
import os
import re
import socket
import subprocess
import tarfile
import tempfile
import unittest

from sasd import RECORDING, SASCTL, SASD, SASHBA, TIMEOUT_S, Sasd


class SupportBundleTest(unittest.TestCase):
    """`sasctl capture` at the recorded HBA 9400-8i8e, `sashba from-tree`, and a sasd on what comes out."""

    KINDS = ("hosts", "expanders", "end-devices", "drives", "enclosures", "slots", "phys", "ports")
    # Of the system on which sasd runs, not of the hardware. Handles are the firmware's choice.
    OF_THE_SYSTEM = {
        "blockDevice", "blockDevices", "genericDevice", "osName", "scsiAddress", "label",
        "slotLabel", "driverName", "deviceHandle", "sources", "revision", "updateTime", "stateTime",
    }  # fmt: skip
    # (kind, field) of what differs, and how often. The recording is trimmed: it lacks 7 phys of the
    # HBA and 8 of the expanders, and what is behind two of them.
    DIFFERENT = {
        ("hosts", "phyCount"): 1,
        ("expanders", "phyCount"): 1,
        ("phys", "negotiatedLinkRate"): 2,
    }

    def of_hardware(self, value):
        if isinstance(value, dict):
            return {k: self.of_hardware(v) for k, v in value.items() if k not in self.OF_THE_SYSTEM}
        return [self.of_hardware(v) for v in value] if isinstance(value, list) else value

    def objects(self, sasd):
        """{(kind, name): the fields of the hardware}."""
        return {
            (kind, each["name"]): self.of_hardware(each)
            for kind in self.KINDS
            for each in json.loads(sasd.run("list", kind, "-o", "json"))
        }

    def test_virtual_hba_shows_every_captured_field(self):
        with tempfile.TemporaryDirectory() as folder:
            with tarfile.open(RECORDING) as tar:
                tar.extractall(folder)
            bundle, fabric = os.path.join(folder, "b.tar.gz"), os.path.join(folder, "b.textproto")
            with Sasd("--sysfs-root", folder) as sasd:
                recorded = self.objects(sasd)
                sasd.run("capture", "--sysfs", os.path.join(folder, "sys"), "-o", bundle)
            done = subprocess.run(
                [SASHBA, "from-tree", bundle, "-o", fabric], capture_output=True, text=True,
                timeout=TIMEOUT_S, check=False,
            )  # fmt: skip
            self.assertEqual(done.returncode, 0, done.stderr)
            with Sasd("--fabric", fabric) as sasd:
                rebuilt = self.objects(sasd)
        self.assertGreater(len(recorded), 40)
        self.assertEqual(recorded.keys() - rebuilt.keys(), set())
        different = {}
        for (kind, name), fields in recorded.items():
            for field, value in fields.items():
                if rebuilt[kind, name].get(field) != value:
                    different.setdefault((kind, field), []).append(name)
        self.assertEqual({k: len(v) for k, v in different.items()}, self.DIFFERENT, different)


class RecordedTreeTest(unittest.TestCase):
    """A real HBA 9400-8i8e with an HGST 4U60, from its owner's sysfs."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        with tarfile.open(RECORDING) as tar:
            tar.extractall(cls.folder.name)
        cls.sasd = Sasd("--sysfs-root", cls.folder.name).__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.sasd.__exit__()
        cls.folder.cleanup()

    def test_errors_name_the_remedy_or_close_names(self):
        done = self.sasd.call("emulator", "pull", "sdw")
        self.assertEqual(done.returncode, 1)
        self.assertIn("has no virtual HBA", done.stderr)
        self.assertIn("sasd --fabric", done.stderr)
        done = self.sasd.call("show", "ZCT0CQLX")
        self.assertIn("close names: ZCT0CQLK", done.stderr)
        slots = self.sasd.run("list", "enclosures", "--columns", "slots,occupied", "--no-headers")
        self.assertEqual(slots.split(), ["-", "1", "-", "3"])

    def test_tree_matches_the_recorded_machine(self):
        self.assertEqual(
            self.sasd.tree(),
            [
                "`--host11 HBA 9400-8i8e",
                "   |--  1 x end_device -- disk  12G",
                "   |--4x--expander-11:0 HGST  12G",
                "   |  |--  1 x end_device -- disk  12G",
                "   |  `--  2 x end_device -- disk  6G SATA",
                "   `--4x--expander-11:1 LSI  6G",
            ],
        )

    def test_devices_match_the_recorded_machine(self):
        rows = self.sasd.run(
            "list", "devices", "--no-headers", "--columns", "address,slot,rate,block-device,serial"
        )
        self.assertEqual(
            [line.split() for line in rows.splitlines()],
            [
                ["5000cca0506b5f1d", "0", "12G", "sdp", "0SWX1KLA"],
                ["5000cca26128b1f5", "23", "12G", "sdw", "VJGRBU1X"],
                ["5000ccab02009402", "58", "6G", "sdv", "ZCT0CQLK"],
                ["5000ccab02009406", "57", "6G", "sdx", "ZCT0ELAY"],
            ],
        )

    def test_show_accepts_any_name_of_a_drive(self):
        for name in ("sdw", "/dev/sdw", "VJGRBU1X", "5000cca26128b1f5", "naa.5000cca26128b1f4"):
            self.assertIn("VJGRBU1X", self.sasd.run("show", name), name)

    def test_watch_begins_with_every_drive(self):
        watch = subprocess.Popen(
            [SASCTL, "--addr", self.sasd.address, "watch", "--snapshot", "-o", "jsonl"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        serials = set()
        for line in watch.stdout:
            message = json.loads(line)
            if "synced" in message:
                break
            serials.add(message["snapshot"]["resource"].get("endDevice", {}).get("serial"))
        watch.send_signal(2)
        _, err = watch.communicate(timeout=TIMEOUT_S)
        self.assertEqual(watch.returncode, 0)
        self.assertIn("resume with --from", err)
        self.assertLessEqual({"0SWX1KLA", "VJGRBU1X", "ZCT0CQLK", "ZCT0ELAY"}, serials)


class ShippedFabricTest(unittest.TestCase):
    def test_oak_fabric_has_816_drives(self):
        """Two HBAs, two SAS switches, eight JBODs, as sas_discover shows (sasutils' README)."""
        with Sasd("--fabric", "oak-816") as sasd:
            drives = sasd.run("list", "drives", "--no-headers", "--columns", "paths").split()
            self.assertEqual(drives, ["2"] * 816)
            tree = sasd.tree()
            self.assertEqual(sum("--8x--expander" in line for line in tree), 2)
            self.assertEqual(sum("--4x--expander" in line for line in tree), 16)
            self.assertEqual(sum("--10x--expander" in line for line in tree), 32)
            self.assertEqual(sum("51 x end_device -- disk" in line for line in tree), 32)
            self.assertEqual(sasd.call("health").returncode, 0)

    def test_every_shipped_fabric_settles_healthy(self):
        names = re.search(
            r"Shipped fabrics: (.*?)\. ",
            " ".join(subprocess.run([SASD, "--help"], capture_output=True, text=True).stdout.split()),
        ).group(1)
        self.assertIn("demo", names)
        for name in names.split(", "):
            with Sasd("--fabric", name) as sasd:
                self.assertEqual(sasd.call("health").returncode, 0, name)


class StartTest(unittest.TestCase):
    def test_wait_ends_soon_after_sasd_starts(self):
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            path = os.path.join(folder, "s")
            with socket.socket(socket.AF_UNIX) as nobody:
                nobody.bind(path)
                nobody.listen()
                waiting = subprocess.Popen([SASCTL, "--addr", f"unix:{path}", "wait", "--settled"], stdout=subprocess.DEVNULL)
                nobody.accept()[0].close()
            os.unlink(path)
            sasd = subprocess.Popen([SASD, "--fabric", "demo", "--listen", f"unix:{path}"], stderr=subprocess.PIPE, text=True)
            self.assertIn("serving", sasd.stderr.readline())
            # gRPC alone would retry after 5 s.
            self.assertEqual(waiting.wait(timeout=4), 0)
            sasd.terminate()
            sasd.communicate(timeout=TIMEOUT_S)


class HistoryTest(unittest.TestCase):
    """A drive is pulled out of a virtual JBOD, and put back."""

    def test_a_drive_that_is_gone_tells_when_where_and_why(self):
        with Sasd("--fabric", "demo") as sasd:
            before = sasd.run("status", "-o", "json")
            revision = json.loads(before)["revision"]
            serial = sasd.run("show", "JBOD24/3", "-o", "json")
            serial = json.loads(serial)["serial"]
            watch = sasd.watch()
            sasd.run("emulator", "pull", "jbod1/3")
            removed = False
            while not removed:
                removed = any(
                    change["kind"] == "CHANGE_KIND_REMOVED" and "logicalUnit" in change["resource"]
                    for change in watch.next_event().get("changes", [])
                )
            watch.end()

            done = sasd.call("show", serial)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(
                done.stderr,
                rf'"{serial}" is gone: removed \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d from JBOD24/3: '
                r"expander .* not responding",
            )
            history = sasd.run("history", serial)
            self.assertIn("where it has been:", history)
            self.assertRegex(history, r"removed from 5000ccab03001100/3.*not responding")
            self.assertIn(f"{serial} taken out", sasd.run("history", "JBOD24/3"))

            # The newest removal, though later events follow it.
            last = sasd.run("events", "-n", "1", "-f", "kind=drive", "--severity", "warning", "-o", "jsonl")
            self.assertEqual(json.loads(last)["changes"][0]["resource"]["logicalUnit"]["serial"], serial)
            self.assertEqual(sasd.run("events", "--since", "1m", "--until", "now", serial, "-n", "1", "-o", "jsonl"), sasd.run("events", serial, "-n", "1", "-o", "jsonl"))
            self.assertEqual(sasd.run("events", "--until", "yesterday"), "")

            gone = sasd.run("diff", "--since", revision, "-f", "kind=drive")
            self.assertRegex(gone, rf"^- drive .*{serial}\n1 difference ")
            sasd.run("emulator", "insert", "jbod1/3")
            sasd.run("wait", "--settled")
            self.assertIn("0 differences", sasd.run("diff", "--since", f"r{revision}", "-f", "kind=drive"))
            places = json.loads(sasd.run("history", serial, "-o", "json"))["placements"]
            self.assertEqual([place.get("endTime", "now") == "now" for place in places], [True, False])

    def test_unknown_objects_and_times_are_errors(self):
        with Sasd("--fabric", "demo") as sasd:
            self.assertEqual(sasd.call("history", "nobody").returncode, 1)
            self.assertEqual(sasd.call("events", "nobody").returncode, 1)
            self.assertEqual(sasd.call("events", "--since", "soon").returncode, 2)
            self.assertEqual(sasd.call("diff").returncode, 2)


class HealthTest(unittest.TestCase):
    def test_lost_lane_is_a_warning_and_lost_expander_critical(self):
        with Sasd("--fabric", "demo") as sasd:
            sasd.run("emulator", "phy", "jbod1-a", "24", "down")
            self.await_health(sasd, 1, "NARROW_PORT")
            sasd.run("emulator", "phy", "jbod1-a", "24", "up")
            sasd.run("emulator", "expander", "jbod2-b", "lose")
            self.await_health(sasd, 2, "EXPANDER_MISSING")
            sasd.run("emulator", "expander", "jbod2-b", "regain")
            self.await_health(sasd, 0, "OK")

    def await_health(self, sasd, code, text):
        """Asks for health after each event, until it has `code` and `text`."""
        watch = subprocess.Popen(
            [SASCTL, "--addr", sasd.address, "watch", "--snapshot", "-o", "jsonl"],
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            for _ in watch.stdout:
                health = sasd.call("health")
                if health.returncode == code and text in health.stdout:
                    return
        finally:
            watch.kill()
            watch.wait()
            watch.stdout.close()
        self.fail(f"health is never {code} with {text}")


class BadInputTest(unittest.TestCase):
    def refuse(self, text, *expected):
        """Asserts that sasd refuses this fabric file, with the expected texts in its error."""
        with tempfile.NamedTemporaryFile("w", suffix=".textproto") as file:
            file.write(text)
            file.flush()
            done = subprocess.run(
                [SASD, "--fabric", file.name, "--listen", "unix:/tmp/never.sock"],
                capture_output=True,
                text=True,
                timeout=TIMEOUT_S,
            )
            self.assertEqual(done.returncode, 1)
            for part in expected:
                self.assertIn(part.format(file=file.name), done.stderr)

    HOST = 'host { id: "h" address: "500605b00ab01230" phys: 8 }\n'

    def test_unknown_field_is_refused(self):
        self.refuse(self.HOST + 'expander { id: "x" colour: "red" }\n', "{file}:2", "colour")

    def test_duplicate_address_is_refused(self):
        self.refuse(
            self.HOST + 'expander { id: "x" address: "500605b00ab01230" phys: 12 }\n',
            "{file}:2:1",
            'host "h" at {file}:1:1',
            "give it another one",
        )

    def test_loop_of_expanders_is_refused(self):
        expanders = "".join(
            f'expander {{ id: "{i}" address: "500605b00ab0124{n}" phys: 12 }}\n'
            for n, i in enumerate("xyz")
        )
        links = "".join(
            f'link {{ a: "{a}" a_phy: {p} b: "{b}" b_phy: {q} }}\n'
            for a, p, b, q in [("h", 0, "x", 0), ("x", 4, "y", 0), ("y", 4, "z", 0), ("z", 4, "x", 8)]
        )
        self.refuse(self.HOST + expanders + links, "{file}:8:1", "closes a loop", "take one link")

    def test_missing_sasd_is_exit_code_3(self):
        done = subprocess.run(
            [SASCTL, "--addr", "unix:/tmp/no-sasd-here.sock", "tree"], capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 3)
        self.assertIn("/tmp/no-sasd-here.sock", done.stderr)
        self.assertIn("--addr or SASD_ADDR", done.stderr)

    def test_wrong_arguments_have_helpful_errors(self):
        with Sasd("--fabric", "demo", "--log-events", "10") as sasd:
            for arguments, code, parts in [
                (["list", "drives", "-f", "stat=attached"], 2, ['"stat"', 'did you mean "state"']),
                (["list", "devices", "-f", "state=atached"], 2, ['"attached"']),
                (["list", "drivs"], 2, ['did you mean "drives"']),
                (["tre"], 2, ['did you mean "tree"']),
                (["list", "hosts", "-o", "jsn"], 2, ['did you mean "json"']),
                (["watch", "--from", "3"], 1, ["is compacted", "without --from"]),
                (["watch", "--from", "garbage"], 2, ["garbage", "no resume token"]),
                (["emulator", "pull", "jbod1-disk3"], 1, ['did you mean "jbod1-disk03"']),
                (["show", "nothing"], 1, ['"nothing"']),
            ]:
                done = sasd.call(*arguments)
                self.assertEqual(done.returncode, code, (arguments, done.stderr))
                for part in parts:
                    self.assertIn(part, done.stderr)

    def test_removed_object_shows_when_it_was_removed(self):
        with Sasd("--fabric", "demo") as sasd:
            name = sasd.run("list", "devices", "-o", "name").splitlines()[0]
            address = name.split("/")[-1]
            watch = subprocess.Popen(
                [SASCTL, "--addr", sasd.address, "watch", "--snapshot", "-v"],
                stdout=subprocess.PIPE,
                text=True,
            )
            watch.stdout.readline()
            sasd.run("emulator", "pull", address)
            for line in watch.stdout:
                if re.search(rf"- device +{address}.*was attached", line):
                    break
            watch.kill()
            watch.wait()
            watch.stdout.close()
            done = sasd.call("show", name)
            self.assertEqual(done.returncode, 1)
            self.assertIn("is gone: removed", done.stderr)


if __name__ == "__main__":
    unittest.main()
