"""The command in proto/README.md generates Python modules that talk to sasd."""

import importlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import grpc

ROOT = pathlib.Path(os.environ["TEST_SRCDIR"], "sasd")
TIMEOUT_S = 60


def documented_command():
    """The lines of the code block in the section on Python."""
    text = (ROOT / "proto/README.md").read_text(encoding="utf-8")
    section = re.search(r"^## Clients in Python\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    return re.search(r"^```sh\n(.*?)^```$", section.group(1), re.DOTALL | re.MULTILINE).group(1)


class GeneratedPythonTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # The path of a unix socket must be short.
        cls.folder = tempfile.TemporaryDirectory(dir="/tmp")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.out = os.path.join(cls.folder.name, "out")
        subprocess.run(
            ["/bin/sh", "-euc", documented_command()],
            cwd=ROOT,
            env={"PATH": "/usr/bin:/bin", "OUT": cls.out},
            timeout=TIMEOUT_S,
            check=True,
        )
        sys.path.insert(0, cls.out)
        protos = (path.relative_to(ROOT / "proto") for path in (ROOT / "proto").rglob("*.proto"))
        names = [".".join(proto.with_suffix("").parts) for proto in protos]
        cls.messages = [importlib.import_module(name + "_pb2") for name in names]
        cls.services = {
            service: module
            for name, module in zip(names, cls.messages)
            for service in module.DESCRIPTOR.services_by_name
        }

    def test_optional_fields_have_presence(self):
        optional = 0
        for module in self.messages:
            for message in module.DESCRIPTOR.message_types_by_name.values():
                for field in message.fields:
                    one = field.containing_oneof
                    if one is None or one.name != "_" + field.name:
                        continue
                    optional += 1
                    value = getattr(module, message.name)()
                    self.assertFalse(value.HasField(field.name))
                    setattr(value, field.name, field.default_value)
                    self.assertTrue(value.HasField(field.name))
        self.assertGreater(optional, 0)

    def test_every_service_has_a_stub(self):
        self.assertIn("TopologyService", self.services)
        for service, module in self.services.items():
            stubs = importlib.import_module(module.__name__ + "_grpc")
            self.assertTrue(hasattr(stubs, service + "Stub"), service)

    def test_sasd_answers_the_stub(self):
        address = "unix:" + os.path.join(self.folder.name, "s")
        sasd = subprocess.Popen([ROOT / "daemon/sasd", "--fabric", "demo", "--listen", address])
        self.addCleanup(sasd.wait)
        self.addCleanup(sasd.terminate)
        with grpc.insecure_channel(address) as channel:
            self.call(channel, "WaitSettled")
            answer = self.call(channel, "ListHosts", page_size=10)
        addresses = {host.sas_address for host in answer.hosts}
        self.assertEqual(addresses, {"500605b00ab01230", "500605b00ab05670"})

    def call(self, channel, method, **fields):
        """Calls the method, of the one service that has it."""
        [(service, module)] = [
            (service, module)
            for service, module in self.services.items()
            if method in module.DESCRIPTOR.services_by_name[service].methods_by_name
        ]
        stubs = importlib.import_module(module.__name__ + "_grpc")
        stub = getattr(stubs, service + "Stub")(channel)
        request = getattr(module, method + "Request")(**fields)
        return getattr(stub, method)(request, timeout=TIMEOUT_S, wait_for_ready=True)


if __name__ == "__main__":
    unittest.main()
