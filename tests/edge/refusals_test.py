"""Who and what sasd refuses, with code and text. Prints the table."""

import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import unittest

from edge_node import ROOT, SASCTL, SASD, TIMEOUT_S, Node

import grpc
from sas.emulator.v1 import emulator_service_pb2 as emulator
from sas.emulator.v1 import emulator_service_pb2_grpc as emulator_grpc
from sas.v1 import baseline_service_pb2 as baseline
from sas.v1 import baseline_service_pb2_grpc as baseline_grpc
from sas.v1 import node_service_pb2 as node
from sas.v1 import node_service_pb2_grpc as node_grpc
from sas.v1 import topology_service_pb2 as topology
from sas.v1 import topology_service_pb2_grpc as topology_grpc
from sas.v1 import watch_service_pb2 as watch
from sas.v1 import watch_service_pb2_grpc as watch_grpc

TABLE = []


class RefusalsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = Node(
            "--viewer", "certificate:monitor.example.org",
            "--operator", "certificate:*.ops.example.org",
            "--viewer", "user:4711",
            "--operator", "group:4712",
            "--limit", "watches_per_peer=3",
            "--limit", "waits_per_peer=2",
            "--limit", "repeated_values=100",
            "--limit", "text_bytes=200",
            "--limit", "request_bytes=65536",
        )
        node_ca, other = cls.node.ca, cls.node.other_ca
        cls.certificates = {
            "viewer": node_ca.issue("monitor.example.org"),
            "operator": node_ca.issue("a.ops.example.org"),
            "no role": node_ca.issue("nobody.example.org"),
            "expired": node_ca.issue("old.ops.example.org", days=-1),
            "wrong CA": other.issue("a.ops.example.org"),
        }

    @classmethod
    def tearDownClass(cls):
        cls.node.__exit__()
        print(f"{len(TABLE)} refusals:")
        for name, code, text in TABLE:
            print(f"  {name:46} {code:20} {text[:110]}")
        assert len(TABLE) >= 40, len(TABLE)

    def tls(self, who, **options):
        certificate, key = self.certificates[who] if who else (None, None)
        return self.node.tls_channel(certificate, key, **options)

    def refused(self, name, call, code, part):
        with self.subTest(name):
            with self.assertRaises(grpc.RpcError) as raised:
                call()
            error = raised.exception
            TABLE.append((name, error.code().name, error.details()))
            self.assertEqual(error.code(), code, error.details())
            self.assertIn(part, error.details())

    @staticmethod
    def get_node(channel, **options):
        return node_grpc.NodeServiceStub(channel).GetNode(
            node.GetNodeRequest(), timeout=TIMEOUT_S, **options)

    def verbs(self, channel):
        base = baseline_grpc.BaselineServiceStub(channel)
        emulated = emulator_grpc.EmulatorServiceStub(channel)
        return {
            "Dismiss": lambda: base.Dismiss(
                baseline.DismissRequest(object="x", reason="y"), timeout=TIMEOUT_S),
            "Undismiss": lambda: base.Undismiss(
                baseline.UndismissRequest(object="x"), timeout=TIMEOUT_S),
            "AcceptBaseline": lambda: base.AcceptBaseline(
                baseline.AcceptBaselineRequest(), timeout=TIMEOUT_S),
            "Pull": lambda: emulated.Pull(
                emulator.PullRequest(element="nothing"), timeout=TIMEOUT_S),
            "ListElements": lambda: emulated.ListElements(
                emulator.ListElementsRequest(), timeout=TIMEOUT_S),
        }

    def test_roles(self):
        denied = grpc.StatusCode.PERMISSION_DENIED
        with self.node.tcp_channel() as channel:
            self.get_node(channel)
            for verb, call in self.verbs(channel).items():
                self.refused(f"plain TCP: {verb}", call, denied, "needs the role operator")
        with self.tls("viewer") as channel:
            self.get_node(channel)
            for verb, call in self.verbs(channel).items():
                self.refused(f"TLS, viewer: {verb}", call, denied,
                             "certificate monitor.example.org has viewer")
        with self.tls("no role") as channel:
            self.refused("TLS, certificate without a role: GetNode",
                         lambda: self.get_node(channel), denied, "has none")
            for verb, call in self.verbs(channel).items():
                self.refused(f"TLS, certificate without a role: {verb}", call, denied, "has none")
        with self.tls("operator") as channel:
            self.get_node(channel)
            self.refused("TLS, operator: Dismiss of what is not there",
                         self.verbs(channel)["Dismiss"], grpc.StatusCode.NOT_FOUND, '"x"')

    def test_certificates(self):
        unavailable = grpc.StatusCode.UNAVAILABLE
        for name, who, options in [
            ("no client certificate", None, {}),
            ("expired client certificate", "expired", {}),
            ("client certificate of another CA", "wrong CA", {}),
            ("server certificate of another CA", "operator",
             {"ca": self.node.other_ca.certificate}),
            ("server certificate of another name", "operator", {"name": "other.example.org"}),
        ]:
            with self.tls(who, **options) as channel:
                self.refused(f"TLS: {name}", lambda: self.get_node(channel), unavailable, "")

    def test_sasctl(self):
        certificate, key = self.certificates["viewer"]
        files = ["--tls-ca", self.node.ca.certificate, "--tls-certificate", certificate,
                 "--tls-key", key, "--tls-name", "node.example.org"]

        def sasctl(*arguments, **more):
            return subprocess.run([SASCTL, "--addr", self.node.tls, *arguments],
                                  capture_output=True, text=True, timeout=TIMEOUT_S, **more)

        done = sasctl(*files, "list", "hosts", "-o", "name")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 2)
        variables = {"SASD_TLS_CA": files[1], "SASD_TLS_CERTIFICATE": files[3],
                     "SASD_TLS_KEY": files[5], "SASD_TLS_NAME": files[7]}
        done = sasctl("list", "hosts", "-o", "name", env={**os.environ, **variables})
        self.assertEqual(len(done.stdout.splitlines()), 2, done.stderr)
        for name, arguments, part in [
            ("dismiss as viewer", [*files, "dismiss", "x", "--reason", "y"],
             "needs the role operator"),
            ("without a key", files[:4] + ["list", "hosts"], "--tls-key is missing"),
            ("key that is not there", [*files[:5], "/no/such/key", *files[6:], "list", "hosts"],
             "No such file"),
        ]:
            with self.subTest(name):
                done = sasctl(*arguments)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(part, done.stderr)
                TABLE.append((f"sasctl: {name}", f"exit {done.returncode}", done.stderr.strip()))

    def test_protocols(self):
        host, port = self.node.tls.split(":")
        certificate, key = self.certificates["operator"]
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.load_cert_chain(certificate, key)
            context.minimum_version = version
            context.maximum_version = version
            with self.subTest(version), socket.create_connection((host, int(port)), 10) as raw:
                with self.assertRaises((ssl.SSLError, ConnectionError)) as raised:
                    context.wrap_socket(raw)
                TABLE.append((f"TLS: {version.name}", "(handshake)", str(raised.exception)))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.load_verify_locations(self.node.ca.certificate)
            context.load_cert_chain(certificate, key)
            context.minimum_version = version
            context.maximum_version = version
            with self.subTest(version), socket.create_connection((host, int(port)), 10) as raw:
                context.wrap_socket(raw, server_hostname="127.0.0.1").close()
        for name, address, text in [
            ("plain HTTP/2 at the TLS port", self.node.tls, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
            ("HTTP/1.1 at the plain port", self.node.tcp, b"GET / HTTP/1.1\r\n\r\n"),
            ("TLS at the plain port", self.node.tcp, b"\x16\x03\x01\x02\x00\x01"),
            ("garbage", self.node.tcp, bytes(range(256))),
        ]:
            host, port = address.split(":")
            with self.subTest(name), socket.create_connection((host, int(port)), 10) as raw:
                raw.sendall(text)
                try:
                    self.assertEqual(raw.recv(100), b"")
                except ConnectionResetError:
                    pass
                TABLE.append((name, "(closed)", ""))

    def test_other_users(self):
        if os.geteuid() != 0:
            self.skipTest("needs root, to connect as other users")
        os.chmod(self.node.socket, 0o666)
        # Other users cannot read the folder of the test.
        self.copy = os.path.join(self.node.folder, "sasd")
        shutil.copytree(os.path.join(ROOT, "proto"), os.path.join(self.copy, "proto"))
        shutil.copy(os.path.join(os.path.dirname(__file__), "call_as.py"), self.copy)
        for uid, gid, verb, role in [(4711, 4711, "Dismiss", "viewer"),
                                     (4711, 4711, "Pull", "viewer")]:
            self.assertEqual(self.as_user(uid, gid, "GetNode"), "OK")
            answer = self.as_user(uid, gid, verb)
            TABLE.append((f"uid {uid}, group {gid}: {verb}", *answer.split(": ", 1)))
            self.assertIn("PERMISSION_DENIED: ", answer)
            self.assertIn(f"uid {uid} has {role}", answer)
        # The highest role of those that match.
        self.assertIn("NOT_FOUND", self.as_user(4711, 4712, "Dismiss"))

    def as_user(self, uid, gid, verb):
        """Calls as another user, in a process of its own."""
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setgid(gid)
                os.setuid(uid)
                os.execve("/usr/bin/python3", [
                    "/usr/bin/python3", os.path.join(self.copy, "call_as.py"),
                    self.node.socket, verb, str(writer)],
                    {**os.environ, "TEST_SRCDIR": self.node.folder})
            finally:
                os._exit(1)
        os.close(writer)
        with os.fdopen(reader) as file:
            text = file.read()
        os.waitpid(child, 0)
        return text

    def test_limits(self):
        exhausted = grpc.StatusCode.RESOURCE_EXHAUSTED
        with self.node.channel() as channel:
            lists = topology_grpc.TopologyServiceStub(channel)
            many = topology.ListEndDevicesRequest()
            many.filter.conditions.add(field="state", operator=1, values=["ATTACHED"] * 101)
            self.refused("values of a repeated field", lambda: lists.ListEndDevices(many), exhausted,
                         "the limit repeated_values is 100")
            self.refused("length of a text",
                         lambda: lists.FindResources(topology.FindResourcesRequest(query="x" * 201)),
                         exhausted, "the limit text_bytes is 200")
            self.refused("size of a request",
                         lambda: lists.FindResources(
                             topology.FindResourcesRequest(query="x" * 70000)), exhausted, "65536")
            watches = watch_grpc.WatchServiceStub(channel)
            streams = [watches.Watch(watch.WatchRequest(skip_snapshot=True)) for _ in range(3)]
            for stream in streams:
                next(stream)
            self.refused("one Watch more", lambda: next(watches.Watch(watch.WatchRequest())),
                         exhausted, "the limit watches_per_peer is 3")
            self.refused("texts of a Watch's filter",
                         lambda: next(watches.Watch(watch.WatchRequest(resume_token="x" * 201))),
                         exhausted, "watches_per_peer")
            streams[0].cancel()
        self.refuse_long_texts()
        name = "sas.v1.TopologyService/FindResources"
        with self.node.channel() as channel:
            garbage = channel.unary_unary("/" + name)
            self.refused("a request that cannot be decoded", lambda: garbage(b"\xff\xff\xff"),
                         grpc.StatusCode.INVALID_ARGUMENT, "cannot be decoded")
            # A synchronous service, which gRPC answers for in another way.
            garbage = channel.unary_unary("/sas.emulator.v1.EmulatorService/Pull")
            self.refused("one of a synchronous service", lambda: garbage(b"\xff\xff\xff"),
                         grpc.StatusCode.INVALID_ARGUMENT, "cannot be decoded")
            missing = channel.unary_unary("/sas.v1.NodeService/Nothing")
            self.refused("a method that is not there", lambda: missing(b""),
                         grpc.StatusCode.UNIMPLEMENTED, "")

    def refuse_long_texts(self):
        """As long as may be, and of bytes that take three in the trailers: a client takes 8 KiB."""
        with Node(tls=False) as sasd, sasd.channel() as channel:
            lists = topology_grpc.TopologyServiceStub(channel)
            base = baseline_grpc.BaselineServiceStub(channel)
            for text in ("x" * 4096, "é" * 2048, '"' * 4096, "\x01" * 4096):
                bad, missing = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND
                for name, code, call in (
                        ("name", bad, lambda: lists.GetHost(topology.GetHostRequest(name=text))),
                        ("page token", bad,
                         lambda: lists.ListHosts(topology.ListHostsRequest(page_token=text))),
                        ("element", missing, lambda: emulator_grpc.EmulatorServiceStub(channel).Pull(
                            emulator.PullRequest(element=text))),
                        ("resources", bad, lambda: base.AcceptBaseline(
                            baseline.AcceptBaselineRequest(resources=[text])))):
                    self.refused(f"{name} of 4 kB of {text[0]!a}", call, code, "")
                self.refused(f"object of 4 kB of {text[0]!a}", lambda: base.Dismiss(
                    baseline.DismissRequest(object=text, reason="y")), grpc.StatusCode.NOT_FOUND,
                             " bytes]" if text[0] != "x" else "is there")

    def test_starts(self):
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            with open(os.path.join(folder, "file"), "w", encoding="utf-8") as file:
                file.write("text")
            dead = socket.socket(socket.AF_UNIX)
            dead.bind(os.path.join(folder, "dead"))
            cases = [
                ("--listen", "unix-abstract:x", "has no permissions"),
                ("--listen", "localhost:99999", "0 to 65535"),
                ("--listen", "localhost", "HOST:PORT"),
                ("--listen", "0.0.0.0:0", "--insecure-listen"),
                ("--listen", "unix:/no/such/folder/s", "there is no folder"),
                ("--listen", f"unix:{folder}/file", "is no socket"),
                ("--listen", f"unix:{folder}/dead", "did not make"),
                ("--listen", "unix:" + self.node.socket, "another process serves there"),
                ("--listen-tls", "127.0.0.1:0", "the server's certificate"),
            ]
            for option, value, part in cases:
                with self.subTest(value):
                    done = subprocess.run(
                        [SASD, "--fabric", "demo", "--listen", f"unix:{folder}/s", option, value],
                        capture_output=True, text=True, timeout=TIMEOUT_S)
                    TABLE.append((f"sasd {option} {value[:30]}", f"exit {done.returncode}",
                                  done.stderr.strip().splitlines()[-1]))
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn(part, done.stderr)
            dead.close()


if __name__ == "__main__":
    unittest.main()
