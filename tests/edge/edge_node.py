"""A sasd for tests of its edge: unix, plain TCP and TLS at once."""

import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.environ["TEST_SRCDIR"], "sasd")
sys.path.insert(0, os.path.join(ROOT, "proto"))

import grpc

from certificates import Authority

SASD = os.path.join(ROOT, "daemon", "sasd")
SASCTL = os.path.join(ROOT, "cli", "sasctl")
TIMEOUT_S = int(os.environ.get("EDGE_TIMEOUT_S", "60"))


def read(path):
    with open(path, "rb") as file:
        return file.read()


class Node:
    """A running sasd. `options` are added to its command line."""

    def __init__(self, *options, tls=True, fabric="demo", env=None):
        # The path of a unix socket must be short.
        self.holder = tempfile.TemporaryDirectory(dir="/tmp")
        self.folder = self.holder.name
        os.chmod(self.folder, 0o755)
        self.socket = os.path.join(self.folder, "s")
        self.log = open(os.path.join(self.folder, "log"), "w+", encoding="utf-8")
        command = [SASD, "--fabric", fabric, "--listen", "unix:" + self.socket, "--listen",
                   "127.0.0.1:0"]
        if tls:
            self.ca = Authority(os.path.join(self.folder, "ca"))
            self.other_ca = Authority(os.path.join(self.folder, "other"))
            certificate, key = self.ca.issue("node.example.org", usage="serverAuth")
            command += ["--listen-tls", "127.0.0.1:0", "--tls-certificate", certificate,
                        "--tls-key", key, "--tls-client-ca", self.ca.certificate]
        self.process = subprocess.Popen([*command, *options], stderr=self.log, env=env)
        self.channels = []
        with self.channel() as channel:
            grpc.channel_ready_future(channel).result(timeout=TIMEOUT_S)
            listeners = self.node_stub(channel).GetNode(self.node_pb2().GetNodeRequest()).listeners
        addresses = [listener.address for listener in listeners]
        self.tcp = addresses[1]
        self.tls = addresses[2] if tls else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for channel in self.channels:
            channel.close()
        self.process.terminate()
        code = self.process.wait(timeout=TIMEOUT_S)
        self.log.close()
        self.holder.cleanup()
        assert code == 0, code

    @staticmethod
    def node_pb2():
        from sas.v1 import node_service_pb2
        return node_service_pb2

    @staticmethod
    def node_stub(channel):
        from sas.v1 import node_service_pb2_grpc
        return node_service_pb2_grpc.NodeServiceStub(channel)

    def channel(self, options=()):
        # A channel of its own: by default Python's channels to one address share a connection.
        return grpc.insecure_channel(
            "unix:" + self.socket, [("grpc.use_local_subchannel_pool", 1), *options])

    def tcp_channel(self):
        return grpc.insecure_channel(self.tcp, [("grpc.use_local_subchannel_pool", 1)])

    def tls_channel(self, certificate=None, key=None, ca=None, name="node.example.org"):
        credentials = grpc.ssl_channel_credentials(
            root_certificates=read(ca or self.ca.certificate),
            private_key=read(key) if key else None,
            certificate_chain=read(certificate) if certificate else None,
        )
        return grpc.secure_channel(self.tls, credentials, [
            ("grpc.ssl_target_name_override", name), ("grpc.use_local_subchannel_pool", 1)])

    def subscribers(self):
        with self.channel() as channel:
            return self.node_stub(channel).GetNode(
                self.node_pb2().GetNodeRequest(), timeout=TIMEOUT_S).subscriber_count

    def log_text(self):
        with open(self.log.name, encoding="utf-8") as file:
            return file.read()


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return int(re.search(r"VmRSS:\s+(\d+) kB", file.read()).group(1)) / 1024
