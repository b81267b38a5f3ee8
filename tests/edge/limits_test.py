"""What a hostile client can and cannot do to others. Each was once possible."""

import collections
import json
import os
import resource
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import worst
from edge_node import SASCTL, SASD, TIMEOUT_S, Node, descriptors
from http2 import (ACK, DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, call_headers, frame,
                   message, settings)

import grpc
from sas.emulator.v1 import emulator_service_pb2 as emulator
from sas.emulator.v1 import emulator_service_pb2_grpc as emulator_grpc
from sas.v1 import baseline_service_pb2 as baseline
from sas.v1 import baseline_service_pb2_grpc as baseline_grpc
from sas.v1 import events_pb2 as events
from sas.v1 import history_service_pb2 as history
from sas.v1 import history_service_pb2_grpc as history_grpc
from sas.v1 import node_service_pb2 as node
from sas.v1 import node_service_pb2_grpc as node_grpc
from sas.v1 import topology_service_pb2 as topology
from sas.v1 import topology_service_pb2_grpc as topology_grpc
from sas.v1 import watch_service_pb2 as watch
from sas.v1 import watch_service_pb2_grpc as watch_grpc

FABRIC = os.environ.get("EDGE_FABRIC", "oak-816")
HOLD_FABRIC = os.environ.get("EDGE_HOLD_FABRIC", "synthetic:1x20x100")
# SIGTERM ends sasd in 2 seconds; the rest is for a machine that is busy with other tests.
END_S = 2 + 3
RESTARTS = int(os.environ.get("EDGE_RESTARTS", "2"))
STARTS = int(os.environ.get("EDGE_STARTS", "10"))


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


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def failure(error):
    """A call on a connection that sasd has accepted may end with sasd. A connection attempt may not."""
    if "failed to connect" not in error.details() and error.code() in (
            grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE):
        return "ended with sasd"
    return f"{error.code().name}: {error.details()}"


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

    def test_streams_of_a_connection_are_limited(self):
        with Node("--limit", "streams_per_connection=4", tls=False) as sasd, \
                connect(sasd.socket) as peer:
            peer.sendall(PREFACE + settings())
            answer = peer.recv(1 << 16)
            # Parameter 3, SETTINGS_MAX_CONCURRENT_STREAMS (RFC 9113, 6.5.2).
            self.assertIn((3).to_bytes(2, "big") + (4).to_bytes(4, "big"), answer)
            peer.sendall(frame(SETTINGS, ACK, 0))

            def begin(stream):
                peer.sendall(frame(HEADERS, END_HEADERS, stream,
                                   call_headers("/sas.v1.WatchService/Watch")) +
                             frame(DATA, END_STREAM, stream, message(b"")))
            for stream in (1, 3, 5, 7):
                begin(stream)
            await_true(lambda: sasd.subscribers() == 4, "four Watches")
            begin(9)
            while chunk := peer.recv(1 << 16):  # gRPC ends the connection
                answer += chunk
            await_true(lambda: sasd.subscribers() == 0, "they have ended")
            self.assertTrue(self.served(sasd))

    @staticmethod
    def served(sasd):
        try:
            with sasd.channel() as channel:
                get_node(channel, timeout=5)
            return True
        except grpc.RpcError:
            return False

    def test_client_that_cancels_without_end_is_cut_off(self):
        begins = {
            "a quick call": lambda channel: node_grpc.NodeServiceStub(channel).GetNode.future(
                node.GetNodeRequest()),
            "a large call": lambda channel: topology_grpc.TopologyServiceStub(channel)
                .ListEndDevices.future(topology.ListEndDevicesRequest(page_size=1000)),
            "a Watch": lambda channel: watch_grpc.WatchServiceStub(channel).Watch(
                watch.WatchRequest()),
            "a Watch without snapshot": lambda channel: watch_grpc.WatchServiceStub(channel).Watch(
                watch.WatchRequest(skip_snapshot=True)),
        }
        for name, begin in begins.items():
            with self.subTest(name), Node("--limit", "abandoned_calls=20", tls=False) as sasd, \
                    sasd.channel() as channel:
                def is_cut_off(begin=begin, channel=channel, sasd=sasd):
                    calls = [begin(channel) for _ in range(40)]
                    for call in calls:
                        call.cancel()
                    # Another process: this one may not connect again for a while.
                    status = subprocess.run(
                        [SASCTL, "--addr", "unix:" + sasd.socket, "status", "-o", "json"],
                        check=True, capture_output=True, text=True)
                    return any(each["name"] == "abandoned_calls" and int(each.get("refusalCount", 0))
                               for each in json.loads(status.stdout)["limits"])
                await_true(is_cut_off, f"{name} that is begun and cancelled without end is counted")

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

    def test_certificate_that_ends_is_a_finding(self):
        with Node() as sasd, sasd.channel() as channel:
            stub = node_grpc.NodeServiceStub(channel)
            certificate = os.path.join(sasd.ca.folder, "node.example.org.pem")

            def reasons():
                return {f.reason for f in stub.ListFindings(node.ListFindingsRequest()).findings}

            def checks():
                return {(c.reason, c.message.split(" in ")[0])
                        for c in stub.Diagnose(node.DiagnoseRequest()).checks
                        if c.subject == "TLS"}
            # They are valid for 30 days.
            await_true(lambda: "CERTIFICATE_EXPIRES" in reasons(), "the notice")
            self.assertEqual(checks(), {
                ("CERTIFICATE_EXPIRES", "certificate CN=node.example.org"),
                ("CERTIFICATE_EXPIRES", "certificate CN=test CA")})
            with open(certificate, encoding="ascii") as file:
                good = file.read()
            sasd.ca.issue("node.example.org", days=-1, usage="serverAuth")
            self.assertIn(("CERTIFICATE_EXPIRED", "certificate CN=node.example.org"), checks())
            await_true(lambda: "CERTIFICATE_EXPIRED" in reasons(), "the end")
            with open(certificate, "w", encoding="ascii") as file:
                file.write(good[:100])
            self.assertIn("CERTIFICATE_UNUSABLE", {reason for reason, _ in checks()})
            await_true(lambda: "CERTIFICATE_UNUSABLE" in reasons(), "the damage")
            with open(certificate, "w", encoding="ascii") as file:
                file.write(good)
            checks()
            await_true(lambda: reasons() & {"CERTIFICATE_UNUSABLE", "CERTIFICATE_EXPIRED"} == set(),
                       "a good one is in its place")

    def test_audit_outlives_a_restart(self):
        with tempfile.TemporaryDirectory(dir="/tmp") as state:
            with Node("--state-dir", state, tls=False) as sasd:
                with sasd.channel() as owner, sasd.tcp_channel() as viewer:
                    node_grpc.NodeServiceStub(owner).WaitSettled(
                        node.WaitSettledRequest(), timeout=TIMEOUT_S)
                    drive = topology_grpc.TopologyServiceStub(owner).ListLogicalUnits(
                        topology.ListLogicalUnitsRequest(page_size=1)).logical_units[0].name
                    dismiss = baseline.DismissRequest(object=drive, reason="planned")
                    done = baseline_grpc.BaselineServiceStub(owner).Dismiss(dismiss)
                    codes = [0]
                    for call, request in (
                            (baseline_grpc.BaselineServiceStub(viewer).Dismiss, dismiss),
                            (baseline_grpc.BaselineServiceStub(owner).Undismiss,
                             baseline.UndismissRequest(object="nothing")),
                            (emulator_grpc.EmulatorServiceStub(owner).Pull,
                             emulator.PullRequest(element="nothing"))):
                        with self.assertRaises(grpc.RpcError) as raised:
                            call(request)
                        codes.append(raised.exception.code().value[0])
                    before = self.audited(owner, 4)
            self.assertEqual([each.audit.code for each in before], codes)
            self.assertGreater(before[0].revision, done.revision, "behind what it changed")
            self.assertEqual([each.audit.role for each in before],
                             ["admin", "viewer", "admin", "admin"])
            self.assertIn(f"uid {os.getuid()}, pid {os.getpid()}", before[0].audit.caller)
            self.assertIn(drive, before[0].audit.request)
            self.assertIn("needs the role operator", before[1].audit.message)
            self.assertEqual([each.severity for each in before],
                             [events.SEVERITY_INFO, events.SEVERITY_WARNING] +
                             2 * [events.SEVERITY_INFO])
            with Node("--state-dir", state, tls=False) as sasd, sasd.channel() as owner:
                after = self.audited(owner, 4)
                self.assertEqual([each.audit for each in after], [each.audit for each in before])
                listed = subprocess.run(
                    [SASCTL, "--addr", "unix:" + sasd.socket, "audit", "--severity", "warning"],
                    capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
                self.assertEqual(len(listed.stdout.splitlines()), 1, listed.stdout)
                self.assertIn("called sas.v1.BaselineService/Dismiss", listed.stdout)
                self.assertIn("PERMISSION_DENIED", listed.stdout)

    @staticmethod
    def audited(channel, count):
        found = []

        def listed():
            found[:] = history_grpc.HistoryServiceStub(channel).ListEvents(
                history.ListEventsRequest(cause_kinds=[events.CAUSE_KIND_AUDIT])).events
            return len(found) >= count
        await_true(listed, "the audit")
        assert len(found) == count, found
        return found

    def test_no_request_holds_a_thread(self):
        """The time of a core: the machine may be busy with other tests."""
        with tempfile.TemporaryDirectory(dir="/tmp") as state, \
                Node("--state-dir", state, tls=False, fabric=HOLD_FABRIC) as sasd, \
                sasd.channel([("grpc.max_receive_message_length", 64 << 20)]) as channel:
            node_grpc.NodeServiceStub(channel).WaitSettled(
                node.WaitSettledRequest(), timeout=TIMEOUT_S)
            named = worst.Named(topology_grpc.TopologyServiceStub(channel))
            calls = [worst.caller(channel, method).future(request, timeout=TIMEOUT_S)
                     for _, method, request in worst.requests(named)]
            for label, request in worst.watches(named):
                with self.subTest(label):
                    stream = watch_grpc.WatchServiceStub(channel).Watch(request)
                    self.assertTrue(any(each.HasField("synced") for each in stream))
                    stream.cancel()
            for call in calls:
                self.assertIn(call.code(), (grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND))
            kinds = worst.types()["sas.v1.MetricsService/GetMetrics"]
            answer = worst.caller(channel, "sas.v1.MetricsService/GetMetrics")(
                kinds[0](show_objects=True))
            held = worst.holds(kinds[1].FromString(answer).text)
            self.assertIn("sas.v1.HistoryService/ListEvents", held)
            self.assertLess(max(clocks["cpu"] for clocks in held.values()), 0.1, held)

    def test_work_ends_with_its_deadline(self):
        """By the time of a core that sasd takes: the calls together would take three seconds."""
        with tempfile.TemporaryDirectory(dir="/tmp") as state, \
                Node("--state-dir", state, tls=False, fabric=HOLD_FABRIC) as sasd, \
                sasd.channel() as channel:
            node_grpc.NodeServiceStub(channel).WaitSettled(
                node.WaitSettledRequest(), timeout=TIMEOUT_S)
            request = history.ListEventsRequest(page_size=1000)
            worst.add_patterns(request.filter, worst.EQUAL)
            call = history_grpc.HistoryServiceStub(channel).ListEvents
            before = cpu_s(sasd.process.pid)
            call(request, timeout=TIMEOUT_S)
            whole = cpu_s(sasd.process.pid) - before
            self.assertGreater(whole, 0.03, "there is something to end")
            before, calls = cpu_s(sasd.process.pid), max(10, round(3 / whole))
            for _ in range(calls):
                with self.assertRaises(grpc.RpcError) as raised:
                    call(request, timeout=0.01)
                self.assertEqual(raised.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
            call(history.ListEventsRequest(page_size=1), timeout=TIMEOUT_S)  # behind them
            self.assertLess(cpu_s(sasd.process.pid) - before, 0.6 * calls * whole)

    def test_end_in_the_middle_of_snapshots(self):
        sasd = Node(tls=False, fabric=FABRIC)
        with sasd.channel([("grpc.max_receive_message_length", 64 << 20)]) as settled:
            node_grpc.NodeServiceStub(settled).WaitSettled(node.WaitSettledRequest(), timeout=600)
            count = get_node(settled).resource_count
        # Windows that do not grow hold the snapshots where they are.
        window = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65536)]
        channels = [sasd.channel(window) for _ in range(8)]
        streams = [watch_grpc.WatchServiceStub(c).Watch(watch.WatchRequest()) for c in channels]
        for stream in streams:
            self.assertFalse(next(stream).HasField("synced"), "it fits into the window")
        start = time.monotonic()
        sasd.process.terminate()
        code = sasd.process.wait(timeout=TIMEOUT_S)
        took = time.monotonic() - start
        print(f"SIGTERM in 8 snapshots of {count} resources: {took:.2f} s, exit code {code}")
        self.assertIn(code, (0, 3))
        self.assertLess(took, END_S)
        for channel in channels:
            channel.close()
        sasd.log.close()
        sasd.holder.cleanup()

    def test_restart_under_socket_activation_refuses_no_connection(self):
        with tempfile.TemporaryDirectory(dir="/tmp") as folder, \
                socket.socket(socket.AF_UNIX) as listener:
            path = os.path.join(folder, "s")
            listener.bind(path)
            listener.listen(512)
            stop, outcomes = threading.Event(), collections.Counter()
            clients = [threading.Thread(target=target, args=(path, stop, outcomes))
                       for target in 2 * [self.connect_again_and_again] +
                       2 * [self.call_again_and_again] + [self.call_over_one_channel]]
            sasd = self.start_activated(listener)
            for client in clients:
                client.start()
            try:
                for _ in range(RESTARTS):
                    served = outcomes["answered"]
                    await_true(lambda: outcomes["answered"] > served + 20, "it serves")
                    sasd.terminate()
                    self.assertEqual(sasd.wait(timeout=TIMEOUT_S), 0)
                    self.assertTrue(os.path.exists(path), "the socket is not sasd's to remove")
                    sasd = self.start_activated(listener)
                served = outcomes["answered"]
                await_true(lambda: outcomes["answered"] > served + 20, "the last one serves")
            finally:
                stop.set()
                for client in clients:
                    client.join()
                sasd.terminate()
                sasd.wait(timeout=TIMEOUT_S)
            print(f"{RESTARTS} restarts under socket activation: {dict(outcomes)}")
            self.assertLessEqual({"answered", "called", "called again"}, set(outcomes))
            self.assertLessEqual(set(outcomes),
                                 {"answered", "called", "called again", "ended with sasd"})

    @staticmethod
    def start_activated(listener):
        # As systemd: the socket is descriptor 3, and LISTEN_PID is the process (sd_listen_fds(3)).
        return subprocess.Popen(
            ["sh", "-c", f"exec 3<&{listener.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ "
             f"exec {SASD} --fabric demo --log-level error"], pass_fds=[listener.fileno()])

    @staticmethod
    def connect_again_and_again(path, stop, outcomes):
        """As far as a client needs to know that it is connected: the SETTINGS of the server."""
        while not stop.is_set():
            try:
                with connect(path) as peer:
                    peer.settimeout(TIMEOUT_S)
                    peer.sendall(PREFACE + b"\0\0\0\4\0\0\0\0\0")
                    outcomes["answered" if peer.recv(9)[3:4] == b"\4" else "closed"] += 1
            except OSError as error:
                outcomes[repr(error)] += 1

    @staticmethod
    def call_again_and_again(path, stop, outcomes):
        """Each call has a connection of its own. It does not wait for one: a refusal fails it."""
        while not stop.is_set():
            with grpc.insecure_channel(
                    "unix:" + path, [("grpc.use_local_subchannel_pool", 1)]) as channel:
                try:
                    get_node(channel)
                    outcomes["called"] += 1
                except grpc.RpcError as error:
                    outcomes[failure(error)] += 1

    @staticmethod
    def call_over_one_channel(path, stop, outcomes):
        """A client that stays connects again when sasd ends the connection."""
        with grpc.insecure_channel(
                "unix:" + path, [("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub = node_grpc.NodeServiceStub(channel)
            while not stop.is_set():
                try:
                    stub.GetNode(node.GetNodeRequest(), timeout=TIMEOUT_S, wait_for_ready=True)
                    outcomes["called again"] += 1
                except grpc.RpcError as error:
                    outcomes[failure(error)] += 1

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
