"""Debian's Prometheus and Alertmanager on a real sasd: a pulled drive becomes an alert, and goes."""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

from testbed import RULES, Sasd, program, until

PROMETHEUS = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%(rules)s]
alerting:
  alertmanagers: [{static_configs: [{targets: ["%(alertmanager)s"]}]}]
scrape_configs:
  - job_name: sasd
    static_configs: [{targets: ["%(sasd)s"]}]
"""
ALERTMANAGER = """
route: {receiver: nobody, group_wait: 1s, group_by: [alertname]}
receivers: [{name: nobody}]
"""


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


class PrometheusTest(unittest.TestCase):
    def setUp(self):
        prometheus = program("prometheus")
        alertmanager = program("prometheus-alertmanager")
        self.sasd = Sasd(self)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.alertmanager, self.prometheus = self.free_address(), self.free_address()
        self.start(
            alertmanager, self.write("am.yml", ALERTMANAGER), "--config.file",
            f"--web.listen-address={self.alertmanager}", "--cluster.listen-address=",
            f"--storage.path={self.folder}/am",
        )  # fmt: skip
        config = PROMETHEUS % {
            "rules": os.path.realpath(os.path.join(RULES, "sas.rules.yml")),
            "alertmanager": self.alertmanager,
            "sasd": self.sasd.target,
        }
        self.start(
            prometheus, self.write("prometheus.yml", config), "--config.file",
            f"--web.listen-address={self.prometheus}", f"--storage.tsdb.path={self.folder}/tsdb",
        )  # fmt: skip

    @staticmethod
    def free_address():
        import socket

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return f"127.0.0.1:{free.getsockname()[1]}"

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def start(self, binary, config, option, *more):
        process = subprocess.Popen(
            [binary, f"{option}={config}", *more],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

    def query(self, expression):
        try:
            answer = get(
                f"http://{self.prometheus}/api/v1/query?query=" + urllib.parse.quote(expression)
            )
        except OSError:
            return []
        return answer["data"]["result"]

    def alerts(self):
        try:
            return get(f"http://{self.alertmanager}/api/v2/alerts?active=true")
        except OSError:
            return []

    def test_a_pulled_drive_fires_an_alert_that_resolves(self):
        until(lambda: self.query('up{job="sasd"} == 1'), "a scrape")
        address, serial = self.sasd.drive()
        begin = time.monotonic()
        self.sasd.sasctl("emulator", "pull", address)

        def firing():
            return [a for a in self.alerts() if a["labels"].get("serial_number") == serial]

        alert = until(firing, "an alert")[0]
        print(f"from pull to alert in Alertmanager: {time.monotonic() - begin:.1f} s")
        self.assertEqual(alert["labels"]["alertname"], "SasFindingCritical")
        self.assertNotEqual(alert["labels"]["slot"], "")
        self.assertIn(f"serial {serial}", alert["annotations"]["description"])
        self.sasd.sasctl("emulator", "insert", address)
        until(lambda: not firing(), "the alert resolves")
        print(f"resolved after {time.monotonic() - begin:.1f} s")

    def test_every_expression_of_the_dashboard_returns_data(self):
        with open(os.path.join(RULES, "sas.dashboard.json"), encoding="utf-8") as file:
            dashboard = json.load(file)
        expressions = [t["expr"] for p in dashboard["panels"] for t in p.get("targets", [])]
        self.assertGreater(len(expressions), 5)
        # The dashboard's variables, as Grafana fills them in.
        address, _ = self.sasd.drive()
        self.sasd.sasctl("emulator", "pull", address)
        for expression in expressions:
            expression = expression.replace("$instance", ".*").replace("$__rate_interval", "10s")
            until(lambda e=expression: self.query(e), f"data of {expression}")


class DashboardTypesTest(unittest.TestCase):
    """The dashboard has the types that Grafana publishes, @grafana/schema (tests/metrics/npm)."""

    # npm's packages, kept between runs.
    CACHE = "/var/cache/sasd"

    @classmethod
    def setUpClass(cls):
        cls.npm = program("npm")
        lists = os.path.join(os.path.dirname(os.path.abspath(__file__)), "npm")
        with open(os.path.join(lists, "package-lock.json"), "rb") as file:
            key = hashlib.sha256(file.read()).hexdigest()[:16]
        cls.modules = os.path.join(cls.CACHE, f"dashboard-types-{key}")
        if os.path.isdir(cls.modules):
            return
        os.makedirs(cls.CACHE, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cls.CACHE) as made:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(os.path.join(lists, name), made)
            done = subprocess.run(
                [cls.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
                cwd=made, capture_output=True, text=True, check=False,
            )  # fmt: skip
            if done.returncode != 0:
                raise unittest.SkipTest("npm has no @grafana/schema here: " + done.stderr[-300:])
            shutil.copytree(made, cls.modules, symlinks=True)

    def compile(self, dashboard):
        """What the compiler says of the dashboard as a value of Grafana's type."""
        with tempfile.TemporaryDirectory(dir=self.modules) as folder:
            path = os.path.join(folder, "dashboard.ts")
            with open(path, "w", encoding="utf-8") as file:
                file.write("import type { Dashboard } from '@grafana/schema';\n")
                file.write(f"export const dashboard: Dashboard = {dashboard};\n")
            tsc = os.path.join(self.modules, "node_modules", "typescript", "bin", "tsc")
            return subprocess.run(
                [program("node"), tsc, "--noEmit", "--strict", "--skipLibCheck",
                 "--moduleResolution", "node", "--target", "es2020", path],
                capture_output=True, text=True, check=False,
            ).stdout  # fmt: skip

    def test_the_dashboard_is_one_of_grafana(self):
        with open(os.path.join(RULES, "sas.dashboard.json"), encoding="utf-8") as file:
            dashboard = file.read()
        self.assertEqual(self.compile(dashboard), "")
        wrong = dashboard.replace('"type": "query"', '"type": "querry"', 1)
        self.assertIn("VariableType", self.compile(wrong))


if __name__ == "__main__":
    unittest.main()
