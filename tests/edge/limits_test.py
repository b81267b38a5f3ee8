"""What a hostile client can and cannot do to others. Each was once possible."""

import os
import resource
import socket
import subprocess
import tempfile
import time
import unittest

from edge_node import SASD, TIMEOUT_S, Node, descriptors

import grpc
from sas.v1 import node_service_pb2 as node
from sas.v1 import node_service_pb2_grpc as node_grpc
from sas.v1 import watch_service_pb2 as watch
from sas.v1 import watch_service_pb2_grpc as watch_grpc

STARTS = int(os.environ.get("EDGE_STARTS", "10"))
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def get_node(channel, timeout=TIMEOUT_S):
    return node_grpc.NodeServiceStub(channel).GetNode(node.GetNodeRequest(), timeout=timeout)


def connect(path):
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(10)
    peer.connect(path)
    return peer


def await_true(condition, what, seconds=TIMEOUT_S):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.02)


class LimitsTest(unittest.TestCase):
    def test_exhausted_descriptors_silence_nobody(self):
        for files in (48, 64, 256):
            before = resource.getrlimit(resource.RLIMIT_NOFILE)
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, before[1]))
            try:
                sasd = Node(tls=False)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, before)
            with self.subTest(files), sasd, sasd.channel() as early:
                get_node(early)
                peers = [connect(sasd.socket) for _ in range(files + 50)]
                for peer in peers:
                    try:
                        peer.sendall(PREFACE)
                    except BrokenPipeError:
                        pass
                get_node(early)
                for peer in peers:
                    peer.close()
                start = time.monotonic()
                while True:
                    try:
                        with sasd.channel() as late:
                            get_node(late, timeout=2)
                        break
                    except grpc.RpcError:
                        self.assertLess(time.monotonic() - start, 2)
                get_node(early)

    def test_silent_connections_end(self):
        with Node("--limit", "handshake_seconds=1", tls=False) as sasd:
            silent, half = connect(sasd.socket), connect(sasd.socket)
            half.sendall(PREFACE[:10])
            for peer in (silent, half):
                answer = b""
                while chunk := peer.recv(1000):
                    answer += chunk
                self.assertIn(b"handshake_seconds is 1", answer)
                peer.close()

    def test_idle_connections_end(self):
        with Node("--limit", "idle_seconds=1", tls=False) as sasd:
            peer = connect(sasd.socket)
            # The preface and an empty SETTINGS: a whole HTTP/2 connection that asks for nothing.
            peer.sendall(PREFACE + b"\0\0\0\4\0\0\0\0\0")
            while peer.recv(1000):
                pass
            peer.close()

    def test_connections_of_one_peer_are_limited(self):
        with Node("--limit", "connections_per_peer=8", tls=False) as sasd:
            peers = [connect(sasd.socket) for _ in range(20)]
            refused = 0
            for peer in peers:
                peer.setblocking(False)
            def count():
                nonlocal refused
                for peer in peers:
                    try:
                        refused += b"connections_per_peer is 8" in peer.recv(1000)
                    except BlockingIOError:
                        pass
                return refused >= 12
            await_true(count, "12 of 20 are refused")
            for peer in peers:
                peer.close()
            await_true(lambda: self.served(sasd), "room again")

    @staticmethod
    def served(sasd):
        try:
            with sasd.channel() as channel:
                get_node(channel, timeout=5)
            return True
        except grpc.RpcError:
            return False

    def test_watch_without_progress_ends_with_its_limit(self):
        with Node("--limit", "watch_stall_seconds=1", tls=False, fabric="oak-816") as sasd:
            # A window that does not grow: the snapshot does not fit into it.
            window = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65536)]
            with sasd.channel(window) as channel, sasd.channel() as other:
                node_grpc.NodeServiceStub(other).WaitSettled(
                    node.WaitSettledRequest(), timeout=TIMEOUT_S)
                stream = watch_grpc.WatchServiceStub(channel).Watch(watch.WatchRequest())
                next(stream)
                limit = lambda: next(
                    each.refusal_count for each in get_node(other).limits
                    if each.name == "watch_stall_seconds")
                await_true(lambda: limit() == 1, "the Watch ends")
                with self.assertRaises(grpc.RpcError) as raised:
                    for _ in stream:
                        pass
                self.assertEqual(raised.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
                self.assertIn("watch_stall_seconds is 1", raised.exception.details())
                self.assertIn("start over", raised.exception.details())

    def test_old_watch_over_tcp_ends_with_its_token(self):
        with Node("--limit", "connection_age_seconds=10", tls=False) as sasd:
            with sasd.tcp_channel() as channel:
                stream = watch_grpc.WatchServiceStub(channel).Watch(watch.WatchRequest())
                with self.assertRaises(grpc.RpcError) as raised:
                    for _ in stream:
                        pass
                self.assertEqual(raised.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
                self.assertIn("resume with the token", raised.exception.details())

    def test_descriptors_are_given_back(self):
        with Node(tls=False) as sasd:
            with sasd.channel() as channel:
                get_node(channel)
            count = descriptors(sasd.process.pid)
            for _ in range(200):
                with sasd.channel() as channel:
                    get_node(channel)
            await_true(lambda: descriptors(sasd.process.pid) <= count + 2, "descriptors")

    def test_two_starts_at_once(self):
        for _ in range(STARTS):
            with tempfile.TemporaryDirectory(dir="/tmp") as folder:
                path = os.path.join(folder, "s")
                logs = [open(f"{path}{i}.log", "w+", encoding="utf-8") for i in range(2)]
                both = [
                    subprocess.Popen([SASD, "--fabric", "demo", "--listen", "unix:" + path],
                                     stderr=log) for log in logs]
                try:
                    self.check_one_serves(both, path)
                except BaseException:
                    for process, log in zip(both, logs):
                        log.seek(0)
                        print(f"exit code {process.poll()}:", log.read())
                    raise
                finally:
                    for process, log in zip(both, logs):
                        process.kill()
                        process.wait()
                        log.close()

    def check_one_serves(self, both, path):
        await_true(lambda: [p.poll() for p in both].count(None) == 1, "one ends")
        loser = next(p for p in both if p.poll() is not None)
        winner = next(p for p in both if p is not loser)
        self.assertEqual(loser.returncode, 1)
        await_true(lambda: os.path.exists(path), "the socket")
        with grpc.insecure_channel("unix:" + path) as channel:
            grpc.channel_ready_future(channel).result(timeout=TIMEOUT_S)
            get_node(channel)
        winner.terminate()
        self.assertEqual(winner.wait(timeout=TIMEOUT_S), 0)
        self.assertFalse(os.path.exists(path))


if __name__ == "__main__":
    unittest.main()
