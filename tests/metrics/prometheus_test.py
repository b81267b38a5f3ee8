"""Debian's Prometheus and Alertmanager on a real sasd: a pulled drive becomes an alert, and goes."""

import json
import os
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


if __name__ == "__main__":
    unittest.main()
