"""The metrics of a whole sasd: over HTTP, by sasctl, and as promtool reads them."""

import os
import statistics
import subprocess
import time
import unittest

from testbed import RULES, SASCTL, Sasd, program, samples, until

MAX_SERIES = 150
# For a scrape of 10,000 devices, on one idle core.
SCRAPE_S = 0.05


class MetricsTest(unittest.TestCase):
    def test_a_pulled_drive_becomes_a_finding_with_slot_and_serial(self):
        sasd = Sasd(self)
        address, serial = sasd.drive()
        before = samples(sasd.scrape())
        self.assertLessEqual(len(before), MAX_SERIES)
        self.assertEqual([s for s in before if s[0] == "sas_finding_info"], [])
        disks = sum(v for name, _, v in before if name == "sas_logical_units")
        self.assertEqual(disks, len(sasd.sasctl("list", "drives", "-o", "name").split()))

        def found():
            return [
                labels
                for name, labels, value in samples(sasd.scrape())
                if name == "sas_finding_info" and value == 1
            ]

        sasd.sasctl("emulator", "pull", address)
        labels = until(found, "a finding")[0]
        self.assertEqual(labels["severity"], "critical")
        self.assertEqual(labels["reason"], "DRIVE_MISSING")
        self.assertEqual(labels["serial_number"], serial)
        self.assertNotEqual(labels["slot"], "")
        self.assertTrue(labels["enclosure"].startswith("enclosures/"), labels)
        self.assertIn(
            ("sas_findings", {"severity": "critical"}, 1.0), samples(sasd.scrape())
        )
        sasd.sasctl("emulator", "insert", address)
        until(lambda: not found(), "no finding")

    def test_sasctl_writes_the_file_of_the_textfile_collector(self):
        sasd = Sasd(self, "--metrics-objects")
        path = os.path.join(sasd.folder, "sas.prom")
        sasd.sasctl("metrics")  # a method that was called has series
        sasd.sasctl("metrics", "--objects", "--write", path)
        self.assertEqual(os.listdir(sasd.folder).count("sas.prom"), 1)
        self.assertEqual([n for n in os.listdir(sasd.folder) if n.endswith(".tmp")], [])
        with open(path, encoding="utf-8") as file:
            written = samples(file.read())

        def names(found):
            # The call of sasctl may have held its thread for a millisecond.
            return [(name, labels) for name, labels, _ in found
                    if name != "sas_call_hold_seconds_max"]

        self.assertEqual(names(written), names(samples(sasd.scrape())))
        drives = len(sasd.sasctl("list", "drives", "-o", "name").split())
        infos = [s for s in written if s[0] == "sas_drive_info"]
        self.assertEqual(len(infos), drives)
        self.assertEqual(len({s[1]["serial_number"] for s in infos}), drives)
        self.assertLessEqual(len(written) - 2 * drives, MAX_SERIES)
        done = subprocess.run(
            [SASCTL, "--addr", sasd.address, "metrics", "--write", "/nowhere/sas.prom"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write /nowhere/sas.prom", done.stderr)

    def test_a_bad_day_of_a_large_node_has_150_series_at_most(self):
        """Each series that depends on the node is there: findings, aliases, refusals."""
        sasd = Sasd(self, fabric="synthetic:2x20x10")
        enclosures = sasd.sasctl("list", "enclosures", "-o", "name").split()
        for number, name in enumerate(enclosures[:20]):
            sasd.sasctl("alias", "set", name, f"shelf{number}")
        shown = sasd.sasctl("list", "drives", "--no-headers", "--columns", "addresses")
        for address in shown.split()[:35]:
            sasd.sasctl("emulator", "pull", address.split(",")[0])

        def all_found():
            found = samples(sasd.scrape())
            hidden = sum(v for name, _, v in found if name == "sas_findings_not_shown")
            return found if hidden >= 5 else None

        found = until(all_found, "35 findings")
        names = [name for name, _, _ in found]
        self.assertEqual(names.count("sas_finding_info"), 30)
        self.assertEqual(names.count("sas_alias_info"), 15)
        self.assertIn(("sas_aliases_not_shown", {}, 5.0), found)
        self.assertLessEqual(len(found), MAX_SERIES)
        calls = sum(v for name, _, v in found if name == "sas_call_duration_seconds_count")
        self.assertGreater(calls, 55)

    def test_methods_have_histograms_on_request(self):
        sasd = Sasd(self, "--metrics-objects")
        sasd.sasctl("status")
        counts = {
            labels["method"]: value
            for name, labels, value in samples(sasd.scrape())
            if name == "sas_method_duration_seconds_count"
        }
        self.assertGreaterEqual(counts["sas.v1.NodeService/GetNode"], 1)
        self.assertNotIn("sas.v1.WatchService/Watch", counts)

    def test_promtool_finds_no_fault(self):
        promtool = program("promtool")
        sasd = Sasd(self, "--metrics-objects")
        done = subprocess.run(
            [promtool, "check", "metrics"],
            input=sasd.scrape(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def test_alert_rules_fire_as_their_tests_say(self):
        promtool = program("promtool")
        done = subprocess.run(
            [promtool, "test", "rules", "sas.rules.test.yml"],
            cwd=RULES, capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        # Each alert has a test.
        with open(os.path.join(RULES, "sas.rules.yml"), encoding="utf-8") as file:
            alerts = [line.split()[-1] for line in file if "- alert:" in line]
        with open(os.path.join(RULES, "sas.rules.test.yml"), encoding="utf-8") as file:
            tests = file.read()
        self.assertEqual([a for a in alerts if f"alertname: {a}\n" not in tests], [])

    def test_every_metric_is_documented(self):
        sasd = Sasd(self, "--metrics-objects")
        with open(os.path.join(RULES, "..", "..", "docs", "metrics.md"), encoding="utf-8") as file:
            text = file.read()
        families = {
            line.split()[2] for line in sasd.scrape().splitlines() if line.startswith("# TYPE")
        }
        self.assertGreater(len(families), 20)
        self.assertEqual([name for name in sorted(families) if f"`{name}`" not in text], [])

    def test_a_scrape_of_10000_devices_is_quick(self):
        sasd = Sasd(self, fabric="synthetic:2x50x100")
        sasd.scrape()
        times = []
        for _ in range(10):
            begin = time.monotonic()
            sasd.scrape()
            times.append(time.monotonic() - begin)
        print(f"a scrape takes {statistics.median(times) * 1000:.1f} ms in the median")
        # The fastest: others may use the machine.
        self.assertLess(min(times), SCRAPE_S)


if __name__ == "__main__":
    unittest.main()
